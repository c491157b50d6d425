//! ClickStack's tables: created as each version lays them out, recognised by their looks, written to and read back.

use lambdaview_extension::{
    clock::unix_now,
    export::{clickhouse::ClickHouseExporter, rows::Rows},
    flow::Outcome,
};
use lambdaview_queries::{
    schema::{self, Attributes, BodyIndex, Layout, Schema, SchemaError},
    tables::{
        AttributeMap,
        log::LogRow,
        metric::{Exemplars, ExponentialHistogramRow, GaugeRow, HistogramRow, Origin, SumRow, SummaryRow},
        span::SpanRow,
    },
};
use lambdaview_tests::clickhouse::Database;
use std::sync::LazyLock;

const DELIVERED: Outcome = Outcome::Delivered { rejected: 0, message: String::new() };
/// A moment that has nanoseconds, and is recent: what is older than thirty days the tables drop by themselves.
static NANOS: LazyLock<i64> =
    LazyLock::new(|| i64::try_from(unix_now()).unwrap() / 1_000_000_000 * 1_000_000_000 + 123_456_789);

async fn laid_out(layout: Layout) -> (Database, Schema) {
    let database = Database::empty().await;
    schema::create(&database.client, layout).await.unwrap();
    let schema = schema::probe(&database.client).await.unwrap();
    (database, schema)
}

