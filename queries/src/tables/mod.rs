//! One row type a table, its fields in the order and under the names of the columns that the collector writes.
//!
//! Columns that a table computes itself (`MATERIALIZED`, `ALIAS`, `TimestampTime`) are in no row.

pub mod log;
pub mod metric;
pub mod span;

use std::{ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A `Map(LowCardinality(String), String)`: attributes in their order, cheap to give to each row of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeMap(Arc<[(String, String)]>);

impl AttributeMap {
    /// The value of `key`, or `None` when it is absent.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

impl Deref for AttributeMap {
    type Target = [(String, String)];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Vec<(String, String)>> for AttributeMap {
    fn from(attributes: Vec<(String, String)>) -> Self {
        Self(attributes.into())
    }
}

impl FromIterator<(String, String)> for AttributeMap {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl Serialize for AttributeMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AttributeMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}
