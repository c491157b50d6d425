//! The records of the platform's own events, as they are on the wire.
//!
//! Everything that some kind of execution leaves out is optional, and every number may be any JSON number: a figure that is
//! written otherwise tomorrow must not cost the event that it stands in. Only what an event would be nothing without, the
//! request id, is required.

use serde::Deserialize;

use super::rfc3339;
use crate::flow::{
    arrival::{self, Origin, PlatformSpan, ReportMetrics, Status, XRay},
    trace::{SpanId, TraceContext},
};

/// `platform.initStart` and `platform.restoreStart`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitStart {
    instance_id: Option<String>,
    runtime_version: Option<String>,
    runtime_version_arn: Option<String>,
    initialization_type: Option<String>,
}

/// Managed Instances send empty texts for what they do not have.
fn present(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

impl From<InitStart> for arrival::InitStart {
    fn from(wire: InitStart) -> Self {
        Self {
            instance_id: present(wire.instance_id),
            runtime_version: present(wire.runtime_version),
            runtime_version_arn: present(wire.runtime_version_arn),
            initialization_type: present(wire.initialization_type),
        }
    }
}

impl From<InitStart> for arrival::RestoreStart {
    fn from(wire: InitStart) -> Self {
        Self {
            instance_id: present(wire.instance_id),
            runtime_version: present(wire.runtime_version),
            runtime_version_arn: present(wire.runtime_version_arn),
        }
    }
}

/// `platform.initReport` and `platform.restoreReport`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InitReport {
    phase: Option<String>,
    initialization_type: Option<String>,
    status: Option<String>,
    metrics: Option<Metrics>,
    error_type: Option<String>,
}

impl InitReport {
    fn duration_ms(&self) -> f64 {
        self.metrics.as_ref().and_then(|metrics| metrics.duration_ms).unwrap_or_default()
    }
}

impl From<InitReport> for arrival::InitReport {
    fn from(wire: InitReport) -> Self {
        Self {
            duration_ms: wire.duration_ms(),
            phase: present(wire.phase).unwrap_or_else(|| "init".to_owned()),
            initialization_type: present(wire.initialization_type),
            status: wire.status.map(Status::from),
            error_type: wire.error_type,
        }
    }
}

