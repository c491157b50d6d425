//! A backend's answer to one request, as its behaviour has it.

use super::{
    Behaviour, Fate, Shared,
    decode::{self, Encoding, Kind, Record},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use prost::Message;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::pending,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::sync::Notify;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// What a slow backend takes for each step.
const SLOW: Duration = Duration::from_millis(250);

/// What is asked, without its body.
struct Ask {
    kind: Kind,
    encoding: Encoding,
    gzip: bool,
}

/// Answers of one connection that its other end has perhaps not read: a reset takes them away.
///
/// A sender has one request of a kind on its way, so the next of that kind shows that the last answer was read.
#[derive(Debug)]
pub(super) struct Unread {
    shared: Arc<Shared>,
    answers: Mutex<BTreeMap<Kind, Vec<Record>>>,
}

impl Unread {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, answers: Mutex::default() }
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<Kind, Vec<Record>>> {
        self.answers.lock().expect("no holder of this lock panics")
    }

    /// Whoever closed the connection had read what it wanted to.
    pub(super) fn forget(&self) {
        self.answers().clear();
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        for (kind, records) in std::mem::take(&mut *self.answers()) {
            self.shared.store().unanswered(kind, &records);
        }
    }
}

/// Answers one request, or makes sure that it is never answered.
pub(super) async fn answer(
    unread: Arc<Unread>,
    fate: Arc<Fate>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let shared = unread.shared.clone();
    let (head, mut body) = request.into_parts();
    let Some(ask) = ask(&head) else { return Ok(plain(StatusCode::NOT_FOUND, Bytes::new())) };
    let _open = Open::begin(&shared);
    unread.answers().remove(&ask.kind);
    let behaviour = shared.behaviour();
    match behaviour {
        Behaviour::Hanging => return pending().await,
        Behaviour::ResetMidBody => {
            let _a_part = body.frame().await;
            return gone(&fate.reset).await;
        }
        Behaviour::ClosedMidBody => {
            let _a_part = body.frame().await;
            return gone(&fate.closed).await;
        }
        // These concern connections; one that is open already ends.
        Behaviour::Refused | Behaviour::ClosedHandshake | Behaviour::Garbage => return gone(&fate.reset).await,
        _ => {}
    }
    let Some(body) = whole(body, behaviour == Behaviour::SlowReads).await else { return gone(&fate.reset).await };
    if matches!(behaviour, Behaviour::TooManyRequests | Behaviour::Unavailable) {
        return Ok(refused(behaviour, ask.encoding));
    }
    let records = match decode::records(ask.kind, ask.encoding, ask.gzip, &body) {
        Ok(records) => records,
        Err(why) => {
            shared.store().fault(format!("{}: {why}", head.uri.path()));
            return Ok(plain(StatusCode::BAD_REQUEST, Bytes::new()));
        }
    };
    let rejects = |nth: usize| behaviour == Behaviour::PartialSuccess && nth % 3 == 2;
    let rejected = shared.store().take(ask.kind, &records, rejects);
    let kept = Kept { unread: unread.clone(), kind: ask.kind, records };
    match behaviour {
        Behaviour::ResetAfterStoring => return gone(&fate.reset).await,
        Behaviour::SlowAnswers => tokio::time::sleep(SLOW * 2).await,
        _ => {}
    }
    // On a busy machine its sender may have given up long ago. Then the connection or the stream has its end waiting, and when
    // that is read this goes no further: it takes a turn for the machine's events, one for the bytes, one for their reader.
    for _turn in 0..3 {
        tokio::task::yield_now().await;
    }
    Ok(taken(ask.encoding, rejected).map(|body| kept.told_by(body)))
}

/// Counts a request for as long as its sender waits.
struct Open<'a>(&'a Shared, u64);

impl<'a> Open<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let mut number = 0;
        shared.requests.send_modify(|requests| {
            number = requests.begun;
            requests.begun += 1;
            requests.open.insert(number);
        });
        Self(shared, number)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.requests.send_modify(|requests| {
            requests.open.remove(&self.1);
        });
    }
}

/// A request that was kept; one that is dropped before it is answered has an answer that was lost.
struct Kept {
    unread: Arc<Unread>,
    kind: Kind,
    records: Vec<Record>,
}

