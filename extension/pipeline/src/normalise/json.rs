//! JSON as a program wrote it: fields in their order, numbers in their digits, nothing dropped and nothing rounded.
//!
//! A map would keep one of two fields of a name, a double not every digit. So an object is read into the list of its
//! leaves, each with the text that stands in the line.

use std::{borrow::Cow, fmt};

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value as Any};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::attributes::attribute;

/// Objects below this one stay JSON: so deep a path is no name that anybody looks for.
const DEEPEST: usize = 16;

/// The bytes that dotted names may have for each byte of the line: a long name above many fields would be written many times.
const NAMES_PER_BYTE: usize = 4;

/// A field that is no object, by its dotted name.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    pub(super) key: Cow<'a, str>,
    /// Its value as it stands in the line.
    pub(super) json: &'a str,
}

impl<'a> Leaf<'a> {
    /// The text of a string; of any other value its JSON.
    pub(super) fn text(&self) -> Cow<'a, str> {
        string(self.json).unwrap_or(Cow::Borrowed(self.json))
    }

    /// The text, of a string only.
    pub(super) fn string(&self) -> Option<Cow<'a, str>> {
        string(self.json)
    }

    /// The text, of a string only, to keep.
    pub(super) fn string_only(&self) -> Option<String> {
        self.string().map(Cow::into_owned)
    }

    pub(super) fn is_null(&self) -> bool {
        self.json == "null"
    }

    /// Its own leaves, where it is an object that was kept whole.
    pub(super) fn flattened(self) -> Vec<Self> {
        let mut walk = Walk { leaves: Vec::new(), names: self.json.len().saturating_mul(NAMES_PER_BYTE) };
        walk.enter(self.key, self.json, 1);
        walk.leaves
    }

    /// As OTLP has it.
    pub(super) fn into_attribute(self) -> KeyValue {
        attribute(self.key.into_owned(), any(self.json))
    }
}

/// The leaves of the object `raw`, in their order. A top-level field that `is_whole` names is a leaf even if it is an object.
pub(super) fn leaves<'a>(raw: &'a str, is_whole: impl Fn(&str) -> bool) -> serde_json::Result<Vec<Leaf<'a>>> {
    let Object(fields) = serde_json::from_str(raw)?;
    let mut walk = Walk { leaves: Vec::with_capacity(fields.len()), names: raw.len().saturating_mul(NAMES_PER_BYTE) };
    for (key, value) in fields {
        if is_whole(&key) {
            walk.leaves.push(Leaf { key, json: value.get() });
        } else {
            walk.enter(key, value.get(), 1);
        }
    }
    Ok(walk.leaves)
}

struct Walk<'a> {
    leaves: Vec<Leaf<'a>>,
    /// Bytes that dotted names may still have.
    names: usize,
}

impl<'a> Walk<'a> {
    fn enter(&mut self, key: Cow<'a, str>, json: &'a str, depth: usize) {
        let nested =
            Some(json).filter(|json| json.starts_with('{') && depth < DEEPEST).map(serde_json::from_str::<Object>);
        let Some(Ok(Object(fields))) = nested else { return self.leaves.push(Leaf { key, json }) };
        let names: usize = fields.iter().map(|(name, _)| key.len() + 1 + name.len()).sum();
        if fields.is_empty() || names > self.names {
            return self.leaves.push(Leaf { key, json });
        }
        self.names -= names;
        for (name, value) in fields {
            self.enter(Cow::Owned(format!("{key}.{name}")), value.get(), depth + 1);
        }
    }
}

