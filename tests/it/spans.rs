//! What the platform says of invocations, as spans, metrics and lines in ClickStack's tables: each once, in its place.

use crate::world::World;
use lambdaview_tests::{
    attach::sample,
    clickhouse::{Line, Span},
    function::Sample,
    lambda::{Invocation, Mode, Settings, Status},
    ledger::Ledger,
    machine,
    rie::{Rie, Rig},
    stack::Stack,
    until::{GENEROUS, until},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Waits until the spans of a trace are as many as `count`, and gives them.
async fn spans(world: &World, trace_id: &str, count: usize) -> Vec<Span> {
    until("the spans of a trace", GENEROUS, || async {
        let spans = world.stack.database.spans(trace_id).await.map_err(|error| error.to_string())?;
        if spans.len() == count { Ok(spans) } else { Err(format!("{spans:#?}\n{}", world.lambda.transcript())) }
    })
    .await
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let [span] = named(spans, name)[..] else { panic!("not one {name}: {spans:#?}") };
    span
}

/// Each of `parts` is there once, directly below `parent`.
fn assert_parts(spans: &[Span], parent: &Span, parts: &[&str]) {
    for part in parts {
        let span = only(spans, part);
        assert_eq!((&span.parent_span_id, span.kind.as_str()), (&parent.span_id, "Internal"), "{spans:#?}");
        assert_eq!(span.attributes["faas.invocation_id"], parent.attributes["faas.invocation_id"]);
    }
}

/// Waits until a counter of the function's has added up to this.
async fn counted(world: &World, function: &str, metric: &str, expected: f64) {
    until(metric, GENEROUS, || async {
        let sum = world.stack.database.sum(metric, function).await.map_err(|error| error.to_string())?;
        let right = (sum - expected).abs() < 1e-9;
        if right { Ok(()) } else { Err(format!("{sum}, not {expected}\n{}", world.lambda.transcript())) }
    })
    .await;
}

const OF_RUNTIME: [&str; 3] = ["responseLatency", "responseDuration", "runtimeOverhead"];

#[tokio::test]
async fn an_invocation_is_a_server_span_with_its_start_and_its_parts_below_it() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    let first = world.lambda.invoke(json!({"order": 1})).await;
    let second = world.lambda.invoke(json!({"order": 2})).await;
    world.stop().await;
    let cold = spans(&world, &first.trace_id, 6).await;
    let server = only(&cold, "orders");
    assert_eq!((server.kind.as_str(), server.attributes["faas.coldstart"].as_str()), ("Server", "true"));
    assert_eq!(server.attributes["faas.invocation_id"], first.request_id);
    assert_parts(&cold, server, &OF_RUNTIME);
    assert_parts(&cold, server, &["init", "extensionOverhead"]);
    assert_eq!(only(&cold, "init").attributes["aws.lambda.init.phase"], "init");
    // The last report comes at the shutdown only.
    let warm = spans(&world, &second.trace_id, 5).await;
    let server = only(&warm, "orders");
    assert_eq!(server.attributes["faas.coldstart"], "false");
    assert_parts(&warm, server, &OF_RUNTIME);
    assert_parts(&warm, server, &["extensionOverhead"]);
    counted(&world, "orders", "faas.coldstarts", 1.0).await;
    counted(&world, "orders", "faas.invocations", 2.0).await;
}

#[tokio::test]
async fn the_parts_of_an_invocation_that_the_sdk_spans_hang_below_the_sdks_span() {
    let world = World::of("payments", sample(Sample::Payments)).await;
    let invocation = world.lambda.invoke(json!({"order": 9, "items": [{"sku": "filter"}]})).await;
    assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
    world.stop().await;
    let all = spans(&world, &invocation.trace_id, 8).await;
    let servers: Vec<_> = all.iter().filter(|span| span.kind == "Server").collect();
    assert_eq!(servers.len(), 1, "{all:#?}");
    assert!(!servers[0].attributes.contains_key("faas.coldstart"), "the SDK's, not ours: {all:#?}");
    assert_parts(&all, servers[0], &OF_RUNTIME);
    assert_parts(&all, servers[0], &["init", "extensionOverhead"]);
}

