//! What screens ask for and what comes back. An answer is data; what becomes of it is the state's business.

use lambdaview_queries::questions::functions::Summary;

use crate::ask::Nanos;

/// Something wanted from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To be connected, and nothing else.
    Connect,
    /// What every function did since then.
    Functions {
        /// Since when.
        from: Nanos,
    },
}

impl Ask {
    /// Whether it goes on until it is given up, as following does.
    #[must_use]
    pub const fn is_endless(&self) -> bool {
        match self {
            Self::Connect | Self::Functions { .. } => false,
        }
    }
}

/// (Part of) an answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// There is a session: told once, before the first other answer.
    Connected(Connected),
    /// To [`Ask::Functions`].
    Functions(Vec<Summary>),
}

/// What the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Its version.
    pub version: String,
    /// What its clock showed.
    pub now: Nanos,
}

/// Why there is no answer, in the words of [`crate::error::Error`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub next: Option<String>,
}

/// Which of a screen's questions: a new one in the same slot takes the place of the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// What the screen shows.
    Main,
    /// More of it, further back.
    Older,
    /// More about the thing under the cursor.
    Detail,
}

/// A question that was asked: an answer comes back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The screen that asked.
    pub screen: u32,
    /// Which of its questions.
    pub slot: Slot,
    /// Tells it from those before it in the same slot.
    pub number: u32,
}
