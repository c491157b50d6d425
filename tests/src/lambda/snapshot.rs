//! SnapStart: what was initialised once goes on, much later, as another environment.
//!
//! Everything that is left of the time before is what the processes have in their memory. Their connections to elsewhere are
//! dead, the credentials of then are not those of now, and the platform may tell of the init once more.

use super::{
    answer::{accepted, with_headers},
    environment::Environment,
    event::{Event, stamp},
    lifecycle::millis,
    settings::Mode,
};
use crate::until::ended;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::Utc;
use nix::sys::signal::Signal;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const CREDENTIALS: &str = "/2021-04-23/credentials";
const TOKEN: &str = "Basic c25hcHN0YXJ0";

type Shared = State<Arc<Environment>>;

pub(super) fn routes() -> Router<Arc<Environment>> {
    Router::new()
        .route("/2018-06-01/runtime/restore/next", get(await_restore))
        .route("/2018-06-01/runtime/restore/error", post(|| async { accepted() }))
        .route(CREDENTIALS, get(credentials))
}

impl Environment {
    /// Where a process gets the function's credentials: its environment, or an endpoint that knows fresh ones.
    pub(super) fn credentials(&self) -> Vec<(&'static str, String)> {
        if self.settings.mode == Mode::SnapStart {
            return vec![
                ("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("http://{}{CREDENTIALS}", self.address)),
                ("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN.to_owned()),
            ];
        }
        vec![
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "example".to_owned()),
            ("AWS_SESSION_TOKEN", "example".to_owned()),
        ]
    }

    /// Stops everything, lets time pass, and goes on as another environment; gives how long the restoring took.
    pub(super) async fn restore(&self, asleep: Duration) -> Duration {
        self.set_frozen(true);
        self.processes().iter().for_each(|process| process.signal(Signal::SIGSTOP));
        tokio::time::sleep(asleep).await;
        let (init, began) = (self.events_of_init(), Instant::now());
        self.rename();
        self.thaw();
        init.into_iter().filter(|event| event.kind.starts_with("platform.init")).for_each(|event| self.emit(event));
        self.emit(Event::platform(Utc::now(), "platform.restoreStart", self.described()));
        self.change(|state| state.runtime.awaits_restore = false);
        let failed = ended("the restored runtime", self.runtime_ready()).await.err();
        let mut done = json!({ "status": failed.as_ref().map_or("success", |fault| fault.status) });
        if let Some(fault) = failed {
            done["errorType"] = json!(fault.error_type);
        }
        self.emit(Event::platform(Utc::now(), "platform.restoreRuntimeDone", done.clone()));
        let took = began.elapsed();
        done["metrics"] = json!({ "durationMs": millis(took) });
        self.emit(Event::platform(Utc::now(), "platform.restoreReport", done));
        took
    }

    fn described(&self) -> serde_json::Value {
        json!({
            "functionName": self.settings.name,
            "functionVersion": self.settings.version,
            "instanceId": self.log_stream(),
            "instanceMaxMemory": u64::from(self.settings.memory_mb) << 20,
            "runtimeVersion": "python:3.11.v30",
        })
    }
}

/// The runtime is ready for its snapshot; the answer comes when it has been restored.
async fn await_restore(State(environment): Shared) -> Response {
    environment.change(|state| state.runtime.awaits_restore = true);
    environment.when(|state| (!state.runtime.awaits_restore).then_some(())).await;
    StatusCode::OK.into_response()
}

/// Credentials that say in their own key which environment they are of.
async fn credentials(State(environment): Shared, headers: HeaderMap) -> Response {
    if headers.get(header::AUTHORIZATION).is_none_or(|token| token != TOKEN) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let stream = environment.log_stream();
    let body = json!({
        "AccessKeyId": format!("ASIA{}", stream[stream.len() - 8..].to_uppercase()),
        "SecretAccessKey": "example",
        "Token": "example",
        "Expiration": stamp(Utc::now() + Duration::from_secs(3600)),
    });
    with_headers(body.to_string(), vec![(header::CONTENT_TYPE, "application/json".to_owned())])
}
