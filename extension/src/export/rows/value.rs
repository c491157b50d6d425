//! OTLP's values as the strings that ClickStack's maps hold.

use lambdaview_queries::tables::{AttributeMap, AttributeValue};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use serde_json::{Map, Value as Json};

/// Attributes as a row holds them, in the order in which they came.
#[must_use]
pub fn attributes(attributes: &[KeyValue]) -> AttributeMap {
    attributes.iter().map(|attribute| (attribute.key.clone(), value(attribute.value.as_ref()))).collect()
}

/// A value as text, which is JSON too unless it is a string, or a number that JSON does not have.
fn value(value: Option<&AnyValue>) -> AttributeValue {
    let text = as_string(value);
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(_) | Value::BytesValue(_)) => text.into(),
        Some(Value::DoubleValue(number)) if !number.is_finite() => text.into(),
        _ => AttributeValue::json(text),
    }
}

/// A value as text: strings as they are, lists and maps as JSON, bytes in base64, nothing as the empty string.
#[must_use]
pub fn as_string(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::IntValue(integer)) => integer.to_string(),
        Some(Value::DoubleValue(number)) => float(*number),
        Some(Value::BytesValue(bytes)) => base64(bytes),
        Some(nested @ (Value::ArrayValue(_) | Value::KvlistValue(_))) => json(Some(nested)).to_string(),
        // An index into a table that only profiles carry.
        Some(Value::StringValueStrindex(_)) => String::new(),
    }
}

fn json(value: Option<&Value>) -> Json {
    match value {
        None | Some(Value::StringValueStrindex(_)) => Json::Null,
        Some(Value::StringValue(text)) => Json::from(text.as_str()),
        Some(Value::BoolValue(flag)) => Json::from(*flag),
        Some(Value::IntValue(integer)) => Json::from(*integer),
        Some(Value::DoubleValue(number)) => serde_json::from_str(&float(*number)).unwrap_or(Json::Null),
        Some(Value::BytesValue(bytes)) => Json::from(base64(bytes)),
        Some(Value::ArrayValue(list)) => list.values.iter().map(|value| json(value.value.as_ref())).collect(),
        Some(Value::KvlistValue(pairs)) => {
            let value = |pair: &KeyValue| json(pair.value.as_ref().and_then(|value| value.value.as_ref()));
            // Sorted by key, as Go writes a map.
            pairs.values.iter().map(|pair| (pair.key.clone(), value(pair))).collect::<Map<_, _>>().into()
        }
    }
}

/// A number as JavaScript and Go's JSON write it: plain digits between 1e-6 and 1e21, an exponent beyond.
fn float(number: f64) -> String {
    let magnitude = number.abs();
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let digits = format!("{number:e}");
        if digits.contains("e-") { digits } else { digits.replace('e', "e+") }
    } else {
        number.to_string()
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = (group >> (18 - 6 * at)) & 0x3f;
            text.push(if at <= chunk.len() { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};

    use super::*;

    fn text(value: Value) -> String {
        as_string(Some(&AnyValue { value: Some(value) }))
    }

    fn any(value: Value) -> AnyValue {
        AnyValue { value: Some(value) }
    }

    fn pair(key: &str, value: Option<Value>) -> KeyValue {
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() }
    }

    #[test]
    fn simple_values_are_written_as_the_collector_writes_them() {
        assert_eq!(as_string(None), "");
        assert_eq!(text(Value::StringValue("a \"b\"".to_owned())), "a \"b\"");
        assert_eq!(text(Value::BoolValue(true)), "true");
        assert_eq!(text(Value::IntValue(i64::MIN)), "-9223372036854775808");
        assert_eq!(text(Value::BytesValue(b"lambdas".to_vec())), "bGFtYmRhcw==");
        assert_eq!(text(Value::BytesValue(vec![0xff, 0xfe])), "//4=");
        assert_eq!(text(Value::BytesValue(vec![0, 0, 0])), "AAAA");
    }

    #[test]
    fn numbers_are_plain_unless_they_are_very_large_or_very_small() {
        let written = [3.0, -0.5, 0.0, 1e-6, 1e-7, 123_456_789.125, 1e20, 1e21, f64::NAN, f64::NEG_INFINITY]
            .map(|number| text(Value::DoubleValue(number)));
        let expected =
            ["3", "-0.5", "0", "0.000001", "1e-7", "123456789.125", "100000000000000000000", "1e+21", "NaN", "-Inf"];
        assert_eq!(written, expected);
    }

    #[test]
    fn nested_values_are_json_with_sorted_keys() {
        let list = Value::ArrayValue(ArrayValue { values: vec![any(Value::IntValue(1)), AnyValue { value: None }] });
        let map = Value::KvlistValue(KeyValueList {
            values: vec![
                pair("b", Some(list)),
                pair("a", Some(Value::StringValue("<x>".to_owned()))),
                pair("half", Some(Value::DoubleValue(0.5))),
                pair("whole", Some(Value::DoubleValue(2.0))),
                pair("none", None),
            ],
        });
        assert_eq!(text(map), r#"{"a":"<x>","b":[1,null],"half":0.5,"none":null,"whole":2}"#);
    }

    #[test]
    fn attributes_keep_their_order() {
        let map = attributes(&[pair("z", Some(Value::IntValue(1))), pair("a", None)]);
        let json = |text: &str| AttributeValue::json(text.to_owned());
        assert_eq!(*map, [("z".to_owned(), json("1")), ("a".to_owned(), json(""))]);
    }

    #[test]
    fn what_json_would_hold_as_a_string_is_text() {
        for (value, is_json) in [
            (Value::StringValue("5".to_owned()), false),
            (Value::BytesValue(vec![1]), false),
            (Value::DoubleValue(f64::NAN), false),
            (Value::DoubleValue(0.5), true),
            (Value::BoolValue(true), true),
        ] {
            let text = text(value.clone());
            let expected = if is_json { AttributeValue::json(text) } else { text.into() };
            assert_eq!(attributes(&[pair("k", Some(value))])[0].1, expected);
        }
    }
}
