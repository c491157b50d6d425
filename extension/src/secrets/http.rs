//! HTTP to AWS: one client for the SDK, for calls of our own and for the container's credentials.
//!
//! Its types are those of the OTLP exporter's client, so it costs no code; its roots are compiled in, since reading the
//! system's takes longer than everything else at start.

use ::http::{Request, Response};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector as SdkConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::{error::Error, sync::Arc, time::Duration};

/// More of an answer is not read: ten secrets of their largest size are 640 KiB.
const MAX_ANSWER_BYTES: usize = 2 << 20;

/// Without a route to the service (a VPC without its endpoint) a connection would be tried for minutes.
const CONNECT: Duration = Duration::from_secs(3);

/// Why there is no answer.
pub(super) type NoAnswer = Box<dyn Error + Send + Sync>;

/// The client. Clones share its connections.
#[derive(Clone, Debug)]
pub(super) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    pub(super) fn new() -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        Self(Client::builder(TokioExecutor::new()).build(HttpsConnector::from((tcp, tls))))
    }

    /// Sends `request` and reads the whole answer.
    pub(super) async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NoAnswer> {
        let (head, body) = self.0.request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }

    async fn call_for_sdk(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let request = request.map(|body| body.bytes().map(Bytes::copy_from_slice).unwrap_or_default());
        let answer = self.exchange(request).await.map_err(ConnectorError::io)?;
        HttpResponse::try_from(answer.map(SdkBody::from)).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl SdkConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().call_for_sdk(request))
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The innermost cause: `connection refused (os error 111)`, not `client error (Connect)`.
pub(super) fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
