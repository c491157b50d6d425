//! The body of an OTLP/HTTP request: inflated within a bound, then read as protobuf or JSON.

use super::{MAX_REQUEST_BYTES, ids, json};
use crate::flow::{Signal, SignalKind};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use std::io::Read;

/// What a request held.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) signals: Vec<Signal>,
    /// Records of it that could not be read.
    pub(super) rejected: u64,
    /// Why the first of them.
    pub(super) message: String,
}

/// Why a body cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    #[error("the request is larger than {MAX_REQUEST_BYTES} bytes")]
    TooLarge,
    #[error("the body cannot be decompressed: {0}")]
    Compression(#[source] std::io::Error),
    #[error("the body cannot be read as OTLP: {0}")]
    Protobuf(#[from] prost::DecodeError),
    #[error("the body cannot be read as OTLP: {0}")]
    Json(#[from] json::Odd),
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    /// zlib, as HTTP means the word.
    Deflate,
}

/// Undoes the compression, to no more than [`MAX_REQUEST_BYTES`].
pub(super) fn inflated(body: Bytes, compression: Compression) -> Result<Bytes, DecodeError> {
    match compression {
        Compression::None => Ok(body),
        Compression::Gzip => read_all(flate2::read::MultiGzDecoder::new(&body[..]), body.len()),
        Compression::Deflate => read_all(flate2::read::ZlibDecoder::new(&body[..]), body.len()),
    }
}

fn read_all(decoder: impl Read, compressed: usize) -> Result<Bytes, DecodeError> {
    let limit = MAX_REQUEST_BYTES as u64;
    let mut plain = Vec::with_capacity(compressed.saturating_mul(4).min(MAX_REQUEST_BYTES));
    decoder.take(limit + 1).read_to_end(&mut plain).map_err(DecodeError::Compression)?;
    if plain.len() as u64 > limit { Err(DecodeError::TooLarge) } else { Ok(plain.into()) }
}

/// Reads a protobuf body.
pub(super) fn protobuf(kind: SignalKind, body: Bytes) -> Result<Decoded, DecodeError> {
    let mut signals = match kind {
        SignalKind::Logs => wrapped(ExportLogsServiceRequest::decode(body)?.resource_logs, Signal::Logs),
        SignalKind::Traces => wrapped(ExportTraceServiceRequest::decode(body)?.resource_spans, Signal::Traces),
        SignalKind::Metrics => wrapped(ExportMetricsServiceRequest::decode(body)?.resource_metrics, Signal::Metrics),
    };
    let rejected = ids::take_out_odd(&mut signals);
    let message = if rejected > 0 { ids::WHY } else { "" };
    Ok(Decoded { signals, rejected, message: message.to_owned() })
}

/// Reads a JSON body.
pub(super) fn json(kind: SignalKind, body: &[u8]) -> Result<Decoded, DecodeError> {
    Ok(json::read(kind, body)?)
}

fn wrapped<T>(shares: Vec<T>, wrap: fn(T) -> Signal) -> Vec<Signal> {
    shares.into_iter().map(wrap).collect()
}
