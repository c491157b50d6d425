//! The table of keys. They are those of less, vim, lnav and k9s; none does anything that cannot be undone.

use super::{
    Binding,
    Command::{self, *},
    Scope, What,
};

const fn row(
    scope: Scope,
    keys: &'static [&'static str],
    command: Command,
    name: &'static str,
    help: &'static str,
) -> Binding {
    Binding { scope, keys, command, name, help, hint: None }
}

impl Binding {
    const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

use Scope::{
    Detail as OnDetail, Everywhere, Functions as OnFunctions, Invocations as OnInvocations, Tail as OnTail,
    Trace as OnTrace,
};

/// Every key of the viewer.
pub const TABLE: &[Binding] = &[
    row(Everywhere, &["j", "Down"], Down, "down", "down"),
    row(Everywhere, &["k", "Up"], Up, "up", "up"),
    row(Everywhere, &["^d"], HalfDown, "half page down", "half a page down"),
    row(Everywhere, &["^u"], HalfUp, "half page up", "half a page up"),
    row(Everywhere, &["Space", "PageDown", "^f"], PageDown, "page down", "a page down"),
    row(Everywhere, &["b", "PageUp", "^b"], PageUp, "page up", "a page up"),
    row(Everywhere, &["g", "Home"], Top, "top", "to the first"),
    row(Everywhere, &["G", "End"], Bottom, "bottom", "to the last"),
    row(Everywhere, &["Enter"], Open, "open", "open what is under the cursor"),
    row(Everywhere, &["Esc"], Back, "back", "stop what is running, else back"),
    row(Everywhere, &["q"], Back, "close", "back; from the first screen, quit"),
    row(Everywhere, &["Q", "^c"], Quit, "quit", "quit from anywhere"),
    row(Everywhere, &["/"], Search, "search", "search"),
    row(Everywhere, &["n"], Next, "next match", "to the next match"),
    row(Everywhere, &["N"], Previous, "previous match", "to the match before"),
    row(Everywhere, &["&"], Filter, "filter", "show only what contains a text; empty shows all"),
    row(Everywhere, &[":"], Palette, "palette", "everything there is to do, by name"),
    row(Everywhere, &["Backspace"], Return, "return", "back to the line one came from"),
    row(Everywhere, &["y y", "y l"], Copy(What::Line), "copy line", "copy the line"),
    row(Everywhere, &["y j"], Copy(What::Json), "copy json", "copy it as JSON"),
    row(Everywhere, &["y t"], Copy(What::Trace), "copy trace id", "copy its trace id"),
    row(Everywhere, &["y r"], Copy(What::Request), "copy request id", "copy its request id"),
    row(Everywhere, &["y c"], Copy(What::Command), "copy command", "copy a command that shows this again"),
    row(Everywhere, &["y s"], Copy(What::Sql), "copy sql", "copy the SQL behind this"),
    row(Everywhere, &["T"], Times, "time range", "choose the stretch of time"),
    row(Everywhere, &["{"], Earlier, "earlier", "half a stretch of time earlier"),
    row(Everywhere, &["}"], Later, "later", "half a stretch of time later"),
    row(Everywhere, &["1"], Functions, "functions", "the functions"),
    row(Everywhere, &["2"], Tail, "tail", "the lines of the function under the cursor"),
    row(Everywhere, &["5"], Cost, "cost", "what the logs cost"),
    row(Everywhere, &["v"], Web, "view in hyperdx", "copy a link to the same place in ClickStack's web UI"),
    row(Everywhere, &["M"], Mouse, "mouse", "the mouse on or off (off leaves selecting to the terminal)"),
    row(Everywhere, &["R"], Refresh, "read again", "ask again"),
    row(Everywhere, &["^l"], Redraw, "redraw", "draw the screen anew"),
    row(Everywhere, &["^z"], Suspend, "suspend", "to the shell; fg comes back"),
    row(Everywhere, &["?"], Help, "help", "these keys").hint("help"),
    row(OnFunctions, &["s"], SortNext, "sort by next column", "sort by the next column").hint("sort"),
    row(OnFunctions, &["S"], SortPrevious, "sort by previous column", "sort by the column before"),
    row(OnFunctions, &["r"], SortReverse, "reverse order", "turn the order round"),
    row(OnFunctions, &["t"], Tail, "tail function", "its lines").hint("tail"),
    row(OnFunctions, &["$"], Cost, "cost of functions", "what their logs cost").hint("cost"),
    row(OnTail, &["F"], Follow, "follow", "follow: stay with the newest line").hint("follow"),
    row(OnTail, &["p", "="], Pause, "pause", "take in no more lines, or go on"),
    row(OnTail, &["e"], NextError, "next error", "to the next error").hint("error"),
    row(OnTail, &["E"], PreviousError, "previous error", "to the error before"),
    row(OnTail, &["w"], NextWarning, "next warning", "to the next warning"),
    row(OnTail, &["W"], PreviousWarning, "previous warning", "to the warning before"),
    row(OnTail, &["o"], NextOfInvocation, "next of invocation", "to the next line of the same invocation"),
    row(OnTail, &["O"], PreviousOfInvocation, "previous of invocation", "to the line before of the same invocation"),
    row(OnTail, &["i"], Invocation, "this invocation", "the invocation of this line"),
    row(OnTail, &["t"], Trace, "trace of line", "the trace of this line").hint("trace"),
    row(OnTail, &["x"], FilterOut, "filter out", "hide lines like this one"),
    row(OnTail, &["X"], FilterIn, "filter in", "show only lines of this invocation"),
    row(OnTail, &["f"], Fold, "fold", "fold or unfold a line of several"),
    row(OnTail, &["Z"], Wrap, "wrap", "wrap long lines or cut them"),
    row(OnTail, &["m *"], Mark('*'), "mark", "mark this line with a letter"),
    row(OnTail, &["' *"], GoToMark('*'), "go to mark", "to the line with that mark"),
    row(OnTail, &["s"], Save, "save", "write the lines shown to a file"),
    row(OnInvocations, &["s"], SortNext, "sort invocations", "sort by the next column").hint("sort"),
    row(OnInvocations, &["r"], SortReverse, "reverse invocations", "turn the order round"),
    row(OnInvocations, &["e"], NextError, "next failed", "to the next that failed"),
    row(OnInvocations, &["E"], PreviousError, "previous failed", "to the one before that failed"),
    row(OnTrace, &["h", "Left"], FoldIn, "fold span", "fold the span, or go to its parent").hint("fold"),
    row(OnTrace, &["l", "Right"], FoldOut, "unfold span", "unfold the span"),
    row(OnTrace, &["z M"], FoldAll, "fold all", "fold all"),
    row(OnTrace, &["z R"], OpenAll, "open all", "unfold all"),
    row(OnTrace, &["["], LevelUp, "one level less", "show one level less"),
    row(OnTrace, &["]"], LevelDown, "one level more", "show one level more"),
    row(OnTrace, &["."], Root, "make root", "make the span under the cursor the root"),
    row(OnTrace, &[","], UndoRoot, "undo root", "back to the root before"),
    row(OnTrace, &["+"], ZoomIn, "zoom in", "zoom in").hint("zoom"),
    row(OnTrace, &["-"], ZoomOut, "zoom out", "zoom out"),
    row(OnTrace, &["0"], ZoomReset, "zoom reset", "the whole trace again"),
    row(OnTrace, &["H"], PanLeft, "pan left", "move the stretch shown to earlier"),
    row(OnTrace, &["L"], PanRight, "pan right", "move the stretch shown to later"),
    row(OnTrace, &["c"], Critical, "critical path", "mark the critical path, or not"),
    row(OnTrace, &["a"], Lines, "log lines", "show log lines, or not").hint("logs"),
    row(OnTrace, &["A"], Spans, "spans", "show spans, or only log lines"),
    row(OnTrace, &["f"], Flat, "flat", "by time instead of by parent"),
    row(OnTrace, &["e"], NextError, "next error span", "to the next error"),
    row(OnTrace, &["E"], PreviousError, "previous error span", "to the error before"),
    row(OnTrace, &["t"], Trace, "linked trace", "the trace that the span links to"),
    row(OnTrace, &["Tab"], Focus, "detail", "the detail of a row: open, go into it, close"),
    row(OnDetail, &["t"], Trace, "its trace", "the trace of this line or span").hint("trace"),
];
