//! `lambdaview attach` and `detach`, against moto's Lambda and IAM; what moto does not do is played by recorded answers.

use crate::world::World;
use lambdaview_tests::{
    attach::{attached, sample},
    function::Sample,
    lambda::Status,
    moto::{Function, Moto},
    recorded_aws::{Answer, Asked, RecordedAws},
    stack::Stack,
    viewer::{Ended, Viewer},
};
use serde_json::{Value, json};
use std::{
    cell::Cell,
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};
use tempfile::TempDir;

const ENDPOINT: &str = "https://clickstack.example.com:4317";
const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:clickstack-AbCdEf#api_key";
const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:lambdaview-extension-x86_64:1";

/// The viewer as somebody with credentials runs it.
fn viewer(aws: &str, region: &str) -> Viewer {
    asking(Viewer::new(), aws, region)
}

fn asking(viewer: Viewer, aws: &str, region: &str) -> Viewer {
    viewer
        .variable("AWS_ENDPOINT_URL", aws)
        .variable("AWS_REGION", region)
        .variable("AWS_ACCESS_KEY_ID", "test")
        .variable("AWS_SECRET_ACCESS_KEY", "test")
        .variable("AWS_EC2_METADATA_DISABLED", "true")
}

/// A folder with an archive for each processor, as `make layer` leaves it; what is in them is nobody's business here.
fn archives() -> TempDir {
    let folder = TempDir::new().unwrap();
    for architecture in ["x86_64", "arm64"] {
        let archive = folder.path().join(format!("lambdaview-extension-{architecture}.zip"));
        fs::write(archive, b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap();
    }
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn done(ended: Ended) -> Ended {
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    ended
}

fn variables(function: &Value) -> Value {
    function["Configuration"]["Environment"]["Variables"].clone()
}

fn layers(function: &Value) -> Vec<String> {
    let layers = function["Configuration"]["Layers"].as_array().cloned().unwrap_or_default();
    layers.iter().map(|layer| layer["Arn"].as_str().unwrap().to_owned()).collect()
}

fn function<'a>(name: &'a str, architecture: &'a str, layers: &'a [String]) -> Function<'a> {
    Function { name, architecture, layers, variables: json!({"TABLE": "orders"}), tags: json!({"team": "shop"}) }
}

#[tokio::test]
async fn attach_changes_what_it_showed_and_detach_takes_that_and_nothing_else_away() {
    const REGION: &str = "eu-west-1";
    let (moto, folder) = (Moto::shared().await, archives());
    let other = moto.layer(REGION, "other").await;
    let there = [other.clone()];
    moto.function(REGION, &function("attached-x86", "x86_64", &there)).await;
    moto.function(REGION, &function("attached-arm", "arm64", &[])).await;
    let before = moto.configured(REGION, "attached-x86").await;
    let viewer = viewer(&moto.url(), REGION);
    let folder = text(folder.path()).to_owned();
    let wish = [
        "attach",
        "attached-*",
        "--publish",
        &folder,
        "--endpoint",
        ENDPOINT,
        "--secret",
        SECRET,
        "--grant",
        "--no-verify",
    ];

    let shown = done(viewer.run(&[&wish[..], &["--dry-run"]].concat()).await).stdout;
    assert!(
        shown.contains("+ layer lambdaview-extension-arm64") && shown.contains("ENDPOINT=https://clickstack"),
        "{shown}"
    );
    assert_eq!(variables(&moto.configured(REGION, "attached-x86").await), variables(&before), "it was only shown");
    assert_eq!(moto.layer_versions(REGION, "lambdaview-extension-arm64").await, 0);

    let refused = viewer.run(&wish).await;
    assert_eq!((refused.code, refused.stderr.contains("--yes")), (Some(2), true), "{}", refused.stderr);

    done(viewer.run(&[&wish[..], &["--yes"]].concat()).await);
    let now = moto.configured(REGION, "attached-x86").await;
    assert_eq!(layers(&now), [other, LAYER.to_owned()], "behind those that were there");
    let headers = format!("Authorization=${{{SECRET}}}");
    assert_eq!(
        variables(&now),
        json!({"TABLE": "orders", "ROTEL_OTLP_EXPORTER_ENDPOINT": ENDPOINT, "ROTEL_OTLP_EXPORTER_CUSTOM_HEADERS": headers})
    );
    assert!(layers(&moto.configured(REGION, "attached-arm").await)[0].contains(":layer:lambdaview-extension-arm64:1"));
    assert!(moto.role_policies(REGION, "attached-x86").await.contains("lambdaview-secrets"));

    let again = done(viewer.run(&[&wish[..9], &["--no-verify", "--yes"]].concat()).await);
    assert_eq!(
        moto.layer_versions(REGION, "lambdaview-extension-x86_64").await,
        1,
        "its newest version is that archive"
    );
    assert!(again.stdout.contains("= is as it is to be"), "{}", again.stdout);

    done(viewer.run(&["detach", "attached-*", "--revoke", "--yes"]).await);
    let after = moto.configured(REGION, "attached-x86").await;
    assert_eq!((variables(&after), layers(&after)), (variables(&before), layers(&before)));
    assert_eq!(after["Tags"], before["Tags"]);
    assert!(!moto.role_policies(REGION, "attached-x86").await.contains("lambdaview-secrets"));
}

