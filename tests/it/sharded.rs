//! Two servers and a Distributed table over both: what one reads through it is on either, and comes once.

use std::{collections::BTreeMap, time::Duration};

use lambdaview::{connect, error::Place, settings::Target};
use lambdaview_queries::{
    filter::{Filter, Pattern, Test},
    questions::{
        Session, bytes,
        function::{self, Functions},
        functions,
        lines::{self, Detail, Scope},
        marks::{self, Marks, Reach},
        measures, trace,
    },
    schema::{self, Layout},
    window::Window,
};
use lambdaview_tests::server::{DATABASE, READONLY_2, Servers};

const TRACE: &str = "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b";
const REQUEST: &str = "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";

/// Two servers with tables of their own, and on the first the tables over both.
async fn sharded(layout: Layout) -> Servers {
    let servers = Servers::start(2);
    for nth in [0, 1] {
        let default = servers.client(nth).with_database("default");
        default.query_raw(&format!("CREATE DATABASE {DATABASE}")).execute().await.unwrap();
        schema::create(&servers.client(nth), layout).await.unwrap();
        execute(&servers, nth, "DROP TABLE IF EXISTS otel_logs_attr_kv_rollup_15m_mv").await;
        execute(&servers, nth, "DROP TABLE IF EXISTS otel_logs_kv_rollup_15m").await;
        for table in ["otel_logs", "otel_traces"] {
            execute(&servers, nth, &format!("RENAME TABLE {table} TO {table}_local")).await;
            let distributed = format!(
                "CREATE TABLE {table} AS {table}_local ENGINE = Distributed(lambdaview, {DATABASE}, {table}_local, rand())"
            );
            execute(&servers, nth, &distributed).await;
        }
    }
    servers
}

async fn execute(servers: &Servers, nth: usize, statement: &str) {
    servers.client(nth).query_raw(statement).execute().await.unwrap();
}

/// Inserts numbered lines of `pay` into one of the servers' own tables.
async fn insert(servers: &Servers, nth: usize, block: u32) {
    let rows = include_str!("../fixtures/sql/rows/numbered.sql").replace("INTO otel_logs ", "INTO otel_logs_local ");
    let rows = servers.client(nth).query_raw(&rows).param("block", block);
    rows.param("first", block * 10).param("count", 10).execute().await.unwrap();
}

async fn session(servers: &Servers, user: Option<&str>) -> Session {
    let user = user.map(str::to_owned);
    let place = Place { url: servers.url(0), user, database: DATABASE.to_owned(), is_local: false };
    let target = Target { place, limit: Duration::from_secs(60), ..Target::default() };
    connect::open(&target, "sharded").await.unwrap()
}

fn scope<'a>(session: &Session, functions: &'a Functions) -> Scope<'a> {
    let window = Window::all(session.opened_at());
    Scope { functions, window, filter: &Filter::Everything, detail: Detail::default() }
}

async fn found(session: &Session, name: &str) -> Functions {
    function::resolve(session, &[name.parse().unwrap()]).await.unwrap().functions
}

/// Every arrival since the marks, and how often it came; then the marks move up.
async fn arrivals(session: &Session, functions: &Functions, marks: &mut Marks, came: &mut BTreeMap<String, u32>) {
    let parts = marks::parts(session).await.unwrap();
    let mut answer = marks::arrivals(session, &scope(session, functions), marks, Reach::AnyAge).unwrap();
    while let Some(line) = answer.next().await.unwrap() {
        if marks.take_arrival(&line) {
            *came.entry(line.body.to_string()).or_default() += 1;
        }
    }
    marks.advance(&parts, Reach::AnyAge);
}

