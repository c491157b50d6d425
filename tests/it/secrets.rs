//! Secrets behind references: fetched from a real HTTP server, in batches, from several regions; and what the function
//! notices when they cannot be had, which is nothing.

use aws_credential_types::Credentials;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use lambdaview_extension::{
    config::AwsSettings,
    secrets::{Problem, Reference, Resolution, Resolver},
};
use lambdaview_tests::{
    attach::{attached, sample},
    function::Sample,
    lambda::{Lambda, Settings, Status},
    ledger::{Account, Ledger},
    moto::Moto,
    recorded_aws::{self, Answer, Asked, RecordedAws},
    until::{GENEROUS, until},
};
use opentelemetry_proto::tonic::{collector::logs::v1::ExportLogsServiceRequest, common::v1::any_value::Value as Any};
use prost::Message;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{io::AsyncReadExt, net::TcpListener, task::JoinSet};

const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:clickstack-AbCdEf";

fn resolver(url: &str) -> Resolver {
    let url = Some(url.to_owned());
    let settings = AwsSettings { secrets_manager_url: url.clone(), parameter_store_url: url, ..AwsSettings::default() };
    Resolver::with_credentials(settings, Credentials::new("AKIDEXAMPLE", "example", None, None, "test"))
}

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

async fn resolve(url: &str, references: &[&str]) -> Resolution {
    let references: Vec<Reference> = references.iter().map(|text| reference(text)).collect();
    resolver(url).resolve(&references).await
}

fn value<'a>(resolution: &'a Resolution, text: &str) -> &'a str {
    let known = resolution.known.get(&reference(text));
    known.unwrap_or_else(|| panic!("{text} is missing: {:?}", resolution.missing)).reveal()
}

fn missing(resolution: &Resolution) -> Vec<String> {
    resolution.missing.iter().map(|(reference, problem)| format!("{reference}: {problem}")).collect()
}

#[tokio::test]
async fn more_than_ten_secrets_of_two_regions_and_parameters_arrive_together() {
    let moto = Moto::shared().await;
    let mut references = Vec::new();
    for nth in 0..23 {
        let region = if nth % 2 == 0 { "eu-west-1" } else { "us-east-2" };
        references.push(moto.secret(region, &format!("many-{nth}"), &format!("secret {nth}")).await);
    }
    for nth in 0..12 {
        references.push(moto.parameter("ap-south-1", &format!("/many/p{nth}"), &format!("parameter {nth}")).await);
    }
    let resolution = resolve(&moto.url(), &references.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(resolution.missing.is_empty(), "{:?}", missing(&resolution));
    let expected = (0..23).map(|nth| format!("secret {nth}")).chain((0..12).map(|nth| format!("parameter {nth}")));
    for (reference, expected) in references.iter().zip(expected) {
        assert_eq!(value(&resolution, reference), expected);
    }
}

#[tokio::test]
async fn fields_of_a_json_secret_stand_beside_numbers_and_what_is_not_there_is_named() {
    let moto = Moto::shared().await;
    let json = r#"{"api_key":"k,e\"y","port":8443,"tls":true,"nested":{"a":1}}"#;
    let arn = moto.secret("eu-west-1", "fields", json).await;
    let plain = moto.secret("eu-west-1", "plain", "no json").await;
    let fields = ["api_key", "port", "tls", "absent"].map(|key| format!("{arn}#{key}"));
    let mut references: Vec<&str> = fields.iter().map(String::as_str).collect();
    let (of_plain, gone) = (format!("{plain}#key"), format!("{arn}-gone"));
    references.extend([of_plain.as_str(), plain.as_str(), gone.as_str()]);
    let resolution = resolve(&moto.url(), &references).await;
    assert_eq!(
        ["api_key", "port", "tls"].map(|key| value(&resolution, &format!("{arn}#{key}"))),
        ["k,e\"y", "8443", "true"]
    );
    assert_eq!(value(&resolution, &plain), "no json");
    let problems: Vec<&Problem> = resolution.missing.iter().map(|(_, problem)| problem).collect();
    assert_eq!(problems, [&Problem::NoField("absent".to_owned()), &Problem::NotJson, &Problem::NotFound]);
}

#[tokio::test]
async fn a_parameter_has_versions_and_its_newest_without_one() {
    let moto = Moto::shared().await;
    for value in ["first", "second", "third"] {
        moto.parameter("eu-west-1", "/versions/key", value).await;
    }
    let arn = moto.parameter("eu-west-1", "/versions/key", "fourth").await;
    let flat = moto.parameter("eu-west-1", "flat", "{\"a\":2}").await;
    let asked = [arn.clone(), format!("{arn}:2"), format!("{arn}:9"), format!("{flat}#a"), format!("{arn}-gone")];
    let resolution = resolve(&moto.url(), &asked.each_ref().map(String::as_str)).await;
    assert_eq!([&asked[0], &asked[1], &asked[3]].map(|text| value(&resolution, text)), ["fourth", "second", "2"]);
    let expected = [&asked[2], &asked[4]].map(|text| format!("{text}: not found, compare its ARN"));
    assert_eq!(missing(&resolution), expected);
}

/// A policy that permits GetSecretValue on some secrets and nothing else.
fn only_get(permitted: &'static [&'static str]) -> impl Fn(&Asked) -> Answer {
    move |asked| match asked.target.as_str() {
        "secretsmanager.GetSecretValue" => {
            let arn = asked.body["SecretId"].as_str().unwrap_or_default();
            match permitted.iter().find(|permitted| **permitted == arn) {
                Some(arn) => recorded_aws::secret(arn, "the key"),
                None => recorded_aws::denied("secretsmanager:GetSecretValue", arn),
            }
        }
        _ => recorded_aws::denied("secretsmanager:BatchGetSecretValue", "*"),
    }
}

