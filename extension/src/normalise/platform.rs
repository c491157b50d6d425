//! What the platform's events become: spans, metrics, lines.

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    logs::v1::{LogRecord, SeverityNumber},
    metrics::v1::{
        AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, metric, number_data_point,
    },
    trace::v1::{Span, Status as SpanStatus, span::SpanKind, status::StatusCode},
};

use super::{
    attributes::{attribute, bool, text},
    function_log::record,
    invocations::Invocation,
    severity::Severity,
};
use crate::flow::{
    UnixNanos,
    arrival::{InitReport, InitStart, LogsDropped, Report, Start, Status},
};

const MEBIBYTE: u64 = 1 << 20;

/// The semantic conventions' bounds for `faas.invoke_duration` and `faas.init_duration`, in seconds.
const DURATION_BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) at: UnixNanos,
    pub(super) status: Status,
    pub(super) error_type: Option<String>,
}

/// Our SERVER span of an invocation, for functions whose SDK sends none.
pub(super) fn span(invocation: &Invocation, name: &str, end: &End) -> Span {
    let link = invocation.link();
    let start = invocation.started.unwrap_or(invocation.begun);
    let mut attributes = vec![attribute("faas.invocation_id", text(&invocation.request_id))];
    attributes.push(attribute("faas.coldstart", bool(invocation.cold)));
    attributes.extend(invocation.invoked_arn.as_ref().map(|arn| attribute("aws.lambda.invoked_arn", text(arn))));
    attributes.extend(error_type(end).map(|kind| attribute("error.type", text(kind))));
    Span {
        trace_id: link.trace_id.to_vec(),
        span_id: link.span_id.to_vec(),
        parent_span_id: invocation
            .xray
            .and_then(|xray| xray.parent)
            .map(super::super::flow::trace::SpanId::to_vec)
            .unwrap_or_default(),
        flags: link.flags,
        name: name.to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: end.at.max(start),
        attributes,
        status: error_type(end).map(|kind| SpanStatus { message: kind.to_owned(), code: StatusCode::Error.into() }),
        ..Span::default()
    }
}

fn error_type(end: &End) -> Option<&str> {
    (end.status != Status::Success).then(|| end.error_type.as_deref().unwrap_or(end.status.as_str()))
}

/// The metrics of one invocation, with the names and units of the semantic conventions.
pub(super) fn metrics(report: &Report, status: &Status, start: UnixNanos, time: UnixNanos) -> Vec<Metric> {
    let at = Interval { start: start.min(time), time };
    let numbers = &report.metrics;
    let seconds = |ms: f64| ms / 1000.0;
    let mut metrics = vec![at.histogram("faas.invoke_duration", "s", seconds(numbers.duration_ms), &DURATION_BOUNDS)];
    if let Some(init) = numbers.init_duration_ms {
        metrics.push(at.histogram("faas.init_duration", "s", seconds(init), &DURATION_BOUNDS));
        metrics.push(at.count("faas.coldstarts", "{coldstart}"));
    }
    metrics.push(match status {
        Status::Success => at.count("faas.invocations", "{invocation}"),
        Status::Timeout => at.count("faas.timeouts", "{timeout}"),
        _ => at.count("faas.errors", "{error}"),
    });
    if let Some(used) = numbers.max_memory_used_mb {
        metrics.push(at.histogram("faas.mem_usage", "By", (used * MEBIBYTE) as f64, &[]));
    }
    metrics
}

/// The time that a data point is about.
#[derive(Clone, Copy)]
struct Interval {
    start: UnixNanos,
    time: UnixNanos,
}

