//! How answers arrive: as they come, through readers who stand still; and what was asked for them, to be asked again elsewhere.

use std::{collections::BTreeMap, process::Stdio};

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::{
    machine,
    until::{GENEROUS, ended, until},
    way::Way,
};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::{io::AsyncReadExt as _, process::Command};

const LINES: u64 = 40_000;

/// Lines of which no more than some fit into what a system keeps between two programs.
async fn many_large_lines() -> Desk {
    let desk = Desk::new(Layout::Items).await;
    let rows = desk.client.query_raw(include_str!("../fixtures/sql/rows/bulky.sql"));
    rows.param("lines", LINES).execute().await.unwrap();
    desk
}

#[tokio::test]
async fn an_answer_that_breaks_off_while_its_reader_stands_still_is_read_on_and_every_line_comes_once() {
    let desk = many_large_lines().await;
    let place = &desk.target.place;
    let way = Way::to(place.url.trim_start_matches("http://").parse().unwrap()).await;
    let mut command = Command::new(machine::viewer());
    command.args(["--url", &format!("http://{}", way.address), "--database", &place.database, "--show-sql"]);
    command.args(["logs", "pay", "--since", "2d", "-o", "raw"]);
    command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    // All that comes before anybody reads on fits into neither program: the answer is still on its way.
    let first = ended("the first line", stdout.read_u8()).await.unwrap();
    way.breaks();
    let (mut read, mut said) = (String::from(char::from(first)), String::new());
    let reading = async { tokio::join!(stdout.read_to_string(&mut read), stderr.read_to_string(&mut said)) };
    let (read_whole, said_whole) = ended("all lines", reading).await;
    read_whole.and(said_whole).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0), "{said}");
    assert!(said.matches("-- The lines of functions in a window").count() > 1, "it never broke off: {said}");
    let mut times: BTreeMap<&str, u32> = BTreeMap::new();
    for line in read.lines() {
        *times.entry(line.split_whitespace().nth(1).unwrap()).or_default() += 1;
    }
    assert_eq!((times.len() as u64, times.values().max()), (LINES, Some(&1)), "{said}");
}

#[tokio::test]
async fn a_question_that_was_shown_can_be_asked_as_it_stands() {
    for layout in [Layout::Items, Layout::TimestampTime] {
        let desk = Desk::new(layout).await;
        let rows = include_str!("../fixtures/sql/rows/logs.sql").replace("{resource}", "map('faas.name', 'it''s')");
        desk.execute(&rows.replace("{attributes}", "map()")).await;
        let viewer = desk.viewer();
        for command in [
            &["tail", "it's", "--no-follow", "-n", "5", "-i", "it's \\d+|a\nb", "-w", "order>5"][..],
            &["tail", "it*", "--for", "1ms", "-l", "warn"],
            &["logs", "--request", "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11"],
            &["functions"],
            &["invocations", "it's", "--slow", "2s"],
            &["errors", "it's"],
            &["patterns", "it's"],
            &["trace", "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11"],
            &["cost"],
            &["sql", "SELECT count(), {x:String} FROM {logs} WHERE {since} < {until}", "it's", "-p", "x=it's"],
        ] {
            let ended = viewer.run(&[command, &["--show-sql", "--quiet"]].concat()).await;
            let shown: Vec<&str> = ended.stderr.split(";\n\n").filter(|shown| shown.contains("SELECT")).collect();
            assert!(!shown.is_empty(), "{layout}: {command:?}: {ended:?}");
            for statement in shown {
                let asked = desk.client.query_raw(statement).fetch_bytes("Null").unwrap().next().await;
                assert!(asked.is_ok(), "{layout}: {command:?}: {asked:?}\n{statement}");
            }
        }
    }
}

#[tokio::test]
async fn what_takes_long_says_so_on_a_terminal_and_makes_room_for_the_answer() {
    let desk = Desk::new(Layout::Items).await;
    let sql = ["sql", "SELECT sleepEachRow(1), 'the answer' FROM numbers(2)"];
    let mut terminal = desk.viewer().on_terminal(&sql);
    assert!(terminal.ended().await.success(), "{}", terminal.shown());
    let shown = terminal.shown();
    let (before, after) = shown.split_once("the answer").expect("the answer is shown");
    assert!(before.contains(" reading 0s") && before.contains("Ctrl-C stops it\r\u{1b}[K"), "{shown}");
    assert!(!after.contains(" reading "), "{shown}");
    for flags in [&["--quiet"][..], &[]] {
        let piped = desk.viewer().run(&[&sql, flags].concat()).await;
        assert_eq!((piped.code, piped.stderr.as_str()), (Some(0), ""));
    }
}

#[tokio::test]
async fn while_nothing_arrives_a_follower_reads_no_line_again_even_where_blocks_are_not_numbered() {
    let desk = Desk::new(Layout::TimestampTime).await;
    let rows = include_str!("../fixtures/sql/rows/logs.sql").replace("{resource}", "map('faas.name', 'pay')");
    desk.execute(&rows.replace("{attributes}", "map()")).await;
    let mut follower = desk.viewer().follow(&["tail", "pay", "--show-sql"]);
    let asked = |what: &str| follower.stderr().matches(what).count();
    let (looks, reads) = until("some looks", GENEROUS, || async {
        let (looks, reads) =
            (asked("-- Which blocks each part covers"), asked("-- The lines of functions from a time on"));
        if looks >= 5 { Ok((looks, reads)) } else { Err(follower.stderr()) }
    })
    .await;
    // What was there before, and the first look.
    assert!(reads <= 2, "{reads} of {looks} looks read lines: {}", follower.stderr());
    desk.execute(&rows.replace("{attributes}", "map()").replace("'line '", "'another '")).await;
    until("what arrives then", GENEROUS, || async {
        if follower.lines().iter().any(|line| line.contains("another 1")) { Ok(()) } else { Err(follower.stderr()) }
    })
    .await;
    assert_eq!(follower.end(Signal::SIGINT).await.code(), Some(130));
}

#[tokio::test]
async fn a_function_that_fell_silent_is_told_of_in_every_layout() {
    for layout in Layout::ALL {
        let desk = Desk::new(layout).await;
        let map = |name: &str| match layout {
            Layout::Json => format!("'{{\"faas.name\":\"{name}\"}}'"),
            _ => format!("map('faas.name', '{name}')"),
        };
        let nothing = if layout == Layout::Json { "'{}'" } else { "map()" };
        let rows = include_str!("../fixtures/sql/rows/logs.sql").replace("{attributes}", nothing);
        desk.execute(&rows.replace("{resource}", &map("checkout"))).await;
        let days_ago = rows.replace("'shop'", "'night'").replace("(60 - number)", "(200000 - number)");
        desk.execute(&days_ago.replace("{resource}", &map("nightly"))).await;
        // A service that is no function is not missed.
        let other = rows.replace("'shop'", "'web'").replace("(60 - number)", "(200000 - number)");
        desk.execute(&other.replace("{resource}", nothing)).await;
        let ended = desk.viewer().run(&["functions", "-o", "json"]).await;
        let objects: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let named = |object: &Value| object["function"].as_str().unwrap().to_owned();
        assert_eq!(objects.iter().map(named).collect::<Vec<_>>(), ["checkout", "nightly"], "{layout}: {ended:?}");
        assert_eq!(objects[1]["status"], "silent", "{layout}: {ended:?}");
    }
}
