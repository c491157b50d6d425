//! A text line: what stands at its head, in the forms of Lambda's runtimes and of common loggers.
//!
//! The body is the whole line, as CloudWatch has it: the head is read, never cut off.

use serde_json::Value;

use super::{
    attributes::{attribute, text},
    function_log::{Named, Reading, Times, record},
    severity::Severity,
    time::Written,
};

pub(super) fn read(line: String, times: Times) -> Reading {
    let head = Head::of(&line);
    let exception = exception(&line, &head);
    let severity = head.severity.or_else(|| Severity::from_text(&line));
    let fallback = if exception.is_some() { Severity::error } else { Severity::info };
    let mut record = record(line, severity.unwrap_or_else(fallback));
    let own = head.time.filter(|time| time.sub_second && time.is_near(times.event));
    record.time_unix_nano = own.map_or(0, |time| time.at);
    record.attributes.extend(exception.into_iter().flat_map(Exception::into_attributes));
    Reading { record, request_id: head.request_id.map(|id| Named { field: None, id }) }
}

/// The leading words of a line that say when, for whom and how bad.
///
/// Node `ts TAB id TAB WARN TAB msg`, .NET `ts TAB id TAB warn TAB msg`, Python `[INFO] TAB ts TAB id TAB msg`,
/// `ts LEVEL msg` of Rust and Go, `date time LEVEL msg` of Java and Python.
#[derive(Debug, Default)]
struct Head {
    time: Option<Written>,
    request_id: Option<String>,
    severity: Option<Severity>,
}

/// A head has a date, a time, an id and a level at most.
const HEAD_WORDS: usize = 4;

impl Head {
    fn of(line: &str) -> Self {
        let mut head = Self::default();
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty()).take(HEAD_WORDS).peekable();
        while let Some(word) = words.next() {
            let next = words.peek().copied();
            if head.take_time(word, next) {
                if is_date(word) {
                    words.next();
                }
            } else if !head.take(word) {
                break;
            }
        }
        head
    }

    fn take_time(&mut self, word: &str, next: Option<&str>) -> bool {
        if self.time.is_none() {
            let joined = next.filter(|_| is_date(word)).map(|next| format!("{word} {next}"));
            self.time = Written::from_text(joined.as_deref().unwrap_or(word));
            return self.time.is_some();
        }
        false
    }

    fn take(&mut self, word: &str) -> bool {
        if self.request_id.is_none() && (is_request_id(word) || word == "undefined") {
            self.request_id = Some(word).filter(|word| *word != "undefined").map(str::to_owned);
            return true;
        }
        let bracketed = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
        // A bare word is a level only behind a time or an id: "log in" is a sentence.
        let bare = (self.time.is_some() || self.request_id.is_some()).then_some(word);
        if self.severity.is_none() {
            self.severity = bracketed.or(bare).and_then(Severity::from_word);
            return self.severity.is_some();
        }
        false
    }
}

fn is_date(word: &str) -> bool {
    word.len() == 10
        && word.bytes().enumerate().all(|(at, c)| if at == 4 || at == 7 { c == b'-' } else { c.is_ascii_digit() })
}

/// Whether this is a UUID, as every request id of Lambda is.
pub(super) fn is_request_id(word: &str) -> bool {
    let dash = |at| matches!(at, 8 | 13 | 18 | 23);
    word.len() == 36 && word.bytes().enumerate().all(|(at, c)| if dash(at) { c == b'-' } else { c.is_ascii_hexdigit() })
}

struct Exception {
    kind: String,
    message: Option<String>,
    stacktrace: Option<String>,
}

impl Exception {
    fn into_attributes(self) -> Vec<opentelemetry_proto::tonic::common::v1::KeyValue> {
        let message = self.message.map(|message| attribute("exception.message", text(message)));
        let stacktrace = self.stacktrace.map(|stacktrace| attribute("exception.stacktrace", text(stacktrace)));
        [Some(attribute("exception.type", text(self.kind))), message, stacktrace].into_iter().flatten().collect()
    }
}

fn exception(line: &str, head: &Head) -> Option<Exception> {
    python_exception(line).or_else(|| node_exception(line, head))
}

/// `[ERROR] ValueError: boom` before a traceback (unhandled), or a traceback whose last line is `ValueError: boom`.
fn python_exception(line: &str) -> Option<Exception> {
    let at = find(line, "Traceback (most recent call last):")?;
    let stacktrace = &line[at..];
    let first = line[..at].trim_end().strip_prefix("[ERROR] ").and_then(type_and_message);
    let last = || stacktrace.lines().rev().find(|line| !line.trim().is_empty()).and_then(type_and_message);
    let (kind, message) = first.or_else(last)?;
    Some(Exception { kind, message, stacktrace: Some(stacktrace.to_owned()) })
}

