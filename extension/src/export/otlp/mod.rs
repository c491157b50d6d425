//! Export by OTLP: gRPC, HTTP with protobuf, HTTP with JSON.
//!
//! `encoding` makes a batch into bytes, `transport` has the connections, `answer` judges. When to try again is the caller's
//! affair, with the help of [`retry`](super::retry).

mod answer;
mod encoding;
mod tls;
mod transport;

use crate::{
    clock,
    config::{Compression, Endpoint, Header, OtlpSettings, Protocol, Route},
    flow::{Batch, Outcome, SignalKind},
};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use http_body_util::Full;
use std::{fmt, sync::Arc, time::Duration};
use transport::{NoAnswer, Transport, Version};

const USER_AGENT: &str = concat!("lambdaview-extension/", env!("CARGO_PKG_VERSION"));

/// Sends batches to OTLP endpoints.
///
/// Made in no time: nothing is resolved, read or connected before the first export.
#[derive(Debug)]
pub struct OtlpExporter {
    ways: [Way; 3],
}

/// The way of one signal.
#[derive(Debug)]
enum Way {
    /// It has none.
    Closed,
    /// Its secrets are not known yet: what they are, without their values.
    Waiting(String),
    Open(Box<Open>),
}

#[derive(Debug)]
struct Open {
    uri: Uri,
    protocol: Protocol,
    compression: Compression,
    timeout: Duration,
    headers: HeaderMap,
    transport: Arc<Transport>,
}

impl OtlpExporter {
    /// Lays the ways out; signals that go to the same host share its connections.
    #[must_use]
    pub fn new(settings: &OtlpSettings) -> Self {
        let mut shared: Vec<(String, Version, Arc<Transport>)> = Vec::new();
        let mut transport = |uri: &Uri, version: Version| {
            let backend = format!("{}://{}", uri.scheme_str().unwrap_or_default(), host(uri));
            if let Some((.., transport)) = shared.iter().find(|(host, has, _)| *host == backend && *has == version) {
                return transport.clone();
            }
            let fresh = Arc::new(Transport::new(version, settings.tls.clone()));
            shared.push((backend, version, fresh.clone()));
            fresh
        };
        Self { ways: SignalKind::ALL.map(|kind| Way::new(kind, settings.route(kind), &mut transport)) }
    }

    /// Sends `batch` once, within `timeout` and the configured one, whichever is shorter.
    pub async fn export(&self, batch: &Batch, timeout: Duration) -> Outcome {
        let open = match &self.ways[batch.kind as usize] {
            Way::Closed => return Outcome::Refused { why: format!("no endpoint for {}", batch.kind.as_str()) },
            Way::Waiting(secrets) => {
                return Outcome::Retry { after: None, why: format!("not resolved yet: {secrets}") };
            }
            Way::Open(open) => open,
        };
        let limit = timeout.min(open.timeout);
        match tokio::time::timeout(limit, open.send(batch)).await {
            Ok(outcome) => open.told(outcome),
            Err(_) => {
                // Whoever does not answer may be a socket that died while the process was frozen.
                open.transport.reset();
                open.told(Outcome::Retry { after: None, why: format!("no answer within {limit:?}") })
            }
        }
    }

    /// Trusts no open connection any more: for after a freeze.
    pub fn reset(&self) {
        for way in &self.ways {
            if let Way::Open(open) = way {
                open.transport.reset();
            }
        }
    }
}

impl Way {
    fn new(
        kind: SignalKind,
        route: Option<&Route>,
        transport: &mut impl FnMut(&Uri, Version) -> Arc<Transport>,
    ) -> Self {
        let Some(route) = route else { return Self::Closed };
        let waiting = waiting(route);
        let Endpoint::Known(uri) = &route.endpoint else { return Self::Waiting(waiting) };
        if !waiting.is_empty() {
            return Self::Waiting(waiting);
        }
        let (version, uri) = match route.protocol {
            Protocol::Grpc => (Version::Http2, grpc_uri(uri, kind)),
            Protocol::Http | Protocol::HttpJson => (Version::Http1, uri.clone()),
        };
        Self::Open(Box::new(Open {
            transport: transport(&uri, version),
            uri,
            protocol: route.protocol,
            compression: route.compression,
            timeout: route.timeout,
            headers: headers(route),
        }))
    }
}

