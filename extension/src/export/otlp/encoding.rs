//! A batch as the bytes of one OTLP request: protobuf or JSON, gzip or not.
//!
//! Protobuf is what the batch's pieces are already: they are only framed. JSON is made of the decoded request.

use crate::{
    config::{Compression, Protocol},
    flow::{Batch, SignalKind},
};
use bytes::Bytes;
use flate2::{Compress, Crc, FlushCompress, Status};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use prost::Message;
use std::cell::RefCell;

/// The body of a request, without gRPC's frame.
///
/// # Errors
/// When what waited is no such message, or a value cannot be written as JSON; protobuf can always be made.
pub fn encode(batch: &Batch, protocol: Protocol, compression: Compression) -> Result<Bytes, NotEncodable> {
    let plain = match protocol {
        Protocol::Grpc | Protocol::Http => protobuf(batch),
        Protocol::HttpJson => with_nan(json(batch.kind, &protobuf(batch))?),
    };
    Ok(match compression {
        Compression::Gzip => gzipped(&plain),
        Compression::None => plain.into(),
    })
}

/// Why there is no request of a batch; protobuf always can be made.
#[derive(Debug, thiserror::Error)]
pub enum NotEncodable {
    /// A piece is not what it should be.
    #[error("what waited cannot be read: {0}")]
    Pieces(#[from] prost::DecodeError),
    /// JSON has no words for it.
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// All three `Export*ServiceRequest` are one repeated field with number 1. Pieces of the same resource share it.
fn protobuf(batch: &Batch) -> Vec<u8> {
    const KEY: u8 = 1 << 3 | 2;
    const OVERHEAD: usize = 6;
    let mut bytes = Vec::with_capacity(batch.bytes + OVERHEAD * batch.pieces.len());
    for same in batch.pieces.chunk_by(|one, next| one.head() == next.head()) {
        let head = same[0].head();
        let scopes = same.iter().map(|piece| &piece.bytes[head.len()..]);
        bytes.push(KEY);
        prost::encode_length_delimiter(head.len() + scopes.clone().map(<[u8]>::len).sum::<usize>(), &mut bytes)
            .expect("a vector has room for any length");
        bytes.extend_from_slice(head);
        scopes.for_each(|scopes| bytes.extend_from_slice(scopes));
    }
    bytes
}

/// The same request in JSON.
fn json(kind: SignalKind, request: &[u8]) -> Result<Vec<u8>, NotEncodable> {
    Ok(match kind {
        SignalKind::Logs => serde_json::to_vec(&ExportLogsServiceRequest::decode(request)?)?,
        SignalKind::Traces => serde_json::to_vec(&ExportTraceServiceRequest::decode(request)?)?,
        SignalKind::Metrics => serde_json::to_vec(&ExportMetricsServiceRequest::decode(request)?)?,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Signal, pack};
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, KeyValue, any_value::Value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        resource::v1::Resource,
    };
    use proptest::prelude::*;

    /// A record with these values, of the resource with this number.
    fn logs(resource: u32, values: &[Value]) -> ResourceLogs {
        let attribute = |value: &Value| {
            let value = Some(AnyValue { value: Some(value.clone()) });
            KeyValue { key: "k".to_owned(), value, ..KeyValue::default() }
        };
        let record = LogRecord { attributes: values.iter().map(attribute).collect(), ..LogRecord::default() };
        let resource = Some(Resource { dropped_attributes_count: resource, ..Resource::default() });
        let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
        ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }
    }

    fn batch(values: &[Value]) -> Batch {
        let mut batch = Batch::new(SignalKind::Logs);
        for resource in [1, 2, 2] {
            pack(Signal::Logs(logs(resource, values))).into_iter().for_each(|piece| batch.push(piece));
        }
        batch
    }

    /// What a batch of these values is to become: neighbours of the same resource are one.
    fn request(values: &[Value]) -> ExportLogsServiceRequest {
        let (one, mut two) = (logs(1, values), logs(2, values));
        two.scope_logs.push(two.scope_logs[0].clone());
        ExportLogsServiceRequest { resource_logs: vec![one, two] }
    }

    #[test]
    fn protobuf_is_what_the_generated_request_would_be() {
        let values = [Value::IntValue(5), Value::StringValue("x".repeat(1000))];
        let bytes = encode(&batch(&values), Protocol::Grpc, Compression::None).unwrap();
        assert_eq!(bytes, request(&values).encode_to_vec());
    }

    #[test]
    fn json_is_the_same_request() {
        let values = [Value::BoolValue(true), Value::IntValue(i64::MAX), Value::StringValue("\u{1f600}".into())];
        let json = encode(&batch(&values), Protocol::HttpJson, Compression::None).unwrap();
        assert_eq!(serde_json::from_slice::<ExportLogsServiceRequest>(&json).unwrap(), request(&values));
    }

    #[test]
    fn a_piece_that_is_none_is_no_json() {
        let mut batch = batch(&[]);
        batch.push(crate::flow::Packed { kind: SignalKind::Logs, records: 1, bytes: Bytes::from_static(b"\xff") });
        assert!(matches!(encode(&batch, Protocol::HttpJson, Compression::None), Err(NotEncodable::Pieces(_))));
    }

    #[test]
    fn gzip_makes_it_smaller_and_can_be_undone() {
        use std::io::Read;
        let values = [Value::StringValue("x".repeat(1000))];
        let bytes = encode(&batch(&values), Protocol::Http, Compression::Gzip).unwrap();
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
        assert_eq!(plain, request(&values).encode_to_vec());
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
