//! `lambdaview logs`, as it is typed.

use clap::Args;
use lambdaview_queries::name::NamePattern;

use super::tail::LinesArgs;

/// `lambdaview logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Functions: a name, a glob, /a regular expression/, an ARN, /aws/lambda/NAME. Default: all of them.
    #[arg(value_name = "FUNCTION")]
    pub functions: Vec<NamePattern>,
    /// What `tail` and `logs` share.
    #[command(flatten)]
    pub lines: LinesArgs,
}

pub(super) const HELP: &str = "\
The lines of the last hour (--since, --until), oldest first, through $PAGER on a terminal. JSON as that of `tail`.

Examples:
  lambdaview logs checkout --since 2h -i 'card declined'
  lambdaview logs --level error --since 1d              of all functions
  lambdaview logs 'pay-*' -q 'level>=warn and not body~retry' -o csv > warnings.csv
  lambdaview logs checkout --request 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";
