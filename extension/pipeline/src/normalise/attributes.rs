//! Attributes: made, looked up, and told apart.

use std::collections::{HashMap, HashSet};

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value as Any};

pub(super) fn text(value: impl Into<String>) -> AnyValue {
    AnyValue { value: Some(Any::StringValue(value.into())) }
}

pub(super) fn texts(values: impl IntoIterator<Item = String>) -> AnyValue {
    AnyValue { value: Some(Any::ArrayValue(ArrayValue { values: values.into_iter().map(text).collect() })) }
}

pub(super) fn int(value: i64) -> AnyValue {
    AnyValue { value: Some(Any::IntValue(value)) }
}

pub(super) fn double(value: f64) -> AnyValue {
    AnyValue { value: Some(Any::DoubleValue(value)) }
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

/// Gives every attribute but the first of a name one of its own (`a#2`): a table that holds them as a map would keep one.
pub(super) fn tell_apart(attributes: &mut [KeyValue]) {
    let mut names: Vec<&str> = attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).all(|pair| pair[0] != pair[1]) {
        return;
    }
    let mut known: HashSet<String> = names.into_iter().map(str::to_owned).collect();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for KeyValue { key, .. } in attributes {
        let times = seen.entry(key.clone()).or_default();
        *times += 1;
        if *times > 1 {
            let free = (*times..).map(|nth| (nth, format!("{key}#{nth}"))).find(|(_, name)| !known.contains(name));
            let (nth, name) = free.expect("there are more numbers than names");
            *times = nth;
            known.insert(name.clone());
            *key = name;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_one_name_are_told_apart_by_names_that_nobody_has() {
        let mut attributes: Vec<_> = ["a", "b", "a", "a#2", "a", "b"].map(|key| attribute(key, int(1))).into();
        tell_apart(&mut attributes);
        let names: Vec<_> = attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(names, ["a", "b", "a#3", "a#2", "a#4", "b#2"]);
    }

    #[test]
    fn ten_thousand_of_one_name_are_told_apart_in_no_time_worth_telling() {
        let mut attributes = vec![attribute("a", int(1)); 10_000];
        tell_apart(&mut attributes);
        let names: HashSet<_> = attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(names.len(), 10_000);
    }
}
