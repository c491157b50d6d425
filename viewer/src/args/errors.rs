//! `lambdaview errors`, as it is typed.

use clap::Args;
use lambdaview_queries::name::NamePattern;

/// `lambdaview errors`.
#[derive(Debug, Args)]
pub struct ErrorsArgs {
    /// Only of these: a name, a glob, /a regular expression/, an ARN or /aws/lambda/NAME. Default: of all.
    #[arg(value_name = "FUNCTION")]
    pub functions: Vec<NamePattern>,
    /// At most so many kinds.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub lines: usize,
    /// End with exit code 7 when there are any: for a pipeline.
    #[arg(long)]
    pub fail: bool,
}

pub(super) const HELP: &str = "\
Lines of severity error and above are one kind where they differ in ids, numbers and quoted words only. An invocation that failed
without such a line, by a timeout for one, is a kind of its own by what the platform says. inv: the share of the functions'
invocations in that time that it happened to.

JSON and CSV: `lambdaview help json`.

Examples:
  lambdaview errors --since 24h
  lambdaview errors checkout --since 5m --fail         exit code 7 when there are any";
