//! Answers for programs: one JSON object a line, in the shapes that `--help` documents. Fields are added, never changed.

use std::collections::BTreeMap;

use lambdaview_queries::questions::{Text, lines::Line};
use serde::Serialize;

use crate::format::rfc3339;

/// A log line.
#[derive(Serialize)]
struct JsonLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<&'a str>,
    service: &'a str,
    severity: &'a str,
    severity_number: u8,
    body: &'a str,
    trace_id: &'a str,
    span_id: &'a str,
    invocation_id: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_ms: Option<u64>,
}

/// A line of `tail -o json`.
#[must_use]
pub fn line(line: &Line, function: &str, late: Option<u64>) -> String {
    let late_ms = late.map(|nanos| nanos / 1_000_000);
    as_line(&JsonLine { function: Some(function), late_ms, ..fields(line) })
}

/// A line of `trace -o json`.
pub(super) fn trace_line(line: &Line) -> String {
    as_line(&JsonLine { kind: Some("line"), function: Some(&line.function), ..fields(line) })
}

/// `value` on a line of its own.
pub(super) fn as_line(value: &impl Serialize) -> String {
    let mut json = serde_json::to_string(value).expect("text, numbers and maps of text are always JSON");
    json.push('\n');
    json
}

fn fields(line: &Line) -> JsonLine<'_> {
    JsonLine {
        kind: None,
        time: rfc3339(line.time),
        function: None,
        service: &line.service,
        severity: &line.severity,
        severity_number: line.severity_number,
        body: &line.body,
        trace_id: &line.trace_id,
        span_id: &line.span_id,
        invocation_id: &line.invocation_id,
        attributes: map(&line.attributes),
        late_ms: None,
    }
}

/// Attributes as an object, in order of their names.
pub(super) fn map(attributes: &[(Text, Text)]) -> BTreeMap<&str, &str> {
    attributes.iter().map(|(key, value)| (&**key, &**value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_every_documented_field_and_late_ms_only_when_late() {
        let given = Line {
            time: 1_795_356_131_204_000_001,
            severity_number: 9,
            severity: "info".into(),
            service: "checkout".into(),
            body: "a \"quoted\"\nline \u{1b}".into(),
            attributes: vec![("order".into(), "9912".into())],
            ..Line::default()
        };
        insta::assert_snapshot!(line(&given, "checkout", None), @r#"{"time":"2026-11-22T14:02:11.204000001Z","function":"checkout","service":"checkout","severity":"info","severity_number":9,"body":"a \"quoted\"\nline \u001b","trace_id":"","span_id":"","invocation_id":"","attributes":{"order":"9912"}}"#);
        assert!(line(&given, "checkout", Some(3_240_000_000)).contains("\"late_ms\":3240"));
    }
}
