//! The user's own expressions: what they leave out is counted, what they black out leaves the function's environment nowhere.

use crate::world::World;
use lambdaview_tests::{attach::sample, clickhouse::Line, function::Sample, lambda::Status};
use serde_json::json;

#[tokio::test]
async fn lines_are_left_out_and_words_blacked_out_before_they_leave_the_environment() {
    let settings = sample(Sample::Stock)
        .json_logs()
        .variable("LAMBDAVIEW_LOG_EXCLUDE", r#"^plain words|"sku":\s*"grinder""#)
        .variable("LAMBDAVIEW_LOG_REDACT", r"beans-\d+kg");
    let world = World::of("stock", settings).await;
    let items = json!([{"sku": "grinder"}, {"sku": "filter-beans-2kg-x"}]);
    let invocation = world.lambda.invoke(json!({"order": 5, "items": items, "short": "beans-1kg"})).await;
    assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
    let failed = world.row("out of stock").await;
    assert_eq!(failed.attributes["exception.message"], "no [REDACTED] left");
    let reserved = world.row("reserved").await;
    assert_eq!(reserved.attributes["sku"], "filter-[REDACTED]-x");
    let all = world.rows("the lines", |rows| rows.len() >= 2).await;
    let says = |row: &Line, text: &str| row.body.contains(text) || row.attributes.values().any(|v| v.contains(text));
    for kept_back in ["plain words", "grinder", "beans-1kg", "beans-2kg"] {
        assert!(!all.iter().any(|row| says(row, kept_back)), "{kept_back}: {all:#?}");
    }
    let logs = world.stop().await.of("logs");
    assert_eq!(logs.reasons.get("excluded"), Some(&2), "{logs:?}");
}
