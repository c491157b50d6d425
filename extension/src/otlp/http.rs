//! OTLP/HTTP: `POST /v1/{logs,traces,metrics}`, protobuf or JSON, gzip accepted; every answer as the specification words it.

use super::{
    Busy, Intake, MAX_REQUEST_BYTES,
    decode::{self, Compression, DecodeError, Decoded},
};
use crate::{
    flow::{Signal, SignalKind},
    rpc,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use serde_json::json;
use std::{convert::Infallible, future::Future, io, pin::pin, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tonic::Code;

/// After a failed `accept` (no file descriptor is left, say), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` is ready, then answers what has begun and returns.
///
/// Dropped before that, it ends every connection at once.
///
/// # Errors
/// Never so far: a connection's failure ends that connection only.
pub async fn serve(
    listener: TcpListener,
    intake: impl Intake,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), io::Error> {
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            // A connection that ended, or panicked: it had its own task, and its sender tries again.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, intake.clone(), stopped.clone()))),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// One connection, to its end; after `stopped` only to the end of the request that has begun.
async fn connection(stream: TcpStream, intake: impl Intake, mut stopped: watch::Receiver<bool>) {
    // Without it answers wait for the peer's delayed acknowledgement; a socket that refuses it works all the same.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let intake = intake.clone();
        async move { Ok::<_, Infallible>(respond(request, intake).await) }
    });
    let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A failure is the peer's going away.
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// In which form a request is, and its answer will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

/// An answer that is no success.
struct Refusal {
    status: StatusCode,
    message: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry_after: None }
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        let status = match error {
            DecodeError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            DecodeError::Compression(_) | DecodeError::Protobuf(_) | DecodeError::Json(_) => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

impl From<Busy> for Refusal {
    fn from(busy: Busy) -> Self {
        let retry_after = Some(busy.retry_after.unwrap_or(Duration::from_secs(1)));
        Self { status: StatusCode::SERVICE_UNAVAILABLE, message: busy.to_string(), retry_after }
    }
}

async fn respond(request: Request<Incoming>, intake: impl Intake) -> Response<Full<Bytes>> {
    let encoding = encoding(request.headers());
    match take(request, intake).await {
        Ok((kind, decoded)) => success(kind, &decoded, encoding.unwrap_or(Encoding::Protobuf)),
        Err(refusal) => refused(&refusal, encoding),
    }
}

async fn take(request: Request<Incoming>, intake: impl Intake) -> Result<(SignalKind, Decoded), Refusal> {
    let path = request.uri().path();
    let kind = SignalKind::ALL.into_iter().find(|kind| path.strip_prefix("/v1/") == Some(kind.as_str()));
    let kind =
        kind.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is /v1/logs, /v1/traces and /v1/metrics"))?;
    if request.method() != Method::POST {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "only POST is taken"));
    }
    let form = form(request.headers())?;
    let mut decoded = decoded(kind, form, body(request.into_body()).await?)?;
    let signals = std::mem::take(&mut decoded.signals);
    if !signals.is_empty() {
        intake.accept(signals).await?;
    }
    Ok((kind, decoded))
}

/// What is in the body of a request with these headers, as it came, and how many of its records could not be read: what the
/// receiver makes of it, for who has a body and no connection.
///
/// # Errors
/// Why the body cannot be taken, in the words that its sender is told.
pub fn read(kind: SignalKind, headers: &HeaderMap, body: Bytes) -> Result<(Vec<Signal>, u64), String> {
    let read = form(headers).and_then(|form| Ok(decoded(kind, form, body)?));
    read.map(|decoded| (decoded.signals, decoded.rejected)).map_err(|refusal| refusal.message)
}

fn form(headers: &HeaderMap) -> Result<(Encoding, Compression), Refusal> {
    let unsupported = |message| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    let encoding = encoding(headers);
    let encoding = encoding.ok_or_else(|| unsupported("send application/x-protobuf or application/json"))?;
    let compression = compression(headers);
    let compression = compression.ok_or_else(|| unsupported("send gzip, deflate or no content-encoding"))?;
    Ok((encoding, compression))
}

fn decoded(kind: SignalKind, form: (Encoding, Compression), body: Bytes) -> Result<Decoded, DecodeError> {
    let (encoding, compression) = form;
    let body = decode::inflated(body, compression)?;
    match encoding {
        Encoding::Protobuf => decode::protobuf(kind, body),
        Encoding::Json => decode::json(kind, &body),
    }
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/x-protobuf" => Some(Encoding::Protobuf),
        "application/json" => Some(Encoding::Json),
        _ => None,
    }
}

/// How the body is compressed; `None` when in no way known here. (Python's exporters offer deflate beside gzip.)
fn compression(headers: &HeaderMap) -> Option<Compression> {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING) else { return Some(Compression::None) };
    match encoding.to_str().ok()?.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Some(Compression::None),
        "gzip" | "x-gzip" => Some(Compression::Gzip),
        "deflate" => Some(Compression::Deflate),
        _ => None,
    }
}

