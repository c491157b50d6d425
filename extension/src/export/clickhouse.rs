//! Straight into ClickHouse: one insert for each table that a batch has rows for.
//!
//! The rows are sent as `RowBinary` under explicit column names, without the crate's look at the table before each first
//! insert: which columns there are and of which types is known from the probed [`Schema`], and a table that is laid out
//! otherwise is refused when the exporter is made.

use std::time::Duration;

use clickhouse::{Client, Row, RowWrite, error::Error, insert::Insert};
use lambdaview_queries::{
    schema::{Attributes, Layout, Schema, TimePrecision},
    tables::{
        log::{EarlierLogRow, LogRow},
        metric::{ExponentialHistogramRow, GaugeRow, HistogramRow, SumRow, SummaryRow},
        span::SpanRow,
    },
};
use serde::Serialize;

use super::rows::Rows;
use crate::flow::{Batch, Outcome};

/// How long one insert may take, its materialized views included.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Of ClickHouse's words as many as a line of a log holds; they end in its version and, at times, a stack.
const WORDS: usize = 300;

/// What the rows are written to, and which columns it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    prefix: String,
    event_name: bool,
    /// The unit of the metrics tables' times.
    pub metrics: TimePrecision,
}

/// Tables that rows cannot be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("writing into ClickStack's {0} layout is not supported: send by OTLP to its collector")]
pub struct Unsupported(
    /// The layout.
    pub Layout,
);

impl Tables {
    /// The tables of a probed `schema`, whose names begin with `prefix` (`otel`).
    ///
    /// # Errors
    /// When the columns are of other types than the rows: JSON attributes, or the layout of before mid 2024.
    pub fn new(prefix: &str, schema: &Schema) -> Result<Self, Unsupported> {
        let layout = schema.logs.layout;
        let writable = !matches!(layout, Layout::Json | Layout::SeverityFirst);
        if !writable || schema.traces.attributes == Attributes::Json {
            return Err(Unsupported(layout));
        }
        let metrics = schema.metrics.unwrap_or(TimePrecision::Seconds);
        Ok(Self { prefix: prefix.to_owned(), event_name: schema.logs.event_name, metrics })
    }

    fn name(&self, suffix: &str) -> String {
        format!("{}_{suffix}", self.prefix)
    }
}

/// Writes batches into ClickStack's tables.
#[derive(Clone)]
pub struct ClickHouseExporter {
    client: Client,
    tables: Tables,
}

impl ClickHouseExporter {
    /// Writes with `client`, whose settings say how (such as `async_insert`), into `tables`.
    #[must_use]
    pub fn new(client: Client, tables: Tables) -> Self {
        Self { client: client.with_validation(false), tables }
    }

    /// Writes a batch; it is delivered when ClickHouse has it in its tables, materialized views included.
    pub async fn export(&self, batch: &Batch) -> Outcome {
        let mut rows = Rows::default();
        for piece in &batch.pieces {
            match piece.unpack() {
                Ok(signal) => rows.add(&signal, self.tables.metrics),
                Err(error) => return Outcome::Refused { why: format!("what waited cannot be read: {error}") },
            }
        }
        self.insert(&rows).await
    }

    /// Writes rows, the tables side by side. When one fails, the others may have been written: at least once, never less.
    pub async fn insert(&self, rows: &Rows) -> Outcome {
        let (logs, sessions, spans, metrics) = tokio::join!(
            self.insert_logs(&rows.logs),
            self.insert_earlier_logs("hyperdx_sessions", &rows.sessions),
            self.insert_into::<SpanRow>("traces", &rows.spans),
            self.insert_metrics(rows),
        );
        match [logs, sessions, spans, metrics].into_iter().find_map(Result::err) {
            None => Outcome::Delivered { rejected: 0, message: String::new() },
            Some(failure) => outcome(&failure),
        }
    }

    async fn insert_metrics(&self, rows: &Rows) -> Result<(), Error> {
        let (gauges, sums, histograms, exponential_histograms, summaries) = tokio::join!(
            self.insert_into::<GaugeRow>("metrics_gauge", &rows.gauges),
            self.insert_into::<SumRow>("metrics_sum", &rows.sums),
            self.insert_into::<HistogramRow>("metrics_histogram", &rows.histograms),
            self.insert_into::<ExponentialHistogramRow>("metrics_exponential_histogram", &rows.exponential_histograms),
            self.insert_into::<SummaryRow>("metrics_summary", &rows.summaries),
        );
        gauges.and(sums).and(histograms).and(exponential_histograms).and(summaries)
    }

    async fn insert_logs(&self, rows: &[LogRow]) -> Result<(), Error> {
        if self.tables.event_name {
            self.insert_into::<LogRow>("logs", rows).await
        } else {
            self.insert_earlier_logs(&self.tables.name("logs"), rows).await
        }
    }

    async fn insert_earlier_logs(&self, table: &str, rows: &[LogRow]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut insert = self.begin::<EarlierLogRow<'_>>(table).await?;
        for row in rows {
            insert.write(&EarlierLogRow::from(row)).await?;
        }
        insert.end().await
    }

    async fn insert_into<T>(&self, suffix: &str, rows: &[T]) -> Result<(), Error>
    where
        T: for<'a> Row<Value<'a> = T> + RowWrite + Serialize,
    {
        if rows.is_empty() {
            return Ok(());
        }
        let mut insert = self.begin::<T>(&self.tables.name(suffix)).await?;
        for row in rows {
            insert.write(row).await?;
        }
        insert.end().await
    }

