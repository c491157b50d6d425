//! The JSON object in a line of text: from its first brace to its last.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value};
use serde_json::{Map, Value as Json};

/// The fields of the first thing between braces in `text`, when it is a JSON object.
///
/// The collector looks with the expression `\{.*\}`, whose dot ends at the end of a line: an object printed over several
/// lines is not found, and what stands between two objects on one line spoils both.
pub(super) fn object_in(text: &str) -> Option<Vec<KeyValue>> {
    let candidate = text.split('\n').find_map(|line| {
        let (start, end) = (line.find('{')?, line.rfind('}')?);
        (start < end).then(|| &line[start..=end])
    })?;
    serde_json::from_str::<Map<String, Json>>(candidate).ok().map(fields)
}

fn fields(object: Map<String, Json>) -> Vec<KeyValue> {
    let field = |(key, value)| KeyValue { key, value: Some(any(value)), ..KeyValue::default() };
    object.into_iter().map(field).collect()
}

fn any(json: Json) -> AnyValue {
    let value = match json {
        Json::Null => None,
        Json::Bool(flag) => Some(Value::BoolValue(flag)),
        // The collector reads every number as a double and so rounds integers beyond 2^53; here they stay what was printed.
        Json::Number(number) => Some(match number.as_i64() {
            Some(integer) => Value::IntValue(integer),
            None => Value::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Json::String(text) => Some(Value::StringValue(text)),
        Json::Array(list) => Some(Value::ArrayValue(ArrayValue { values: list.into_iter().map(any).collect() })),
        Json::Object(object) => Some(Value::KvlistValue(KeyValueList { values: fields(object) })),
    };
    AnyValue { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Option<Vec<String>> {
        object_in(text).map(|fields| fields.into_iter().map(|field| field.key).collect())
    }

    #[test]
    fn an_object_is_found_wherever_it_stands_on_its_line() {
        for text in [r#"{"a":1}"#, r#"2026-11-22 INFO {"a":1} done"#, "first\nthen {\"a\":1}"] {
            assert_eq!(keys(text), Some(vec!["a".to_owned()]), "{text}");
        }
    }

    #[test]
    fn what_is_no_object_on_one_line_is_left_alone() {
        for text in ["", "plain", "{", "} {", "{not json}", "{\n\"a\":1\n}", r#"{"a":1} and {"b":2}"#, "[1]"] {
            assert_eq!(keys(text), None, "{text}");
        }
    }

    #[test]
    fn integers_keep_all_their_digits() {
        let fields = object_in(r#"{"n":9007199254740993}"#).unwrap();
        let value = fields[0].value.as_ref().and_then(|value| value.value.as_ref());
        assert_eq!(value, Some(&Value::IntValue(9_007_199_254_740_993)));
    }
}
