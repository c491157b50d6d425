//! The keys: one table says what each does and where, and is also the help, the hints and the palette.

mod table;

use super::event::{Code, Key};

pub use table::TABLE;

/// Where a key means something. What a screen says of a key comes before what holds everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// On every screen.
    Everywhere,
    /// On the functions screen.
    Functions,
    /// On the tail screen.
    Tail,
    /// On the invocations screen.
    Invocations,
    /// On the trace screen.
    Trace,
    /// On the screen of errors.
    Errors,
    /// On the cost screen.
    Cost,
    /// On the screen that shows one thing whole.
    Detail,
}

/// What to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The line as text.
    Line,
    /// The line as JSON.
    Json,
    /// The trace id.
    Trace,
    /// The request id.
    Request,
    /// A command that shows this again.
    Command,
    /// The SQL behind this.
    Sql,
}

/// What a key, or an entry of the palette, does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table beside this says what each does")]
pub enum Command {
    Down,
    Up,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    Top,
    Bottom,
    Open,
    Back,
    Quit,
    Search,
    Next,
    Previous,
    Filter,
    Palette,
    Trace,
    Return,
    Copy(What),
    Times,
    Earlier,
    Later,
    Functions,
    Tail,
    Invocations,
    Errors,
    Cost,
    Web,
    ShowSql,
    Mouse,
    Refresh,
    Redraw,
    Suspend,
    Help,
    SortNext,
    SortPrevious,
    SortReverse,
    Follow,
    Pause,
    NextError,
    PreviousError,
    NextWarning,
    PreviousWarning,
    NextOfInvocation,
    PreviousOfInvocation,
    Invocation,
    FilterOut,
    FilterIn,
    Fold,
    Wrap,
    Blocks,
    Mark(char),
    GoToMark(char),
    Save,
    FoldIn,
    FoldOut,
    FoldAll,
    OpenAll,
    LevelUp,
    LevelDown,
    Root,
    UndoRoot,
    ZoomIn,
    ZoomOut,
    ZoomReset,
    PanLeft,
    PanRight,
    Critical,
    Lines,
    Spans,
    Flat,
    Focus,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Where it holds.
    pub scope: Scope,
    /// The keys, each a sequence such as `j`, `^d`, `y j`; `*` is any character.
    pub keys: &'static [&'static str],
    /// What they do.
    pub command: Command,
    /// The same as a name, for the palette.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// A word for the bottom line, where this is worth a hint.
    pub hint: Option<&'static str>,
}

/// What the keys pressed so far come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// They say this.
    Command(Command),
    /// They are the start of something.
    Unfinished,
    /// They mean nothing.
    Nothing,
}

/// What `pressed` means on a screen.
#[must_use]
pub fn meaning(scope: Scope, pressed: &[Key]) -> Meaning {
    let mut unfinished = false;
    for scope in [scope, Scope::Everywhere] {
        for binding in TABLE.iter().filter(|binding| binding.scope == scope) {
            for sequence in binding.keys {
                match follow(sequence, pressed) {
                    Some(Followed::Whole(any)) => return Meaning::Command(with(binding.command, any)),
                    Some(Followed::Start) => unfinished = true,
                    None => {}
                }
            }
        }
        if unfinished {
            return Meaning::Unfinished;
        }
    }
    Meaning::Nothing
}

/// The rows that hold on a screen: its own, then those for everywhere.
pub fn rows(scope: Scope) -> impl Iterator<Item = &'static Binding> {
    let own = TABLE.iter().filter(move |binding| binding.scope == scope && scope != Scope::Everywhere);
    own.chain(TABLE.iter().filter(|binding| binding.scope == Scope::Everywhere))
}

enum Followed {
    Whole(Option<char>),
    Start,
}

fn follow(sequence: &str, pressed: &[Key]) -> Option<Followed> {
    let mut any = None;
    let mut keys = sequence.split(' ');
    for key in pressed {
        let name = keys.next()?;
        match (name, key.code) {
            ("*", Code::Char(c)) if !key.ctrl => any = Some(c),
            _ if Some(*key) == named(name) => {}
            _ => return None,
        }
    }
    Some(if keys.next().is_none() { Followed::Whole(any) } else { Followed::Start })
}

const fn with(command: Command, any: Option<char>) -> Command {
    match (command, any) {
        (Command::Mark(_), Some(c)) => Command::Mark(c),
        (Command::GoToMark(_), Some(c)) => Command::GoToMark(c),
        _ => command,
    }
}

