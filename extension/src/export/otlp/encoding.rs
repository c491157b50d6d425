//! A batch as the bytes of one OTLP request: protobuf or JSON, gzip or not. Nothing is cloned on the way.

use crate::{
    config::{Compression, Protocol},
    flow::{Batch, Signal},
};
use bytes::Bytes;
use flate2::{Compress, Crc, FlushCompress, Status};
use prost::encoding::message;
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::cell::RefCell;

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
    let mut packed = Vec::with_capacity(GZIP_HEADER.len() + plain.len() / 6 + SPARE);
    packed.extend_from_slice(&GZIP_HEADER);
    DEFLATE.with_borrow_mut(|deflate| deflated(plain, deflate, &mut packed));
    let mut check = Crc::new();
    check.update(plain);
    packed.extend_from_slice(&check.sum().to_le_bytes());
    packed.extend_from_slice(&check.amount().to_le_bytes());
    packed.into()
}

fn deflated(plain: &[u8], deflate: &mut Compress, packed: &mut Vec<u8>) {
    deflate.reset();
    loop {
        let taken = usize::try_from(deflate.total_in()).expect("what was taken is in memory");
        let status = deflate.compress_vec(&plain[taken..], packed, FlushCompress::Finish);
        if status.expect("the compressor is not finished yet") == Status::StreamEnd {
            return;
        }
        packed.reserve(packed.len().max(SPARE));
    }
}

thread_local! {
    /// One for all requests: its tables take a quarter of a megabyte, which fresh for each of an invocation's three requests
    /// would come from the system and go back to it again, page by page. That cost more than the compression itself.
    static DEFLATE: RefCell<Compress> = RefCell::new(Compress::new(flate2::Compression::fast(), false));
}

/// RFC 1952: deflate, no flags, no time, the fastest algorithm, on a system that is not told.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff];

/// The least room that the compressor is given at a time.
const SPARE: usize = 512;

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
    use proptest::prelude::*;
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

    proptest! {
        #[test]
        fn gzip_of_one_text_after_another_is_each_for_itself(
            texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5000), 1..4)
        ) {
            use std::io::{Read, Write};
            for plain in texts {
                let packed = gzipped(&plain);
                let mut alone = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                alone.write_all(&plain).unwrap();
                let alone = alone.finish().unwrap();
                prop_assert_eq!(&packed[..10], &alone[..10]);
                prop_assert_eq!(&packed[packed.len() - 8..], &alone[alone.len() - 8..]);
                let mut unpacked = Vec::new();
                flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
                prop_assert_eq!(unpacked, plain);
            }
        }
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
