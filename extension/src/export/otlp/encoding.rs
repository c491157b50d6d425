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
        Protocol::HttpJson => with_nan(serde_json::to_vec(&Request(batch))?),
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

/// JSON has no word for a double that is no finite number, and `serde_json` writes `null`, for which a collector refuses the
/// whole request. Protobuf's mapping has `"NaN"`. (An infinity, which was `null` too, becomes one as well.)
///
/// Within a text the quotes would be escaped, so that only fields are found.
fn with_nan(json: Vec<u8>) -> Vec<u8> {
    let mut json = String::from_utf8(json).expect("JSON is UTF-8");
    for field in ["\"doubleValue\":", "\"asDouble\":"] {
        let null = format!("{field}null");
        if json.contains(&null) {
            json = json.replace(&null, &format!("{field}\"NaN\""));
        }
    }
    json.into_bytes()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::SignalKind;
    use opentelemetry_proto::tonic::{
        collector::logs::v1::ExportLogsServiceRequest,
        common::v1::{AnyValue, KeyValue, any_value::Value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    };
    use prost::Message;

    fn batch(values: &[Value]) -> Batch {
        let attribute = |value: &Value| {
            let value = Some(AnyValue { value: Some(value.clone()) });
            KeyValue { key: "k".to_owned(), value, ..KeyValue::default() }
        };
        let record = LogRecord { attributes: values.iter().map(attribute).collect(), ..LogRecord::default() };
        let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
        let signals = vec![Signal::Logs(ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() }); 2];
        Batch { kind: SignalKind::Logs, records: 2, bytes: signals.iter().map(Signal::bytes).sum(), signals }
    }

    fn request(batch: &Batch) -> ExportLogsServiceRequest {
        let logs = batch.signals.iter().map(|signal| match signal {
            Signal::Logs(logs) => logs.clone(),
            other => panic!("{other:?}"),
        });
        ExportLogsServiceRequest { resource_logs: logs.collect() }
    }

    #[test]
    fn protobuf_is_what_the_generated_request_would_be() {
        let batch = batch(&[Value::IntValue(5), Value::StringValue("x".repeat(1000))]);
        let bytes = encode(&batch, Protocol::Grpc, Compression::None).unwrap();
        assert_eq!(bytes, request(&batch).encode_to_vec());
    }

    #[test]
    fn gzip_makes_it_smaller_and_can_be_undone() {
        use std::io::Read;
        let batch = batch(&[Value::StringValue("x".repeat(1000))]);
        let bytes = encode(&batch, Protocol::Http, Compression::Gzip).unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, request(&batch).encode_to_vec());
        assert!(bytes.len() * 10 < plain.len());
    }

    #[test]
    fn json_has_a_word_for_what_is_no_number_and_leaves_texts_alone() {
        let text = "\"doubleValue\":null";
        let batch =
            batch(&[Value::DoubleValue(f64::NAN), Value::StringValue(text.to_owned()), Value::DoubleValue(0.5)]);
        let json = encode(&batch, Protocol::HttpJson, Compression::None).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let attributes = &json["resourceLogs"][1]["scopeLogs"][0]["logRecords"][0]["attributes"];
        assert_eq!(attributes[0]["value"]["doubleValue"], "NaN");
        assert_eq!(attributes[1]["value"]["stringValue"], text);
        assert_eq!(attributes[2]["value"]["doubleValue"], 0.5);
    }
}
