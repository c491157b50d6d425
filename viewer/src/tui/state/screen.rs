//! The screens there are. Another one is a variant here, a file in `state/` and one in `view/`, and its rows in the table of keys.

use super::{functions::Functions, page::Page, tail::Tail};
use crate::tui::keys::{Command, Scope};

/// A screen.
#[derive(Debug)]
pub enum Screen {
    /// What there is.
    Functions(Functions),
    /// A function's lines.
    Tail(Box<Tail>),
}

impl Screen {
    /// What all screens have in common.
    #[must_use]
    pub fn page(&self) -> &dyn Page {
        match self {
            Self::Functions(screen) => screen,
            Self::Tail(screen) => &**screen,
        }
    }

    /// The same, to be changed.
    pub fn page_mut(&mut self) -> &mut dyn Page {
        match self {
            Self::Functions(screen) => screen,
            Self::Tail(screen) => &mut **screen,
        }
    }

    /// The screen that a command opens from the screen `from`, if it opens one.
    #[must_use]
    pub fn for_command(command: Command, from: &dyn Page) -> Option<Self> {
        match (command, from.scope()) {
            (Command::Open, Scope::Functions) | (Command::Tail, _) => from.function().map(|name| Self::tail(&name)),
            _ => None,
        }
    }

    /// A function's lines.
    #[must_use]
    pub fn tail(function: &str) -> Self {
        Self::Tail(Box::new(Tail::new(function)))
    }

    /// The names of functions that it knows.
    #[must_use]
    pub fn functions(&self) -> Option<Vec<String>> {
        match self {
            Self::Functions(screen) => Some(screen.names()),
            Self::Tail(_) => None,
        }
    }
}
