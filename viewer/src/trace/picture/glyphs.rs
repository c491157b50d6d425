//! The signs that a trace is drawn with.

/// One set of signs; each takes one column, those of a fold and the sigils with the room after them two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyphs {
    /// The bar of a span that entered a service.
    pub(super) entry: &'static str,
    /// The bar of any other span.
    pub(super) span: &'static str,
    /// The bar of an environment's start.
    pub(super) start: &'static str,
    /// The bar of what happened after the response.
    pub(super) after: &'static str,
    /// The bar of time that other bars tell of too.
    pub(super) overlay: &'static str,
    /// The bar of a wait.
    pub(super) wait: &'static str,
    /// Between bars and times.
    pub(super) edge: &'static str,
    /// The mark of what the end waited for.
    pub(super) critical: &'static str,
    /// Before the number of lines that are not shown.
    pub(super) more: &'static str,
    /// What stands below is shown, ...
    pub(super) open: &'static str,
    /// ... or not.
    pub(super) closed: &'static str,
    /// Before a span that failed.
    pub(super) failed: &'static str,
    /// Before a part of the platform's.
    pub(super) phase: &'static str,
    /// Before a wait.
    pub(super) waiting: &'static str,
    /// Before a log line, and where it was written.
    pub(super) line: &'static str,
    /// Before an event.
    pub(super) event: &'static str,
    /// Between those who call each other.
    pub(super) calls: &'static str,
    /// Where an error was written.
    pub(super) error: &'static str,
    /// What lies before and after the stretch that is shown.
    pub(super) outside: [&'static str; 2],
}

impl Glyphs {
    pub(super) const UNICODE: Self = Self {
        entry: "█",
        span: "━",
        start: "▓",
        after: "┄",
        overlay: "─",
        wait: "░",
        edge: "│",
        critical: " ◀",
        more: "▸",
        open: "▾ ",
        closed: "▸ ",
        failed: "✗ ",
        phase: "◦ ",
        waiting: "┆ ",
        line: "· ",
        event: "◆ ",
        calls: "→",
        error: "✗",
        outside: ["‹", "›"],
    };

    pub(super) const ASCII: Self = Self {
        entry: "#",
        span: "=",
        start: "%",
        after: "~",
        overlay: "-",
        wait: ".",
        edge: "|",
        critical: " <",
        more: "+",
        open: "v ",
        closed: "> ",
        failed: "x ",
        phase: "o ",
        waiting: ": ",
        line: "- ",
        event: "* ",
        calls: "->",
        error: "x",
        outside: ["<", ">"],
    };
}
