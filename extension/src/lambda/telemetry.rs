//! The Telemetry API: subscription, and the listener that takes its deliveries.

use std::{convert::Infallible, future::Future, io, net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::extensions::{Client, ExtensionsError, status};

/// A delivery may be twice `maxBytes` and its envelope: 512 KiB as we subscribe, 2 MiB at most; twice that to be generous.
const BODY_LIMIT: usize = 4 << 20;

/// What is read of a delivery at a time, before it is put into one piece.
const READ_BYTES: usize = 64 << 10;

/// Below the ports that systems hand out by themselves, and nobody's that we know of.
const USUAL_PORT: u16 = 24_317;

/// How long to wait before another connection is taken when the system has none to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Newest first: 2025-01-29 is the only one on Managed Instances, 2022-12-13 the first with JSON logs as objects.
const SCHEMAS: [&str; 2] = ["2025-01-29", "2022-12-13"];

/// Which streams to subscribe to, besides `platform`, without which there is no correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    /// The function's own lines.
    pub function: bool,
    /// Those of extensions.
    pub extension: bool,
}

/// What the platform said to our subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribed {
    /// Deliveries will come.
    Yes,
    /// This emulator has no Telemetry API.
    NotSupported,
}

/// The listener of the deliveries.
///
/// After a reset the platform calls a new process's subscription "Already subscribed"; whether it then takes the new
/// destination is documented nowhere. A process that listens where its predecessor did is reached either way, so one port is
/// tried first; where another extension has it, any free one does.
///
/// # Errors
/// When the machine has no port to give.
pub async fn listen() -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, USUAL_PORT)).await {
        Ok(listener) => Ok(listener),
        Err(_taken) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await,
    }
}

/// Subscribes `port` on this machine; must come after register and before the first `/next`, with the listener bound.
///
/// # Errors
/// When the platform does not answer, or refuses every schema.
pub async fn subscribe(client: &mut Client, streams: Streams, port: u16) -> Result<Subscribed, ExtensionsError> {
    let mut refusal = None;
    for schema in SCHEMAS {
        let headers = [("content-type", "application/json")];
        let body = subscription(schema, streams, port);
        let answer = client.call_identified(Method::PUT, "/2022-07-01/telemetry", &headers, body.into()).await?;
        match answer.status() {
            StatusCode::ACCEPTED => return Ok(Subscribed::NotSupported),
            code if code.is_success() => return Ok(Subscribed::Yes),
            StatusCode::BAD_REQUEST => refusal = Some(status("subscribe", &answer)),
            _ => return Err(status("subscribe", &answer)),
        }
    }
    Err(refusal.expect("there are schemas, and each was refused"))
}

fn subscription(schema: &str, streams: Streams, port: u16) -> String {
    let mut types = vec!["platform"];
    types.extend(streams.function.then_some("function"));
    types.extend(streams.extension.then_some("extension"));
    serde_json::json!({
        "schemaVersion": schema,
        "types": types,
        "buffering": {"maxItems": 10_000, "maxBytes": 262_144, "timeoutMs": 25},
        "destination": {"protocol": "HTTP", "URI": format!("http://sandbox.localdomain:{port}")},
    })
    .to_string()
}

/// Who takes deliveries from the listener. Must not wait: the platform does.
pub trait Deliveries: Clone + Send + Sync + 'static {
    /// One delivery, as its bytes came.
    fn deliver(&self, body: Bytes);

    /// A delivery larger than any the platform promised to send: it cannot be kept.
    fn oversized(&self);
}

/// Takes deliveries until `stop`; each is answered 200 as soon as it is read, whatever it holds.
///
/// Anything but 200 makes the platform deliver again, in some versions for ever; reading comes after the answer.
pub async fn serve(listener: TcpListener, deliveries: impl Deliveries, stop: impl Future<Output = ()> + Send) {
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { connections.spawn(connection(stream, deliveries.clone())); }
                // Out of file descriptors, which we share with the function: they come back.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(stream: TcpStream, deliveries: impl Deliveries) {
    let service = service_fn(|request| take(request, deliveries.clone()));
    // A connection that breaks is the platform's to open again: it keeps what we did not answer.
    let _ = http1::Builder::new().max_buf_size(READ_BYTES).serve_connection(TokioIo::new(stream), service).await;
}

async fn take(request: Request<Incoming>, deliveries: impl Deliveries) -> Result<Response<Empty<Bytes>>, Infallible> {
    match whole(Limited::new(request.into_body(), BODY_LIMIT)).await {
        Ok(body) => deliveries.deliver(body),
        Err(fault) if fault.is::<http_body_util::LengthLimitError>() => deliveries.oversized(),
        Err(_) => {
            // The delivery broke off half way; without an answer the platform sends it again.
            let mut answer = Response::new(Empty::new());
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            return Ok(answer);
        }
    }
    Ok(Response::new(Empty::new()))
}

/// A body in one piece. What has been read of it is put there at once: hyper then reads the next part into the same memory, and
/// needs no more for each.
async fn whole<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Bytes, B::Error> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(BODY_LIMIT);
    let mut bytes = Vec::with_capacity(expected.min(BODY_LIMIT));
    while let Some(frame) = body.frame().await {
        bytes.extend_from_slice(&frame?.into_data().unwrap_or_default());
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::connection::Connection;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Result<Bytes, ()>>>>);

    impl Deliveries for Kept {
        fn deliver(&self, body: Bytes) {
            self.0.lock().unwrap().push(Ok(body));
        }

        fn oversized(&self) {
            self.0.lock().unwrap().push(Err(()));
        }
    }

    #[tokio::test]
    async fn every_delivery_is_answered_200_whatever_it_holds() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut connection = Connection::new(listener.local_addr().unwrap().to_string());
        let kept = Kept::default();
        let bodies =
            [Bytes::from_static(b"[]"), Bytes::from_static(b"rubbish\xff"), Bytes::from(vec![b' '; BODY_LIMIT + 1])];
        let client = async {
            for body in bodies.clone() {
                let request = Request::post("/").header("host", "x").body(body).unwrap();
                assert_eq!(connection.exchange(request).await.unwrap().status(), StatusCode::OK);
            }
        };
        tokio::select! {
            () = serve(listener, kept.clone(), std::future::pending()) => unreachable!("nothing stops it"),
            () = client => {}
        }
        assert_eq!(*kept.0.lock().unwrap(), [Ok(bodies[0].clone()), Ok(bodies[1].clone()), Err(())]);
    }

    #[tokio::test]
    async fn a_usual_port_that_another_has_is_no_obstacle() {
        let (first, second) = (listen().await.unwrap(), listen().await.unwrap());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        assert_ne!(port(&first), port(&second));
        assert_ne!(port(&second), USUAL_PORT, "the first has it, or somebody else on this machine");
    }

    #[test]
    fn a_subscription_names_the_streams_and_the_only_host_that_aws_takes() {
        let body = subscription("2025-01-29", Streams { function: true, extension: false }, 4243);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["types"], serde_json::json!(["platform", "function"]));
        assert_eq!(body["destination"]["URI"], "http://sandbox.localdomain:4243");
    }
}