impl Interval {
    fn histogram(self, name: &str, unit: &str, value: f64, bounds: &[f64]) -> Metric {
        let mut bucket_counts = vec![0; bounds.len() + 1];
        bucket_counts[bounds.partition_point(|bound| *bound < value)] = 1;
        let point = HistogramDataPoint {
            start_time_unix_nano: self.start,
            time_unix_nano: self.time,
            count: 1,
            sum: Some(value),
            min: Some(value),
            max: Some(value),
            bucket_counts,
            explicit_bounds: bounds.to_vec(),
            ..HistogramDataPoint::default()
        };
        let delta = AggregationTemporality::Delta.into();
        let data = metric::Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: delta });
        Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() }
    }

    fn count(self, name: &str, unit: &str) -> Metric {
        let point = NumberDataPoint {
            start_time_unix_nano: self.start,
            time_unix_nano: self.time,
            value: Some(number_data_point::Value::AsInt(1)),
            ..NumberDataPoint::default()
        };
        let delta = AggregationTemporality::Delta.into();
        let sum = Sum { data_points: vec![point], aggregation_temporality: delta, is_monotonic: true };
        let data = Some(metric::Data::Sum(sum));
        Metric { name: name.to_owned(), unit: unit.to_owned(), data, ..Metric::default() }
    }
}

/// `START RequestId: ...`, as Lambda words it.
pub(super) fn start_line(start: &Start) -> LogRecord {
    let version = start.version.as_deref().unwrap_or("$LATEST");
    line("platform.start", &format!("START RequestId: {} Version: {version}", start.request_id))
}

/// `END RequestId: ...`, as Lambda words it.
pub(super) fn end_line(request_id: &str) -> LogRecord {
    line("platform.runtimeDone", &format!("END RequestId: {request_id}"))
}

/// `REPORT RequestId: ...`, as Lambda words it.
pub(super) fn report_line(report: &Report) -> LogRecord {
    let numbers = &report.metrics;
    let mut words = format!("REPORT RequestId: {}\tDuration: {:.2} ms", report.request_id, numbers.duration_ms);
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push_str(&format!("\t{name}: {value}"));
        }
    };
    let millis = |ms: f64| format!("{ms:.2} ms");
    let mebibytes = |mb: u64| format!("{mb} MB");
    add("Billed Duration", numbers.billed_duration_ms.map(|ms| format!("{ms:.0} ms")));
    add("Memory Size", numbers.memory_size_mb.map(mebibytes));
    add("Max Memory Used", numbers.max_memory_used_mb.map(mebibytes));
    add("Init Duration", numbers.init_duration_ms.map(millis));
    add("Restore Duration", numbers.restore_duration_ms.map(millis));
    let failed = report.status != Status::Success;
    add("Status", failed.then(|| report.status.as_str().to_owned()));
    add("Error Type", report.error_type.clone());
    if let Some(xray) = &report.xray {
        words.push_str(&format!("\t\nXRAY TraceId: {}", xray.root));
        if let Some(segment) = &xray.segment_id {
            words.push_str(&format!("\tSegmentId: {segment}"));
        }
        words.push_str(&format!("\tSampled: {}", xray.sampled));
    }
    line("platform.report", &words)
}

/// `INIT_START Runtime Version: ...`, as Lambda words it.
pub(super) fn init_start_line(start: &InitStart) -> Option<LogRecord> {
    let version = start.runtime_version.as_ref()?;
    let arn = start.runtime_version_arn.as_deref().unwrap_or_default();
    Some(line("platform.initStart", &format!("INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}")))
}

/// `INIT_REPORT ...`, which Lambda writes only when the start went wrong.
pub(super) fn init_report_line(report: &InitReport) -> Option<LogRecord> {
    let status = report.status.as_ref().filter(|status| **status != Status::Success)?;
    let (ms, phase, status) = (report.duration_ms, &report.phase, status.as_str());
    let mut words = format!("INIT_REPORT Init Duration: {ms:.2} ms\tPhase: {phase}\tStatus: {status}");
    if let Some(error_type) = &report.error_type {
        words.push_str(&format!("\tError Type: {error_type}"));
    }
    Some(line("platform.initReport", &words))
}

/// That the platform itself lost lines: never silent, whatever streams are chosen.
pub(super) fn logs_dropped_line(dropped: &LogsDropped) -> LogRecord {
    let LogsDropped { records, bytes, reason } = dropped;
    let words = format!("the platform dropped {records} log records of {bytes} bytes: {reason}");
    let warn = Severity::new(SeverityNumber::Warn, "WARN");
    LogRecord { attributes: kind("platform.logsDropped"), ..record(&words, warn) }
}