/// The fields of an object, one for each time that a name stands in it.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
                let mut fields = Vec::new();
                while let Some(Lossy(name)) = map.next_key()? {
                    fields.push((name, map.next_value()?));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A string whose lone surrogates (`\ud800`: half of a character cut in two) become U+FFFD instead of a fault.
struct Lossy<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Lossy<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Lossy<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Lossy<'de>, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes)))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy<'de>, E> {
                Ok(Lossy(Cow::Owned(String::from_utf8_lossy(bytes).into_owned())))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// The text of a JSON string.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    let plain = json.strip_prefix('"')?.strip_suffix('"')?;
    if !plain.contains('\\') {
        return Some(Cow::Borrowed(plain));
    }
    serde_json::from_str::<Lossy>(json).ok().map(|Lossy(text)| text)
}

/// The elements of a JSON array, each as it stands there.
pub(super) fn elements(json: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// A value as OTLP has it: arrays as JSON; a number whose digits OTLP's numbers cannot hold as text.
fn any(json: &str) -> AnyValue {
    let value = match json.as_bytes().first() {
        Some(b'n') => None,
        Some(b't' | b'f') => Some(Any::BoolValue(json == "true")),
        Some(b'"') => Some(Any::StringValue(string(json).unwrap_or(Cow::Borrowed(json)).into_owned())),
        Some(b'{' | b'[') | None => Some(Any::StringValue(json.to_owned())),
        Some(_) => Some(number(json)),
    };
    AnyValue { value }
}

fn number(json: &str) -> Any {
    if let Ok(int) = json.parse() {
        return Any::IntValue(int);
    }
    match json.parse::<f64>() {
        Ok(double) if holds(double, json) => Any::DoubleValue(double),
        _ => Any::StringValue(json.to_owned()),
    }
}

/// Whether `double` says what these digits say: fifteen always fit, more only if they come back.
fn holds(double: f64, json: &str) -> bool {
    const ALWAYS: usize = 15;
    let is_whole = !json.contains(['.', 'e', 'E']);
    let mantissa = json.split(['e', 'E']).next().unwrap_or(json);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let is_true_zero = double != 0.0 || !mantissa.contains(|c: char| ('1'..='9').contains(&c));
    double.is_finite() && !is_whole && is_true_zero && (digits <= ALWAYS || double.to_string() == json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(json: &str) -> Vec<(String, Option<Any>)> {
        let leaves = leaves(json, |_| false).unwrap().into_iter().map(Leaf::into_attribute);
        leaves.map(|attribute| (attribute.key, attribute.value.unwrap().value)).collect()
    }

    fn text(text: &str) -> Option<Any> {
        Some(Any::StringValue(text.into()))
    }

    #[test]
    fn nested_fields_become_dotted_keys_and_arrays_their_json() {
        let nested =
            r#"{"a":{"b":{"c":1,"d":[1, {"e":2}]},"f":{},"g":null,"h":18446744073709551615,"i":1.5,"j":true}}"#;
        let expected = [
            ("a.b.c", Some(Any::IntValue(1))),
            ("a.b.d", text(r#"[1, {"e":2}]"#)),
            ("a.f", text("{}")),
            ("a.g", None),
            ("a.h", text("18446744073709551615")),
            ("a.i", Some(Any::DoubleValue(1.5))),
            ("a.j", Some(Any::BoolValue(true))),
        ];
        assert_eq!(flat(nested), expected.map(|(key, value)| (key.to_owned(), value)));
    }

    #[test]
    fn numbers_that_a_double_cannot_hold_keep_their_digits() {
        let kept =
            ["123456789012345678901234567890", "1e400", "-9223372036854775809", "0.12345678901234567890", "1e-400"];
        for number in kept {
            assert_eq!(flat(&format!(r#"{{"n":{number}}}"#)), [("n".to_owned(), text(number))]);
        }
        for (number, double) in
            [("1.10", 1.1), ("1e3", 1000.0), ("1715817560.1591234", 1_715_817_560.159_123_4), ("0.0", 0.0)]
        {
            assert_eq!(flat(&format!(r#"{{"n":{number}}}"#)), [("n".to_owned(), Some(Any::DoubleValue(double)))]);
        }
    }

    #[test]
    fn a_field_that_stands_there_twice_is_there_twice() {
        let both = [("a".to_owned(), Some(Any::IntValue(1))), ("a".to_owned(), Some(Any::IntValue(2)))];
        assert_eq!(flat(r#"{"a":1,"a":2}"#), both);
    }

    #[test]
    fn half_a_character_becomes_a_replacement_in_names_and_texts() {
        assert_eq!(
            flat(r#"{"k\ud800":"\udc00é\u0000"}"#),
            [("k\u{fffd}\u{fffd}\u{fffd}".to_owned(), text("\u{fffd}\u{fffd}\u{fffd}é\0"))]
        );
    }

    #[test]
    fn what_is_nested_too_deep_stays_json() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(4000), "}".repeat(4000));
        let leaves = leaves(&deep, |_| false).unwrap();
        assert_eq!((leaves.len(), leaves[0].key.len()), (1, 2 * DEEPEST - 1));
        assert!(leaves[0].json.len() > 3900 * 6);
    }

    #[test]
    fn a_long_name_is_not_written_once_for_each_of_many_fields() {
        let fields: Vec<String> = (0..2000).map(|n| format!(r#""{n}":0"#)).collect();
        let wide = format!(r#"{{"{}":{{{}}}}}"#, "k".repeat(50_000), fields.join(","));
        assert_eq!(leaves(&wide, |_| false).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_object_is_a_fault() {
        for json in ["[1]", "7", "{", r#"{"a":}"#, ""] {
            assert!(leaves(json, |_| false).is_err(), "{json}");
        }
    }
}