#[tokio::test]
async fn where_only_single_secrets_may_be_read_they_are_read_one_by_one_and_a_forbidden_one_is_named_with_its_permission()
 {
    const OTHER: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:other-AbCdEf";
    let aws = RecordedAws::start(only_get(&[ARN])).await;
    let resolution = resolve(&aws.url(), &[ARN, OTHER]).await;
    assert_eq!(value(&resolution, ARN), "the key");
    let expected = format!("{OTHER}: access denied, allow the function's role secretsmanager:GetSecretValue on it");
    assert_eq!(missing(&resolution), [expected]);
    let targets: Vec<String> = aws.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(targets[0], "secretsmanager.BatchGetSecretValue");
    assert_eq!(targets[1..], ["secretsmanager.GetSecretValue", "secretsmanager.GetSecretValue"]);
}

#[tokio::test]
async fn a_single_secret_needs_no_permission_for_batches() {
    let aws = RecordedAws::start(only_get(&[ARN])).await;
    assert_eq!(value(&resolve(&aws.url(), &[ARN]).await, ARN), "the key");
    assert_eq!(aws.asked().len(), 1);
}

#[tokio::test]
async fn a_forbidden_parameter_costs_its_neighbours_nothing() {
    let [mine, other] = ["mine", "other"].map(|name| format!("arn:aws:ssm:eu-west-1:123456789012:parameter/{name}"));
    let permitted = mine.clone();
    let aws = RecordedAws::start(move |asked| {
        let names = asked.body["Names"].as_array().cloned().unwrap_or_default();
        match names.iter().find(|name| **name != permitted) {
            Some(name) => recorded_aws::denied("ssm:GetParameters", name.as_str().unwrap_or_default()),
            None => Answer::Json(
                200,
                json!({"Parameters": [{"ARN": permitted, "Name": "mine", "Type": "String", "Value": "v", "Version": 1}]}),
            ),
        }
    })
    .await;
    let resolution = resolve(&aws.url(), &[&mine, &other]).await;
    assert_eq!(value(&resolution, &mine), "v");
    assert_eq!(
        missing(&resolution),
        [format!("{other}: access denied, allow the function's role ssm:GetParameters on it")]
    );
    assert!(aws.asked().iter().all(|asked| asked.body["WithDecryption"] == true));
}

