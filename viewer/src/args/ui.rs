//! `lambdaview ui`, as it is typed.

use clap::{Args, ValueEnum};

/// `lambdaview ui`.
#[derive(Debug, Default, Args)]
pub struct UiArgs {
    /// The screen to begin with.
    #[arg(value_enum, default_value_t)]
    pub screen: First,
    /// What it is to show: the function of `tail`, the id of `trace`.
    pub what: Option<String>,
}

/// The screen to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum First {
    /// What there is.
    #[default]
    Functions,
    /// A function's lines.
    Tail,
    /// A trace.
    Trace,
    /// What the logs cost.
    Cost,
}

pub(super) const HELP: &str = "\
Keys: ? shows them all, q goes back and in the end quits.

Examples:
  lambdaview                       on a terminal, the same as `lambdaview ui`
  lambdaview ui tail checkout      a function's lines; the same as `lambdaview tail checkout --tui`
  lambdaview -c prod --since 24h ui";
