//! A backend that takes every OTLP/HTTP request at once and counts what came over the wire.

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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
