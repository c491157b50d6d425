//! A JSON line: its well-known fields become the record's, every other one an attribute.

use std::borrow::Cow;

use opentelemetry_proto::tonic::{common::v1::KeyValue, logs::v1::SeverityNumber};

use super::{
    attributes::{attribute, tell_apart, text},
    exception::Exception,
    function_log::{Named, Reading, Times, record},
    ids::Ids,
    json::{self, Leaf},
    severity::Severity,
    text_line::is_request_id,
    time::Written,
};

const TIME: [&str; 13] = [
    "timestamp",
    "time",
    "ts",
    "@timestamp",
    "Timestamp",
    "@t",
    "asctime",
    "_aws.Timestamp",
    SECONDS,
    "timeMillis",
    "record.time.timestamp",
    "startTime",
    "datetime",
];

/// log4j2's time: whole seconds, and nanoseconds beside them.
const SECONDS: &str = "instant.epochSecond";
const NANOS: &str = "instant.nanoOfSecond";

const LEVEL: [&str; 13] = [
    "level",
    "severity",
    "lvl",
    "log.level",
    "levelname",
    "Level",
    "LogLevel",
    "@l",
    "record.level.name",
    "level.levelStr",
    "loglevel",
    "log_level",
    "severity_text",
];

/// A message that is an object is kept as one: it is what the program said.
const MESSAGE: [&str; 3] = ["message", "msg", "Message"];

/// Serilog's rendered ones, those of tracing and loguru, and at last Serilog's templates.
const OTHER_MESSAGE: [&str; 6] =
    ["@m", "RenderedMessage", "fields.message", "record.message", "@mt", "MessageTemplate"];

/// structlog's name for the message: taken for one only beside a level, as programs log their events under it too.
const EVENT: &str = "event";

const INVOCATION_ID: &str = "faas.invocation_id";

const REQUEST_ID: [&str; 10] = [
    "requestId",
    "AWSRequestId",
    "awsRequestId",
    "aws_request_id",
    "function_request_id",
    "functionRequestId",
    INVOCATION_ID,
    "faas.execution",
    "lambdaRequestId",
    "span.requestId",
];

/// Where loggers put what is not the message but goes with it: ids are sought there as on the outside.
const CONTEXTS: [&str; 7] = ["contextMap.", "mdc.", "context.", "fields.", "record.extra.", "extra.", "Properties."];

/// A metrics line of CloudWatch's embedded metric format.
const METRICS: &str = "_aws.CloudWatchMetrics";

/// The fields in which one logger writes an exception.
struct Family {
    kind: &'static [&'static str],
    message: &'static [&'static str],
    stack: &'static [&'static str],
    /// Whether a type alone is one: these names are used for nothing else.
    is_sure: bool,
}

const FAMILIES: [Family; 7] = [
    Family { kind: &["errorType"], message: &["errorMessage"], stack: &["stackTrace", "stack"], is_sure: true },
    Family {
        kind: &["exception.type", "exception.name"],
        message: &["exception.message"],
        stack: &["exception.stacktrace", "exception.stack", "exception.stack_trace", "exception.stackTrace"],
        is_sure: true,
    },
    Family {
        kind: &["err.type", "err.name"],
        message: &["err.message"],
        stack: &["err.stack", "err.stackTrace"],
        is_sure: false,
    },
    Family {
        kind: &["error.type", "error.name", "error.kind"],
        message: &["error.message"],
        stack: &["error.stack_trace", "error.stack", "error.stackTrace"],
        is_sure: false,
    },
    Family {
        kind: &["thrown.name"],
        message: &["thrown.message"],
        stack: &["thrown.extendedStackTrace", "thrown.stackTrace"],
        is_sure: true,
    },
    // loguru's, whose trace stands in its text.
    Family {
        kind: &["record.exception.type"],
        message: &["record.exception.value"],
        stack: &["record.exception.stacktrace"],
        is_sure: true,
    },
    Family {
        kind: &["exception_name", "exc_type", "exceptionType"],
        message: &["exceptionMessage"],
        stack: &["stack_trace", "stacktrace", "stack", "exc_info", "exception", "Exception", "@x", "traceback"],
        is_sure: true,
    },
];

