//! A trace: its spans, and the log lines that belong to it by trace id or by invocation.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Fault, Session, Text,
    attributes::{self, Attributes},
    lines::Line,
    question::Question,
};
use crate::window::{Nanos, Window};

/// How many spans, and how many lines, a trace is shown with.
pub const LIMIT: usize = 50_000;

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
    /// `faas.version`, or nothing.
    pub version: Text,
    /// `faas.instance`: the execution environment, or nothing.
    pub instance: Text,
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
    /// The traces of the spans that it links to, ...
    pub link_trace_ids: Vec<Text>,
    /// ... and these spans.
    pub link_span_ids: Vec<Text>,
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
    /// Whether there are more spans than [`LIMIT`].
    pub spans_cut: bool,
    /// Whether there are more lines than [`LIMIT`].
    pub lines_cut: bool,
}

#[derive(Row, Deserialize)]
struct Times {
    parts: u64,
    began: Nanos,
    ended: Nanos,
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
    let lines = session.ask_logs(include_str!("../../sql/questions/trace_lines.sql"));
    let lines = lines.param("trace", id).param("limit", ONE_MORE);
    let (mut spans, mut lines) = tokio::try_join!(spans_of(session, id), session.all::<Line>(lines))?;
    let spans_cut = is_cut(&mut spans);
    lines.extend(lines_of(session, &invocations(&spans, &lines)).await?);
    lines.sort_by_key(|line| line.time);
    let lines_cut = is_cut(&mut lines);
    Ok(Trace { id: id.to_owned(), spans, lines, spans_cut, lines_cut })
}

/// The trace that an invocation was part of, or its lines alone.
///
/// # Errors
/// When the server does not answer.
pub async fn of_invocation(session: &Session, request_id: &str) -> Result<Trace, Fault> {
    let spans = session.ask_traces(include_str!("../../sql/questions/invocation_trace_by_spans.sql"));
    let logs = include_str!("../../sql/questions/invocation_trace_by_logs.sql");
    let logs = session.ask_logs(logs);
    let spans = session.all::<Id>(spans.param("invocation", request_id));
    let logs = session.all::<Id>(logs.param("invocation", request_id));
    let (by_spans, by_logs) = tokio::try_join!(spans, logs)?;
    if let Some(id) = by_spans.first().or_else(|| by_logs.first()) {
        return trace(session, &id.trace_id).await;
    }
    let mut lines = lines_of(session, &[request_id.to_owned()]).await?;
    let lines_cut = is_cut(&mut lines);
    Ok(Trace { lines, lines_cut, ..Trace::default() })
}

async fn spans_of(session: &Session, id: &str) -> Result<Vec<Span>, Fault> {
    let question = Question::new(include_str!("../../sql/questions/trace_spans.sql"));
    let asked = match times(session, id).await {
        Some(Window { from, until }) => {
            session.ask_traces(question.wanting(&["timed"])).param("from", from).param("until", until)
        }
        None => session.ask_traces(question),
    };
    session.all(asked.param("trace", id).param("limit", ONE_MORE)).await
}

/// When the spans of a trace began, where a table beside theirs tells: only these days are then looked into.
///
/// Lines are looked for at all times: those of what a trace set going may come long after its spans.
async fn times(session: &Session, id: &str) -> Option<Window> {
    if !session.schema().trace_id_ts {
        return None;
    }
    let asked = session.ask(include_str!("../../sql/questions/trace_times.sql")).param("trace", id);
    // Who may not read that table, or finds nothing in it, looks everywhere.
    let times = session.all::<Times>(asked).await.ok()?.pop().filter(|times| times.parts > 0)?;
    // It counts in seconds: the last one is not over when it begins.
    Some(Window { from: times.began, until: times.ended.saturating_add(1_000_000_000) })
}

async fn lines_of(session: &Session, invocations: &[String]) -> Result<Vec<Line>, Fault> {
    if invocations.is_empty() {
        return Ok(Vec::new());
    }
    let question = include_str!("../../sql/questions/invocation_lines.sql");
    let query = session.ask_logs(question);
    session.all(query.param("invocations", invocations).param("limit", ONE_MORE)).await
}

/// One more than is shown tells that there are more.
const ONE_MORE: usize = LIMIT + 1;

fn is_cut<T>(rows: &mut Vec<T>) -> bool {
    let is_cut = rows.len() > LIMIT;
    rows.truncate(LIMIT);
    is_cut
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