fn map(pairs: &[(&str, &str)]) -> AttributeMap {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn log() -> LogRow {
    LogRow {
        timestamp: *NANOS,
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        span_id: "b7ad6b7169203331".to_owned(),
        trace_flags: 1,
        severity_text: "error".to_owned(),
        severity_number: 17,
        service_name: "orders".to_owned(),
        body: "boom \u{1F4A5}\n\0".to_owned(),
        resource_schema_url: "https://resource".to_owned(),
        resource_attributes: map(&[("service.name", "orders"), ("faas.name", "orders")]),
        scope_schema_url: "https://scope".to_owned(),
        scope_name: "scope".to_owned(),
        scope_version: "1".to_owned(),
        scope_attributes: map(&[("s", "1")]),
        log_attributes: map(&[("faas.invocation_id", "i-1"), ("empty", "")]),
        event_name: String::new(),
    }
}

fn span() -> SpanRow {
    SpanRow {
        timestamp: *NANOS,
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        span_id: "b7ad6b7169203331".to_owned(),
        parent_span_id: String::new(),
        trace_state: "a=b".to_owned(),
        span_name: "handler".to_owned(),
        span_kind: "Server".to_owned(),
        service_name: "orders".to_owned(),
        resource_attributes: map(&[("service.name", "orders")]),
        scope_name: "scope".to_owned(),
        scope_version: "1".to_owned(),
        span_attributes: map(&[("faas.coldstart", "true")]),
        duration: 1_500_000,
        status_code: "Error".to_owned(),
        status_message: "boom".to_owned(),
        event_timestamps: vec![*NANOS, *NANOS + 1],
        event_names: vec!["exception".to_owned(), "retry".to_owned()],
        event_attributes: vec![map(&[("exception.type", "ValueError")]), map(&[])],
        link_trace_ids: vec!["0af7651916cd43dd8448eb211c80319d".to_owned()],
        link_span_ids: vec!["b7ad6b7169203332".to_owned()],
        link_trace_states: vec![String::new()],
        link_attributes: vec![map(&[("l", "1")])],
    }
}

#[tokio::test]
async fn every_layout_is_recognised_by_its_looks() {
    let table = [
        (Layout::SeverityFirst, BodyIndex::Tokens, false, Attributes::Map),
        (Layout::TimestampTime, BodyIndex::LowerTokens, false, Attributes::Map),
        (Layout::MapValues, BodyIndex::Text, true, Attributes::Map),
        (Layout::Compat, BodyIndex::LowerTokens, true, Attributes::Map),
        (Layout::Items, BodyIndex::Text, true, Attributes::Items),
        (Layout::Json, BodyIndex::Tokens, false, Attributes::Json),
    ];
    for (layout, body_index, block_numbers, attributes) in table {
        let (_database, schema) = laid_out(layout).await;
        assert_eq!(schema.logs.layout, layout);
        assert_eq!((schema.logs.body_index, schema.logs.block_numbers), (body_index, block_numbers), "{layout}");
        assert_eq!(schema.traces.attributes, attributes, "{layout}");
        // Both came with ClickStack 2.25, in place of the lookup table.
        assert_eq!(schema.logs.event_name, block_numbers, "{layout}");
        let lookup = matches!(layout, Layout::SeverityFirst | Layout::TimestampTime);
        assert_eq!((schema.trace_id_ts, schema.logs_rollup), (lookup, layout == Layout::Items), "{layout}");
    }
}

#[tokio::test]
async fn creating_the_tables_again_changes_nothing() {
    let (database, schema) = laid_out(Layout::Items).await;
    schema::create(&database.client, Layout::TimestampTime).await.unwrap();
    let again = schema::probe(&database.client).await.unwrap();
    assert_eq!(again.logs, schema.logs);
}

#[tokio::test]
async fn a_database_without_the_tables_is_said_to_be_without_them() {
    let database = Database::empty().await;
    let error = schema::probe(&database.client).await.unwrap_err();
    let expected = format!("no table otel_logs and no table otel_traces in database `{}`", database.name);
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn a_table_that_only_has_the_name_is_not_taken_for_clickstacks() {
    let (database, _) = laid_out(Layout::Items).await;
    let run = |sql: &str| database.client.query(sql).execute();
    run("DROP TABLE otel_logs").await.unwrap();
    run("CREATE TABLE otel_logs (Timestamp DateTime64(9), Body String) ORDER BY Timestamp").await.unwrap();
    let error = schema::probe(&database.client).await.unwrap_err();
    assert!(matches!(&error, SchemaError::Unknown { sorting_key, .. } if sorting_key == "Timestamp"), "{error}");
}

#[tokio::test]
async fn an_attribute_with_a_column_of_its_own_is_found() {
    let (database, _) = laid_out(Layout::Items).await;
    let column = "`__hdx_materialized_faas.name` LowCardinality(String) MATERIALIZED ResourceAttributes['faas.name']";
    database.client.query(&format!("ALTER TABLE otel_logs ADD COLUMN {column}")).execute().await.unwrap();
    let schema = schema::probe(&database.client).await.unwrap();
    let found = schema.logs.materialized.iter().find(|one| one.key == "faas.name").expect("it was just added");
    assert_eq!((found.source.as_str(), found.column.as_str()), ("ResourceAttributes", "__hdx_materialized_faas.name"));
}

fn exporter(database: &Database) -> ClickHouseExporter {
    ClickHouseExporter::new(&database.exporter())
}

#[tokio::test]
async fn rows_come_back_as_they_were_written() {
    for layout in Layout::ALL.into_iter().filter(|layout| *layout != Layout::Json) {
        let (database, schema) = laid_out(layout).await;
        let has_sessions = layout != Layout::SeverityFirst;
        let sessions = if has_sessions { vec![log()] } else { Vec::new() };
        let rows = Rows { logs: vec![log()], sessions, spans: vec![span()], ..Rows::default() };
        assert_eq!(exporter(&database).insert(&rows).await, DELIVERED, "{layout}");

        let event_name = if schema.logs.event_name { "EventName" } else { "'' AS EventName" };
        let logs = format!(
            "SELECT Timestamp, TraceId, SpanId, toUInt8(TraceFlags) AS TraceFlags, SeverityText, \
             toUInt8(SeverityNumber) AS SeverityNumber, ServiceName, Body, \
             ResourceSchemaUrl, ResourceAttributes, ScopeSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, \
             LogAttributes, {event_name} FROM otel_logs"
        );
        assert_eq!(database.client.query(&logs).fetch_all::<LogRow>().await.unwrap(), [log()], "{layout}");
        let spans = database.client.query("SELECT ?fields FROM otel_traces").fetch_all::<SpanRow>().await.unwrap();
        assert_eq!(spans, [span()], "{layout}");
        if has_sessions {
            assert_eq!(count(&database, "hyperdx_sessions").await, 1, "{layout}");
        }
    }
}

#[tokio::test]
async fn all_five_kinds_of_points_are_written_in_both_units_of_time() {
    // `TimeUnix` is a `DateTime` since ClickStack 2.30, a `DateTime64(9)` before.
    for (layout, unit) in [(Layout::Items, 1_000_000_000), (Layout::MapValues, 1)] {
        let (database, _) = laid_out(layout).await;
        let service_name = "orders".to_owned();
        let origin = Origin { service_name, start_time_unix: *NANOS, time_unix: *NANOS, ..Origin::default() };
        let exemplars = Exemplars {
            filtered_attributes: vec![map(&[("k", "v")])],
            time_unix: vec![*NANOS],
            value: vec![0.5],
            span_id: vec!["b7ad6b7169203331".to_owned()],
            trace_id: vec!["0af7651916cd43dd8448eb211c80319c".to_owned()],
        };
        let rows = Rows {
            gauges: vec![GaugeRow { value: 1.5, ..GaugeRow::new(origin.clone()) }.with_exemplars(exemplars.clone())],
            sums: vec![SumRow { is_monotonic: true, ..SumRow::new(origin.clone()) }.with_exemplars(exemplars.clone())],
            histograms: vec![HistogramRow { bucket_counts: vec![1], ..HistogramRow::new(origin.clone()) }],
            exponential_histograms: vec![ExponentialHistogramRow {
                scale: 3,
                ..ExponentialHistogramRow::new(origin.clone())
            }],
            summaries: vec![SummaryRow { quantiles: vec![0.5], quantile_values: vec![9.0], ..SummaryRow::new(origin) }],
            ..Rows::default()
        };
        assert_eq!(exporter(&database).insert(&rows).await, DELIVERED, "{layout}");
        for kind in ["gauge", "sum", "histogram", "exponential_histogram", "summary"] {
            let time = "toUnixTimestamp64Nano(toDateTime64(TimeUnix, 9))";
            let sql = format!("SELECT ServiceName, {time} FROM otel_metrics_{kind}");
            let row = database.client.query(&sql).fetch_one::<(String, i64)>().await.unwrap();
            assert_eq!(row, ("orders".to_owned(), *NANOS / unit * unit), "{layout} {kind}");
        }
    }
}

#[tokio::test]
async fn the_rollups_count_each_native_value_once_a_row() {
    let (database, _) = laid_out(Layout::Items).await;
    let rows = Rows { logs: vec![log(), log()], spans: vec![span()], ..Rows::default() };
    assert_eq!(exporter(&database).insert(&rows).await, DELIVERED);
    let sql = "SELECT Key, Value, sum(count) FROM otel_logs_kv_rollup_15m WHERE Value != '' GROUP BY ALL ORDER BY Key";
    let logs = database.client.query(sql).fetch_all::<(String, String, u64)>().await.unwrap();
    let expected = [
        ("ResourceSchemaUrl", "https://resource", 2),
        ("ScopeName", "scope", 2),
        ("ScopeSchemaUrl", "https://scope", 2),
        ("ScopeVersion", "1", 2),
        ("ServiceName", "orders", 2),
        ("SeverityText", "error", 2),
    ];
    assert_eq!(logs, expected.map(|(key, value, count)| (key.to_owned(), value.to_owned(), count)));
    assert_eq!(count(&database, "otel_traces_kv_rollup_15m").await, 6);
}

async fn count(database: &Database, table: &str) -> u64 {
    database.client.query(&format!("SELECT count() FROM {table}")).fetch_one().await.unwrap()
}
