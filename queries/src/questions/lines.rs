//! The log lines of functions in a window of time.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Fault, Session, Text,
    asked::Asked,
    attributes::{self, Attributes},
    function::Functions,
    question::Question,
    session::{Answered, Delivery, broken_off},
};
use crate::{
    filter::Filter,
    window::{Nanos, Window},
};

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
    /// Its function: `faas.name`, and where the record has none, the service.
    pub function: Text,
    /// The record's attributes, where they were asked for.
    #[serde(deserialize_with = "attributes::read")]
    pub attributes: Attributes,
    /// The resource's attributes, where they were asked for.
    #[serde(deserialize_with = "attributes::read")]
    pub resource: Attributes,
    /// Where the row lies: its partition, ...
    pub partition: Text,
    /// ... the block it was inserted with, ...
    pub block: u64,
    /// ... and its place in that block.
    pub offset: u64,
    /// What was logged.
    pub body: Text,
}

impl Line {
    /// The value of an attribute of the record.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        value(&self.attributes, name)
    }

    /// The value of an attribute of the resource, such as `faas.instance` or `faas.version`.
    #[must_use]
    pub fn resource_attribute(&self, name: &str) -> Option<&str> {
        value(&self.resource, name)
    }
}

fn value<'a>(attributes: &'a [(Text, Text)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
}

/// Which lines, and how much of them.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Whose.
    pub functions: &'a Functions,
    /// From when to when.
    pub window: Window,
    /// Which of them.
    pub filter: &'a Filter,
    /// What is wanted of each beside its text.
    pub detail: Detail,
}

/// What is wanted of each line beside its text. Reading either costs about as much as the bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// The record's attributes.
    pub attributes: bool,
    /// The resource's.
    pub resource: bool,
}

/// The lines of a window on their way.
pub struct Lines<'a> {
    answer: Answered<'a, Line>,
    window: Window,
}

impl Lines<'_> {
    /// The next line; `None` after the last.
    ///
    /// # Errors
    /// Those of [`Answered::next`].
    pub async fn next(&mut self) -> Result<Option<Line>, Fault> {
        match self.answer.next().await? {
            // Servers before 25.11 write what went wrong among the rows, where it may be read as one.
            Some(line) if !self.window.holds(line.time) => Err(broken_off()),
            next => Ok(next),
        }
    }
}

/// All lines of a window, oldest first, as they come.
///
/// # Errors
/// When the question cannot be sent.
pub fn all<'a>(session: &'a Session, scope: &Scope<'_>) -> Result<Lines<'a>, Fault> {
    let asked = ask(session, Question::new(include_str!("../../sql/questions/lines.sql")), scope);
    let answer = session.stream(&asked.param("until", scope.window.until), Delivery::AsItComes)?;
    Ok(Lines { answer, window: scope.window })
}

/// The last `count` lines of a window, oldest first.
///
/// # Errors
/// When the server does not answer.
pub async fn last(session: &Session, scope: &Scope<'_>, count: u64) -> Result<Vec<Line>, Fault> {
    let each = scope.functions.by_service().unwrap_or_else(|| vec![scope.functions.clone()]);
    let mut lines: Vec<Line> = Vec::new();
    for window in scope.window.newest_first(session.opened_at()) {
        let missing = count - lines.len() as u64;
        if missing == 0 {
            break;
        }
        let mut newest = Vec::new();
        for functions in &each {
            newest.extend(newest_of(session, &Scope { functions, window, ..*scope }, missing).await?);
        }
        if each.len() > 1 {
            newest.sort_by_key(|line| std::cmp::Reverse(line.time));
            newest.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
        }
        lines.extend(newest);
    }
    lines.reverse();
    Ok(lines)
}

/// Newest first.
async fn newest_of(session: &Session, scope: &Scope<'_>, count: u64) -> Result<Vec<Line>, Fault> {
    let query = ask(session, Question::new(include_str!("../../sql/questions/last_lines.sql")), scope);
    session.all(query.param("until", scope.window.until).param("lines", count)).await
}

/// A question about lines from a time on, in words and parameters.
pub(super) fn ask(session: &Session, question: Question<'_>, scope: &Scope<'_>) -> Asked {
    let Scope { functions, filter, detail, window } = *scope;
    let single = functions.single();
    let wanted = [(single.is_some(), "one"), (detail.attributes, "attributes"), (detail.resource, "resource")];
    let wanted: Vec<&str> = wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, name)| name).collect();
    let query = session.ask_logs(question.wanting(&wanted).of(functions).through(filter)).param("from", window.from);
    match single {
        Some(name) => query.param("function", name),
        None => query,
    }
}
