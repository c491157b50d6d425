//! The kinds of execution: whichever way an environment comes to be and ends, each line arrives once and the ledger is balanced.
//!
//! On demand and Managed Instances on our own platform stand in `path`, an init that fails, a region with the older schema and
//! a platform without telemetry in `faults`, AWS's own emulator in `oracle`.

use crate::world::World;
use lambdaview_tests::{
    attach::{attached, attached_as, sample},
    clickhouse::Line,
    function::Sample,
    lambda::{Lambda, Mode, Settings, Status},
    ledger::Ledger,
    machine,
    stack::Stack,
    until::{GENEROUS, until},
    way::Way,
};
use serde_json::json;
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// What the function prints when it is loaded.
const LOADING: &str = "orders: loading the price list";

async fn serves(lambda: &Lambda, order: u32) -> String {
    let invocation = lambda.invoke(json!({ "order": order })).await;
    assert_eq!(invocation.status, Status::Success, "{}", lambda.transcript());
    invocation.request_id
}

/// A copy of the extension under another name.
fn copied(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(name);
    std::fs::copy(machine::extension(), &program).unwrap();
    (folder, program)
}

fn patient(sample_of: Sample) -> Settings {
    sample(sample_of).timeout(GENEROUS).init_timeout(GENEROUS)
}

#[tokio::test]
async fn with_provisioned_concurrency_no_invocation_is_a_cold_start() {
    let world = World::of("orders", sample(Sample::Orders).mode(Mode::ProvisionedConcurrency)).await;
    for order in 1..=2 {
        let invocation = world.lambda.invoke(json!({ "order": order })).await;
        let span = until("the invocation's span", GENEROUS, || async {
            let spans = world.stack.database.spans(&invocation.trace_id).await.map_err(|error| error.to_string())?;
            spans.into_iter().find(|span| span.kind == "Server").ok_or_else(|| world.lambda.transcript())
        })
        .await;
        assert_eq!(span.attributes["faas.coldstart"], "false", "{span:?}");
    }
    assert_eq!(world.stop().await.of("logs").dropped, 0);
    world.counted("faas.invocations", 2.0).await;
    world.counted("faas.coldstarts", 0.0).await;
    for line in [LOADING, "order 1 received", "order 2 received"] {
        world.row(line).await;
        assert_eq!(world.times(line).await, 1, "{line}");
    }
}

#[tokio::test]
async fn restored_from_a_snapshot_the_extension_goes_on_with_new_connections_as_another_instance() {
    let stack = Stack::start().await;
    let way = Way::to(stack.grpc).await;
    let settings = attached(patient(Sample::Orders).mode(Mode::SnapStart), way.address);
    let world = World::with(stack, "orders", settings).await;
    way.breaks();
    world.lambda.restore(Duration::from_millis(300)).await;
    for order in 1..=2 {
        let request = serves(&world.lambda, order).await;
        let row = world.row(&format!("order {order} received")).await;
        assert_eq!(row.attributes["faas.invocation_id"], request);
        let told = world.lambda.events().into_iter().rev().find(|event| event.kind == "platform.restoreStart").unwrap();
        assert_eq!(row.resource["faas.instance"], told.record["instanceId"].as_str().unwrap(), "its own log stream");
        way.breaks();
    }
    assert_eq!(world.stop().await.of("logs").dropped, 0);
    world.counted("faas.invocations", 2.0).await;
    for line in [LOADING, "order 1 received", "order 2 received"] {
        assert_eq!(world.times(line).await, 1, "{line}\n{}", world.lambda.transcript());
    }
}

#[tokio::test]
async fn a_connection_that_died_in_silence_is_replaced_whichever_protocol_it_has() {
    for (protocol, port) in [("grpc", 4317), ("http", 4318)] {
        let stack = Stack::start().await;
        let way = Way::to(SocketAddr::new(stack.grpc.ip(), port)).await;
        let settings = attached(patient(Sample::Orders).mode(Mode::SnapStart), way.address);
        let settings = settings.variable("ROTEL_OTLP_EXPORTER_PROTOCOL", protocol);
        let world = World::with(stack, "orders", settings.variable("ROTEL_OTLP_EXPORTER_REQUEST_TIMEOUT", "1s")).await;
        world.lambda.restore(Duration::ZERO).await;
        serves(&world.lambda, 1).await;
        world.row("order 1 received").await;
        way.falls_silent();
        serves(&world.lambda, 2).await;
        // A backend that seems to be gone is tried again beside later invocations only.
        until("the line of the silence", GENEROUS, || async {
            serves(&world.lambda, 3).await;
            // More than once on a machine so slow that the collector's answer is late: nobody can tell that from silence.
            if world.times("order 2 received").await > 0 { Ok(()) } else { Err(world.lambda.extension_output()) }
        })
        .await;
        assert_eq!(world.stop().await.of("logs").dropped, 0, "{protocol}");
    }
}

#[tokio::test]
async fn what_a_function_says_in_an_environment_that_is_never_invoked_arrives() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    let logs = world.stop().await.of("logs");
    assert_eq!((logs.dropped, logs.pending), (0, 0), "{logs:?}");
    world.row(LOADING).await;
    assert_eq!(world.times(LOADING).await, 1);
}

