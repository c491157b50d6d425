//! Our own words never come back as shipped logs, whatever happens and however much we say; those of others always arrive.

use crate::world::World;
use lambdaview_tests::{
    attach::{attached, sample},
    clickhouse::Line,
    function::Sample,
    lambda::{Settings, Status},
    machine,
    stack::Stack,
    until::GENEROUS,
};
use serde_json::{Value, json};

/// At the loudest level, with faults of the configuration, some of them of several lines.
fn loud(settings: Settings) -> Settings {
    settings
        .variable("LAMBDAVIEW_LOG_LEVEL", "debug")
        .variable("LAMBDAVIEW_LOGS", "function,extension,platform")
        .variable("ROTEL_SOMETHING_UNKNOWN", "1")
        .variable("LAMBDAVIEW_FLUSH", "now\nlambdaview and\r\nthen")
        .variable("ROTEL_OTEL_RESOURCE_ATTRIBUTES", format!("team=a,{}", "long".repeat(3000)))
}

async fn works(world: &World, event: Value) {
    let invocation = world.lambda.invoke(event).await;
    assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
}

/// Rows that repeat anything of what we said: a whole line of ours, or a piece of one.
fn of_ours<'a>(world: &World, rows: &'a [Line]) -> Vec<&'a str> {
    let said = world.lambda.extension_output();
    let ours: Vec<&str> = said.lines().filter(|line| line.starts_with("lambdaview ")).collect();
    assert!(ours.len() > 4, "there is something to be heard: {said}");
    let repeats = |row: &&Line| {
        let body = row.body.trim();
        row.attributes.get("type").is_some_and(|kind| kind == "extension")
            && ours.iter().any(|line| body.contains(line) || line.contains(body))
    };
    rows.iter().filter(repeats).map(|row| row.body.as_str()).collect()
}

async fn nothing_of_ours_comes_back(settings: Settings) {
    let mut stack = Stack::start().await;
    let settings = loud(attached(settings.timeout(GENEROUS).init_timeout(GENEROUS), stack.grpc));
    let settings = settings.extension(machine::fixtures().join("extensions/talker"));
    stack.collector_goes().await;
    let mut world = World::with(stack, "misbehaving", settings).await;
    for _ in 0..2 {
        works(&world, json!({"do": "nothing"})).await;
    }
    // What we might say about it, as other platforms would hand it on.
    for record in [
        json!("lambdaview panic: somebody said \"no\"\n"),
        json!("  lambdaview ledger logs received=1\nlambdaview and more\n"),
        json!("2026-11-22T19:41:06.565Z [INFO] lambdaview cannot say more\n"),
        json!({"timestamp": "2026-11-22T19:41:06.565Z", "level": "INFO", "message": "lambdaview logs export: gone"}),
        json!("{\"level\":\"INFO\",\"message\":\"lambdaview logs export: back\"}\n"),
    ] {
        world.lambda.inject("extension", record);
    }
    world.lambda.inject("function", json!("lambdaview is what this function talks about\n"));
    world.stack.collector_comes().await;
    for _ in 0..3 {
        works(&world, json!({"do": "nothing"})).await;
    }
    world.stop().await;
    let all = |rows: &[Line]| {
        rows.iter().any(|row| row.body == "talker heard SHUTDOWN 6" || row.body == "talker heard INVOKE 5")
    };
    let rows = world.rows("the lines of the other extension", all).await;
    assert_eq!(of_ours(&world, &rows), [""; 0], "{}", world.lambda.transcript());
    // The platform's own lines name every extension.
    let written = |row: &&Line| row.attributes.get("type").is_some_and(|kind| !kind.starts_with("platform."));
    let injected: Vec<&str> =
        rows.iter().filter(written).map(|row| row.body.as_str()).filter(|body| body.contains("lambdaview")).collect();
    assert_eq!(injected, ["talker: beside lambdaview ", "lambdaview is what this function talks about"]);
    for heard in 1..=5 {
        let line = format!("talker heard INVOKE {heard}");
        assert_eq!(rows.iter().filter(|row| row.body == line).count(), 1, "{line}");
    }
}

#[tokio::test]
async fn our_own_words_never_come_back_in_text() {
    nothing_of_ours_comes_back(sample(Sample::Misbehaving)).await;
}

#[tokio::test]
async fn our_own_words_never_come_back_in_json() {
    nothing_of_ours_comes_back(sample(Sample::Misbehaving).json_logs()).await;
}
