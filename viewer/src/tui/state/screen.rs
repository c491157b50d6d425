//! The screens there are. Another one is a variant here, a file in `state/` and one in `view/`, and its rows in the table of keys.

use super::{functions::Functions, page::Page};
use crate::tui::keys::Command;

/// A screen.
#[derive(Debug)]
pub enum Screen {
    /// What there is.
    Functions(Functions),
}

impl Screen {
    /// What all screens have in common.
    #[must_use]
    pub fn page(&self) -> &dyn Page {
        match self {
            Self::Functions(screen) => screen,
        }
    }

    /// The same, to be changed.
    pub fn page_mut(&mut self) -> &mut dyn Page {
        match self {
            Self::Functions(screen) => screen,
        }
    }

    /// The screen that a command opens from the screen `from`, if it opens one.
    #[must_use]
    pub fn for_command(_command: Command, _from: &dyn Page) -> Option<Self> {
        None
    }
}
