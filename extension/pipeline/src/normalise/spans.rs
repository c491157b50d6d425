//! The spans that the platform's events become: one SERVER span an invocation, and its parts below it.

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    trace::v1::{Span, Status as SpanStatus, span::SpanKind, status::StatusCode},
};

use super::{
    attributes::{attribute, bool, double, int, text},
    invocation::{Invocation, Link, fnv1a},
};
use crate::flow::{
    UnixNanos,
    arrival::{InitReport, PlatformSpan, Report, ReportMetrics, RestoreReport, Status},
    trace::{SpanId, TraceId},
};

/// A part of an invocation, or of the environment's start: a span once it is known what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    name: String,
    start: UnixNanos,
    duration: UnixNanos,
    /// `init` or `invoke`, of an init.
    phase: Option<String>,
    error: Option<String>,
    /// What the report measured of the whole invocation, on the part that it comes with.
    measured: Vec<KeyValue>,
}

/// Milliseconds as the platform has them; what is negative or no number is none.
pub(super) fn nanos(milliseconds: f64) -> UnixNanos {
    (milliseconds * 1e6).round() as UnixNanos
}

impl Part {
    pub(super) fn of_invocation(span: PlatformSpan) -> Self {
        let PlatformSpan { name, start, duration_ms } = span;
        Self { name, start, duration: nanos(duration_ms), phase: None, error: None, measured: Vec::new() }
    }

    /// The parts that come with a report. Its numbers stand on the last of them, the time after the runtime was done: the
    /// invocation's own span has long been sent by then. `limit` is the function's timeout.
    pub(super) fn of_report(report: &Report, limit: Option<UnixNanos>) -> Vec<Self> {
        let mut parts: Vec<Self> = report.spans.iter().cloned().map(Self::of_invocation).collect();
        if let Some(last) = parts.last_mut() {
            last.measured = measured(&report.metrics, limit);
        }
        parts
    }

    /// `begun` is the time of the start's own event; without it the report's is the end.
    pub(super) fn init(report: &InitReport, begun: Option<UnixNanos>, reported: UnixNanos) -> Self {
        let ending = (report.status.as_ref(), report.error_type.as_deref());
        let phase = Some(report.phase.clone());
        Self { phase, ..Self::of_start("init", report.duration_ms, (begun, reported), ending) }
    }

    /// As [`Part::init`].
    pub(super) fn restore(report: &RestoreReport, begun: Option<UnixNanos>, reported: UnixNanos) -> Self {
        let ending = (report.status.as_ref(), report.error_type.as_deref());
        Self::of_start("restore", report.duration_ms, (begun, reported), ending)
    }

    fn of_start(
        name: &str,
        duration_ms: f64,
        (begun, reported): (Option<UnixNanos>, UnixNanos),
        (status, error_type): (Option<&Status>, Option<&str>),
    ) -> Self {
        let duration = nanos(duration_ms);
        let start = begun.filter(|begun| *begun <= reported).unwrap_or(reported.saturating_sub(duration));
        let failed = status.filter(|status| **status != Status::Success);
        let error = failed.map(|status| error_type.unwrap_or(status.as_str()).to_owned());
        Self { name: name.to_owned(), start, duration, phase: None, error, measured: Vec::new() }
    }

    /// Below the span that the link names.
    pub(super) fn child(self, request_id: &str, parent: Link) -> Span {
        let span_id = self.span_id(request_id);
        let mut span = self.span(parent.trace_id, span_id, parent.flags);
        span.parent_span_id = parent.span_id.to_vec();
        span.attributes.push(attribute("faas.invocation_id", text(request_id)));
        span
    }

