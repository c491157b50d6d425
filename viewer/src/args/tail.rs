//! `lambdaview tail`, as it is typed.

use clap::Args;

use crate::ask::Amount;

/// `lambdaview tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// The function's name (`faas.name`, else the service's name).
    pub function: String,
    /// Only the last N lines, or `all`. Default: those of the last 10 minutes.
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<Amount>,
    /// Follow: print lines as they arrive. This is what `tail` does anyway.
    #[arg(short, long, overrides_with = "no_follow")]
    pub follow: bool,
    /// Stop after the lines that are there.
    #[arg(long)]
    pub no_follow: bool,
    /// In the viewer instead of the stream.
    #[arg(short = 'I', long)]
    pub tui: bool,
}

pub(super) const HELP: &str = "\
Each line: time, severity, invocation (first 8 of its request id), trace (first 8 of its id), text.
A line that arrives after newer ones were printed says by how much: late +3.2s. It is printed once, like every line.

JSON, one object a line:
  {\"time\":\"2026-11-22T14:02:11.204000000Z\",\"function\":\"checkout\",\"service\":\"checkout\",\"severity\":\"info\",
   \"severity_number\":9,\"body\":\"...\",\"trace_id\":\"\",\"span_id\":\"\",\"invocation_id\":\"...\",\"attributes\":{},\"late_ms\":3200}
  An id that the record lacks is an empty string; late_ms is there only on late lines.

Examples:
  lambdaview tail checkout                   the last ten minutes, then live; Ctrl-C ends it
  lambdaview tail checkout -n 20             the last 20 lines of any age, then live
  lambdaview tail checkout --since 2h --no-follow | grep -i timeout";
