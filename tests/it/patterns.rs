//! `lambdaview patterns`: what repeats itself, in every layout, exactly where it can be and by a sample where it must.

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::viewer::Viewer;
use serde_json::Value;

async fn shop(layout: Layout, count: u32) -> Viewer {
    let desk = Desk::new(layout).await;
    let map = |key: &str, value: &str| match layout {
        Layout::Json => format!("'{{\"{key}\":\"{value}\"}}'"),
        _ => format!("map('{key}', '{value}')"),
    };
    let rows = include_str!("../fixtures/sql/rows/repeated.sql");
    let rows = rows.replace("{resource}", &map("faas.name", "shop")).replace("{attributes}", &map("user", "x"));
    desk.client.query_raw(&rows).param("count", count).execute().await.unwrap();
    desk.viewer()
}

async fn rows(viewer: &Viewer, arguments: &[&str]) -> Vec<Value> {
    let ended = viewer.run(&[&["patterns", "-o", "json"], arguments].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn lines_are_gathered_and_counted_exactly_in_every_layout() {
    for layout in Layout::ALL {
        let viewer = shop(layout, 1000).await;
        let rows = rows(&viewer, &["shop"]).await;
        let seen: Vec<(&str, u64)> =
            rows.iter().map(|row| (row["pattern"].as_str().unwrap(), row["lines"].as_u64().unwrap())).collect();
        assert_eq!(seen, [("cache miss for key user:<*> after <*>", 900), ("order <*> received", 100)], "{layout}");
        assert_eq!((&rows[0]["level"], &rows[0]["functions"][0]), (&Value::from("debug"), &Value::from("shop")));
    }
}

#[tokio::test]
async fn of_too_many_lines_one_in_so_many_is_read_and_said() {
    let viewer = shop(Layout::Items, 20_000).await;
    let ended = viewer.run(&["patterns", "shop", "--max-rows", "2000", "-o", "json"]).await;
    assert!(ended.stderr.contains("one line in 10 was read"), "{ended:?}");
    let lines: u64 =
        ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["lines"].as_u64().unwrap()).sum();
    assert!((15_000..25_000).contains(&lines), "{lines}");
}

#[tokio::test]
async fn the_table_has_the_dearest_pattern_first_and_what_to_do() {
    let viewer = shop(Layout::Items, 20_000).await;
    let ended = viewer.run(&["patterns", "--by", "function,level"]).await;
    let text = &ended.stdout;
    assert!(text.starts_with("patterns  20 000 lines"), "{text}");
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(place("cache miss for key user:<*> after <*>") < place("order <*> received"), "{text}");
    assert!(text.contains("-> raise the log level to INFO"), "{text}");
    let csv = viewer.run(&["patterns", "-n", "1", "-o", "csv"]).await;
    assert_eq!(csv.stdout.lines().count(), 2, "{csv:?}");
    assert!(csv.stderr.contains("1 pattern not shown"), "{csv:?}");
}

#[tokio::test]
async fn where_nothing_was_written_that_is_said() {
    let viewer = Desk::new(Layout::Items).await.viewer();
    let ended = viewer.run(&["patterns"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert!(ended.stderr.contains("no function wrote anything"), "{ended:?}");
}
