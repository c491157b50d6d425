//! What the built `lambdaview` shows of what a function did, and how it ends.

use crate::world::World;
use lambdaview_tests::{
    attach::sample,
    clickhouse::Database,
    function::Sample,
    lambda::Status,
    machine,
    until::{GENEROUS, until},
    viewer::{Ended, Follower, Viewer},
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn bodies(follower: &Follower) -> Vec<String> {
    let lines = follower.lines();
    let objects =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    objects.map(|line| line["body"].as_str().unwrap().to_owned()).collect()
}

async fn shows(follower: &Follower, body: &str) {
    until(body, GENEROUS, || async {
        bodies(follower)
            .iter()
            .any(|shown| shown == body)
            .then_some(())
            .ok_or_else(|| format!("{:?}\n{}", bodies(follower), follower.stderr()))
    })
    .await;
}

#[tokio::test]
async fn a_line_that_the_function_prints_is_printed_by_tail_while_it_follows() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    world.lambda.invoke(json!({"order": 1})).await;
    world.row("order 1 received").await;
    let mut follower = Viewer::of(&world.stack.database).follow(&["tail", "orders", "-n", "all", "-o", "json"]);
    shows(&follower, "order 1 received").await;
    let invocation = world.lambda.invoke(json!({"order": 2})).await;
    shows(&follower, "order 2 received").await;
    let line = follower.lines().into_iter().find(|line| line.contains("order 2 received")).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["function"], &line["invocation_id"]), (&json!("orders"), &json!(invocation.request_id)));
    assert_eq!(line["trace_id"], json!(invocation.trace_id));
    assert_eq!(follower.end(Signal::SIGINT).await.code(), Some(130), "{}", follower.stderr());
    for order in [1, 2] {
        assert_eq!(bodies(&follower).iter().filter(|body| **body == format!("order {order} received")).count(), 1);
    }
}

#[tokio::test]
async fn ten_thousand_lines_over_a_hundred_invocations_are_rows_and_followed_lines_exactly_once() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    world.lambda.invoke(json!({"order": "the first"})).await;
    world.row("order the first received").await;
    let mut follower = Viewer::of(&world.stack.database).follow(&["tail", "orders", "-n", "all", "-o", "json"]);
    shows(&follower, "order the first received").await;
    for hundred in 0..100 {
        let invocation =
            world.lambda.invoke(json!({"order": hundred, "from": hundred * 100, "to": (hundred + 1) * 100})).await;
        assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
    }
    let ledger = world.stop().await;
    assert_eq!(ledger.of("logs").dropped, 0, "{ledger:?}");
    let rows = world
        .rows("10,000 numbered lines", |rows| rows.iter().filter(|row| row.body.starts_with("line ")).count() >= 10_000)
        .await;
    assert_eq!(times(rows.iter().map(|row| row.body.as_str())), once());
    shows(&follower, "line 9999").await;
    until("10,000 followed lines", GENEROUS, || async {
        let followed = bodies(&follower).iter().filter(|body| body.starts_with("line ")).count();
        if followed >= 10_000 { Ok(()) } else { Err(format!("{followed}\n{}", follower.stderr())) }
    })
    .await;
    follower.end(Signal::SIGINT).await;
    assert_eq!(times(bodies(&follower).iter().map(String::as_str)), once());
}

fn times<'a>(bodies: impl Iterator<Item = &'a str>) -> BTreeMap<u32, u32> {
    let mut times = BTreeMap::new();
    for number in bodies.filter_map(|body| body.strip_prefix("line ")?.parse().ok()) {
        *times.entry(number).or_default() += 1;
    }
    times
}

fn once() -> BTreeMap<u32, u32> {
    (0..10_000).map(|number| (number, 1)).collect()
}

#[tokio::test]
async fn a_trace_shows_spans_and_plain_prints_in_one_waterfall_whatever_its_id_is_called() {
    let world = World::of("payments", sample(Sample::Payments)).await;
    let invocation = world.lambda.invoke(json!({"order": 9, "items": [{"sku": "filter"}]})).await;
    world.row("charging 3.10 EUR for order 9").await;
    world.stop().await;
    let viewer = Viewer::of(&world.stack.database);
    let xray = invocation.trace.split(';').find_map(|part| part.strip_prefix("Root=")).unwrap();
    for id in [invocation.trace_id.as_str(), xray, invocation.trace.as_str(), invocation.request_id.as_str()] {
        let shown = viewer.run(&["trace", id]).await;
        assert_eq!(shown.code, Some(0), "{shown:?}");
        for part in ["payments", "read order", "charge card", "charging 3.10 EUR for order 9", "order 9 settled"] {
            assert!(shown.stdout.contains(part), "{part} is not in the trace by {id}:\n{}", shown.stdout);
        }
    }
    let json = viewer.run(&["trace", &invocation.trace_id, "-o", "json"]).await;
    let rows: Vec<Value> = json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| {
        rows.iter()
            .find(|row| row["name"] == name || row["body"] == name)
            .unwrap_or_else(|| panic!("{name}: {rows:#?}"))
    };
    assert_eq!(of("charge card")["parent_span_id"], of("payments")["span_id"]);
    assert_eq!(of("charging 3.10 EUR for order 9")["trace_id"], invocation.trace_id);
}