#[tokio::test]
async fn a_key_that_may_not_be_used_is_named() {
    let aws = RecordedAws::start(|_| {
        Answer::Json(400, json!({"__type": "AccessDeniedException", "Message": "Access to KMS is not allowed"}))
    })
    .await;
    let told = missing(&resolve(&aws.url(), &[ARN]).await);
    assert_eq!(told, [format!("{ARN}: access denied, allow the function's role kms:Decrypt on its key")]);
}

#[tokio::test]
async fn nobody_there_a_closed_connection_and_an_odd_answer_are_problems_and_no_secrets() {
    const PARAMETER: &str = "arn:aws:ssm:eu-west-1:123456789012:parameter/p";
    let closing = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closing.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(async move {
        while let Ok((mut stream, _)) = closing.accept().await {
            let _some = stream.read(&mut [0; 64]).await;
        }
    });
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let odd = RecordedAws::start(|_| Answer::Json(200, json!(["odd"]))).await;
    let broken = RecordedAws::start(|_| Answer::Json(500, json!({"__type": "InternalServiceError"}))).await;
    for url in [url, format!("http://{gone}"), odd.url(), broken.url(), "no url at all".to_owned()] {
        let resolution = resolve(&url, &[ARN, PARAMETER]).await;
        assert_eq!((resolution.known.len(), resolution.missing.len()), (0, 2), "{url}: {:?}", resolution.missing);
    }
}

/// A collector that takes logs only from those who have its key.
struct Guarded {
    address: SocketAddr,
    gate: Arc<Gate>,
    _server: JoinSet<()>,
}

struct Gate {
    key: Mutex<String>,
    bodies: Mutex<BTreeSet<String>>,
    turned_away: Mutex<u32>,
}

impl Guarded {
    async fn start(key: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let key = Mutex::new(format!("Bearer {key}"));
        let gate = Arc::new(Gate { key, bodies: Mutex::default(), turned_away: Mutex::default() });
        let service =
            Router::new().route("/v1/logs", post(take)).fallback(|| async { StatusCode::OK }).with_state(gate.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { address, gate, _server: server }
    }

    fn has(&self, line: &str) -> bool {
        self.gate.bodies.lock().unwrap().contains(line)
    }

    fn turned_away(&self) -> u32 {
        *self.gate.turned_away.lock().unwrap()
    }

    fn change_key(&self, key: &str) {
        *self.gate.key.lock().unwrap() = format!("Bearer {key}");
    }
}

async fn take(State(gate): State<Arc<Gate>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let key = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if key != *gate.key.lock().unwrap() {
        *gate.turned_away.lock().unwrap() += 1;
        return StatusCode::UNAUTHORIZED;
    }
    let request = ExportLogsServiceRequest::decode(body).unwrap();
    let records =
        request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs).flat_map(|scope| scope.log_records);
    let texts = records.filter_map(|record| match record.body?.value? {
        Any::StringValue(text) => Some(text),
        _ => None,
    });
    gate.bodies.lock().unwrap().extend(texts);
    StatusCode::OK
}

/// The function with the extension, whose key for `collector` stands behind a reference.
fn behind(collector: SocketAddr, aws: &str, reference: &str) -> Settings {
    attached(sample(Sample::Orders).timeout(GENEROUS).init_timeout(GENEROUS), collector)
        .variable("ROTEL_OTLP_EXPORTER_PROTOCOL", "http")
        .variable("ROTEL_OTLP_EXPORTER_COMPRESSION", "none")
        .variable("ROTEL_OTLP_EXPORTER_CUSTOM_HEADERS", format!("authorization=Bearer ${{{reference}}}"))
        .variable("LAMBDAVIEW_LOG_LEVEL", "debug")
        .variable("AWS_ENDPOINT_URL", aws)
}

async fn succeeds(lambda: &Lambda, event: Value) {
    let invocation = lambda.invoke(event).await;
    assert_eq!(invocation.status, Status::Success, "{}", lambda.transcript());
}

