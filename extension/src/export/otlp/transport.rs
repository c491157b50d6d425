//! One backend's connections: made when first needed, thrown away when they are not to be trusted.
//!
//! HTTP/2 for gRPC and HTTP/1.1 for the rest, over the same client. Lambda freezes the process between invocations, and a
//! socket that slept through it may be dead without anyone having said so: a failure on a connection that has served before
//! is therefore tried again at once, on a fresh one.

use super::tls;
use crate::config::Tls;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{
    error::Error,
    sync::{Mutex, PoisonError},
};

/// More of an answer is not read: what matters of it is a few numbers and a sentence.
const MAX_ANSWER_BYTES: usize = 64 << 10;

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// HTTP's version, which the protocol determines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
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
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) trailers: Option<HeaderMap>,
}

/// No answer: the innermost cause, in a lowercase fragment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoAnswer(pub(super) String);

/// The connections to one backend.
#[derive(Debug)]
pub(super) struct Transport {
    version: Version,
    tls: Tls,
    current: Mutex<Option<Connections>>,
}

/// A client with its pool, and whether one of its connections has served before.
#[derive(Clone, Debug)]
struct Connections {
    client: HttpClient,
    proven: bool,
}

impl Transport {
    /// Nothing is built or connected before the first request.
    pub(super) const fn new(version: Version, tls: Tls) -> Self {
        Self { version, tls, current: Mutex::new(None) }
    }

    /// Forgets every connection; requests on their way keep theirs.
    pub(super) fn reset(&self) {
        *self.lock() = None;
    }

    /// Sends `request` and reads the whole answer.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, NoAnswer> {
        let Connections { client, proven } = self.connections()?;
        match answer(&client, request.clone()).await {
            Ok(answer) => {
                self.prove();
                Ok(answer)
            }
            Err(_) if proven => {
                self.reset();
                let answer = answer(&self.connections()?.client, request).await?;
                self.prove();
                Ok(answer)
            }
            Err(error) => Err(error),
        }
    }

    fn connections(&self) -> Result<Connections, NoAnswer> {
        let mut current = self.lock();
        if current.is_none() {
            *current = Some(Connections { client: self.client()?, proven: false });
        }
        Ok(current.clone().expect("it was just set"))
    }

    fn prove(&self) {
        if let Some(connections) = self.lock().as_mut() {
            connections.proven = true;
        }
    }

    fn client(&self) -> Result<HttpClient, NoAnswer> {
        let config = tls::client(&self.tls, self.version.alpn()).map_err(|error| NoAnswer(cause(&error)))?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnector::from((tcp, config));
        Ok(Client::builder(TokioExecutor::new()).http2_only(self.version == Version::Http2).build(connector))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Connections>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
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
