//! Bodies of OTLP/HTTP: what one decodes to encodes again to the same, and valid records outlive odd neighbours.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use lambdaview_extension::{
    config::{Compression, Protocol},
    export::otlp::encoding,
    flow::{Batch, Signal, SignalKind, pack},
    otlp::http::read,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use serde_json::Value;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The first byte says which signal and in which form, the rest is the body.
pub fn check(data: &[u8]) {
    let Some((&form, body)) = data.split_first() else { return };
    let kind = SignalKind::ALL[usize::from(form % 3)];
    let (media, compressed) = match form / 3 % 4 {
        0 => (PROTOBUF, ""),
        1 => (JSON, ""),
        2 => (PROTOBUF, "gzip"),
        _ => (JSON, "deflate"),
    };
    if let Ok((signals, _)) = read(kind, &headers(media, compressed), Bytes::copy_from_slice(body)) {
        again(kind, signals);
    }
    if media == JSON {
        neighbours(body);
    }
}

fn headers(media: &'static str, compressed: &'static str) -> HeaderMap {
    let value = HeaderValue::from_static;
    [(header::CONTENT_TYPE, value(media)), (header::CONTENT_ENCODING, value(compressed))].into_iter().collect()
}

/// As protobuf, whole: what is equal here is equal, a NaN included.
fn protobuf(batch: &Batch) -> Bytes {
    encoding::encode(batch, Protocol::Http, Compression::None).expect("protobuf can always be written")
}

/// Packed as it waits to be sent, nothing lost on the way.
fn batch(kind: SignalKind, signals: Vec<Signal>) -> Batch {
    let records: u64 = signals.iter().map(Signal::records).sum();
    let mut batch = Batch::new(kind);
    signals.into_iter().flat_map(pack).for_each(|piece| batch.push(piece));
    assert_eq!(batch.records, records);
    batch
}

fn again(kind: SignalKind, signals: Vec<Signal>) {
    let batch = batch(kind, signals);
    let first = protobuf(&batch);
    for (protocol, compression) in [
        (Protocol::Http, Compression::None),
        (Protocol::Http, Compression::Gzip),
        (Protocol::HttpJson, Compression::Gzip),
    ] {
        let body = encoding::encode(&batch, protocol, compression).expect("every signal can be written");
        let media = if protocol == Protocol::HttpJson { JSON } else { PROTOBUF };
        let compressed = if compression == Compression::Gzip { "gzip" } else { "" };
        let read = read(kind, &headers(media, compressed), body.clone());
        let (signals, rejected) = read.expect("what we write can be read");
        assert_eq!(rejected, 0, "{protocol:?} {:#?}", batch.signals());
        let second = self::batch(kind, signals);
        assert_eq!(second.records, batch.records, "{protocol:?}");
        if protocol == Protocol::Http {
            assert!(protobuf(&second) == first, "{batch:#?} became {second:#?}");
        }
    }
}

/// Two valid log records around `data`, where it is JSON.
fn neighbours(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if serde_json::from_str::<Vec<Value>>(&format!("[{text}]")).is_err() {
        return;
    }
    let valid = |word: &str| format!(r#"{{"timeUnixNano":"1","body":{{"stringValue":"{word}"}}}}"#);
    let comma = if text.trim().is_empty() { "" } else { "," };
    let records = format!("{}{comma}{text},{}", valid("before"), valid("after"));
    let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
    let (signals, _) = read(SignalKind::Logs, &headers(JSON, ""), body.into()).expect("the request is JSON");
    let bodies: Vec<_> = signals.iter().flat_map(texts).collect();
    assert_eq!(bodies.first().map(String::as_str), Some("before"), "{bodies:?}");
    assert_eq!(bodies.last().map(String::as_str), Some("after"), "{bodies:?}");
}

fn texts(signal: &Signal) -> Vec<String> {
    let Signal::Logs(logs) = signal else { panic!("logs are logs") };
    let records = logs.scope_logs.iter().flat_map(|scope| &scope.log_records);
    let bodies = records.map(|record| match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        _ => String::new(),
    });
    bodies.collect()
}
