//! How the platform words its answers: `{"status":"OK"}`, and refusals with an error type.

use axum::{
    body::Body,
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A request that the platform does not grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error_type: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn forbidden(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, error_type, message: message.into() }
    }

    pub(super) fn bad(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error_type, message: message.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "errorMessage": self.message, "errorType": self.error_type });
        json_response(self.status, &body.to_string())
    }
}

/// A JSON answer.
pub(super) fn json_response(status: StatusCode, body: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_owned()).into_response()
}

/// `202 {"status":"OK"}`, the answer to a response and to an error report.
pub(super) fn accepted() -> Response {
    json_response(StatusCode::ACCEPTED, "{\"status\":\"OK\"}")
}

/// An answer with headers.
pub(super) fn with_headers(body: impl Into<Body>, headers: Vec<(HeaderName, String)>) -> Response {
    let mut response = Response::new(body.into());
    for (name, value) in headers {
        let value = value.parse().expect("the platform's header values are visible ASCII");
        response.headers_mut().insert(name, value);
    }
    response
}
