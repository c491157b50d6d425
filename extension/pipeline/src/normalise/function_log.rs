//! What a function's or an extension's log record becomes.

use memchr::memchr;
use opentelemetry_proto::tonic::{common::v1::KeyValue, logs::v1::LogRecord};

use super::{
    attributes::{attribute, text},
    json_line,
    severity::Severity,
    text_line,
};
use crate::flow::{UnixNanos, arrival::Line};

/// A record as its line alone tells it; whose invocation it is stands in `invocations`.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) record: LogRecord,
    /// The request id that the line names, and the field it stood in.
    pub(super) request_id: Option<Named>,
}

/// A request id, and the attribute that its field is where it turns out to be another's; a text line has no fields.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) field: Option<KeyValue>,
    pub(super) id: String,
}

/// When the line was written and seen, by the platform's clock and ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) event: UnixNanos,
    pub(super) observed: UnixNanos,
}

impl Times {
    /// The platform's time where it named one.
    pub(super) fn best(self) -> UnixNanos {
        if self.event == 0 { self.observed } else { self.event }
    }
}

/// Reads one line; `None` when there is not a character in it.
pub(super) fn read(line: Line, times: Times) -> Option<Reading> {
    let mut reading = match line {
        Line::Text(line) => {
            let line = without_newline(line);
            if line.is_empty() {
                return None;
            }
            if let Some(fields) = json_in(&line) {
                json_line::read(fields, &line, times)
            } else {
                text_line::read(line, times)
            }
        }
        Line::Json(raw) => json_record(&raw, times),
    };
    let record = &mut reading.record;
    record.observed_time_unix_nano = times.observed;
    if record.time_unix_nano == 0 {
        record.time_unix_nano = times.best();
    }
    Some(reading)
}

/// A record that is kept as it came, with the reason beside it.
pub(super) fn unparsed(raw: &str, why: &str, times: Times) -> LogRecord {
    LogRecord {
        time_unix_nano: times.best(),
        observed_time_unix_nano: times.observed,
        attributes: vec![attribute("lambdaview.parse_error", text(why))],
        ..record(raw, Severity::info())
    }
}

/// A record of a body and a severity, and nothing else yet.
pub(super) fn record(body: impl Into<String>, severity: Severity) -> LogRecord {
    LogRecord {
        severity_number: severity.number.into(),
        severity_text: severity.text,
        body: Some(text(body)),
        ..LogRecord::default()
    }
}

/// A program under the text format that writes JSON, and every JSON log under the oldest schema, come as strings.
fn json_in(line: &str) -> Option<json_line::Fields<'_>> {
    if !line.trim_start().starts_with('{') {
        return None;
    }
    json_line::parse(line).ok()
}

fn json_record(raw: &str, times: Times) -> Reading {
    if !raw.starts_with('{') {
        // An array or a bare value: its text is all it says.
        return Reading { record: record(raw, Severity::info()), request_id: None };
    }
    match json_line::parse(raw) {
        Ok(fields) => json_line::read(fields, raw, times),
        Err(fault) => Reading { record: unparsed(raw, &fault.to_string(), times), request_id: None },
    }
}

/// Without the trailing newline; and where the runtime wrote `\r` for the newlines of one record, with them again.
fn without_newline(mut line: String) -> String {
    line.truncate(line.trim_end_matches(['\n', '\r']).len());
    if memchr(b'\r', line.as_bytes()).is_some() && !line.contains('\n') {
        return line.replace('\r', "\n");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::attributes::text_of;
    use opentelemetry_proto::tonic::{common::v1::any_value::Value, logs::v1::SeverityNumber};

    const TIMES: Times = Times { event: 1_715_817_560_500_000_000, observed: 1_715_817_561_000_000_000 };

    fn text_record(line: &str) -> LogRecord {
        read(Line::Text(line.into()), TIMES).unwrap().record
    }

    fn body(record: &LogRecord) -> &str {
        match &record.body.as_ref().unwrap().value {
            Some(Value::StringValue(text)) => text,
            other => panic!("not a string: {other:?}"),
        }
    }

    #[test]
    fn a_printed_line_keeps_its_text_and_gets_the_platforms_time() {
        let record = text_record("hello\n");
        assert_eq!(body(&record), "hello");
        assert_eq!((record.time_unix_nano, record.observed_time_unix_nano), (TIMES.event, TIMES.observed));
        assert_eq!((record.severity_number, record.severity_text.as_str()), (SeverityNumber::Info.into(), "INFO"));
    }

    #[test]
    fn a_line_without_a_character_is_none() {
        for line in ["", "\n", "\r\n"] {
            assert!(read(Line::Text(line.into()), TIMES).is_none());
        }
        assert_eq!(body(&text_record("  \n")), "  ");
    }

    #[test]
    fn a_stack_trace_gets_its_newlines_back() {
        let record = text_record("[ERROR] ValueError: boom\rTraceback (most recent call last):\r  File \"x\"\n");
        assert_eq!(body(&record), "[ERROR] ValueError: boom\nTraceback (most recent call last):\n  File \"x\"");
        assert_eq!(body(&text_record("10%\r\n20%\rx")), "10%\r\n20%\rx");
    }

    #[test]
    fn json_in_a_string_is_read_as_json_and_what_only_looks_like_it_is_text() {
        let json = text_record("{\"level\":\"warn\",\"message\":\"slow\",\"ms\":7}\n");
        assert_eq!((body(&json), json.severity_text.as_str()), ("slow", "warn"));
        assert_eq!(body(&text_record("{not json}")), "{not json}");
    }

    #[test]
    fn json_that_is_no_object_is_its_own_text() {
        for raw in ["17", "[1,2]", "null", "true"] {
            let reading = read(Line::Json(raw.into()), TIMES).unwrap();
            assert_eq!(body(&reading.record), raw);
        }
    }

    #[test]
    fn an_object_that_cannot_be_read_is_shipped_raw_with_the_reason() {
        let raw = r#"{"message":"half"#;
        let record = read(Line::Json(raw.into()), TIMES).unwrap().record;
        assert_eq!(body(&record), raw);
        assert!(text_of(&record.attributes, "lambdaview.parse_error").is_some());
        assert_ne!(record.severity_number, 0);
    }

    #[test]
    fn a_line_of_300_kilobytes_is_kept_whole() {
        let line = "x".repeat(300_000);
        assert_eq!(body(&text_record(&line)), line);
    }
}