#[tokio::test]
async fn an_invocation_that_ran_into_its_timeout_is_counted_and_spanned_once_over_both_processes() {
    let settings = sample(Sample::Misbehaving);
    let world = World::timing_out(Stack::start().await, "misbehaving", settings, Duration::from_secs(2)).await;
    let timeout = world.lambda.invoke(json!({"do": "sleep"})).await;
    assert_eq!(timeout.status, Status::Timeout, "{}", world.lambda.transcript());
    let after = world.lambda.invoke(json!({"do": "nothing"})).await;
    assert_eq!(after.status, Status::Success, "{}", world.lambda.transcript());
    world.stop().await;
    for (metric, expected) in
        [("faas.timeouts", 1.0), ("faas.invocations", 1.0), ("faas.errors", 0.0), ("faas.coldstarts", 2.0)]
    {
        counted(&world, "misbehaving", metric, expected).await;
    }
    let spans = until("the span of the timeout", GENEROUS, || async {
        let spans = world.stack.database.spans(&timeout.trace_id).await.map_err(|error| error.to_string())?;
        if named(&spans, "misbehaving").is_empty() { Err(world.lambda.transcript()) } else { Ok(spans) }
    })
    .await;
    let server = only(&spans, "misbehaving");
    assert_eq!((server.status.as_str(), server.attributes["error.type"].as_str()), ("Error", "Sandbox.Timedout"));
    let again = until("the init that the second invocation waited for", GENEROUS, || async {
        let spans = world.stack.database.spans(&after.trace_id).await.map_err(|error| error.to_string())?;
        if named(&spans, "init").is_empty() { Err(format!("{spans:#?}")) } else { Ok(spans) }
    })
    .await;
    assert_parts(&again, only(&again, "misbehaving"), &["init"]);
    assert_eq!(only(&again, "init").attributes["aws.lambda.init.phase"], "invoke");
}

#[tokio::test]
async fn a_runtime_that_died_with_all_of_its_memory_in_use_ran_out_of_it() {
    // No process fits into this: what the platform reports as used is more.
    let world = World::of("misbehaving", sample(Sample::Misbehaving).memory_mb(1)).await;
    let invocation = world.lambda.invoke(json!({"do": "exit", "code": 137})).await;
    assert_eq!(invocation.payload["errorType"], "Runtime.ExitError", "{}", world.lambda.transcript());
    let spans = until("the span of what failed", GENEROUS, || async {
        let spans = world.stack.database.spans(&invocation.trace_id).await.map_err(|error| error.to_string())?;
        if named(&spans, "misbehaving").is_empty() { Err(world.lambda.transcript()) } else { Ok(spans) }
    })
    .await;
    let server = only(&spans, "misbehaving");
    assert_eq!((server.status.as_str(), server.attributes["error.type"].as_str()), ("Error", "Runtime.OutOfMemory"));
    counted(&world, "misbehaving", "faas.errors", 1.0).await;
}

#[tokio::test]
async fn a_restore_is_part_of_its_invocation_and_brings_another_log_stream() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    let stream = "2026/11/24/[$LATEST]restored";
    world.lambda.inject("platform.restoreStart", json!({"functionName": "orders", "instanceId": stream}));
    let restored = json!({"status": "success", "metrics": {"durationMs": 4.25}});
    world.lambda.inject("platform.restoreReport", restored);
    let invocation = world.lambda.invoke(json!({"order": 5})).await;
    let line = world.row("order 5 received").await;
    assert_eq!(line.resource["faas.instance"], stream);
    assert!(line.resource["aws.log.stream.names"].contains(stream), "{line:?}");
    world.stop().await;
    let spans = spans(&world, &invocation.trace_id, 7).await;
    let server = only(&spans, "orders");
    assert_parts(&spans, server, &["restore"]);
    assert_eq!(only(&spans, "restore").duration, 4_250_000);
    assert_eq!(server.attributes["aws.lambda.initialization_type"], "snap-start");
}

