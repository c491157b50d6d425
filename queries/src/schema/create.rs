//! The statements of each layout, one a file, in the order in which they are run.

use clickhouse::Client;

use super::{Layout, SchemaError};

/// A table or view and the statement that creates it.
struct Statement {
    table: &'static str,
    sql: &'static str,
}

macro_rules! statements {
    ($($folder:literal / $table:literal),+ $(,)?) => {
        &[$(Statement {
            table: $table,
            sql: include_str!(concat!("../../sql/schema/", $folder, "/", $table, ".sql")),
        }),+]
    };
}

/// Creates every table and view of `layout` that the client's database does not have yet.
///
/// # Errors
/// When the server refuses a statement, with the name of what was to be created.
pub async fn create(client: &Client, layout: Layout) -> Result<(), SchemaError> {
    for Statement { table, sql } in statements(layout) {
        // `query_raw`: a statement is sent as it stands in its file. The server takes one statement and no final semicolon.
        let sql = sql.trim_end().trim_end_matches(';');
        client.query_raw(sql).execute().await.map_err(|source| SchemaError::Create { table, source })?;
    }
    Ok(())
}

fn statements(layout: Layout) -> impl Iterator<Item = &'static Statement> {
    let (own, metrics) = match layout {
        Layout::Items => (ITEMS, METRICS_IN_SECONDS),
        Layout::MapValues => (MAP_VALUES, METRICS_IN_NANOSECONDS),
        Layout::Compat => (COMPAT, METRICS_IN_SECONDS),
        Layout::TimestampTime => (TIMESTAMP_TIME, METRICS_IN_NANOSECONDS),
        Layout::SeverityFirst => (SEVERITY_FIRST, METRICS_IN_NANOSECONDS),
        Layout::Json => (JSON, &[][..]),
    };
    own.iter().chain(metrics)
}

const ITEMS: &[Statement] = statements![
    "items" / "otel_logs",
    "items" / "otel_traces",
    "shared" / "hyperdx_sessions",
    "items" / "otel_logs_kv_rollup_15m",
    "items" / "otel_logs_attr_kv_rollup_15m_mv",
    "items" / "otel_traces_kv_rollup_15m",
    "items" / "otel_traces_kv_rollup_15m_mv",
];

const MAP_VALUES: &[Statement] =
    statements!["map_values" / "otel_logs", "shared" / "otel_traces", "shared" / "hyperdx_sessions"];

const COMPAT: &[Statement] =
    statements!["compat" / "otel_logs", "shared" / "otel_traces", "shared" / "hyperdx_sessions"];

const TIMESTAMP_TIME: &[Statement] = statements![
    "timestamp_time" / "otel_logs",
    "timestamp_time" / "otel_traces",
    "shared" / "otel_traces_trace_id_ts",
    "shared" / "otel_traces_trace_id_ts_mv",
    "shared" / "hyperdx_sessions",
];

const SEVERITY_FIRST: &[Statement] = statements![
    "severity_first" / "otel_logs",
    "severity_first" / "otel_traces",
    "shared" / "otel_traces_trace_id_ts",
    "shared" / "otel_traces_trace_id_ts_mv",
];

const JSON: &[Statement] = statements!["json" / "otel_logs", "json" / "otel_traces"];

const METRICS_IN_SECONDS: &[Statement] = statements![
    "items" / "otel_metrics_gauge",
    "items" / "otel_metrics_sum",
    "items" / "otel_metrics_histogram",
    "items" / "otel_metrics_exponential_histogram",
    "items" / "otel_metrics_summary",
];

const METRICS_IN_NANOSECONDS: &[Statement] = statements![
    "shared" / "otel_metrics_gauge",
    "shared" / "otel_metrics_sum",
    "shared" / "otel_metrics_histogram",
    "shared" / "otel_metrics_exponential_histogram",
    "shared" / "otel_metrics_summary",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_one_statement_that_names_what_it_creates() {
        for layout in Layout::ALL {
            for Statement { table, sql } in statements(layout) {
                let ends = sql.lines().filter(|line| !line.starts_with("--") && line.contains(';')).count();
                assert_eq!(ends, 1, "{layout}/{table}");
                assert!(sql.contains(&format!("IF NOT EXISTS {table}")), "{layout}/{table}");
            }
        }
    }
}
