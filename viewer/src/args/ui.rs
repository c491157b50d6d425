//! `lambdaview ui`, as it is typed.

use clap::{Args, ValueEnum};

/// `lambdaview ui`.
#[derive(Debug, Default, Args)]
pub struct UiArgs {
    /// The screen to begin with.
    #[arg(value_enum, default_value_t)]
    pub screen: First,
}

/// The screen to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum First {
    /// What there is.
    #[default]
    Functions,
}

pub(super) const HELP: &str = "\
Keys: ? shows them all, q goes back and in the end quits.

Examples:
  lambdaview                       on a terminal, the same as `lambdaview ui`
  lambdaview -c prod --since 24h ui";
