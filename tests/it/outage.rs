//! A backend that is away, silent or broken: no invocation waits for it once that is known, nothing is lost that had room, and
//! it is found again at once. Every ledger balances.

use crate::{
    gate::{Forgotten, Gate, Way},
    world::World,
};
use lambdaview_extension::export::retry::LONGEST_UNANSWERED;
use lambdaview_tests::{
    attach::sample,
    clickhouse::{Database, Line},
    function::Sample,
    lambda::{Invocation, Lambda, Settings, Status},
    ledger::Ledger,
    stack::Stack,
    until::{GENEROUS, until},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const OPEN: Way = Way::Open(Duration::ZERO);

/// Well below the two seconds for which an invocation is held at most, and far above what a busy machine adds to nothing.
const NOT_WAITED: Duration = Duration::from_millis(1200);

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n";

async fn succeeds(lambda: &Lambda, event: Value) -> Invocation {
    let invocation = lambda.invoke(event).await;
    assert_eq!(invocation.status, Status::Success, "{}", lambda.transcript());
    invocation
}

/// Function, gate and collector.
async fn gated(settings: Settings, protocol: &str, way: Way) -> (World, Gate) {
    let stack = Stack::start().await;
    let gate = Gate::before(if protocol == "grpc" { stack.grpc } else { stack.http }, way).await;
    let endpoint = format!("http://{}", gate.address);
    let settings = settings.variable("ROTEL_OTLP_EXPORTER_PROTOCOL", protocol);
    (World::behind(stack, "orders", settings, &endpoint).await, gate)
}

fn orders(flush: &str) -> Settings {
    sample(Sample::Orders).variable("LAMBDAVIEW_FLUSH", flush)
}

fn numbered(rows: &[Line]) -> BTreeMap<u32, u32> {
    let mut times = BTreeMap::new();
    for number in rows.iter().filter_map(|row| row.body.strip_prefix("line ")?.parse().ok()) {
        *times.entry(number).or_default() += 1;
    }
    times
}

/// Invokes until the breaker has opened, then a few times more: these wait for nothing.
async fn nobody_waits(world: &World) {
    until("the breaker opens", GENEROUS, || async {
        let held = succeeds(&world.lambda, json!({"order": 1, "from": 0, "to": 5})).await.held;
        let said = world.lambda.extension_output();
        if said.contains("does not answer") { Ok(()) } else { Err(format!("held {held:?}\n{said}")) }
    })
    .await;
    for order in 0..8 {
        let held = succeeds(&world.lambda, json!({"order": order, "from": 5, "to": 10})).await.held;
        assert!(held < NOT_WAITED, "held {held:?}\n{}", world.lambda.transcript());
    }
}

/// Once the last backoff is over, one invocation delivers everything.
async fn found_again_within_one_invocation(world: &World) {
    tokio::time::sleep(2 * LONGEST_UNANSWERED).await;
    succeeds(&world.lambda, json!({"order": 99, "milliseconds": 300})).await;
    world.row("order 99 received").await;
    let ledger = world.stop().await;
    assert_eq!(ledger.of("logs").dropped, 0, "{ledger:?}");
    let rows = world.stack.database.lines("orders").await.unwrap();
    assert_eq!(numbered(&rows).len(), 10);
}

#[tokio::test]
async fn a_silent_backend_holds_one_invocation_and_no_other_and_is_found_again() {
    let (world, gate) = gated(orders("end"), "grpc", Way::Silent).await;
    nobody_waits(&world).await;
    gate.becomes(OPEN);
    gate.forgets(Forgotten::Reset);
    found_again_within_one_invocation(&world).await;
}

#[tokio::test]
async fn a_backend_that_falls_silent_holds_one_invocation_and_no_other() {
    for flush in ["end", "auto", "periodic,1s", "background,1s"] {
        let (world, gate) = gated(orders(flush), "http", OPEN).await;
        succeeds(&world.lambda, json!({"order": 1})).await;
        gate.becomes(Way::Silent);
        let mut waited = 0;
        for order in 0..6 {
            let held = succeeds(&world.lambda, json!({"order": order})).await.held;
            waited += u32::from(held >= NOT_WAITED);
        }
        assert!(waited <= 1, "{flush}: {waited} invocations waited\n{}", world.lambda.transcript());
        gate.becomes(OPEN);
        gate.forgets(Forgotten::Reset);
        let logs = world.stop().await.of("logs");
        assert_eq!(logs.dropped, 0, "{flush}: {}", world.lambda.transcript());
    }
}

#[tokio::test]
async fn a_backend_that_refuses_holds_nobody_and_is_found_again() {
    let (world, gate) = gated(orders("end"), "http", Way::Cut).await;
    nobody_waits(&world).await;
    gate.becomes(OPEN);
    found_again_within_one_invocation(&world).await;
}

#[tokio::test]
async fn a_backend_that_asks_for_time_gets_it_and_holds_nobody() {
    let (world, gate) = gated(orders("end"), "http", Way::Answered(BUSY)).await;
    for order in 0..6 {
        let held = succeeds(&world.lambda, json!({"order": order, "from": 0, "to": 10})).await.held;
        assert!(held < NOT_WAITED, "held {held:?}");
    }
    // One request of each kind, and none before the hour is over; only the end of the environment cannot wait for it.
    assert!((1..=3).contains(&gate.answered()), "{} requests", gate.answered());
    gate.becomes(OPEN);
    assert_eq!(world.stop().await.of("logs").dropped, 0);
}

#[tokio::test]
async fn no_invocation_waits_until_a_backend_wants_to_be_asked_again() {
    const SOON: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let (world, gate) = gated(orders("end"), "http", Way::Answered(SOON)).await;
    succeeds(&world.lambda, json!({"order": 1, "from": 0, "to": 10})).await;
    // Who had waited for that second would have seen each kind asked once more.
    assert!((1..=3).contains(&gate.answered()), "{} requests\n{}", gate.answered(), world.lambda.transcript());
    gate.becomes(OPEN);
    until("the lines of the first invocation", GENEROUS, || async {
        succeeds(&world.lambda, json!({"order": 2})).await;
        let there = numbered(&world.stack.database.lines("orders").await.map_err(|error| error.to_string())?).len();
        if there == 10 { Ok(()) } else { Err(format!("{there} lines\n{}", world.lambda.transcript())) }
    })
    .await;
    assert_eq!(world.stop().await.of("logs").dropped, 0);
}

#[tokio::test]
async fn a_request_that_is_cut_off_is_sent_again_and_arrives_once() {
    let (world, gate) = gated(orders("end"), "http", Way::Cut).await;
    let invocation = world.lambda.invoke(json!({"order": 1, "from": 0, "to": 100}));
    let mend = async {
        until("a request was cut", GENEROUS, || async { (gate.answered() > 0).then_some(()).ok_or("none") }).await;
        gate.becomes(OPEN);
    };
    let (invocation, ()) = tokio::join!(invocation, mend);
    assert_eq!(invocation.status, Status::Success);
    world.rows("every line once", |rows| numbered(rows).len() == 100).await;
    assert_eq!(world.stop().await.of("logs").dropped, 0);
    let rows = world.stack.database.lines("orders").await.unwrap();
    assert!(numbered(&rows).values().all(|times| *times == 1), "nothing of the cut ones had arrived");
}

#[tokio::test]
async fn records_that_came_twice_because_an_answer_was_lost_have_one_id_where_ids_are_wanted() {
    let settings = orders("end").variable("LAMBDAVIEW_RECORD_IDS", "true");
    let (world, gate) = gated(settings, "http", Way::Lost).await;
    succeeds(&world.lambda, json!({"order": 1, "from": 0, "to": 20})).await;
    until("every line twice", GENEROUS, || async {
        succeeds(&world.lambda, json!({"order": 2})).await;
        let rows = world.stack.database.lines("orders").await.map_err(|error| error.to_string())?;
        let numbers = numbered(&rows);
        let twice = numbers.len() == 20 && numbers.values().all(|times| *times > 1);
        if twice { Ok(()) } else { Err(format!("{numbers:?}\n{}", world.lambda.transcript())) }
    })
    .await;
    gate.becomes(OPEN);
    assert_eq!(world.stop().await.of("logs").dropped, 0);
    let rows = world.stack.database.lines("orders").await.unwrap();
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.body.starts_with("line ")) {
        ids.entry(&row.body).or_default().insert(&row.attributes["log.record.uid"]);
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    assert_eq!(ids.values().flatten().collect::<BTreeSet<_>>().len(), 20, "no two lines have one: {ids:?}");
}

#[tokio::test]
async fn a_connection_that_died_while_the_environment_was_frozen_is_replaced_and_no_failure() {
    for protocol in ["grpc", "http"] {
        let (world, gate) = gated(orders("end"), protocol, OPEN).await;
        succeeds(&world.lambda, json!({"order": 1})).await;
        world.row("order 1 received").await;
        for order in 2..5 {
            gate.forgets(Forgotten::Reset);
            succeeds(&world.lambda, json!({"order": order})).await;
        }
        let said = world.lambda.extension_output();
        assert!(!said.contains("does not answer"), "{protocol}: {said}");
        assert_eq!(world.stop().await.of("logs").dropped, 0, "{protocol}");
        world.row("order 4 received").await;
    }
}

#[tokio::test]
async fn a_connection_that_fell_silent_while_the_environment_was_frozen_costs_one_wait() {
    let (world, gate) = gated(orders("end"), "http", OPEN).await;
    succeeds(&world.lambda, json!({"order": 1})).await;
    world.row("order 1 received").await;
    gate.forgets(Forgotten::Silent);
    let mut waited = 0;
    for order in 2..6 {
        waited += u32::from(succeeds(&world.lambda, json!({"order": order})).await.held >= NOT_WAITED);
    }
    assert!(waited <= 1, "{waited} waited\n{}", world.lambda.transcript());
    assert_eq!(world.stop().await.of("logs").dropped, 0);
    world.row("order 5 received").await;
}

#[tokio::test]
async fn a_function_invoked_often_is_flushed_beside_the_next_invocation() {
    let (world, _gate) = gated(orders("auto"), "http", Way::Open(Duration::from_millis(600))).await;
    let mut held = Vec::new();
    for order in 0..12 {
        held.push(succeeds(&world.lambda, json!({"order": order})).await.held);
    }
    let beside = held.iter().filter(|held| **held < Duration::from_millis(500)).count();
    assert!(held[0] >= Duration::from_millis(500), "the first is flushed at its end: {held:?}");
    assert!(beside >= 3, "after eight the flush is beside the next: {held:?}");
    assert_eq!(world.stop().await.of("logs").dropped, 0);
    world.row("order 11 received").await;
}

/// Every ledger that the extension printed, each balanced.
fn ledgers(lambda: &Lambda) -> Vec<Ledger> {
    let ledgers = Ledger::all(&lambda.extension_output());
    assert!(ledgers.iter().all(Ledger::balanced), "{ledgers:?}");
    ledgers
}

async fn lines(database: &Database, function: &str, count: usize, lambda: &Lambda) -> BTreeMap<u32, u32> {
    until("the lines", GENEROUS, || async {
        let rows = database.lines(function).await.map_err(|error| error.to_string())?;
        let numbers = numbered(&rows);
        if numbers.len() >= count {
            Ok(numbers)
        } else {
            Err(format!("{} of {count} lines\n{}", numbers.len(), lambda.transcript()))
        }
    })
    .await
}

#[tokio::test]
async fn what_a_timeout_leaves_behind_is_delivered_by_the_next_process() {
    let stack = Stack::without_collector().await;
    let settings = sample(Sample::Misbehaving);
    let mut world = World::timing_out(stack, "misbehaving", settings, Duration::from_secs(4)).await;
    succeeds(&world.lambda, json!({"do": "lines", "count": 500})).await;
    assert_eq!(world.lambda.invoke(json!({"do": "sleep"})).await.status, Status::Timeout);
    let first = ledgers(&world.lambda).remove(0);
    assert!(first.of("logs").spooled >= 500, "{first:?}");
    for kind in ["logs", "traces", "metrics"] {
        assert_eq!((first.of(kind).dropped, first.of(kind).spooled), (0, first.of(kind).received), "{kind}");
    }
    world.stack.collector_comes().await;
    succeeds(&world.lambda, json!({"do": "nothing"})).await;
    let numbers = lines(&world.stack.database, "misbehaving", 500, &world.lambda).await;
    assert!(numbers.values().all(|times| *times == 1));
    let next = world.stop().await;
    for kind in ["logs", "traces", "metrics"] {
        assert_eq!(next.of(kind).adopted, first.of(kind).spooled, "{kind}");
        assert_eq!(next.of(kind).dropped, 0, "{kind}: {next:?}");
    }
}

#[tokio::test]
async fn what_overflowed_into_the_spool_survives_the_death_of_the_process() {
    let settings = sample(Sample::Misbehaving).variable("LAMBDAVIEW_MEMORY_LIMIT", "128KiB");
    let mut world = World::on(Stack::without_collector().await, "misbehaving", settings).await;
    succeeds(&world.lambda, json!({"do": "lines", "count": 4000})).await;
    let kill = async {
        until("the function works", GENEROUS, || async {
            let printed = world.lambda.events().iter().any(|event| event.record == "before sleep\n");
            printed.then_some(()).ok_or("not yet")
        })
        .await;
        world.lambda.kill_extensions();
    };
    let (killed, ()) = tokio::join!(world.lambda.invoke(json!({"do": "sleep"})), kill);
    assert_eq!(killed.status, Status::Failure);
    world.stack.collector_comes().await;
    // The newest lines were in memory, which died; what had been spooled before them is there, whole and once.
    let rows = until("no more lines come", GENEROUS, || async {
        let count =
            || async { Ok::<_, String>(numbered(&world.stack.database.lines("misbehaving").await.unwrap()).len()) };
        let before = count().await?;
        succeeds(&world.lambda, json!({"do": "nothing"})).await;
        let after = count().await?;
        if after > 1000 && after == before { Ok(after) } else { Err(format!("{before}, then {after}")) }
    })
    .await;
    let next = world.stop().await;
    let logs = next.of("logs");
    assert!(logs.adopted >= u64::try_from(rows).unwrap(), "{rows} of {next:?}");
    assert_eq!((logs.delivered, logs.dropped), (logs.received, 0), "{next:?}");
    let numbers = numbered(&world.stack.database.lines("misbehaving").await.unwrap());
    assert!(numbers.values().all(|times| *times == 1) && numbers.keys().copied().eq(0..u32::try_from(rows).unwrap()));
}

#[tokio::test]
async fn without_a_spool_what_overflows_is_dropped_and_counted() {
    let settings = sample(Sample::Misbehaving)
        .variable("LAMBDAVIEW_MEMORY_LIMIT", "128KiB")
        .variable("LAMBDAVIEW_SPOOL_LIMIT", "0");
    let world = World::on(Stack::without_collector().await, "misbehaving", settings).await;
    succeeds(&world.lambda, json!({"do": "lines", "count": 4000})).await;
    let logs = world.stop().await.of("logs");
    assert!(logs.reasons["buffer_full"] > 1000 && logs.spooled == 0, "{logs:?}");
    assert_eq!(logs.dropped, logs.received);
}

#[tokio::test]
async fn of_two_backends_a_dead_one_does_not_hold_back_the_other() {
    let stack = Stack::without_collector().await;
    let settings = sample(Sample::Orders)
        .variable("ROTEL_EXPORTER", "otlp,clickhouse")
        .variable("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", &stack.database.url)
        .variable("ROTEL_CLICKHOUSE_EXPORTER_DATABASE", &stack.database.name);
    let world = World::on(stack, "orders", settings).await;
    for order in 0..4 {
        succeeds(&world.lambda, json!({"order": order, "from": order * 10, "to": order * 10 + 10})).await;
    }
    world.row("line 39").await;
    assert!(world.lambda.stop().await.killed.is_empty());
    let said = world.lambda.extension_output();
    let of = |backend| Ledger::to(backend, &said).pop().unwrap_or_else(|| panic!("no ledger to {backend}: {said}"));
    let (otlp, clickhouse) = (of("otlp"), of("clickhouse"));
    assert!(otlp.balanced() && clickhouse.balanced(), "{said}");
    for kind in ["logs", "traces", "metrics"] {
        let (dead, alive) = (otlp.of(kind), clickhouse.of(kind));
        assert_eq!((dead.received, dead.dropped, alive.dropped), (alive.received, dead.received, 0), "{said}");
    }
    let rows = world.stack.database.lines("orders").await.unwrap();
    assert!(numbered(&rows).values().all(|times| *times == 1) && numbered(&rows).len() == 40);
}
