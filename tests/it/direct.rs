//! OTLP written straight into ClickStack's tables, as its collector would have written it: in every layout, and through the
//! extension.

use crate::world::World;
use lambdaview_extension::{
    clock::unix_now,
    export::{clickhouse::ClickHouseExporter, rows::Rows},
    flow::{Batch, Outcome, Signal, pack},
};
use lambdaview_queries::{
    schema::Layout,
    tables::{AttributeMap, AttributeValue, log::LogRow, span::SpanRow},
};
use lambdaview_tests::{
    attach::sample,
    clickhouse::Database,
    function::Sample,
    stack::Stack,
    until::{GENEROUS, until},
};
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint, Metric,
        NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
        exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status,
        span::{Event, Link, SpanKind},
        status::StatusCode,
    },
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value as Json, json};
use std::sync::LazyLock;

pub(crate) const DELIVERED: Outcome = Outcome::Delivered { rejected: 0, message: String::new() };

/// A recent moment with nanoseconds: what is older than thirty days the tables drop by themselves.
pub(crate) static TIME: LazyLock<u64> = LazyLock::new(|| unix_now() / 1_000_000_000 * 1_000_000_000 + 123_456_789);

pub(crate) fn exporter(database: &Database) -> ClickHouseExporter {
    ClickHouseExporter::new(&database.exporter())
}

pub(crate) fn batch(signals: Vec<Signal>) -> Batch {
    let mut batch = Batch::new(signals[0].kind());
    signals.into_iter().flat_map(pack).for_each(|piece| batch.push(piece));
    batch
}

pub(crate) fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

pub(crate) fn some(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub(crate) fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(some(value)), ..KeyValue::default() }
}

pub(crate) fn resource() -> Option<Resource> {
    let attributes = vec![pair("service.name", text("orders")), pair("faas.max_memory", Value::IntValue(1 << 27))];
    Some(Resource { attributes, ..Resource::default() })
}

fn scope() -> Option<InstrumentationScope> {
    let attributes = vec![pair("s", Value::BoolValue(true))];
    Some(InstrumentationScope { name: "scope".to_owned(), version: "1".to_owned(), attributes, ..Default::default() })
}

/// Attributes of every type that OTLP has.
fn attributes() -> Vec<KeyValue> {
    let object = KeyValueList { values: vec![pair("b", Value::IntValue(-1)), pair("a", text("x"))] };
    let list = ArrayValue { values: vec![some(Value::IntValue(1)), some(Value::IntValue(2))] };
    vec![
        pair("text", text("5")),
        pair("int", Value::IntValue(5)),
        pair("double", Value::DoubleValue(0.5)),
        pair("bool", Value::BoolValue(true)),
        pair("bytes", Value::BytesValue(vec![0xff, 0xfe])),
        pair("odd \u{1F4A5}\"", text("\0\n\\")),
        pair("list", Value::ArrayValue(list)),
        pair("map", Value::KvlistValue(object)),
    ]
}

pub(crate) fn logs(body: &str) -> Signal {
    let record = LogRecord {
        time_unix_nano: *TIME,
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        flags: 1,
        severity_number: 17,
        severity_text: "ERROR".to_owned(),
        body: Some(some(text(body))),
        attributes: attributes(),
        event_name: "event".to_owned(),
        ..LogRecord::default()
    };
    let session = LogRecord { attributes: vec![pair("rr-web.event", text("{}"))], ..record.clone() };
    Signal::Logs(ResourceLogs {
        resource: resource(),
        scope_logs: vec![ScopeLogs { scope: scope(), log_records: vec![record, session], ..ScopeLogs::default() }],
        ..ResourceLogs::default()
    })
}

