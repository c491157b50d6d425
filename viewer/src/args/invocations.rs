//! `lambdaview invocations`, as it is typed.

use clap::Args;
use lambdaview_queries::name::NamePattern;

use crate::ask::Amount;

/// `lambdaview invocations`.
#[derive(Debug, Args)]
pub struct InvocationsArgs {
    /// Whose: a name, a glob, /a regular expression/, an ARN or /aws/lambda/NAME; several are one list.
    #[arg(value_name = "FUNCTION", required_unless_present = "request")]
    pub functions: Vec<NamePattern>,
    /// Only those that did not end well.
    #[arg(long)]
    pub failed: bool,
    /// Only those that ran into the function's timeout; `--timeout` without a time means the same.
    #[arg(id = "timed-out", long = "timed-out", visible_alias = "timeouts")]
    pub timed_out: bool,
    /// Only those whose memory ran out.
    #[arg(long)]
    pub oom: bool,
    /// Only cold starts.
    #[arg(long)]
    pub cold: bool,
    /// Only those that came near a limit: over 90 % of the memory, or over 80 % of the timeout.
    #[arg(long)]
    pub near: bool,
    /// Only those that ran for so long: 500ms, 2s.
    #[arg(long, value_name = "TIME", value_parser = crate::ask::duration)]
    pub slow: Option<std::time::Duration>,
    /// Only this request, and how it died if it did.
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// The newest N, or `all`. Default: 100.
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<Amount>,
}

pub(super) const HELP: &str = "\
An invocation is a SERVER span; where nobody sends spans, a platform.report among the logs, else the request ids on lines. What
is not known is `-`. The report (billed time, memory) comes with the environment's next invocation: until then it is `pending`.
With -v the deaths are told: of a timeout, of memory that ran out, of a runtime that exited, where it was and what it said last.
A `!` marks what came near a limit.

JSON and CSV: `lambdaview help json`.

Examples:
  lambdaview invocations checkout --failed --since 24h
  lambdaview inv checkout --timeout                     as --timed-out; `--timeout 5s` is how long the server may work
  lambdaview inv checkout --slow 2s -n 20 -v
  lambdaview inv 'pay-*' --near --since 7d
  lambdaview inv --request 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";
