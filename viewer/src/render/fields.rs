//! Rows for programs: the same fields as JSON, one object a line, and as CSV.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use super::json::as_line;
use crate::{
    ask::Nanos,
    format::{inert, rfc3339},
};

/// A row: fields in the order in which they are documented. A number that is not known is null in JSON and nothing in CSV.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds text; it is empty where there is none.
    #[must_use]
    pub fn text(self, name: &'static str, text: &str) -> Self {
        self.with(name, text)
    }

    /// Gives a field another value.
    #[must_use]
    pub fn replacing(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Some((_, old)) = self.0.iter_mut().find(|(known, _)| *known == name) {
            *old = value.into();
        }
        self
    }

    /// Adds a moment.
    #[must_use]
    pub fn time(self, name: &'static str, time: Nanos) -> Self {
        self.with(name, rfc3339(time))
    }

    /// Adds a length of time, given in nanoseconds, in milliseconds.
    #[must_use]
    pub fn millis(self, name: &'static str, nanos: Option<u64>) -> Self {
        self.with(name, nanos.map(|nanos| nanos as f64 / 1e6))
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// One object a line.
#[must_use]
pub fn json(rows: &[Fields]) -> String {
    rows.iter().map(as_line).collect()
}

/// A heading, then a row each.
#[must_use]
pub fn csv(rows: &[Fields]) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let heading: Vec<String> = first.0.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows = rows.iter().map(|row| row.0.iter().map(|(_, value)| cell(value)).collect());
    std::iter::once(heading).chain(rows).map(|cells: Vec<String>| cells.join(",") + "\n").collect()
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => inert(text).into_owned(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    // A formula would run in a spreadsheet.
    let text = if text.starts_with(['=', '+', '@']) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fields_are_json_and_csv() {
        let row = Fields::default()
            .text("name", "a, \"b\"\x1b")
            .text("version", "")
            .millis("duration_ms", Some(1_500_000))
            .with("functions", vec!["x", "y"])
            .with("formula", "=1+1");
        insta::assert_snapshot!(json(std::slice::from_ref(&row)), @r#"{"name":"a, \"b\"\u001b","version":"","duration_ms":1.5,"functions":["x","y"],"formula":"=1+1"}"#);
        insta::assert_snapshot!(csv(&[row]), @r#"
        name,version,duration_ms,functions,formula
        "a, ""b""␛",,1.5,x y,'=1+1
        "#);
    }
}