/// The secrets that a route needs, by name; empty when it needs none.
fn waiting(route: &Route) -> String {
    let endpoint = match &route.endpoint {
        Endpoint::Waiting(template) => Some(template),
        Endpoint::Known(_) => None,
    };
    let headers = route.headers.iter().filter_map(|header| match header {
        Header::Waiting(_, template) => Some(template),
        Header::Known(..) => None,
    });
    let names = endpoint.into_iter().chain(headers).flat_map(|template| template.references().map(ToString::to_string));
    names.collect::<Vec<_>>().join(", ")
}

fn grpc_uri(uri: &Uri, kind: SignalKind) -> Uri {
    let path = match kind {
        SignalKind::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        SignalKind::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        SignalKind::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static(path));
    Uri::from_parts(parts).expect("an endpoint has a scheme and a host")
}

/// Every header of the protocol, then the user's, which win.
fn headers(route: &Route) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let gzip = (route.compression == Compression::Gzip).then_some(HeaderValue::from_static("gzip"));
    match route.protocol {
        Protocol::Grpc => {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.extend(gzip.map(|gzip| (header::HeaderName::from_static("grpc-encoding"), gzip)));
        }
        Protocol::Http | Protocol::HttpJson => {
            let json = route.protocol == Protocol::HttpJson;
            let kind = if json { "application/json" } else { "application/x-protobuf" };
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.extend(gzip.map(|gzip| (header::CONTENT_ENCODING, gzip)));
        }
    }
    for header in &route.headers {
        if let Header::Known(name, value) = header {
            headers.insert(name, value.clone());
        }
    }
    headers
}

impl Open {
    async fn send(&self, batch: &Batch) -> Outcome {
        let body = match encoding::encode(batch, self.protocol, self.compression) {
            Ok(body) => body,
            Err(error) => return Outcome::Refused { why: format!("cannot be written as JSON: {error}") },
        };
        let grpc = self.protocol == Protocol::Grpc;
        let body = if grpc { framed(&body, self.compression) } else { body };
        match self.transport.send(self.request(body)).await {
            Err(NoAnswer(why)) => Outcome::Retry { after: None, why },
            Ok(answer) if grpc => answer::of_grpc(&answer),
            Ok(answer) => answer::of_http(&answer, clock::unix_now()),
        }
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::post(self.uri.clone()).body(Full::new(body)).expect("the URI is one");
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// The outcome with the backend's name before it, and without a secret that the backend may have repeated.
    fn told(&self, outcome: Outcome) -> Outcome {
        let told = |why: String| format!("{}: {}", host(&self.uri), self.without_secrets(why));
        match outcome {
            Outcome::Delivered { rejected, message } if message.is_empty() => Outcome::Delivered { rejected, message },
            Outcome::Delivered { rejected, message } => Outcome::Delivered { rejected, message: told(message) },
            Outcome::Retry { after, why } => Outcome::Retry { after, why: told(why) },
            Outcome::Refused { why } => Outcome::Refused { why: told(why) },
        }
    }

    fn without_secrets(&self, mut why: String) -> String {
        let values = self.headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
        for word in values.flat_map(str::split_whitespace).filter(|word| word.len() > 3) {
            why = why.replace(word, "***");
        }
        why
    }
}

/// gRPC's frame: a flag that says "compressed", the length, the message.
fn framed(message: &[u8], compression: Compression) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(u8::from(compression == Compression::Gzip));
    frame.put_u32(u32::try_from(message.len()).expect("a batch is far below 4 GiB"));
    frame.put_slice(message);
    frame.freeze()
}

/// `host:port`, for a reader.
fn host(uri: &Uri) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| {
        f.write_str(uri.host().unwrap_or("?"))?;
        uri.port_u16().map_or(Ok(()), |port| write!(f, ":{port}"))
    })
}