#[tokio::test]
async fn a_function_that_cannot_have_it_is_left_as_it_is_and_the_others_are_not() {
    const REGION: &str = "eu-west-2";
    let moto = Moto::shared().await;
    let mut five = Vec::new();
    for nth in 0..5 {
        five.push(moto.layer(REGION, &format!("five-{nth}")).await);
    }
    moto.function(REGION, &function("refused-five", "x86_64", &five)).await;
    moto.function(REGION, &function("refused-not", "x86_64", &[])).await;
    let taken = json!({"ROTEL_OTLP_EXPORTER_ENDPOINT": "https://somebody-elses"});
    moto.function(REGION, &Function { variables: taken, ..function("refused-taken", "x86_64", &[]) }).await;
    let viewer = viewer(&moto.url(), REGION);
    let folder = archives();
    let wish =
        ["attach", "refused-*", "--publish", text(folder.path()), "--endpoint", ENDPOINT, "--no-verify", "--yes"];
    let ended = viewer.run(&wish).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stdout.contains("it has 5 layers, of five that it may have: five-0"), "{}", ended.stdout);
    assert!(ended.stdout.contains("ROTEL_OTLP_EXPORTER_ENDPOINT is set to something else"), "{}", ended.stdout);
    assert!(ended.stderr.contains("2 functions of 3 left as they are"), "{}", ended.stderr);
    assert_eq!(layers(&moto.configured(REGION, "refused-five").await), five);
    assert_eq!(layers(&moto.configured(REGION, "refused-taken").await).len(), 0);
    assert_eq!(layers(&moto.configured(REGION, "refused-not").await).len(), 1);
}

#[tokio::test]
async fn functions_are_chosen_by_their_tags_and_a_name_that_is_not_there_is_named_with_those_that_are() {
    const REGION: &str = "eu-west-3";
    let moto = Moto::shared().await;
    moto.function(REGION, &function("tagged-shop", "x86_64", &[])).await;
    moto.function(REGION, &Function { tags: json!({"team": "bank"}), ..function("tagged-bank", "x86_64", &[]) }).await;
    let viewer = viewer(&moto.url(), REGION);
    let wish = ["--layer", LAYER, "--dry-run"];
    let shown = done(viewer.run(&[&["attach", "--tag", "team=shop"], &wish[..]].concat()).await).stdout;
    assert!(shown.contains("tagged-shop") && !shown.contains("tagged-bank"), "{shown}");
    let ended = viewer.run(&[&["attach", "taged-shop"], &wish[..]].concat()).await;
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("did you mean: tagged-shop"), "{}", ended.stderr);
}

#[tokio::test]
async fn it_waits_until_something_of_the_function_is_in_clickhouse() {
    const REGION: &str = "eu-north-1";
    let (moto, stack) = (Moto::shared().await, Stack::start().await);
    moto.function(REGION, &function("orders", "x86_64", &[])).await;
    let viewer = asking(Viewer::of(&stack.database), &moto.url(), REGION);
    let endpoint = format!("http://{}", stack.grpc);
    let folder = archives();
    let wish = ["attach", "orders", "--publish", text(folder.path()), "--endpoint", &endpoint, "--yes"];
    let silent = viewer.run(&[&wish[..], &["--wait", "1s"]].concat()).await;
    assert_eq!(silent.code, Some(1));
    assert!(silent.stderr.contains("nothing has arrived of orders"), "{}", silent.stderr);

    // The function as it is now set, its layer unpacked.
    let set = variables(&moto.configured(REGION, "orders").await);
    let mut settings = attached(sample(Sample::Orders), stack.grpc);
    for (name, value) in set.as_object().unwrap() {
        settings = settings.variable(name, value.as_str().unwrap());
    }
    let world = World::with(stack, "orders", settings).await;
    let patiently = [&wish[..], &["--wait", "60s"]].concat();
    // Its last invocation is waited for, too: one that nobody waits for any more would keep the environment from ending.
    let is_verified = Cell::new(false);
    let serves = async {
        while !is_verified.get() {
            assert_eq!(world.lambda.invoke(json!({"order": 41})).await.status, Status::Success);
        }
    };
    let verified = async {
        let verified = viewer.run(&patiently).await;
        is_verified.set(true);
        verified
    };
    let (verified, ()) = tokio::join!(verified, serves);
    world.stop().await;
    let said = done(verified).stderr;
    assert!(said.contains("orders: arrives, from lambdaview"), "{said}");
}