fn spans() -> Signal {
    let attributes = attributes();
    let span = Span {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        name: "handler".to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: *TIME,
        end_time_unix_nano: *TIME + 1_500_000,
        status: Some(Status { code: StatusCode::Error.into(), message: "boom".to_owned() }),
        events: vec![
            Event {
                time_unix_nano: *TIME + 1,
                name: "retry".to_owned(),
                attributes: attributes.clone(),
                ..Event::default()
            },
            Event { time_unix_nano: *TIME + 2, ..Event::default() },
        ],
        links: vec![Link {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            attributes: attributes.clone(),
            ..Link::default()
        }],
        attributes,
        ..Span::default()
    };
    Signal::Traces(ResourceSpans {
        resource: resource(),
        scope_spans: vec![ScopeSpans { scope: scope(), spans: vec![span], ..ScopeSpans::default() }],
        ..ResourceSpans::default()
    })
}

pub(crate) fn gauge() -> Data {
    let exemplars = vec![Exemplar {
        filtered_attributes: attributes(),
        time_unix_nano: *TIME + 9,
        span_id: vec![7; 8],
        trace_id: vec![8; 16],
        value: Some(exemplar::Value::AsDouble(0.25)),
    }];
    let value = Some(number_data_point::Value::AsDouble(1.5));
    let point =
        NumberDataPoint { time_unix_nano: *TIME, attributes: attributes(), exemplars, value, ..Default::default() };
    Data::Gauge(Gauge { data_points: vec![point] })
}

pub(crate) fn sum() -> Data {
    let value = Some(number_data_point::Value::AsInt(7));
    let data_points = vec![NumberDataPoint { time_unix_nano: *TIME, value, ..NumberDataPoint::default() }];
    Data::Sum(Sum { data_points, aggregation_temporality: 1, is_monotonic: true })
}

fn all_kinds() -> Vec<Data> {
    let histogram = HistogramDataPoint {
        time_unix_nano: *TIME,
        count: 3,
        sum: Some(6.5),
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![5.0],
        min: Some(0.5),
        max: Some(4.0),
        ..HistogramDataPoint::default()
    };
    let exponential = ExponentialHistogramDataPoint {
        time_unix_nano: *TIME,
        count: 5,
        scale: -3,
        zero_count: 1,
        positive: Some(Buckets { offset: -2, bucket_counts: vec![4] }),
        negative: Some(Buckets { offset: 9, bucket_counts: vec![0, u64::MAX] }),
        ..ExponentialHistogramDataPoint::default()
    };
    let quantile_values = vec![ValueAtQuantile { quantile: 0.99, value: 12.0 }];
    let summary =
        SummaryDataPoint { time_unix_nano: *TIME, count: 9, sum: 27.0, quantile_values, ..Default::default() };
    vec![
        gauge(),
        sum(),
        Data::Histogram(Histogram { data_points: vec![histogram], aggregation_temporality: 2 }),
        Data::ExponentialHistogram(ExponentialHistogram { data_points: vec![exponential], aggregation_temporality: 1 }),
        Data::Summary(Summary { data_points: vec![summary] }),
    ]
}

pub(crate) fn metrics(data: Vec<Data>) -> Signal {
    let metric = |data| Metric { name: "m".to_owned(), unit: "ms".to_owned(), data: Some(data), ..Metric::default() };
    let metrics = data.into_iter().map(metric).collect();
    Signal::Metrics(ResourceMetrics {
        resource: resource(),
        scope_metrics: vec![ScopeMetrics { scope: scope(), metrics, ..ScopeMetrics::default() }],
        ..ResourceMetrics::default()
    })
}

/// The only row of a table, its columns of these expressions.
pub(crate) async fn row(database: &Database, columns: &str, table: &str) -> Json {
    let rows = rows(database, &format!("SELECT {columns} FROM {table}")).await;
    assert_eq!(rows.len(), 1, "{table}: {rows:?}");
    rows.into_iter().next().unwrap()
}