    /// In a trace of its own: no invocation waited for it. `environment` tells one environment's from another's.
    pub(super) fn root(self, environment: &str) -> Span {
        let seed = format!("{environment} {} {}", self.name, self.start);
        let halves = [fnv1a(&seed, 1), fnv1a(&seed, 2)].map(u64::to_be_bytes).concat();
        let trace_id = TraceId::from_bytes(&halves).expect("a hash of zero is as good as impossible");
        let span_id = self.span_id(environment);
        self.span(trace_id, span_id, 1)
    }

    /// The same for what is told twice.
    fn span_id(&self, owner: &str) -> SpanId {
        let hash = fnv1a(&format!("{owner} {} {}", self.name, self.start), 3);
        SpanId::from_bytes(&hash.to_be_bytes()).expect("a hash of zero is as good as impossible")
    }

    fn span(self, trace_id: TraceId, span_id: SpanId, flags: u32) -> Span {
        let mut attributes = self.measured;
        attributes.extend(self.phase.map(|phase| attribute("aws.lambda.init.phase", text(phase))));
        attributes.extend(self.error.as_ref().map(|kind| attribute("error.type", text(kind))));
        Span {
            trace_id: trace_id.to_vec(),
            span_id: span_id.to_vec(),
            flags,
            name: self.name,
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: self.start,
            end_time_unix_nano: self.start.saturating_add(self.duration),
            attributes,
            status: self.error.map(failed),
            ..Span::default()
        }
    }
}

/// With the names and units of the metrics that say the same.
fn measured(numbers: &ReportMetrics, limit: Option<UnixNanos>) -> Vec<KeyValue> {
    let bytes = |mebibytes: u64| int(i64::try_from(mebibytes << 20).unwrap_or(i64::MAX));
    let billed = numbers.billed_duration_ms.map(|ms| attribute("aws.lambda.billed_duration", double(ms / 1e3)));
    let used = numbers.max_memory_used_mb.map(|mb| attribute("faas.mem_usage", bytes(mb)));
    let size = numbers.memory_size_mb.map(|mb| attribute("aws.lambda.memory_size", bytes(mb)));
    let limit = limit.map(|limit| attribute("aws.lambda.timeout", double(limit as f64 / 1e9)));
    [billed, used, size, limit].into_iter().flatten().collect()
}

fn failed(kind: String) -> SpanStatus {
    SpanStatus { message: kind, code: StatusCode::Error.into() }
}

/// The parts of one invocation: those that wait for their parent, and which have been seen.
#[derive(Debug, Default)]
pub(super) struct Parts {
    seen: Vec<(String, UnixNanos)>,
    waiting: Vec<Part>,
}

/// More parts than the platform has names for are a fault of its, and no reason to grow without bound.
const MOST_PARTS: usize = 32;

impl Parts {
    /// Takes a part that has not been seen.
    pub(super) fn add(&mut self, part: Part) {
        let key = (part.name.clone(), part.start);
        if self.seen.len() < MOST_PARTS && !self.seen.contains(&key) {
            self.seen.push(key);
            self.waiting.push(part);
        }
    }

    pub(super) fn take(&mut self) -> Vec<Part> {
        std::mem::take(&mut self.waiting)
    }
}

