//! The fields of one JSON object, taken out by name, as protobuf's JSON mapping allows them to be written.
//!
//! An absent field and a `null` are the default; numbers may be texts; what nobody asks for is ignored.

use serde_json::{Map, Value};

/// What cannot be read, as a sentence's fragment without the value itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Odd(String);

impl Odd {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// The fields of one JSON object.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn of(value: Value, what: &str) -> Result<Self, Odd> {
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(Odd(format!("{what} is no object"))),
        }
    }

    /// The field, if it is there and not `null`.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take).filter(|value| !value.is_null())
    }

    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Result<T, Odd>,
    ) -> Result<Option<T>, Odd> {
        self.take(name).map(read).transpose()
    }

    pub(super) fn values(&mut self, name: &str) -> Result<Vec<Value>, Odd> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => Ok(values),
            Some(_) => Err(Odd(format!("{name} is no array"))),
        }
    }

    pub(super) fn list<T>(&mut self, name: &str, read: impl FnMut(Value) -> Result<T, Odd>) -> Result<Vec<T>, Odd> {
        self.values(name)?.into_iter().map(read).collect()
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, Odd> {
        self.take(name).map_or(Ok(String::new()), |value| Self::text_of(value, name))
    }

    pub(super) fn integer<T: TryFrom<i128> + Default>(&mut self, name: &str) -> Result<T, Odd> {
        self.take(name).map_or(Ok(T::default()), |value| Self::integer_of(&value, name))
    }

    pub(super) fn float(&mut self, name: &str) -> Result<f64, Odd> {
        Ok(self.optional_float(name)?.unwrap_or_default())
    }

    pub(super) fn optional_float(&mut self, name: &str) -> Result<Option<f64>, Odd> {
        self.optional(name, |value| Self::float_of(&value, name))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Odd> {
        self.take(name).map_or(Ok(false), |value| Self::flag_of(&value, name))
    }

    /// A number, or a name that `known` has: OTLP/JSON allows the number only, but senders write names.
    pub(super) fn enumeration(&mut self, name: &str, known: impl Fn(&str) -> Option<i32>) -> Result<i32, Odd> {
        let Some(value) = self.take(name) else { return Ok(0) };
        match value.as_str().and_then(known) {
            Some(number) => Ok(number),
            None => Self::integer_of(&value, name),
        }
    }

    /// An id of `length` bytes as hex digits; absent and empty are none.
    pub(super) fn id(&mut self, name: &str, length: usize) -> Result<Vec<u8>, Odd> {
        let id = hex(&self.text(name)?).filter(|id| id.is_empty() || id.len() == length);
        id.ok_or_else(|| Odd(format!("{name} is no id of {} hex digits", 2 * length)))
    }

    pub(super) fn text_of(value: Value, name: &str) -> Result<String, Odd> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(Odd(format!("{name} is no text"))),
        }
    }

    pub(super) fn integer_of<T: TryFrom<i128>>(value: &Value, name: &str) -> Result<T, Odd> {
        let number = match value {
            Value::Number(number) => {
                let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
                whole.or_else(|| number.as_f64().and_then(whole_float))
            }
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| Odd(format!("{name} is no integer that fits")))
    }

    pub(super) fn float_of(value: &Value, name: &str) -> Result<f64, Odd> {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| Odd(format!("{name} is no number")))
    }

    pub(super) fn flag_of(value: &Value, name: &str) -> Result<bool, Odd> {
        value.as_bool().ok_or_else(|| Odd(format!("{name} is neither true nor false")))
    }
}

/// `1e3` is an integer all the same.
fn whole_float(number: f64) -> Option<i128> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 is exact")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Base64 of either alphabet, padded or not.
pub(super) fn base64(text: &str) -> Result<Vec<u8>, Odd> {
    let odd = || Odd::new("bytesValue is no base64");
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return Err(odd()),
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).expect("eight bits are a byte"));
        }
    }
    // A single letter of a last group holds no byte.
    if held == 6 { Err(odd()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        Fields::of(value, "test").unwrap()
    }

    #[test]
    fn integers_are_numbers_or_texts_within_their_range() {
        let mut given =
            fields(json!({ "a": "18446744073709551615", "b": 7, "c": 1e3, "d": null, "e": "-1", "f": 1.5, "g": [] }));
        assert_eq!(given.integer::<u64>("a"), Ok(u64::MAX));
        assert_eq!(given.integer::<u32>("b"), Ok(7));
        assert_eq!(given.integer::<i64>("c"), Ok(1000));
        assert_eq!(given.integer::<i64>("d"), Ok(0));
        for name in ["e", "f", "g"] {
            assert!(given.integer::<u64>(name).is_err(), "{name}");
        }
    }

    #[test]
    fn floats_may_be_the_words_for_what_json_has_not() {
        let mut given = fields(json!({ "a": "NaN", "b": "-Infinity", "c": 5, "d": "0.5", "e": "x" }));
        assert!(given.float("a").unwrap().is_nan());
        assert_eq!((given.float("b"), given.float("c"), given.float("d")), (Ok(f64::NEG_INFINITY), Ok(5.0), Ok(0.5)));
        assert!(given.float("e").is_err());
    }

    #[test]
    fn ids_are_hex_of_their_length() {
        let id = |text: &str| fields(json!({ "spanId": text })).id("spanId", 8);
        assert_eq!(id("EEE19B7Ec3c1b174"), Ok(vec![0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74]));
        assert_eq!(id(""), Ok(vec![]));
        for wrong in ["EEE19B7EC3C1B17", "EEE19B7EC3C1B1", "XEE19B7EC3C1B174", "üüüüüüüü"] {
            assert!(id(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn base64_is_read_in_both_alphabets() {
        assert_eq!(base64("aGVsbG8="), Ok(b"hello".to_vec()));
        assert_eq!(base64("-_8"), Ok(vec![0xfb, 0xff]));
        assert_eq!(base64(""), Ok(vec![]));
        assert!(base64("a").is_err() && base64("a b=").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in "(?s).{0,40}") {
            let _ = (hex(&text), base64(&text).is_ok(), Fields::integer_of::<u8>(&json!(text), "x").is_ok());
        }
    }
}
