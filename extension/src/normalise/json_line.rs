//! A JSON line: its well-known fields become the record's, every other one an attribute.

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    logs::v1::{LogRecord, SeverityNumber},
};
use serde_json::{Map, Value};

use super::{
    attributes::{attribute, flatten, text},
    function_log::{Named, Reading, Times, record},
    severity::Severity,
    text_line::is_request_id,
    time::Written,
};
use crate::flow::trace::{SpanId, TraceContext, TraceId};

/// The fields of a JSON object.
pub(super) type Fields = Map<String, Value>;

const TIME: [&str; 5] = ["timestamp", "time", "ts", "@timestamp", "Timestamp"];
const LEVEL: [&str; 8] = ["level", "severity", "lvl", "log.level", "levelname", "Level", "LogLevel", "@l"];
const MESSAGE: [&str; 3] = ["message", "msg", "Message"];
const REQUEST_ID: [&str; 7] = [
    "requestId",
    "AWSRequestId",
    "awsRequestId",
    "aws_request_id",
    "function_request_id",
    "faas.invocation_id",
    "lambdaRequestId",
];
const TRACE: [&str; 4] = ["trace_id", "traceId", "otelTraceID", "TraceId"];
const SPAN: [&str; 4] = ["span_id", "spanId", "otelSpanID", "SpanId"];
const XRAY: [&str; 3] = ["xray_trace_id", "xrayTraceId", "xray_trace"];

pub(super) fn read(mut fields: Fields, raw: &str, times: Times) -> Reading {
    let time = take_time(&mut fields, times);
    let severity = take_severity(&mut fields);
    let message = take_message(&mut fields);
    let request_id = take_request_id(&mut fields);
    let ids = take_ids(&mut fields);
    let exception = take_exception(&mut fields);
    let fallback = if exception.is_empty() { Severity::info } else { Severity::error };
    let mut record = record(message.as_deref().unwrap_or(raw), severity.unwrap_or_else(fallback));
    record.time_unix_nano = time;
    ids.write(&mut record);
    record.attributes = exception;
    for (key, value) in fields {
        flatten(key, value, &mut record.attributes);
    }
    Reading { record, request_id }
}

/// The record's own time where it is finer than the platform's; 0 otherwise. A field that says more than was used stays.
fn take_time(fields: &mut Fields, times: Times) -> u64 {
    let known = TIME.into_iter().find_map(|key| Some((key, Written::from_json(fields.get(key)?)?)));
    let Some((key, written)) = known.filter(|(_, written)| written.is_near(times.event)) else { return 0 };
    if written.sub_second || times.event == 0 {
        fields.remove(key);
        return written.at;
    }
    if written.is_within_second_of(times.event) {
        fields.remove(key);
    }
    0
}

fn take_severity(fields: &mut Fields) -> Option<Severity> {
    if let Some((key, severity)) = LEVEL.into_iter().find_map(|key| Some((key, severity_of(fields.get(key)?)?))) {
        // A number is more than the name of its range: it stays beside it.
        if fields[key].is_string() {
            fields.remove(key);
        }
        return Some(severity);
    }
    let nested = fields.get("log")?.get("level")?;
    severity_of(nested)
}

fn severity_of(level: &Value) -> Option<Severity> {
    match level {
        Value::String(word) => {
            let known = Severity::from_word(word.trim()).or_else(|| Severity::from_level(word.parse().ok()?));
            // The program's own word for a level of its own making.
            known.or_else(|| (!word.is_empty()).then(|| Severity::new(SeverityNumber::Info, word.as_str())))
        }
        Value::Number(level) => Severity::from_level(level.as_f64()?),
        _ => None,
    }
}

