//! Attributes: made, looked up, and flattened out of JSON.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value as Any};
use serde_json::Value;

pub(super) fn text(value: impl Into<String>) -> AnyValue {
    AnyValue { value: Some(Any::StringValue(value.into())) }
}

pub(super) fn texts(values: impl IntoIterator<Item = String>) -> AnyValue {
    AnyValue { value: Some(Any::ArrayValue(ArrayValue { values: values.into_iter().map(text).collect() })) }
}

pub(super) fn int(value: i64) -> AnyValue {
    AnyValue { value: Some(Any::IntValue(value)) }
}

pub(super) fn bool(value: bool) -> AnyValue {
    AnyValue { value: Some(Any::BoolValue(value)) }
}

pub(super) fn attribute(key: impl Into<String>, value: AnyValue) -> KeyValue {
    KeyValue { key: key.into(), value: Some(value), ..KeyValue::default() }
}

pub(super) fn has(attributes: &[KeyValue], key: &str) -> bool {
    attributes.iter().any(|attribute| attribute.key == key)
}

pub(super) fn add_if_missing(attributes: &mut Vec<KeyValue>, key: &str, value: impl FnOnce() -> AnyValue) {
    if !has(attributes, key) {
        attributes.push(attribute(key, value()));
    }
}

pub(super) fn text_of<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match &attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value {
        Some(Any::StringValue(text)) => Some(text),
        _ => None,
    }
}

/// Nested objects become dotted keys, arrays their JSON: what every table of ClickStack can hold and nothing is lost in.
pub(super) fn flatten(key: String, value: Value, into: &mut Vec<KeyValue>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                flatten(format!("{key}.{name}"), value, into);
            }
        }
        scalar => into.push(attribute(key, any(scalar))),
    }
}

/// A JSON value as OTLP has it; a number too large for its integers keeps its digits as text.
fn any(value: Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(value) => Some(Any::BoolValue(value)),
        Value::String(text) => Some(Any::StringValue(text)),
        Value::Number(number) => Some(match (number.as_i64(), number.is_u64(), number.as_f64()) {
            (Some(int), ..) => Any::IntValue(int),
            (None, false, Some(double)) => Any::DoubleValue(double),
            _ => Any::StringValue(number.to_string()),
        }),
        nested @ (Value::Array(_) | Value::Object(_)) => Some(Any::StringValue(nested.to_string())),
    };
    AnyValue { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_fields_become_dotted_keys_and_arrays_their_json() {
        let mut flat = Vec::new();
        let nested =
            serde_json::json!({"b": {"c": 1, "d": [1, {"e": 2}]}, "f": {}, "g": null, "h": u64::MAX, "i": 1.5});
        flatten("a".into(), nested, &mut flat);
        let expected = [
            ("a.b.c", Some(Any::IntValue(1))),
            ("a.b.d", Some(Any::StringValue(r#"[1,{"e":2}]"#.into()))),
            ("a.f", Some(Any::StringValue("{}".into()))),
            ("a.g", None),
            ("a.h", Some(Any::StringValue(u64::MAX.to_string()))),
            ("a.i", Some(Any::DoubleValue(1.5))),
        ];
        let expected = expected.map(|(key, value)| attribute(key, AnyValue { value }));
        assert_eq!(flat, expected);
    }
}
