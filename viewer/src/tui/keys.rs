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
