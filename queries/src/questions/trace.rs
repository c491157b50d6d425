//! A trace: its spans, and the log lines that belong to it by trace id or by invocation.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Fault, Session, Text,
    attributes::{self, Attributes},
    lines::Line,
};
use crate::window::Nanos;

/// How many spans, and how many lines, a trace is shown with.
pub const LIMIT: u64 = 20_000;

/// A span as the viewer shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Span {
    /// When it started.
    #[serde(rename = "Timestamp")]
    pub start: Nanos,
    /// Its trace.
    pub trace_id: Text,
    /// Its id.
    pub span_id: Text,
    /// Its parent's id, or nothing.
    pub parent_span_id: Text,
    /// Its name.
    pub name: Text,
    /// `Server`, `Client`, `Internal`, `Producer`, `Consumer`.
    pub kind: Text,
    /// `service.name`.
    pub service: Text,
    /// `faas.name`, or nothing.
    pub function: Text,
    /// How long it took, in nanoseconds.
    pub duration: u64,
    /// `Unset`, `Ok`, `Error`.
    pub status: Text,
    /// What went wrong, in words.
    pub status_message: Text,
    /// Its attributes.
    #[serde(deserialize_with = "attributes::read")]
    pub attributes: Attributes,
    /// When its events happened, ...
    pub event_times: Vec<Nanos>,
    /// ... their names, ...
    pub event_names: Vec<Text>,
    /// ... and their attributes.
    #[serde(deserialize_with = "attributes::read_each")]
    pub event_attributes: Vec<Attributes>,
}

impl Span {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| &**name == key).map(|(_, value)| &**value)
    }
}

/// A trace, or an invocation that has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Its id; nothing for an invocation without a trace.
    pub id: String,
    /// Its spans, by their start.
    pub spans: Vec<Span>,
    /// Its log lines, by their time.
    pub lines: Vec<Line>,
    /// Whether there were more spans or lines than [`LIMIT`].
    pub cut: bool,
}

#[derive(Row, Deserialize)]
struct Id {
    trace_id: Text,
}

/// The trace of that id; without spans and lines when nobody knows it.
///
/// # Errors
/// When the server does not answer.
pub async fn trace(session: &Session, id: &str) -> Result<Trace, Fault> {
    let spans = session.ask_traces(include_str!("../../sql/questions/trace_spans.sql"));
    let lines = session.ask_logs(include_str!("../../sql/questions/trace_lines.sql"));
    let spans = spans.param("trace", id).param("limit", LIMIT);
    let lines = lines.param("trace", id).param("limit", LIMIT);
    let (spans, mut lines) = tokio::try_join!(session.all::<Span>(spans), session.all::<Line>(lines))?;
    let cut = spans.len() as u64 == LIMIT || lines.len() as u64 == LIMIT;
    lines.extend(lines_of(session, &invocations(&spans, &lines)).await?);
    lines.sort_by_key(|line| line.time);
    Ok(Trace { id: id.to_owned(), spans, lines, cut })
}

/// The trace that an invocation was part of, or its lines alone.
///
/// # Errors
/// When the server does not answer.
pub async fn of_invocation(session: &Session, request_id: &str) -> Result<Trace, Fault> {
    let spans = session.ask_traces(include_str!("../../sql/questions/invocation_trace_by_spans.sql"));
    let logs = include_str!("../../sql/questions/invocation_trace_by_logs.sql");
    let logs = session.ask_logs(logs);
    for question in [spans, logs] {
        let ids = session.all::<Id>(question.param("invocation", request_id)).await?;
        if let Some(id) = ids.first() {
            return trace(session, &id.trace_id).await;
        }
    }
    let lines = lines_of(session, &[request_id.to_owned()]).await?;
    let cut = lines.len() as u64 == LIMIT;
    Ok(Trace { lines, cut, ..Trace::default() })
}

async fn lines_of(session: &Session, invocations: &[String]) -> Result<Vec<Line>, Fault> {
    if invocations.is_empty() {
        return Ok(Vec::new());
    }
    let question = include_str!("../../sql/questions/invocation_lines.sql");
    let query = session.ask_logs(question);
    session.all(query.param("invocations", invocations).param("limit", LIMIT)).await
}

/// Every invocation that a span or a line of the trace names.
fn invocations(spans: &[Span], lines: &[Line]) -> Vec<String> {
    let of_spans = spans.iter().filter_map(|span| span.attribute("faas.invocation_id"));
    let of_lines = lines.iter().map(|line| &*line.invocation_id);
    let mut ids: Vec<String> = of_spans.chain(of_lines).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
