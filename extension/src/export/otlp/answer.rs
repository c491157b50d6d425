//! What a backend's answer means: pure, from status, headers and body to an [`Outcome`].

use super::transport::Answer;
use crate::{
    export::retry::{self, Verdict},
    flow::{Outcome, UnixNanos},
    rpc,
};
use bytes::Buf;
use http::{StatusCode, header};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use serde_json::Value;
use tonic::Code;

/// The longest piece of a backend's words that is passed on.
const MAX_WORDS: usize = 300;

/// What an answer to OTLP/gRPC means.
pub(super) fn of_grpc(answer: &Answer) -> Outcome {
    let trailers = answer.trailers.as_ref().unwrap_or(&answer.headers);
    let status = tonic::Status::from_header_map(trailers).or_else(|| tonic::Status::from_header_map(&answer.headers));
    match status {
        Some(status) if status.code() == Code::Ok => delivered(framed(&answer.body).unwrap_or_default()),
        Some(status) => {
            let why = with_words(code_name(status.code()), status.message());
            outcome(retry::grpc(status.code(), status.details()), why)
        }
        None => outcome(retry::http(answer.status, None, 0), format!("status {} and no gRPC answer", answer.status)),
    }
}

/// The message in gRPC's frame: a flag, four bytes of length, the message. Compressed ones were not asked for.
fn framed(mut body: &[u8]) -> Option<ExportLogsServiceResponse> {
    if body.len() < 5 || body.get_u8() != 0 {
        return None;
    }
    let length = usize::try_from(body.get_u32()).ok()?;
    ExportLogsServiceResponse::decode(body.get(..length)?).ok()
}

/// What an answer to OTLP/HTTP means.
pub(super) fn of_http(answer: &Answer, now: UnixNanos) -> Outcome {
    let header = |name| answer.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let is_json = header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
    if answer.status.is_success() {
        return delivered(
            if is_json {
                json_response(&answer.body)
            } else {
                ExportLogsServiceResponse::decode(&answer.body[..]).ok()
            }
            .unwrap_or_default(),
        );
    }
    let words = match header(header::CONTENT_TYPE) {
        Some(kind) if kind.starts_with("application/x-protobuf") => {
            rpc::Status::decode(&answer.body[..]).map(|status| status.message).unwrap_or_default()
        }
        Some(_) if is_json => serde_json::from_slice(&answer.body)
            .ok()
            .and_then(|value: Value| Some(value.get("message")?.as_str()?.to_owned()))
            .unwrap_or_default(),
        Some(kind) if kind.starts_with("text/plain") => String::from_utf8_lossy(&answer.body).into_owned(),
        _ => header(header::LOCATION).map(|location| format!("moved to {location}")).unwrap_or_default(),
    };
    let why = with_words(&format!("status {}{}", answer.status, hint(answer.status)), &words);
    outcome(retry::http(answer.status, header(header::RETRY_AFTER), now), why)
}

/// All three responses are alike on the wire: a message with number 1 of a count with number 1 and words with number 2.
fn delivered(response: ExportLogsServiceResponse) -> Outcome {
    let partial = response.partial_success.unwrap_or_default();
    let rejected = u64::try_from(partial.rejected_log_records).unwrap_or(0);
    Outcome::Delivered { rejected, message: shortened(&partial.error_message) }
}

/// The same in JSON, where the count's name tells the signal and the count may be a text.
fn json_response(body: &[u8]) -> Option<ExportLogsServiceResponse> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let partial = value.get("partialSuccess")?.as_object()?;
    let count = partial.iter().find(|(name, _)| name.starts_with("rejected")).map(|(_, count)| count);
    let count = count.and_then(|count| count.as_i64().or_else(|| count.as_str()?.parse().ok()));
    let mut response = ExportLogsServiceResponse::default();
    let inner = response.partial_success.get_or_insert_default();
    inner.rejected_log_records = count.unwrap_or(0);
    inner.error_message = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(response)
}

fn outcome(verdict: Verdict, why: String) -> Outcome {
    match verdict {
        Verdict::Retry(after) => Outcome::Retry { after, why },
        Verdict::Refuse => Outcome::Refused { why },
    }
}

/// What a user would look at first.
fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => " (is the API key right?)",
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => " (is this an OTLP/HTTP endpoint, without /v1/...?)",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => " (does it take this protocol?)",
        _ => "",
    }
}

fn with_words(what: &str, words: &str) -> String {
    let words = shortened(words);
    if words.is_empty() { what.to_owned() } else { format!("{what}: {words}") }
}

/// One line, not too long, without control characters.
fn shortened(words: &str) -> String {
    let line: String = words.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_WORDS).collect();
    line.trim_end_matches('.').to_owned()
}

const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "cancelled",
        Code::Unknown => "unknown error",
        Code::InvalidArgument => "invalid argument",
        Code::DeadlineExceeded => "deadline exceeded",
        Code::NotFound => "not found",
        Code::AlreadyExists => "already exists",
        Code::PermissionDenied => "permission denied (is the API key right?)",
        Code::ResourceExhausted => "resource exhausted",
        Code::FailedPrecondition => "failed precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out of range",
        Code::Unimplemented => "unimplemented (does it take this signal by gRPC?)",
        Code::Internal => "internal error",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data loss",
        Code::Unauthenticated => "unauthenticated (is the API key right?)",
    }
}