#[tokio::test]
async fn functions_and_cost_tell_of_what_arrived() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    for order in 0..3 {
        world.lambda.invoke(json!({"order": order, "from": 0, "to": 20})).await;
    }
    world.stop().await;
    let viewer = Viewer::of(&world.stack.database);
    let functions = viewer.run(&["functions", "-o", "json"]).await;
    let function: Value = serde_json::from_str(functions.stdout.lines().next().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{functions:?}"));
    assert_eq!((&function["function"], &function["invocations"]), (&json!("orders"), &json!(3)));
    assert!(function["lines"].as_u64().unwrap() >= 3 * 20, "{function}");
    let cost = viewer.run(&["cost"]).await;
    assert_eq!(cost.code, Some(0), "{cost:?}");
    assert!(cost.stdout.contains("orders") && cost.stdout.contains("CloudWatch"), "{}", cost.stdout);
    let exact = viewer.run(&["cost", "--exact"]).await;
    let said = exact.stderr.lines().next().unwrap_or_default();
    assert!(
        said.starts_with("lambdaview: reading every record of that time; the tables hold ")
            && said.contains(" log record"),
        "{exact:?}"
    );
    assert!(exact.stdout.contains("orders"), "{exact:?}");
}

#[tokio::test]
async fn a_reader_that_has_enough_ends_tail_quietly() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    world.lambda.invoke(json!({"order": 1, "from": 0, "to": 500})).await;
    world.row("line 499").await;
    for arguments in ["-n all", "-n all --no-follow"] {
        let script =
            format!("{{ {} tail orders {arguments}; echo \"exit $?\" >&2; }} | head -1", machine::viewer().display());
        let mut command = tokio::process::Command::new("sh");
        command
            .args(["-c", &script])
            .env("CLICKHOUSE_URL", &world.stack.database.url)
            .env("CLICKHOUSE_DATABASE", &world.stack.database.name);
        command.kill_on_drop(true);
        let output = tokio::time::timeout(GENEROUS, command.output()).await.expect("it ends by itself").unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "exit 0\n", "{arguments}");
    }
}

/// Exit code and what was said on stderr, with this run's address made the same for all runs.
fn said(ended: &Ended, database: &Database) -> String {
    assert_eq!(ended.stdout, "", "a fault says nothing on stdout");
    let text = ended.stderr.replace(&database.url, "http://CLICKHOUSE").replace(&database.name, "DATABASE");
    format!("exit {}\n{text}", ended.code.unwrap_or(-1))
}

#[tokio::test]
async fn a_function_that_is_unknown_is_one_sentence_and_what_to_do() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    world.lambda.invoke(json!({"order": 1})).await;
    world.row("order 1 received").await;
    let ended = Viewer::of(&world.stack.database).run(&["tail", "oders"]).await;
    insta::assert_snapshot!("unknown-function", said(&ended, &world.stack.database));
    let ended = Viewer::of(&world.stack.database).run(&["trace", "5bef4de7ad49b0e87f6ef6c87fc2e700"]).await;
    insta::assert_snapshot!("unknown-trace", said(&ended, &world.stack.database));
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_one_sentence_and_what_to_do() {
    let database = Database::create().await;
    let ended = Viewer::of(&database).run(&["tail", "orders", "--url", "http://127.0.0.1:1"]).await;
    insta::assert_snapshot!("wrong-url", said(&ended, &database));
}

#[tokio::test]
async fn a_wrong_password_is_one_sentence_and_what_to_do() {
    let database = Database::create().await;
    let viewer = Viewer::of(&database).variable("CLICKHOUSE_PASSWORD", "wrong-and-never-shown");
    let ended = viewer.run(&["tail", "orders"]).await;
    assert!(!ended.stderr.contains("never-shown"), "{ended:?}");
    insta::assert_snapshot!("wrong-password", said(&ended, &database));
}

#[tokio::test]
async fn a_database_without_clickstacks_tables_is_one_sentence_and_what_to_do() {
    let database = Database::empty().await;
    let ended = Viewer::of(&database).run(&["tail", "orders"]).await;
    insta::assert_snapshot!("missing-table", said(&ended, &database));
}