/// The key that is written so in the table.
fn named(name: &str) -> Option<Key> {
    let mut chars = name.chars();
    let (first, second) = (chars.next()?, chars.next());
    match (first, second) {
        (c, None) => Some(Key::char(c)),
        ('^', Some(c)) if chars.next().is_none() => Some(Key::ctrl(c.to_ascii_lowercase())),
        _ => Some(Key::plain(match name {
            "Space" => Code::Char(' '),
            "Enter" => Code::Enter,
            "Esc" => Code::Esc,
            "Backspace" => Code::Backspace,
            "Tab" => Code::Tab,
            "Up" => Code::Up,
            "Down" => Code::Down,
            "Left" => Code::Left,
            "Right" => Code::Right,
            "Home" => Code::Home,
            "End" => Code::End,
            "PageUp" => Code::PageUp,
            "PageDown" => Code::PageDown,
            _ => return None,
        })),
    }
}

/// The table as text: what `lambdaview help keys` prints.
#[must_use]
pub fn help() -> String {
    let mut text = String::new();
    let mut last = None;
    for Binding { scope, keys, help, .. } in TABLE {
        if last != Some(*scope) {
            let gap = if last.is_some() { "\n" } else { "" };
            text.push_str(&format!("{gap}{}\n", heading(*scope)));
            last = Some(*scope);
        }
        text.push_str(&format!("  {:<16} {help}\n", shown(keys)));
    }
    text
}

/// A scope as a heading.
#[must_use]
pub const fn heading(scope: Scope) -> &'static str {
    match scope {
        Scope::Everywhere => "Everywhere",
        Scope::Functions => "Functions",
        Scope::Tail => "Tail",
        Scope::Invocations => "Invocations",
        Scope::Trace => "Trace",
        Scope::Errors => "Errors",
        Scope::Cost => "Cost",
        Scope::Detail => "Detail",
    }
}

