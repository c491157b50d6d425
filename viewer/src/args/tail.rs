//! `lambdaview tail`, as it is typed, and what it shares with `logs`.

use std::{str::FromStr, time::Duration};

use clap::{Args, ValueEnum};
use lambdaview_queries::name::NamePattern;

use super::{SelectArgs, Timeout};
use crate::{ask::Amount, tail::Rate};

/// `lambdaview tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Functions: a name, a glob, /a regular expression/, an ARN, /aws/lambda/NAME.
    #[arg(required = true, value_name = "FUNCTION")]
    pub functions: Vec<NamePattern>,
    /// What `tail` and `logs` share.
    #[command(flatten)]
    pub lines: LinesArgs,
    /// Follow: print lines as they arrive. This is what `tail` does anyway.
    #[arg(short, long, overrides_with = "no_follow")]
    pub follow: bool,
    /// Stop after the lines that are there.
    #[arg(long)]
    pub no_follow: bool,
    /// In the viewer instead of the stream.
    #[arg(short = 'I', long)]
    pub tui: bool,
    /// Hold lines for so long, so that those which arrive out of order come out in order.
    #[arg(long, value_name = "TIME")]
    pub reorder: Option<Timeout>,
    /// Follow for so long, then stop.
    #[arg(long = "for", value_name = "TIME")]
    pub limit: Option<Timeout>,
    /// Fail (exit code 7) if at the end more of the invocations have logged an error: 1%.
    #[arg(long, value_name = "SHARE")]
    pub fail_error_rate: Option<Rate>,
}

/// What `tail` and `logs` share.
#[derive(Debug, Args)]
pub struct LinesArgs {
    /// Only the last N lines, or `all`.
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<Amount>,
    /// N lines after each that is sought.
    #[arg(short = 'A', long, value_name = "N")]
    pub after_context: Option<usize>,
    /// N lines before each that is sought.
    #[arg(short = 'B', long, value_name = "N")]
    pub before_context: Option<usize>,
    /// N lines around each that is sought, or `inv`: its whole invocation.
    #[arg(short = 'C', long, value_name = "N|inv")]
    pub around: Option<ContextArg>,
    /// Attributes after the text; JSON, logfmt, CSV and detailed have them anyway.
    #[arg(long)]
    pub attributes: bool,
    /// Lines by invocation, framed by how it began and ended.
    #[arg(long)]
    pub group: bool,
    /// Lambda's own lines (START, END, REPORT ...). Default: show; with --group, fold: the frame says what they say.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub platform: Option<Platform>,
    /// Stop after N lines.
    #[arg(long, value_name = "N")]
    pub max_lines: Option<u64>,
    /// Stop after a line in which the regular expression is found.
    #[arg(long, value_name = "RE")]
    pub exit_on: Option<String>,
    /// Fail if there was no line (exit code 3), or if lines were left out (6).
    #[arg(long)]
    pub strict: bool,
    /// Which lines.
    #[command(flatten)]
    pub select: SelectArgs,
}

/// `-C`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextArg {
    /// So many lines.
    Lines(usize),
    /// The whole invocation.
    Invocation,
}

impl FromStr for ContextArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "inv" | "invocation" => Ok(Self::Invocation),
            _ => text.parse().map(Self::Lines).map_err(|_| "write a number of lines, or inv".to_owned()),
        }
    }
}

/// `--platform`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// As they are.
    #[default]
    Show,
    /// Of each invocation only its REPORT.
    Fold,
    /// None of them.
    Hide,
}

impl TailArgs {
    /// Whether it goes on after the lines that are there.
    #[must_use]
    pub const fn follows(&self) -> bool {
        !self.no_follow
    }

    /// How long it goes on.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        self.limit.map(|limit| limit.0)
    }
}

pub(super) const HELP: &str = "\
Each line: time, severity, function (where there are several), invocation (first 8 of its request id), trace (first 8 of its id), text.
A line that arrives after newer ones were printed says by how much: late +3.2s. It is printed once, like every line.
The last line, on stderr, counts them.

JSON, one object a line:
  {\"time\":\"2026-11-22T14:02:11.204000000Z\",\"function\":\"checkout\",\"service\":\"checkout\",\"severity\":\"info\",
   \"severity_number\":9,\"body\":\"...\",\"trace_id\":\"\",\"span_id\":\"\",\"invocation_id\":\"...\",\"attributes\":{},\"late_ms\":3200}
  An id that the record lacks is an empty string; late_ms is there only on late lines, \"context\":true only on neighbours (-A, -B, -C).

Examples:
  lambdaview tail checkout                   the last ten minutes, then live; Ctrl-C ends it
  lambdaview tail 'pay-*' refund -l warn     several functions, only what is grave
  lambdaview tail checkout -n 20             the last 20 lines of any age, then live
  lambdaview tail checkout -i 'time.?out' -C inv     invocations that mention a timeout, whole
  lambdaview tail checkout --group           lines by invocation, framed by cold starts, ends and bills
  lambdaview tail checkout --since 2h --no-follow | grep -i timeout
  lambdaview tail checkout --qualifier 43 --for 5m --fail-error-rate 1% -o none     a gate for a deployment";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_a_number_or_the_invocation() {
        assert_eq!("3".parse(), Ok(ContextArg::Lines(3)));
        assert_eq!("inv".parse(), Ok(ContextArg::Invocation));
        assert!("few".parse::<ContextArg>().is_err());
    }
}
