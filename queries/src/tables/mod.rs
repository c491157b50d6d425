//! One row type a table, its fields in the order and under the names of the columns that the collector writes.
//!
//! A row is the same in every layout: which of its columns a table has, and of which types, is the writer's affair.
//!
//! Columns that a table computes itself (`MATERIALIZED`, `ALIAS`, `TimestampTime`) are in no row.

pub mod log;
pub mod metric;
pub mod span;

use std::{fmt::Write, ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use clickhouse::Row;

/// The name under which a value that is JSON goes through a serializer; its content is the JSON's text.
pub const JSON: &str = "Json";

/// An attribute's value: what a `Map(LowCardinality(String), String)` holds of it, and whether a JSON column can hold more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeValue {
    text: String,
    is_json: bool,
}

impl AttributeValue {
    /// A value whose text is JSON: a number, a flag, a list or an object; the empty text stands for `null`.
    #[must_use]
    pub const fn json(text: String) -> Self {
        Self { text, is_json: true }
    }

    /// The value as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self { text, is_json: false }
    }
}

impl Serialize for AttributeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.is_json {
            true => serializer.serialize_newtype_struct(JSON, &self.text),
            false => serializer.serialize_str(&self.text),
        }
    }
}

impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// Attributes in their order, cheap to give to each row of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeMap(Arc<[(String, AttributeValue)]>);

impl AttributeMap {
    /// The value of `key`, or `None` when it is absent.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

impl Deref for AttributeMap {
    type Target = [(String, AttributeValue)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<V: Into<AttributeValue>> FromIterator<(String, V)> for AttributeMap {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(attributes: I) -> Self {
        Self(attributes.into_iter().map(|(key, value)| (key, value.into())).collect())
    }
}

impl Serialize for AttributeMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for AttributeMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|attributes| Self(attributes.into()))
    }
}

/// The statement that a body of `RowBinaryWithNamesAndTypes` goes with: its rows have these columns in this order.
#[must_use]
pub fn insert<'a>(database: &str, table: &str, columns: impl IntoIterator<Item = &'a str>) -> String {
    let mut statement = format!("INSERT INTO {}.{} (", Quoted(database), Quoted(table));
    for (at, column) in columns.into_iter().enumerate() {
        let comma = if at == 0 { "" } else { ", " };
        write!(statement, "{comma}{}", Quoted(column)).expect("a String takes everything");
    }
    statement.push_str(") FORMAT RowBinaryWithNamesAndTypes");
    statement
}

/// A name in backticks, whatever characters it has.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.0.replace('\\', "\\\\").replace('`', "\\`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_its_columns_and_quotes_every_name() {
        assert_eq!(
            insert("my`db", "otel_traces", ["Timestamp", "Events.Name"]),
            r"INSERT INTO `my\`db`.`otel_traces` (`Timestamp`, `Events.Name`) FORMAT RowBinaryWithNamesAndTypes"
        );
    }

    #[test]
    fn a_value_says_whether_it_is_json_only_where_that_is_asked_for() {
        let attributes: AttributeMap =
            [("n".to_owned(), AttributeValue::json("5".to_owned())), ("t".to_owned(), "5".to_owned().into())]
                .into_iter()
                .collect();
        assert_eq!(serde_json::to_string(&attributes).unwrap(), r#"{"n":"5","t":"5"}"#);
        assert_eq!((attributes.value("n"), attributes.value("x")), (Some("5"), None));
    }
}
