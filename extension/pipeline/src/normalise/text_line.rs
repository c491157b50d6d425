//! A text line: what stands at its head, in the forms of Lambda's runtimes and of common loggers.
//!
//! The body is the whole line, as CloudWatch has it: the head is read, never cut off.

use std::borrow::Cow;

use memchr::memchr_iter;
use serde_json::Value;

use super::{
    exception::Exception,
    function_log::{Named, Reading, Times, record},
    ids::{self, Ids},
    severity::{Severity, without_colours},
    time::Written,
};

pub(super) fn read(line: String, times: Times) -> Reading {
    let head = Head::of(&plain_start(&line));
    let exception = node_exception(&line, &head).or_else(|| Exception::in_text(&line));
    let severity = head.severity.or_else(|| Severity::from_text(&plain_start(&line)));
    let fallback = if exception.is_some() { Severity::error } else { Severity::info };
    let ids = ids_in(&line);
    let mut record = record(line, severity.unwrap_or_else(fallback));
    let own = head.time.filter(|time| time.sub_second && time.is_near(times.event));
    record.time_unix_nano = own.map_or(0, |time| time.at);
    if let Some(ids) = ids {
        ids.write(&mut record);
    }
    record.attributes.extend(exception.into_iter().flat_map(Exception::into_attributes));
    Reading { record, request_id: head.request_id.map(|id| Named { field: None, id }) }
}

/// The line; of one that begins in a terminal's colours its start, without them.
fn plain_start(line: &str) -> Cow<'_, str> {
    const START: usize = 512;
    if !line.starts_with('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let end = line.char_indices().nth(START).map_or(line.len(), |(at, _)| at);
    Cow::Owned(without_colours(&line[..end]))
}

/// The leading words of a line that say when, for whom and how bad.
///
/// Node `ts TAB id TAB WARN TAB msg`, .NET `ts TAB id TAB warn TAB msg`, Python `[INFO] TAB ts TAB id TAB msg`,
/// Ruby `W, [ts #8]  WARN id -- : msg`, `ts LEVEL msg` of Rust and Go, `date time LEVEL msg` of Java and Python,
/// `ts | LEVEL | msg` of loguru, `[ts] [LEVEL] msg` of log4js, `time=ts level=LEVEL msg=msg` of Go.
#[derive(Debug, Default)]
struct Head {
    time: Option<Written>,
    request_id: Option<String>,
    severity: Option<Severity>,
}

/// A head has a letter, a date, a time, a process, an id and a level at most.
const HEAD_WORDS: usize = 6;

impl Head {
    fn of(line: &str) -> Self {
        let mut head = Self::default();
        let is_word = |word: &&str| !word.is_empty() && *word != "|";
        let mut words = line.split([' ', '\t']).filter(is_word).take(HEAD_WORDS).peekable();
        while let Some(word) = words.next() {
            let next = words.peek().copied();
            if head.take_time(word, next) {
                if is_date(unmarked(word)) {
                    words.next();
                }
            } else if !head.take(word) && !head.is_mark(word) {
                break;
            }
        }
        head
    }

    fn take_time(&mut self, word: &str, next: Option<&str>) -> bool {
        if self.time.is_none() && word.len() >= DATE {
            let word = unmarked(word);
            let joined = next.filter(|_| is_date(word)).map(|next| format!("{word} {}", next.trim_end_matches(']')));
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
        // A bare word is a level only behind a time or an id: "log in" is a sentence. There its bracket may close far behind.
        let bare = (self.time.is_some() || self.request_id.is_some())
            .then(|| word.strip_prefix("level=").unwrap_or(word).trim_start_matches('['));
        if self.severity.is_none() {
            self.severity = bracketed.or(bare).and_then(Severity::from_word);
            return self.severity.is_some();
        }
        false
    }

    /// What Ruby's logger writes between: the level's first letter before the time, the process behind it.
    fn is_mark(&self, word: &str) -> bool {
        match word.as_bytes() {
            [letter, b','] => self.time.is_none() && letter.is_ascii_uppercase(),
            [b'#', process @ .., b']'] => self.time.is_some() && process.iter().all(u8::is_ascii_digit),
            _ => false,
        }
    }
}

/// The length of a date.
const DATE: usize = 10;

/// A word without the bracket before it, or the name (`time=`, `ts=`) and the quotes around it.
fn unmarked(word: &str) -> &str {
    let value = ["time=", "ts=", "timestamp="].into_iter().find_map(|name| word.strip_prefix(name)).unwrap_or(word);
    let value = value.trim_matches(['[', ']', '"']);
    // Ruby's process stands behind its time, with a space or without.
    value.split_once('#').map_or(value, |(time, _)| time)
}

fn is_date(word: &str) -> bool {
    word.len() == DATE
        && word
            .bytes()
            .enumerate()
            .all(|(at, c)| if at == 4 || at == 7 { matches!(c, b'-' | b'/') } else { c.is_ascii_digit() })
}

/// The ids of a line in which they stand as `trace_id=5bef4de7ad49b0e87f6ef6c87fc2e700`.
fn ids_in(line: &str) -> Option<Ids> {
    /// A line with more `=` than this is data.
    const LOOKED_AT: usize = 32;
    let places = || memchr_iter(b'=', line.as_bytes()).take(LOOKED_AT);
    // Nearly every line has none, and most pairs in it are told from one by two letters.
    if !places().any(|at| ids::ends_like_a_trace(&line.as_bytes()[..at])) {
        return None;
    }
    let pair = |at| Some((name_before(line, at)?, value_behind(&line[at + 1..])));
    let pairs: Vec<_> = places().filter_map(pair).collect();
    let field = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| Cow::Borrowed(*value));
    Ids::find(field).map(|found| found.ids)
}

