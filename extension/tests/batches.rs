//! Deliveries of the Telemetry API with damage in them: what is whole in one arrives, whatever lies beside it.

use lambdaview_extension::{
    flow::{Signal, arrival::Arrival},
    lambda::records,
    normalise::{Normaliser, Settings},
};
use opentelemetry_proto::tonic::{common::v1::any_value::Value as Any, logs::v1::LogRecord};
use proptest::{collection::vec, prelude::*};
use serde_json::json;

/// The log records that come of one delivery.
fn arrived(body: &[u8]) -> Vec<LogRecord> {
    const NOW: u64 = 1_795_376_349_674_000_000;
    let mut normaliser = Normaliser::new(Settings::of("orders"));
    records::read(body, |telemetry| normaliser.accept(Arrival::Telemetry(telemetry), NOW));
    normaliser.release_all("spindown", NOW);
    let logs = normaliser.drain().pieces.into_iter().filter_map(|piece| match piece.unpack() {
        Ok(Signal::Logs(logs)) => Some(logs),
        _ => None,
    });
    logs.flat_map(|logs| logs.scope_logs).flat_map(|scope| scope.log_records).collect()
}

/// What a record says of itself: whose invocation it is may depend on its neighbours.
fn said(record: &LogRecord) -> (String, i32, u64) {
    let body = match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    (body, record.severity_number, record.time_unix_nano)
}

/// A line that is like no other, as the platform writes it.
fn line() -> impl Strategy<Value = String> {
    let text = ("[a-z0-9]{12}", "(?s).{0,40}").prop_map(|(mark, text)| json!(format!("{mark}{text}")));
    let object = ("[a-z0-9]{12}", "(?s).{0,20}", any::<i32>())
        .prop_map(|(mark, text, number)| json!({"level": "WARN", "message": mark, "text": text, "list": [number]}));
    let record = prop_oneof![text, object];
    (record, 0..1000_u32, prop_oneof!["function", "extension"]).prop_map(|(record, millis, kind)| {
        let record = serde_json::to_string(&record).expect("a value can be written");
        format!(r#"{{"time":"2026-11-22T19:41:06.{millis:03}Z","type":"{kind}","record":{record}}}"#)
    })
}

/// JSON that is no record, or one of a kind or shape that nobody knows.
fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("17".to_owned()),
        Just("null".to_owned()),
        Just(r#""text""#.to_owned()),
        Just(r#"[{"type":"function"}]"#.to_owned()),
        Just(r#"{"time":7,"type":"platform.start","record":"no object"}"#.to_owned()),
        Just(r#"{"time":"2026-11-22T19:41:06.565Z","type":"platform.new","record":{"a":[{"time":1}]}}"#.to_owned()),
        Just(r#"{"type":"platform.report","record":{"requestId":[]}}"#.to_owned()),
        Just(r#"{"record":{}}"#.to_owned()),
    ]
}

/// A record of which some bytes are others, more or fewer.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let bytes = vec(prop_oneof![any::<u8>(), prop::sample::select(b"[]{}\",:\\".to_vec())], 0..6);
    (line(), any::<prop::sample::Index>(), 0..8_usize, bytes).prop_map(|(line, at, gone, new)| {
        let mut bytes = line.into_bytes();
        let at = at.index(bytes.len());
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, new);
        bytes
    })
}

proptest! {
    #[test]
    fn the_valid_records_of_a_mutated_batch_always_arrive(
        before in vec(prop_oneof![3 => line(), 1 => odd()], 0..6),
        damage in damaged(),
        after in vec(prop_oneof![3 => line(), 1 => odd()], 0..6),
        truncated in any::<bool>(),
    ) {
        let mut body = b"[".to_vec();
        for record in &before {
            body.extend_from_slice(record.as_bytes());
            body.push(b',');
        }
        body.extend_from_slice(&damage);
        for record in &after {
            body.push(b',');
            body.extend_from_slice(record.as_bytes());
        }
        if !truncated {
            body.push(b']');
        }
        let arrived: Vec<_> = arrived(&body).iter().map(said).collect();
        let valid = before.iter().chain(&after).filter(|record| record.contains(r#""type":"function""#)
            || record.contains(r#""type":"extension""#));
        for record in valid.filter(|record| !record.starts_with('[')) {
            let alone = self::arrived(format!("[{record}]").as_bytes());
            prop_assert_eq!(alone.len(), 1);
            let times = arrived.iter().filter(|arrived| **arrived == said(&alone[0])).count();
            prop_assert_eq!(times, 1, "{} in {}", record, String::from_utf8_lossy(&body));
        }
    }
}
