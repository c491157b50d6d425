//! `lambdaview cold`, as it is typed.

use clap::Args;
use lambdaview_queries::name::NamePattern;

/// `lambdaview cold`.
#[derive(Debug, Args)]
pub struct ColdArgs {
    /// Only of these: a name, a glob, /a regular expression/, an ARN or /aws/lambda/NAME. Default: of all.
    #[arg(value_name = "FUNCTION")]
    pub functions: Vec<NamePattern>,
}

pub(super) const HELP: &str = "\
A line for each function, version, memory size and architecture, as far as these are told. cold: invocations that waited for a
start, and their share of all. unseen: inits that no request waited for. $: what the inits cost, which are billed since August
2025; x86_64's price where the architecture is not told.

JSON and CSV: `lambdaview help json`.

Examples:
  lambdaview cold --since 7d
  lambdaview cold 'pay-*' -o csv";