fn type_and_message(line: &str) -> Option<(String, Option<String>)> {
    let (kind, message) = line.split_once(": ").map_or((line, None), |(kind, message)| (kind, Some(message)));
    let is_name = !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    is_name.then(|| (kind.to_owned(), message.map(str::to_owned)))
}

/// `... ERROR TAB Invoke Error TAB {"errorType":...,"errorMessage":...,"stack":[...]}`.
fn node_exception(line: &str, head: &Head) -> Option<Exception> {
    head.time?;
    let json = &line[find(line, "\t{\"errorType\":")?..];
    let fields: Value = serde_json::from_str(json).ok()?;
    let stack = fields["stack"].as_array().map(|lines| lines.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    Some(Exception {
        kind: fields["errorType"].as_str()?.to_owned(),
        message: fields["errorMessage"].as_str().map(str::to_owned),
        stacktrace: stack.map(|lines| lines.join("\n")),
    })
}

/// Where `wanted` stands in `line`. What is sought is in hardly any line: a search for its first character costs less than
/// the standard library's preparation for a whole text.
fn find(line: &str, wanted: &str) -> Option<usize> {
    let first = wanted.chars().next()?;
    line.match_indices(first).map(|(at, _)| at).find(|at| line[*at..].starts_with(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::attributes::text_of;
    use opentelemetry_proto::tonic::logs::v1::SeverityNumber::{self, Error, Info, Warn};

    const ID: &str = "79b4f56e-95b1-4643-9700-2807f4e68189";
    const EVENT: u64 = 1_715_817_560_500_000_000;
    const WRITTEN: u64 = 1_715_817_560_159_000_000;

    fn reading(line: &str) -> Reading {
        read(line.to_owned(), Times { event: EVENT, observed: EVENT })
    }

    fn check(line: &str, time: u64, id: Option<&str>, severity: (SeverityNumber, &str)) {
        let reading = reading(line);
        assert_eq!(reading.record.time_unix_nano, time, "{line}");
        assert_eq!(reading.request_id.as_ref().map(|named| named.id.as_str()), id, "{line}");
        let (number, word) = severity;
        assert_eq!((reading.record.severity_number, &*reading.record.severity_text), (number.into(), word), "{line}");
    }

    #[test]
    fn the_heads_of_every_runtime_are_read() {
        let ts = "2024-05-15T23:59:20.159Z";
        check(&format!("{ts}\t{ID}\tWARN\tslow"), WRITTEN, Some(ID), (Warn, "WARN"));
        check(&format!("{ts}\tundefined\tINFO\tinit"), WRITTEN, None, (Info, "INFO"));
        check(&format!("[INFO]\t{ts}\t{ID}\thello"), WRITTEN, Some(ID), (Info, "INFO"));
        check(&format!("{ts}\t{ID}\tfail\tno"), WRITTEN, Some(ID), (Error, "fail"));
        check("[WARNING] careful", 0, None, (Warn, "WARNING"));
        check("2024-05-15 23:59:20,159 ERROR app - no", WRITTEN, None, (Error, "ERROR"));
        check("2024-05-15T23:59:20.159000Z  WARN app: slow", WRITTEN, None, (Warn, "WARN"));
        check("Info logging started", 0, None, (Info, "INFO"));
    }

    #[test]
    fn a_date_that_is_data_is_not_the_lines_time() {
        check("2020-01-01T00:00:00.000Z was a Wednesday", 0, None, (Info, "INFO"));
    }

    #[test]
    fn an_unhandled_python_error_names_its_type_and_message() {
        let record =
            reading("[ERROR] ValueError: boom: x\nTraceback (most recent call last):\n  File \"app.py\"").record;
        assert_eq!(text_of(&record.attributes, "exception.type"), Some("ValueError"));
        assert_eq!(text_of(&record.attributes, "exception.message"), Some("boom: x"));
        assert!(text_of(&record.attributes, "exception.stacktrace").unwrap().starts_with("Traceback"));
        assert_eq!(record.severity_number, i32::from(Error));
    }

    #[test]
    fn a_logged_python_exception_is_named_by_its_last_line() {
        let line = format!(
            "[ERROR]\t2024-05-15T23:59:20.159Z\t{ID}\tno order\nTraceback (most recent call last):\n  File \"a\"\nKeyError: 'id'\n"
        );
        let record = reading(&line).record;
        assert_eq!(text_of(&record.attributes, "exception.type"), Some("KeyError"));
    }

    #[test]
    fn a_node_error_names_its_type_and_stack() {
        let line = format!(
            "2024-05-15T23:59:20.159Z\t{ID}\tERROR\tInvoke Error \t{{\"errorType\":\"TypeError\",\"errorMessage\":\"no\",\"stack\":[\"a\",\"b\"]}}"
        );
        let record = reading(&line).record;
        assert_eq!(text_of(&record.attributes, "exception.type"), Some("TypeError"));
        assert_eq!(text_of(&record.attributes, "exception.stacktrace"), Some("a\nb"));
    }
}
