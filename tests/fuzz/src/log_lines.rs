//! Log lines: each becomes one record that says everything the line did.

use crate::arrived::{body, everything, log_records};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Map, Value, json};

/// `data` as a text, and as a record of JSON when it is one.
pub fn check(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    as_text(&line);
    if let Ok(Value::Object(fields)) = serde_json::from_str(&line) {
        as_object(fields);
    } else if let Ok(value) = serde_json::from_str::<Value>(&line) {
        // A text is a line, which may be empty; anything else is its own text.
        one(&value, |record| assert!(record.is_some() || value.is_string(), "{value} is lost"));
    }
}

fn as_text(line: &str) {
    let whole = line.trim_end_matches(['\n', '\r']);
    one(&json!(line), |record| match record {
        None => assert_eq!(whole, "", "a line is lost"),
        // What begins like JSON may be read as such where a stricter reader would not: a raw line end within a text, say.
        Some(record) if !whole.trim_start().starts_with('{') => {
            let flat = |text: &str| text.replace('\r', "\n");
            assert_eq!(flat(body(record)), flat(whole), "the body is the whole line");
        }
        Some(_) => {}
    });
}

/// Every text and number of an object is replaced by one that is like no other, and each must be found again.
fn as_object(fields: Map<String, Value>) {
    one(&Value::Object(fields.clone()), |_| ());
    let mut marks = Vec::new();
    let marked = Value::Object(fields.into_iter().map(|(key, value)| (key, mark(value, &mut marks))).collect());
    one(&marked, |record| {
        let record = record.unwrap_or_else(|| panic!("{marked} is lost"));
        let said = format!("{record:?}");
        for mark in &marks {
            assert!(said.contains(mark), "{mark} of {marked} is lost: {record:#?}");
        }
    });
}

fn mark(value: Value, marks: &mut Vec<String>) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(|value| mark(value, marks)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, mark(value, marks))).collect(),
        Value::String(_) => {
            marks.push(format!("mark{}.", marks.len()));
            json!(marks[marks.len() - 1])
        }
        Value::Number(_) => {
            let number = 7_000_000 + marks.len();
            marks.push(number.to_string());
            json!(number)
        }
        other => other,
    }
}

/// What becomes of one record: exactly one, or one that is counted as empty.
fn one(record: &Value, look: impl FnOnce(Option<&LogRecord>)) {
    let delivery = json!([{ "time": "2026-11-22T19:41:06.565Z", "type": "function", "record": record }]);
    let released = everything(delivery.to_string().as_bytes());
    let records = log_records(&released);
    assert_eq!(records.len() as u64 + released.empty, 1, "{record} became {records:#?}");
    look(records.first());
}
