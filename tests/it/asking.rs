//! `lambdaview sql`: somebody's own SQL, in every layout, in any format, and never anything but reading.

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::{
    until::{GENEROUS, until},
    viewer::{Ended, Viewer},
};
use nix::sys::signal::Signal;

/// Twenty lines of `pay` and one of another function.
async fn shop(layout: Layout) -> (Desk, Viewer) {
    let desk = Desk::new(layout).await;
    let map = |key: &str, value: &str| match layout {
        Layout::Json => format!("'{{\"{key}\":\"{value}\"}}'"),
        _ => format!("map('{key}', '{value}')"),
    };
    for rows in [include_str!("../fixtures/sql/rows/logs.sql"), include_str!("../fixtures/sql/rows/spans.sql")] {
        for function in ["pay", "other"] {
            let rows = rows.replace("{resource}", &map("faas.name", function));
            desk.execute(&rows.replace("{attributes}", &map("faas.invocation_id", function))).await;
        }
    }
    let viewer = desk.viewer();
    (desk, viewer)
}

async fn ask(viewer: &Viewer, sql: &str, rest: &[&str]) -> Ended {
    viewer.run(&[&["sql", sql], rest].concat()).await
}

#[tokio::test]
async fn the_macros_stand_for_a_functions_records_in_every_layout() {
    for layout in Layout::ALL {
        let (_desk, viewer) = shop(layout).await;
        for (sql, rest, answer) in [
            ("SELECT count() AS n FROM {logs}", &["pay"][..], "4"),
            ("SELECT count() AS n FROM {logs}", &["pay", "other"], "8"),
            ("SELECT count() AS n FROM {logs}", &[], "8"),
            ("SELECT count() AS n FROM {logs}", &["pay", "--since", "1s"], "0"),
            ("SELECT count() AS n FROM {traces}", &["p*"], "2"),
            ("SELECT count() AS n FROM {logs} AS l, {traces} AS t", &["pay"], "8"),
            ("SELECT {fn}[1] AS n", &["pay"], "pay"),
            ("SELECT {since} < {until} AS n", &[], "1"),
            ("SELECT {x:UInt8} + 1 AS n -- {logs}", &["-p", "x=4"], "5"),
        ] {
            let ended = ask(&viewer, sql, &[rest, &["-o", "csv"]].concat()).await;
            let answered = ended.stdout.lines().nth(1).unwrap_or_default().trim_matches('"');
            assert_eq!((ended.code, answered), (Some(0), answer), "{layout}: {sql} {rest:?}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn the_answer_is_in_the_format_that_was_asked_for() {
    let (_desk, viewer) = shop(Layout::Items).await;
    for (rest, sql, answer) in [
        (&["-o", "json"][..], "SELECT 1 AS a, 'x' AS b", "{\"a\":1,\"b\":\"x\"}\n"),
        (&["-o", "csv"], "SELECT 1 AS a", "\"a\"\n1\n"),
        (&["-o", "json"], "SELECT 1 AS a FORMAT TSV", "1\n"),
        (&["-o", "json"], "SELECT 1 AS a WHERE 0", ""),
        (&["--format", "TSVWithNames"], "SELECT 1 AS a", "a\n1\n"),
        (&["--format=JSONCompactEachRow"], "SELECT 1 AS a", "[1]\n"),
    ] {
        let ended = ask(&viewer, sql, rest).await;
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), answer, ""), "{sql}");
    }
    let pretty = ask(&viewer, "SELECT 1 AS a", &[]).await.stdout;
    assert!(pretty.contains('a') && pretty.contains('│') && !pretty.contains('\x1b'), "{pretty}");
    assert_eq!(ask(&viewer, "SELECT 1", &["-o", "raw"]).await.code, Some(2));
    assert_eq!(ask(&viewer, "SELECT 1", &["--format", "x; DROP"]).await.code, Some(2));
    let unknown = ask(&viewer, "SELECT 1", &["--format", "Nonsense"]).await;
    assert!(unknown.code != Some(0) && unknown.stderr.contains("Nonsense"), "{unknown:?}");
}

#[tokio::test]
async fn nothing_but_reading_is_possible() {
    let (desk, viewer) = shop(Layout::Items).await;
    for sql in [
        "INSERT INTO otel_logs (Body) VALUES ('x')",
        "DROP TABLE otel_logs",
        "TRUNCATE TABLE otel_logs",
        "ALTER TABLE otel_logs DELETE WHERE 1",
        "CREATE TABLE t (a Int8) ENGINE = Memory",
        "SELECT 1 SETTINGS readonly = 0",
    ] {
        let ended = ask(&viewer, sql, &[]).await;
        assert_ne!(ended.code, Some(0), "{sql}: {ended:?}");
    }
    let rows: u64 = desk.client.query("SELECT count() FROM otel_logs").fetch_one().await.unwrap();
    assert_eq!(rows, 8);
}

#[tokio::test]
async fn what_the_server_cannot_understand_is_shown_with_a_sign_at_the_place() {
    let (_desk, viewer) = shop(Layout::Items).await;
    for (sql, clause) in [
        ("SELECT 1\nFORM otel_logs", "  FORM otel_logs\n       ^"),
        ("SELECT Bdy FROM otel_logs", "  SELECT Bdy FROM otel_logs\n         ^"),
        ("SELECT 1 FROM nowhere", "  SELECT 1 FROM nowhere\n                ^"),
    ] {
        let ended = ask(&viewer, sql, &[]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{sql}: {ended:?}");
        assert!(ended.stderr.contains(clause) && ended.stderr.contains("\n  try: "), "{sql}: {}", ended.stderr);
    }
    let ended = ask(&viewer, "SELECT {nothing}", &[]).await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[tokio::test]
async fn the_answer_comes_as_it_is_found_and_ctrl_c_ends_the_question_on_the_server() {
    let (desk, viewer) = shop(Layout::Items).await;
    // The server sends what it has once that is a megabyte.
    let sql =
        "SELECT sleepEachRow(0.01), randomPrintableASCII(200000) FROM numbers(100000000) SETTINGS max_block_size = 10";
    let mut follower = viewer.follow(&["sql", sql, "-o", "json"]);
    until("the first rows", GENEROUS, || async {
        if follower.lines().is_empty() { Err(follower.stderr()) } else { Ok(()) }
    })
    .await;
    assert_eq!(follower.end(Signal::SIGINT).await.code(), Some(130));
    until("the end of the question", GENEROUS, || async {
        let left = desk.client.query_raw("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow(0.01)%' AND query NOT LIKE '%processes%'");
        match left.fetch_one::<u64>().await.unwrap() {
            0 => Ok(()),
            left => Err(format!("{left} still run")),
        }
    })
    .await;
}
