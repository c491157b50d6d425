//! Whether a log record holds everything that its line said: each leaf of the JSON is looked for.
//!
//! It is written without a look at how records are made: a leaf is kept if the record has it under its own name, or in one of
//! the places that a record has for what is well known.

use std::fmt;

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value::Value as Any},
    logs::v1::LogRecord,
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The leaves of the JSON object `line` that `record` does not have, as `name = value`.
///
/// # Panics
/// When `line` is no JSON object.
#[must_use]
pub fn lost(line: &str, record: &LogRecord) -> Vec<String> {
    let mut leaves = Vec::new();
    walk(None, line, &mut leaves);
    let is_lost = |(name, json): &&(String, String)| !is_kept(name, json, record);
    leaves.iter().filter(is_lost).map(|(name, json)| format!("{name} = {json}")).collect()
}

/// The fields of an object in their order, duplicates and all.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key::<Text>()? {
                    fields.push((name.0, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// A string, lone surrogates replaced.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Of the object itself, which has no name, only its fields can be lost.
fn walk(name: Option<&str>, json: &str, leaves: &mut Vec<(String, String)>) {
    let object = json.trim_start().starts_with('{');
    match (object.then(|| serde_json::from_str::<Fields>(json).expect("a JSON object")), name) {
        (Some(Fields(fields)), name) if !fields.is_empty() => {
            let prefix = name.map(|name| format!("{name}.")).unwrap_or_default();
            fields.iter().for_each(|(field, value)| walk(Some(&format!("{prefix}{field}")), value.get(), leaves));
        }
        (_, Some(name)) => leaves.push((name.to_owned(), json.to_owned())),
        (_, None) => {}
    }
}

fn text(json: &str) -> String {
    serde_json::from_str::<Text>(json).map_or_else(|_| json.to_owned(), |text| text.0)
}

fn is_kept(name: &str, json: &str, record: &LogRecord) -> bool {
    let text = text(json);
    is_attribute(name, json, &text, record)
        || is_body(name, json, &text, record)
        || [text.trim(), &uncoloured(&text)].contains(&record.severity_text.as_str())
        || is_time(name, &text, record)
        || is_id(name, &text, record)
        || is_of_exception(json, &text, record)
}

fn is_attribute(name: &str, json: &str, leaf: &str, record: &LogRecord) -> bool {
    record.attributes.iter().any(|attribute| {
        let key = attribute.key.split_once('#').map_or(attribute.key.as_str(), |(key, _)| key);
        let value = attribute.value.as_ref();
        // A name that was taken has got a number behind it, and names may have that of themselves.
        let is_numbered = attribute.key.strip_prefix(name).is_some_and(|number| number.starts_with('#'));
        let is_own = attribute.key == name || is_numbered;
        let is_above = name.strip_prefix(&attribute.key).is_some_and(|rest| rest.starts_with('.'));
        let is_invocation = key == "faas.invocation_id";
        ((is_own || is_invocation) && value.is_some_and(|value| same(value, json, leaf)))
            || (is_above && string(value).is_some_and(|object| object.starts_with('{') && object.contains(json)))
    })
}

fn same(value: &AnyValue, json: &str, text: &str) -> bool {
    match &value.value {
        None => json == "null",
        Some(Any::StringValue(value)) => value == text,
        Some(Any::BoolValue(value)) => value.to_string() == json,
        Some(Any::IntValue(value)) => json.parse() == Ok(*value),
        Some(Any::DoubleValue(value)) => !json.starts_with('"') && json.parse() == Ok(*value),
        Some(_) => false,
    }
}

fn string(value: Option<&AnyValue>) -> Option<&str> {
    match value?.value.as_ref()? {
        Any::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The body is the leaf, or the object that it stands in. That it is the whole line proves nothing.
fn is_body(name: &str, json: &str, text: &str, record: &LogRecord) -> bool {
    const MESSAGES: [&str; 3] = ["message.", "msg.", "Message."];
    let body = string(record.body.as_ref()).unwrap_or_default();
    body == text || (MESSAGES.iter().any(|message| name.starts_with(message)) && body.contains(json))
}

fn uncoloured(text: &str) -> String {
    let mut pieces = text.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| plain + piece.split_once('m').map_or(piece, |(_, rest)| rest)).trim().to_owned()
}

/// Within the second: a time of whole seconds gives way to the platform's finer one.
fn is_time(name: &str, text: &str, record: &LogRecord) -> bool {
    const SECOND: f64 = 1e9;
    let at = record.time_unix_nano;
    let plain = text.replacen(',', ".", 1).replace('/', "-");
    let dated = ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"].into_iter().find_map(|form| {
        let zoned = |text: &str| chrono::DateTime::parse_from_str(text, form).ok()?.timestamp_nanos_opt();
        zoned(&plain.replace('Z', "+0000")).or_else(|| zoned(&format!("{plain}+0000")))
    });
    let of_epoch = |number: f64| [SECOND, 1e6, 1e3, 1.0].iter().any(|unit| (number * unit - at as f64).abs() < SECOND);
    let is_nanos = name.ends_with("nanoOfSecond") && text.parse() == Ok(at % 1_000_000_000);
    is_nanos
        || dated.is_some_and(|dated| at.abs_diff(u64::try_from(dated).unwrap_or(0)) < 1_000_000_000)
        || text.parse().is_ok_and(of_epoch)
}

fn is_id(name: &str, text: &str, record: &LogRecord) -> bool {
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (trace, span) = (hex(&record.trace_id), hex(&record.span_id));
    if trace.is_empty() {
        return false;
    }
    let plain = text.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let decimal = |id: &str| u128::from_str_radix(id, 16).is_ok_and(|id| id.to_string() == text);
    let is_flag = name.to_ascii_lowercase().contains("sampled") || name.to_ascii_lowercase().contains("flags");
    let flag = match text {
        "true" | "True" => Some(1),
        "false" | "False" => Some(0),
        _ => u32::from_str_radix(text, 16).ok().map(|flags| flags & 1),
    };
    (is_flag && flag == Some(record.flags))
        || plain == trace
        || (!span.is_empty() && plain == span)
        || decimal(&trace)
        || decimal(&span)
        || text.starts_with(&format!("00-{trace}-{span}-"))
}

fn is_of_exception(json: &str, text: &str, record: &LogRecord) -> bool {
    let parts = record.attributes.iter().filter(|attribute| attribute.key.starts_with("exception."));
    parts.filter_map(|attribute| string(attribute.value.as_ref())).any(|part| {
        let lines: Option<Vec<Text>> = serde_json::from_str(json).ok();
        part == text || lines.is_some_and(|lines| lines.iter().all(|line| part.contains(line.0.trim_end_matches('\n'))))
    })
}

/// Whether `line` is a JSON object, whitespace around it or not.
#[must_use]
pub fn is_object(line: &str) -> bool {
    line.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(line).is_ok()
}
