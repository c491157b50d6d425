//! The command line as it is typed. What it means is made of it in [`crate::settings`] and [`crate::ask`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::ask::{Amount, Since};

/// See what AWS Lambda functions do: their logs, traces and costs, from ClickStack's tables in ClickHouse.
#[derive(Debug, Parser)]
#[command(name = "lambdaview", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where ClickHouse is, and how to talk to it.
    #[command(flatten)]
    pub connection: Connection,
    /// How to print.
    #[command(flatten)]
    pub display: Display,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a function's last lines, then follow it.
    #[command(after_help = TAIL_HELP)]
    Tail(TailArgs),
    /// Draw a trace: its spans as bars, its log lines in their places.
    #[command(after_help = TRACE_HELP)]
    Trace(TraceArgs),
    /// List the functions: invocations, errors, log volume, durations.
    #[command(alias = "fn", alias = "ls")]
    Functions(FunctionsArgs),
    /// Reckon what the logs cost: in CloudWatch, and here.
    #[command(after_help = COST_HELP)]
    Cost(CostArgs),
    /// Run ClickStack on this machine: ClickHouse, its schema and web UI, and OTLP. Needs no configuration.
    #[command(after_help = LOCAL_HELP)]
    Local(LocalArgs),
}

impl Command {
    /// Its name: how its questions are known to the server.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tail(_) => "tail",
            Self::Trace(_) => "trace",
            Self::Functions(_) => "functions",
            Self::Cost(_) => "cost",
            Self::Local(_) => "local",
        }
    }
}

/// `lambdaview tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// The function's name (`faas.name`, else the service's name).
    pub function: String,
    /// Only lines since then: 30s, 10m, 2h, 7d, 2026-11-22, 2026-11-22T14:02:00Z.
    /// Default 10m, or any age with --lines.
    #[arg(short, long, visible_short_alias = 'S', value_name = "TIME")]
    pub since: Option<Since>,
    /// Only the last N lines, or `all`.
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<Amount>,
    /// Follow: print lines as they arrive. This is what `tail` does anyway.
    #[arg(short, long, overrides_with = "no_follow")]
    pub follow: bool,
    /// Stop after the lines that are there.
    #[arg(long)]
    pub no_follow: bool,
    /// `pretty` for people, `json` for programs: one object a line.
    #[arg(short, long, value_enum, default_value_t = Output::Pretty, value_name = "FORMAT")]
    pub output: Output,
}

/// `lambdaview trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// A trace id (32 hexadecimal digits), X-Ray's form of it (1-…-…, or a whole X-Amzn-Trace-Id header),
    /// or a Lambda request id.
    pub id: String,
    /// Print log lines whole, instead of their first line as far as it fits.
    #[arg(long)]
    pub full: bool,
    /// `pretty` for people, `json` for programs: one object a span or line.
    #[arg(short, long, value_enum, default_value_t = Output::Pretty, value_name = "FORMAT")]
    pub output: Output,
}

/// `lambdaview functions`.
#[derive(Debug, Args)]
pub struct FunctionsArgs {
    /// Count what happened since then: 30s, 10m, 2h, 7d, 2026-11-22, 2026-11-22T14:02:00Z.
    #[arg(short, long, visible_short_alias = 'S', value_name = "TIME", default_value = "1h")]
    pub since: Since,
    /// `pretty` for people, `json` for programs: one object a function.
    #[arg(short, long, value_enum, default_value_t = Output::Pretty, value_name = "FORMAT")]
    pub output: Output,
}

/// `lambdaview cost`.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// Measure what was logged since then: 2h, 7d, 30d, 2026-11-22.
    #[arg(short, long, visible_short_alias = 'S', value_name = "TIME", default_value = "24h")]
    pub since: Since,
    /// Prices to use instead of the built-in ones; --show-rates prints those in the same form.
    #[arg(long, value_name = "FILE")]
    pub rates: Option<PathBuf>,
    /// Print the built-in prices, as a file to change, and stop.
    #[arg(long)]
    pub show_rates: bool,
    /// `pretty` for people, `json` for programs: one object.
    #[arg(short, long, value_enum, default_value_t = Output::Pretty, value_name = "FORMAT")]
    pub output: Output,
}

/// `lambdaview local`.
#[derive(Debug, Args)]
pub struct LocalArgs {
    /// Where the data is kept between runs. Default: lambdaview in $XDG_DATA_HOME, else in ~/.local/share.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// ClickHouse's HTTP port, the web UI's too; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8123)]
    pub http_port: u16,
    /// ClickHouse's native port; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 9000)]
    pub tcp_port: u16,
    /// The port for OTLP over gRPC; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 4317)]
    pub otlp_grpc_port: u16,
    /// The port for OTLP over HTTP; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 4318)]
    pub otlp_http_port: u16,
    /// `json`: one line on stdout with every address, when all is ready.
    #[arg(short, long, value_enum, default_value_t = Output::Pretty, value_name = "FORMAT")]
    pub output: Output,
}

