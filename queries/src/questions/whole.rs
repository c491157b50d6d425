//! One row with everything that it holds: what lists leave out, because reading it of every row would cost too much.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Fault, Session, Text,
    attributes::{self, Attributes},
};
use crate::window::Nanos;

/// A row of `otel_logs` or `otel_traces`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Whole {
    /// When it was written, or started.
    #[serde(rename = "Timestamp")]
    pub time: Nanos,
    /// The library that wrote it.
    pub scope: Text,
    /// That library's version.
    pub scope_version: Text,
    /// The severity in the words of the program; of a span, its status.
    pub severity: Text,
    /// `service.name`.
    pub service: Text,
    /// Its attributes.
    #[serde(deserialize_with = "attributes::read")]
    pub attributes: Attributes,
    /// The attributes of what wrote it.
    #[serde(deserialize_with = "attributes::read")]
    pub resource: Attributes,
    /// What was logged; of a span, what went wrong.
    pub body: Text,
}

/// A row, as lists know it.
#[derive(Clone, Copy, Debug)]
pub struct Which<'a> {
    /// When it was written, or started: to the nanosecond.
    pub time: Nanos,
    /// Its trace, or nothing.
    pub trace: &'a str,
    /// Its span, or nothing.
    pub span: &'a str,
}

/// The log record of that moment, trace and span whose text is `body`; else the first that begins as `body` does.
///
/// # Errors
/// When the server does not answer.
pub async fn line(session: &Session, which: Which<'_>, body: &str) -> Result<Option<Whole>, Fault> {
    let query = session.ask_logs(include_str!("../../sql/questions/whole_line.sql"));
    let query = query.param("time", which.time).param("trace", which.trace).param("span", which.span);
    let mut rows = session.all::<Whole>(query).await?;
    let exact = rows.iter().position(|row| &*row.body == body);
    let at = exact.or_else(|| rows.iter().position(|row| row.body.starts_with(body)));
    Ok(at.map(|at| rows.swap_remove(at)))
}

/// The span of that start, trace and id.
///
/// # Errors
/// When the server does not answer.
pub async fn span(session: &Session, which: Which<'_>) -> Result<Option<Whole>, Fault> {
    let query = session.ask_traces(include_str!("../../sql/questions/whole_span.sql"));
    let query = query.param("time", which.time).param("trace", which.trace).param("span", which.span);
    Ok(session.all::<Whole>(query).await?.pop())
}