/// The fields of a line, of which each is taken once.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<Option<Leaf<'a>>>);

/// Reads the object `raw`.
pub(super) fn parse(raw: &str) -> serde_json::Result<Fields<'_>> {
    let leaves = json::leaves(raw, |key| MESSAGE.contains(&key))?;
    Ok(Fields(leaves.into_iter().map(Some).collect()))
}

pub(super) fn read(mut fields: Fields<'_>, raw: &str, times: Times) -> Reading {
    let is_metrics = fields.has(METRICS);
    let time = fields.take_time(times);
    let severity = fields.take_severity();
    let message = if is_metrics { None } else { fields.take_message(severity.is_some()) };
    let request_id = fields.take_request_id();
    let ids = fields.take_ids();
    let exception = fields.take_exception().or_else(|| exception_in(message.as_deref()?));
    let fallback = if exception.is_some() { Severity::error } else { Severity::info };
    let mut record = record(message.unwrap_or_else(|| raw.to_owned()), severity.unwrap_or_else(fallback));
    record.time_unix_nano = time;
    if let Some(ids) = ids {
        ids.write(&mut record);
    }
    record.attributes = exception.map(Exception::into_attributes).unwrap_or_default();
    record.attributes.extend(is_metrics.then(|| attribute("lambdaview.format", text("emf"))));
    record.attributes.extend(fields.into_attributes());
    tell_apart(&mut record.attributes);
    Reading { record, request_id }
}

/// A message may be the exception, as Node's is that gets nothing else to log; or have one in it. It is the body all the same.
fn exception_in(message: &str) -> Option<Exception> {
    if message.starts_with('{') {
        return parse(message).ok()?.take_exception();
    }
    Exception::in_text(message)
}

impl<'a> Fields<'a> {
    fn find(&self, key: &str) -> Option<(usize, &Leaf<'a>)> {
        let leaves = self.0.iter().enumerate().filter_map(|(at, leaf)| Some((at, leaf.as_ref()?)));
        leaves.into_iter().find(|(_, leaf)| leaf.key == key)
    }

    fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The first of `keys` that `read` understands.
    fn first<T>(&self, keys: &[&str], read: impl Fn(&Leaf<'a>) -> Option<T>) -> Option<(usize, T)> {
        keys.iter().find_map(|key| self.find(key).and_then(|(at, leaf)| Some((at, read(leaf)?))))
    }

    fn take<T>(&mut self, keys: &[&str], read: impl Fn(&Leaf<'a>) -> Option<T>) -> Option<T> {
        let (at, value) = self.first(keys, read)?;
        self.0[at] = None;
        Some(value)
    }

    /// The record's own time where it is finer than the platform's; 0 otherwise. A field that says more than was used stays.
    fn take_time(&mut self, times: Times) -> u64 {
        let written =
            |leaf: &Leaf<'_>| Written::from_field(&leaf.text()).filter(|written| written.is_near(times.event));
        let Some((at, mut written)) = self.first(&TIME, written) else { return 0 };
        let is_seconds = self.0[at].as_ref().is_some_and(|leaf| leaf.key == SECONDS);
        if let Some(nanos) = is_seconds.then(|| self.take(&[NANOS], |leaf| leaf.json.parse().ok())).flatten() {
            written = written.with_nanos(nanos);
        }
        let is_used = written.sub_second || times.event == 0;
        if is_used || written.is_within_second_of(times.event) {
            self.0[at] = None;
        }
        if is_used { written.at } else { 0 }
    }

    fn take_severity(&mut self) -> Option<Severity> {
        let (at, severity) = self.first(&LEVEL, severity_of)?;
        // A number, as a text too, is more than the name of its range: it stays beside it.
        self.0[at].take_if(|leaf| leaf.string().is_some_and(|word| Severity::plain(&word) == severity.text.as_str()));
        Some(severity)
    }

    fn take_message(&mut self, has_level: bool) -> Option<String> {
        let any = |leaf: &Leaf<'a>| (!leaf.is_null()).then(|| leaf.text().into_owned());
        let message = self.take(&MESSAGE, any).or_else(|| self.take(&OTHER_MESSAGE, any));
        message.or_else(|| self.take(&[EVENT], |leaf| leaf.string().filter(|_| has_level).map(Cow::into_owned)))
    }

    fn take_request_id(&mut self) -> Option<Named> {
        let named = |leaf: &Leaf<'a>| {
            let id = leaf.string().filter(|id| is_request_id(id))?.into_owned();
            Some(Named { field: Some(attribute(own_name(&leaf.key), text(id.as_str()))), id })
        };
        if let Some(named) = self.take(&REQUEST_ID, named) {
            return Some(named);
        }
        let in_context = |leaf: &Leaf<'_>| bare(&leaf.key).is_some_and(|key| REQUEST_ID.contains(&key));
        let slot = self
            .0
            .iter_mut()
            .find(|slot| slot.as_ref().is_some_and(|leaf| in_context(leaf) && named(leaf).is_some()))?;
        slot.take().and_then(|leaf| named(&leaf))
    }

    /// The ids that the line itself carries; those that become the record's are no attributes any more.
    fn take_ids(&mut self) -> Option<Ids> {
        let of_scalar = |(_, leaf): (usize, &Leaf<'a>)| (!leaf.json.starts_with(['[', '{'])).then(|| leaf.text());
        let found = Ids::find(|name| self.with_contexts(name).and_then(of_scalar))?;
        for name in found.spent {
            if let Some((at, _)) = self.with_contexts(name) {
                self.0[at] = None;
            }
        }
        Some(found.ids)
    }

    /// The field of this name, on the outside or in one of the contexts.
    fn with_contexts(&self, name: &str) -> Option<(usize, &Leaf<'a>)> {
        let inside = || {
            let leaves = self.0.iter().enumerate().filter_map(|(at, leaf)| Some((at, leaf.as_ref()?)));
            leaves.into_iter().find(|(_, leaf)| bare(&leaf.key) == Some(name))
        };
        self.find(name).or_else(inside)
    }

    /// Lambda's `errorType`, `errorMessage`, `stackTrace`, or what the loggers write instead.
    fn take_exception(&mut self) -> Option<Exception> {
        FAMILIES.iter().find_map(|family| self.take_exception_of(family))
    }

    fn take_exception_of(&mut self, family: &Family) -> Option<Exception> {
        let is_named = self.first(family.kind, said).is_some();
        let stack = self.first(family.stack, |leaf| stack_of(leaf, is_named));
        if !(family.is_sure && is_named) && stack.is_none() {
            return None;
        }
        let mut exception = stack.map(|(at, stack)| {
            self.0[at] = None;
            Exception::of_stack(stack)
        });
        let known = exception.get_or_insert_default();
        known.kind = self.take(family.kind, said).or(known.kind.take());
        known.message = self.take(family.message, Leaf::string_only).or(known.message.take());
        exception
    }

    fn into_attributes(self) -> impl Iterator<Item = KeyValue> {
        let ours = |mut leaf: Leaf<'a>| {
            leaf.key = match own_name(&leaf.key) {
                Cow::Owned(key) => Cow::Owned(key),
                Cow::Borrowed(_) => leaf.key,
            };
            leaf.into_attribute()
        };
        // Of two messages one is the body; the other is a field like any.
        let flat = |leaf: Leaf<'a>| {
            if MESSAGE.contains(&leaf.key.as_ref()) { leaf.flattened() } else { vec![leaf] }
        };
        self.0.into_iter().flatten().flat_map(flat).map(ours)
    }
}

/// A field's name, but not the one under which everybody looks for the invocation that the platform named.
fn own_name(key: &str) -> Cow<'_, str> {
    if key == INVOCATION_ID { Cow::Owned(format!("{INVOCATION_ID}#2")) } else { Cow::Borrowed(key) }
}

/// The name within one of the contexts.
fn bare(key: &str) -> Option<&str> {
    CONTEXTS.iter().find_map(|context| key.strip_prefix(context))
}

fn severity_of(level: &Leaf<'_>) -> Option<Severity> {
    let Some(word) = level.string() else { return Severity::from_level(level.json.parse().ok()?) };
    let word = Severity::plain(&word);
    let known = Severity::from_word(&word).or_else(|| Severity::from_level(word.parse().ok()?));
    // The program's own word for a level of its own making.
    known.or_else(|| (!word.is_empty()).then(|| Severity::new(SeverityNumber::Info, word.as_ref())))
}

/// A text that is not empty.
fn said(leaf: &Leaf<'_>) -> Option<String> {
    leaf.string_only().filter(|text| !text.is_empty())
}

/// A stack trace: a text of several lines or a list of lines. Beside a type any text is one.
fn stack_of(leaf: &Leaf<'_>, is_named: bool) -> Option<String> {
    if let Some(text) = leaf.string() {
        return (is_named || text.contains('\n')).then(|| text.into_owned());
    }
    let lines = json::elements(leaf.json).filter(|lines| !lines.is_empty())?;
    let lines: Option<Vec<_>> = lines.into_iter().map(json::string).collect();
    let lines: Vec<_> = lines?.iter().map(|line| line.trim_end_matches('\n').to_owned()).collect();
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flow::trace::{SpanId, TraceId},
        normalise::attributes::{has, text_of},
    };
    use opentelemetry_proto::tonic::{common::v1::any_value, logs::v1::LogRecord};
    use serde_json::{Value, json};

