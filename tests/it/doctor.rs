//! `lambdaview doctor`: what it says of every layout, of functions that are well and of some that are not.

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::viewer::{Ended, Viewer};
use serde_json::Value;
use std::collections::BTreeMap;

async fn shop(layout: Layout) -> Desk {
    let desk = Desk::new(layout).await;
    let map = |key: &str, value: &str| match layout {
        Layout::Json => format!("'{{\"{key}\":\"{value}\"}}'"),
        _ => format!("map('{key}', '{value}')"),
    };
    for rows in [include_str!("../fixtures/sql/rows/logs.sql"), include_str!("../fixtures/sql/rows/spans.sql")] {
        let rows = rows.replace("{resource}", &map("faas.name", "checkout"));
        desk.execute(&rows.replace("{attributes}", &map("faas.invocation_id", "7f3a91c2"))).await;
    }
    desk
}

/// Each check by its name: its state and what it says.
fn checks(ended: &Ended) -> BTreeMap<String, (String, String)> {
    let objects = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
    objects.map(|object| (text(&object, "check"), (text(&object, "state"), text(&object, "says")))).collect()
}

async fn of(viewer: &Viewer, arguments: &[&str]) -> BTreeMap<String, (String, String)> {
    let ended = viewer.run(&[&["doctor", "-o", "json"], arguments].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    checks(&ended)
}

#[tokio::test]
async fn each_layout_is_told_with_what_it_means() {
    for layout in Layout::ALL {
        let desk = shop(layout).await;
        let checks = of(&desk.viewer(), &["checkout"]).await;
        assert!(checks["layout"].1.contains(layout.as_str()), "{checks:?}");
        let exact = matches!(layout, Layout::MapValues | Layout::Compat | Layout::Items);
        assert_eq!(checks["tail"].0, if exact { "ok" } else { "warn" }, "{layout}");
        assert!(checks["checkout arrival"].1.starts_with("4 lines"), "{layout}: {checks:?}");
        assert!(checks["checkout arrival"].1.ends_with("1 invocation"), "{layout}: {checks:?}");
        assert_eq!(checks["checkout ids"].0, "ok", "{layout}: {checks:?}");
        assert_eq!(checks["clocks"].0, "ok", "{layout}: {checks:?}");
    }
}

#[tokio::test]
async fn lines_that_were_dropped_and_a_function_that_is_silent_are_told() {
    let desk = shop(Layout::Items).await;
    desk.execute(include_str!("../fixtures/sql/rows/dropped.sql")).await;
    let viewer = desk.viewer();
    let checks = of(&viewer, &["checkout"]).await;
    assert_eq!(checks["checkout gaps"].0, "warn", "{checks:?}");
    assert!(checks["checkout gaps"].1.contains("the platform dropped lines once"), "{checks:?}");
    let ended = viewer.run(&["doctor", "nobody"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("fail  nobody"), "{ended:?}");
    assert!(ended.stderr.starts_with("error: not well: nobody"), "{ended:?}");
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_a_failed_check_and_keeps_its_exit_code() {
    let viewer = shop(Layout::Items).await.viewer();
    for (arguments, code) in
        [(&["--url", "http://127.0.0.1:1"][..], 5), (&["--user", "nobody"], 4), (&["--database", "nowhere"], 8)]
    {
        let ended = viewer.run(&[&["doctor"], arguments].concat()).await;
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stdout.starts_with("fail  server"), "{ended:?}");
    }
}
