//! A batch as the bytes of one OTLP request: protobuf or JSON, gzip or not. Nothing is cloned on the way.

use crate::{
    config::{Compression, Protocol},
    flow::{Batch, Signal},
};
use bytes::Bytes;
use prost::encoding::message;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::io::Write;

/// The body of a request, without gRPC's frame.
///
/// # Errors
/// When a value cannot be written as JSON; protobuf always can.
pub(super) fn encode(batch: &Batch, protocol: Protocol, compression: Compression) -> Result<Bytes, serde_json::Error> {
    let plain = match protocol {
        Protocol::Grpc | Protocol::Http => protobuf(batch),
        Protocol::HttpJson => serde_json::to_vec(&Request(batch))?,
    };
    Ok(match compression {
        Compression::Gzip => gzipped(&plain),
        Compression::None => plain.into(),
    })
}

/// All three `Export*ServiceRequest` are one repeated field with number 1.
fn protobuf(batch: &Batch) -> Vec<u8> {
    const OVERHEAD: usize = 6;
    let mut bytes = Vec::with_capacity(batch.bytes + OVERHEAD * batch.signals.len());
    for signal in &batch.signals {
        match signal {
            Signal::Logs(logs) => message::encode(1, logs, &mut bytes),
            Signal::Traces(spans) => message::encode(1, spans, &mut bytes),
            Signal::Metrics(metrics) => message::encode(1, metrics, &mut bytes),
        }
    }
    bytes
}

/// Telemetry repeats itself so much that the fastest level gives most of what the best one does, at a fraction of the CPU
/// that is the function's too.
fn gzipped(plain: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(plain.len() / 6), flate2::Compression::fast());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("writing to memory does not fail").into()
}

/// `{"resourceLogs": [..]}`, and so on.
struct Request<'a>(&'a Batch);

impl Serialize for Request<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use crate::flow::SignalKind;
        let name = match self.0.kind {
            SignalKind::Logs => "resourceLogs",
            SignalKind::Traces => "resourceSpans",
            SignalKind::Metrics => "resourceMetrics",
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(name, &Signals(&self.0.signals))?;
        map.end()
    }
}

struct Signals<'a>(&'a [Signal]);

impl Serialize for Signals<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(One))
    }
}

struct One<'a>(&'a Signal);

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Signal::Logs(logs) => logs.serialize(serializer),
            Signal::Traces(spans) => spans.serialize(serializer),
            Signal::Metrics(metrics) => metrics.serialize(serializer),
        }
    }
}