fn name_before(line: &str, at: usize) -> Option<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    let start = line[..at].rfind(|c| !is_of_name(c)).map_or(0, |before| before + 1);
    // Before that there may have been a character of several bytes.
    line.get(start..at).filter(|name| ids::is_name(name))
}

fn value_behind(text: &str) -> &str {
    let text = text.strip_prefix('"').unwrap_or(text);
    text.split([' ', '\t', '"', ',', ']', ')', '}', '\n']).next().unwrap_or(text)
}

/// Whether this is a UUID, as every request id of Lambda is.
pub(super) fn is_request_id(word: &str) -> bool {
    let dash = |at| matches!(at, 8 | 13 | 18 | 23);
    word.len() == 36 && word.bytes().enumerate().all(|(at, c)| if dash(at) { c == b'-' } else { c.is_ascii_hexdigit() })
}

/// `... ERROR TAB Invoke Error TAB {"errorType":...,"errorMessage":...,"stack":[...]}`.
fn node_exception(line: &str, head: &Head) -> Option<Exception> {
    head.time?;
    let json = &line[find(line, "\t{\"errorType\":")?..];
    let fields: Value = serde_json::from_str(json).ok()?;
    let stack = fields["stack"].as_array().map(|lines| lines.iter().filter_map(Value::as_str).collect::<Vec<_>>());
    Some(Exception {
        kind: Some(fields["errorType"].as_str()?.to_owned()),
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
    use crate::{
        flow::trace::{SpanId, TraceId},
        normalise::attributes::text_of,
    };
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
        check(&format!("W, [2024-05-15T23:59:20.159000 #8]  WARN {ID} -- : slow"), WRITTEN, Some(ID), (Warn, "WARN"));
        check(&format!("W, [2024-05-15T23:59:20.159000#8]  WARN {ID} -- : slow"), WRITTEN, Some(ID), (Warn, "WARN"));
        check("2024-05-15T23:59:20.159000Z [warning  ] slow", WRITTEN, None, (Warn, "warning"));
        check("2024-05-15 23:59:20.159 | ERROR    | app:charge:7 - no", WRITTEN, None, (Error, "ERROR"));
        check("[2024-05-15T23:59:20.159] [WARN] default - slow", WRITTEN, None, (Warn, "WARN"));
        check("[2024-05-15 23:59:20.159] [WARN] slow", WRITTEN, None, (Warn, "WARN"));
        check("time=2024-05-15T23:59:20.159Z level=WARN msg=\"slow\"", WRITTEN, None, (Warn, "WARN"));
        check("time=2024-05-15T23:59:20.159Z level=INFO+2 msg=x", WRITTEN, None, (SeverityNumber::Info3, "INFO+2"));
        check("time=\"2024-05-15T23:59:20.159Z\" level=error msg=no", WRITTEN, None, (Error, "error"));
        check("2024/05/15 23:59:20.159000 charged", WRITTEN, None, (Info, "INFO"));
        check("[2024-05-15T23:59:20Z ERROR app] no", 0, None, (Error, "ERROR"));
        check(
            "\u{1b}[2m2024-05-15T23:59:20.159Z\u{1b}[0m \u{1b}[33m WARN\u{1b}[0m slow",
            WRITTEN,
            None,
            (Warn, "WARN"),
        );
        check("I, too, was there", 0, None, (Info, "INFO"));
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

    #[test]
    fn the_ids_that_a_text_line_carries_are_its_own() {
        let (trace, span) = ("5bef4de7ad49b0e87f6ef6c87fc2e700", "9a9197af755a6419");
        let lines = [
            format!(
                "x INFO [app] [app.py:7] [trace_id={trace} span_id={span} resource.service.name=a trace_sampled=True] - hi"
            ),
            format!("level=info msg=hi traceId=\"{trace}\" spanId=\"{span}\" traceFlags=01"),
            format!("é=1 traceparent=00-{trace}-{span}-01"),
        ];
        for line in lines {
            let record = reading(&line).record;
            assert_eq!(TraceId::from_bytes(&record.trace_id), TraceId::from_hex(trace), "{line}");
            assert_eq!(SpanId::from_bytes(&record.span_id), SpanId::from_hex(span), "{line}");
            assert_eq!(record.flags, 1, "{line}");
        }
        for line in ["trace_id=0 span_id=0", "a=b", "=", "trace_id="] {
            assert!(reading(line).record.trace_id.is_empty(), "{line}");
        }
    }
}
