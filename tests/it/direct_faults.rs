//! What goes wrong between the extension and ClickHouse: no row is doubled that can be told apart, none is lost uncounted, and
//! what is missing costs nothing else.

use crate::{
    direct::{DELIVERED, batch, count, exporter, gauge, logs, metrics, sum},
    world::World,
};
use lambdaview::local::engine::{Engine, EngineSettings, Sources};
use lambdaview_extension::{
    config::Endpoint,
    export::clickhouse::ClickHouseExporter,
    flow::{Batch, Outcome, Signal},
    secrets::{Secret, Value},
};
use lambdaview_queries::schema::{self, Layout};
use lambdaview_tests::{
    attach::sample,
    clickhouse::Database,
    function::Sample,
    lambda::Status,
    machine,
    stack::Stack,
    until::{GENEROUS, until},
};
use serde_json::json;

/// One line, without a session beside it.
fn signal(body: &str) -> Signal {
    let mut signal = logs(body);
    let Signal::Logs(logs) = &mut signal else { unreachable!() };
    logs.scope_logs[0].log_records.truncate(1);
    signal
}

fn line(body: &str) -> Batch {
    batch(vec![signal(body)])
}

async fn run(database: &Database, statement: &str) {
    database.client.query(statement).execute().await.unwrap();
}

#[tokio::test]
async fn a_batch_sent_again_doubles_no_row_where_the_table_keeps_tokens() {
    for async_insert in [true, false] {
        let database = Database::create().await;
        run(&database, "ALTER TABLE otel_logs MODIFY SETTING non_replicated_deduplication_window = 1000").await;
        let mut settings = database.exporter();
        settings.async_insert = async_insert;
        for _ in 0..3 {
            // Another exporter each time: the process that sends again need not be the one that sent.
            let exporter = ClickHouseExporter::new(&settings);
            assert_eq!(exporter.export(&line("once"), GENEROUS).await, DELIVERED);
        }
        assert_eq!(count(&database, "otel_logs").await, 1, "async_insert {async_insert}");
        let other = batch(vec![signal("once"), signal("another")]);
        assert_eq!(exporter(&database).export(&other, GENEROUS).await, DELIVERED);
        assert_eq!(count(&database, "otel_logs").await, 3, "another batch has another token");
    }
}

#[tokio::test]
async fn clickstacks_own_tables_keep_no_tokens_so_a_batch_sent_again_is_there_twice() {
    let database = Database::create().await;
    for _ in 0..2 {
        assert_eq!(exporter(&database).export(&line("twice"), GENEROUS).await, DELIVERED);
    }
    assert_eq!(count(&database, "otel_logs").await, 2);
}

#[tokio::test]
async fn of_a_batch_that_was_written_in_part_only_the_rest_is_sent_again() {
    let database = Database::create().await;
    // A table that takes one part and no second.
    run(&database, "SYSTEM STOP MERGES otel_metrics_sum").await;
    run(&database, "ALTER TABLE otel_metrics_sum MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1")
        .await;
    let exporter = exporter(&database);
    assert_eq!(exporter.export(&batch(vec![metrics(vec![sum()])]), GENEROUS).await, DELIVERED);
    let both = metrics(vec![gauge(), sum()]);
    for _ in 0..2 {
        let outcome = exporter.export(&batch(vec![both.clone()]), GENEROUS).await;
        assert!(matches!(&outcome, Outcome::Retry { why, .. } if why.contains("Code: 252.")), "{outcome:?}");
    }
    run(&database, "ALTER TABLE otel_metrics_sum RESET SETTING parts_to_throw_insert, parts_to_delay_insert").await;
    let newer = metrics(vec![gauge()]);
    assert_eq!(exporter.export(&batch(vec![both, newer]), GENEROUS).await, DELIVERED);
    let counts = (count(&database, "otel_metrics_gauge").await, count(&database, "otel_metrics_sum").await);
    assert_eq!(counts, (2, 2), "the gauge of the first attempt is there once, and that of the newer signal");
}

