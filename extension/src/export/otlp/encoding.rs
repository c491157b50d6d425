//! A batch as the bytes of one OTLP request: protobuf or JSON, gzip or not.
//!
//! Protobuf is what the batch's pieces are already: they are only framed. JSON is made of the decoded request.

use super::compression::Body;
use crate::{
    config::{Compression, Protocol},
    flow::{Batch, SignalKind},
};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest,
};
use prost::Message;

/// The body of a request, with its frame where it is gRPC's.
///
/// # Errors
/// When what waited is no such message, or a value cannot be written as JSON; protobuf can always be made.
pub fn encode(batch: &Batch, protocol: Protocol, compression: Compression) -> Result<Bytes, NotEncodable> {
    let body = |frame: &[u8]| Body::new(compression, frame, batch.bytes + OVERHEAD * batch.pieces.len());
    Ok(match protocol {
        Protocol::Grpc => framed(protobuf(batch, body(&[u8::from(compression != Compression::None), 0, 0, 0, 0]))),
        Protocol::Http => protobuf(batch, body(&[])).into(),
        Protocol::HttpJson => {
            let mut json_body = body(&[]);
            json_body.put(&with_nan(json(batch)?));
            json_body.finish().into()
        }
    })
}

/// gRPC's frame: a flag that says "compressed", the length of the message, the message.
fn framed(mut frame: Vec<u8>) -> Bytes {
    let length = u32::try_from(frame.len() - FRAME).expect("a batch is far below 4 GiB");
    frame[1..FRAME].copy_from_slice(&length.to_be_bytes());
    frame.into()
}

/// The bytes of gRPC's frame before the message.
const FRAME: usize = 5;

/// A key and a length before the pieces of one resource.
const OVERHEAD: usize = 6;

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
fn protobuf(batch: &Batch, mut body: Body) -> Vec<u8> {
    const KEY: u8 = 1 << 3 | 2;
    for same in batch.pieces.chunk_by(|one, next| one.head() == next.head()) {
        let head = same[0].head();
        let scopes = same.iter().map(|piece| &piece.bytes[head.len()..]);
        let mut key = vec![KEY];
        prost::encode_length_delimiter(head.len() + scopes.clone().map(<[u8]>::len).sum::<usize>(), &mut key)
            .expect("a vector has room for any length");
        [&key, head].into_iter().chain(scopes).for_each(|part| body.put(part));
    }
    body.finish()
}

/// The same request in JSON.
fn json(batch: &Batch) -> Result<Vec<u8>, NotEncodable> {
    let request = Bytes::from(protobuf(batch, Body::new(Compression::None, &[], batch.bytes)));
    Ok(match batch.kind {
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
    if json.contains(BOUNDS) {
        json = with_infinite_bounds(&json);
    }
    json.into_bytes()
}

const BOUNDS: &str = "\"explicitBounds\":[";

/// Some write the last bucket's bound, which is none, as the infinity that it stands for.
fn with_infinite_bounds(json: &str) -> String {
    let mut whole = String::with_capacity(json.len());
    let mut rest = json;
    while let Some((before, bounds)) = rest.split_once(BOUNDS) {
        let (bounds, behind) = bounds.split_at(bounds.find(']').unwrap_or(bounds.len()));
        whole.push_str(before);
        whole.push_str(BOUNDS);
        whole.push_str(&bounds.replace("null", "\"Infinity\""));
        rest = behind;
    }
    whole.push_str(rest);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Signal, pack};
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, KeyValue, any_value::Value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        metrics::v1::{Histogram, HistogramDataPoint, Metric, ResourceMetrics, ScopeMetrics, metric::Data},
        resource::v1::Resource,
    };

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
        let bytes = encode(&batch(&values), Protocol::Http, Compression::None).unwrap();
        assert_eq!(bytes, request(&values).encode_to_vec());
    }

    #[test]
    fn grpc_has_a_frame_with_a_flag_and_the_length_before_the_same_bytes() {
        for (compression, flag) in [(Compression::None, 0), (Compression::Gzip, 1)] {
            let [grpc, http] = [Protocol::Grpc, Protocol::Http].map(|by| encode(&batch(&[]), by, compression).unwrap());
            let length = u32::try_from(http.len()).unwrap().to_be_bytes();
            assert_eq!(grpc, [&[flag], &length[..], &http].concat());
        }
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

    #[test]
    fn the_bound_of_a_last_bucket_may_be_infinite_in_json() {
        let bounds = |json: &str| with_infinite_bounds(json);
        assert_eq!(
            bounds(r#"{"explicitBounds":[0.5,null],"min":null}"#),
            r#"{"explicitBounds":[0.5,"Infinity"],"min":null}"#
        );
        assert_eq!(
            bounds(r#"["\"explicitBounds\":[null]",{"explicitBounds":[]}]"#),
            r#"["\"explicitBounds\":[null]",{"explicitBounds":[]}]"#
        );
        let point = HistogramDataPoint { explicit_bounds: vec![0.5, f64::INFINITY], ..HistogramDataPoint::default() };
        let data = Some(Data::Histogram(Histogram { data_points: vec![point], ..Histogram::default() }));
        let metrics = vec![Metric { data, ..Metric::default() }];
        let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
        let mut batch = Batch::new(SignalKind::Metrics);
        let metrics = ResourceMetrics { scope_metrics, ..ResourceMetrics::default() };
        pack(Signal::Metrics(metrics)).into_iter().for_each(|piece| batch.push(piece));
        let json = encode(&batch, Protocol::HttpJson, Compression::None).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let metric = &json["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0];
        assert_eq!(metric["histogram"]["dataPoints"][0]["explicitBounds"], serde_json::json!([0.5, "Infinity"]));
    }
}