fn take_message(fields: &mut Fields) -> Option<String> {
    if let Some(key) = MESSAGE.into_iter().find(|key| fields.contains_key(*key)) {
        return fields.remove(key).map(plain);
    }
    let nested = fields.get_mut("fields")?.as_object_mut()?;
    nested.remove("message").map(plain)
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn take_request_id(fields: &mut Fields) -> Option<Named> {
    let key = REQUEST_ID.into_iter().find(|key| fields.get(*key).and_then(Value::as_str).is_some_and(is_request_id))?;
    let id = plain(fields.remove(key).expect("the field was just seen"));
    Some(Named { field: Some(key.to_owned()), id })
}

#[derive(Debug, Default)]
struct Ids {
    trace: Option<TraceId>,
    span: Option<SpanId>,
    sampled: bool,
}

impl Ids {
    fn write(self, record: &mut LogRecord) {
        record.trace_id = self.trace.map(TraceId::to_vec).unwrap_or_default();
        record.span_id = self.span.filter(|_| self.trace.is_some()).map(SpanId::to_vec).unwrap_or_default();
        record.flags = u32::from(self.sampled);
    }
}

/// The ids that the line itself carries; those that become the record's are no attributes any more.
fn take_ids(fields: &mut Fields) -> Ids {
    let traceparent = fields.get("traceparent").and_then(Value::as_str).and_then(TraceContext::from_traceparent);
    if let Some(context) = traceparent {
        fields.remove("traceparent");
        return Ids { trace: Some(context.trace_id), span: context.parent, sampled: context.sampled };
    }
    if let Some(trace) = take(fields, &TRACE, TraceId::from_hex) {
        let span = take(fields, &SPAN, SpanId::from_hex);
        return Ids { trace: Some(trace), span, sampled: otel_sampled(fields) };
    }
    let nested = |object: &str| fields.get(object).and_then(|nested| nested.get("id")).and_then(Value::as_str);
    if let Some(trace) = nested("trace").and_then(TraceId::from_hex) {
        return Ids { trace: Some(trace), span: nested("span").and_then(SpanId::from_hex), sampled: false };
    }
    if let Some(trace) = datadog_id(fields, "dd.trace_id").and_then(|id| TraceId::from_bytes(&id.to_be_bytes())) {
        let span = datadog_id(fields, "dd.span_id").and_then(|id| u64::try_from(id).ok());
        return Ids {
            trace: Some(trace),
            span: span.and_then(|id| SpanId::from_bytes(&id.to_be_bytes())),
            sampled: false,
        };
    }
    Ids { trace: take(fields, &XRAY, xray_id), ..Ids::default() }
}

fn take<T>(fields: &mut Fields, keys: &[&str], read: impl Fn(&str) -> Option<T>) -> Option<T> {
    let (key, id) = keys.iter().find_map(|key| Some((*key, read(fields.get(*key)?.as_str()?)?)))?;
    fields.remove(key);
    Some(id)
}

fn xray_id(text: &str) -> Option<TraceId> {
    TraceId::from_xray(text).or_else(|| TraceContext::from_xray(text).map(|context| context.trace_id))
}

fn otel_sampled(fields: &mut Fields) -> bool {
    fields.get("otelTraceSampled").is_some_and(|sampled| *sampled == Value::Bool(true) || *sampled == "true")
}

/// Datadog's ids: decimal, dotted or nested; 32 hexadecimal digits where 128-bit ids are on.
fn datadog_id(fields: &Fields, dotted: &str) -> Option<u128> {
    let (outer, inner) = dotted.split_once('.').expect("the names have a dot");
    let value = fields.get(dotted).or_else(|| fields.get(outer)?.get(inner))?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.len() == 32 { u128::from_str_radix(&text, 16).ok() } else { text.parse().ok() }
}

/// Lambda's `errorType`, `errorMessage`, `stackTrace`; or an `err`, `error` or `exception` object with a stack in it.
fn take_exception(fields: &mut Fields) -> Vec<KeyValue> {
    const LAMBDAS: [(&str, &str); 3] = [
        ("errorType", "exception.type"),
        ("errorMessage", "exception.message"),
        ("stackTrace", "exception.stacktrace"),
    ];
    let is_exception = fields.contains_key("errorType") || fields.contains_key("stackTrace");
    if is_exception {
        let known =
            LAMBDAS.into_iter().filter_map(|(key, name)| Some(attribute(name, text(lines(fields.remove(key)?)))));
        return known.collect();
    }
    ["err", "error", "exception"].into_iter().find_map(|key| nested_exception(fields.get_mut(key)?)).unwrap_or_default()
}

fn nested_exception(error: &mut Value) -> Option<Vec<KeyValue>> {
    let error = error.as_object_mut().filter(|error| error.contains_key("stack"))?;
    let kind = ["type", "name"].into_iter().find(|key| error.contains_key(*key));
    let names = [
        kind.map(|key| (key, "exception.type")),
        Some(("message", "exception.message")),
        Some(("stack", "exception.stacktrace")),
    ];
    let known = names.into_iter().flatten();
    Some(known.filter_map(|(key, name)| Some(attribute(name, text(lines(error.remove(key)?))))).collect())
}

fn lines(value: Value) -> String {
    match value {
        Value::Array(lines) => lines
            .into_iter()
            .map(plain)
            .map(|line| line.trim_end_matches('\n').to_owned())
            .collect::<Vec<_>>()
            .join("\n"),
        other => plain(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::attributes::{has, text_of};
    use opentelemetry_proto::tonic::common::v1::any_value;
    use serde_json::json;

    const ID: &str = "79b4f56e-95b1-4643-9700-2807f4e68189";
    const EVENT: u64 = 1_715_817_560_500_000_000;
    const WRITTEN: u64 = 1_715_817_560_159_000_000;

    fn reading(json: &Value) -> Reading {
        let raw = json.to_string();
        read(serde_json::from_str(&raw).unwrap(), &raw, Times { event: EVENT, observed: EVENT })
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
        assert_eq!(request_id, Some(Named { field: Some("requestId".into()), id: ID.into() }));
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
    fn ids_are_found_in_every_form() {
        let trace = "5bef4de7ad49b0e87f6ef6c87fc2e700";
        let span = "9a9197af755a6419";
        let forms = [
            json!({"trace_id": trace, "span_id": span}),
            json!({"traceId": trace, "spanId": span}),
            json!({"otelTraceID": trace, "otelSpanID": span, "otelTraceSampled": true}),
            json!({"traceparent": format!("00-{trace}-{span}-01")}),
            json!({"trace": {"id": trace}, "span": {"id": span}}),
            json!({"dd": {"trace_id": trace, "span_id": u64::from_str_radix(span, 16).unwrap().to_string()}}),
        ];
        for form in forms {
            let record = record(&form);
            assert_eq!(TraceId::from_bytes(&record.trace_id), TraceId::from_hex(trace), "{form}");
            assert_eq!(SpanId::from_bytes(&record.span_id), SpanId::from_hex(span), "{form}");
        }
        let xray = record(&json!({"xray_trace_id": "1-5bef4de7-ad49b0e87f6ef6c87fc2e700"}));
        assert_eq!(TraceId::from_bytes(&xray.trace_id), TraceId::from_hex(trace));
        let decimal = record(&json!({"dd.trace_id": "17"}));
        assert_eq!(decimal.trace_id.last(), Some(&17));
        assert!(record(&json!({"trace_id": "0", "span_id": span})).span_id.is_empty());
    }
}
