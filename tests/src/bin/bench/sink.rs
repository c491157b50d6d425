//! A backend that takes every OTLP/HTTP request at once and counts what came over the wire.

use crate::row::median;
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::{net::TcpListener, task::JoinSet};

/// Counts of what the logs' endpoint was sent.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    bytes: AtomicU64,
    requests: AtomicU64,
}

/// The listening backend; it ends when it is dropped.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
    _server: JoinSet<()>,
}

impl Sink {
    pub(crate) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counts = Arc::<Counts>::default();
        let routes = Router::new().route("/v1/logs", post(count)).fallback(|| async { StatusCode::OK });
        let service = routes.layer(axum::extract::DefaultBodyLimit::disable()).with_state(counts.clone());
        let mut server = JoinSet::new();
        server.spawn(async move {
            let _never_ends = axum::serve(listener, service).await;
        });
        Ok(Self { address, counts, _server: server })
    }

    /// The median time of a small request to it on an open connection, in milliseconds: what no sender can go below.
    pub(crate) async fn round_trip(&self) -> f64 {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut times = Vec::new();
        for _ in 0..200 {
            let body = Full::new(Bytes::from_static(&[b'x'; 600]));
            let request = http::Request::post(format!("http://{}/v1/other", self.address)).body(body);
            let began = Instant::now();
            let answer = client.request(request.expect("a request to loopback")).await.expect("the sink answers");
            answer.into_body().collect().await.expect("an empty body");
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        median(&times)
    }

    /// Bytes of request bodies as they came, compressed, and how many requests brought them.
    pub(crate) fn logs(&self) -> (u64, u64) {
        (self.counts.bytes.load(Ordering::Relaxed), self.counts.requests.load(Ordering::Relaxed))
    }
}

/// An empty body is an `ExportLogsServiceResponse` without partial success.
async fn count(State(counts): State<Arc<Counts>>, body: Bytes) -> StatusCode {
    counts.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
    counts.requests.fetch_add(1, Ordering::Relaxed);
    StatusCode::OK
}