    async fn begin<T: Row>(&self, table: &str) -> Result<Insert<T>, Error> {
        Ok(self.client.insert::<T>(table).await?.with_timeouts(Some(TIMEOUT), Some(TIMEOUT)))
    }
}

/// What an insert's failure means for its batch.
fn outcome(error: &Error) -> Outcome {
    match error {
        Error::BadResponse(words) => match code(words) {
            Some(code) if !passes(code) => Outcome::Refused { why: refusal(code, words) },
            Some(_) | None => Outcome::Retry { after: None, why: format!("clickhouse: {}", shortened(words)) },
        },
        Error::Network(_) => {
            Outcome::Retry { after: None, why: format!("clickhouse cannot be reached: {}", root(error)) }
        }
        Error::TimedOut => {
            Outcome::Retry { after: None, why: format!("clickhouse did not answer within {} s", TIMEOUT.as_secs()) }
        }
        other => Outcome::Refused { why: format!("the rows could not be written: {other}") },
    }
}

/// Whether a failure with this code passes by itself: the server is busy, starting, read-only, short of memory or cut off.
const fn passes(code: u32) -> bool {
    matches!(
        code,
        159 // TIMEOUT_EXCEEDED
        | 201 // QUOTA_EXCEEDED
        | 202 // TOO_MANY_SIMULTANEOUS_QUERIES
        | 203 // NO_FREE_CONNECTION
        | 209 // SOCKET_TIMEOUT
        | 210 // NETWORK_ERROR
        | 225 // NO_ZOOKEEPER
        | 241 // MEMORY_LIMIT_EXCEEDED
        | 242 // TABLE_IS_READ_ONLY
        | 243 // NOT_ENOUGH_SPACE
        | 252 // TOO_MANY_PARTS
        | 279 // ALL_CONNECTION_TRIES_FAILED
        | 285 // TOO_FEW_LIVE_REPLICAS
        | 286 // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        | 319 // UNKNOWN_STATUS_OF_INSERT
        | 394 // QUERY_WAS_CANCELLED
        | 425 // SYSTEM_ERROR
        | 439 // CANNOT_SCHEDULE_TASK
        | 473 // DEADLOCK_AVOIDED
        | 999 // KEEPER_EXCEPTION
    )
}

fn refusal(code: u32, words: &str) -> String {
    let what = match code {
        60 | 390 => "clickhouse has no such table: has ClickStack's collector created its tables in this database?",
        81 => "clickhouse has no such database",
        192 | 193 | 194 | 516 => "clickhouse does not accept this user and password",
        497 => "this user may not insert into ClickStack's tables",
        16 | 33 | 53 | 117 => "the table's columns are not ClickStack's",
        _ => "clickhouse refused the rows",
    };
    format!("{what} ({})", shortened(words))
}

/// The number in `Code: 60. DB::Exception: ...`.
fn code(words: &str) -> Option<u32> {
    words.split_once("Code: ")?.1.split_once('.')?.0.parse().ok()
}

fn shortened(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    match line.char_indices().nth(WORDS) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}...", &line[..end]),
    }
}

/// The innermost cause: hyper's own words name only the stage.
fn root(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad_response(words: &str) -> Outcome {
        outcome(&Error::BadResponse(words.to_owned()))
    }

    #[test]
    fn a_busy_server_is_tried_again() {
        for words in
            ["Code: 252. DB::Exception: Too many parts", "Code: 241. DB::Exception: Memory limit", "502 Bad Gateway"]
        {
            assert!(matches!(bad_response(words), Outcome::Retry { .. }), "{words}");
        }
        assert!(matches!(outcome(&Error::TimedOut), Outcome::Retry { .. }));
    }

    #[test]
    fn what_no_repetition_mends_is_refused_with_a_reason() {
        let Outcome::Refused { why } = bad_response("Code: 60. DB::Exception: Table default.otel_logs does not exist")
        else {
            panic!("refused")
        };
        assert!(why.starts_with("clickhouse has no such table"), "{why}");
        assert!(why.ends_with("(Code: 60. DB::Exception: Table default.otel_logs does not exist)"), "{why}");
        assert!(matches!(bad_response("Code: 516. DB::Exception: u: Authentication failed"), Outcome::Refused { .. }));
    }

    #[test]
    fn only_the_first_line_of_the_servers_words_is_kept_and_not_too_much_of_it() {
        let words = format!("Code: 9. {}\nstack", "ä".repeat(400));
        assert_eq!(shortened(&words).chars().count(), WORDS + 3);
        assert_eq!(shortened("one\ntwo"), "one");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_tried_again_and_the_reason_is_named() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let tables = Tables { prefix: "otel".to_owned(), event_name: true, metrics: TimePrecision::Seconds };
        let exporter = ClickHouseExporter::new(Client::default().with_url(url), tables);
        let rows = Rows { logs: vec![LogRow::default()], ..Rows::default() };
        let Outcome::Retry { why, .. } = exporter.insert(&rows).await else { panic!("tried again") };
        assert!(why.starts_with("clickhouse cannot be reached: ") && why.contains("refused"), "{why}");
    }
}
