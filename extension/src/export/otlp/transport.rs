//! One backend's connections: made when first needed, thrown away when they are not to be trusted.
//!
//! HTTP/2 for gRPC and HTTP/1.1 for the rest, over the same client. Lambda freezes the process between invocations, and a
//! socket that slept through it may be dead without anyone having said so. A connection that was not used for a while by the
//! wall clock is therefore not used again, and a failure on one that was there before is tried again at once on a fresh one. The TLS configuration stays, and with it the sessions to resume.

use super::tls;
use crate::{config::Tls, flow::UnixNanos};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::ClientConfig;
use std::{
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// More of an answer is not read: what matters of it is a few numbers and a sentence.
const MAX_ANSWER_BYTES: usize = 64 << 10;

/// A connection that was idle for longer is not used again: load balancers give up on one after 60 seconds, and a request on
/// one that nobody answers any more would cost its whole timeout.
const MAX_IDLE: Duration = Duration::from_secs(50);

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// HTTP's version, which the protocol determines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::export) enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, without asking first when there is no TLS.
    Http2,
}

impl Version {
    const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }
}

/// An answer, wholly read.
#[derive(Debug)]
pub(in crate::export) struct Answer {
    pub(in crate::export) status: StatusCode,
    pub(in crate::export) headers: HeaderMap,
    pub(in crate::export) body: Bytes,
    pub(in crate::export) trailers: Option<HeaderMap>,
}

/// No answer: the innermost cause, in a lowercase fragment.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::export) struct NoAnswer(pub(in crate::export) String);

/// The connections to one backend.
#[derive(Debug)]
pub(in crate::export) struct Transport {
    version: Version,
    tls: Tls,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    config: Option<Arc<ClientConfig>>,
    connections: Option<Connections>,
}

/// Whether a client was there before the request that it is had for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    Before,
    Fresh,
}

/// A client with its pool.
#[derive(Debug)]
struct Connections {
    client: HttpClient,
    /// When one of them was last seen to work, if ever.
    served: Option<UnixNanos>,
}

impl Transport {
    /// Nothing is built or connected before the first request.
    pub(in crate::export) fn new(version: Version, tls: Tls) -> Self {
        Self { version, tls, state: Mutex::default() }
    }

    /// Forgets every connection; requests on their way keep theirs.
    pub(in crate::export) fn reset(&self) {
        self.lock().connections = None;
    }

    /// Sends `request` and reads the whole answer.
    pub(in crate::export) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        now: UnixNanos,
    ) -> Result<Answer, NoAnswer> {
        let (client, age) = self.connections(now)?;
        let answered = match answer(&client, request.clone()).await {
            Err(_) if age == Age::Before => {
                self.reset();
                answer(&self.connections(now)?.0, request).await
            }
            answered => answered,
        }?;
        if let Some(connections) = &mut self.lock().connections {
            connections.served = Some(now);
        }
        Ok(answered)
    }

    fn connections(&self, now: UnixNanos) -> Result<(HttpClient, Age), NoAnswer> {
        let mut state = self.lock();
        let config = match &state.config {
            Some(config) => config.clone(),
            None => {
                let config = tls::client(&self.tls, self.version.alpn()).map_err(|error| NoAnswer(cause(&error)))?;
                state.config.insert(Arc::new(config)).clone()
            }
        };
        let idle = |served: UnixNanos| Duration::from_nanos(now.saturating_sub(served)) > MAX_IDLE;
        let fresh = || Connections { client: self.client(config), served: None };
        let current = state.connections.take().filter(|connections| !connections.served.is_some_and(idle));
        let age = if current.is_some() { Age::Before } else { Age::Fresh };
        Ok((state.connections.insert(current.unwrap_or_else(fresh)).client.clone(), age))
    }

    fn client(&self, config: Arc<ClientConfig>) -> HttpClient {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnector::from((tcp, config));
        Client::builder(TokioExecutor::new()).http2_only(self.version == Version::Http2).build(connector)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(client: &HttpClient, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
    let response = client.request(request).await.map_err(|error| NoAnswer(cause(&error)))?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| NoAnswer(cause(&*error)))?;
    let trailers = body.trailers().cloned();
    Ok(Answer { status: head.status, headers: head.headers, body: body.to_bytes(), trailers })
}

/// The innermost of an error's sources: `connection refused (os error 111)`, not `client error (Connect)`.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        // A word that is all capitals (`ALPN`) stays as it is.
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    const SECOND: UnixNanos = 1_000_000_000;

    /// Answers every request of a connection until it ends.
    async fn serve_one(listener: &TcpListener) -> usize {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (mut requests, mut bytes) = (0, [0; 1024]);
        while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
            requests += 1;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
        requests
    }

    #[tokio::test]
    async fn a_connection_is_kept_while_it_is_used_and_left_when_it_was_idle_too_long() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let transport = Transport::new(Version::Http1, Tls::default());
        let sender = async {
            for now in [0, 40 * SECOND, 80 * SECOND, 131 * SECOND] {
                let request = Request::get(&url).body(Full::default()).unwrap();
                assert_eq!(transport.send(request, now).await.unwrap().status, StatusCode::OK);
            }
            transport.reset();
        };
        let ((), first, second) = tokio::join!(sender, serve_one(&listener), serve_one(&listener));
        assert_eq!(first + second, 4);
        assert_eq!(first.max(second), 3);
    }
}
