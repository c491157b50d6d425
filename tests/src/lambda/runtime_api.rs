//! The Runtime API: what the function's process asks and answers.

use super::{
    answer::{Refusal, accepted, with_headers},
    environment::Environment,
    state::{Job, Phase, Response},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, HeaderName, header},
    response,
    routing::{get, post},
};
use http_body_util::BodyExt;
use serde_json::Value;
use std::{sync::Arc, time::Instant};

type Shared = State<Arc<Environment>>;

pub(super) fn routes() -> Router<Arc<Environment>> {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(respond))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(fail))
        .route("/2018-06-01/runtime/init/error", post(init_error))
}

/// Counts a waiting call for as long as its connection lives.
struct Waiting(Arc<Environment>);

impl Waiting {
    fn begin(environment: &Arc<Environment>) -> Self {
        environment.change(|state| {
            let now = Instant::now();
            for request in state.runtime.in_flight.values_mut().filter(|request| request.response.is_some()) {
                request.done.get_or_insert(now);
            }
            state.runtime.waiting += 1;
        });
        Self(environment.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.change(|state| state.runtime.waiting = state.runtime.waiting.saturating_sub(1));
    }
}

async fn next(State(environment): Shared) -> response::Response {
    let _waiting = Waiting::begin(&environment);
    let job = environment
        .when(|state| {
            let job = state.runtime.jobs.pop_front()?;
            state.runtime.in_flight.entry(job.request_id.clone()).or_default();
            Some(job)
        })
        .await;
    invocation(&environment, job)
}

fn invocation(environment: &Environment, job: Job) -> response::Response {
    let name = HeaderName::from_static;
    let mut headers = vec![
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (name("lambda-runtime-aws-request-id"), job.request_id),
        (name("lambda-runtime-deadline-ms"), job.deadline_ms.to_string()),
        (name("lambda-runtime-invoked-function-arn"), environment.settings.arn()),
        (name("lambda-runtime-trace-id"), job.trace),
    ];
    headers.extend(job.tenant.map(|tenant| (name("lambda-runtime-aws-tenant-id"), tenant)));
    with_headers(job.payload, headers)
}

async fn respond(environment: Shared, Path(id): Path<String>, body: Body) -> Result<response::Response, Refusal> {
    answer(environment, &id, None, body).await
}

async fn fail(
    environment: Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<response::Response, Refusal> {
    let error_type = error_type(&headers).unwrap_or_else(|| "Unhandled".to_owned());
    answer(environment, &id, Some(error_type), body).await
}

fn error_type(headers: &HeaderMap) -> Option<String> {
    headers.get("lambda-runtime-function-error-type").and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn answer(
    State(environment): Shared,
    id: &str,
    error_type: Option<String>,
    body: Body,
) -> Result<response::Response, Refusal> {
    let began = Instant::now();
    let body = whole(body).await?;
    environment.change(|state| {
        let request = state.runtime.in_flight.get_mut(id).filter(|request| request.response.is_none());
        let request = request.ok_or_else(|| Refusal::bad("InvalidRequestID", "Invalid request ID"))?;
        request.response = Some(Response { body, error_type, began, ended: Instant::now() });
        Ok(accepted())
    })
}

async fn whole(body: Body) -> Result<Bytes, Refusal> {
    let read = body.collect().await.map_err(|_| Refusal::bad("InvalidRequest", "the body could not be read"))?;
    Ok(read.to_bytes())
}

async fn init_error(
    State(environment): Shared,
    headers: HeaderMap,
    body: Bytes,
) -> Result<response::Response, Refusal> {
    let error_type = error_type(&headers).unwrap_or_else(|| "Runtime.Unknown".to_owned());
    environment.change(|state| {
        // With several runtimes in one environment another may have failed first, or served already.
        if state.managed && state.phase == Phase::Serving {
            return Ok(accepted());
        }
        if state.phase != Phase::Init || state.runtime.init_error.is_some() {
            return Err(Refusal::forbidden("InvalidStateTransition", "State transition is not allowed"));
        }
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        state.runtime.init_error = Some((error_type, body));
        Ok(accepted())
    })
}