impl From<InitReport> for arrival::RestoreReport {
    fn from(wire: InitReport) -> Self {
        Self { duration_ms: wire.duration_ms(), status: wire.status.map(Status::from), error_type: wire.error_type }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tracing {
    span_id: Option<String>,
    value: Option<String>,
}

impl Tracing {
    fn xray(self) -> Option<XRay> {
        let value = self.value?;
        let root = value.split(';').find_map(|field| field.trim().strip_prefix("Root="))?.to_owned();
        Some(XRay { root, segment_id: self.span_id, sampled: value.contains("Sampled=1") })
    }
}

fn origin(tracing: Option<&Tracing>, tenant_id: Option<String>) -> Origin {
    Origin {
        trace: tracing.and_then(|tracing| TraceContext::from_xray(tracing.value.as_deref()?)),
        span_id: tracing.and_then(|tracing| SpanId::from_hex(tracing.span_id.as_deref()?)),
        tenant_id: present(tenant_id),
    }
}

/// `platform.start`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    request_id: String,
    version: Option<String>,
    tracing: Option<Tracing>,
    tenant_id: Option<String>,
    function_arn: Option<String>,
}

impl From<Start> for arrival::Start {
    fn from(wire: Start) -> Self {
        Self {
            origin: origin(wire.tracing.as_ref(), wire.tenant_id),
            request_id: wire.request_id,
            version: wire.version,
            function_arn: present(wire.function_arn),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metrics {
    duration_ms: Option<f64>,
    produced_bytes: Option<f64>,
    billed_duration_ms: Option<f64>,
    #[serde(rename = "memorySizeMB")]
    memory_size_mb: Option<f64>,
    #[serde(rename = "maxMemoryUsedMB")]
    max_memory_used_mb: Option<f64>,
    init_duration_ms: Option<f64>,
    restore_duration_ms: Option<f64>,
    billed_restore_duration_ms: Option<f64>,
}

/// A float never overflows the integer that it becomes: Rust's conversion stops at its ends.
fn whole(number: Option<f64>) -> Option<u64> {
    number.map(|number| number.round() as u64)
}

impl From<Metrics> for ReportMetrics {
    fn from(wire: Metrics) -> Self {
        Self {
            duration_ms: wire.duration_ms.unwrap_or_default(),
            billed_duration_ms: wire.billed_duration_ms,
            memory_size_mb: whole(wire.memory_size_mb),
            max_memory_used_mb: whole(wire.max_memory_used_mb),
            init_duration_ms: wire.init_duration_ms,
            restore_duration_ms: wire.restore_duration_ms,
            billed_restore_duration_ms: wire.billed_restore_duration_ms,
        }
    }
}

/// One of `spans`; one that lacks a field is passed over, not its event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span {
    name: Option<String>,
    start: Option<String>,
    duration_ms: Option<f64>,
}

impl Span {
    fn read(self) -> Option<PlatformSpan> {
        let start = rfc3339(&self.start?)?;
        Some(PlatformSpan { name: present(self.name)?, start, duration_ms: self.duration_ms? })
    }
}

/// `platform.runtimeDone` and `platform.report`: how an invocation ended, and how it ended with everything around it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct End {
    request_id: String,
    status: Option<String>,
    error_type: Option<String>,
    metrics: Option<Metrics>,
    tracing: Option<Tracing>,
    spans: Option<Vec<Span>>,
    tenant_id: Option<String>,
}

impl End {
    /// The documentation promises a status; where there is none, nothing says that something failed.
    fn status(&mut self) -> Status {
        self.status.take().map_or(Status::Success, Status::from)
    }

    fn spans(&mut self) -> Vec<PlatformSpan> {
        self.spans.take().unwrap_or_default().into_iter().filter_map(Span::read).collect()
    }
}

impl From<End> for arrival::RuntimeDone {
    fn from(mut wire: End) -> Self {
        let metrics = wire.metrics.take().unwrap_or_default();
        Self {
            status: wire.status(),
            spans: wire.spans(),
            request_id: wire.request_id,
            error_type: wire.error_type,
            duration_ms: metrics.duration_ms,
            produced_bytes: whole(metrics.produced_bytes),
            origin: origin(wire.tracing.as_ref(), wire.tenant_id),
        }
    }
}

impl From<End> for arrival::Report {
    fn from(mut wire: End) -> Self {
        Self {
            status: wire.status(),
            spans: wire.spans(),
            origin: origin(wire.tracing.as_ref(), wire.tenant_id),
            request_id: wire.request_id,
            error_type: wire.error_type,
            xray: wire.tracing.and_then(Tracing::xray),
            metrics: wire.metrics.unwrap_or_default().into(),
        }
    }
}

/// `platform.logsDropped`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LogsDropped {
    dropped_records: f64,
    dropped_bytes: f64,
    reason: Option<String>,
}

impl From<LogsDropped> for arrival::LogsDropped {
    fn from(wire: LogsDropped) -> Self {
        let number = |number| whole(Some(number)).unwrap_or_default();
        Self {
            records: number(wire.dropped_records),
            bytes: number(wire.dropped_bytes),
            reason: wire.reason.unwrap_or_default(),
        }
    }
}

/// `platform.extension` and `platform.telemetrySubscription`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Extension {
    name: Option<String>,
    state: Option<String>,
    events: Option<Vec<String>>,
    types: Option<Vec<String>>,
    error_type: Option<String>,
}

impl From<Extension> for arrival::ExtensionState {
    fn from(wire: Extension) -> Self {
        Self {
            name: wire.name.unwrap_or_default(),
            state: wire.state.unwrap_or_default(),
            events: wire.events.unwrap_or_default(),
            error_type: present(wire.error_type),
        }
    }
}

