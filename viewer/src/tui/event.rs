//! What can happen to the viewer: a key, a new size, an answer, the passing of time. Everything it knows came in as one of these.

use super::ask::{Answer, Problem, Ticket};

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something; only while it is switched on.
    Mouse(Mouse),
    /// The terminal has this size.
    Resize {
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// A question has (part of) its answer.
    Answer(Ticket, Answer),
    /// A question has no answer.
    Failed(Ticket, Problem),
    /// A question is done: nothing more comes of it.
    Ended(Ticket),
    /// Time passed, and something that is shown depends on it.
    Tick,
}

/// A key with what was held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// With Ctrl.
    pub ctrl: bool,
}

/// Which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "keys are named as they are on a keyboard")]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Backspace,
    Delete,
    Tab,
    BackTab,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// The wheel, towards older or upper things.
    Up,
    /// The wheel, towards newer or lower things.
    Down,
    /// A click in that row of the screen.
    Click {
        /// Counted from the top, from 0.
        row: u16,
    },
}

impl Key {
    /// A key alone.
    #[must_use]
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false }
    }

    /// A character's key.
    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    /// A character's key with Ctrl.
    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self { code: Code::Char(c), ctrl: true }
    }
}
