//! The platform's answers to right and wrong requests: the documented matrix, held against our platform and against AWS's
//! own emulator in both its modes.

use http::Method;
use lambdaview_tests::{
    function::Sample,
    lambda::{Lambda, Mode, Settings, Status},
    machine,
    rie::{Rie, Rig},
    until::{GENEROUS, ended, until},
    wire::{Reply, poll, send},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, future::Future, net::SocketAddr, path::PathBuf};
use tempfile::TempDir;
use tokio::task::JoinSet;

const REGISTER: &str = "/2020-01-01/extension/register";
const NEXT: &str = "/2020-01-01/extension/event/next";
const INIT_ERROR: &str = "/2020-01-01/extension/init/error";
const TELEMETRY: &str = "/2022-07-01/telemetry";
const LOGS: &str = "/2020-08-15/logs";
const ID: &str = "lambda-extension-identifier";
const STRANGER: &str = "d885070d-ab6e-4b37-bc12-5f00f0db7224";

/// Status and error type of every answer, under the name of its case.
type Answers = BTreeMap<&'static str, (u16, String)>;

/// A test that speaks in the names of the two extensions `one` and `other`, whose processes do nothing.
struct Voice {
    api: SocketAddr,
    answers: Answers,
    /// Calls of `next` that are still open; they end with the test.
    open: JoinSet<Result<Reply, String>>,
}

impl Voice {
    async fn of(api: SocketAddr) -> Self {
        until("extensions may register", GENEROUS, || async {
            let reply = send(api, Method::POST, REGISTER, &[], "{}").await?;
            if reply.status == 403 { Ok(()) } else { Err(reply.text()) }
        })
        .await;
        Self { api, answers: Answers::new(), open: JoinSet::new() }
    }

    async fn case(&mut self, case: &'static str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let method = match path {
            NEXT => Method::GET,
            TELEMETRY | LOGS => Method::PUT,
            _ => Method::POST,
        };
        let headers: Vec<_> =
            [("content-type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
        let reply = send(self.api, method, path, &headers, body).await.expect("the platform answers");
        self.answers.insert(case, (reply.status.as_u16(), error_type(&reply)));
        reply
    }

    async fn register(&mut self, case: &'static str, name: &str, events: &[&str]) -> Reply {
        let headers = [("lambda-extension-name", name), ("lambda-extension-accept-feature", "accountId")];
        self.case(case, REGISTER, &headers, &json!({ "events": events }).to_string()).await
    }

    async fn subscribe(&mut self, case: &'static str, me: &str, change: impl FnOnce(&mut Value)) -> Reply {
        let mut body = json!({
            "schemaVersion": "2025-01-29",
            "types": ["platform", "function", "extension"],
            "buffering": {"maxItems": 1000, "maxBytes": 262_144, "timeoutMs": 25},
            "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:4243"},
        });
        change(&mut body);
        self.case(case, TELEMETRY, &[(ID, me)], &body.to_string()).await
    }

    fn next(&mut self, me: &str) {
        let (api, me) = (self.api, me.to_owned());
        self.open.spawn(async move { poll(api, Method::GET, NEXT, &[(ID, &me)], "").await });
    }

    async fn first_answer(&mut self) -> Reply {
        ended("an answer to a call of `next`", self.open.join_next())
            .await
            .expect("a call is open")
            .expect("the call does not panic")
            .expect("the platform answers")
    }

    /// What goes wrong before init is over; gives the identifiers of both extensions.
    async fn before_init_is_over(&mut self, events: &[&str]) -> [String; 2] {
        self.case("register without name", REGISTER, &[], "{\"events\":[]}").await;
        self.case("register with bad JSON", REGISTER, &[("lambda-extension-name", "one")], "{").await;
        self.register("register an unknown name for SHUTDOWN", "stranger", &["SHUTDOWN"]).await;
        self.register("register for an unknown event", "one", &["FOO"]).await;
        let one = id(&self.register("register", "one", events).await);
        let other = id(&self.register("register the other", "other", events).await);
        self.register("register twice", "one", events).await;
        self.case("next without identifier", NEXT, &[], "").await;
        self.case("next with an identifier that is no uuid", NEXT, &[(ID, "me")], "").await;
        self.case("next with an unknown identifier", NEXT, &[(ID, STRANGER)], "").await;
        self.case("init error without type", INIT_ERROR, &[(ID, &one)], "").await;
        [one, other]
    }

    /// Two calls of `next` at once: the second is refused, the first stays open.
    async fn two_at_once(&mut self, me: &str) {
        self.next(me);
        self.next(me);
        let refused = self.first_answer().await;
        self.answers.insert("next twice at once", (refused.status.as_u16(), error_type(&refused)));
    }