impl From<Extension> for arrival::TelemetrySubscription {
    fn from(wire: Extension) -> Self {
        Self {
            name: wire.name.unwrap_or_default(),
            state: wire.state.unwrap_or_default(),
            types: wire.types.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::flow::arrival::Event;

    fn event(event_type: &str, record: &str) -> Event {
        let mut events = Vec::new();
        let body = format!(r#"[{{"time":"2022-10-21T14:05:03.165Z","type":"{event_type}","record":{record}}}]"#);
        read(body.as_bytes(), |telemetry| events.push(telemetry.event));
        assert_eq!(events.len(), 1);
        events.remove(0)
    }

    /// What must come of a record, by the part of it that a test is about.
    macro_rules! read_as {
        ($kind:ident, $event_type:literal, $record:expr) => {
            match event($event_type, $record) {
                Event::$kind(read) => read,
                other => panic!("{other:?}"),
            }
        };
    }

    #[test]
    fn a_start_carries_its_trace_and_lambdas_span() {
        let start = read_as!(
            Start,
            "platform.start",
            r#"{"requestId":"459921b5","version":"$LATEST","tenantId":"blue","tracing":{"spanId":"24cd7d670fa455f0",
            "type":"X-Amzn-Trace-Id","value":"Root=1-6352a70e-1e2c502e358361800241fd45;Parent=35465b3a9e2f7c6a;Sampled=1"}}"#
        );
        assert_eq!(start.origin.span_id, SpanId::from_hex("24cd7d670fa455f0"));
        assert_eq!(start.origin.trace.unwrap().parent, SpanId::from_hex("35465b3a9e2f7c6a"));
        assert_eq!((start.origin.tenant_id.as_deref(), start.function_arn), (Some("blue"), None));
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:myfn";
        let managed = format!(r#"{{"requestId":"r","version":"$LATEST","functionArn":"{arn}"}}"#);
        assert_eq!(read_as!(Start, "platform.start", &managed).function_arn.as_deref(), Some(arn));
    }

    #[test]
    fn a_runtime_done_has_its_parts() {
        let done = read_as!(
            RuntimeDone,
            "platform.runtimeDone",
            r#"{"requestId":"459921b5","status":"success","spans":[
            {"name":"responseLatency","start":"2022-10-21T14:05:03.165Z","durationMs":2598.0},
            {"name":"noStart","durationMs":1},
            {"name":"responseDuration","start":"2022-10-21T14:05:05.763Z","durationMs":0.0}],
            "metrics":{"durationMs":2599.0,"producedBytes":8},
            "tracing":{"spanId":"24cd7d670fa455f0","value":"Root=1-6352a70e-1e2c502e358361800241fd45"}}"#
        );
        assert_eq!(done.origin.span_id, SpanId::from_hex("24cd7d670fa455f0"));
        assert_eq!((done.duration_ms, done.produced_bytes), (Some(2599.0), Some(8)));
        let parts: Vec<_> = done.spans.iter().map(|span| (span.name.as_str(), span.start, span.duration_ms)).collect();
        let second = 1_666_361_103_165_000_000;
        assert_eq!(parts, [("responseLatency", second, 2598.0), ("responseDuration", second + 2_598_000_000, 0.0)]);
    }

