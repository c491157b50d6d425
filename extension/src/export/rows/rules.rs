//! What ClickStack's collector changes in log records before it writes them, in its order. Pure.
//!
//! Read from the configuration of ClickStack 2.36; each rule is a statement or a block of its transform processor.

mod json_body;
mod severity;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
};

/// Marks a record of session replay.
const SESSION: &str = "rr-web.event";

/// Takes the records of session replay out of `logs`: they go to a table of their own, unchanged by the other rules.
pub(super) fn take_sessions(logs: &mut ResourceLogs) -> Option<ResourceLogs> {
    let mut taken = Vec::new();
    for scope in &mut logs.scope_logs {
        if scope.log_records.iter().any(is_session) {
            let (sessions, rest) = scope.log_records.drain(..).partition(is_session);
            scope.log_records = rest;
            taken.push(ScopeLogs {
                scope: scope.scope.clone(),
                log_records: sessions,
                schema_url: scope.schema_url.clone(),
            });
        }
    }
    (!taken.is_empty()).then(|| ResourceLogs {
        resource: logs.resource.clone(),
        scope_logs: taken,
        schema_url: logs.schema_url.clone(),
    })
}

fn is_session(record: &LogRecord) -> bool {
    record.attributes.iter().any(|attribute| attribute.key == SESSION)
}

/// Changes every record of `logs` as the collector does.
pub(super) fn apply(logs: &mut ResourceLogs) {
    for record in logs.scope_logs.iter_mut().flat_map(|scope| &mut scope.log_records) {
        merge_body(record);
        if record.severity_number == 0 && record.severity_text.is_empty() {
            severity::promote(record);
        }
        if record.severity_number == 0 && record.severity_text.is_empty() {
            severity::infer(record);
        }
        if record.severity_text.chars().any(char::is_uppercase) {
            record.severity_text = record.severity_text.to_lowercase();
        }
    }
}

/// A body's fields become attributes, over those of the same name; the body itself stays.
fn merge_body(record: &mut LogRecord) {
    let fields = match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Value::StringValue(text)) => json_body::object_in(text).unwrap_or_default(),
        _ => Vec::new(),
    };
    for field in fields {
        upsert(&mut record.attributes, field);
    }
    if record.attributes.iter().any(is_nested) {
        record.attributes = flatten(std::mem::take(&mut record.attributes));
    }
    // A structured body is merged after the flattening, so its own nested fields stay nested: they are written as JSON.
    if let Some(Value::KvlistValue(body)) = record.body.as_ref().and_then(|body| body.value.as_ref()) {
        for field in &body.values {
            upsert(&mut record.attributes, field.clone());
        }
    }
}

fn upsert(attributes: &mut Vec<KeyValue>, field: KeyValue) {
    match attributes.iter_mut().find(|attribute| attribute.key == field.key) {
        Some(attribute) => attribute.value = field.value,
        None => attributes.push(field),
    }
}

fn is_nested(attribute: &KeyValue) -> bool {
    let value = attribute.value.as_ref().and_then(|value| value.value.as_ref());
    matches!(value, Some(Value::KvlistValue(_) | Value::ArrayValue(_)))
}

/// `{a: {b: 1}, c: [2]}` becomes `a.b = 1`, `c.0 = 2`.
fn flatten(attributes: Vec<KeyValue>) -> Vec<KeyValue> {
    let mut flat = Vec::with_capacity(attributes.len());
    for attribute in attributes {
        flatten_into(&mut flat, attribute.key, attribute.value);
    }
    flat
}

fn flatten_into(flat: &mut Vec<KeyValue>, key: String, value: Option<AnyValue>) {
    match value.and_then(|value| value.value) {
        Some(Value::KvlistValue(map)) => {
            for field in map.values {
                flatten_into(flat, format!("{key}.{}", field.key), field.value);
            }
        }
        Some(Value::ArrayValue(list)) => {
            for (at, element) in list.values.into_iter().enumerate() {
                flatten_element(flat, format!("{key}.{at}"), element);
            }
        }
        value => upsert(flat, attribute(key, value)),
    }
}

/// Maps within a list are flattened; a list within a list stays one and is written as JSON.
fn flatten_element(flat: &mut Vec<KeyValue>, key: String, element: AnyValue) {
    if matches!(element.value, Some(Value::KvlistValue(_))) {
        flatten_into(flat, key, Some(element));
    } else {
        upsert(flat, attribute(key, element.value));
    }
}

