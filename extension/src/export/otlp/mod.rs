//! Export by OTLP: gRPC, HTTP with protobuf, HTTP with JSON.
//!
//! `encoding` makes a batch into bytes, `compression` makes them fewer, `transport` has the connections, `answer` judges. When to try again is the caller's
//! affair, with the help of [`retry`](super::retry).

mod answer;
mod compression;
pub mod encoding;
mod tls;
pub(super) mod transport;

use crate::{
    clock,
    config::{Compression, Endpoint, Header, OtlpSettings, Protocol, Route},
    export::patience::{self, Waited},
    flow::{Batch, Outcome, SignalKind},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use http_body_util::Full;
use std::{fmt, sync::Arc, time::Duration};
use transport::{NoAnswer, Transport, Version};

pub(super) const USER_AGENT: &str = concat!("lambdaview-extension/", env!("CARGO_PKG_VERSION"));

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
        let Waited { answer, frozen } = patience::within(limit, open.send(batch)).await;
        match answer {
            Some(Outcome::NoAnswer { why, .. }) => open.told(Outcome::NoAnswer { frozen, why }),
            Some(outcome) => open.told(outcome),
            None => {
                // Whoever does not answer may be a socket that died while the process was frozen.
                open.transport.reset();
                open.told(Outcome::NoAnswer { frozen, why: format!("no answer within {limit:?}") })
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
    let compressed = route.compression.encoding().map(HeaderValue::from_static);
    match route.protocol {
        Protocol::Grpc => {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.extend(compressed.map(|by| (header::HeaderName::from_static("grpc-encoding"), by)));
        }
        Protocol::Http | Protocol::HttpJson => {
            let json = route.protocol == Protocol::HttpJson;
            let kind = if json { "application/json" } else { "application/x-protobuf" };
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.extend(compressed.map(|by| (header::CONTENT_ENCODING, by)));
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
            Err(error) => return Outcome::Refused { why: error.to_string() },
        };
        let grpc = self.protocol == Protocol::Grpc;
        let now = clock::unix_now();
        match self.transport.send(self.request(body), now).await {
            Err(NoAnswer(why)) => Outcome::NoAnswer { frozen: false, why },
            Ok(answer) if grpc => answer::of_grpc(&answer),
            Ok(answer) => answer::of_http(&answer, now),
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
            Outcome::NoAnswer { frozen, why } => Outcome::NoAnswer { frozen, why: told(why) },
            Outcome::Denied { why } => Outcome::Denied { why: told(why) },
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

/// `host:port`, for a reader.
pub(super) fn host(uri: &Uri) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| {
        f.write_str(uri.host().unwrap_or("?"))?;
        uri.port_u16().map_or(Ok(()), |port| write!(f, ":{port}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{
            Config, Fault,
            environment::tests::{Given, given},
        },
        flow::{Signal, pack},
        otlp::tests::{Kept, Receiver, serve, serve_at},
    };
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, KeyValue, any_value::Value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data},
        resource::v1::Resource,
        trace::v1::{ResourceSpans, ScopeSpans, Span},
    };
    use std::net::SocketAddr;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    const AMPLE: Duration = Duration::from_secs(20);
    const ENDPOINT: &str = "ROTEL_OTLP_EXPORTER_ENDPOINT";
    const PROTOCOL: &str = "ROTEL_OTLP_EXPORTER_PROTOCOL";
    const HEADERS: &str = "ROTEL_OTLP_EXPORTER_CUSTOM_HEADERS";

    fn exporter_of(environment: &Given) -> (OtlpExporter, Vec<Fault>) {
        let (config, faults) = Config::from_env(environment);
        (OtlpExporter::new(&config.otlp), faults)
    }

    fn exporter(protocol: &str, address: SocketAddr, more: &[(&str, &str)]) -> OtlpExporter {
        let endpoint = format!("http://{address}");
        let (exporter, faults) =
            exporter_of(&given(&[&[(ENDPOINT, endpoint.as_str()), (PROTOCOL, protocol)], more].concat()));
        assert_eq!(faults, []);
        exporter
    }

    fn batch(signals: Vec<Signal>) -> Batch {
        let mut batch = Batch::new(signals[0].kind());
        signals.into_iter().flat_map(pack).for_each(|piece| batch.push(piece));
        batch
    }

    fn logs() -> Batch {
        let body = Some(AnyValue { value: Some(Value::StringValue("hello".to_owned())) });
        let record = LogRecord { time_unix_nano: 7, trace_id: vec![1; 16], body, ..LogRecord::default() };
        let scope = ScopeLogs { log_records: vec![record; 3], ..ScopeLogs::default() };
        let logs = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
        let other = ResourceLogs { resource: Some(Resource::default()), ..logs.clone() };
        batch(vec![Signal::Logs(logs), Signal::Logs(other)])
    }

    fn spans() -> Batch {
        let attributes = vec![KeyValue {
            key: "n".to_owned(),
            value: Some(AnyValue { value: Some(Value::IntValue(i64::MIN)) }),
            ..KeyValue::default()
        }];
        let span = Span { span_id: vec![2; 8], attributes, end_time_unix_nano: u64::MAX, ..Span::default() };
        let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
        batch(vec![Signal::Traces(ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() })])
    }

    fn metrics() -> Batch {
        let data = Some(Data::Gauge(Gauge { data_points: vec![NumberDataPoint::default(); 2] }));
        let scope = ScopeMetrics { metrics: vec![Metric { data, ..Metric::default() }], ..ScopeMetrics::default() };
        batch(vec![Signal::Metrics(ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() })])
    }

    fn delivered() -> Outcome {
        Outcome::Delivered { rejected: 0, message: String::new() }
    }

    #[tokio::test]
    async fn every_signal_arrives_as_it_was_by_every_protocol_compressed_or_not() {
        for (protocol, receiver) in [("grpc", Receiver::Grpc), ("http", Receiver::Http), ("http/json", Receiver::Http)]
        {
            for compression in ["gzip", "none"] {
                let kept = Kept::default();
                let served = serve(receiver, kept.clone()).await;
                let exporter = exporter(protocol, served.address, &[("ROTEL_OTLP_EXPORTER_COMPRESSION", compression)]);
                for batch in [logs(), spans(), metrics()] {
                    assert_eq!(exporter.export(&batch, AMPLE).await, delivered(), "{protocol} {compression}");
                }
                assert_eq!(kept.signals(), [logs(), spans(), metrics()].map(|batch| batch.signals().unwrap()).concat());
                served.stop().await;
            }
        }
    }

    #[tokio::test]
    async fn a_busy_backend_is_tried_again_when_it_says() {
        for (protocol, receiver) in [("grpc", Receiver::Grpc), ("http", Receiver::Http)] {
            let served = serve(receiver, Kept::busy(1, Some(Duration::from_secs(3)))).await;
            let exporter = exporter(protocol, served.address, &[]);
            let Outcome::Retry { after, why } = exporter.export(&logs(), AMPLE).await else {
                panic!("busy is no refusal")
            };
            assert_eq!(after, Some(Duration::from_secs(3)));
            assert!(why.starts_with(&format!("{}: ", served.address)) && why.ends_with("busy, try again"), "{why}");
            assert_eq!(exporter.export(&logs(), AMPLE).await, delivered());
            served.stop().await;
        }
    }

    #[tokio::test]
    async fn a_backend_that_was_started_again_gets_the_next_batch_at_once() {
        for (protocol, receiver) in [("grpc", Receiver::Grpc), ("http", Receiver::Http)] {
            let served = serve(receiver, Kept::default()).await;
            let address = served.address;
            let exporter = exporter(protocol, address, &[]);
            assert_eq!(exporter.export(&logs(), AMPLE).await, delivered());
            served.stop().await;
            let kept = Kept::default();
            let served = serve_at(receiver, kept.clone(), address).await;
            assert_eq!(exporter.export(&logs(), AMPLE).await, delivered(), "{protocol}");
            assert_eq!(kept.records(SignalKind::Logs), 6);
            exporter.reset();
            assert_eq!(exporter.export(&logs(), AMPLE).await, delivered(), "{protocol}");
            served.stop().await;
        }
    }

    /// Reads one request of HTTP/1.1 to its end and gives back its head.
    async fn request(stream: &mut TcpStream) -> String {
        let mut read = Vec::new();
        loop {
            read.push(stream.read_u8().await.expect("a whole head comes"));
            if read.ends_with(b"\r\n\r\n") {
                break;
            }
        }
        let head = String::from_utf8(read).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        head
    }

    async fn answer(stream: &mut TcpStream, status: &str, body: &str) {
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_died_while_it_was_idle_is_replaced_within_the_same_export() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let exporter = exporter("http", listener.local_addr().unwrap(), &[]);
        let backend = async {
            let (mut first, _) = listener.accept().await.unwrap();
            request(&mut first).await;
            answer(&mut first, "200 OK", "").await;
            request(&mut first).await;
            drop(first);
            let (mut second, _) = listener.accept().await.unwrap();
            request(&mut second).await;
            answer(&mut second, "200 OK", "").await;
        };
        let exports = async { [exporter.export(&logs(), AMPLE).await, exporter.export(&logs(), AMPLE).await] };
        let (outcomes, ()) = tokio::join!(exports, backend);
        assert_eq!(outcomes, [delivered(), delivered()]);
    }

    #[tokio::test]
    async fn a_fresh_connection_that_dies_is_left_to_the_backoff() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let exporter = exporter("http", listener.local_addr().unwrap(), &[]);
        let backend = async {
            let (mut first, _) = listener.accept().await.unwrap();
            request(&mut first).await;
        };
        let batch = logs();
        let (outcome, ()) = tokio::join!(exporter.export(&batch, AMPLE), backend);
        assert!(matches!(&outcome, Outcome::NoAnswer { frozen: false, .. }), "{outcome:?}");
    }

    #[tokio::test]
    async fn headers_and_path_are_sent_as_they_were_set_and_never_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/otlp", listener.local_addr().unwrap());
        let environment = [(ENDPOINT, endpoint.as_str()), (HEADERS, "authorization=\"key, with comma\",x-team=orders")];
        let (exporter, _) = exporter_of(&given(&environment));
        let backend = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = request(&mut stream).await;
            answer(&mut stream, "403 Forbidden", "comma is no valid key for orders").await;
            head
        };
        let batch = logs();
        let (outcome, head) = tokio::join!(exporter.export(&batch, AMPLE), backend);
        assert!(head.starts_with("POST /otlp/v1/logs HTTP/1.1\r\n"), "{head}");
        for line in ["authorization: key, with comma\r\n", "x-team: orders\r\n", "content-encoding: gzip\r\n"] {
            assert!(head.contains(line), "{head}");
        }
        let Outcome::Denied { why } = outcome else { panic!("a 403 denies: {outcome:?}") };
        assert!(why.ends_with("status 403 Forbidden (is the API key right?): *** is no valid key for ***"), "{why}");
    }

    #[tokio::test]
    async fn nobody_there_and_nobody_answering_are_told_by_name() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for protocol in ["grpc", "http"] {
            let silent = exporter(protocol, address, &[("ROTEL_OTLP_EXPORTER_REQUEST_TIMEOUT", "50ms")]);
            let why = format!("{address}: no answer within 50ms");
            assert_eq!(silent.export(&logs(), AMPLE).await, Outcome::NoAnswer { frozen: false, why });
        }
        drop(listener);
        for protocol in ["grpc", "http"] {
            let outcome = exporter(protocol, address, &[]).export(&logs(), AMPLE).await;
            let Outcome::NoAnswer { frozen: false, why } = outcome else { panic!("{outcome:?}") };
            assert!(why.starts_with(&format!("{address}: connection refused")), "{why}");
        }
    }

    #[tokio::test]
    async fn a_secret_that_is_not_known_keeps_the_batch_and_is_named() {
        let secret = "arn:aws:ssm:eu-west-1:123456789012:parameter/clickstack/key";
        let headers = format!("authorization=${{{secret}}}");
        let (exporter, _) = exporter_of(&given(&[(ENDPOINT, "http://127.0.0.1:9"), (HEADERS, headers.as_str())]));
        let why = format!("not resolved yet: {secret}");
        assert_eq!(exporter.export(&logs(), AMPLE).await, Outcome::Retry { after: None, why });
    }

    #[tokio::test]
    async fn without_an_endpoint_nothing_is_delivered() {
        let (exporter, faults) = exporter_of(&given(&[]));
        assert_eq!(faults.len(), 1);
        assert_eq!(exporter.export(&logs(), AMPLE).await, Outcome::Refused { why: "no endpoint for logs".to_owned() });
    }

    mod tls {
        use super::*;
        use opentelemetry_proto::tonic::collector::logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        };
        use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
        use tokio::{sync::oneshot, task::JoinHandle};
        use tonic::{
            Request, Response, Status, async_trait,
            transport::{Certificate, Identity, Server, ServerTlsConfig, server::TcpIncoming},
        };

        struct Authority(CertifiedIssuer<'static, KeyPair>);

        impl Authority {
            fn new() -> Self {
                let mut params = CertificateParams::new(vec![]).unwrap();
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
            }

            /// A certificate for `name` and its key, as PEM.
            fn issue(&self, name: &str) -> (String, String) {
                let key = KeyPair::generate().unwrap();
                let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
                (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
            }
        }

        #[derive(Clone)]
        struct Ok200;

        #[async_trait]
        impl LogsService for Ok200 {
            async fn export(
                &self,
                _: Request<ExportLogsServiceRequest>,
            ) -> Result<Response<ExportLogsServiceResponse>, Status> {
                Ok(Response::new(ExportLogsServiceResponse::default()))
            }
        }

        /// tonic's server with TLS; it asks for a client certificate when `client_ca` is there.
        async fn serve(
            authority: &Authority,
            client_ca: Option<String>,
        ) -> (String, oneshot::Sender<()>, JoinHandle<()>) {
            let (certificate, key) = authority.issue("localhost");
            let mut tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
            if let Some(ca) = client_ca {
                tls = tls.client_ca_root(Certificate::from_pem(ca));
            }
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
            let (stop, stopped) = oneshot::channel();
            let service = LogsServiceServer::new(Ok200).accept_compressed(tonic::codec::CompressionEncoding::Gzip);
            let server = Server::builder().tls_config(tls).unwrap().add_service(service);
            #[expect(clippy::disallowed_methods, reason = "the test joins it")]
            let task = tokio::spawn(async move {
                let stopped = async { stopped.await.unwrap_or_default() };
                server.serve_with_incoming_shutdown(TcpIncoming::from(listener), stopped).await.unwrap();
            });
            (endpoint, stop, task)
        }

        #[tokio::test]
        async fn a_custom_authority_is_trusted_and_a_foreign_one_is_not() {
            let authority = Authority::new();
            let (endpoint, stop, task) = serve(&authority, None).await;
            let with =
                |more: &[(&str, &str)]| exporter_of(&given(&[&[(ENDPOINT, endpoint.as_str())], more].concat())).0;
            let one_line = authority.0.pem().replace('\n', "\\n");
            let trusting = with(&[("ROTEL_OTLP_EXPORTER_TLS_CA_PEM", &one_line)]);
            assert_eq!(trusting.export(&logs(), AMPLE).await, delivered());
            let Outcome::NoAnswer { why, .. } = with(&[]).export(&logs(), AMPLE).await else {
                panic!("a foreign CA is no success")
            };
            assert!(why.contains("invalid peer certificate"), "{why}");
            let careless = with(&[("ROTEL_OTLP_EXPORTER_TLS_SKIP_VERIFY", "true")]);
            assert_eq!(careless.export(&logs(), AMPLE).await, delivered());
            let broken = with(&[("ROTEL_OTLP_EXPORTER_TLS_CA_PEM", "no pem")]).export(&logs(), AMPLE).await;
            assert!(format!("{broken:?}").contains("the CA's PEM holds no certificate"), "{broken:?}");
            drop((trusting, careless));
            stop.send(()).unwrap();
            task.await.unwrap();
        }

        #[tokio::test]
        async fn a_client_certificate_is_shown_to_a_server_that_asks_for_it() {
            let authority = Authority::new();
            let (endpoint, stop, task) = serve(&authority, Some(authority.0.pem())).await;
            let (certificate, key) = authority.issue("orders");
            let ca = authority.0.pem();
            let known = [
                (ENDPOINT, endpoint.as_str()),
                ("ROTEL_OTLP_EXPORTER_TLS_CA_PEM", ca.as_str()),
                ("ROTEL_OTLP_EXPORTER_TLS_CERT_FILE", "/var/task/client.pem"),
                ("ROTEL_OTLP_EXPORTER_TLS_KEY_FILE", "/var/task/client.key"),
            ];
            let files = given(&known).file("/var/task/client.pem", &certificate).file("/var/task/client.key", &key);
            let (known, faults) = exporter_of(&files);
            assert_eq!(faults, []);
            assert_eq!(known.export(&logs(), AMPLE).await, delivered());
            let stranger = exporter_of(&given(&[(ENDPOINT, &endpoint), ("ROTEL_OTLP_EXPORTER_TLS_CA_PEM", &ca)])).0;
            assert!(matches!(stranger.export(&logs(), AMPLE).await, Outcome::NoAnswer { .. }));
            drop((known, stranger));
            stop.send(()).unwrap();
            task.await.unwrap();
        }
    }
}
