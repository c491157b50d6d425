//! Which functions there are, and what they did in a stretch of time.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session, Text};
use crate::window::Nanos;

/// A function in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// `faas.name`.
    pub name: String,
    /// Its invocations, by their spans or, where these are fewer, by the request ids on its lines.
    pub invocations: u64,
    /// Invocations that failed; `None` where there are no spans to tell.
    pub failed: Option<u64>,
    /// Log lines.
    pub lines: u64,
    /// Log lines of severity error and above.
    pub error_lines: u64,
    /// Bytes of the lines' bodies.
    pub bytes: u64,
    /// The median duration of an invocation in nanoseconds; `None` where there are no spans.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The newest record.
    pub last: Nanos,
}

#[derive(Row, Deserialize)]
struct ByLogs {
    name: Text,
    lines: u64,
    error_lines: u64,
    bytes: u64,
    invocations: u64,
    last: Nanos,
}

#[derive(Row, Deserialize)]
struct BySpans {
    name: Text,
    invocations: u64,
    failed: u64,
    p50: f64,
    p95: f64,
    last: Nanos,
}

/// What every function did since `from`, the one with the most invocations first.
///
/// # Errors
/// When the server does not answer.
pub async fn functions(session: &Session, from: Nanos) -> Result<Vec<Summary>, Fault> {
    let logs = include_str!("../../sql/questions/functions_by_logs.sql");
    let logs = session.ask_logs(logs).param("from", from);
    let spans = session.ask_traces(include_str!("../../sql/questions/functions_by_spans.sql")).param("from", from);
    let (logs, spans) = tokio::try_join!(session.all::<ByLogs>(logs), session.all::<BySpans>(spans))?;
    let mut functions = join(logs, spans);
    functions.sort_by(|a, b| b.invocations.cmp(&a.invocations).then_with(|| a.name.cmp(&b.name)));
    Ok(functions)
}

/// The functions' invocations since `from`, by their spans alone: reads no logs.
///
/// # Errors
/// When the server does not answer.
pub async fn invoked(session: &Session, from: Nanos) -> Result<Vec<Summary>, Fault> {
    let spans = session.ask_traces(include_str!("../../sql/questions/functions_by_spans.sql")).param("from", from);
    Ok(join(Vec::new(), session.all::<BySpans>(spans).await?))
}

fn join(logs: Vec<ByLogs>, spans: Vec<BySpans>) -> Vec<Summary> {
    let mut functions: BTreeMap<String, Summary> = BTreeMap::new();
    for row in logs {
        let function = entry(&mut functions, row.name);
        function.lines = row.lines;
        function.error_lines = row.error_lines;
        function.bytes = row.bytes;
        function.invocations = row.invocations;
        function.last = row.last;
    }
    for row in spans {
        let function = entry(&mut functions, row.name);
        function.invocations = function.invocations.max(row.invocations);
        function.failed = Some(row.failed);
        function.p50 = Some(row.p50);
        function.p95 = Some(row.p95);
        function.last = function.last.max(row.last);
    }
    functions.into_values().collect()
}

fn entry(functions: &mut BTreeMap<String, Summary>, name: Text) -> &mut Summary {
    let name = String::from(name);
    functions.entry(name.clone()).or_insert_with(|| Summary { name, ..Summary::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_with_only_spans_and_one_with_only_logs_are_both_there() {
        let logs = vec![ByLogs { name: "a".into(), lines: 3, error_lines: 1, bytes: 30, invocations: 2, last: 5 }];
        let spans = vec![BySpans { name: "b".into(), invocations: 7, failed: 1, p50: 1.0, p95: 2.0, last: 9 }];
        let functions = join(logs, spans);
        assert_eq!((functions[0].name.as_str(), functions[0].invocations, functions[0].failed), ("a", 2, None));
        assert_eq!((functions[1].name.as_str(), functions[1].invocations, functions[1].failed), ("b", 7, Some(1)));
    }

    #[test]
    fn silent_invocations_count_by_their_spans() {
        let logs = vec![ByLogs { name: "a".into(), lines: 3, error_lines: 0, bytes: 30, invocations: 2, last: 5 }];
        let spans = vec![BySpans { name: "a".into(), invocations: 7, failed: 0, p50: 1.0, p95: 2.0, last: 4 }];
        let functions = join(logs, spans);
        assert_eq!((functions[0].invocations, functions[0].lines, functions[0].last), (7, 3, 5));
    }
}
