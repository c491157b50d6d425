//! The Extensions API: register, wait for events, report errors.

use super::{
    answer::{Refusal, accepted, with_headers},
    environment::Environment,
    identity::uuid,
    state::Step,
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, header},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;
use std::{sync::Arc, time::Instant};

type Shared = State<Arc<Environment>>;

pub(super) const IDENTIFIER: &str = "lambda-extension-identifier";

pub(super) fn routes() -> Router<Arc<Environment>> {
    Router::new()
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(next))
        .route("/2020-01-01/extension/init/error", post(init_error))
        .route("/2020-01-01/extension/exit/error", post(exit_error))
}

#[derive(Deserialize)]
struct Registration {
    #[serde(default)]
    events: Vec<String>,
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn register(State(environment): Shared, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let name = text(&headers, "lambda-extension-name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::forbidden("Extension.InvalidExtensionName", "Empty extension name"))?;
    let asked: Registration =
        serde_json::from_slice(&body).map_err(|error| Refusal::forbidden("InvalidRequestFormat", error.to_string()))?;
    let id = environment
        .change(|state| state.register(name, &asked.events, Instant::now()).map(|extension| extension.id.clone()))?;
    let settings = &environment.settings;
    let mut answer = json!({
        "functionName": settings.name,
        "functionVersion": settings.version,
        "handler": settings.program.handler,
    });
    if text(&headers, "lambda-extension-accept-feature")
        .is_some_and(|features| features.split(',').any(|f| f.trim() == "accountId"))
    {
        answer["accountId"] = json!(settings.account);
    }
    let json = (header::CONTENT_TYPE, "application/json".to_owned());
    Ok(with_headers(answer.to_string(), vec![json, (HeaderName::from_static(IDENTIFIER), id)]))
}

async fn next(State(environment): Shared, headers: HeaderMap) -> Result<Response, Refusal> {
    let id = text(&headers, IDENTIFIER);
    environment.change(|state| state.next(id, Instant::now()))?;
    let id = id.expect("an extension was found by it");
    let event = environment.when(|state| state.take_event(id)).await;
    // AWS labels a SHUTDOWN as plain text; who reads the label instead of the body finds out here.
    let label = if event["eventType"] == "SHUTDOWN" { "text/plain" } else { "application/json" };
    let event_id = (HeaderName::from_static("lambda-extension-event-identifier"), uuid());
    Ok(with_headers(event.to_string(), vec![(header::CONTENT_TYPE, label.to_owned()), event_id]))
}

async fn init_error(environment: Shared, headers: HeaderMap) -> Result<Response, Refusal> {
    report(environment, &headers, Step::InitError)
}

async fn exit_error(environment: Shared, headers: HeaderMap) -> Result<Response, Refusal> {
    report(environment, &headers, Step::ExitError)
}

fn report(State(environment): Shared, headers: &HeaderMap, step: Step) -> Result<Response, Refusal> {
    let error_type = text(headers, "lambda-extension-function-error-type");
    environment.change(|state| state.report_error(text(headers, IDENTIFIER), step, error_type))?;
    Ok(accepted())
}
