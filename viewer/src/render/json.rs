//! Answers for programs: one JSON object a line, in the shapes that `--help` documents. Fields are added, never changed.

use std::{collections::BTreeMap, io};

use lambdaview_queries::questions::{Text, lines::Line};
use serde::Serialize;
use serde_json::ser::Formatter;

use super::line::{Place, function as function_of};
use crate::format::{acts_on_terminal, rfc3339};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<bool>,
}

/// A line of `tail -o json`, at the end of `into`.
pub(super) fn line_into(line: &Line, place: Place, into: &mut Vec<u8>) {
    let late_ms = place.late.map(|nanos| nanos / 1_000_000);
    let context = place.context.then_some(true);
    append(&JsonLine { function: Some(function_of(line)), late_ms, context, ..fields(line) }, into);
}

/// Attributes as a JSON object.
pub(super) fn object(attributes: &[(Text, Text)]) -> String {
    let mut json = as_line(&map(attributes));
    json.pop();
    json
}

/// A line of `trace -o json`.
pub(super) fn trace_line(line: &Line) -> String {
    as_line(&JsonLine { kind: Some("line"), function: Some(&line.function), ..fields(line) })
}

/// `value` on a line of its own.
pub(super) fn as_line(value: &impl Serialize) -> String {
    let mut line = Vec::with_capacity(256);
    append(value, &mut line);
    String::from_utf8(line).expect("JSON is written in UTF-8")
}

/// `value` on a line of its own, at the end of `into`.
pub(super) fn append(value: &impl Serialize, into: &mut Vec<u8>) {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *into, Inert);
    value.serialize(&mut serializer).expect("text, numbers and maps of text are always JSON");
    into.push(b'\n');
}

/// JSON whose text cannot act on a terminal: what JSON lets stand and a terminal obeys is escaped too.
struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() && !fragment.contains('\u{7f}') {
            return writer.write_all(fragment.as_bytes());
        }
        let mut from = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| acts_on_terminal(*c)) {
            writer.write_all(&fragment.as_bytes()[from..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            from = at + c.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[from..])
    }
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
        context: None,
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
        let drawn = |place| {
            let mut json = Vec::new();
            line_into(&given, place, &mut json);
            String::from_utf8(json).unwrap()
        };
        insta::assert_snapshot!(drawn(Place::default()), @r#"{"time":"2026-11-22T14:02:11.204000001Z","function":"checkout","service":"checkout","severity":"info","severity_number":9,"body":"a \"quoted\"\nline \u001b","trace_id":"","span_id":"","invocation_id":"","attributes":{"order":"9912"}}"#);
        let late = drawn(Place { late: Some(3_240_000_000), context: true });
        assert!(late.ends_with(",\"late_ms\":3240,\"context\":true}\n"), "{late}");
    }

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_still_the_same_text() {
        let hostile: String =
            (0..=0x2100).chain(0xfeff..=0xfffc).chain(0xe_0000..=0xe_0080).filter_map(char::from_u32).collect();
        let json = as_line(&hostile);
        assert!(!json.trim_end().chars().any(acts_on_terminal));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
