//! What the log lines of real producers become: `fixtures/logs` has the records, and beside them what must come of each.
//!
//! Where a rule changes on purpose, `INSTA_UPDATE=always cargo test -p lambdaview-tests --test it log_corpus` writes what comes
//! of them now, to be read before it is kept. How the lines were had stands in `fixtures/logs/README.md`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use lambdaview_extension::{
    flow::{
        Signal,
        arrival::{Arrival, Telemetry},
    },
    lambda::records,
    normalise::{Normaliser, Settings},
};
use lambdaview_tests::kept;
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value::Value as Any},
    logs::v1::LogRecord,
};
use proptest::prelude::*;
use serde_json::{Value, json, value::RawValue};

/// A test for each producer, named as its file is.
macro_rules! producers {
    ($($producer:ident)*) => {
        $(#[test]
        fn $producer() {
            check(stringify!($producer));
        })*

        const PRODUCERS: &[&str] = &[$(stringify!($producer)),*];
    };
}

producers! {
    bunyan
    dotnet_console_json
    dotnet_json
    dotnet_text
    go_log
    go_logrus
    go_logrus_text
    go_panic
    go_slog_json
    go_slog_text
    go_zap
    go_zap_console
    go_zerolog
    ids
    java_json
    java_log4j2_json
    java_log4j2_json_string
    java_log4j2_pattern
    java_logback_pattern
    java_logstash
    java_text
    log4js
    log4js_colored
    log4js_json
    loguru
    loguru_text
    metrics_emf
    node_json
    node_text
    odd
    pino
    pino_ecs
    pino_iso
    powertools_dotnet
    powertools_java
    powertools_python
    powertools_typescript
    python_basic
    python_ecs
    python_formatter
    python_json
    python_json_logger
    python_json_logger_utc
    python_otel_json
    python_otel_text
    python_text
    ruby_text
    rust_ansi
    rust_compact
    rust_env_logger
    rust_json
    rust_json_flat
    rust_lambda_json
    rust_lambda_text
    rust_text
    serilog_compact
    serilog_json
    serilog_rendered
    structlog
    structlog_dicts
    structlog_text
    winston
    winston_text
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs")
}

/// What the telemetry record `json` becomes, by itself; nothing of an empty line.
fn become_of(json: &str) -> Option<LogRecord> {
    let mut normaliser = Normaliser::new(Settings::of("orders"));
    let mut now = 0;
    records::read(format!("[{json}]").as_bytes(), |telemetry: Telemetry| {
        now = telemetry.time;
        normaliser.accept(Arrival::Telemetry(telemetry), now);
    });
    normaliser.release_all("spindown", now);
    let signals = normaliser.drain().pieces.into_iter().map(|piece| piece.unpack().unwrap());
    let mut records = signals.flat_map(|signal| match signal {
        Signal::Logs(logs) => logs.scope_logs.into_iter().flat_map(|scope| scope.log_records).collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let record = records.next();
    assert!(records.next().is_none(), "more than one record of {json}");
    record
}

/// The text that the program wrote, out of a telemetry record.
fn written(json: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Wire<'a> {
        #[serde(borrow)]
        record: &'a RawValue,
    }
    let wire: Wire<'_> = serde_json::from_str(json).unwrap();
    let raw = wire.record.get();
    serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())
}

fn assert_nothing_lost(line: &str, record: &LogRecord) {
    if kept::is_object(line) {
        let lost = kept::lost(line, record);
        assert!(lost.is_empty(), "lost of {line}\nin {record:#?}: {lost:#?}");
    }
    let names: BTreeSet<&str> = record.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(names.len(), record.attributes.len(), "two attributes of one name: {record:#?}");
}

fn check(producer: &str) {
    let input = fs::read_to_string(folder().join(format!("{producer}.input.jsonl"))).unwrap();
    let mut became = Vec::new();
    for json in input.lines() {
        let record = become_of(json);
        if let Some(record) = &record {
            assert_nothing_lost(&written(json), record);
        }
        became.push(record.map_or(Value::Null, |record| readable(&record)));
    }
    insta::with_settings!({
        snapshot_path => folder(), prepend_module_to_snapshot => false, omit_expression => true,
    }, {
        insta::assert_snapshot!(producer, serde_json::to_string_pretty(&became).unwrap());
    });
}

/// A record as it is read best.
fn readable(record: &LogRecord) -> Value {
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let time = chrono::DateTime::from_timestamp_nanos(i64::try_from(record.time_unix_nano).unwrap());
    let attributes: Vec<Value> = record
        .attributes
        .iter()
        .filter(|attribute| attribute.key != "type" || value(attribute.value.as_ref()) != "function")
        .map(|attribute| json!([attribute.key, value(attribute.value.as_ref())]))
        .collect();
    json!({
        "time": time.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true),
        "severity": format!("{} {}", record.severity_number, record.severity_text),
        "body": value(record.body.as_ref()),
        "attributes": attributes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "trace": format!("{} {} {}", hex(&record.trace_id), hex(&record.span_id), record.flags).trim_start().to_owned(),
    })
}