/// What the platform would have written of an invocation, made from its own events.
fn worded(world: &World, invocation: &Invocation) -> Vec<String> {
    let id = &invocation.request_id;
    let events = world.lambda.events();
    let report = events.iter().find(|event| event.kind == "platform.report" && event.record["requestId"] == **id);
    let numbers = &report.expect("the report has been sent").record["metrics"];
    let float = |name: &str| numbers[name].as_f64().unwrap();
    let init = numbers["initDurationMs"].as_f64().map(|ms| format!("Init Duration: {ms:.2} ms\t")).unwrap_or_default();
    let tracing = &report.unwrap().record["tracing"];
    let root = tracing["value"].as_str().unwrap().split(';').find_map(|part| part.strip_prefix("Root=")).unwrap();
    vec![
        format!("START RequestId: {id} Version: $LATEST"),
        format!("END RequestId: {id}"),
        format!(
            "REPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: 128 MB\t\
             Max Memory Used: {} MB\t{init}\nXRAY TraceId: {root}\tSegmentId: {}\tSampled: true\t",
            float("durationMs"),
            numbers["billedDurationMs"],
            numbers["maxMemoryUsedMB"],
            tracing["spanId"].as_str().unwrap(),
        ),
    ]
}

#[tokio::test]
async fn with_platform_lines_the_tables_hold_what_cloudwatch_would() {
    let settings = sample(Sample::Orders).variable("LAMBDAVIEW_LOGS", "function,platform");
    let world = World::of("orders", settings).await;
    let invocation = world.lambda.invoke(json!({"order": 5})).await;
    world.stop().await;
    let expected = worded(&world, &invocation);
    let there = |rows: &[Line]| expected.iter().all(|line| rows.iter().any(|row| row.body == *line));
    let rows = world.rows(&format!("{expected:#?}"), there).await;
    for line in &expected {
        let row = rows.iter().find(|row| row.body == *line).unwrap();
        assert_eq!(
            (&row.attributes["faas.invocation_id"], &row.trace_id),
            (&invocation.request_id, &invocation.trace_id)
        );
    }
    let arn = "arn:aws:lambda:eu-central-1::runtime:0000";
    let init = format!("INIT_START Runtime Version: python:3.11.v30\tRuntime Version ARN: {arn}");
    assert!(rows.iter().any(|row| row.body == init), "{rows:#?}");
    assert!(rows.iter().any(|row| row.body.starts_with("EXTENSION\tName: lambdaview-extension\tState: ")), "{rows:#?}");
}

#[tokio::test]
async fn the_ledger_is_exported_as_metrics_that_agree_with_the_line_that_it_prints() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    for order in 0..3 {
        world.lambda.invoke(json!({"order": order})).await;
    }
    let ledger = world.stop().await;
    let by_signal = |metric: &'static str| {
        let database = world.stack.database.clone();
        async move { database.sums_by(metric, "orders", "signal").await.map_err(|error| error.to_string()) }
    };
    let expected = |kind: &str| ledger.of(kind).received as f64;
    let received = until("what was received, but for the last points themselves", GENEROUS, || async {
        let received = by_signal("lambdaview.records.received").await?;
        let agrees =
            received.get("logs") == Some(&expected("logs")) && received.get("traces") == Some(&expected("traces"));
        if agrees { Ok(received) } else { Err(format!("{received:?}, not {ledger:?}")) }
    })
    .await;
    let own = expected("metrics") - received["metrics"];
    assert!((3.0..=9.0).contains(&own), "the points of one telling: {own} of {ledger:?}");
    let delivered: BTreeMap<_, _> = by_signal("lambdaview.records.delivered").await.unwrap();
    assert!(delivered["logs"] <= expected("logs"), "{delivered:?}");
}

