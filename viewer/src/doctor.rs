//! What `lambdaview doctor` finds: each thing that was looked at, its state, and what to do. Pure: it is given what was asked.

mod server;
mod telemetry;

pub use server::{Connection, server};
pub use telemetry::{Telemetry, telemetry};

/// How a thing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    #[default]
    Ok,
    /// It works, and not as well as it could.
    Warn,
    /// It does not work.
    Fail,
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// A thing that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: String,
    /// How it is.
    pub state: State,
    /// What was found, and what it means.
    pub says: String,
    /// What to do about it.
    pub next: Option<String>,
}

impl Check {
    /// It is as it should be.
    #[must_use]
    pub fn ok(name: &str, says: impl Into<String>) -> Self {
        Self { name: name.to_owned(), says: says.into(), ..Self::default() }
    }

    /// It could be better.
    #[must_use]
    pub fn warn(name: &str, says: impl Into<String>, next: &str) -> Self {
        Self { state: State::Warn, next: Some(next.to_owned()), ..Self::ok(name, says) }
    }

    /// It does not work.
    #[must_use]
    pub fn fail(name: &str, says: impl Into<String>, next: &str) -> Self {
        Self { state: State::Fail, ..Self::warn(name, says, next) }
    }
}
