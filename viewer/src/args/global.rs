//! Flags that stand before or after every command: where ClickHouse is, which stretch of time, how to print.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{
    ask::{BadTime, Since, duration},
    format::Zone,
};

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
    /// How long the server may work on one question. Default: 30s.
    #[arg(long, global = true, value_name = "TIME")]
    pub timeout: Option<Timeout>,
}

/// Which stretch of time is meant.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Time")]
pub struct Span {
    /// Only what happened since then: 30s, 10m, 2h, 7d, 2026-11-22, 2026-11-22T14:02:00Z.
    #[arg(short, long, visible_short_alias = 'S', global = true, value_name = "TIME")]
    pub since: Option<Since>,
    /// Only what happened before then, written in the same ways.
    #[arg(short, long, visible_short_alias = 'U', global = true, value_name = "TIME")]
    pub until: Option<Since>,
}

/// How to print.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Display")]
pub struct Display {
    /// The form of the output; `help json` documents the objects.
    #[arg(short, long, alias = "format", global = true, value_enum, value_name = "FORMAT")]
    pub output: Option<Output>,
    /// Colours. Default: `auto`, for a terminal without NO_COLOR.
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub color: Option<Colour>,
    /// How times are shown; alone it means `full`, with the date. Default: `short`.
    #[arg(short, long, global = true, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "full", value_name = "FORM")]
    pub timestamps: Option<Timestamps>,
    /// Times in UTC instead of local time.
    #[arg(long, global = true, conflicts_with_all = ["local", "tz"])]
    pub utc: bool,
    /// Times in local time, whatever the configuration says.
    #[arg(long, global = true, conflicts_with = "tz")]
    pub local: bool,
    /// Times in that zone: Europe/Berlin, +02:00.
    #[arg(long, global = true, value_name = "ZONE")]
    pub tz: Option<Zone>,
    /// Colours for that background; `mono` uses none, only bold and dim.
    #[arg(long, global = true, value_enum, value_name = "NAME")]
    pub theme: Option<Theme>,
    /// Nothing but ASCII: no boxes, no bars of blocks.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Write to the terminal, not through $PAGER.
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Never ask anything: fail instead.
    #[arg(long, global = true, conflicts_with = "ask_password")]
    pub no_input: bool,
    /// Nothing on stderr but errors.
    #[arg(long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// More on stderr: how lines are followed, what was resolved.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Show each question on stderr in SQL, as `clickhouse client` takes it.
    #[arg(long, global = true)]
    pub show_sql: bool,
    /// Say at the end how many rows and bytes the server read. Answers then begin once they are whole.
    #[arg(long, global = true)]
    pub stats: bool,
    /// At most so many rows of an answer; that more were left is told.
    #[arg(long, global = true, value_name = "N")]
    pub max_rows: Option<u64>,
}

/// The form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Pretty,
    /// The time and the text.
    Short,
    /// The text alone.
    Raw,
    /// For programs: one object a line.
    Json,
    /// For programs and people: key=value pairs.
    Logfmt,
    /// For tables: a heading, then a row each.
    Csv,
    /// Everything that is known of a row, a field a line.
    Detailed,
    /// Nothing: only counts, conditions and exit codes.
    None,
}

impl Output {
    /// As it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Short => "short",
            Self::Raw => "raw",
            Self::Json => "json",
            Self::Logfmt => "logfmt",
            Self::Csv => "csv",
            Self::Detailed => "detailed",
            Self::None => "none",
        }
    }
}

/// `--timestamps`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Timestamps {
    /// Date, time and offset.
    Full,
    /// The time; the date too on lines of another day.
    #[default]
    Short,
    /// How long before now.
    Rel,
    /// How long after the line before.
    Delta,
    /// None.
    None,
}

/// `--theme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Light text on a dark ground.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
    /// No colours, only bold and dim.
    Mono,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
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
pub struct Timeout(pub Duration);

impl std::str::FromStr for Timeout {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The server counts in whole seconds, and reads 0 as no limit.
        Ok(Self(duration(text)?.max(Duration::from_secs(1))))
    }
}