/// Where ClickHouse is, and how to talk to it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// ClickHouse's HTTP address. Default: CLICKHOUSE_URL, else what `lambdaview local` runs, else http://127.0.0.1:8123.
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// The user. Default: CLICKHOUSE_USER. Its password comes from CLICKHOUSE_PASSWORD, a file, or a prompt; never from an argument.
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// A file that holds the password, on one line.
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "ask_password")]
    pub password_file: Option<PathBuf>,
    /// Ask for the password on the terminal.
    #[arg(long, global = true)]
    pub ask_password: bool,
    /// The database that holds ClickStack's tables. Default: CLICKHOUSE_DATABASE, else `default`.
    #[arg(long, global = true, value_name = "NAME")]
    pub database: Option<String>,
    /// Certificates in PEM to trust instead of the usual ones: for a server with an authority of its own. Default: CLICKHOUSE_CA.
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// A context of the configuration file, ~/.config/lambdaview/config.toml. Default: LAMBDAVIEW_CONTEXT.
    #[arg(short, long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// How long the server may work on one question.
    #[arg(long, global = true, value_name = "TIME", default_value = "30s")]
    pub timeout: Timeout,
}

/// How to print.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Display")]
pub struct Display {
    /// Colours: `auto` for a terminal without NO_COLOR.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
    /// Times in UTC instead of local time.
    #[arg(long, global = true)]
    pub utc: bool,
    /// Say at the end how many rows and bytes the server read.
    #[arg(long, global = true)]
    pub stats: bool,
}

/// For whom the output is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// People.
    #[default]
    Pretty,
    /// Programs.
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `--timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(pub std::time::Duration);

impl Default for Timeout {
    fn default() -> Self {
        Self(std::time::Duration::from_secs(30))
    }
}

impl std::str::FromStr for Timeout {
    type Err = crate::ask::BadTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration = crate::ask::duration(text)?;
        // The server counts in whole seconds, and reads 0 as no limit.
        Ok(Self(duration.max(std::time::Duration::from_secs(1))))
    }
}

const EXAMPLES: &str = "\
Examples:
  lambdaview local                      ClickStack on this machine, kept running
  lambdaview functions --since 24h      what there is
  lambdaview tail checkout              last ten minutes, then live
  lambdaview tail checkout -n 50 --no-follow -o json | jq .body
  lambdaview trace 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11
  lambdaview -c prod cost --since 7d

Contexts, in ~/.config/lambdaview/config.toml:
  [contexts.prod]
  url = \"https://clickhouse.example:8443\"
  user = \"viewer\"
  password_file = \"/run/secrets/viewer\"

Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 user or password refused, 5 no connection or out of time,
8 ClickStack's tables are not there, 130 Ctrl-C.";

const TAIL_HELP: &str = "\
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

const TRACE_HELP: &str = "\
JSON, one object a line, in order of time: {\"kind\":\"span\",...} or {\"kind\":\"line\",...} with the fields of `tail -o json`.

Examples:
  lambdaview trace 5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b
  lambdaview trace 1-5f84c7a1-d2e34b5f8a9b0c1d2e3f4a5b
  lambdaview trace 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11        a Lambda request id";

const COST_HELP: &str = "\
What is measured: bytes and events in ClickHouse. What is modelled: CloudWatch's bill for the same lines. Every assumption is printed.

Examples:
  lambdaview cost --since 7d
  lambdaview cost --show-rates > rates.toml      then change it, and
  lambdaview cost --rates rates.toml";

const LOCAL_HELP: &str = "\
Runs until Ctrl-C and keeps its data. While it runs, the other commands find it without configuration.

JSON, one line when everything listens:
  {\"clickhouse_url\":\"...\",\"ui_url\":\"...\",\"otlp_grpc\":\"...\",\"otlp_http\":\"...\",\"data\":\"...\",\"pid\":1}";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_are_valid_before_and_after_the_command() {
        for words in ["lambdaview --url http://x tail f", "lambdaview tail f --url http://x"] {
            let cli = Cli::try_parse_from(words.split(' ')).unwrap();
            assert_eq!(cli.connection.url.as_deref(), Some("http://x"));
        }
    }

    #[test]
    fn what_is_typed_for_other_tails_is_accepted() {
        for words in
            ["tail f --follow", "tail f -f --since 5m", "tail f -n all", "tail f -S 1h", "tail f -n 20 --no-follow"]
        {
            let words = std::iter::once("lambdaview").chain(words.split(' '));
            assert!(Cli::try_parse_from(words.clone()).is_ok(), "{:?}", words.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_password_is_never_an_argument() {
        assert!(Cli::try_parse_from(["lambdaview", "functions", "--password", "x"]).is_err());
    }
}
