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
        Verdict::Deny => Outcome::Denied { why },
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsPartialSuccess;
    use std::time::Duration;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: Vec<u8>) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: map(headers),
            body: body.into(),
            trailers: None,
        }
    }

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        headers.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
    }

    fn partial() -> Vec<u8> {
        let partial = ExportLogsPartialSuccess { rejected_log_records: 3, error_message: "too old.".to_owned() };
        ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
    }

    fn delivered(rejected: u64, message: &str) -> Outcome {
        Outcome::Delivered { rejected, message: message.to_owned() }
    }

    fn refused(why: &str) -> Outcome {
        Outcome::Refused { why: why.to_owned() }
    }

    fn denied(why: &str) -> Outcome {
        Outcome::Denied { why: why.to_owned() }
    }

    fn retry(seconds: Option<u64>, why: &str) -> Outcome {
        Outcome::Retry { after: seconds.map(Duration::from_secs), why: why.to_owned() }
    }

    const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    fn a_partial_success_is_counted_in_every_encoding() {
        assert_eq!(of_http(&answer(200, &[PROTOBUF], partial()), 0), delivered(3, "too old"));
        for count in ["3", "\"3\""] {
            let json = format!(r#"{{"partialSuccess":{{"rejectedSpans":{count},"errorMessage":"too old"}}}}"#);
            assert_eq!(of_http(&answer(200, &[JSON], json.into_bytes()), 0), delivered(3, "too old"));
        }
        let frame = [&[0, 0, 0, 0, u8::try_from(partial().len()).unwrap()][..], &partial()].concat();
        let trailers = Some(map(&[("grpc-status", "0")]));
        assert_eq!(of_grpc(&Answer { trailers, ..answer(200, &[], frame) }), delivered(3, "too old"));
    }

    #[test]
    fn an_empty_or_foreign_body_of_a_success_is_a_success() {
        assert_eq!(of_http(&answer(200, &[PROTOBUF], vec![]), 0), delivered(0, ""));
        assert_eq!(of_http(&answer(202, &[JSON], b"{}".to_vec()), 0), delivered(0, ""));
        assert_eq!(of_http(&answer(200, &[], b"OK".to_vec()), 0), delivered(0, ""));
    }

    #[test]
    fn http_refusals_carry_the_backends_words_in_whatever_encoding() {
        let status = rpc::Status::new(Code::InvalidArgument, "bad\nspan.").encode_to_vec();
        assert_eq!(of_http(&answer(400, &[PROTOBUF], status), 0), refused("status 400 Bad Request: bad span"));
        let json = br#"{"code":16,"message":"no key"}"#.to_vec();
        let expected = denied("status 401 Unauthorized (is the API key right?): no key");
        assert_eq!(of_http(&answer(401, &[JSON], json), 0), expected);
        let moved = answer(301, &[("location", "https://new/")], b"<html>".to_vec());
        assert_eq!(of_http(&moved, 0), refused("status 301 Moved Permanently: moved to https://new/"));
    }

    #[test]
    fn a_throttled_request_is_tried_again_when_the_backend_says() {
        let throttled = answer(429, &[("retry-after", "7"), ("content-type", "text/plain")], b"slow down".to_vec());
        assert_eq!(of_http(&throttled, 0), retry(Some(7), "status 429 Too Many Requests: slow down"));
        assert_eq!(of_http(&answer(502, &[], vec![]), 0), retry(None, "status 502 Bad Gateway"));
    }

    #[test]
    fn a_grpc_status_is_read_from_trailers_or_from_a_head_without_body() {
        let head = answer(200, &[("grpc-status", "16"), ("grpc-message", "missing%20key")], vec![]);
        assert_eq!(of_grpc(&head), denied("unauthenticated (is the API key right?): missing key"));
        let trailers = Some(map(&[("grpc-status", "14")]));
        assert_eq!(of_grpc(&Answer { trailers, ..answer(200, &[], vec![]) }), retry(None, "unavailable"));
    }

    #[test]
    fn a_proxy_between_speaks_http_to_grpc() {
        assert_eq!(
            of_grpc(&answer(503, &[], b"<html>".to_vec())),
            retry(None, "status 503 Service Unavailable and no gRPC answer")
        );
        assert_eq!(of_grpc(&answer(404, &[], vec![])), refused("status 404 Not Found and no gRPC answer"));
    }

    #[test]
    fn long_words_are_cut() {
        let words = answer(400, &[("content-type", "text/plain")], "x".repeat(5000).into_bytes());
        let Outcome::Refused { why } = of_http(&words, 0) else { panic!("a 400 is refused") };
        assert!(why.len() < 400, "{}", why.len());
    }
}
