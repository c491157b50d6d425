//! The platform's events as lines, worded as Lambda words them in CloudWatch.
//!
//! One difference is kept: a body has no trailing newline. The tab before it is Lambda's own.

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    logs::v1::{LogRecord, SeverityNumber},
};

use super::{
    attributes::{attribute, text},
    function_log::record,
    severity::Severity,
};
use crate::flow::arrival::{
    ExtensionState, InitReport, InitStart, LogsDropped, Report, RestoreReport, RestoreStart, Start, Status,
    TelemetrySubscription, XRay,
};

/// `START RequestId: ...`
pub(super) fn start(start: &Start) -> LogRecord {
    let version = start.version.as_deref().unwrap_or("$LATEST");
    line("platform.start", format!("START RequestId: {} Version: {version}", start.request_id))
}

/// `END RequestId: ...`
pub(super) fn end(request_id: &str) -> LogRecord {
    line("platform.runtimeDone", format!("END RequestId: {request_id}"))
}

/// `REPORT RequestId: ...`
pub(super) fn report(report: &Report) -> LogRecord {
    let numbers = &report.metrics;
    let mut words = format!("REPORT RequestId: {}\tDuration: {:.2} ms\t", report.request_id, numbers.duration_ms);
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push_str(&format!("{name}: {value}\t"));
        }
    };
    let millis = |ms: f64| format!("{ms:.2} ms");
    let whole_millis = |ms: f64| format!("{ms:.0} ms");
    let mebibytes = |mb: u64| format!("{mb} MB");
    add("Billed Duration", numbers.billed_duration_ms.map(whole_millis));
    add("Memory Size", numbers.memory_size_mb.map(mebibytes));
    add("Max Memory Used", numbers.max_memory_used_mb.map(mebibytes));
    add("Init Duration", numbers.init_duration_ms.map(millis));
    add("Restore Duration", numbers.restore_duration_ms.map(millis));
    add("Billed Restore Duration", numbers.billed_restore_duration_ms.map(whole_millis));
    let failed = report.status != Status::Success;
    add("Status", failed.then(|| report.status.as_str().to_owned()));
    add("Error Type", report.error_type.clone());
    words.extend(report.xray.as_ref().map(xray));
    line("platform.report", words)
}

/// The second line of a REPORT, where X-Ray has the trace.
fn xray(xray: &XRay) -> String {
    let segment = xray.segment_id.as_ref().map(|segment| format!("SegmentId: {segment}\t")).unwrap_or_default();
    format!("\nXRAY TraceId: {}\t{segment}Sampled: {}\t", xray.root, xray.sampled)
}

/// `INIT_START Runtime Version: ...`
pub(super) fn init_start(start: &InitStart) -> Option<LogRecord> {
    let version = versions(start.runtime_version.as_deref(), start.runtime_version_arn.as_deref())?;
    Some(line("platform.initStart", format!("INIT_START {version}")))
}

/// `RESTORE_START Runtime Version: ...`
pub(super) fn restore_start(start: &RestoreStart) -> Option<LogRecord> {
    let version = versions(start.runtime_version.as_deref(), start.runtime_version_arn.as_deref())?;
    Some(line("platform.restoreStart", format!("RESTORE_START {version}")))
}

fn versions(version: Option<&str>, arn: Option<&str>) -> Option<String> {
    Some(format!("Runtime Version: {}\tRuntime Version ARN: {}", version?, arn.unwrap_or_default()))
}

/// `INIT_REPORT ...`, which Lambda writes when the start went wrong, and where no REPORT will have its duration: `standalone`.
pub(super) fn init_report(report: &InitReport, standalone: bool) -> Option<LogRecord> {
    let ending = ending(report.status.as_ref(), report.error_type.as_deref());
    if ending.is_empty() && !standalone {
        return None;
    }
    let words = format!("INIT_REPORT Init Duration: {:.2} ms\tPhase: {}{ending}", report.duration_ms, report.phase);
    Some(line("platform.initReport", words))
}

/// `RESTORE_REPORT ...`
pub(super) fn restore_report(report: &RestoreReport) -> LogRecord {
    let ending = ending(report.status.as_ref(), report.error_type.as_deref());
    line("platform.restoreReport", format!("RESTORE_REPORT Restore Duration: {:.2} ms{ending}", report.duration_ms))
}

