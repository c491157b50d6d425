//! From a delivery of the Telemetry API to what would be exported.

use lambdaview_extension::{
    flow::{Signal, arrival::Arrival},
    lambda::records,
    normalise::{Normaliser, Released, Settings},
};
use opentelemetry_proto::tonic::{common::v1::any_value::Value as Any, logs::v1::LogRecord};

const NOW: u64 = 1_795_376_349_674_000_000;

/// A normaliser as an environment on demand has it.
pub fn normaliser() -> Normaliser {
    Normaliser::new(Settings { platform_lines: true, ..Settings::of("orders") })
}

/// Everything that comes of one delivery.
pub fn everything(body: &[u8]) -> Released {
    let mut normaliser = normaliser();
    records::read(body, |telemetry| normaliser.accept(Arrival::Telemetry(telemetry), NOW));
    normaliser.release_all("spindown", NOW);
    assert_eq!(normaliser.held(), 0, "at the end nothing waits");
    normaliser.drain()
}

/// The log records of it.
pub fn log_records(released: &Released) -> Vec<LogRecord> {
    let signals = released.pieces.iter().map(|piece| piece.unpack().expect("what we packed can be unpacked"));
    let logs = signals.filter_map(|signal| match signal {
        Signal::Logs(logs) => Some(logs),
        _ => None,
    });
    logs.flat_map(|logs| logs.scope_logs).flat_map(|scope| scope.log_records).collect()
}

/// A record's body.
pub fn body(record: &LogRecord) -> &str {
    match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(Any::StringValue(text)) => text,
        other => panic!("a line's body is a text: {other:?}"),
    }
}