async fn body(body: Incoming) -> Result<Bytes, Refusal> {
    let announced = hyper::body::Body::size_hint(&body).lower();
    if announced > MAX_REQUEST_BYTES as u64 {
        return Err(DecodeError::TooLarge.into());
    }
    match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(DecodeError::TooLarge.into()),
        Err(error) => Err(Refusal::new(StatusCode::BAD_REQUEST, format!("the body ended early: {error}"))),
    }
}

/// 200 with the signal's response: empty when all was taken, else with what was rejected.
fn success(kind: SignalKind, decoded: &Decoded, encoding: Encoding) -> Response<Full<Bytes>> {
    let body = match encoding {
        // The three responses are alike on the wire.
        Encoding::Protobuf => {
            let rejected_log_records = i64::try_from(decoded.rejected).unwrap_or(i64::MAX);
            let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: decoded.message.clone() };
            let partial_success = (decoded.rejected > 0).then_some(partial);
            ExportLogsServiceResponse { partial_success }.encode_to_vec()
        }
        Encoding::Json if decoded.rejected == 0 => b"{}".to_vec(),
        Encoding::Json => {
            let count = match kind {
                SignalKind::Logs => "rejectedLogRecords",
                SignalKind::Traces => "rejectedSpans",
                SignalKind::Metrics => "rejectedDataPoints",
            };
            let partial = json!({ count: decoded.rejected.to_string(), "errorMessage": decoded.message });
            json!({ "partialSuccess": partial }).to_string().into_bytes()
        }
    };
    response(StatusCode::OK, Some(encoding), body)
}