#[tokio::test]
async fn a_missing_table_costs_the_records_that_belong_there_and_is_found_when_it_comes() {
    let database = Database::create().await;
    run(&database, "DROP TABLE otel_metrics_sum").await;
    let exporter = exporter(&database);
    let both = batch(vec![metrics(vec![gauge(), sum()])]);
    let Outcome::Delivered { rejected: 1, message } = exporter.export(&both, GENEROUS).await else { panic!("in part") };
    let expected = format!(
        "there is no table otel_metrics_sum in database {}: let ClickStack's collector create it",
        database.name
    );
    assert!(message.contains(&expected), "{message}");
    let sums = batch(vec![metrics(vec![sum()])]);
    let outcome = exporter.export(&sums, GENEROUS).await;
    assert!(matches!(&outcome, Outcome::Refused { why } if why.contains(&expected)), "{outcome:?}");
    schema::create(&database.client, Layout::Items).await.unwrap();
    until("the table is found", GENEROUS, || async {
        let outcome = exporter.export(&sums, GENEROUS).await;
        if outcome == DELIVERED { Ok(()) } else { Err(format!("{outcome:?}")) }
    })
    .await;
    assert_eq!(count(&database, "otel_metrics_sum").await, 1);
}

#[tokio::test]
async fn a_table_that_is_dropped_or_altered_between_two_batches_is_looked_at_again() {
    let database = Database::create().await;
    let exporter = exporter(&database);
    assert_eq!(exporter.export(&line("before"), GENEROUS).await, DELIVERED);
    run(&database, "ALTER TABLE otel_logs DROP COLUMN EventName, MODIFY COLUMN TraceFlags UInt32").await;
    assert_eq!(exporter.export(&line("after"), GENEROUS).await, DELIVERED);
    let flags =
        database.client.query("SELECT toUInt64(sum(TraceFlags)) FROM otel_logs").fetch_one::<u64>().await.unwrap();
    assert_eq!(flags, 2);
    run(&database, "DROP TABLE otel_logs").await;
    let outcome = exporter.export(&line("gone"), GENEROUS).await;
    assert!(matches!(&outcome, Outcome::Refused { why } if why.contains("there is no table otel_logs")), "{outcome:?}");
}

#[tokio::test]
async fn a_table_that_is_not_clickstacks_is_refused_by_the_column_that_is_wrong() {
    let database = Database::create().await;
    run(&database, "ALTER TABLE otel_logs MODIFY COLUMN SpanId FixedString(64)").await;
    let outcome = exporter(&database).export(&line("no"), GENEROUS).await;
    let Outcome::Refused { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("column SpanId of table otel_logs is of type FixedString(64)"), "{why}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_never_told() {
    let database = Database::create().await;
    let mut settings = database.exporter();
    settings.password = Value::Plain(Secret::new("wrong-and-never-shown"));
    let outcome = ClickHouseExporter::new(&settings).export(&line("x"), GENEROUS).await;
    let Outcome::Denied { why } = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("compare ROTEL_CLICKHOUSE_EXPORTER_USER and _PASSWORD"), "{why}");
    assert!(!why.contains("wrong-and-never-shown"), "{why}");
}

#[tokio::test]
async fn an_unknown_database_has_no_tables() {
    let mut settings = Database::create().await.exporter();
    settings.database = "nowhere".to_owned();
    let outcome = ClickHouseExporter::new(&settings).export(&line("x"), GENEROUS).await;
    assert!(matches!(&outcome, Outcome::Refused { why } if why.contains("in database nowhere")), "{outcome:?}");
}

/// An engine of this test's own, at a port that it keeps.
fn engine(data: &std::path::Path, http_port: u16) -> Engine {
    let settings = EngineSettings {
        program: Some(machine::viewer()),
        data: data.to_path_buf(),
        http_port,
        tcp_port: None,
        config: None,
        sources: Sources::from_environment(|name| machine::variable(name).map(Into::into)),
    };
    Engine::start(&settings, &mut |_| ()).unwrap()
}

