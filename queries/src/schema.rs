//! The layouts that ClickStack's tables have had: creating them, and finding out which one is there.
//!
//! Existing tables are never migrated by ClickStack, so a server has the layout of the day it was installed, and each table
//! its own. [`probe()`] therefore looks at the tables and never at a version.

pub mod additions;

mod create;
mod probe;

pub use create::create;
pub use probe::{INSERTABLE, probe};

use std::fmt;

/// A layout of ClickStack's tables, named for what tells it apart; oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layout {
    /// The collector's exporter from 2022 to mid 2024: sorted by service and severity.
    SeverityFirst,
    /// ClickStack up to 2.24, every install of 2025: sorted by `(ServiceName, TimestampTime, Timestamp)`.
    TimestampTime,
    /// ClickStack 2.25 to 2.27: sorted by five minutes, text indexes on the maps' keys and values.
    MapValues,
    /// ClickStack 2.25 and later on a ClickHouse before 26.2: sorted by five minutes, bloom filters.
    Compat,
    /// ClickStack 2.28 and later, today's: sorted by five minutes, text indexes on `key=value` items.
    Items,
    /// The exporter's JSON mode: attributes in JSON columns.
    Json,
}

/// How a predicate on an attribute is written so that an index serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attributes {
    /// `has(ResourceAttributeItems, 'key=value')`; a predicate on the map reads everything.
    Items,
    /// `ResourceAttributes['key'] = 'value'`.
    Map,
    /// ``toString(ResourceAttributes.`key`) = 'value'``.
    Json,
}

/// The part of the sorting key that a time predicate and `ORDER BY` need beside `Timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeKey {
    /// `toStartOfFiveMinutes(Timestamp)`, first in the key.
    FiveMinutes,
    /// The column `TimestampTime`, after `ServiceName`.
    TimestampTime,
    /// `toDateTime(Timestamp)`, after `ServiceName`.
    Seconds,
    /// `toUnixTimestamp(Timestamp)`, after `ServiceName` and `SeverityText`.
    UnixSeconds,
}

/// How a search for words in `Body` is written so that an index serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyIndex {
    /// A text index: `hasAllTokens(lower(Body), ..)`.
    Text,
    /// A token bloom filter on `lower(Body)`: `hasToken(lower(Body), ..)`.
    LowerTokens,
    /// A token bloom filter on `Body`: `hasToken(Body, ..)`.
    Tokens,
    /// None: every search reads every body.
    Absent,
}

/// A column computed from an attribute when the row is written: cheaper to read than the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Materialized {
    /// The map it is taken from, such as `ResourceAttributes`.
    pub source: String,
    /// The attribute, such as `faas.name`.
    pub key: String,
    /// The column that holds it, such as `__hdx_materialized_faas.name`.
    pub column: String,
}

/// What is known of `otel_logs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsTable {
    /// Its layout.
    pub layout: Layout,
    /// Whether it is a Distributed table over those of several servers.
    pub distributed: bool,
    /// Whether rows keep `_block_number` and `_block_offset` through merges, so that they identify a row.
    pub block_numbers: bool,
    /// Whether it has the column `EventName`.
    pub event_name: bool,
    /// What serves a search in `Body`.
    pub body_index: BodyIndex,
    /// Attributes that have a column of their own.
    pub materialized: Vec<Materialized>,
}

impl LogsTable {
    /// Whether names and counts can be read from the dictionary of the text index on attributes, and from no row. An older
    /// server refuses all the same.
    #[must_use]
    pub fn has_dictionary(&self) -> bool {
        self.layout == Layout::Items && !self.distributed
    }
}

/// What is known of `otel_traces`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracesTable {
    /// How attributes are asked for.
    pub attributes: Attributes,
    /// Attributes that have a column of their own.
    pub materialized: Vec<Materialized>,
}

/// What [`probe()`] found in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// `otel_logs`.
    pub logs: LogsTable,
    /// `otel_traces`.
    pub traces: TracesTable,
    /// Whether `otel_traces_trace_id_ts` leads from a trace id to its time.
    pub trace_id_ts: bool,
    /// Whether `otel_logs_kv_rollup_15m` counts rows by service.
    pub logs_rollup: bool,
    /// Whether `lambdaview_functions_5m` counts what each function does ([`additions::Addition::Functions`]).
    pub functions_rollup: bool,
}

/// Why the tables could not be created or recognised.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The database has not the tables that ClickStack makes.
    #[error("no table {} in database `{database}`: ClickStack's collector creates them when it starts", .tables.join(" and no table "))]
    Missing {
        /// The database that was looked into.
        database: String,
        /// Those of `otel_logs` and `otel_traces` that are absent.
        tables: Vec<&'static str>,
    },
    /// A table of that name is there, and is not laid out in any way that ClickStack ever laid it out.
    #[error("table {table} is not laid out as ClickStack's: sorted by ({sorting_key})")]
    Unknown {
        /// The table.
        table: &'static str,
        /// Its sorting key as the server tells it.
        sorting_key: String,
    },
    /// A statement that creates a table failed.
    #[error("could not create {table}")]
    Create {
        /// The table or view.
        table: &'static str,
        /// The server's or the connection's error.
        #[source]
        source: clickhouse::error::Error,
    },
    /// A statement of an addition failed.
    #[error("could not add {what}")]
    Add {
        /// What was to be made, filled or taken away.
        what: &'static str,
        /// The server's or the connection's error.
        #[source]
        source: clickhouse::error::Error,
    },
    /// The question about the tables failed.
    #[error("could not look at the tables")]
    Probe(#[source] clickhouse::error::Error),
}

impl Layout {
    /// Every layout, oldest first.
    pub const ALL: [Self; 6] =
        [Self::SeverityFirst, Self::TimestampTime, Self::MapValues, Self::Compat, Self::Items, Self::Json];

    /// How attributes are asked for.
    #[must_use]
    pub const fn attributes(self) -> Attributes {
        match self {
            Self::Items => Attributes::Items,
            Self::SeverityFirst | Self::TimestampTime | Self::MapValues | Self::Compat => Attributes::Map,
            Self::Json => Attributes::Json,
        }
    }

    /// What a time predicate needs beside `Timestamp`.
    #[must_use]
    pub const fn time_key(self) -> TimeKey {
        match self {
            Self::MapValues | Self::Compat | Self::Items => TimeKey::FiveMinutes,
            Self::TimestampTime => TimeKey::TimestampTime,
            Self::Json => TimeKey::Seconds,
            Self::SeverityFirst => TimeKey::UnixSeconds,
        }
    }

    /// Its name: that of its folder in `sql/schema/`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SeverityFirst => "severity_first",
            Self::TimestampTime => "timestamp_time",
            Self::MapValues => "map_values",
            Self::Compat => "compat",
            Self::Items => "items",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