fn servers(spans: &[Span]) -> Vec<&Span> {
    spans.iter().filter(|span| span.kind == "Server").collect()
}

#[tokio::test]
async fn on_managed_instances_each_of_several_invocations_has_its_span_and_its_parts() {
    let settings: Settings = sample(Sample::Stock).json_logs().mode(Mode::ManagedInstances { concurrency: 2 });
    let world = World::of("stock", settings).await;
    let event = |order: u32| json!({"order": order, "items": [{"sku": "filter"}], "milliseconds": 300});
    let (one, other) = tokio::join!(world.lambda.invoke(event(1)), world.lambda.invoke(event(2)));
    for invocation in [&one, &other] {
        let spans = spans(&world, &invocation.trace_id, 4).await;
        let server = only(&spans, "stock");
        assert_eq!(server.attributes["faas.invocation_id"], invocation.request_id);
        assert_eq!(server.attributes["aws.lambda.initialization_type"], "lambda-managed-instances");
        assert_eq!(server.attributes["faas.coldstart"], "false");
        assert_parts(&spans, server, &OF_RUNTIME);
    }
    counted(&world, "stock", "faas.invocations", 2.0).await;
    world.stop().await;
    let plain = world.row("plain words about order 1").await;
    assert!(!plain.attributes.contains_key("faas.invocation_id"), "whose it is cannot be known: {plain:?}");
}

#[tokio::test]
async fn of_awss_own_telemetry_on_managed_instances_each_invocation_is_spanned_once_with_its_parts() {
    const NAME: &str = "of_awss_own_telemetry_on_managed_instances_each_invocation_is_spanned_once_with_its_parts";
    let stack = Stack::start().await;
    let own = machine::loopback();
    let variable = |name: &str, value: String| (name.to_owned(), value);
    let rig = Rig {
        managed: Some(2),
        extensions: vec![("lambdaview-extension".to_owned(), machine::extension())],
        task: machine::functions(),
        handler: "stock.handler".to_owned(),
        variables: vec![
            variable("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
            variable("ROTEL_OTLP_EXPORTER_ENDPOINT", format!("http://{}", stack.grpc)),
            variable("ROTEL_OTLP_GRPC_ENDPOINT", format!("{own}:4317")),
            variable("ROTEL_OTLP_HTTP_ENDPOINT", format!("{own}:4318")),
        ],
    };
    let mut rie = match Rie::start(&rig).await {
        Ok(rie) => rie,
        Err(why) => return machine::skipped(NAME, &why),
    };
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
    for order in 1..=2 {
        let payload: Value = json!({"order": order, "items": [{"sku": "filter"}]});
        let reply = rie.invoke(&[("x-amzn-trace-id", trace)], &payload.to_string()).await.unwrap();
        assert_eq!(reply.status, 200, "{}\n{}", reply.text(), rie.output());
    }
    let spans = until("both invocations", GENEROUS, || async {
        let spans =
            stack.database.spans("5bef4de7ad49b0e87f6ef6c87fc2e700").await.map_err(|error| error.to_string())?;
        if servers(&spans).len() == 2 { Ok(spans) } else { Err(format!("{spans:#?}\n{}", rie.output())) }
    })
    .await;
    for server in servers(&spans) {
        assert_eq!((server.name.as_str(), server.parent_span_id.as_str()), ("myfn", "9a9197af755a6419"));
        let parts: Vec<_> = spans.iter().filter(|span| span.parent_span_id == server.span_id).collect();
        assert!(parts.iter().any(|part| part.name == "responseLatency"), "{spans:#?}\n{}", rie.output());
    }
    rie.stop().await;
    let ledger = Ledger::last(&rie.output());
    assert!(ledger.balanced(), "{ledger:?}\n{}", rie.output());
}
