//! The program as scripts see it: exit codes, what stands on stdout and on stderr.

use std::{
    io::{self, BufRead as _},
    process::{Command, Output, Stdio},
};

use lambdaview_queries::schema::Layout;

use crate::server::World;

fn lambdaview(world: &World, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambdaview"));
    command.args(arguments.split_whitespace()).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    command.env("CLICKHOUSE_URL", &world.target.place.url).env("CLICKHOUSE_DATABASE", &world.target.place.database);
    command
}

async fn run(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

async fn shop() -> World {
    let world = World::new(Layout::Items).await;
    let query = world.client.query_raw(include_str!("rows/numbered.sql"));
    query.param("block", 1).param("first", 0).param("count", 20).execute().await.unwrap();
    world
}

#[tokio::test]
async fn a_tail_that_does_not_follow_prints_the_lines_and_nothing_else() {
    let world = shop().await;
    let (code, stdout, stderr) = run(lambdaview(&world, "tail pay --no-follow -n 3")).await;
    assert_eq!((code, stdout.lines().count(), stderr.as_str()), (Some(0), 3, ""));
}

#[tokio::test]
async fn a_reader_who_leaves_ends_a_tail_quietly_even_while_nothing_arrives() {
    let world = shop().await;
    let mut command = lambdaview(&world, "tail pay -n 1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut reader = io::BufReader::new(child.stdout.take().unwrap());
    let (child, line) = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        drop(reader);
        (child.wait_with_output().unwrap(), line)
    })
    .await
    .unwrap();
    assert!(line.contains("number"), "{line}");
    assert_eq!((child.status.code(), String::from_utf8(child.stderr).unwrap().as_str()), (Some(0), ""));
}

#[tokio::test]
async fn every_failure_has_an_exit_code_of_its_own_and_says_what_to_do() {
    let world = shop().await;
    let cases = [
        ("tail payy --no-follow", 3, "did you mean: pay"),
        ("trace 00000000000000000000000000000001", 3, "no span and no log line"),
        ("trace nonsense", 2, "not an id"),
        ("--url http://127.0.0.1:1 functions", 5, "cannot reach"),
        ("--user nobody functions", 4, "refuses user nobody"),
        ("--database nowhere functions", 1, "no database nowhere"),
        ("--database system functions", 1, "no table otel_logs"),
        ("-c nowhere functions", 2, "config.toml"),
    ];
    for (arguments, code, says) in cases {
        let (status, stdout, stderr) = run(lambdaview(&world, arguments)).await;
        assert_eq!((status, stdout.as_str()), (Some(code), ""), "{arguments}: {stderr}");
        assert!(stderr.contains(says), "{arguments}: {stderr}");
    }
}

#[tokio::test]
async fn json_is_one_object_a_line() {
    let world = shop().await;
    for arguments in ["tail pay --no-follow -o json", "functions -o json", "cost -o json"] {
        let (code, stdout, _) = run(lambdaview(&world, arguments)).await;
        assert_eq!(code, Some(0), "{arguments}");
        assert!(!stdout.is_empty(), "{arguments}");
        for line in stdout.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).unwrap().is_object(), "{arguments}: {line}");
        }
    }
}