/// Our SERVER span of an invocation that has ended, for functions whose SDK sends none.
pub(super) fn server(invocation: &Invocation, name: &str, initialization: Option<&str>) -> Option<Span> {
    let end = invocation.end.as_ref()?;
    let link = invocation.own_link();
    let start = invocation.started.unwrap_or(invocation.begun);
    let mut attributes = vec![attribute("faas.invocation_id", text(&invocation.request_id))];
    attributes.push(attribute("faas.coldstart", bool(invocation.cold)));
    let mut add = |key: &str, value: Option<&str>| attributes.extend(value.map(|value| attribute(key, text(value))));
    add("aws.lambda.invoked_arn", invocation.invoked_arn.as_deref());
    add("aws.lambda.tenant_id", invocation.tenant_id.as_deref());
    add("aws.lambda.initialization_type", initialization);
    add("error.type", invocation.error_type());
    Some(Span {
        trace_id: link.trace_id.to_vec(),
        span_id: link.span_id.to_vec(),
        parent_span_id: invocation.caller().map(SpanId::to_vec).unwrap_or_default(),
        flags: link.flags,
        name: name.to_owned(),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: end.at.max(start),
        attributes,
        status: invocation.error_type().map(|kind| failed(kind.to_owned())),
        ..Span::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::attributes::text_of;

    const T: UnixNanos = 1_715_817_560_000_000_000;
    const MS: UnixNanos = 1_000_000;

    fn init(status: Status) -> InitReport {
        InitReport { phase: "init".into(), status: Some(status), duration_ms: 207.428, ..InitReport::default() }
    }

    #[test]
    fn an_init_begins_with_its_event_or_so_long_before_its_report() {
        let whole = Part::init(&init(Status::Success), Some(T), T + 300 * MS).root("stream");
        assert_eq!((whole.start_time_unix_nano, whole.end_time_unix_nano), (T, T + 207_428_000));
        let late = Part::init(&init(Status::Success), None, T + 300 * MS).root("stream");
        assert_eq!((late.start_time_unix_nano, late.end_time_unix_nano), (T + 92_572_000, T + 300 * MS));
        assert_eq!(text_of(&whole.attributes, "aws.lambda.init.phase"), Some("init"));
        assert_eq!(whole.status, None);
    }

    #[test]
    fn a_failed_init_says_how() {
        let timeout = Part::init(&init(Status::Timeout), Some(T), T).root("stream");
        assert_eq!(text_of(&timeout.attributes, "error.type"), Some("timeout"));
        let named = InitReport { error_type: Some("Runtime.ExitError".into()), ..init(Status::Error) };
        let named = Part::init(&named, Some(T), T).root("stream");
        assert_eq!(named.status.unwrap().message, "Runtime.ExitError");
    }

    #[test]
    fn a_reports_numbers_stand_on_its_last_part_in_the_metrics_units() {
        let part = |name: &str| PlatformSpan { name: name.into(), start: T, duration_ms: 1.0 };
        let metrics = ReportMetrics {
            billed_duration_ms: Some(43.0),
            memory_size_mb: Some(128),
            max_memory_used_mb: Some(94),
            ..ReportMetrics::default()
        };
        let spans = vec![part("responseLatency"), part("extensionOverhead")];
        let report = Report { metrics, spans, ..Report::default() };
        let [first, last] = &Part::of_report(&report, Some(3_000 * MS))[..] else { panic!("two parts") };
        let expected = [
            ("aws.lambda.billed_duration", double(0.043)),
            ("faas.mem_usage", int(98_566_144)),
            ("aws.lambda.memory_size", int(134_217_728)),
            ("aws.lambda.timeout", double(3.0)),
        ];
        assert_eq!(last.measured, expected.map(|(key, value)| attribute(key, value)));
        assert!(first.measured.is_empty());
        assert!(Part::of_report(&Report::default(), None).is_empty());
    }

    #[test]
    fn what_is_told_twice_has_the_same_ids_and_is_taken_once() {
        let part =
            || Part::of_invocation(PlatformSpan { name: "responseLatency".into(), start: T, duration_ms: f64::NAN });
        assert_eq!(part().root("a"), part().root("a"));
        assert_ne!(part().root("a").trace_id, part().root("b").trace_id);
        let mut parts = Parts::default();
        parts.add(part());
        assert_eq!(parts.take().len(), 1);
        parts.add(part());
        assert_eq!(parts.take().len(), 0);
    }

    #[test]
    fn parts_beyond_all_reason_are_not_kept() {
        let mut parts = Parts::default();
        for start in 0..1000 {
            parts.add(Part::of_invocation(PlatformSpan { name: "x".into(), start, duration_ms: -1.0 }));
        }
        assert_eq!(parts.take().len(), MOST_PARTS);
    }
}