impl Kept {
    fn told_by(self, body: BoxBody<Bytes, Infallible>) -> BoxBody<Bytes, Infallible> {
        if body.is_end_stream() {
            // Nobody asks for a body without a byte in it.
            self.answered();
            return body;
        }
        Told { body, kept: Some(self) }.boxed()
    }

    fn answered(mut self) {
        self.unread.answers().insert(self.kind, std::mem::take(&mut self.records));
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if !self.records.is_empty() {
            self.unread.shared.store().unanswered(self.kind, &self.records);
        }
    }
}

/// An answer on its way: only when all of it has been asked for was it given. Nobody asks for that of a stream which its sender
/// has reset.
struct Told {
    body: BoxBody<Bytes, Infallible>,
    kept: Option<Kept>,
}

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if (frame.is_none() || self.body.is_end_stream())
            && let Some(kept) = self.kept.take()
        {
            kept.answered();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.kept.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Ends the connection under the request.
async fn gone(end: &Notify) -> Result<Answer, Infallible> {
    end.notify_one();
    pending().await
}

fn ask(head: &http::request::Parts) -> Option<Ask> {
    let text = |name: header::HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let content = text(header::CONTENT_TYPE);
    let encoding = if content.starts_with("application/grpc") {
        Encoding::Grpc
    } else if content.starts_with("application/json") {
        Encoding::Json
    } else {
        Encoding::Protobuf
    };
    Some(Ask { kind: Kind::of(head.uri.path())?, encoding, gzip: text(header::CONTENT_ENCODING) == "gzip" })
}

/// The whole body, or nothing when its sender went away.
async fn whole(mut body: Incoming, slowly: bool) -> Option<Bytes> {
    let mut bytes = BytesMut::new();
    loop {
        if slowly {
            tokio::time::sleep(SLOW / 5).await;
        }
        match body.frame().await {
            None => return Some(bytes.freeze()),
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
            Some(Err(_)) => return None,
        }
    }
}

fn plain(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body).boxed());
    *answer.status_mut() = status;
    answer
}

fn refused(behaviour: Behaviour, encoding: Encoding) -> Answer {
    let busy = behaviour == Behaviour::TooManyRequests;
    if encoding == Encoding::Grpc {
        let status = if busy {
            let details = lambdaview_extension::rpc::Status::new(tonic::Code::ResourceExhausted, "")
                .with_retry_after(Duration::from_secs(1));
            tonic::Status::with_details(tonic::Code::ResourceExhausted, "", details.encode_to_vec().into())
        } else {
            tonic::Status::unavailable("down for a moment")
        };
        let mut answer = plain(StatusCode::OK, Bytes::new());
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        status.add_header(answer.headers_mut()).expect("a status without odd characters is a header");
        return answer;
    }
    let mut answer = plain(
        if busy { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::SERVICE_UNAVAILABLE },
        Bytes::from_static(b"down for a moment"),
    );
    if busy {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    answer
}

/// The answer to a request that was taken. The three kinds' answers are the same bytes.
fn taken(encoding: Encoding, rejected: u64) -> Answer {
    let rejected_log_records = i64::try_from(rejected).expect("a request holds few records");
    let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: "every third".into() };
    let response = ExportLogsServiceResponse { partial_success: (rejected > 0).then_some(partial) };
    let message = response.encode_to_vec();
    match encoding {
        Encoding::Protobuf => {
            let mut answer = plain(StatusCode::OK, message.into());
            let kind = HeaderValue::from_static("application/x-protobuf");
            answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            answer
        }
        Encoding::Json => {
            let body = serde_json::to_vec(&response).expect("a response can be written as JSON");
            let mut answer = plain(StatusCode::OK, body.into());
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            answer
        }
        Encoding::Grpc => {
            let mut frame = vec![0];
            frame.extend(u32::try_from(message.len()).expect("a small message").to_be_bytes());
            frame.extend(message);
            let trailers =
                HeaderMap::from_iter([(header::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
            let body = Full::new(Bytes::from(frame)).with_trailers(async move { Some(Ok(trailers)) });
            let mut answer = Response::new(body.boxed());
            answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            answer
        }
    }
}
