//! An extension that keeps what it is told: the test's own voice before a process that does nothing.

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use http::Method;
use lambdaview_tests::{
    lambda::{Lambda, Settings},
    machine,
    until::{GENEROUS, until},
    wire::{Reply, poll, send},
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

const NAME: &str = "recorder";
const EVENTS: &[&str] = &["INVOKE", "SHUTDOWN"];

/// What the extension has been told.
#[derive(Debug, Default)]
struct Told {
    /// Batches of telemetry that it took.
    taken: Mutex<Vec<Vec<Value>>>,
    /// Batches that it refused.
    refused: Mutex<Vec<Vec<Value>>>,
    /// Events of the Extensions API.
    events: Mutex<Vec<Value>>,
    /// How many of the next batches it will refuse.
    refusals: AtomicU32,
}

/// A world with a function and the recording extension. Its tasks end with it.
pub(crate) struct Recorder {
    /// The platform.
    pub(crate) lambda: Lambda,
    told: Arc<Told>,
    _voice: Voice,
    _folder: TempDir,
}

/// The recording extension alone, on whatever platform answers at an address.
pub(crate) struct Voice {
    told: Arc<Told>,
    _tasks: JoinSet<()>,
}

impl Voice {
    /// Lives on the platform at `api` under the name of the extension `recorder`, asking for these events.
    pub(crate) async fn at(api: SocketAddr, events: &'static [&'static str]) -> Self {
        Self::with(api, events, None).await
    }

    /// The same, with its telemetry going elsewhere if `destination` says so.
    async fn with(api: SocketAddr, events: &'static [&'static str], destination: Option<Value>) -> Self {
        let told = Arc::new(Told::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let service = Router::new().route("/", post(take)).with_state(told.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, service).await.unwrap() });
        let live = told.clone();
        let here = json!({"protocol": "HTTP", "URI": format!("http://sandbox.localdomain:{port}")});
        let destination = destination.unwrap_or(here);
        tasks.spawn(async move { live_for_ever(api, &destination, events, &live).await });
        Self { told, _tasks: tasks }
    }

    /// Every telemetry event that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.told.taken.lock().unwrap().concat()
    }
}

impl Recorder {
    /// Starts the function with the extension beside it.
    pub(crate) async fn beside(settings: Settings) -> Self {
        Self::start(settings, None).await
    }

    /// The same, with its telemetry going to `destination` instead of being recorded.
    pub(crate) async fn subscribed_to(destination: Value, settings: Settings) -> Self {
        Self::start(settings, Some(destination)).await
    }

    async fn start(settings: Settings, destination: Option<Value>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let executable = folder.path().join(NAME);
        std::fs::copy(machine::fixtures().join("extensions/idle"), &executable).unwrap();
        let lambda = Lambda::prepare(settings.extension(executable)).await.unwrap();
        let voice = Voice::with(lambda.address(), EVENTS, destination).await;
        lambda.initialise().await;
        Self { lambda, told: voice.told.clone(), _voice: voice, _folder: folder }
    }

    /// Refuses the next `count` batches of telemetry.
    pub(crate) fn refuse(&self, count: u32) {
        self.told.refusals.store(count, Ordering::SeqCst);
    }

    /// Every telemetry event that was taken, in order.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.told.taken.lock().unwrap().concat()
    }

    /// The batches that were taken and those that were refused.
    pub(crate) fn batches(&self) -> (Vec<Vec<Value>>, Vec<Vec<Value>>) {
        (self.told.taken.lock().unwrap().clone(), self.told.refused.lock().unwrap().clone())
    }

    /// The taken telemetry events of one type.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<Value> {
        self.taken().into_iter().filter(|event| event["type"] == kind).map(|event| event["record"].clone()).collect()
    }

    /// Whether a telemetry event of this type about this request has been taken.
    pub(crate) fn has(&self, kind: &str, request_id: &str) -> bool {
        self.of_type(kind).iter().any(|record| record["requestId"] == request_id)
    }

    /// The events of the Extensions API.
    pub(crate) fn told(&self) -> Vec<Value> {
        self.told.events.lock().unwrap().clone()
    }

    /// Waits until a telemetry event of this type has come that `wanted` accepts.
    pub(crate) async fn until(&self, kind: &str, wanted: impl Fn(&Value) -> bool) {
        until(kind, GENEROUS, || async {
            self.of_type(kind).iter().any(&wanted).then_some(()).ok_or_else(|| self.lambda.transcript())
        })
        .await;
    }
}

async fn take(State(told): State<Arc<Told>>, Json(batch): Json<Vec<Value>>) -> StatusCode {
    let refused = told.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
    let kept = if refused { &told.refused } else { &told.taken };
    kept.lock().unwrap().push(batch);
    if refused { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

/// Registers whenever the platform starts the extension, subscribes, and takes every event.
async fn live_for_ever(api: SocketAddr, destination: &Value, events: &[&str], told: &Told) {
    loop {
        let id = until("the extension is started", GENEROUS * 10, || async {
            let body = json!({ "events": events }).to_string();
            let reply =
                send(api, Method::POST, "/2020-01-01/extension/register", &[("lambda-extension-name", NAME)], &body)
                    .await?;
            reply.header("lambda-extension-identifier").map(str::to_owned).ok_or_else(|| reply.text())
        })
        .await;
        subscribe(api, destination, &id).await;
        loop {
            let Ok(event) = next(api, &id).await else { break };
            let last = event["eventType"] == "SHUTDOWN";
            told.events.lock().unwrap().push(event);
            if last {
                break;
            }
        }
    }
}

async fn subscribe(api: SocketAddr, destination: &Value, id: &str) -> Reply {
    let body = json!({
        "schemaVersion": "2025-01-29",
        "types": ["platform", "function", "extension"],
        "buffering": {"maxItems": 1000, "maxBytes": 262_144, "timeoutMs": 25},
        "destination": destination,
    });
    let headers = [("lambda-extension-identifier", id)];
    let reply = send(api, Method::PUT, "/2022-07-01/telemetry", &headers, &body.to_string()).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

async fn next(api: SocketAddr, id: &str) -> Result<Value, String> {
    let reply =
        poll(api, Method::GET, "/2020-01-01/extension/event/next", &[("lambda-extension-identifier", id)], "").await?;
    if reply.status == 200 { Ok(reply.json()) } else { Err(reply.text()) }
}
