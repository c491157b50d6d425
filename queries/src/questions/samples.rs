//! Lines to find patterns in: all of them or, where these are too many, one in so many.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Fault, Session, Text,
    function::Functions,
    question::Question,
    session::{Answered, Delivery},
};
use crate::{
    filter::Filter,
    window::{Nanos, Window},
};

/// A line, as far as its pattern is concerned.
#[derive(Clone, Debug, Default, Row, Deserialize)]
pub struct Sample {
    /// `faas.name`, and where the record has none, the service.
    pub function: Text,
    /// `faas.version`.
    pub version: Text,
    /// OpenTelemetry's severity.
    pub severity_number: u8,
    /// What CloudWatch would bill, without its own bytes for an event.
    pub bytes: u64,
    /// What was logged.
    pub body: Text,
}

/// How many lines there are.
#[derive(Clone, Copy, Debug, Default, Row, Deserialize)]
pub struct Extent {
    /// Lines.
    pub lines: u64,
    /// The oldest.
    pub first: Nanos,
    /// The newest.
    pub last: Nanos,
}

/// Which lines.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// Whose.
    pub functions: &'a Functions,
    /// Which of them.
    pub filter: &'a Filter,
    /// From when to when.
    pub window: Window,
}

/// How many lines there are, and from when to when.
///
/// # Errors
/// When the server does not answer.
pub async fn extent(session: &Session, range: &Range<'_>) -> Result<Extent, Fault> {
    let question = Question::new(include_str!("../../sql/questions/pattern_count.sql"));
    let query = session.ask_logs(question.of(range.functions).through(range.filter));
    let query = query.param("from", range.window.from).param("until", range.window.until);
    Ok(session.all::<Extent>(query).await?.pop().unwrap_or_default())
}

/// One line in `sampled`, as they come.
///
/// # Errors
/// When the question cannot be sent.
pub fn samples<'a>(session: &'a Session, range: &Range<'_>, sampled: u64) -> Result<Answered<'a, Sample>, Fault> {
    let single = range.functions.single();
    let wanted = [(single.is_some(), "one"), (sampled > 1, "sampled")];
    let wanted: Vec<&str> = wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, name)| name).collect();
    let question = Question::new(include_str!("../../sql/questions/pattern_lines.sql")).wanting(&wanted);
    let mut query = session.ask_logs(question.of(range.functions).through(range.filter));
    query = query.param("from", range.window.from).param("until", range.window.until);
    if let Some(name) = single {
        query = query.param("function", name);
    }
    if sampled > 1 {
        query = query.param("sampled", sampled);
    }
    session.stream(&query, Delivery::AsItComes)
}
