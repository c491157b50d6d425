//! What a table's columns are, and what of a row goes into which of them. Pure.
//!
//! A row has the columns that ClickStack's tables have today; a server has the tables of the day it was installed. Nothing
//! here knows a layout by name: a column that is there is written in its own type, and one that is not there is left out.

use lambdaview_queries::tables::{Row, insert};
use serde::Deserialize;

use super::row_binary::{write_length, write_text};

/// A column of a table as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Column {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) r#type: String,
}

/// A column's type, as far as rows are written in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Bool,
    /// An integer of so many bytes.
    Integer {
        bytes: u8,
        signed: bool,
    },
    Float32,
    Float64,
    /// A `DateTime`.
    Seconds,
    /// A `DateTime64` of so many digits.
    Ticks(u8),
    /// A map from text to text.
    Map,
    Json,
    Array(Box<Self>),
    Nullable(Box<Self>),
}

impl Type {
    /// Reads a type as `system.columns` has it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, arguments) = match text.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')')?),
            None => (text, ""),
        };
        Some(match name {
            "String" => Self::Text,
            "Bool" => Self::Bool,
            "Float32" => Self::Float32,
            "Float64" => Self::Float64,
            "DateTime" => Self::Seconds,
            "DateTime64" => {
                Self::Ticks(arguments.split(',').next()?.trim().parse().ok().filter(|digits| *digits <= 9)?)
            }
            "JSON" => Self::Json,
            "LowCardinality" => Self::parse(arguments)?,
            "SimpleAggregateFunction" => Self::parse(arguments.split_once(", ")?.1)?,
            "Nullable" => Self::Nullable(Box::new(Self::parse(arguments)?)),
            "Array" => Self::Array(Box::new(Self::parse(arguments)?)),
            "Map" => {
                let (key, value) = arguments.split_once(", ")?;
                (Self::parse(key)? == Self::Text && Self::parse(value)? == Self::Text).then_some(Self::Map)?
            }
            _ => Self::integer(name)?,
        })
    }

    fn integer(name: &str) -> Option<Self> {
        let (bits, signed) = match name.strip_prefix("UInt") {
            Some(bits) => (bits, false),
            None => (name.strip_prefix("Int")?, true),
        };
        let bits: u8 = bits.parse().ok()?;
        matches!(bits, 8 | 16 | 32 | 64).then_some(Self::Integer { bytes: bits / 8, signed })
    }

    fn holds_json(&self) -> bool {
        match self {
            Self::Json => true,
            Self::Array(inner) | Self::Nullable(inner) => inner.holds_json(),
            _ => false,
        }
    }
}

/// What becomes of one field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The row's name for it.
    pub(super) name: &'static str,
    /// The column's type; `None` where the table has no such column.
    pub(super) r#type: Option<Type>,
    /// Whether the field's keys have a column of their own beside it, as they do where attributes are JSON.
    pub(super) keys: bool,
}

/// How rows are written into one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The statement that a body goes with.
    pub(super) statement: String,
    /// What a body begins with: the columns' names and types, so that a table that was altered meanwhile is told as such
    /// instead of being filled with nonsense.
    pub(super) header: Vec<u8>,
    /// One entry for each field of the row, in order.
    pub(super) fields: Vec<Field>,
    /// Whether a column is JSON.
    pub(super) json: bool,
}

/// Why rows cannot be written into a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error(
        "there is no table {table} in database {database}: let ClickStack's collector create it, or do not send what belongs there"
    )]
    Missing { database: String, table: String },
    #[error(
        "table {table} has no column {column}, so it is not ClickStack's: name the tables that are by their database and prefix"
    )]
    NoColumn { table: String, column: &'static str },
    #[error(
        "column {column} of table {table} is of type {found}, which is not written to: send by OTLP to ClickStack's collector"
    )]
    Type { table: String, column: &'static str, found: String },
}

impl Unusable {
    pub(super) fn missing(database: &str, table: &str) -> Self {
        Self::Missing { database: database.to_owned(), table: table.to_owned() }
    }
}

