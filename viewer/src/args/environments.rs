//! `lambdaview environments`, as it is typed.

use clap::Args;
use lambdaview_queries::name::NamePattern;

/// `lambdaview environments`.
#[derive(Debug, Args)]
pub struct EnvironmentsArgs {
    /// Whose: a name, a glob, /a regular expression/, an ARN or /aws/lambda/NAME.
    #[arg(value_name = "FUNCTION", required = true)]
    pub functions: Vec<NamePattern>,
    /// At most so many environments, those that were used last.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 40)]
    pub lines: usize,
}

pub(super) const HELP: &str = "\
A lane for each execution environment (faas.instance): its init, its invocations, the time between them. A lane begins and ends
with what is known of it: nobody tells when an idle environment was taken down. memory: what its first and its last invocation
used; what only grows may be a leak. At the end: how many invocations ran at the same time at most.

JSON and CSV: `lambdaview help json`.

Examples:
  lambdaview environments checkout --since 2h
  lambdaview env checkout -o json";