/// Invokes until the collector has the line.
async fn delivered(lambda: &Lambda, collector: &Guarded, line: &str) {
    until(line, GENEROUS, || async {
        succeeds(lambda, json!({"order": 99})).await;
        collector.has(line).then_some(()).ok_or_else(|| lambda.transcript())
    })
    .await;
}

async fn stop(lambda: &Lambda) -> Account {
    let shutdown = lambda.stop().await;
    assert!(shutdown.killed.is_empty(), "{shutdown:?}\n{}", lambda.transcript());
    let ledger = Ledger::last(&lambda.extension_output());
    assert!(ledger.balanced(), "{ledger:?}");
    ledger.of("logs")
}

#[tokio::test]
async fn an_api_key_behind_a_reference_opens_the_collector_and_is_printed_nowhere() {
    let moto = Moto::shared().await;
    let json = r#"{"port":4318,"api_key":"s3cr3t-0f-clickstack"}"#;
    let arn = moto.secret("eu-central-1", "end-to-end", json).await;
    let collector = Guarded::start("s3cr3t-0f-clickstack").await;
    let settings = behind(collector.address, &moto.url(), &format!("{arn}#api_key"));
    let lambda = Lambda::start(settings).await.unwrap();
    succeeds(&lambda, json!({"order": 1, "from": 0, "to": 20})).await;
    delivered(&lambda, &collector, "line 0").await;
    let logs = stop(&lambda).await;
    assert_eq!((logs.dropped, collector.turned_away()), (0, 0), "{}", lambda.transcript());
    assert!((0..20).all(|number| collector.has(&format!("line {number}"))));
    assert!(!lambda.extension_output().contains("s3cr3t"), "{}", lambda.extension_output());
}

#[tokio::test]
async fn a_secrets_endpoint_that_never_answers_holds_neither_the_start_nor_the_function() {
    let aws = RecordedAws::start(|_| Answer::Never).await;
    let collector = Guarded::start("k").await;
    let lambda = Lambda::start(behind(collector.address, &aws.url(), ARN)).await.unwrap();
    for order in 0..4 {
        succeeds(&lambda, json!({"order": order, "from": 0, "to": 10})).await;
    }
    let resets = lambda.events().iter().filter(|event| event.kind == "platform.initStart").count();
    assert_eq!(resets, 1, "no init and no invocation ran into its timeout\n{}", lambda.transcript());
    let logs = stop(&lambda).await;
    assert!(!aws.asked().is_empty(), "it was asked");
    assert_eq!((logs.delivered, logs.reasons.get("shutdown")), (0, Some(&logs.received)), "{logs:?}");
}

#[tokio::test]
async fn what_is_forbidden_is_said_once_and_nothing_is_lost_until_it_is_permitted() {
    let aws = RecordedAws::start(only_get(&[])).await;
    let collector = Guarded::start("the key").await;
    let lambda = Lambda::start(behind(collector.address, &aws.url(), ARN)).await.unwrap();
    until("asked again and again", GENEROUS, || async {
        succeeds(&lambda, json!({"order": 1, "from": 0, "to": 5})).await;
        let asked = aws.asked().len();
        if asked > 2 { Ok(()) } else { Err(format!("{asked} times\n{}", lambda.transcript())) }
    })
    .await;
    let said = lambda.extension_output();
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(ARN)).collect();
    assert!(lines.len() == 1 && lines[0].contains("secretsmanager:GetSecretValue"), "{lines:#?}");
    aws.now(only_get(&[ARN]));
    delivered(&lambda, &collector, "line 4").await;
    let logs = stop(&lambda).await;
    assert_eq!((logs.dropped, collector.turned_away()), (0, 0), "{}", lambda.transcript());
}

