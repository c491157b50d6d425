//! The shape of telemetry: what our platform says has the fields that AWS's Telemetry API gives it.

use crate::recorder::Voice;
use lambdaview_tests::{
    function::Sample,
    lambda::{Lambda, Mode, Settings},
    machine,
    rie::{Rie, Rig},
    until::{GENEROUS, until},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The names of a record's fields for each type of event; `text` where the record is a string.
type Shapes = BTreeMap<String, BTreeSet<String>>;

fn shapes(events: &[Value]) -> Shapes {
    let mut shapes = Shapes::new();
    for event in events {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        shapes.entry(kind).or_default().extend(fields("", &event["record"]));
    }
    shapes
}

/// Names of fields with those of the objects in them; what differs between invocations of one platform is no shape.
fn fields(prefix: &str, record: &Value) -> Vec<String> {
    match record {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| {
                [vec![format!("{prefix}{name}")], nested(&format!("{prefix}{name}."), value)].concat()
            })
            .collect(),
        Value::String(_) => vec!["text".to_owned()],
        _ => Vec::new(),
    }
}

fn nested(prefix: &str, value: &Value) -> Vec<String> {
    if value.is_object() { fields(prefix, value) } else { Vec::new() }
}

/// One invocation on the platform; `voice` has heard everything once its report is there.
async fn heard(voice: &Voice) -> Shapes {
    until("the report of the invocation", GENEROUS, || async {
        let events = voice.taken();
        let whole =
            ["platform.report", "function"].iter().all(|kind| events.iter().any(|event| event["type"] == *kind));
        whole.then(|| shapes(&events)).ok_or_else(|| format!("{events:#?}"))
    })
    .await
}

async fn ours(extension: &std::path::Path) -> Shapes {
    let program = Sample::Orders.program().unwrap();
    let mode = Mode::ManagedInstances { concurrency: 2 };
    let settings =
        Settings::new("myfn", program).mode(mode).timeout(GENEROUS).init_timeout(GENEROUS).extension(extension);
    let lambda = Lambda::prepare(settings).await.unwrap();
    let voice = Voice::at(lambda.address(), &["SHUTDOWN"]).await;
    lambda.initialise().await;
    lambda.invoke(json!({})).await;
    heard(&voice).await
}

#[tokio::test]
async fn our_telemetry_on_managed_instances_has_the_fields_of_awss() {
    let folder = tempfile::tempdir().unwrap();
    let extension = folder.path().join("recorder");
    std::fs::copy(machine::fixtures().join("extensions/idle"), &extension).unwrap();
    let rig = Rig {
        managed: Some(2),
        extensions: vec![("recorder".to_owned(), extension.clone())],
        task: machine::functions(),
        handler: "orders.handler".to_owned(),
        variables: Vec::new(),
    };
    let rie = match Rie::start(&rig).await {
        Ok(rie) => rie,
        Err(why) => return machine::skipped("our_telemetry_on_managed_instances_has_the_fields_of_awss", &why),
    };
    let voice = Voice::at(rie.api, &["SHUTDOWN"]).await;
    let trace = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";
    let reply = rie.invoke(&[("x-amzn-trace-id", trace)], "{}").await.unwrap();
    assert_eq!(reply.status, 200, "{}", rie.output());
    let (theirs, ours) = (heard(&voice).await, ours(&extension).await);
    assert_eq!(theirs, ours, "left is AWS's, right is ours");
}
