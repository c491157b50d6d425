//! Readers who may do little: every question of theirs is answered, and a question that nobody waits for any longer is stopped.

use std::time::Duration;

use lambdaview::{connect, error::Place, settings::Target};
use lambdaview_queries::{
    filter::Filter,
    name::NamePattern,
    questions::{
        Session, bytes,
        function::{self, Functions},
        functions,
        lines::{self, Detail, Scope},
        marks::{self, Marks, Reach},
        measures, overlap, trace,
    },
    schema::{self, Layout},
    window::Window,
};
use lambdaview_tests::{
    server::{DATABASE, LIMITED, READONLY_1, READONLY_2, Servers},
    until::{GENEROUS, until},
    viewer::Viewer,
};

const TRACE: &str = "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b";
const REQUEST: &str = "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";

async fn servers() -> Servers {
    let servers = Servers::start(1);
    let default = servers.client(0).with_database("default");
    default.query_raw(&format!("CREATE DATABASE {DATABASE}")).execute().await.unwrap();
    schema::create(&servers.client(0), Layout::Items).await.unwrap();
    for rows in [include_str!("../fixtures/sql/rows/logs.sql"), include_str!("../fixtures/sql/rows/spans.sql")] {
        let rows = rows.replace("{resource}", "map('faas.name', 'checkout')");
        let rows = rows.replace("{attributes}", &format!("map('faas.invocation_id', '{REQUEST}')"));
        servers.client(0).query_raw(&rows).execute().await.unwrap();
    }
    servers
}

async fn session(servers: &Servers, user: &str) -> Session {
    let place =
        Place { url: servers.url(0), user: Some(user.to_owned()), database: DATABASE.to_owned(), is_local: false };
    let target = Target { place, limit: Duration::from_secs(60), ..Target::default() };
    connect::open(&target, user).await.unwrap()
}

/// Asks everything that the library asks on behalf of a reader.
async fn ask_everything(session: &Session) {
    let now = session.opened_at();
    let patterns: Vec<NamePattern> = ["checkout", "check*", "/nobody/"].map(|name| name.parse().unwrap()).into();
    let resolved = function::resolve(session, &patterns).await.unwrap();
    assert_eq!(resolved.functions.names().collect::<Vec<_>>(), ["checkout"]);
    let scope = Scope {
        functions: &resolved.functions,
        window: Window::since(now - 3_600_000_000_000, now),
        filter: &Filter::Severity(9),
        detail: Detail { attributes: true, resource: true },
    };
    assert_eq!(lines::last(session, &scope, 3).await.unwrap().len(), 3);
    assert!(lines::all(session, &scope).unwrap().next().await.unwrap().is_some());
    assert!(overlap::recent(session, &scope).unwrap().next().await.unwrap().is_some());
    let parts = marks::parts(session).await.unwrap();
    let arrivals = marks::arrivals(session, &scope, &Marks::default(), Reach::AnyAge);
    assert!(!parts.is_empty() && arrivals.unwrap().next().await.unwrap().is_some());
    assert_eq!(trace::trace(session, TRACE).await.unwrap().spans.len(), 2);
    assert_eq!(trace::of_invocation(session, REQUEST).await.unwrap().lines.len(), 4);
    assert_eq!(functions::functions(session, now - 3_600_000_000_000).await.unwrap().len(), 1);
    assert_eq!(bytes::logged(session, now - 3_600_000_000_000).await.unwrap().len(), 1);
    assert_eq!(measures::sampled(session, now - 3_600_000_000_000).await.unwrap().unwrap().logged.len(), 1);
    assert_eq!(bytes::stored(session).await.unwrap().rows, 4);
}

#[tokio::test]
async fn who_may_only_read_the_two_tables_is_answered_whatever_settings_they_may_change() {
    let servers = servers().await;
    for (user, readonly, dropped) in [(READONLY_1, 1, 6), (READONLY_2, 2, 0), (LIMITED, 0, 1), ("default", 0, 0)] {
        let session = session(&servers, user).await;
        assert_eq!((session.readonly(), session.dropped_settings().len()), (readonly, dropped), "{user}");
        ask_everything(&session).await;
    }
}

#[tokio::test]
async fn every_command_that_reads_works_for_a_user_who_may_change_no_setting() {
    let servers = servers().await;
    let viewer = Viewer::new().variable("CLICKHOUSE_URL", &servers.url(0)).variable("CLICKHOUSE_DATABASE", DATABASE);
    let viewer = viewer.variable("CLICKHOUSE_USER", READONLY_1);
    let commands = [
        "tail checkout --no-follow",
        "functions",
        "cost",
        "cost --exact",
        &format!("trace {REQUEST}"),
        "patterns checkout --by function -o json",
        "sql SELECT*FROM{logs} checkout",
        "doctor checkout",
    ];
    for command in commands {
        let ended = viewer.run(&command.split(' ').chain(["--show-sql"]).collect::<Vec<_>>()).await;
        assert_eq!(ended.code, Some(0), "{command}: {ended:?}");
        assert!(ended.stderr.contains("FROM otel_"), "{command} shows its questions: {ended:?}");
        assert!(ended.stdout.contains("checkout") || ended.stdout.contains("line 1"), "{command}: {ended:?}");
    }
}

/// How many questions of this user's the server has been working on for so long.
async fn working(servers: &Servers, user: &str, seconds: f64) -> u64 {
    let question = "SELECT count() FROM system.processes WHERE user = {user:String} AND elapsed >= {seconds:Float64}";
    let question = servers.client(0).query_raw(question).param("user", user).param("seconds", seconds);
    question.fetch_one().await.unwrap()
}

#[tokio::test]
async fn a_question_that_is_dropped_is_stopped_on_the_server() {
    let servers = servers().await;
    for user in [READONLY_2, LIMITED] {
        let session = session(&servers, user).await;
        make_endless(&servers).await;
        let functions = Functions::named("checkout");
        let window = Window::all(session.opened_at());
        let scope = Scope { functions: &functions, window, filter: &Filter::Everything, detail: Detail::default() };
        let started = until("the question to be worked on", GENEROUS, || async {
            if working(&servers, user, 0.2).await > 0 { Ok(()) } else { Err("it is not".to_owned()) }
        });
        tokio::select! {
            answer = lines::last(&session, &scope, 10) => panic!("an endless question was answered: {answer:?}"),
            () = started => {}
        }
        until("the question to be stopped", GENEROUS, || async {
            if working(&servers, user, 0.0).await == 0 { Ok(()) } else { Err("it is worked on".to_owned()) }
        })
        .await;
        make_finite(&servers).await;
    }
}

/// Puts a view in the table's place whose every row comes again and again.
async fn make_endless(servers: &Servers) {
    for statement in [
        "RENAME TABLE otel_logs TO finite",
        "CREATE VIEW otel_logs DEFINER = default SQL SECURITY DEFINER AS SELECT f.*, f._partition_id, f._block_number, f._block_offset, f.ResourceAttributeItems
         FROM finite AS f CROSS JOIN numbers(1000000000000) AS n",
    ] {
        servers.client(0).query_raw(statement).execute().await.unwrap();
    }
}

async fn make_finite(servers: &Servers) {
    for statement in ["DROP VIEW otel_logs", "RENAME TABLE finite TO otel_logs"] {
        servers.client(0).query_raw(statement).execute().await.unwrap();
    }
}