#[tokio::test]
async fn after_a_timeout_the_same_environment_starts_again_and_nothing_is_told_twice() {
    let stack = Stack::start().await;
    let settings = sample(Sample::Misbehaving).timeout(Duration::from_secs(3)).init_timeout(GENEROUS);
    let settings = attached(settings, stack.grpc);
    let world = World::with(stack, "misbehaving", settings).await;
    assert_eq!(world.lambda.invoke(json!({"do": "sleep"})).await.status, Status::Timeout);
    let again = world.lambda.invoke(json!({"do": "nothing"})).await;
    assert_eq!(again.status, Status::Success, "{}", world.lambda.transcript());
    let row = world.row("after nothing").await;
    assert_eq!(row.attributes["faas.invocation_id"], again.request_id);
    world.stop().await;
    let ledgers = Ledger::all(&world.lambda.extension_output());
    assert_eq!(ledgers.len(), 2, "{}", world.lambda.transcript());
    assert!(ledgers.iter().all(|ledger| ledger.balanced() && ledger.of("logs").dropped == 0), "{ledgers:?}");
    world.counted("faas.timeouts", 1.0).await;
    world.counted("faas.invocations", 1.0).await;
    for line in ["before sleep", "before nothing", "after nothing"] {
        assert_eq!(world.times(line).await, 1, "{line}");
    }
}

#[tokio::test]
async fn an_init_that_takes_too_long_is_done_again_by_the_first_invocation_and_nothing_is_lost() {
    let stack = Stack::start().await;
    let settings = patient(Sample::Misbehaving).init_timeout(Duration::from_secs(5));
    let settings = attached(settings.variable("MISBEHAVE_IN_INIT", "sleep once"), stack.grpc);
    let world = World::with(stack, "misbehaving", settings).await;
    let invocation = world.lambda.invoke(json!({"do": "nothing"})).await;
    assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
    let row = world.row("after nothing").await;
    assert_eq!(row.attributes["faas.invocation_id"], invocation.request_id);
    world.stop().await;
    let phases = world.lambda.events().into_iter().filter(|event| event.kind == "platform.initStart");
    assert_eq!(phases.map(|event| event.record["phase"].clone()).collect::<Vec<_>>(), ["init", "invoke"]);
    let ledgers = Ledger::all(&world.lambda.extension_output());
    assert_eq!(ledgers.len(), 2, "{}", world.lambda.transcript());
    assert!(ledgers.iter().all(|ledger| ledger.balanced() && ledger.of("logs").dropped == 0), "{ledgers:?}");
    world.counted("faas.invocations", 1.0).await;
    for line in ["loaded at last", "before nothing", "after nothing"] {
        assert_eq!(world.times(line).await, 1, "{line}");
    }
}

#[tokio::test]
async fn a_port_that_another_extension_has_is_told_once_and_the_other_one_works() {
    for (protocol, taken) in [("grpc", "ROTEL_OTLP_HTTP_ENDPOINT"), ("http/protobuf", "ROTEL_OTLP_GRPC_ENDPOINT")] {
        let stack = Stack::start().await;
        let settings = patient(Sample::Payments).variable("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        let settings = attached(settings, stack.grpc);
        let _others = TcpListener::bind(settings.value(taken).unwrap()).await.unwrap();
        let world = World::with(stack, "payments", settings).await;
        let invocation = world.lambda.invoke(json!({"order": 4, "amount": 5})).await;
        assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
        until("the SDK's spans", GENEROUS, || async {
            let spans = world.stack.database.spans(&invocation.trace_id).await.map_err(|error| error.to_string())?;
            let charged = spans.iter().any(|span| span.name == "charge card");
            charged.then_some(()).ok_or_else(|| world.lambda.transcript())
        })
        .await;
        world.stop().await;
        let said = world.lambda.extension_output();
        assert_eq!(said.matches(&format!("set {taken} to a free port")).count(), 1, "{said}");
    }
}

#[tokio::test]
async fn under_another_name_as_in_a_container_image_it_registers_and_ships() {
    let (_folder, program) = copied("00-clickstack");
    let stack = Stack::start().await;
    let settings = attached_as(patient(Sample::Orders), stack.grpc, &program);
    let world = World::with(stack, "orders", settings).await;
    serves(&world.lambda, 5).await;
    world.row("order 5 received").await;
    assert_eq!(world.stop().await.of("logs").dropped, 0);
    assert_eq!(world.times("order 5 received").await, 1);
    let registered = world.lambda.events().into_iter().filter(|event| event.kind == "platform.extension");
    let names: Vec<_> = registered.map(|event| event.record["name"].clone()).collect();
    assert_eq!(names, ["00-clickstack"]);
}

#[tokio::test]
async fn two_of_us_beside_each_other_deliver_each_their_own() {
    let (_folder, program) = copied("clickstack-too");
    let stack = Stack::start().await;
    let settings = attached(patient(Sample::Orders), stack.grpc).extension(&program);
    let world = World::with(stack, "orders", settings).await;
    serves(&world.lambda, 6).await;
    let twice = |rows: &[Line]| rows.iter().filter(|row| row.body == "order 6 received").count() == 2;
    world.rows("the line from each", twice).await;
    world.stop().await;
    let said = world.lambda.extension_output();
    let ledgers = Ledger::all(&said);
    assert_eq!(ledgers.len(), 2, "{said}");
    assert!(ledgers.iter().all(|ledger| ledger.balanced() && ledger.of("logs").dropped == 0), "{ledgers:?}");
    assert_eq!(said.matches("cannot receive OTLP on").count(), 2, "the second is told of both ports: {said}");
}