    async fn after_init(&mut self, events: &[&str]) {
        self.register("register after init", "latecomer", events).await;
        let unknown = format!("/2018-06-01/runtime/invocation/{STRANGER}/response");
        self.case("answer an unknown request", &unknown, &[], "{}").await;
        self.case("init error of the runtime after init", "/2018-06-01/runtime/init/error", &[], "{}").await;
    }
}

/// The error type in an answer's text: AWS's emulator does not escape the quotes in its messages, so it may be no JSON.
fn error_type(reply: &Reply) -> String {
    let text = reply.text();
    let after = text.split_once("\"errorType\"").map(|(_, after)| after);
    after.and_then(|after| after.split('"').nth(1)).unwrap_or_default().to_owned()
}

fn id(reply: &Reply) -> String {
    reply.header(ID).unwrap_or_else(|| panic!("a registration answers with an identifier: {}", reply.text())).to_owned()
}

/// One invocation at a time: `work` starts init where that is not eager, and invokes.
async fn on_demand(api: SocketAddr, work: impl Future<Output = ()>) -> Answers {
    let walk = async {
        let mut voice = Voice::of(api).await;
        let [one, other] = voice.before_init_is_over(&["INVOKE", "SHUTDOWN"]).await;
        voice.two_at_once(&one).await;
        voice.next(&other);
        for _ in 0..2 {
            let invoke = voice.first_answer().await.json();
            assert_eq!(invoke["eventType"], "INVOKE");
            assert!(
                invoke["requestId"].is_string()
                    && invoke["deadlineMs"].is_i64()
                    && invoke["invokedFunctionArn"].is_string(),
                "{invoke}"
            );
        }
        voice.after_init(&["INVOKE"]).await;
        voice.next(&one);
        voice.next(&other);
        voice
    };
    let (voice, ()) = tokio::join!(walk, work);
    voice.answers
}

/// Managed Instances: `work` begins what is needed for `invoke` to work.
async fn managed(api: SocketAddr, work: impl Future<Output = ()>, invoke: impl Future<Output = ()>) -> Answers {
    let walk = async {
        let mut voice = Voice::of(api).await;
        voice.register("register for INVOKE", "one", &["INVOKE"]).await;
        let [one, other] = voice.before_init_is_over(&["SHUTDOWN"]).await;
        voice.case("subscribe without identifier", TELEMETRY, &[], "{}").await;
        voice.subscribe("subscribe with an unknown identifier", STRANGER, |_| ()).await;
        voice
            .subscribe("subscribe with an older schema", &one, |body| {
                body["schemaVersion"] = json!("2022-12-13");
            })
            .await;
        voice
            .subscribe("subscribe to a foreign host", &one, |body| {
                body["destination"]["URI"] = json!("http://example.com:4243");
            })
            .await;
        voice
            .subscribe("subscribe to nothing", &one, |body| {
                body["types"] = json!([]);
            })
            .await;
        voice
            .subscribe("subscribe to what is unknown", &one, |body| {
                body["types"] = json!(["weather"]);
            })
            .await;
        voice
            .subscribe("subscribe with too small a buffer", &one, |body| {
                body["buffering"]["maxItems"] = json!(999);
            })
            .await;
        voice
            .subscribe("subscribe with too short a timeout", &one, |body| {
                body["buffering"]["timeoutMs"] = json!(24);
            })
            .await;
        voice.case("subscribe to the Logs API", LOGS, &[(ID, &one)], "{}").await;
        voice.two_at_once(&one).await;
        voice.next(&other);
        voice.open.spawn(std::future::pending());
        (voice, one)
    };
    let ((mut voice, one), ()) = tokio::join!(walk, work);
    invoke.await;
    voice.after_init(&[]).await;
    voice.subscribe("subscribe after init", &one, |_| ()).await;
    voice.answers
}

fn idle() -> PathBuf {
    machine::fixtures().join("extensions/idle")
}

/// Our platform, with the two extensions; it can be prepared without beginning.
async fn ours(mode: Mode) -> (Lambda, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut settings =
        Settings::new("myfn", Sample::Orders.program().unwrap()).mode(mode).timeout(GENEROUS).init_timeout(GENEROUS);
    for name in ["one", "other"] {
        let path = folder.path().join(name);
        std::fs::copy(idle(), &path).unwrap();
        settings = settings.extension(path);
    }
    (Lambda::prepare(settings).await.unwrap(), folder)
}

async fn ours_on_demand() -> Answers {
    let (lambda, _extensions) = ours(Mode::OnDemand).await;
    let work = async {
        lambda.initialise().await;
        assert_eq!(lambda.invoke(json!({})).await.status, Status::Success, "{}", lambda.transcript());
    };
    on_demand(lambda.address(), work).await
}