#[tokio::test]
async fn the_containers_credentials_sign_when_the_function_has_no_others() {
    let aws = RecordedAws::start(|asked| match asked.target.as_str() {
        "/2021-04-23/credentials" if asked.authorization == "token" => Answer::Json(
            200,
            json!({"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "x", "Token": "y", "Expiration": "2036-01-01T00:00:00Z"}),
        ),
        _ => recorded_aws::secret(ARN, "k"),
    })
    .await;
    let collector = Guarded::start("k").await;
    let settings = behind(collector.address, &aws.url(), ARN)
        .variable("AWS_ACCESS_KEY_ID", "")
        .variable("AWS_SECRET_ACCESS_KEY", "")
        .variable("AWS_SESSION_TOKEN", "")
        .variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/2021-04-23/credentials", aws.url()))
        .variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "token");
    let lambda = Lambda::start(settings).await.unwrap();
    succeeds(&lambda, json!({"order": 1, "from": 0, "to": 2})).await;
    delivered(&lambda, &collector, "line 1").await;
    assert_eq!(stop(&lambda).await.dropped, 0);
    let asked = aws.asked();
    let signed = asked.iter().find(|asked| asked.target == "secretsmanager.GetSecretValue").unwrap();
    assert!(signed.authorization.contains("Credential=ASIACONTAINER/"), "{signed:?}");
    assert!(signed.authorization.contains("/eu-west-1/secretsmanager/"), "{signed:?}");
}

#[tokio::test]
async fn a_key_that_is_rotated_while_the_function_runs_is_fetched_anew_and_nothing_is_lost() {
    let moto = Moto::shared().await;
    let arn = moto.secret("eu-central-1", "rotated", "old").await;
    let collector = Guarded::start("old").await;
    let lambda = Lambda::start(behind(collector.address, &moto.url(), &arn)).await.unwrap();
    succeeds(&lambda, json!({"order": 1, "from": 0, "to": 2})).await;
    delivered(&lambda, &collector, "line 1").await;
    moto.rotate("eu-central-1", &arn, "new").await;
    collector.change_key("new");
    succeeds(&lambda, json!({"order": 2, "from": 2, "to": 20})).await;
    delivered(&lambda, &collector, "line 19").await;
    let logs = stop(&lambda).await;
    assert_eq!((logs.dropped, collector.turned_away()), (0, 1), "{}", lambda.transcript());
    assert!((0..20).all(|number| collector.has(&format!("line {number}"))));
    let said = lambda.extension_output();
    assert_eq!(said.matches("secrets are fetched anew").count(), 1, "{said}");
}

#[tokio::test]
async fn a_key_that_stays_wrong_is_fetched_once_more_and_what_it_does_not_open_is_counted() {
    let aws = RecordedAws::start(only_get(&[ARN])).await;
    let collector = Guarded::start("another key").await;
    let lambda = Lambda::start(behind(collector.address, &aws.url(), ARN)).await.unwrap();
    until("a line that was given up", GENEROUS, || async {
        succeeds(&lambda, json!({"order": 1, "from": 0, "to": 5})).await;
        let away = collector.turned_away();
        if away > 3 { Ok(()) } else { Err(format!("turned away {away} times\n{}", lambda.transcript())) }
    })
    .await;
    let logs = stop(&lambda).await;
    assert_eq!((logs.delivered, logs.reasons.get("refused")), (0, Some(&logs.dropped)), "{logs:?}");
    assert_eq!(aws.asked().len(), 2, "once at the start, once because it was denied");
}

#[tokio::test]
async fn after_a_restore_secrets_are_fetched_anew() {
    let moto = Moto::shared().await;
    let arn = moto.parameter("eu-west-1", "/restored/key", "old").await;
    let collector = Guarded::start("old").await;
    let lambda = Lambda::start(behind(collector.address, &moto.url(), &arn)).await.unwrap();
    succeeds(&lambda, json!({"order": 1, "from": 0, "to": 2})).await;
    delivered(&lambda, &collector, "line 1").await;
    moto.parameter("eu-west-1", "/restored/key", "new").await;
    collector.change_key("new");
    lambda.inject("platform.restoreStart", json!({"functionName": "orders", "functionVersion": "1"}));
    succeeds(&lambda, json!({"order": 2, "from": 2, "to": 4})).await;
    delivered(&lambda, &collector, "line 3").await;
    let logs = stop(&lambda).await;
    assert_eq!((logs.dropped, collector.turned_away()), (0, 0), "{}", lambda.transcript());
}