    const ID: &str = "79b4f56e-95b1-4643-9700-2807f4e68189";
    const EVENT: u64 = 1_715_817_560_500_000_000;
    const WRITTEN: u64 = 1_715_817_560_159_000_000;

    fn reading(json: &Value) -> Reading {
        of_raw(&json.to_string())
    }

    fn of_raw(raw: &str) -> Reading {
        read(parse(raw).unwrap(), raw, Times { event: EVENT, observed: EVENT })
    }

    fn record(json: &Value) -> LogRecord {
        reading(json).record
    }

    fn body(record: &LogRecord) -> &str {
        match &record.body.as_ref().unwrap().value {
            Some(any_value::Value::StringValue(text)) => text,
            other => panic!("not a string: {other:?}"),
        }
    }

    #[test]
    fn pythons_json_gets_the_platforms_time_as_its_own_has_only_seconds() {
        let json = json!({"timestamp": "2024-05-15T23:59:20Z", "level": "WARNING", "message": "hi", "logger": "root",
            "requestId": ID, "order": {"id": 7}});
        let Reading { record, request_id } = reading(&json);
        assert_eq!((body(&record), record.time_unix_nano, record.severity_text.as_str()), ("hi", 0, "WARNING"));
        assert_eq!(request_id, Some(Named { field: Some(attribute("requestId", text(ID))), id: ID.into() }));
        let keys: Vec<_> = record.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(keys, ["logger", "order.id"]);
    }

    #[test]
    fn a_time_that_was_not_used_is_kept() {
        let other = record(&json!({"timestamp": "2024-05-15T23:58:00Z", "message": "x"}));
        assert_eq!((other.time_unix_nano, text_of(&other.attributes, "timestamp")), (0, Some("2024-05-15T23:58:00Z")));
        let fine = record(&json!({"ts": 1_715_817_560_159_u64, "msg": "x"}));
        assert_eq!((fine.time_unix_nano, has(&fine.attributes, "ts")), (WRITTEN, false));
    }

