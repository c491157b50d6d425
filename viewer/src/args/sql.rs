//! `lambdaview sql`, as it is typed.

use clap::Args;
use lambdaview_queries::name::NamePattern;

/// `lambdaview sql`.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// The question, or `-` to read it from standard input.
    pub sql: String,
    /// The functions that the macros are about; default: all.
    #[arg(value_name = "F")]
    pub functions: Vec<NamePattern>,
    /// A value for a parameter of the question, `{name:Type}`.
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// The answer in any format that ClickHouse has, as `--format` is read here: Parquet, TSV, JSONCompact.
    #[arg(long = "in-format", value_name = "FORMAT", conflicts_with = "output", value_parser = format)]
    pub format: Option<String>,
}

/// ClickHouse's formats have names of letters and digits.
fn format(text: &str) -> Result<String, &'static str> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_name { Ok(text.to_owned()) } else { Err("the name of a format, such as Parquet") }
}

pub(super) const HELP: &str = "\
Macros, each of which the server gets as a parameter:
  {logs}      the log lines of the functions in the stretch of time, in the form that reads least; to stand behind FROM
  {traces}    their spans
  {fn}        the functions' names, an Array(String)
  {since}     the start of the stretch of time; default: an hour ago
  {until}     its end
ClickHouse's tables are there under their own names as well: otel_logs, otel_traces, otel_metrics_sum, ...

The question is sent as read-only: nothing can be written. -o pretty, json and csv ask for ClickHouse's PrettyCompact, JSONEachRow and
CSVWithNames, --format FORMAT for any other that ClickHouse has; `FORMAT Parquet` at the end of the question wins. Ctrl-C cancels it
on the server.

Examples:
  lambdaview sql 'SELECT SeverityText, count() FROM {logs} GROUP BY 1' checkout --since 1d
  lambdaview sql 'SELECT SpanName, quantile(0.99)(Duration) / 1e6 AS ms FROM {traces} GROUP BY 1 ORDER BY 2 DESC LIMIT 10' 'pay-*'
  lambdaview sql 'SELECT * FROM {logs}' checkout --format Parquet > checkout.parquet
  lambdaview sql - -p id=7f3a < question.sql";
