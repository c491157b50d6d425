//! The screens there are. Another one is a variant here, a file in `state/` and one in `view/`, and its rows in the table of keys.

use super::{
    cost::Cost,
    detail::{Detail, Thing},
    errors::Errors,
    functions::Functions,
    invocations::Invocations,
    page::{Around, Page},
    tail::Tail,
    trace::Waterfall,
};
use crate::tui::keys::{Command, Scope};

/// A screen.
#[derive(Debug)]
pub enum Screen {
    /// What there is.
    Functions(Box<Functions>),
    /// A function's lines.
    Tail(Box<Tail>),
    /// A function's invocations.
    Invocations(Box<Invocations>),
    /// A trace.
    Trace(Box<Waterfall>),
    /// One thing whole.
    Detail(Box<Detail>),
    /// What went wrong.
    Errors(Box<Errors>),
    /// What logs cost.
    Cost(Box<Cost>),
}

impl Screen {
    /// What all screens have in common.
    #[must_use]
    pub fn page(&self) -> &dyn Page {
        match self {
            Self::Functions(screen) => &**screen,
            Self::Tail(screen) => &**screen,
            Self::Invocations(screen) => &**screen,
            Self::Trace(screen) => &**screen,
            Self::Detail(screen) => &**screen,
            Self::Errors(screen) => &**screen,
            Self::Cost(screen) => &**screen,
        }
    }

    /// The same, to be changed.
    pub fn page_mut(&mut self) -> &mut dyn Page {
        match self {
            Self::Functions(screen) => &mut **screen,
            Self::Tail(screen) => &mut **screen,
            Self::Invocations(screen) => &mut **screen,
            Self::Trace(screen) => &mut **screen,
            Self::Detail(screen) => &mut **screen,
            Self::Errors(screen) => &mut **screen,
            Self::Cost(screen) => &mut **screen,
        }
    }

    /// The screen that a command opens from the screen `from`, if it opens one.
    #[must_use]
    pub fn for_command(command: Command, from: &dyn Page, around: &Around) -> Option<Self> {
        match (command, from.scope()) {
            (Command::Tail, scope) if scope != Scope::Tail => from.function().map(|name| Self::tail(&name)),
            (Command::Errors, Scope::Functions) => Some(Self::Errors(Box::default())),
            (Command::Errors, scope) if scope != Scope::Errors => {
                Some(Self::Errors(Box::new(Errors::new(from.function()))))
            }
            (Command::Cost, scope) if scope != Scope::Cost => Some(Self::Cost(Box::default())),
            (Command::Open, Scope::Tail) => {
                Some(Self::Detail(Box::new(Detail::of(Thing::Line(from.line_ref()?), around))))
            }
            (Command::Invocations, scope) if scope != Scope::Invocations => {
                Some(Self::Invocations(Box::new(Invocations::of(&from.function()?))))
            }
            (Command::Trace, _) | (Command::Open, Scope::Invocations) => {
                let trace = Waterfall::of(from.trace()?);
                Some(Self::Trace(Box::new(match from.line_ref() {
                    Some(line) => trace.beginning_at(line),
                    None => trace,
                })))
            }
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
            _ => None,
        }
    }
}
