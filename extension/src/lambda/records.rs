//! The Telemetry API's wire types, read record by record so that an odd one never costs its batch.
//!
//! A delivery is cut into its records first, each then read alone; what cannot be read travels on as it came, in
//! [`Event::Unknown`]. Fields that AWS documents as optional, and those that only some kinds of execution send, are
//! optional here; fields we do not use are not read at all.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::flow::{
    UnixNanos,
    arrival::{
        Event, InitReport, InitStart, Line, LogsDropped, Report, ReportMetrics, RuntimeDone, Start, Status, Telemetry,
        Unknown, XRay,
    },
    trace::{SpanId, TraceContext},
};

/// Reads one delivery: a JSON array of records. Bytes that are not UTF-8 become U+FFFD, as CloudWatch shows them.
#[must_use]
pub fn read(body: &[u8]) -> Vec<Telemetry> {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<Vec<&RawValue>>(&text) {
        Ok(records) => records.into_iter().map(|record| read_record(record.get())).collect(),
        Err(_) => vec![read_record(&text)],
    }
}

/// How many records of log streams a delivery holds, for the ledger, when there is no room to keep it.
#[must_use]
pub fn count_log_records(body: &[u8]) -> u64 {
    let is_log = |telemetry: &&Telemetry| {
        matches!(telemetry.event, Event::Function(_) | Event::Extension(_) | Event::Unknown(_))
    };
    read(body).iter().filter(is_log).count() as u64
}

fn read_record(raw: &str) -> Telemetry {
    match serde_json::from_str::<Envelope<'_>>(raw) {
        Ok(envelope) => envelope.into_telemetry(raw),
        Err(fault) => unknown(0, "", raw, format!("not a telemetry record: {}", position_free(&fault))),
    }
}

fn unknown(time: UnixNanos, event_type: &str, raw: &str, why: String) -> Telemetry {
    let unknown = Unknown { event_type: event_type.to_owned(), raw: raw.trim().to_owned(), why };
    Telemetry { time, event: Event::Unknown(unknown) }
}

/// The fault without serde's "at line 1 column 123", which would make every message of a fault another one.
fn position_free(fault: &serde_json::Error) -> String {
    let words = fault.to_string();
    words.split(" at line ").next().unwrap_or_default().to_owned()
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
}

impl Envelope<'_> {
    fn into_telemetry(self, raw: &str) -> Telemetry {
        let time = self.time.and_then(|time| serde_json::from_str::<String>(time.get()).ok());
        let time = time.as_deref().and_then(rfc3339).unwrap_or(0);
        let record = self.record.map_or("null", RawValue::get);
        match event(&self.event_type, record) {
            Ok(event) => Telemetry { time, event },
            Err(why) => unknown(time, &self.event_type, raw, why),
        }
    }
}

/// The one place where wire types become ours.
fn event(event_type: &str, record: &str) -> Result<Event, String> {
    Ok(match event_type {
        "function" => Event::Function(line(record)?),
        "extension" => Event::Extension(line(record)?),
        "platform.initStart" | "platform.restoreStart" => Event::InitStart(parse::<WireInitStart>(record)?.into()),
        "platform.initReport" => Event::InitReport(parse::<WireInitReport>(record)?.into()),
        "platform.start" => Event::Start(parse::<WireStart>(record)?.into()),
        "platform.runtimeDone" => Event::RuntimeDone(parse::<WireRuntimeDone>(record)?.into()),
        "platform.report" => Event::Report(parse::<WireReport>(record)?.into()),
        "platform.logsDropped" => Event::LogsDropped(parse::<WireLogsDropped>(record)?.into()),
        "platform.initRuntimeDone"
        | "platform.restoreRuntimeDone"
        | "platform.restoreReport"
        | "platform.extension"
        | "platform.telemetrySubscription"
        | "platform.end" => Event::Noted { event_type: event_type.to_owned(), raw: record.to_owned() },
        _ => return Err("unknown event type".to_owned()),
    })
}

fn parse<'a, T: Deserialize<'a>>(record: &'a str) -> Result<T, String> {
    serde_json::from_str(record).map_err(|fault| position_free(&fault))
}

fn line(record: &str) -> Result<Line, String> {
    if record.starts_with('"') {
        return parse::<Lossy>(record).map(|text| Line::Text(text.0));
    }
    Ok(Line::Json(record.to_owned()))
}

/// A JSON string whose lone surrogates (`\ud800`: half of a character cut in two) become U+FFFD instead of a fault.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Lossy;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

