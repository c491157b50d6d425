//! What `lambdaview schema` adds: counted as the tables are, used by the questions, and taken away without a trace.

use crate::desk::Desk;
use clickhouse::Row;
use lambdaview_queries::schema::{Layout, additions::Addition};
use serde::Deserialize;

const ROLLED_UP: &str = include_str!("../fixtures/sql/rolled_up.sql");
const COUNTED: &str = include_str!("../fixtures/sql/counted.sql");

/// What a function did, by whichever table.
#[derive(Debug, PartialEq, Eq, Row, Deserialize)]
struct Did {
    function: String,
    lines: u64,
    bytes: u64,
    invocations: u64,
    failed: u64,
}

impl Desk {
    async fn did(&self, sql: &str) -> Vec<Did> {
        self.client.query_raw(sql).fetch_all().await.unwrap()
    }
}

/// A thousand records of six functions over the seven days before `until`, and their spans.
async fn seed(desk: &Desk, until: i64) {
    for sql in [include_str!("../fixtures/sql/scale/logs.sql"), include_str!("../fixtures/sql/scale/spans.sql")] {
        let insert = desk.client.query_raw(sql).param("prefix", "fn-").param("functions", 6).param("first", 0);
        let insert = insert.param("count", 1_000).param("rows", 1_000).param("until", until).param("invocations", 500);
        insert.execute().await.unwrap();
    }
}

fn in_days(days: i64) -> i64 {
    lambdaview::clock::now() + days * 86_400 * 1_000_000_000
}

#[tokio::test]
async fn the_roll_up_counts_what_was_there_and_what_comes_each_once() {
    // Side by side: each waits for what was written before.
    tokio::join!(
        is_counted_once(Layout::Items),
        is_counted_once(Layout::TimestampTime),
        is_counted_once(Layout::Compat)
    );
}

async fn is_counted_once(layout: Layout) {
    let desk = Desk::new(layout).await;
    seed(&desk, in_days(0)).await;
    let ended = desk.viewer().run(&["schema", "apply", "functions", "--yes"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    seed(&desk, in_days(8)).await;
    let counted = desk.did(COUNTED).await;
    assert!(!counted.is_empty());
    assert_eq!(desk.did(ROLLED_UP).await, counted, "{layout}");
}

#[tokio::test]
async fn what_is_added_is_recognised_and_can_be_taken_away() {
    let desk = Desk::new(Layout::Items).await;
    let there = async || {
        let session = desk.session().await;
        Addition::ALL.map(|addition| addition.is_in(session.schema()))
    };
    assert_eq!(there().await, [false, false]);
    for (arguments, after) in [
        ("schema apply --yes --no-backfill", [true, true]),
        ("schema apply --yes", [true, true]),
        ("schema drop faas-name --yes", [true, false]),
        ("schema drop functions --yes", [false, false]),
    ] {
        let ended = desk.viewer().run(&arguments.split(' ').collect::<Vec<_>>()).await;
        assert_eq!((ended.code, there().await), (Some(0), after), "{arguments}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn the_column_holds_the_name_of_rows_from_before_and_after() {
    let desk = Desk::new(Layout::Items).await;
    seed(&desk, in_days(0)).await;
    let ended = desk.viewer().run(&["schema", "apply", "faas-name", "--yes"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    seed(&desk, in_days(8)).await;
    let differ: u64 =
        desk.client.query_raw(include_str!("../fixtures/sql/named_otherwise.sql")).fetch_one().await.unwrap();
    assert_eq!(differ, 0);
}

#[tokio::test]
async fn a_plan_changes_nothing_and_nobody_who_is_not_asked_has_anything_added() {
    let desk = Desk::new(Layout::Items).await;
    let viewer = desk.viewer();
    let plan = viewer.run(&["schema", "plan"]).await;
    assert_eq!(plan.code, Some(0), "{}", plan.stderr);
    assert!(
        plan.stdout.contains("functions  not there") && plan.stdout.contains("faas-name  not there"),
        "{}",
        plan.stdout
    );
    let unasked = viewer.run(&["schema", "apply"]).await;
    assert_eq!(unasked.code, Some(2), "{}", unasked.stdout);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    assert!(!Addition::Functions.is_in(desk.session().await.schema()));
}

#[tokio::test]
async fn json_columns_need_none_of_it_and_the_plan_says_so() {
    let desk = Desk::new(Layout::Json).await;
    let plan = desk.viewer().run(&["schema", "plan"]).await;
    assert!(plan.stdout.contains("impossible") && plan.stdout.contains("JSON columns"), "{}", plan.stdout);
    let refused = desk.viewer().run(&["schema", "apply", "functions", "--yes"]).await;
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
}