impl Plan {
    /// How rows of type `R` are written into `table`, given the columns of all tables.
    pub(super) fn new<R: Row>(database: &str, table: &str, columns: &[Column]) -> Result<Self, Unusable> {
        let columns: Vec<&Column> = columns.iter().filter(|column| column.table == table).collect();
        if columns.is_empty() {
            return Err(Unusable::missing(database, table));
        }
        let find = |name: &str| columns.iter().find(|column| column.name == name).copied();
        let mut written = Vec::new();
        let mut fields = Vec::new();
        for &name in R::COLUMN_NAMES {
            let Some(column) = find(name).or_else(|| find(earlier_name(name)?)) else {
                if may_be_absent(name) {
                    fields.push(Field { name, r#type: None, keys: false });
                    continue;
                }
                return Err(Unusable::NoColumn { table: table.to_owned(), column: name });
            };
            let Some(r#type) = Type::parse(&column.r#type) else {
                let found = column.r#type.clone();
                return Err(Unusable::Type { table: table.to_owned(), column: name, found });
            };
            let keys = find(&format!("{name}Keys")).filter(|keys| keys.r#type == KEYS);
            written.push(column);
            written.extend(keys);
            fields.push(Field { name, r#type: Some(r#type), keys: keys.is_some() });
        }
        let json = fields.iter().any(|field| field.r#type.as_ref().is_some_and(Type::holds_json));
        let names = written.iter().map(|column| &*column.name);
        Ok(Self { statement: insert(database, table, names), header: header(&written), fields, json })
    }
}

fn header(columns: &[&Column]) -> Vec<u8> {
    let mut header = Vec::new();
    write_length(columns.len(), &mut header);
    columns.iter().for_each(|column| write_text(column.name.as_bytes(), &mut header));
    columns.iter().for_each(|column| write_text(column.r#type.as_bytes(), &mut header));
    header
}

/// The type of a column of keys.
const KEYS: &str = "Array(LowCardinality(String))";

/// Columns that ClickStack's tables have not always had, and whose absence costs a record nothing that it is read for.
fn may_be_absent(column: &str) -> bool {
    column == "EventName" || column.starts_with("Scope") || column.ends_with("SchemaUrl")
}

/// What a column was called before it was called `column`.
fn earlier_name(column: &str) -> Option<&'static str> {
    (column == "AggregationTemporality").then_some("AggTemp")
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::tables::{log::LogRow, metric::SumRow};

    use super::*;

    fn columns(table: &str, named: &[(&str, &str)]) -> Vec<Column> {
        let column = |(name, r#type): &(&str, &str)| Column {
            table: table.to_owned(),
            name: (*name).to_owned(),
            r#type: (*r#type).to_owned(),
        };
        named.iter().map(column).collect()
    }

    /// As a table has them: every field a text, but for the `given` ones.
    fn with<R: Row>(given: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        let of =
            |name: &'static str| given.iter().find(|(known, _)| *known == name).map_or("String", |(_, r#type)| r#type);
        let own = R::COLUMN_NAMES.iter().map(|name| (*name, of(name)));
        own.chain(given.iter().copied().filter(|(name, _)| !R::COLUMN_NAMES.contains(name))).collect()
    }

    #[test]
    fn types_are_read_as_the_server_tells_them() {
        let array = |inner| Some(Type::Array(Box::new(inner)));
        for (text, expected) in [
            ("LowCardinality(String)", Some(Type::Text)),
            ("Map(LowCardinality(String), String)", Some(Type::Map)),
            ("DateTime", Some(Type::Seconds)),
            ("DateTime('UTC')", Some(Type::Seconds)),
            ("DateTime64(9)", Some(Type::Ticks(9))),
            ("DateTime64(3, 'Europe/Berlin')", Some(Type::Ticks(3))),
            ("Array(DateTime64(9))", array(Type::Ticks(9))),
            ("Array(Map(LowCardinality(String), String))", array(Type::Map)),
            ("Array(JSON)", array(Type::Json)),
            ("JSON(max_dynamic_paths=64)", Some(Type::Json)),
            ("LowCardinality(Nullable(String))", Some(Type::Nullable(Box::new(Type::Text)))),
            ("SimpleAggregateFunction(sum, UInt64)", Some(Type::Integer { bytes: 8, signed: false })),
            ("Int32", Some(Type::Integer { bytes: 4, signed: true })),
            ("UInt128", None),
            ("Map(String, UInt64)", None),
            ("Nested(a String)", None),
            ("FixedString(16)", None),
        ] {
            assert_eq!(Type::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_left_out_and_one_of_keys_is_written_beside_its_map() {
        let mut named = with::<LogRow>(&[("ResourceAttributes", "JSON"), ("ResourceAttributesKeys", KEYS)]);
        named.retain(|(name, _)| *name != "EventName");
        let plan = Plan::new::<LogRow>("default", "otel_logs", &columns("otel_logs", &named)).unwrap();
        assert!(plan.json);
        assert!(
            plan.statement.contains("`ResourceAttributes`, `ResourceAttributesKeys`, `ScopeSchemaUrl`"),
            "{plan:?}"
        );
        assert!(plan.statement.ends_with("`LogAttributes`) FORMAT RowBinaryWithNamesAndTypes"), "{plan:?}");
        assert_eq!(plan.fields.last(), Some(&Field { name: "EventName", r#type: None, keys: false }));
    }

    #[test]
    fn a_column_is_found_under_its_earlier_name() {
        let mut named = with::<SumRow>(&[("AggTemp", "Int32")]);
        named.retain(|(name, _)| *name != "AggregationTemporality");
        let plan = Plan::new::<SumRow>("default", "otel_metrics_sum", &columns("otel_metrics_sum", &named)).unwrap();
        assert!(plan.statement.contains("`AggTemp`") && !plan.statement.contains("AggregationTemporality"), "{plan:?}");
    }

    #[test]
    fn what_cannot_be_written_to_is_named_with_what_to_do() {
        let said = |table: &str, named: &[(&str, &str)]| {
            Plan::new::<LogRow>("default", "otel_logs", &columns(table, named)).unwrap_err().to_string()
        };
        assert!(said("other", &[("a", "String")]).starts_with("there is no table otel_logs in database default: "));
        assert!(
            said("otel_logs", &[("Timestamp", "DateTime64(9)")]).starts_with("table otel_logs has no column TraceId, ")
        );
        let odd = with::<LogRow>(&[("Body", "FixedString(9)")]);
        assert!(said("otel_logs", &odd).starts_with("column Body of table otel_logs is of type FixedString(9), "));
    }
}