fn line(event_type: &str, words: &str) -> LogRecord {
    LogRecord { attributes: kind(event_type), ..record(words, Severity::info()) }
}

fn kind(event_type: &str) -> Vec<KeyValue> {
    vec![attribute("type", text(event_type))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::arrival::{ReportMetrics, XRay};
    use opentelemetry_proto::tonic::common::v1::any_value::Value;

    fn report() -> Report {
        Report {
            request_id: "459921b5".into(),
            status: Status::Success,
            error_type: None,
            metrics: ReportMetrics {
                duration_ms: 2599.4,
                billed_duration_ms: Some(2600.0),
                memory_size_mb: Some(128),
                max_memory_used_mb: Some(94),
                init_duration_ms: Some(549.04),
                restore_duration_ms: None,
            },
            xray: Some(XRay { root: "1-6352a70e-1e2c".into(), segment_id: Some("24cd".into()), sampled: true }),
        }
    }

    fn body(record: LogRecord) -> String {
        match record.body.unwrap().value.unwrap() {
            Value::StringValue(text) => text,
            other => panic!("not a string: {other:?}"),
        }
    }

    #[test]
    fn a_report_is_worded_as_lambda_words_it() {
        assert_eq!(
            body(report_line(&report())),
            "REPORT RequestId: 459921b5\tDuration: 2599.40 ms\tBilled Duration: 2600 ms\tMemory Size: 128 MB\t\
             Max Memory Used: 94 MB\tInit Duration: 549.04 ms\t\nXRAY TraceId: 1-6352a70e-1e2c\tSegmentId: 24cd\tSampled: true"
        );
        let timeout = Report { status: Status::Timeout, xray: None, ..report() };
        assert!(body(report_line(&timeout)).ends_with("\tStatus: timeout"));
    }

    #[test]
    fn a_report_becomes_metrics_with_the_conventions_units() {
        let metrics = metrics(&report(), &Status::Success, 1, 2);
        let names: Vec<_> = metrics.iter().map(|metric| (metric.name.as_str(), metric.unit.as_str())).collect();
        let expected = [
            ("faas.invoke_duration", "s"),
            ("faas.init_duration", "s"),
            ("faas.coldstarts", "{coldstart}"),
            ("faas.invocations", "{invocation}"),
            ("faas.mem_usage", "By"),
        ];
        assert_eq!(names, expected);
        let Some(metric::Data::Histogram(duration)) = &metrics[0].data else { panic!("{metrics:?}") };
        assert_eq!((duration.data_points[0].sum, duration.data_points[0].bucket_counts[11]), (Some(2.5994), 1));
        let Some(metric::Data::Histogram(memory)) = &metrics[4].data else { panic!("{metrics:?}") };
        assert_eq!((memory.data_points[0].sum, &*memory.data_points[0].bucket_counts), (Some(98_566_144.0), &[1][..]));
    }

    #[test]
    fn how_it_ended_is_counted_under_its_name() {
        let name = |status| metrics(&report(), &status, 1, 2)[3].name.clone();
        assert_eq!(name(Status::Timeout), "faas.timeouts");
        assert_eq!(name(Status::Error), "faas.errors");
        assert_eq!(name(Status::Failure), "faas.errors");
    }

    #[test]
    fn init_lines_are_written_when_lambda_writes_them() {
        let start = InitStart { runtime_version: Some("python:3.12.v28".into()), ..InitStart::default() };
        assert!(body(init_start_line(&start).unwrap()).starts_with("INIT_START Runtime Version: python:3.12.v28\t"));
        assert!(init_start_line(&InitStart::default()).is_none());
        let init = |status| InitReport { phase: "init".into(), status, duration_ms: 10_000.5, error_type: None };
        assert!(init_report_line(&init(Some(Status::Success))).is_none());
        let failed = "INIT_REPORT Init Duration: 10000.50 ms\tPhase: init\tStatus: timeout";
        assert_eq!(body(init_report_line(&init(Some(Status::Timeout))).unwrap()), failed);
    }
}