/// What Lambda says of a function, in its answers' form.
fn configuration(revision: &str, variables: &Value) -> Value {
    json!({
        "FunctionName": "orders", "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:orders", "Runtime": "python3.13",
        "Role": "arn:aws:iam::123456789012:role/orders", "PackageType": "Zip", "Architectures": ["x86_64"], "State": "Active",
        "LastUpdateStatus": "Successful", "RevisionId": revision, "Environment": {"Variables": variables}, "CodeSize": 1000,
    })
}

fn error(status: u16, kind: &str, message: &str) -> Answer {
    Answer::Json(status, json!({"Type": "User", "__type": kind, "Message": message, "message": message}))
}

/// Lambda's answers about one function, but for changing its configuration.
fn about(asked: &Asked, revision: &str, variables: &Value) -> Answer {
    let configuration = configuration(revision, variables);
    match asked.target.as_str() {
        "/2015-03-31/functions" | "/2015-03-31/functions/" => Answer::Json(200, json!({"Functions": [configuration]})),
        path if path.starts_with("/2017-03-31/tags/") => Answer::Json(204, Value::Null),
        _ => Answer::Json(200, json!({"Configuration": configuration, "Tags": {}})),
    }
}

const CONFIGURE: &str = "/2015-03-31/functions/orders/configuration";
const PLAIN: [&str; 8] = ["attach", "orders", "--layer", LAYER, "--endpoint", ENDPOINT, "--no-verify", "--yes"];

#[tokio::test]
async fn what_somebody_else_changes_in_the_meantime_is_kept() {
    let tried = AtomicUsize::new(0);
    let aws = RecordedAws::start(move |asked| {
        let theirs = json!({"TABLE": "orders-2"});
        if asked.target != CONFIGURE {
            let (revision, variables) =
                if tried.load(Ordering::Relaxed) == 0 { ("one", json!({})) } else { ("two", theirs) };
            return about(asked, revision, &variables);
        }
        tried.fetch_add(1, Ordering::Relaxed);
        if asked.body["RevisionId"] == "two" {
            Answer::Json(200, configuration("three", &theirs))
        } else {
            error(412, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id.")
        }
    })
    .await;
    done(viewer(&aws.url(), "eu-west-1").run(&PLAIN).await);
    let changes: Vec<Value> =
        aws.asked().into_iter().filter(|asked| asked.target == CONFIGURE).map(|asked| asked.body).collect();
    assert_eq!((changes.len(), &changes[0]["RevisionId"]), (2, &json!("one")));
    assert_eq!(
        changes[1]["Environment"]["Variables"],
        json!({"TABLE": "orders-2", "ROTEL_OTLP_EXPORTER_ENDPOINT": ENDPOINT}),
        "theirs and ours"
    );
}

#[tokio::test]
async fn a_change_that_breaks_off_says_what_is_done_and_what_is_not() {
    let aws = RecordedAws::start(|asked| match asked.target.as_str() {
        CONFIGURE => {
            error(403, "AccessDeniedException", "User is not authorized to perform: lambda:UpdateFunctionConfiguration")
        }
        _ => about(asked, "one", &json!({})),
    })
    .await;
    let ended = viewer(&aws.url(), "eu-west-1").run(&PLAIN).await;
    assert_eq!(ended.code, Some(1));
    let told = "orders: AWS forbids lambda:UpdateFunctionConfiguration: User is not authorized to perform: \
                lambda:UpdateFunctionConfiguration (done: the marks; not done: layers and variables and what follows)";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

#[tokio::test]
async fn bad_credentials_and_silence_are_one_sentence_each_with_their_exit_codes() {
    let aws = RecordedAws::start(|_| {
        error(403, "ExpiredTokenException", "The security token included in the request is expired")
    })
    .await;
    let ended = viewer(&aws.url(), "eu-west-1").run(&PLAIN).await;
    assert_eq!(ended.code, Some(4));
    assert!(
        ended.stderr.starts_with("error: AWS does not know who asks: The security token included"),
        "{}",
        ended.stderr
    );
    let ended = viewer("http://127.0.0.1:1", "eu-west-1").run(&PLAIN).await;
    assert_eq!(ended.code, Some(5), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("error: AWS does not answer (lambda:ListFunctions)"), "{}", ended.stderr);
}