async fn ours_managed() -> Answers {
    let (lambda, _extensions) = ours(Mode::ManagedInstances { concurrency: 2 }).await;
    let invoke =
        async { assert_eq!(lambda.invoke(json!({})).await.status, Status::Success, "{}", lambda.transcript()) };
    managed(lambda.address(), lambda.initialise(), invoke).await
}

fn expected(rows: &[(&'static str, u16, &str)]) -> Answers {
    rows.iter().map(|(case, status, error_type)| (*case, (*status, (*error_type).to_owned()))).collect()
}

const ALWAYS: &[(&str, u16, &str)] = &[
    ("register without name", 403, "Extension.InvalidExtensionName"),
    ("register with bad JSON", 403, "InvalidRequestFormat"),
    ("register an unknown name for SHUTDOWN", 403, "Extension.InvalidEventType"),
    ("register for an unknown event", 403, "Extension.InvalidEventType"),
    ("register", 200, ""),
    ("register the other", 200, ""),
    ("register twice", 403, "Extension.InvalidExtensionState"),
    ("next without identifier", 403, "Extension.MissingExtensionIdentifier"),
    ("next with an identifier that is no uuid", 403, "Extension.InvalidExtensionIdentifier"),
    ("next with an unknown identifier", 403, "Extension.UnknownExtensionIdentifier"),
    ("next twice at once", 403, "Extension.InvalidExtensionState"),
    ("init error without type", 403, "Extension.MissingHeader"),
    ("register after init", 403, "Extension.RegistrationClosed"),
    ("answer an unknown request", 400, "InvalidRequestID"),
];

const ON_DEMAND: &[(&str, u16, &str)] = &[("init error of the runtime after init", 403, "InvalidStateTransition")];

const MANAGED: &[(&str, u16, &str)] = &[
    ("register for INVOKE", 403, "Extension.InvalidEventType"),
    ("subscribe without identifier", 403, "Extension.MissingExtensionIdentifier"),
    ("subscribe with an unknown identifier", 403, "Extension.UnknownExtensionIdentifier"),
    ("subscribe with an older schema", 400, "ValidationError"),
    ("subscribe to a foreign host", 400, "ValidationError"),
    ("subscribe to nothing", 400, "ValidationError"),
    ("subscribe to what is unknown", 400, "ValidationError"),
    ("subscribe with too small a buffer", 400, "ValidationError"),
    ("subscribe with too short a timeout", 400, "ValidationError"),
    ("subscribe to the Logs API", 404, ""),
    ("subscribe after init", 403, "Telemetry.SubscriptionClosed"),
    ("init error of the runtime after init", 202, ""),
];

#[tokio::test]
async fn our_platform_answers_as_the_matrix_says_on_demand() {
    assert_eq!(ours_on_demand().await, expected(&[ALWAYS, ON_DEMAND].concat()));
}

#[tokio::test]
async fn our_platform_answers_as_the_matrix_says_on_managed_instances() {
    assert_eq!(ours_managed().await, expected(&[ALWAYS, MANAGED].concat()));
}

fn rig(managed: Option<usize>) -> Rig {
    let named = |name: &str| (name.to_owned(), idle());
    Rig {
        managed,
        extensions: vec![named("one"), named("other")],
        task: machine::functions(),
        handler: "orders.handler".to_owned(),
        variables: Vec::new(),
    }
}

#[tokio::test]
async fn our_platform_answers_as_awss_emulator_does_on_demand() {
    let rie = match Rie::start(&rig(None)).await {
        Ok(rie) => rie,
        Err(why) => return machine::skipped("our_platform_answers_as_awss_emulator_does_on_demand", &why),
    };
    let work = async {
        let reply = rie.invoke(&[], "{}").await.unwrap();
        assert_eq!(reply.status, 200, "{}\n{}", reply.text(), rie.output());
    };
    assert_eq!(on_demand(rie.api, work).await, ours_on_demand().await, "left is AWS's, right is ours");
}

#[tokio::test]
async fn our_platform_answers_as_awss_emulator_does_on_managed_instances() {
    let rie = match Rie::start(&rig(Some(2))).await {
        Ok(rie) => rie,
        Err(why) => return machine::skipped("our_platform_answers_as_awss_emulator_does_on_managed_instances", &why),
    };
    let invoke = async {
        let reply = rie.invoke(&[], "{}").await.unwrap();
        assert_eq!(reply.status, 200, "{}\n{}", reply.text(), rie.output());
    };
    assert_eq!(managed(rie.api, async {}, invoke).await, ours_managed().await, "left is AWS's, right is ours");
}
