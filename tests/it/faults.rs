//! What goes wrong around the extension: the function's own result stays what it is, nothing but the unavoidable is lost, and
//! what is lost is counted with its reason.

use crate::world::World;
use lambdaview_tests::{
    attach::{attached, sample},
    clickhouse::Line,
    function::Sample,
    lambda::{Faults, Lambda, Settings, Status},
    ledger::Ledger,
    stack::Stack,
    until::{GENEROUS, until},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::net::TcpListener;

fn misbehaving() -> Settings {
    sample(Sample::Misbehaving)
}

/// How often each numbered line is there.
fn numbered(rows: &[Line]) -> BTreeMap<u32, u32> {
    let mut times = BTreeMap::new();
    for number in rows.iter().filter_map(|row| row.body.strip_prefix("line ")?.parse().ok()) {
        *times.entry(number).or_default() += 1;
    }
    times
}

async fn succeeds(lambda: &Lambda, event: Value) {
    let invocation = lambda.invoke(event.clone()).await;
    assert_eq!(invocation.status, Status::Success, "{}", lambda.transcript());
    assert_eq!(invocation.payload["requestId"], invocation.request_id, "{event}");
}

#[tokio::test]
async fn lines_of_a_time_without_collector_are_kept_and_delivered_when_it_is_back() {
    let mut world = World::of("orders", sample(Sample::Orders)).await;
    succeeds(&world.lambda, json!({"order": 1, "from": 0, "to": 50})).await;
    world.row("line 49").await;
    world.stack.collector_goes().await;
    for away in 0..5 {
        succeeds(&world.lambda, json!({"order": 2 + away, "from": 50 + away * 10, "to": 60 + away * 10})).await;
    }
    world.stack.collector_comes().await;
    let database = &world.stack.database;
    until("the lines of the time without collector", GENEROUS, || async {
        succeeds(&world.lambda, json!({"order": 9})).await;
        let rows = database.lines("orders").await.map_err(|error| error.to_string())?;
        if numbered(&rows).len() == 100 {
            Ok(())
        } else {
            Err(format!("{} lines\n{}", numbered(&rows).len(), world.lambda.extension_output()))
        }
    })
    .await;
    let ledger = world.stop().await;
    assert_eq!(ledger.of("logs").dropped, 0, "{ledger:?}");
    let rows = database.lines("orders").await.unwrap();
    assert!(numbered(&rows).values().all(|times| *times == 1), "{:?}", numbered(&rows));
}

#[tokio::test]
async fn without_any_collector_the_function_works_and_every_lost_record_is_counted() {
    let world = World::on(Stack::without_collector().await, "orders", sample(Sample::Orders)).await;
    for order in 0..3 {
        succeeds(&world.lambda, json!({"order": order, "from": 0, "to": 10})).await;
    }
    let logs = world.stop().await.of("logs");
    assert!(logs.received >= 30, "{logs:?}");
    assert_eq!((logs.delivered, logs.dropped), (0, logs.received));
    assert_eq!(logs.reasons.get("shutdown"), Some(&logs.received));
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_no_invocation_its_timeout_and_no_extension_its_life() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = sample(Sample::Orders).timeout(Duration::from_secs(5)).init_timeout(GENEROUS);
    let lambda = Lambda::start(attached(settings, silent.local_addr().unwrap())).await.unwrap();
    for order in 0..3 {
        succeeds(&lambda, json!({"order": order, "from": 0, "to": 10})).await;
    }
    let resets = lambda.events().iter().filter(|event| event.kind == "platform.initStart").count();
    assert_eq!(resets, 1, "no invocation ran into its timeout\n{}", lambda.transcript());
    assert!(lambda.stop().await.killed.is_empty(), "{}", lambda.transcript());
    let logs = Ledger::last(&lambda.extension_output()).of("logs");
    assert!(logs.balanced() && logs.dropped == logs.received, "{logs:?}");
}

#[tokio::test]
async fn an_extension_that_is_killed_costs_its_invocation_and_comes_back_with_the_next() {
    let world = World::of("misbehaving", misbehaving()).await;
    succeeds(&world.lambda, json!({"do": "lines", "count": 10})).await;
    world.row("line 9").await;
    let kill = async {
        until("the function works", GENEROUS, || async {
            let printed = world.lambda.events().iter().any(|event| event.record == "before sleep\n");
            printed.then_some(()).ok_or("not yet")
        })
        .await;
        world.lambda.kill_extensions();
    };
    let (killed, ()) = tokio::join!(world.lambda.invoke(json!({"do": "sleep"})), kill);
    assert_eq!((killed.status, &killed.payload["errorType"]), (Status::Failure, &json!("Extension.Crash")));
    succeeds(&world.lambda, json!({"do": "nothing"})).await;
    let rows = world.rows("the line after it", |rows| rows.iter().any(|row| row.body == "after nothing")).await;
    assert!(numbered(&rows).values().all(|times| *times == 1));
    world.stop().await;
}

#[tokio::test]
async fn what_a_function_says_before_it_fails_in_init_arrives_and_every_ledger_is_balanced() {
    let world = World::of("misbehaving", misbehaving().variable("MISBEHAVE_IN_INIT", "crash")).await;
    let invocation = world.lambda.invoke(json!({})).await;
    assert_eq!(invocation.payload["errorType"], "RuntimeError");
    let said = "about to fail before the first event";
    let twice = |rows: &[Line]| rows.iter().filter(|row| row.body == said).count() == 2;
    let rows = world.rows("both inits' lines", twice).await;
    let error = rows.iter().find(|row| row.body.contains("the price list is missing")).unwrap();
    assert_eq!(error.severity_number, 17, "{error:?}");
    let ledgers = Ledger::all(&world.lambda.extension_output());
    assert_eq!(ledgers.len(), 2, "{}", world.lambda.transcript());
    assert!(ledgers.iter().all(|ledger| ledger.balanced() && ledger.of("logs").dropped == 0), "{ledgers:?}");
}

#[tokio::test]
async fn what_a_function_says_before_its_timeout_arrives_and_its_span_says_so() {
    let stack = Stack::start().await;
    let settings = attached(misbehaving().timeout(Duration::from_secs(3)).init_timeout(GENEROUS), stack.grpc);
    let lambda = Lambda::start(settings).await.unwrap();
    let invocation = lambda.invoke(json!({"do": "sleep"})).await;
    assert_eq!(invocation.status, Status::Timeout);
    until("the line before the timeout", GENEROUS, || async {
        let rows = stack.database.lines("misbehaving").await.map_err(|error| error.to_string())?;
        let there = rows
            .iter()
            .any(|row| row.body == "before sleep" && row.attributes["faas.invocation_id"] == invocation.request_id);
        there.then_some(()).ok_or_else(|| lambda.transcript())
    })
    .await;
    let span = until("the invocation's span", GENEROUS, || async {
        let spans = stack.database.spans(&invocation.trace_id).await.map_err(|error| error.to_string())?;
        spans.into_iter().find(|span| span.kind == "Server").ok_or_else(|| lambda.transcript())
    })
    .await;
    assert_eq!(
        (span.status.as_str(), span.attributes["error.type"].as_str()),
        ("Error", "Sandbox.Timedout"),
        "{span:?}"
    );
    assert!(Ledger::last(&lambda.extension_output()).balanced());
}

#[tokio::test]
async fn rubbish_long_lines_and_odd_records_cost_nothing_around_them() {
    let world = World::of("misbehaving", misbehaving()).await;
    succeeds(&world.lambda, json!({"do": "rubbish"})).await;
    succeeds(&world.lambda, json!({"do": "long line"})).await;
    world.lambda.inject("platform.somethingNew", json!({"requestId": 17, "shape": ["unknown"]}));
    world.lambda.inject("weather", json!(null));
    world.lambda.inject("function", json!(["no", {"line": true}]));
    world.lambda.inject("platform.start", json!("a string where an object belongs"));
    succeeds(&world.lambda, json!({"do": "nothing"})).await;
    let rows = world.rows("the last line", |rows| rows.iter().any(|row| row.body == "after nothing")).await;
    let bodies: Vec<&str> = rows.iter().map(|row| row.body.as_str()).collect();
    for line in ["before rubbish", "after rubbish", "before long line", "after long line", "before nothing"] {
        assert_eq!(bodies.iter().filter(|body| **body == line).count(), 1, "{line}");
    }
    assert!(bodies.iter().any(|body| body.contains("binary") && body.contains('\u{fffd}')));
    assert!(bodies.iter().any(|body| body.len() == 300_000));
    assert!(
        bodies.iter().any(|body| body.contains("no") && body.contains("line")),
        "an odd record is shipped as its text: {bodies:?}"
    );
    assert_eq!(world.stop().await.of("logs").dropped, 0);
}

#[tokio::test]
async fn a_json_log_without_message_is_its_own_body() {
    let world = World::of("misbehaving", misbehaving().json_logs()).await;
    succeeds(&world.lambda, json!({"do": "json without message", "order": 42})).await;
    let rows = world.rows("the record", |rows| rows.iter().any(|row| row.body.contains("\"order\":42"))).await;
    let record = rows.iter().find(|row| row.body.contains("\"order\":42")).unwrap();
    assert_eq!(record.severity_number, 9);
    assert_eq!(record.attributes["order"], "42", "{record:?}");
    assert!(record.attributes["nested.a"].contains('2'), "{record:?}");
    world.stop().await;
}

#[tokio::test]
async fn what_the_platform_dropped_is_in_the_ledger_with_its_reason() {
    let world = World::of("misbehaving", misbehaving().telemetry_queue(20_000)).await;
    succeeds(&world.lambda, json!({"do": "lines", "count": 5000})).await;
    succeeds(&world.lambda, json!({"do": "nothing"})).await;
    let logs = world.stop().await.of("logs");
    let told = world.lambda.events().into_iter().filter(|event| event.kind == "platform.logsDropped");
    let dropped: u64 = told.filter_map(|event| event.record["droppedRecords"].as_u64()).sum();
    assert!(dropped > 0);
    assert_eq!(logs.reasons.get("platform"), Some(&dropped), "{logs:?}");
}

#[tokio::test]
async fn a_batch_sent_again_doubles_its_own_records_at_most() {
    let faults = Faults { lose_every_nth_answer: Some(3), ..Faults::default() };
    let world = World::of("misbehaving", misbehaving().faults(faults)).await;
    for _ in 0..3 {
        succeeds(&world.lambda, json!({"do": "nothing"})).await;
    }
    succeeds(&world.lambda, json!({"do": "lines", "count": 4000})).await;
    let ledger = world.stop().await;
    let rows = world.rows("every line", |rows| numbered(rows).len() == 4000).await;
    assert!(numbered(&rows).values().all(|times| *times <= 2));
    assert_eq!(ledger.of("logs").dropped, 0, "{ledger:?}");
}

#[tokio::test]
async fn a_platform_without_telemetry_is_said_once_and_spans_go_on() {
    let faults = Faults { telemetry_unsupported: true, ..Faults::default() };
    let world = World::of("payments", sample(Sample::Payments).faults(faults)).await;
    let invocation = world.lambda.invoke(json!({"order": 1, "amount": 5})).await;
    assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
    // Nobody tells the extension when an invocation ends, so what is not sent by then goes with the next one.
    until("the SDK's spans", GENEROUS, || async {
        let next = world.lambda.invoke(json!({"order": 2, "amount": 5})).await;
        assert_eq!(next.status, Status::Success, "{}", world.lambda.transcript());
        let spans = world.stack.database.spans(&invocation.trace_id).await.map_err(|error| error.to_string())?;
        spans.iter().any(|span| span.name == "charge card").then_some(()).ok_or_else(|| world.lambda.transcript())
    })
    .await;
    let said = world.lambda.extension_output();
    assert_eq!(said.lines().filter(|line| line.to_lowercase().contains("telemetry")).count(), 1, "{said}");
}

#[tokio::test]
async fn a_region_with_the_older_schema_only_is_served_with_it() {
    let faults = Faults { refused_schemas: vec!["2025-01-29".to_owned()], ..Faults::default() };
    let world = World::of("orders", sample(Sample::Orders).faults(faults)).await;
    succeeds(&world.lambda, json!({"order": 6})).await;
    world.row("order 6 received").await;
}

#[tokio::test]
async fn without_an_endpoint_one_line_says_so_and_the_function_never_notices() {
    let own = lambdaview_tests::machine::loopback();
    let settings = sample(Sample::Orders)
        .extension(lambdaview_tests::machine::extension())
        .timeout(GENEROUS)
        .init_timeout(GENEROUS)
        .variable("ROTEL_OTLP_GRPC_ENDPOINT", format!("{own}:4317"))
        .variable("ROTEL_OTLP_HTTP_ENDPOINT", format!("{own}:4318"));
    let lambda = Lambda::start(settings).await.unwrap();
    for order in 0..3 {
        succeeds(&lambda, json!({"order": order})).await;
    }
    assert!(lambda.stop().await.killed.is_empty());
    let said = lambda.extension_output();
    assert_eq!(said.lines().filter(|line| line.contains("ROTEL_OTLP_EXPORTER_ENDPOINT")).count(), 1, "{said}");
    let logs = Ledger::last(&said).of("logs");
    assert!(logs.balanced() && logs.received > 0, "{said}");
    assert_eq!(logs.reasons.get("no_endpoint"), Some(&logs.received), "{said}");
}