/// The same engine with ClickStack's tables, and the port at which it may come again.
async fn own(data: &std::path::Path) -> (Engine, Database, u16) {
    let engine = tokio::task::block_in_place(|| engine(data, 0));
    let client = clickhouse::Client::default().with_url(engine.url());
    client.query("CREATE DATABASE own").execute().await.unwrap();
    let database = Database { url: engine.url(), name: "own".to_owned(), client: client.with_database("own") };
    schema::create(&database.client, Layout::Items).await.unwrap();
    let port = database.url.rsplit_once(':').unwrap().1.trim_end_matches('/').parse().unwrap();
    (engine, database, port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_between_two_batches_gets_both() {
    let data = tempfile::tempdir().unwrap();
    let (first, database, port) = own(data.path()).await;
    let exporter = exporter(&database);
    assert_eq!(exporter.export(&line("before"), GENEROUS).await, DELIVERED);
    tokio::task::block_in_place(|| first.stop());
    let outcome = exporter.export(&line("meanwhile"), GENEROUS).await;
    assert!(matches!(outcome, Outcome::NoAnswer { frozen: false, .. }), "{outcome:?}");
    let second = tokio::task::block_in_place(|| engine(data.path(), port));
    assert_eq!(exporter.export(&line("meanwhile"), GENEROUS).await, DELIVERED);
    assert_eq!(count(&database, "otel_logs").await, 2);
    tokio::task::block_in_place(|| second.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_a_time_without_server_are_kept_and_written_once_when_it_is_back() {
    let data = tempfile::tempdir().unwrap();
    let (first, database, port) = own(data.path()).await;
    let world = invoked(Stack::of(database), "").await;
    world.row("line 9").await;
    tokio::task::block_in_place(|| first.stop());
    let away = world.lambda.invoke(json!({"order": 2, "from": 10, "to": 20})).await;
    assert_eq!(away.status, Status::Success, "{}", world.lambda.transcript());
    let second = tokio::task::block_in_place(|| engine(data.path(), port));
    until("the lines of the time without server", GENEROUS, || async {
        let invocation = world.lambda.invoke(json!({"order": 3})).await;
        assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
        let rows = world.stack.database.lines("orders").await.map_err(|error| error.to_string())?;
        if rows.iter().any(|row| row.body == "line 19") { Ok(()) } else { Err(world.lambda.extension_output()) }
    })
    .await;
    let ledger = world.stop().await;
    assert_eq!(ledger.of("logs").dropped, 0, "{ledger:?}");
    for number in 0..20 {
        let question = format!("SELECT count() FROM otel_logs WHERE Body = 'line {number}'");
        let times = world.stack.database.client.query(&question).fetch_one::<u64>().await.unwrap();
        assert_eq!(times, 1, "line {number}");
    }
    tokio::task::block_in_place(|| second.stop());
}

#[tokio::test]
async fn a_request_that_no_server_answers_ends_with_its_time_and_is_tried_again() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Database::create().await.exporter();
    settings.endpoint = Some(Endpoint::Known(format!("http://{}", silent.local_addr().unwrap()).parse().unwrap()));
    let timeout = std::time::Duration::from_millis(50);
    let outcome = ClickHouseExporter::new(&settings).export(&line("x"), timeout).await;
    assert!(matches!(&outcome, Outcome::NoAnswer { why, .. } if why.ends_with("no answer within 50ms")), "{outcome:?}");
}

/// A function whose extension writes into `stack`'s database, invoked once.
async fn invoked(stack: Stack, password: &str) -> World {
    let settings = sample(Sample::Orders)
        .variable("ROTEL_EXPORTER", "clickhouse")
        .variable("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", &stack.database.url)
        .variable("ROTEL_CLICKHOUSE_EXPORTER_DATABASE", &stack.database.name)
        .variable("ROTEL_CLICKHOUSE_EXPORTER_PASSWORD", password);
    let world = World::on(stack, "orders", settings).await;
    let invocation = world.lambda.invoke(json!({"order": 1, "from": 0, "to": 10})).await;
    assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
    world
}

#[tokio::test]
async fn without_the_table_of_one_signal_the_others_arrive_and_its_records_are_counted() {
    let stack = Stack::without_collector().await;
    run(&stack.database, "DROP TABLE otel_logs").await;
    let world = invoked(stack, "").await;
    let ledger = world.stop().await;
    let logs = ledger.of("logs");
    assert!(logs.received >= 10 && logs.dropped == logs.received, "{ledger:?}");
    assert_eq!((ledger.of("traces").dropped, ledger.of("metrics").dropped), (0, 0), "{ledger:?}");
    assert!(count(&world.stack.database, "otel_traces").await > 0);
    let output = world.lambda.extension_output();
    let told: Vec<&str> = output.lines().filter(|line| line.contains("there is no table otel_logs")).collect();
    assert_eq!(told.len(), 1, "{output}");
}

#[tokio::test]
async fn with_a_wrong_password_the_function_works_every_record_is_counted_and_the_password_is_not_told() {
    let world = invoked(Stack::without_collector().await, "wrong-and-never-shown").await;
    let ledger = world.stop().await;
    for kind in ["logs", "traces", "metrics"] {
        let account = ledger.of(kind);
        assert!(account.received > 0 && account.dropped == account.received, "{kind}: {ledger:?}");
    }
    let output = world.lambda.extension_output();
    assert!(output.contains("compare ROTEL_CLICKHOUSE_EXPORTER_USER and _PASSWORD"), "{output}");
    assert!(!output.contains("wrong-and-never-shown"), "{output}");
}