/// The refusal with a `google.rpc.Status` in the request's own encoding; as plain text when that is neither.
fn refused(refusal: &Refusal, encoding: Option<Encoding>) -> Response<Full<Bytes>> {
    let code = match refusal.status {
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Code::Unimplemented,
        StatusCode::PAYLOAD_TOO_LARGE => Code::ResourceExhausted,
        _ => Code::InvalidArgument,
    };
    let body = match encoding {
        Some(Encoding::Protobuf) => rpc::Status::new(code, &refusal.message).encode_to_vec(),
        Some(Encoding::Json) => json!({ "code": code as i32, "message": refusal.message }).to_string().into_bytes(),
        None => refusal.message.clone().into_bytes(),
    };
    let mut response = response(refusal.status, encoding, body);
    if let Some(after) = refusal.retry_after {
        // Whole seconds, rounded up: a zero would mean "at once".
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(after.as_millis().div_ceil(1000).max(1) as u64));
    }
    if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn response(status: StatusCode, encoding: Option<Encoding>, body: Vec<u8>) -> Response<Full<Bytes>> {
    let kind = match encoding {
        Some(Encoding::Protobuf) => "application/x-protobuf",
        Some(Encoding::Json) => "application/json",
        None => "text/plain; charset=utf-8",
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::tests::{Kept, Receiver, Served, serve};
    use opentelemetry_proto::tonic::{
        collector::logs::v1::ExportLogsServiceRequest,
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    };
    use std::io::Write;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const JSON: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"INFO"}]}]}]}"#;

    /// Sends bytes as they are and reads the answer to its end.
    async fn exchange(served: &Served, request: &[u8]) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer has a head");
        (String::from_utf8(answer[..head].to_vec()).unwrap(), answer[head + 4..].to_vec())
    }

    /// A request with `headers` (each with its line end) and `body`, on a connection of its own.
    async fn post(served: &Served, path: &str, headers: &str, body: &[u8]) -> (String, Vec<u8>) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        exchange(served, &[head.as_bytes(), body].concat()).await
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn one_record() -> Vec<u8> {
        let scope = ScopeLogs { log_records: vec![LogRecord::default()], ..ScopeLogs::default() };
        let logs = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
        ExportLogsServiceRequest { resource_logs: vec![logs] }.encode_to_vec()
    }

    #[tokio::test]
    async fn protobuf_and_json_are_taken_plain_and_compressed_and_answered_in_kind() {
        let kept = Kept::default();
        let served = serve(Receiver::Http, kept.clone()).await;
        let protobuf = "content-type: application/x-protobuf\r\n";
        let json = "content-type: application/json; charset=utf-8\r\n";
        let zipped = "content-encoding: gzip\r\n";
        let (head, body) = post(&served, "/v1/logs", protobuf, &one_record()).await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: application/x-protobuf"), "{head}");
        assert_eq!(body, b"");
        let (head, body) = post(&served, "/v1/logs", json, JSON.as_bytes()).await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: application/json"), "{head}");
        assert_eq!(body, b"{}");
        post(&served, "/v1/logs", &format!("{protobuf}{zipped}"), &gzip(&one_record())).await;
        post(&served, "/v1/logs", &format!("{json}{zipped}"), &gzip(JSON.as_bytes())).await;
        let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        deflate.write_all(JSON.as_bytes()).unwrap();
        let headers = format!("{json}content-encoding: deflate\r\n");
        post(&served, "/v1/logs", &headers, &deflate.finish().unwrap()).await;
        assert_eq!(kept.records(SignalKind::Logs), 5);
        served.stop().await;
    }

    #[tokio::test]
    async fn what_cannot_be_taken_is_told_apart() {
        let served = serve(Receiver::Http, Kept::default()).await;
        let json = "content-type: application/json\r\n";
        let status = async |path: &'static str, headers: String, body: &'static [u8]| {
            let (head, body) = post(&served, path, &headers, body).await;
            (head[9..12].to_owned(), String::from_utf8_lossy(&body).into_owned())
        };
        assert_eq!(status("/v1/profiles", json.to_owned(), b"{}").await.0, "404");
        assert_eq!(status("/v1/logs", "content-type: text/plain\r\n".to_owned(), b"x").await.0, "415");
        assert_eq!(status("/v1/logs", format!("{json}content-encoding: br\r\n"), b"x").await.0, "415");
        assert_eq!(status("/v1/logs", format!("{json}content-encoding: gzip\r\n"), b"no gzip").await.0, "400");
        let (code, body) = status("/v1/logs", json.to_owned(), b"{\"resourceLogs\": 1}").await;
        assert_eq!(
            (code.as_str(), body.as_str()),
            ("400", r#"{"code":3,"message":"the body cannot be read as OTLP: resourceLogs is no array"}"#)
        );
        let (head, _) = exchange(&served, b"GET /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 405") && head.contains("allow: POST"), "{head}");
        served.stop().await;
    }

    #[tokio::test]
    async fn a_protobuf_refusal_is_a_status_message() {
        let served = serve(Receiver::Http, Kept::default()).await;
        let (head, body) = post(&served, "/v1/traces", "content-type: application/x-protobuf\r\n", b"\xff\xff").await;
        let status = rpc::Status::decode(&body[..]).unwrap();
        assert!(head.starts_with("HTTP/1.1 400"), "{head}");
        assert_eq!(
            (status.code, status.message.starts_with("the body cannot be read as OTLP")),
            (3, true),
            "{status:?}"
        );
        served.stop().await;
    }

    #[tokio::test]
    async fn bodies_past_the_bound_are_refused_before_they_are_held() {
        let served = serve(Receiver::Http, Kept::default()).await;
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            MAX_REQUEST_BYTES + 1
        );
        assert!(exchange(&served, head.as_bytes()).await.0.starts_with("HTTP/1.1 413"));
        let bomb = gzip(&vec![b' '; MAX_REQUEST_BYTES + 1]);
        let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
        assert!(post(&served, "/v1/logs", headers, &bomb).await.0.starts_with("HTTP/1.1 413"));
        served.stop().await;
    }

    #[tokio::test]
    async fn a_busy_intake_is_503_with_a_time_to_come_again() {
        let served = serve(Receiver::Http, Kept::busy(1, Some(Duration::from_millis(1200)))).await;
        let json = "content-type: application/json\r\n";
        let (head, _) = post(&served, "/v1/logs", json, JSON.as_bytes()).await;
        assert!(head.starts_with("HTTP/1.1 503") && head.contains("retry-after: 2"), "{head}");
        assert!(post(&served, "/v1/logs", json, JSON.as_bytes()).await.0.starts_with("HTTP/1.1 200"));
        served.stop().await;
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_is_rejected_and_its_neighbour_taken() {
        let kept = Kept::default();
        let served = serve(Receiver::Http, kept.clone()).await;
        let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"zz"},{"severityText":"INFO"}]}]}]}"#;
        let (head, body) = post(&served, "/v1/logs", "content-type: application/json\r\n", body.as_bytes()).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let expected =
            r#"{"partialSuccess":{"errorMessage":"traceId is no id of 32 hex digits","rejectedLogRecords":"1"}}"#;
        assert_eq!(String::from_utf8(body).unwrap(), expected);
        assert_eq!(kept.records(SignalKind::Logs), 1);
        served.stop().await;
    }

    #[tokio::test]
    async fn stopping_ends_idle_connections_and_finishes_the_request_that_has_begun() {
        let kept = Kept::default();
        let served = serve(Receiver::Http, kept.clone()).await;
        let mut idle = TcpStream::connect(served.address).await.unwrap();
        let mut begun = TcpStream::connect(served.address).await.unwrap();
        let head = format!(
            "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            JSON.len()
        );
        begun.write_all(head.as_bytes()).await.unwrap();
        let mut interim = [0; 25];
        begun.read_exact(&mut interim).await.unwrap();
        assert!(interim.starts_with(b"HTTP/1.1 100 Continue"));
        let (_, mut rest) = tokio::join!(served.stop(), async {
            begun.write_all(JSON.as_bytes()).await.unwrap();
            let mut rest = String::new();
            begun.read_to_string(&mut rest).await.unwrap();
            rest
        });
        assert!(rest.starts_with("HTTP/1.1 200"), "{rest}");
        rest.clear();
        assert_eq!(idle.read_to_string(&mut rest).await.unwrap(), 0);
        assert_eq!(kept.records(SignalKind::Logs), 1);
    }
}