/// How it ended, if not well.
fn ending(status: Option<&Status>, error_type: Option<&str>) -> String {
    let Some(status) = status.filter(|status| **status != Status::Success) else { return String::new() };
    let error_type = error_type.map(|kind| format!("\tError Type: {kind}")).unwrap_or_default();
    format!("\tStatus: {}{error_type}", status.as_str())
}

/// `EXTENSION Name: ...`; a warning where it failed.
pub(super) fn extension(extension: &ExtensionState) -> LogRecord {
    let ExtensionState { name, state, events, error_type } = extension;
    let words = format!("EXTENSION\tName: {name}\tState: {state}\tEvents: [{}]", events.join(","));
    match error_type {
        Some(kind) => of_severity("platform.extension", format!("{words}\tError Type: {kind}"), warning()),
        None => line("platform.extension", words),
    }
}

/// `TELEMETRY Name: ...`
pub(super) fn subscription(subscription: &TelemetrySubscription) -> LogRecord {
    let TelemetrySubscription { name, state, types } = subscription;
    let types: Vec<String> = types.iter().map(|kind| capitalised(kind)).collect();
    let words = format!("TELEMETRY\tName: {name}\tState: {state}\tTypes: [{}]", types.join(", "));
    line("platform.telemetrySubscription", words)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The platform's own words about something that went wrong: never silent, whatever streams are chosen.
pub(super) fn fault(words: &str) -> LogRecord {
    of_severity("platform.fault", words.trim_end().to_owned(), Severity::error())
}

/// That the platform itself lost lines: never silent, whatever streams are chosen.
pub(super) fn logs_dropped(dropped: &LogsDropped) -> LogRecord {
    let LogsDropped { records, bytes, reason } = dropped;
    let words = format!("the platform dropped {records} log records of {bytes} bytes: {reason}");
    of_severity("platform.logsDropped", words, warning())
}

fn warning() -> Severity {
    Severity::new(SeverityNumber::Warn, "WARN")
}

fn line(event_type: &str, words: String) -> LogRecord {
    of_severity(event_type, words, Severity::info())
}

fn of_severity(event_type: &str, words: String, severity: Severity) -> LogRecord {
    LogRecord { attributes: kind(event_type), ..record(words, severity) }
}

fn kind(event_type: &str) -> Vec<KeyValue> {
    vec![attribute("type", text(event_type))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::arrival::ReportMetrics;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;

    fn whole_report() -> Report {
        Report {
            request_id: "459921b5".into(),
            metrics: ReportMetrics {
                duration_ms: 2599.4,
                billed_duration_ms: Some(2600.0),
                memory_size_mb: Some(128),
                max_memory_used_mb: Some(94),
                ..ReportMetrics::default()
            },
            ..Report::default()
        }
    }

    fn body(record: LogRecord) -> String {
        match record.body.unwrap().value.unwrap() {
            Value::StringValue(text) => text,
            other => panic!("not a string: {other:?}"),
        }
    }

    const HEAD: &str = "REPORT RequestId: 459921b5\tDuration: 2599.40 ms\tBilled Duration: 2600 ms\tMemory Size: 128 MB\tMax Memory Used: 94 MB\t";

    #[test]
    fn a_report_is_worded_as_lambda_words_it() {
        let worded = |change: &dyn Fn(&mut Report)| {
            let mut report = whole_report();
            change(&mut report);
            body(super::report(&report))
        };
        assert_eq!(worded(&|_| ()), HEAD);
        assert_eq!(
            worded(&|report| report.metrics.init_duration_ms = Some(549.04)),
            format!("{HEAD}Init Duration: 549.04 ms\t")
        );
        let restored = worded(&|report| {
            report.metrics.restore_duration_ms = Some(398.97);
            report.metrics.billed_restore_duration_ms = Some(182.0);
        });
        assert_eq!(restored, format!("{HEAD}Restore Duration: 398.97 ms\tBilled Restore Duration: 182 ms\t"));
        assert_eq!(worded(&|report| report.status = Status::Timeout), format!("{HEAD}Status: timeout\t"));
        let failed = worded(&|report| {
            report.status = Status::Error;
            report.error_type = Some("Runtime.ExitError".into());
        });
        assert_eq!(failed, format!("{HEAD}Status: error\tError Type: Runtime.ExitError\t"));
    }

    #[test]
    fn xrays_line_stands_below_the_report() {
        let xray = XRay { root: "1-6352a70e-1e2c".into(), segment_id: Some("24cd".into()), sampled: true };
        let worded = |xray| body(report(&Report { xray: Some(xray), ..whole_report() }));
        assert_eq!(
            worded(xray.clone()),
            format!("{HEAD}\nXRAY TraceId: 1-6352a70e-1e2c\tSegmentId: 24cd\tSampled: true\t")
        );
        assert_eq!(
            worded(XRay { segment_id: None, sampled: false, ..xray }),
            format!("{HEAD}\nXRAY TraceId: 1-6352a70e-1e2c\tSampled: false\t")
        );
    }

    #[test]
    fn a_report_of_managed_instances_says_what_it_has() {
        let metrics = ReportMetrics { duration_ms: 1.148, ..ReportMetrics::default() };
        assert_eq!(
            body(report(&Report { metrics, ..whole_report() })),
            "REPORT RequestId: 459921b5\tDuration: 1.15 ms\t"
        );
    }

    #[test]
    fn start_and_end_name_the_invocation() {
        let started = Start { request_id: "r".into(), version: Some("7".into()), ..Start::default() };
        assert_eq!(body(start(&started)), "START RequestId: r Version: 7");
        assert_eq!(body(start(&Start { version: None, ..started })), "START RequestId: r Version: $LATEST");
        assert_eq!(body(end("r")), "END RequestId: r");
    }

    #[test]
    fn the_environments_start_is_told_where_lambda_tells_it() {
        let (version, arn) = (Some("python:3.12.v28".into()), Some("arn:aws:lambda:eu-west-1::runtime:0".into()));
        let worded = "Runtime Version: python:3.12.v28\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:0";
        let init = InitStart {
            runtime_version: Option::clone(&version),
            runtime_version_arn: Option::clone(&arn),
            ..InitStart::default()
        };
        assert_eq!(body(init_start(&init).unwrap()), format!("INIT_START {worded}"));
        assert!(init_start(&InitStart::default()).is_none());
        let restore = RestoreStart { runtime_version: version, runtime_version_arn: arn, instance_id: None };
        assert_eq!(body(restore_start(&restore).unwrap()), format!("RESTORE_START {worded}"));
    }

    #[test]
    fn an_init_is_reported_when_it_failed_or_when_no_report_will_have_it() {
        let init = |status| InitReport { phase: "init".into(), status, duration_ms: 9999.79, ..InitReport::default() };
        assert!(init_report(&init(Some(Status::Success)), false).is_none());
        let words = "INIT_REPORT Init Duration: 9999.79 ms\tPhase: init";
        assert_eq!(body(init_report(&init(None), true).unwrap()), words);
        let timeout = init_report(&init(Some(Status::Timeout)), false).unwrap();
        assert_eq!(body(timeout), format!("{words}\tStatus: timeout"));
    }

    #[test]
    fn a_restore_is_reported_with_its_fault() {
        let restored = RestoreReport { duration_ms: 511.25, ..RestoreReport::default() };
        assert_eq!(body(restore_report(&restored)), "RESTORE_REPORT Restore Duration: 511.25 ms");
        let failed = RestoreReport {
            status: Some(Status::Error),
            error_type: Some("Runtime.ExitError".into()),
            duration_ms: 1236.04,
        };
        assert_eq!(
            body(restore_report(&failed)),
            "RESTORE_REPORT Restore Duration: 1236.04 ms\tStatus: error\tError Type: Runtime.ExitError"
        );
    }

    #[test]
    fn extensions_and_subscriptions_are_worded_as_lambda_words_them() {
        let ready = ExtensionState {
            name: "agent".into(),
            state: "Ready".into(),
            events: vec!["INVOKE".into(), "SHUTDOWN".into()],
            error_type: None,
        };
        let words = "EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE,SHUTDOWN]";
        assert_eq!(body(extension(&ready)), words);
        let crashed = extension(&ExtensionState { error_type: Some("Extension.Crash".into()), ..ready });
        assert_eq!(crashed.severity_text, "WARN");
        assert_eq!(body(crashed), format!("{words}\tError Type: Extension.Crash"));
        let subscribed = TelemetrySubscription {
            name: "agent".into(),
            state: "Subscribed".into(),
            types: vec!["platform".into(), "function".into()],
        };
        assert_eq!(
            body(subscription(&subscribed)),
            "TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform, Function]"
        );
    }
}