fn attribute(key: String, value: Option<Value>) -> KeyValue {
    KeyValue { key, value: Some(AnyValue { value }), ..KeyValue::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::rows;

    fn text(text: &str) -> Option<Value> {
        Some(Value::StringValue(text.to_owned()))
    }

    fn body(text: &str) -> LogRecord {
        LogRecord { body: Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) }), ..LogRecord::default() }
    }

    fn of(records: Vec<LogRecord>) -> ResourceLogs {
        let scope_logs = vec![ScopeLogs { log_records: records, ..ScopeLogs::default() }];
        ResourceLogs { scope_logs, ..ResourceLogs::default() }
    }

    fn applied(record: LogRecord) -> LogRecord {
        let mut logs = of(vec![record]);
        apply(&mut logs);
        logs.scope_logs.remove(0).log_records.remove(0)
    }

    fn attributes(record: &LogRecord) -> Vec<(String, String)> {
        let attributes = rows::attributes(&record.attributes);
        let mut attributes: Vec<_> =
            attributes.iter().map(|(key, value)| (key.clone(), value.as_str().to_owned())).collect();
        attributes.sort();
        attributes
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_fields_of_a_json_body_become_attributes_with_dots_for_nesting() {
        let record = applied(body(r#"{"level":"WARN","user":{"id":7,"tags":["a",{"b":true}]},"none":null}"#));
        let expected =
            [("level", "WARN"), ("none", ""), ("user.id", "7"), ("user.tags.0", "a"), ("user.tags.1.b", "true")];
        assert_eq!(attributes(&record), pairs(&expected));
    }

    #[test]
    fn the_body_stays_as_it_was() {
        let line = r#"prefix {"a":1}"#;
        assert_eq!(rows::as_string(applied(body(line)).body.as_ref()), line);
    }

    #[test]
    fn a_field_of_the_body_replaces_an_attribute_of_the_same_name() {
        let mut record = body(r#"{"type":"theirs"}"#);
        record.attributes =
            vec![attribute("type".to_owned(), text("function")), attribute("kept".to_owned(), text("yes"))];
        assert_eq!(attributes(&applied(record)), pairs(&[("kept", "yes"), ("type", "theirs")]));
    }

    #[test]
    fn nested_attributes_are_flattened_even_when_the_body_is_plain() {
        let mut record = body("plain");
        let inner =
            opentelemetry_proto::tonic::common::v1::KeyValueList { values: vec![attribute("b".to_owned(), text("1"))] };
        record.attributes = vec![attribute("a".to_owned(), Some(Value::KvlistValue(inner)))];
        assert_eq!(attributes(&applied(record)), pairs(&[("a.b", "1")]));
    }

    #[test]
    fn a_structured_bodys_fields_become_attributes_too() {
        let values = vec![attribute("message".to_owned(), text("hello")), attribute("level".to_owned(), text("error"))];
        let map = opentelemetry_proto::tonic::common::v1::KeyValueList { values };
        let record =
            LogRecord { body: Some(AnyValue { value: Some(Value::KvlistValue(map)) }), ..LogRecord::default() };
        let record = applied(record);
        assert_eq!(attributes(&record), pairs(&[("level", "error"), ("message", "hello")]));
        assert_eq!((record.severity_number, record.severity_text.as_str()), (17, "error"));
    }

    #[test]
    fn a_severity_that_the_sender_set_is_only_lower_cased() {
        let mut record = body("an error, it says");
        record.severity_number = 9;
        record.severity_text = "INFO".to_owned();
        let record = applied(record);
        assert_eq!((record.severity_number, record.severity_text.as_str()), (9, "info"));
    }

    #[test]
    fn a_text_without_a_number_is_left_without_one() {
        let mut record = body("fatal");
        record.severity_text = "Notice".to_owned();
        let record = applied(record);
        assert_eq!((record.severity_number, record.severity_text.as_str()), (0, "notice"));
    }

    #[test]
    fn session_replay_is_taken_out_unchanged() {
        let mut session = body(r#"{"level":"ERROR"}"#);
        session.attributes = vec![attribute(SESSION.to_owned(), text("1"))];
        let mut logs = of(vec![body("one"), session.clone(), body("two")]);
        let sessions = take_sessions(&mut logs).expect("there is one");
        assert_eq!(sessions.scope_logs[0].log_records, [session]);
        assert_eq!(logs.scope_logs[0].log_records, [body("one"), body("two")]);
        assert_eq!(take_sessions(&mut logs), None);
    }
}
