//! `lambdaview functions` and `lambdaview top`, as they are typed.

use std::time::Duration;

use clap::{Args, ValueEnum};
use lambdaview_queries::name::NamePattern;

/// `lambdaview functions`.
#[derive(Debug, Args)]
pub struct FunctionsArgs {
    /// Only these: a name, a glob, /a regular expression/, an ARN or /aws/lambda/NAME.
    #[arg(value_name = "FUNCTION")]
    pub functions: Vec<NamePattern>,
    /// What stands first.
    #[arg(long, value_enum, default_value_t = Sort::Inv, value_name = "COLUMN")]
    pub sort: Sort,
    /// Keep the table up to date on a terminal, as `lambdaview top` does.
    #[arg(long)]
    pub live: bool,
    /// How often.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = crate::ask::duration)]
    pub interval: Duration,
    /// Say nothing of functions that were silent.
    #[arg(long)]
    pub no_silent: bool,
}

/// By what functions are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// Invocations.
    #[default]
    Inv,
    /// The share of failed invocations.
    Err,
    /// The median duration.
    P50,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// The share of cold starts.
    Cold,
    /// The share of the memory that was used.
    Mem,
    /// Bytes logged.
    Log,
    /// What that would cost in CloudWatch.
    Cost,
    /// The newest record.
    Last,
    /// The name.
    Name,
}

pub(super) const HELP: &str = "\
inv: invocations, by spans, by the platform's reports, or by the request ids on lines. mem: the most that an invocation used, of
what is configured. log: bytes as CloudWatch would have had them; `~` where they are reckoned from the newest hour, because lines
were counted in the index and not read. $/mo: CloudWatch's price for as much in a month; `lambdaview cost` says how. The bars are
invocations over the window. `-` is what nobody tells.

Below the table: functions of the last seven days that were silent in the window, what came by a schedule and missed it, and
functions that were invoked and logged nothing. On tables older than today's (ClickStack 2.28, ClickHouse 26.3) a function whose
service still writes is not told of as silent.

JSON and CSV: `lambdaview help json`.

Examples:
  lambdaview functions --since 24h --sort err
  lambdaview fn 'pay-*' -o csv
  lambdaview top --interval 5s                    on a terminal until Ctrl-C; in a pipe a table once";