    #[test]
    fn levels_in_every_field_are_read() {
        let levels = [
            (json!({"level": "error"}), "error"),
            (json!({"severity": "NOTICE"}), "NOTICE"),
            (json!({"log": {"level": "warn"}}), "warn"),
            (json!({"log.level": "debug"}), "debug"),
            (json!({"level": 50}), "ERROR"),
            (json!({"lvl": "audit"}), "audit"),
            (json!({"level": true}), "INFO"),
        ];
        for (json, word) in levels {
            assert_eq!(record(&json).severity_text, word, "{json}");
        }
        assert!(has(&record(&json!({"level": 35})).attributes, "level"));
        assert_eq!(text_of(&record(&json!({"level": "35"})).attributes, "level"), Some("35"));
    }

    #[test]
    fn without_a_message_the_body_is_the_whole_record() {
        let json = json!({"a": 1, "b": "c"});
        let whole = record(&json);
        assert_eq!(body(&whole), json.to_string());
        assert!(has(&whole.attributes, "a"));
        assert_eq!(body(&record(&json!({"message": {"x": 1}}))), r#"{"x":1}"#);
        assert_eq!(body(&record(&json!({"fields": {"message": "deep", "n": 1}}))), "deep");
    }

    #[test]
    fn an_error_becomes_an_exception_with_its_stack() {
        let lambdas = record(&json!({"errorType": "ValueError", "errorMessage": "no", "stackTrace": ["a\n", "b"]}));
        assert_eq!(text_of(&lambdas.attributes, "exception.stacktrace"), Some("a\nb"));
        assert_eq!((lambdas.severity_text.as_str(), has(&lambdas.attributes, "errorType")), ("ERROR", false));
        let pinos =
            record(&json!({"level": 50, "err": {"type": "TypeError", "message": "no", "stack": "s", "code": 7}}));
        assert_eq!(text_of(&pinos.attributes, "exception.type"), Some("TypeError"));
        assert!(has(&pinos.attributes, "err.code"));
    }

    #[test]
    fn every_loggers_exception_has_its_three_parts() {
        let stack = "E: no\n    at f (a.js:1)";
        let forms = [
            json!({"errorType": "E", "errorMessage": "no", "stackTrace": ["E: no\n", "    at f (a.js:1)"]}),
            json!({"err": {"name": "E", "message": "no", "stack": stack}}),
            json!({"error": {"type": "E", "message": "no", "stack_trace": stack}}),
            json!({"error.type": "E", "error.message": "no", "error.stack_trace": stack}),
            json!({"exception": {"type": "E", "message": "no", "stacktrace": stack}}),
            json!({"thrown": {"name": "E", "message": "no", "extendedStackTrace": stack}}),
            json!({"exception_name": "E", "exception": stack}),
            json!({"message": "x", "stack": stack}),
            json!({"message": "x", "stack_trace": stack}),
            json!({"@mt": "x", "@x": stack}),
        ];
        for form in forms {
            let record = record(&form);
            let part = |name| text_of(&record.attributes, name);
            assert_eq!(part("exception.type"), Some("E"), "{form}");
            assert_eq!(part("exception.message"), Some("no"), "{form}");
            assert_eq!(part("exception.stacktrace"), Some(stack), "{form}");
            assert_eq!((record.severity_text.as_str(), record.attributes.len()), ("ERROR", 3), "{form}");
        }
    }

    #[test]
    fn fields_that_only_sound_like_an_exception_stay_what_they_are() {
        let json = json!({"error": {"type": "card_declined", "message": "no"}, "stack": "blue", "exception": null, "message": "x"});
        let record = record(&json);
        assert!(!has(&record.attributes, "exception.type") && !has(&record.attributes, "exception.stacktrace"));
        assert_eq!(
            (text_of(&record.attributes, "error.type"), record.severity_text.as_str()),
            (Some("card_declined"), "INFO")
        );
    }

    #[test]
    fn ids_become_the_records_and_those_not_believed_stay() {
        let trace = "5bef4de7ad49b0e87f6ef6c87fc2e700";
        let span = "9a9197af755a6419";
        let forms = [
            json!({"trace": {"id": trace}, "span": {"id": span}}),
            json!({"dd": {"trace_id": trace, "span_id": u64::from_str_radix(span, 16).unwrap()}}),
            json!({"contextMap": {"trace_id": trace, "span_id": span, "trace_flags": "00"}}),
            json!({"fields": {"trace_id": trace, "span_id": span}}),
        ];
        for form in forms {
            let record = record(&form);
            assert_eq!(TraceId::from_bytes(&record.trace_id), TraceId::from_hex(trace), "{form}");
            assert_eq!(SpanId::from_bytes(&record.span_id), SpanId::from_hex(span), "{form}");
            assert!(record.attributes.is_empty(), "{form}");
        }
        let not_one = record(&json!({"trace_id": "0", "span_id": span}));
        assert!(not_one.trace_id.is_empty() && not_one.span_id.is_empty());
        assert_eq!(
            (text_of(&not_one.attributes, "trace_id"), text_of(&not_one.attributes, "span_id")),
            (Some("0"), Some(span))
        );
    }

    #[test]
    fn a_name_that_stands_there_twice_or_is_ours_costs_no_value() {
        let raw = format!(
            r#"{{"a":1,"a":2,"b":{{"c":3}},"b.c":4,"level":"warn","level":"mine","faas.invocation_id":"theirs","requestId":"{ID}"}}"#
        );
        let Reading { record, request_id } = of_raw(&raw);
        let keys: Vec<_> = record.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(keys, ["a", "a#2", "b.c", "b.c#2", "level", "faas.invocation_id#2"]);
        assert_eq!((record.severity_text.as_str(), request_id.unwrap().id.as_str()), ("warn", ID));
    }

    #[test]
    fn a_message_that_is_or_has_an_exception_stays_the_body() {
        let error = json!({"errorType": "E", "errorMessage": "no", "stackTrace": ["E: no", "    at f (a.js:1)"]});
        for message in [error, json!("failed\nE: no\n    at f (a.js:1)")] {
            let record = record(&json!({"level": "INFO", "message": message}));
            assert_eq!(text_of(&record.attributes, "exception.type"), Some("E"));
            assert_eq!((body(&record).starts_with(['{', 'f']), record.severity_text.as_str()), (true, "INFO"));
        }
    }

    #[test]
    fn a_metrics_line_is_kept_whole_and_known_as_one() {
        let raw = r#"{"_aws":{"Timestamp":1715817560159,"CloudWatchMetrics":[{"Namespace":"shop"}]},"message":"m","Orders":1.50}"#;
        let record = of_raw(raw).record;
        assert_eq!((body(&record), record.time_unix_nano), (raw, WRITTEN));
        assert_eq!(text_of(&record.attributes, "lambdaview.format"), Some("emf"));
        assert_eq!(text_of(&record.attributes, "message"), Some("m"));
    }

    #[test]
    fn the_message_stands_under_many_names() {
        let messages = [
            json!({"message": null, "msg": "hi"}),
            json!({"@m": "hi", "@mt": "h{i}"}),
            json!({"@mt": "hi"}),
            json!({"record": {"message": "hi", "level": {"name": "INFO"}}}),
            json!({"level": "info", "event": "hi"}),
        ];
        for json in messages {
            assert_eq!(body(&record(&json)), "hi", "{json}");
        }
        let event = json!({"event": "hi"});
        assert_eq!(body(&record(&event)), event.to_string(), "not every event is a message");
    }

    #[test]
    fn of_two_messages_the_second_is_a_field_like_any() {
        let record = record(&json!({"message": "hi", "msg": {"a": {"b": "c"}}}));
        assert_eq!((body(&record), text_of(&record.attributes, "msg.a.b")), ("hi", Some("c")));
    }

    #[test]
    fn seconds_and_nanoseconds_make_one_time() {
        let record = record(&json!({"instant": {"epochSecond": WRITTEN / 1_000_000_000, "nanoOfSecond": 159_000_000}}));
        assert_eq!((record.time_unix_nano, record.attributes.len()), (WRITTEN, 0));
    }
}