    #[test]
    fn a_report_of_aws_and_one_of_managed_instances_are_read() {
        let aws = read_as!(
            Report,
            "platform.report",
            r#"{"requestId":"r","metrics":{"durationMs":2599.4,"billedDurationMs":2600,"memorySizeMB":128,"maxMemoryUsedMB":94,
            "initDurationMs":549.04},"tracing":{"spanId":"s","value":"Root=1-6352a70e-1e;Sampled=1"},"status":"success"}"#
        );
        assert_eq!((aws.metrics.max_memory_used_mb, aws.metrics.init_duration_ms), (Some(94), Some(549.04)));
        assert_eq!(aws.xray, Some(XRay { root: "1-6352a70e-1e".into(), segment_id: Some("s".into()), sampled: true }));
        let managed = read_as!(
            Report,
            "platform.report",
            r#"{"requestId":"r","status":"success","metrics":{"durationMs":1.148},
            "spans":[{"name":"responseLatency","start":"2025-09-19T19:36:50.881Z","durationMs":0.847}]}"#
        );
        assert_eq!((managed.spans.len(), managed.metrics.billed_duration_ms), (1, None));
        let timeout =
            r#"{"requestId":"r","status":"timeout","metrics":{"durationMs":3000.545},"errorType":"Sandbox.Timedout"}"#;
        assert_eq!(read_as!(Report, "platform.report", timeout).status, Status::Timeout);
    }

    #[test]
    fn figures_in_other_clothes_and_missing_ones_cost_no_event() {
        let odd = read_as!(
            Report,
            "platform.report",
            r#"{"requestId":"r","metrics":{"memorySizeMB":128.0,"maxMemoryUsedMB":94.6,"durationMs":7,"cpuMs":1},"spans":null}"#
        );
        assert_eq!((odd.metrics.memory_size_mb, odd.metrics.max_memory_used_mb), (Some(128), Some(95)));
        assert_eq!((odd.metrics.duration_ms, odd.status), (7.0, Status::Success));
        let bare = read_as!(RuntimeDone, "platform.runtimeDone", r#"{"requestId":"r","metrics":null}"#);
        assert_eq!((bare.duration_ms, bare.spans.len()), (None, 0));
        assert!(matches!(event("platform.report", r#"{"status":"success"}"#), Event::Unknown(_)));
    }

    #[test]
    fn an_init_and_a_restore_are_told_apart() {
        let init = read_as!(
            InitStart,
            "platform.initStart",
            r#"{"initializationType":"lambda-managed-instances","runtimeVersion":"","runtimeVersionArn":"","functionName":"myfn",
            "functionVersion":"$LATEST","instanceId":"$LATEST","instanceMaxMemory":3154116608,"phase":"init"}"#
        );
        assert_eq!((init.instance_id.as_deref(), init.runtime_version), (Some("$LATEST"), None));
        assert_eq!(init.initialization_type.as_deref(), Some("lambda-managed-instances"));
        let restore = read_as!(
            RestoreStart,
            "platform.restoreStart",
            r#"{"functionName":"f","functionVersion":"7","instanceId":"2026/11/24/[7]ab","runtimeVersion":"java:21.v3"}"#
        );
        assert_eq!(restore.instance_id.as_deref(), Some("2026/11/24/[7]ab"));
        let restored =
            r#"{"status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":1236.04},"spans":[]}"#;
        let restored = read_as!(RestoreReport, "platform.restoreReport", restored);
        assert_eq!((restored.duration_ms, restored.status), (1236.04, Some(Status::Error)));
        let bare = read_as!(InitReport, "platform.initReport", r#"{"initializationType":"on-demand"}"#);
        assert_eq!((bare.phase.as_str(), bare.status, bare.duration_ms), ("init", None, 0.0));
    }

    #[test]
    fn what_the_platform_says_of_extensions_subscriptions_and_faults_is_kept() {
        let state = r#"{"name":"ext","state":"Ready","events":["SHUTDOWN","INVOKE"]}"#;
        assert_eq!(read_as!(ExtensionState, "platform.extension", state).events, ["SHUTDOWN", "INVOKE"]);
        let subscribed = r#"{"name":"ext","state":"Already subscribed","types":["platform"]}"#;
        let subscribed = read_as!(Subscription, "platform.telemetrySubscription", subscribed);
        assert_eq!((subscribed.state.as_str(), subscribed.types.len()), ("Already subscribed", 1));
        assert_eq!(read_as!(Fault, "platform.fault", r#""RequestId: r exited""#), "RequestId: r exited");
        assert_eq!(read_as!(Fault, "platform.fault", r#"{"new":1}"#), r#"{"new":1}"#);
        let dropped = r#"{"droppedBytes":439,"droppedRecords":2,"reason":"busy"}"#;
        assert_eq!(read_as!(LogsDropped, "platform.logsDropped", dropped).records, 2);
    }
}