/// A row's keys as they are shown.
#[must_use]
pub fn shown(keys: &[&str]) -> String {
    let arrows = |key: &&str| match *key {
        "Up" => "↑".to_owned(),
        "Down" => "↓".to_owned(),
        "Left" => "←".to_owned(),
        "Right" => "→".to_owned(),
        key => key.replace(" *", " x").replace(' ', ""),
    };
    keys.iter().map(arrows).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_key_of_the_table_can_be_pressed() {
        for binding in TABLE {
            for name in binding.keys.iter().flat_map(|keys| keys.split(' ')).filter(|name| *name != "*") {
                assert!(named(name).is_some(), "{name} of {}", binding.name);
            }
        }
    }

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        let mut seen = HashSet::new();
        for binding in TABLE {
            for keys in binding.keys {
                assert!(seen.insert((format!("{:?}", binding.scope), *keys)), "{keys} twice in {:?}", binding.scope);
                let starts = |other: &&str| other.starts_with(&format!("{keys} "));
                let shadowed = TABLE.iter().filter(|row| row.scope == binding.scope).flat_map(|row| row.keys);
                assert!(!shadowed.into_iter().any(starts), "{keys} is also the start of something longer");
            }
        }
    }

    #[test]
    fn the_help_topic_is_the_table() {
        let shown = include_str!("../help/keys.txt");
        assert_eq!(shown, help(), "viewer/src/help/keys.txt must be:\n{}", help());
    }

    /// Keys as the table names them: `z M`, `^d`.
    fn keys(text: &str) -> Vec<Key> {
        text.split(' ').map(|name| named(name).unwrap()).collect()
    }

    /// What the contract promises on every screen, ...
    const EVERYWHERE: &[(&str, Command)] = &[
        ("j", Command::Down),
        ("k", Command::Up),
        ("Down", Command::Down),
        ("Up", Command::Up),
        ("^d", Command::HalfDown),
        ("^u", Command::HalfUp),
        ("Space", Command::PageDown),
        ("b", Command::PageUp),
        ("g", Command::Top),
        ("G", Command::Bottom),
        ("Esc", Command::Back),
        ("q", Command::Back),
        ("/", Command::Search),
        ("n", Command::Next),
        ("N", Command::Previous),
        ("?", Command::Help),
        ("&", Command::Filter),
        (":", Command::Palette),
        ("Backspace", Command::Return),
        ("y y", Command::Copy(What::Line)),
        ("y j", Command::Copy(What::Json)),
        ("y t", Command::Copy(What::Trace)),
        ("y r", Command::Copy(What::Request)),
        ("y c", Command::Copy(What::Command)),
        ("y s", Command::Copy(What::Sql)),
        ("T", Command::Times),
        ("{", Command::Earlier),
        ("}", Command::Later),
        ("1", Command::Functions),
        ("2", Command::Tail),
        ("3", Command::Invocations),
        ("4", Command::Errors),
        ("5", Command::Cost),
        ("v", Command::Web),
        ("D", Command::ShowSql),
        ("M", Command::Mouse),
        ("^l", Command::Redraw),
        ("^z", Command::Suspend),
    ];

    /// ... and on some.
    const OWN: &[(Scope, &str, Command)] = &[
        (Scope::Functions, "Enter", Command::Invocations),
        (Scope::Functions, "t", Command::Tail),
        (Scope::Functions, "$", Command::Cost),
        (Scope::Tail, "F", Command::Follow),
        (Scope::Tail, "p", Command::Pause),
        (Scope::Tail, "=", Command::Pause),
        (Scope::Tail, "e", Command::NextError),
        (Scope::Tail, "E", Command::PreviousError),
        (Scope::Tail, "w", Command::NextWarning),
        (Scope::Tail, "W", Command::PreviousWarning),
        (Scope::Tail, "o", Command::NextOfInvocation),
        (Scope::Tail, "O", Command::PreviousOfInvocation),
        (Scope::Tail, "i", Command::Invocation),
        (Scope::Tail, "x", Command::FilterOut),
        (Scope::Tail, "X", Command::FilterIn),
        (Scope::Tail, "f", Command::Fold),
        (Scope::Tail, "Z", Command::Wrap),
        (Scope::Tail, "m q", Command::Mark('q')),
        (Scope::Tail, "' q", Command::GoToMark('q')),
        (Scope::Tail, "s", Command::Save),
        (Scope::Tail, "t", Command::Trace),
        (Scope::Tail, "Enter", Command::Open),
        (Scope::Tail, "$", Command::Cost),
        (Scope::Trace, "h", Command::FoldIn),
        (Scope::Trace, "l", Command::FoldOut),
        (Scope::Trace, "Left", Command::FoldIn),
        (Scope::Trace, "Right", Command::FoldOut),
        (Scope::Trace, "z M", Command::FoldAll),
        (Scope::Trace, "z R", Command::OpenAll),
        (Scope::Trace, "[", Command::LevelUp),
        (Scope::Trace, "]", Command::LevelDown),
        (Scope::Trace, ".", Command::Root),
        (Scope::Trace, ",", Command::UndoRoot),
        (Scope::Trace, "+", Command::ZoomIn),
        (Scope::Trace, "-", Command::ZoomOut),
        (Scope::Trace, "0", Command::ZoomReset),
        (Scope::Trace, "H", Command::PanLeft),
        (Scope::Trace, "L", Command::PanRight),
        (Scope::Trace, "c", Command::Critical),
        (Scope::Trace, "a", Command::Lines),
        (Scope::Trace, "A", Command::Spans),
        (Scope::Trace, "f", Command::Flat),
        (Scope::Trace, "e", Command::NextError),
        (Scope::Trace, "E", Command::PreviousError),
        (Scope::Trace, "Tab", Command::Focus),
        (Scope::Trace, "Enter", Command::Open),
    ];

    #[test]
    fn every_key_that_is_promised_does_what_is_promised() {
        let scopes = [Scope::Functions, Scope::Tail, Scope::Invocations, Scope::Trace, Scope::Errors, Scope::Cost];
        let everywhere =
            scopes.into_iter().flat_map(|scope| EVERYWHERE.iter().map(move |(text, does)| (scope, *text, *does)));
        for (scope, text, command) in everywhere.chain(OWN.iter().copied()) {
            assert_eq!(meaning(scope, &keys(text)), Meaning::Command(command), "{text} in {scope:?}");
        }
    }

    #[test]
    fn a_screens_own_meaning_comes_first() {
        let pressed = |keys: &str| keys.chars().map(Key::char).collect::<Vec<_>>();
        let cases = [
            (Scope::Tail, "G", Meaning::Command(Command::Bottom)),
            (Scope::Tail, "yj", Meaning::Command(Command::Copy(What::Json))),
            (Scope::Tail, "y", Meaning::Unfinished),
            (Scope::Tail, "yq", Meaning::Nothing),
            (Scope::Tail, "ma", Meaning::Command(Command::Mark('a'))),
            (Scope::Tail, "'b", Meaning::Command(Command::GoToMark('b'))),
            (Scope::Tail, "f", Meaning::Command(Command::Fold)),
            (Scope::Trace, "f", Meaning::Command(Command::Flat)),
            (Scope::Trace, "zM", Meaning::Command(Command::FoldAll)),
            (Scope::Functions, "$", Meaning::Command(Command::Cost)),
            (Scope::Functions, "ü", Meaning::Nothing),
        ];
        for (scope, keys, means) in cases {
            assert_eq!(meaning(scope, &pressed(keys)), means, "{keys} in {scope:?}");
        }
    }
}