fn rfc3339(text: &str) -> Option<UnixNanos> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(time.timestamp_nanos_opt()?).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireInitStart {
    instance_id: Option<String>,
    runtime_version: Option<String>,
    runtime_version_arn: Option<String>,
}

impl From<WireInitStart> for InitStart {
    fn from(wire: WireInitStart) -> Self {
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            instance_id: present(wire.instance_id),
            runtime_version: present(wire.runtime_version),
            runtime_version_arn: present(wire.runtime_version_arn),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireInitReport {
    #[serde(default)]
    phase: String,
    status: Option<String>,
    metrics: WireMetrics,
    error_type: Option<String>,
}

impl From<WireInitReport> for InitReport {
    fn from(wire: WireInitReport) -> Self {
        Self {
            phase: wire.phase,
            status: wire.status.map(Status::from),
            duration_ms: wire.metrics.duration_ms.unwrap_or_default(),
            error_type: wire.error_type,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTracing {
    span_id: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStart {
    request_id: String,
    version: Option<String>,
    tracing: Option<WireTracing>,
}

impl From<WireStart> for Start {
    fn from(wire: WireStart) -> Self {
        let tracing = wire.tracing.as_ref();
        Self {
            trace: tracing.and_then(|tracing| TraceContext::from_xray(tracing.value.as_deref()?)),
            span_id: tracing.and_then(|tracing| SpanId::from_hex(tracing.span_id.as_deref()?)),
            request_id: wire.request_id,
            version: wire.version,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireMetrics {
    duration_ms: Option<f64>,
    produced_bytes: Option<u64>,
    billed_duration_ms: Option<f64>,
    #[serde(rename = "memorySizeMB")]
    memory_size_mb: Option<u64>,
    #[serde(rename = "maxMemoryUsedMB")]
    max_memory_used_mb: Option<u64>,
    init_duration_ms: Option<f64>,
    restore_duration_ms: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRuntimeDone {
    request_id: String,
    status: String,
    error_type: Option<String>,
    metrics: Option<WireMetrics>,
}

impl From<WireRuntimeDone> for RuntimeDone {
    fn from(wire: WireRuntimeDone) -> Self {
        let metrics = wire.metrics.unwrap_or_default();
        Self {
            request_id: wire.request_id,
            status: wire.status.into(),
            error_type: wire.error_type,
            duration_ms: metrics.duration_ms,
            produced_bytes: metrics.produced_bytes,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireReport {
    request_id: String,
    status: Option<String>,
    error_type: Option<String>,
    #[serde(default)]
    metrics: WireMetrics,
    tracing: Option<WireTracing>,
}

impl From<WireReport> for Report {
    fn from(wire: WireReport) -> Self {
        Self {
            request_id: wire.request_id,
            status: wire.status.map_or(Status::Success, Status::from),
            error_type: wire.error_type,
            xray: wire.tracing.and_then(xray),
            metrics: ReportMetrics {
                duration_ms: wire.metrics.duration_ms.unwrap_or_default(),
                billed_duration_ms: wire.metrics.billed_duration_ms,
                memory_size_mb: wire.metrics.memory_size_mb,
                max_memory_used_mb: wire.metrics.max_memory_used_mb,
                init_duration_ms: wire.metrics.init_duration_ms,
                restore_duration_ms: wire.metrics.restore_duration_ms,
            },
        }
    }
}

fn xray(tracing: WireTracing) -> Option<XRay> {
    let value = tracing.value?;
    let root = value.split(';').find_map(|field| field.trim().strip_prefix("Root="))?.to_owned();
    Some(XRay { root, segment_id: tracing.span_id, sampled: value.contains("Sampled=1") })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireLogsDropped {
    dropped_records: u64,
    dropped_bytes: u64,
    reason: String,
}

impl From<WireLogsDropped> for LogsDropped {
    fn from(wire: WireLogsDropped) -> Self {
        Self { records: wire.dropped_records, bytes: wire.dropped_bytes, reason: wire.reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(record: &str) -> Telemetry {
        let mut records = read(format!("[{record}]").as_bytes());
        assert_eq!(records.len(), 1);
        records.remove(0)
    }

    fn raw_of(telemetry: &Telemetry) -> &Unknown {
        match &telemetry.event {
            Event::Unknown(unknown) => unknown,
            other => panic!("not unknown: {other:?}"),
        }
    }

    #[test]
    fn a_line_is_kept_with_its_time() {
        let read = one(r#"{"time":"2022-10-19T13:52:15.636Z","type":"function","record":"plain\n"}"#);
        assert_eq!(read.time, 1_666_187_535_636_000_000);
        assert_eq!(read.event, Event::Function(Line::Text("plain\n".into())));
    }

    #[test]
    fn an_object_and_a_bare_number_are_kept_as_json() {
        let object = one(r#"{"time":"","type":"function","record":{"b":1, "a":2}}"#);
        assert_eq!(object.event, Event::Function(Line::Json(r#"{"b":1, "a":2}"#.into())));
        assert_eq!(one(r#"{"type":"extension","record":7}"#).event, Event::Extension(Line::Json("7".into())));
    }

    #[test]
    fn an_odd_record_costs_none_of_its_neighbours() {
        let body = br#"[{"type":"function","record":"a"}, 17, {"type":"platform.start","record":{}},
            {"type":"platform.brandNew","record":{"x":1}}, {"type":"function","record":"b"}]"#;
        let read = read(body);
        assert_eq!(read.len(), 5);
        assert_eq!(read[0].event, Event::Function(Line::Text("a".into())));
        assert_eq!(raw_of(&read[1]).raw, "17");
        assert_eq!(raw_of(&read[2]).why, "missing field `requestId`");
        assert_eq!(raw_of(&read[3]).event_type, "platform.brandNew");
        assert_eq!(raw_of(&read[3]).raw, r#"{"type":"platform.brandNew","record":{"x":1}}"#);
        assert_eq!(read[4].event, Event::Function(Line::Text("b".into())));
    }

    #[test]
    fn half_a_surrogate_and_bytes_that_are_no_text_become_replacement_characters() {
        let half = one(r#"{"type":"function","record":"a\ud800b\u0000"}"#);
        assert_eq!(half.event, Event::Function(Line::Text("a\u{fffd}\u{fffd}\u{fffd}b\0".into())));
        let rubbish = read(b"[{\"type\":\"function\",\"record\":\"\xff\xfe\"}]");
        assert_eq!(rubbish[0].event, Event::Function(Line::Text("\u{fffd}\u{fffd}".into())));
    }

    #[test]
    fn a_delivery_that_is_no_array_is_one_unknown_record() {
        assert_eq!(raw_of(&read(b"[{\"type\":\"func")[0]).raw, "[{\"type\":\"func");
        assert!(read(b"[]").is_empty());
    }

    #[test]
    fn a_start_carries_its_trace_and_lambdas_span() {
        let start = one(
            r#"{"time":"2022-10-21T14:05:03.165Z","type":"platform.start","record":{"requestId":"459921b5","version":"$LATEST",
            "tracing":{"spanId":"24cd7d670fa455f0","type":"X-Amzn-Trace-Id","value":"Root=1-6352a70e-1e2c502e358361800241fd45;Parent=35465b3a9e2f7c6a;Sampled=1"}}}"#,
        );
        let Event::Start(start) = start.event else { panic!("{start:?}") };
        assert_eq!(start.span_id, SpanId::from_hex("24cd7d670fa455f0"));
        assert_eq!(start.trace.unwrap().parent, SpanId::from_hex("35465b3a9e2f7c6a"));
    }

    #[test]
    fn a_report_of_aws_and_one_of_managed_instances_are_read() {
        let aws = one(
            r#"{"type":"platform.report","record":{"requestId":"r","metrics":{"durationMs":2599.4,"billedDurationMs":2600,
            "memorySizeMB":128,"maxMemoryUsedMB":94,"initDurationMs":549.04},"tracing":{"spanId":"s","value":"Root=1-6352a70e-1e;Sampled=1"},"status":"success"}}"#,
        );
        let Event::Report(aws) = aws.event else { panic!("{aws:?}") };
        assert_eq!((aws.metrics.max_memory_used_mb, aws.metrics.init_duration_ms), (Some(94), Some(549.04)));
        assert_eq!(aws.xray, Some(XRay { root: "1-6352a70e-1e".into(), segment_id: Some("s".into()), sampled: true }));
        let managed = one(
            r#"{"type":"platform.report","record":{"requestId":"r","status":"timeout","metrics":{"durationMs":3000.5},"errorType":"Sandbox.Timedout"}}"#,
        );
        let Event::Report(managed) = managed.event else { panic!("{managed:?}") };
        assert_eq!((managed.status, managed.metrics.billed_duration_ms), (Status::Timeout, None));
    }

    #[test]
    fn lost_deliveries_are_counted_by_their_log_records() {
        let body = br#"[{"type":"function","record":"a"},{"type":"platform.end","record":{}},{"type":"extension","record":"b"},{"type":"x"}]"#;
        assert_eq!(count_log_records(body), 3);
    }
}
