//! The settings of direct writing into ClickHouse: `ROTEL_CLICKHOUSE_EXPORTER_*`.

use super::{parse, settings::Settings};
use crate::secrets::{Secret, Value};
use std::time::Duration;

/// Where and how rows are written.
#[derive(Clone, Debug)]
pub struct ClickHouseSettings {
    /// The URL of ClickHouse's HTTP interface.
    pub endpoint: Option<Value>,
    /// The database that holds ClickStack's tables.
    pub database: String,
    /// What the tables' names begin with.
    pub table_prefix: String,
    /// The user.
    pub user: Value,
    /// The user's password, empty when none is set.
    pub password: Value,
    /// Whether the server gathers inserts (`async_insert`).
    pub async_insert: bool,
    /// The longest that one insert may take.
    pub timeout: Duration,
    /// Whether any of it waits for a secret.
    pub waits: bool,
}

impl ClickHouseSettings {
    pub(super) fn read(settings: &mut Settings<'_>, wanted: bool) -> Self {
        let plain = |text: &str| Value::Plain(Secret::new(text));
        let before = settings.waiting();
        let mut this = Self {
            endpoint: settings.value("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT"),
            database: settings.text("ROTEL_CLICKHOUSE_EXPORTER_DATABASE").unwrap_or_else(|| "default".to_owned()),
            table_prefix: settings.text("ROTEL_CLICKHOUSE_EXPORTER_TABLE_PREFIX").unwrap_or_else(|| "otel".to_owned()),
            user: settings.value("ROTEL_CLICKHOUSE_EXPORTER_USER").unwrap_or_else(|| plain("default")),
            password: settings.value("ROTEL_CLICKHOUSE_EXPORTER_PASSWORD").unwrap_or_else(|| plain("")),
            async_insert: settings
                .read("ROTEL_CLICKHOUSE_EXPORTER_ASYNC_INSERT", "true or false", parse::switch)
                .unwrap_or(true),
            timeout: settings
                .read("ROTEL_CLICKHOUSE_EXPORTER_REQUEST_TIMEOUT", "a duration such as 5s", parse::positive_duration)
                .unwrap_or(Duration::from_secs(5)),
            waits: false,
        };
        this.waits = settings.waiting() > before;
        if wanted && this.endpoint.is_none() {
            settings.fault(
                "ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT",
                "not set, so nothing can be written",
                "set it to ClickHouse's URL such as https://host:8443",
            );
        }
        this
    }
}