#[tokio::test]
async fn lines_of_both_servers_are_read_in_order_and_followed_each_once() {
    let servers = sharded(Layout::Items).await;
    // One of them has numbered many more blocks than the other.
    for block in 1..7 {
        insert(&servers, 0, block).await;
    }
    let session = session(&servers, None).await;
    assert!(session.logs().distributed && session.logs().block_numbers, "{:?}", session.logs());
    let functions = found(&session, "pay").await;
    let mut marks = Marks::at(&marks::parts(&session).await.unwrap());
    let mut came = BTreeMap::new();
    for block in 7..20 {
        insert(&servers, usize::from(block % 3 == 0), block).await;
        if block % 5 == 0 {
            execute(&servers, 0, "OPTIMIZE TABLE otel_logs_local FINAL").await;
            execute(&servers, 1, "OPTIMIZE TABLE otel_logs_local FINAL").await;
        }
        arrivals(&session, &functions, &mut marks, &mut came).await;
    }
    arrivals(&session, &functions, &mut marks, &mut came).await;
    let wanted: BTreeMap<String, u32> = (70..200).map(|number| (format!("number {number}"), 1)).collect();
    assert_eq!(came, wanted);
    let last = lines::last(&session, &scope(&session, &functions), 500).await.unwrap();
    assert_eq!(last.len(), 190);
    assert!(last.is_sorted_by_key(|line| line.time));
}

#[tokio::test]
async fn every_question_is_answered_from_both_servers() {
    for layout in [Layout::Items, Layout::TimestampTime] {
        let servers = sharded(layout).await;
        for (nth, rows) in
            [include_str!("../fixtures/sql/rows/logs.sql"), include_str!("../fixtures/sql/rows/spans.sql")]
                .into_iter()
                .enumerate()
        {
            let rows = rows.replace("{resource}", "map('faas.name', 'checkout')");
            let rows = rows.replace("{attributes}", &format!("map('faas.invocation_id', '{REQUEST}')"));
            let rows = rows
                .replace("INTO otel_logs ", "INTO otel_logs_local ")
                .replace("INTO otel_traces ", "INTO otel_traces_local ");
            execute(&servers, nth, &rows).await;
        }
        insert(&servers, 1, 1).await;
        let session = session(&servers, None).await;
        assert_eq!(session.logs().layout, layout);
        let shown = trace::of_invocation(&session, REQUEST).await.unwrap();
        assert_eq!((shown.spans.len(), shown.lines.len()), (2, 4), "{layout}");
        assert_eq!(trace::trace(&session, TRACE).await.unwrap().spans.len(), 2, "{layout}");
        let hour_ago = session.opened_at() - 3_600_000_000_000;
        let all = functions::functions(&session, hour_ago).await.unwrap();
        let mut names: Vec<&str> = all.iter().map(|function| &*function.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["checkout", "pay"], "{layout}");
        assert_eq!(bytes::logged(&session, hour_ago).await.unwrap().len(), 2, "{layout}");
        assert!(
            measures::sampled(&session, hour_ago).await.unwrap().is_none(),
            "{layout}: granules of several servers"
        );
        assert_eq!(measures::cheapest(&session, hour_ago, |_| {}).await.unwrap().logged.len(), 2, "{layout}");
        let functions = found(&session, "*").await;
        const WANTED: [&str; 3] = ["line 1", "number 10", "number 11"];
        let filter = Filter::body(Test::Matches(Pattern::new("^(line|number) 1[01]?$").unwrap()));
        let lines = lines::last(&session, &Scope { filter: &filter, ..scope(&session, &functions) }, 10).await.unwrap();
        let mut bodies: Vec<&str> = lines.iter().map(|line| &*line.body).collect();
        bodies.sort_unstable();
        assert_eq!(bodies, WANTED, "{layout}");
    }
}

#[tokio::test]
async fn who_sees_only_the_table_in_front_reads_it_all_the_same() {
    let servers = sharded(Layout::Items).await;
    execute(&servers, 0, "DROP TABLE otel_logs").await;
    let in_front = format!(
        "CREATE TABLE otel_logs AS otel_logs_local ENGINE = Distributed(others, {DATABASE}, otel_logs_local, rand())"
    );
    execute(&servers, 0, &in_front).await;
    insert(&servers, 1, 1).await;
    insert(&servers, 1, 2).await;
    let session = session(&servers, Some(READONLY_2)).await;
    assert!(session.logs().distributed && !session.logs().block_numbers, "{:?}", session.logs());
    let functions = found(&session, "pay").await;
    assert_eq!(lines::last(&session, &scope(&session, &functions), 50).await.unwrap().len(), 20);
}
