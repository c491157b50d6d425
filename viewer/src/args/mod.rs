//! The command line as it is typed. What it means is made of it in [`crate::settings`] and [`crate::ask`].
//!
//! Each command's own flags stand in a file of its name, beside those that several share.

mod attach;
mod cold;
mod config;
mod context;
mod cost;
mod doctor;
mod environments;
mod errors;
mod functions;
mod global;
mod invocations;
mod local;
mod logs;
mod meta;
mod open;
mod patterns;
mod schema;
mod select;
mod spelling;
mod sql;
mod tail;
mod trace;
mod ui;

pub use attach::{AttachArgs, ChangeArgs, DetachArgs};
pub use cold::ColdArgs;
pub use config::{ConfigAction, ConfigArgs};
pub use context::{AddArgs, ContextAction, ContextArgs};
pub use cost::CostArgs;
pub use doctor::DoctorArgs;
pub use environments::EnvironmentsArgs;
pub use errors::ErrorsArgs;
pub use functions::{FunctionsArgs, Sort};
pub use global::{Colour, Connection, Display, Output, Span, Theme, Timeout, Timestamps};
pub use invocations::InvocationsArgs;
pub use local::LocalArgs;
pub use logs::LogsArgs;
pub use meta::{CompletionsArgs, HelpArgs, ManArgs};
pub use open::OpenArgs;
pub use patterns::PatternsArgs;
pub use schema::{SchemaArgs, SchemaCommand};
pub use select::{SelectArgs, pattern};
pub use sql::SqlArgs;
pub use tail::{ContextArg, LinesArgs, Platform, TailArgs};
pub use trace::TraceArgs;
pub use ui::{First, UiArgs};

use std::ffi::OsString;

use clap::{Parser, Subcommand};

/// See what AWS Lambda functions do: their logs, traces and costs, from ClickStack's tables in ClickHouse.
#[derive(Debug, Parser)]
#[command(name = "lambdaview", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do; on a terminal, nothing means `ui`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where ClickHouse is, and how to talk to it.
    #[command(flatten)]
    pub connection: Connection,
    /// Which stretch of time.
    #[command(flatten)]
    pub span: Span,
    /// How to print.
    #[command(flatten)]
    pub display: Display,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the last lines of functions, then follow them.
    #[command(after_help = tail::HELP)]
    Tail(TailArgs),
    /// Search the lines of functions.
    #[command(alias = "search", after_help = logs::HELP)]
    Logs(LogsArgs),
    /// Draw a trace: its spans as bars, its log lines in their places.
    #[command(after_help = trace::HELP)]
    Trace(TraceArgs),
    /// List the functions: invocations, errors, durations, cold starts, memory, logs and their price, and those that are silent.
    #[command(alias = "fn", alias = "ls", after_help = functions::HELP)]
    Functions(FunctionsArgs),
    /// Keep the list of functions up to date on the terminal.
    #[command(after_help = functions::HELP)]
    Top(FunctionsArgs),
    /// List the invocations of functions, one a line: how they ended, how long they ran, what they were billed and used.
    #[command(alias = "inv", after_help = invocations::HELP)]
    Invocations(InvocationsArgs),
    /// Group errors that differ in ids and numbers only: how often, since when, in which versions, and a sample of each.
    #[command(after_help = errors::HELP)]
    Errors(ErrorsArgs),
    /// Explain cold starts: how many, how long, by version and size, and what they cost.
    #[command(after_help = cold::HELP)]
    Cold(ColdArgs),
    /// Draw the execution environments of functions as lanes of time: inits, invocations, memory.
    #[command(alias = "env", after_help = environments::HELP)]
    Environments(EnvironmentsArgs),
    /// Reckon what the logs cost: in CloudWatch, and here.
    #[command(after_help = cost::HELP)]
    Cost(CostArgs),
    /// Gather log lines into patterns: how many, how many bytes, what they cost.
    #[command(after_help = patterns::HELP)]
    Patterns(PatternsArgs),
    /// Ask ClickHouse something in SQL, read-only.
    #[command(after_help = sql::HELP)]
    Sql(SqlArgs),
    /// Open whatever was pasted: ids, names, ARNs, addresses of consoles.
    #[command(after_help = open::HELP)]
    Open(OpenArgs),
    /// Look at the connection, the tables and what functions send, and say what is not well.
    #[command(after_help = doctor::HELP)]
    Doctor(DoctorArgs),
    /// Put the extension's layer on functions, with the variables it needs; shows what changes and asks before.
    #[command(after_help = attach::HELP)]
    Attach(AttachArgs),
    /// Take off functions what `attach` has put there, and nothing else.
    #[command(after_help = attach::HELP)]
    Detach(DetachArgs),
    /// Run ClickStack on this machine: ClickHouse, its schema and web UI, and OTLP. Needs no configuration.
    #[command(after_help = local::HELP)]
    Local(LocalArgs),
    /// Open the viewer: screens on the terminal, kept by keys. Without any command this is what happens.
    #[command(after_help = ui::HELP)]
    Ui(UiArgs),
    /// List, choose, add and show contexts: servers under a name.
    #[command(after_help = context::HELP)]
    Context(ContextArgs),
    /// Show, find or edit the configuration file.
    #[command(after_help = config::HELP)]
    Config(ConfigArgs),
    /// Print a script that completes this command line in a shell.
    #[command(after_help = meta::COMPLETIONS_HELP)]
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands.
    #[command(after_help = meta::MAN_HELP)]
    Man(ManArgs),
    /// Explain a topic (config, exit-codes, filters, json, keys, time) or a command.
    Help(HelpArgs),
    /// Add to ClickStack's tables what makes questions about functions cheaper, or see what that would be.
    #[command(after_help = schema::HELP)]
    Schema(SchemaArgs),
}

impl Cli {
    /// What was typed, the program's name first; where it means nothing, the process ends by saying so.
    #[must_use]
    pub fn of(words: impl IntoIterator<Item = OsString>) -> Self {
        Self::parse_from(spelling::spelt(words))
    }
}

impl Command {
    /// Its name: how its questions are known to the server.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Tail(_) => "tail",
            Self::Trace(_) => "trace",
            Self::Functions(_) => "functions",
            Self::Top(_) => "top",
            Self::Invocations(_) => "invocations",
            Self::Errors(_) => "errors",
            Self::Cold(_) => "cold",
            Self::Environments(_) => "environments",
            Self::Cost(_) => "cost",
            Self::Patterns(_) => "patterns",
            Self::Sql(_) => "sql",
            Self::Open(_) => "open",
            Self::Doctor(_) => "doctor",
            Self::Attach(_) => "attach",
            Self::Detach(_) => "detach",
            Self::Local(_) => "local",
            Self::Ui(_) => "ui",
            Self::Context(_) => "context",
            Self::Config(_) => "config",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Help(_) => "help",
            Self::Schema(_) => "schema",
            Self::Logs(_) => "logs",
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  lambdaview                            the viewer: functions, their lines, traces
  lambdaview local                      ClickStack on this machine, kept running
  lambdaview functions --since 24h      what there is
  lambdaview tail checkout              last ten minutes, then live
  lambdaview tail checkout -n 50 --no-follow -o json | jq .body
  lambdaview trace 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11
  lambdaview -c prod cost --since 7d

More: `lambdaview help TOPIC`, with config, exit-codes, filters, json, keys or time; `lambdaview COMMAND --help`.

Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 user or password refused, 5 no connection or out of time,
6 cut short, with --strict, 7 a threshold was passed, 8 ClickStack's tables are not there, 130 Ctrl-C.";

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
