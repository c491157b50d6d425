//! The program as scripts see it: exit codes, what stands on stdout and on stderr.

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::viewer::{Ended, Viewer};

async fn shop() -> Viewer {
    let desk = Desk::new(Layout::Items).await;
    let query = desk.client.query_raw(include_str!("../fixtures/sql/rows/numbered.sql"));
    query.param("block", 1).param("first", 0).param("count", 20).execute().await.unwrap();
    desk.viewer()
}

async fn run(viewer: &Viewer, arguments: &str) -> Ended {
    viewer.run(&arguments.split_whitespace().collect::<Vec<_>>()).await
}

#[tokio::test]
async fn a_tail_that_does_not_follow_prints_the_lines_and_nothing_else() {
    let ended = run(&shop().await, "tail pay --no-follow -n 3").await;
    assert_eq!((ended.code, ended.stdout.lines().count(), ended.stderr.as_str()), (Some(0), 3, ""));
}

#[tokio::test]
async fn every_failure_has_an_exit_code_of_its_own_and_says_what_to_do() {
    let viewer = shop().await;
    let cases = [
        ("tail payy --no-follow", 3, "did you mean: pay"),
        ("trace 00000000000000000000000000000001", 3, "no span and no log line"),
        ("trace nonsense", 2, "not an id"),
        ("--url http://127.0.0.1:1 functions", 5, "cannot reach"),
        ("--user nobody functions", 4, "refuses user nobody"),
        ("--database nowhere functions", 8, "no database nowhere"),
        ("--database system functions", 8, "no table otel_logs"),
        ("-c nowhere functions", 2, "config.toml"),
    ];
    for (arguments, code, says) in cases {
        let ended = run(&viewer, arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{arguments}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn json_is_one_object_a_line() {
    let viewer = shop().await;
    for arguments in ["tail pay --no-follow -o json", "functions -o json", "cost -o json"] {
        let ended = run(&viewer, arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments}");
        assert!(!ended.stdout.is_empty(), "{arguments}");
        for line in ended.stdout.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object(), "{arguments}: {line}");
        }
    }
}
