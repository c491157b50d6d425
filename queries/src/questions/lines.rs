//! A function's log lines in a window of time.

use clickhouse::{Row, query::Query};
use serde::Deserialize;

use super::{Fault, Session, Text, function::Function, session::Answered};
use crate::window::{Nanos, Window};

/// A log record as the viewer shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Line {
    /// When the function wrote it.
    #[serde(rename = "Timestamp")]
    pub time: Nanos,
    /// OpenTelemetry's severity, 1 to 24; 0 when the record has none.
    pub severity_number: u8,
    /// The severity in the words of the program.
    pub severity: Text,
    /// `service.name`.
    pub service: Text,
    /// Its trace, 32 hexadecimal digits, or nothing.
    pub trace_id: Text,
    /// Its span, 16 hexadecimal digits, or nothing.
    pub span_id: Text,
    /// Its invocation: the request id that Lambda gave it, or nothing.
    pub invocation_id: Text,
    /// The record's attributes, where they were asked for.
    pub attributes: Vec<(Text, Text)>,
    /// Where the row lies: its partition, ...
    pub partition: Text,
    /// ... the block it was inserted with, ...
    pub block: u64,
    /// ... and its place in that block.
    pub offset: u64,
    /// What was logged.
    pub body: Text,
}

/// Which lines, and how much of them.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The function.
    pub function: &'a Function,
    /// From when to when.
    pub window: Window,
    /// Whether the attributes are wanted: reading them costs as much as the bodies.
    pub attributes: bool,
}

/// All lines of a window, oldest first, as they come.
///
/// # Errors
/// When the question cannot be sent.
pub fn all<'a>(session: &'a Session, scope: &Scope<'_>) -> Result<Answered<'a, Line>, Fault> {
    let query = ask(session, include_str!("../../sql/questions/lines.sql"), scope);
    session.stream(query.param("until", scope.window.until))
}

/// The last `count` lines of a window, oldest first.
///
/// # Errors
/// When the server does not answer.
pub async fn last(session: &Session, scope: &Scope<'_>, count: u64) -> Result<Vec<Line>, Fault> {
    let mut lines: Vec<Line> = Vec::new();
    for window in scope.window.newest_first(session.opened_at()) {
        let missing = count - lines.len() as u64;
        if missing == 0 {
            break;
        }
        let query = ask(session, include_str!("../../sql/questions/last_lines.sql"), &Scope { window, ..*scope });
        let query = query.param("until", window.until).param("lines", missing);
        lines.extend(session.all::<Line>(query).await?);
    }
    lines.reverse();
    Ok(lines)
}

/// A question about a function's lines from a time on, in words and parameters.
pub(super) fn ask(session: &Session, question: &str, scope: &Scope<'_>) -> Query {
    let Function { name, identity, service } = scope.function;
    let wanted: &[&str] = if service.is_some() { &["service"] } else { &[] };
    let query = session.ask_logs(question, *identity, wanted).param("function", name);
    let query = query.param("from", scope.window.from).param("attributes", scope.attributes);
    match service {
        Some(service) => query.param("service", service),
        None => query,
    }
}