fn value(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(value)) => json!(value),
        Some(Any::IntValue(value)) => json!(value),
        Some(Any::DoubleValue(value)) => json!(value),
        None => Value::Null,
        other => panic!("no record has this: {other:?}"),
    }
}

#[test]
fn every_file_of_the_corpus_is_a_producer() {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let inputs: BTreeSet<String> =
        names.filter_map(|name| name.strip_suffix(".input.jsonl").map(str::to_owned)).collect();
    let producers: BTreeSet<String> = PRODUCERS.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(inputs, producers);
}

#[test]
fn lines_of_a_quarter_mebibyte_and_more_are_kept_whole() {
    let long = "é".repeat(150_000);
    let text = become_of(&json!({"type": "function", "record": &long}).to_string()).unwrap();
    assert_eq!(value(text.body.as_ref()), json!(&long));
    let fields: serde_json::Map<String, Value> =
        (0..20_000).map(|nth| (format!("field{nth}"), json!({"n": nth}))).collect();
    let line = json!({"message": &long, "long": &long, "fields": fields});
    let record = become_of(&json!({"type": "function", "record": line}).to_string()).unwrap();
    assert_eq!((value(record.body.as_ref()), record.attributes.len()), (json!(&long), 20_002));
}

/// Names that mean something to us, and some that do not.
fn name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "message",
        "msg",
        "fields",
        "event",
        "level",
        "severity",
        "log.level",
        "time",
        "timestamp",
        "ts",
        "@timestamp",
        "@t",
        "@m",
        "@mt",
        "trace_id",
        "span_id",
        "traceId",
        "dd.trace_id",
        "dd",
        "trace",
        "span",
        "id",
        "traceparent",
        "xray_trace_id",
        "trace_flags",
        "requestId",
        "faas.invocation_id",
        "errorType",
        "errorMessage",
        "stackTrace",
        "stack",
        "err",
        "error",
        "exception",
        "type",
        "name",
        "_aws",
        "Timestamp",
        "CloudWatchMetrics",
        "instant",
        "epochSecond",
        "nanoOfSecond",
        "record",
        "body",
        "a",
        "a.b",
        "b",
        "",
    ];
    prop_oneof![4 => proptest::sample::select(KNOWN).prop_map(str::to_owned), 1 => "[a-z.#@é]{0,6}"]
}

/// The JSON of a value: of those that mean something to us, and of any.
fn any_json() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "\"warn\"",
        "\"INFO+2\"",
        "\"mine\"",
        "30",
        "7",
        "\"2024-05-15T23:59:20.159Z\"",
        "\"2024-05-15T23:59:20Z\"",
        "1715817560.159",
        "1715817560",
        "1715817560159",
        "\"5bef4de7ad49b0e87f6ef6c87fc2e700\"",
        "\"9a9197af755a6419\"",
        "\"1-5bef4de7-ad49b0e87f6ef6c87fc2e700\"",
        "\"00-5bef4de7ad49b0e87f6ef6c87fc2e700-9a9197af755a6419-01\"",
        "\"01\"",
        "\"17\"",
        "\"79b4f56e-95b1-4643-9700-2807f4e68189\"",
        "\"E: no\\n    at f (a.js:1)\"",
        "[\"E: no\",\"  at f\"]",
        "null",
        "true",
        "{}",
        "[]",
        "\"\"",
        "123456789012345678901234567890",
        "1e400",
        "-0.0",
        "0.1000000000000000055",
        "\"\\ud800\"",
        "\"{\\\"a\\\":1}\"",
    ];
    let leaf = prop_oneof![
        3 => proptest::sample::select(KNOWN).prop_map(str::to_owned),
        1 => ".{0,12}".prop_map(|text| json!(text).to_string()),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| json!(number).to_string()),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            2 => object(inner.clone()),
            1 => proptest::collection::vec(inner, 0..3).prop_map(|all| format!("[{}]", all.join(", "))),
        ]
    })
}

fn object(values: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let fields = proptest::collection::vec((name(), values), 0..8);
    fields.prop_map(|fields| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        format!("{{{}}}", fields.join(","))
    })
}

proptest! {
    #[test]
    fn nothing_that_a_json_line_says_is_lost(line in object(any_json()), as_text in any::<bool>()) {
        let delivered = if as_text { json!(line).to_string() } else { line.clone() };
        let record = format!(r#"{{"time":"2024-05-15T23:59:20.500Z","type":"function","record":{delivered}}}"#);
        assert_nothing_lost(&line, &become_of(&record).unwrap());
    }
}
