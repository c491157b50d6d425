//! How a server, its tables and what functions send are doing: what `lambdaview doctor` looks at.

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, FaultKind, Session, Text, function::Functions, question::Question};
use crate::window::{Nanos, Window};

/// Who we are to the server.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct Server {
    /// The user.
    pub user: Text,
    /// The server's zone.
    pub timezone: Text,
    /// Its clock.
    pub now: Nanos,
}

/// A table.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: Text,
    /// Its engine's definition.
    pub engine: Text,
    /// Its rows; 0 where its engine does not count them.
    pub rows: u64,
    /// Its bytes on disk.
    pub bytes: u64,
}

/// How functions' lines arrive.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub struct Lines {
    /// Lines.
    pub lines: u64,
    /// Of them without a trace id, ...
    pub without_trace: u64,
    /// ... a span id, ...
    pub without_span: u64,
    /// ... a request id.
    pub without_invocation: u64,
    /// How often the platform said that it dropped lines.
    pub drops: u64,
    /// Lines from the future.
    pub ahead: u64,
    /// The newest one; 0 without any.
    pub last: Nanos,
    /// What sent the newest one, if it says so.
    pub distro: Text,
    /// That one's version.
    pub version: Text,
}

/// What functions' spans tell of invocations.
#[derive(Clone, Copy, Debug, Default, Row, Deserialize)]
pub struct Spans {
    /// Invocations.
    pub invocations: u64,
    /// Of them with a span of what extensions cost.
    pub overheads: u64,
    /// That cost, together, in nanoseconds.
    pub overhead: u64,
}

/// What the extension dropped.
#[derive(Clone, Debug, Row, Deserialize)]
pub struct Dropped {
    /// Logs, traces or metrics.
    pub signal: Text,
    /// Why.
    pub reason: Text,
    /// How many records.
    pub records: f64,
}

impl Table {
    /// After how long a row is deleted, as the definition has it; `None` for never.
    #[must_use]
    pub fn ttl(&self) -> Option<&str> {
        let (_, rest) = self.engine.split_once(" TTL ")?;
        Some(rest.split_once(" SETTINGS ").map_or(rest, |(ttl, _)| ttl))
    }
}

/// Who we are to the server.
///
/// # Errors
/// When the server does not answer.
pub async fn server(session: &Session) -> Result<Option<Server>, Fault> {
    let question = include_str!("../../sql/questions/health_of_server.sql");
    Ok(session.all::<Server>(session.ask(question)).await?.pop())
}

/// ClickStack's tables.
///
/// # Errors
/// When the server does not answer.
pub async fn tables(session: &Session) -> Result<Vec<Table>, Fault> {
    session.all(session.ask(include_str!("../../sql/questions/health_of_tables.sql"))).await
}

/// How the lines of functions arrive.
///
/// # Errors
/// When the server does not answer.
pub async fn lines(session: &Session, functions: &Functions, window: Window) -> Result<Lines, Fault> {
    let question = Question::new(include_str!("../../sql/questions/health_of_logs.sql")).of(functions);
    let query = session.ask_logs(question).param("from", window.from).param("until", window.until);
    Ok(session.all::<Lines>(query).await?.pop().unwrap_or_default())
}

/// What the spans of functions tell.
///
/// # Errors
/// When the server does not answer.
pub async fn spans(session: &Session, functions: &Functions, window: Window) -> Result<Spans, Fault> {
    let question = Question::new(include_str!("../../sql/questions/health_of_spans.sql")).of(functions);
    let query = session.ask_traces(question).param("from", window.from).param("until", window.until);
    Ok(session.all::<Spans>(query).await?.pop().unwrap_or_default())
}

/// What the extension says that it dropped; `None` where its metrics are not kept, or not for this user to read.
///
/// # Errors
/// When the server does not answer.
pub async fn dropped(session: &Session, functions: &Functions, from: Nanos) -> Result<Option<Vec<Dropped>>, Fault> {
    let query = session.ask(include_str!("../../sql/questions/health_of_records.sql"));
    let names: Vec<&str> = functions.names().collect();
    match session.all(query.param("functions", names).param("from", from)).await {
        Ok(dropped) => Ok(Some(dropped)),
        Err(fault) if matches!(fault.kind, FaultKind::NoTable | FaultKind::Denied) => Ok(None),
        Err(fault) => Err(fault),
    }
}
