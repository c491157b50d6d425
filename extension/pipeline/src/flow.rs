//! The values that travel between the stages, and nothing that acts on them.
//!
//! One internal language: OTLP. Whatever comes in becomes a [`Signal`]; what waits and goes out is [`Packed`], its bytes, or
//! laid into rows in `export::rows`. The stages know each other only through this file.

pub mod arrival;
mod packed;
pub mod trace;

pub use packed::{PIECE_BYTES, Packed, Packer, head, pack};

use opentelemetry_proto::tonic::{
    logs::v1::ResourceLogs,
    metrics::v1::{ResourceMetrics, metric},
    trace::v1::ResourceSpans,
};
use prost::{DecodeError, Message};

/// Nanoseconds since the Unix epoch, UTC: OTLP's unit of time everywhere.
pub type UnixNanos = u64;

/// Which of OpenTelemetry's three signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignalKind {
    /// Log records.
    Logs,
    /// Spans.
    Traces,
    /// Metric data points.
    Metrics,
}

impl SignalKind {
    /// Every kind, in the order in which the ledger prints them.
    pub const ALL: [Self; 3] = [Self::Logs, Self::Traces, Self::Metrics];

    /// The last part of OTLP/HTTP's path and the ledger's word: `logs`, `traces`, `metrics`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }
}

/// One resource's share of one signal.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Log records of one resource.
    Logs(ResourceLogs),
    /// Spans of one resource.
    Traces(ResourceSpans),
    /// Metrics of one resource.
    Metrics(ResourceMetrics),
}

impl Signal {
    /// Which signal this is.
    #[must_use]
    pub const fn kind(&self) -> SignalKind {
        match self {
            Self::Logs(_) => SignalKind::Logs,
            Self::Traces(_) => SignalKind::Traces,
            Self::Metrics(_) => SignalKind::Metrics,
        }
    }

    /// How many records the ledger counts: log records, spans, metric data points.
    #[must_use]
    pub fn records(&self) -> u64 {
        let records: usize = match self {
            Self::Logs(logs) => logs.scope_logs.iter().map(|scope| scope.log_records.len()).sum(),
            Self::Traces(spans) => spans.scope_spans.iter().map(|scope| scope.spans.len()).sum(),
            Self::Metrics(metrics) => metrics
                .scope_metrics
                .iter()
                .flat_map(|scope| &scope.metrics)
                .map(|m| data_points(m.data.as_ref()))
                .sum(),
        };
        records as u64
    }

    /// Its size as OTLP protobuf, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Logs(logs) => logs.encoded_len(),
            Self::Traces(spans) => spans.encoded_len(),
            Self::Metrics(metrics) => metrics.encoded_len(),
        }
    }
}

fn data_points(data: Option<&metric::Data>) -> usize {
    match data {
        None => 0,
        Some(metric::Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(metric::Data::Sum(sum)) => sum.data_points.len(),
        Some(metric::Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(metric::Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(metric::Data::Summary(summary)) => summary.data_points.len(),
    }
}

/// What is handed to an exporter at once: records of one kind, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The kind that all of `pieces` have.
    pub kind: SignalKind,
    /// Oldest first.
    pub pieces: Vec<Packed>,
    /// Records in all of them, as the ledger counts.
    pub records: u64,
    /// Bytes of all of them.
    pub bytes: usize,
}

impl Batch {
    /// Of nothing yet.
    #[must_use]
    pub const fn new(kind: SignalKind) -> Self {
        Self { kind, pieces: Vec::new(), records: 0, bytes: 0 }
    }

    /// Puts a piece of its kind at its end.
    pub fn push(&mut self, piece: Packed) {
        self.records += piece.records;
        self.bytes += piece.bytes.len();
        self.pieces.push(piece);
    }

    /// Its signals, decoded.
    ///
    /// # Errors
    /// When a piece is not what it should be.
    pub fn signals(&self) -> Result<Vec<Signal>, DecodeError> {
        self.pieces.iter().map(Packed::unpack).collect()
    }
}

/// What became of a [`Batch`] that an exporter was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The backend took it; `rejected` records of it it did not want (OTLP's partial success), with its words.
    Delivered {
        /// Records that the backend refused for good.
        rejected: u64,
        /// The backend's words about them, or empty.
        message: String,
    },
    /// Not taken, and worth trying again: after `after` when the backend asked for it, else after the caller's backoff.
    Retry {
        /// The backend's own wish (`Retry-After`, `RetryInfo`).
        after: Option<std::time::Duration>,
        /// What happened, in one lowercase fragment without secrets.
        why: String,
    },
    /// Nobody answered: refused, reset, or silent for as long as was waited. Worth trying again.
    NoAnswer {
        /// Whether the environment was frozen meanwhile: then it says nothing about the backend.
        frozen: bool,
        /// What happened, in one lowercase fragment without secrets.
        why: String,
    },
    /// Not taken, because the backend does not accept who we say we are: unless that changes, it never will be.
    Denied {
        /// What happened, in one lowercase fragment without secrets.
        why: String,
    },
    /// Not taken, and never will be (bad request, unsupported).
    Refused {
        /// What happened, in one lowercase fragment without secrets.
        why: String,
    },
}