pub(crate) async fn rows(database: &Database, question: &str) -> Vec<Json> {
    let question = format!("{question} SETTINGS output_format_json_quote_64bit_integers = 0");
    let mut bytes = database.client.query_raw(&question).fetch_bytes("JSONEachRow").unwrap();
    let text = bytes.collect().await.unwrap();
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

pub(crate) async fn count(database: &Database, table: &str) -> u64 {
    database.client.query(&format!("SELECT count() FROM {table}")).fetch_one().await.unwrap()
}

/// What the map of a span's, an event's or a link's attributes holds.
fn as_map() -> Json {
    json!({
        "text": "5", "int": "5", "double": "0.5", "bool": "true", "bytes": "//4=", "odd \u{1F4A5}\"": "\0\n\\",
        "list": "[1,2]", "map": r#"{"a":"x","b":-1}"#,
    })
}

/// The same where it is JSON.
fn as_json() -> Json {
    json!({
        "text": "5", "int": 5, "double": 0.5, "bool": true, "bytes": "//4=", "odd \u{1F4A5}\"": "\0\n\\",
        "list": [1, 2], "map": {"a": "x", "b": -1},
    })
}

#[tokio::test]
async fn log_records_are_the_rows_that_the_collector_writes_in_every_layout() {
    for layout in Layout::ALL {
        let database = Database::laid_out(layout).await;
        let outcome = exporter(&database).export(&batch(vec![logs(r#"boom {"n":1}"#)]), GENEROUS).await;
        if matches!(layout, Layout::SeverityFirst | Layout::Json) {
            let Outcome::Delivered { rejected: 1, message } = outcome else { panic!("{layout}: {outcome:?}") };
            assert!(message.contains("there is no table hyperdx_sessions in database "), "{message}");
        } else {
            assert_eq!(outcome, DELIVERED, "{layout}");
            let session = row(&database, "SeverityText, LogAttributes", "hyperdx_sessions").await;
            assert_eq!(session, json!({"SeverityText": "ERROR", "LogAttributes": {"rr-web.event": "{}"}}), "{layout}");
        }
        let columns = "toUnixTimestamp64Nano(Timestamp) AS t, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, \
                       ServiceName, Body, ResourceAttributes, ScopeName, ScopeVersion, ScopeAttributes, LogAttributes";
        // The collector's rules: JSON in the body becomes attributes, nested ones are flattened, levels are in lower case.
        let (resource, scope, own) = match layout {
            Layout::Json => (
                json!({"service": {"name": "orders"}, "faas": {"max_memory": 1 << 27}}),
                json!({"s": true}),
                json!({
                    "text": "5", "int": 5, "double": 0.5, "bool": true, "bytes": "//4=", "odd \u{1F4A5}\"": "\0\n\\",
                    "list": {"0": 1, "1": 2}, "map": {"a": "x", "b": -1}, "n": 1,
                }),
            ),
            _ => (
                json!({"service.name": "orders", "faas.max_memory": "134217728"}),
                json!({"s": "true"}),
                json!({
                    "text": "5", "int": "5", "double": "0.5", "bool": "true", "bytes": "//4=",
                    "odd \u{1F4A5}\"": "\0\n\\", "list.0": "1", "list.1": "2", "map.a": "x", "map.b": "-1", "n": "1",
                }),
            ),
        };
        let expected = json!({
            "t": *TIME, "TraceId": "ab".repeat(16), "SpanId": "cd".repeat(8), "TraceFlags": 1, "SeverityText": "error",
            "SeverityNumber": 17, "ServiceName": "orders", "Body": r#"boom {"n":1}"#, "ResourceAttributes": resource,
            "ScopeName": "scope", "ScopeVersion": "1", "ScopeAttributes": scope, "LogAttributes": own,
        });
        assert_eq!(row(&database, columns, "otel_logs").await, expected, "{layout}");
        if layout == Layout::Json {
            let keys = row(&database, "ResourceAttributesKeys AS r, LogAttributesKeys AS l", "otel_logs").await;
            assert_eq!(keys["r"], json!(["faas.max_memory", "service.name"]));
            assert_eq!(keys["l"].as_array().unwrap().len(), 11, "{keys}");
        }
    }
}

#[tokio::test]
async fn spans_are_the_rows_that_the_collector_writes_in_every_layout() {
    for layout in Layout::ALL {
        let database = Database::laid_out(layout).await;
        assert_eq!(exporter(&database).export(&batch(vec![spans()]), GENEROUS).await, DELIVERED, "{layout}");
        let attributes = if layout == Layout::Json { as_json() } else { as_map() };
        let columns = "toUnixTimestamp64Nano(Timestamp) AS t, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, \
                       SpanAttributes, Duration, StatusCode, StatusMessage, \
                       arrayMap(at -> toUnixTimestamp64Nano(at), Events.Timestamp) AS times, Events.Name, \
                       Events.Attributes, Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes";
        let expected = json!({
            "t": *TIME, "TraceId": "ab".repeat(16), "SpanId": "cd".repeat(8), "ParentSpanId": "", "SpanName": "handler",
            "SpanKind": "Server", "ServiceName": "orders", "SpanAttributes": attributes, "Duration": 1_500_000,
            "StatusCode": "Error", "StatusMessage": "boom", "times": [*TIME + 1, *TIME + 2],
            "Events.Name": ["retry", ""], "Events.Attributes": [attributes, {}], "Links.TraceId": ["01".repeat(16)],
            "Links.SpanId": ["02".repeat(8)], "Links.TraceState": [""], "Links.Attributes": [attributes],
        });
        assert_eq!(row(&database, columns, "otel_traces").await, expected, "{layout}");
        if layout == Layout::Json {
            let keys = row(&database, "SpanAttributesKeys AS k", "otel_traces").await;
            let expected =
                json!(["bool", "bytes", "double", "int", "list", "map.a", "map.b", "odd \u{1F4A5}\"", "text"]);
            assert_eq!(keys["k"], expected);
        }
    }
}

/// Checks the rows of [`all_kinds`].
async fn points_are_there(database: &Database, exponential: &str, in_seconds: bool) {
    let unit = if in_seconds { 1_000_000_000 } else { 1 };
    let at = |offset: u64| (*TIME + offset) / unit * unit;
    let nanos = |column: &str| format!("toUnixTimestamp64Nano(toDateTime64({column}, 9))");
    let gauge = format!(
        "{} AS t, Value, MetricName, MetricUnit, ServiceName, Attributes, Exemplars.FilteredAttributes AS f, Exemplars.Value, \
         arrayMap(at -> {}, Exemplars.TimeUnix) AS e, Exemplars.SpanId, Exemplars.TraceId",
        nanos("TimeUnix"),
        nanos("at")
    );
    let expected = json!({
        "t": at(0), "Value": 1.5, "MetricName": "m", "MetricUnit": "ms", "ServiceName": "orders", "Attributes": as_map(),
        "f": [as_map()], "Exemplars.Value": [0.25], "e": [at(9)], "Exemplars.SpanId": ["07".repeat(8)],
        "Exemplars.TraceId": ["08".repeat(16)],
    });
    assert_eq!(row(database, &gauge, "otel_metrics_gauge").await, expected);
    let sum = row(database, "Value, AggregationTemporality AS a, IsMonotonic", "otel_metrics_sum").await;
    assert_eq!(sum, json!({"Value": 7, "a": 1, "IsMonotonic": true}));
    let histogram = "Count, Sum, BucketCounts, ExplicitBounds, Min, Max, AggregationTemporality AS a";
    let expected = json!({
        "Count": 3, "Sum": 6.5, "BucketCounts": [1, 2], "ExplicitBounds": [5], "Min": 0.5, "Max": 4, "a": 2
    });
    assert_eq!(row(database, histogram, "otel_metrics_histogram").await, expected);
    let columns = "Count, Scale, ZeroCount, PositiveOffset AS po, PositiveBucketCounts AS p, NegativeOffset AS no, \
                   NegativeBucketCounts AS n";
    let expected = json!({"Count": 5, "Scale": -3, "ZeroCount": 1, "po": -2, "p": [4], "no": 9, "n": [0, u64::MAX]});
    assert_eq!(row(database, columns, exponential).await, expected);
    let summary = "Count, Sum, ValueAtQuantiles.Quantile AS q, ValueAtQuantiles.Value AS v";
    let expected = json!({"Count": 9, "Sum": 27, "q": [0.99], "v": [12]});
    assert_eq!(row(database, summary, "otel_metrics_summary").await, expected);
}

#[tokio::test]
async fn all_five_kinds_of_points_are_rows_with_their_exemplars_in_both_units_of_time() {
    for layout in [Layout::Items, Layout::TimestampTime] {
        let database = Database::laid_out(layout).await;
        assert_eq!(
            exporter(&database).export(&batch(vec![metrics(all_kinds())]), GENEROUS).await,
            DELIVERED,
            "{layout}"
        );
        points_are_there(&database, "otel_metrics_exponential_histogram", layout == Layout::Items).await;
    }
}

#[tokio::test]
async fn points_find_the_tables_and_columns_that_the_collectors_own_exporter_named() {
    let database = Database::laid_out(Layout::SeverityFirst).await;
    for change in [
        "RENAME TABLE otel_metrics_exponential_histogram TO otel_metrics_exp_histogram",
        "ALTER TABLE otel_metrics_sum RENAME COLUMN AggregationTemporality TO AggTemp",
    ] {
        database.client.query(change).execute().await.unwrap();
    }
    assert_eq!(exporter(&database).export(&batch(vec![metrics(all_kinds())]), GENEROUS).await, DELIVERED);
    database
        .client
        .query("ALTER TABLE otel_metrics_sum RENAME COLUMN AggTemp TO AggregationTemporality")
        .execute()
        .await
        .unwrap();
    points_are_there(&database, "otel_metrics_exp_histogram", false).await;
}

#[tokio::test]
async fn json_attributes_of_points_and_columns_that_may_be_null_are_written_too() {
    let database = Database::laid_out(Layout::Json).await;
    database.client.query(include_str!("../fixtures/sql/gauge_in_json.sql")).execute().await.unwrap();
    assert_eq!(exporter(&database).export(&batch(vec![metrics(vec![gauge()])]), GENEROUS).await, DELIVERED);
    let columns = "Value, MetricUnit, Attributes, AttributesKeys[1] AS k, Exemplars.FilteredAttributes AS f";
    let expected = json!({"Value": 1.5, "MetricUnit": "ms", "Attributes": as_json(), "k": "bool", "f": [as_json()]});
    assert_eq!(row(&database, columns, "otel_metrics_gauge").await, expected);
}

#[tokio::test]
async fn keys_that_make_one_path_twice_do_not_cost_their_batch() {
    let database = Database::laid_out(Layout::Json).await;
    let mut signal = logs("odd keys");
    let Signal::Logs(logs) = &mut signal else { unreachable!() };
    let object = KeyValueList { values: vec![pair("b", Value::IntValue(1))] };
    logs.resource.as_mut().unwrap().attributes.extend([
        pair("a.b", text("x")),
        pair("a", Value::KvlistValue(object)),
        pair("a", text("y")),
        pair("", text("no key")),
        pair("ends.", Value::DoubleValue(f64::NAN)),
    ]);
    let outcome = exporter(&database).export(&batch(vec![signal]), GENEROUS).await;
    assert!(matches!(outcome, Outcome::Delivered { rejected: 1, .. }), "only the session: {outcome:?}");
    let row = row(&database, "Body, toString(ResourceAttributes.`service.name`) AS s", "otel_logs").await;
    assert_eq!(row, json!({"Body": "odd keys", "s": "orders"}));
}

/// Attributes with any keys, each once: a map cannot tell how often a key was there.
fn any_attributes() -> impl Strategy<Value = AttributeMap> {
    prop::collection::btree_map(".*", ".*", 0..4).prop_map(|map| map.into_iter().collect())
}

fn any_log() -> impl Strategy<Value = LogRow> {
    let texts = (".*", ".*", ".{0,300}", ".*");
    (0..1_000_000_000_i64, any::<(u8, u8)>(), texts, [any_attributes(), any_attributes(), any_attributes()]).prop_map(
        |(
            nanos,
            (trace_flags, severity_number),
            (trace_id, severity_text, body, scope_name),
            [resource, scope, own],
        )| {
            LogRow {
                timestamp: TIME.cast_signed() + nanos,
                trace_id,
                trace_flags,
                severity_text,
                severity_number,
                body,
                scope_name,
                resource_attributes: resource,
                scope_attributes: scope,
                log_attributes: own,
                ..LogRow::default()
            }
        },
    )
}

fn any_span() -> impl Strategy<Value = SpanRow> {
    let event = (0..1_000_000_000_i64, ".*", any_attributes());
    (any::<u64>(), ".*", any_attributes(), prop::collection::vec(event, 0..4)).prop_map(
        |(duration, span_name, span_attributes, events)| SpanRow {
            timestamp: TIME.cast_signed(),
            duration,
            span_name,
            span_attributes,
            event_timestamps: events.iter().map(|(nanos, ..)| TIME.cast_signed() + nanos).collect(),
            event_names: events.iter().map(|(_, name, _)| name.clone()).collect(),
            event_attributes: events.into_iter().map(|(.., attributes)| attributes).collect(),
            ..SpanRow::default()
        },
    )
}

#[tokio::test]
async fn the_engine_reads_back_any_row_as_it_was_written() {
    let mut runner = TestRunner::deterministic();
    let mut sample = |number: usize| {
        let logs = prop::collection::vec(any_log(), number).new_tree(&mut runner).unwrap().current();
        (logs, prop::collection::vec(any_span(), number).new_tree(&mut runner).unwrap().current())
    };
    // Together beyond the size of a compressed block.
    let (mut logs, mut spans) = sample(1_000);
    // Told apart, and put in order, by what no strategy touches.
    logs.iter_mut().enumerate().for_each(|(at, row)| row.span_id = format!("{at:016x}"));
    spans.iter_mut().enumerate().for_each(|(at, row)| row.span_id = format!("{at:016x}"));
    for compress in [true, false] {
        let database = Database::create().await;
        let mut settings = database.exporter();
        settings.compress = compress;
        let rows = Rows { logs: logs.clone(), spans: spans.clone(), ..Rows::default() };
        assert_eq!(ClickHouseExporter::new(&settings).insert(&rows).await, DELIVERED);
        let question = "SELECT ?fields FROM otel_logs ORDER BY SpanId";
        assert_eq!(database.client.query(question).fetch_all::<LogRow>().await.unwrap(), logs, "compress {compress}");
        let question = "SELECT ?fields FROM otel_traces ORDER BY SpanId";
        assert_eq!(database.client.query(question).fetch_all::<SpanRow>().await.unwrap(), spans, "compress {compress}");
    }
}

/// Any JSON that an attribute may be.
fn any_json() -> impl Strategy<Value = AttributeValue> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".*".prop_map(Json::from),
    ];
    let nested = leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(".*", inner, 0..4).prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    });
    // A string is an attribute's text and no JSON.
    nested.prop_map(|json| match json {
        Json::String(text) => text.into(),
        Json::Null => AttributeValue::json(String::new()),
        json => AttributeValue::json(json.to_string()),
    })
}

#[tokio::test]
async fn the_engine_takes_any_attributes_as_json_and_their_keys_beside_them() {
    let mut runner = TestRunner::deterministic();
    let attributes = prop::collection::btree_map(".*", any_json(), 0..5);
    let rows = prop::collection::vec(attributes, 500).new_tree(&mut runner).unwrap().current();
    let mut expected = Vec::new();
    let logs = rows.into_iter().enumerate().map(|(at, map)| {
        // An object has the keys of what is in it.
        let flat = map.iter().filter(|(_, value)| !value.as_str().starts_with('{')).map(|(key, _)| key.clone());
        expected.push(flat.collect::<Vec<_>>());
        let log_attributes: AttributeMap = map.into_iter().collect();
        LogRow { timestamp: TIME.cast_signed(), span_id: format!("{at:016x}"), log_attributes, ..LogRow::default() }
    });
    let logs = Rows { logs: logs.collect(), ..Rows::default() };
    let database = Database::laid_out(Layout::Json).await;
    assert_eq!(exporter(&database).insert(&logs).await, DELIVERED);
    let question = "SELECT LogAttributesKeys FROM otel_logs ORDER BY SpanId";
    let keys = database.client.query(question).fetch_all::<Vec<String>>().await.unwrap();
    assert_eq!(keys.len(), expected.len());
    for (keys, expected) in keys.iter().zip(&expected) {
        assert!(expected.iter().all(|key| keys.contains(key)), "{keys:?} lacks one of {expected:?}");
    }
}

#[tokio::test]
async fn the_extension_writes_a_functions_lines_and_spans_into_tables_of_every_age() {
    for layout in [Layout::TimestampTime, Layout::Items, Layout::Json] {
        let stack = Stack::of(Database::laid_out(layout).await);
        let settings = sample(Sample::Payments)
            .variable("ROTEL_EXPORTER", "clickhouse")
            .variable("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", &stack.database.url)
            .variable("ROTEL_CLICKHOUSE_EXPORTER_DATABASE", &stack.database.name);
        let world = World::on(stack, "payments", settings).await;
        let invocation = world.lambda.invoke(json!({"order": 9, "items": [{"sku": "filter"}]})).await;
        let database = &world.stack.database;
        let question = "SELECT TraceId, SeverityText, SeverityNumber, ServiceName, toJSONString(LogAttributes) AS a \
                        FROM otel_logs WHERE Body = 'charging 3.10 EUR for order 9'";
        let line = until("the line", GENEROUS, || async {
            rows(database, question).await.into_iter().next().ok_or_else(|| world.lambda.transcript())
        })
        .await;
        assert_eq!(line["TraceId"], invocation.trace_id, "{layout}");
        assert_eq!((&line["SeverityText"], &line["SeverityNumber"]), (&json!("info"), &json!(9)), "{layout}: {line}");
        assert_eq!(line["ServiceName"], "payments", "{layout}");
        assert!(line["a"].as_str().unwrap().contains(&invocation.request_id), "{layout}: {line}");
        let ledger = world.stop().await;
        assert_eq!((ledger.of("logs").dropped, ledger.of("traces").dropped), (0, 0), "{layout}: {ledger:?}");
        let question = format!("SELECT SpanName FROM otel_traces WHERE TraceId = '{}'", invocation.trace_id);
        let spans = rows(database, &question).await;
        assert!(spans.iter().any(|span| span["SpanName"] == "charge card"), "{layout}: {spans:?}");
        if layout == Layout::Json {
            let metrics = ledger.of("metrics");
            assert_eq!(metrics.reasons.values().sum::<u64>(), metrics.received, "it has no metrics tables: {ledger:?}");
            assert!(world.lambda.extension_output().contains("there is no table otel_metrics_"), "the table is named");
        } else {
            assert_eq!(ledger.of("metrics").dropped, 0, "{layout}: {ledger:?}");
        }
    }
}
