//! The metrics of invocations, with the names and units of the semantic conventions, and the platform's own under `aws.lambda`.
//!
//! Every point is a delta: an environment lives for minutes, and nobody adds up the totals of thousands of them. The interval
//! of a point begins where that of the points before it ended, so that the intervals of one stream never overlap.

use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    metrics::v1::{
        AggregationTemporality, Exemplar, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, exemplar,
        metric::Data, number_data_point,
    },
};

use super::{
    Counts,
    attributes::{attribute, bool, text},
    invocation::{Invocation, Link},
};
use crate::flow::{
    UnixNanos,
    arrival::{Report, Status},
};

const MEBIBYTE: u64 = 1 << 20;

/// What is measured: its name, its unit, and where the buckets of its histogram end.
struct Instrument {
    name: &'static str,
    unit: &'static str,
    bounds: &'static [f64],
}

/// The conventions' bounds for `faas.invoke_duration` and `faas.init_duration`, in seconds.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The sizes that functions have: the conventions name no bounds for `faas.mem_usage`.
const MEMORY: &[f64] =
    &mebibytes([32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 10240]);

/// Up to the 6 MB of a whole answer.
const ANSWER: &[f64] = &[128.0, 1024.0, 8192.0, 65_536.0, 262_144.0, 1_048_576.0, 6_291_456.0];

const fn mebibytes<const N: usize>(sizes: [u64; N]) -> [f64; N] {
    let mut bytes = [0.0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = (sizes[at] * MEBIBYTE) as f64;
        at += 1;
    }
    bytes
}

const INVOKE_DURATION: Instrument = Instrument { name: "faas.invoke_duration", unit: "s", bounds: SECONDS };
const INIT_DURATION: Instrument = Instrument { name: "faas.init_duration", unit: "s", bounds: SECONDS };
const MEM_USAGE: Instrument = Instrument { name: "faas.mem_usage", unit: "By", bounds: MEMORY };
const PRODUCED: Instrument = Instrument { name: "aws.lambda.produced_bytes", unit: "By", bounds: ANSWER };
const BILLED: Instrument = Instrument { name: "aws.lambda.billed_duration", unit: "s", bounds: SECONDS };
const RESTORE: Instrument = Instrument { name: "aws.lambda.restore_duration", unit: "s", bounds: SECONDS };
const POST_RUNTIME: Instrument =
    Instrument { name: "aws.lambda.post_runtime_extensions_duration", unit: "s", bounds: SECONDS };

/// The interval that data points are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) start: UnixNanos,
    pub(super) time: UnixNanos,
}

/// Cuts time into intervals, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    last: Option<UnixNanos>,
}

impl Intervals {
    /// Up to `time`; the first begins with what it is about.
    pub(super) fn up_to(&mut self, time: UnixNanos, begun: UnixNanos) -> Interval {
        let start = self.last.unwrap_or(begun.min(time));
        // An event that comes late is told of in the interval in which it came.
        let time = time.max(start);
        self.last = Some(time);
        Interval { start, time }
    }
}

/// How an invocation ended, and how long it took: known when the runtime is done.
pub(super) fn of_end(invocation: &Invocation, at: Interval, initialization: Option<&str>) -> Vec<Metric> {
    let Some(end) = &invocation.end else { return Vec::new() };
    let started = invocation.started.unwrap_or(invocation.begun);
    let seconds = end.duration_ms.map_or_else(|| end.at.saturating_sub(started) as f64 / 1e9, |ms| ms / 1000.0);
    let cold = attribute("faas.coldstart", bool(invocation.cold));
    let duration = Point { value: seconds, attributes: vec![cold], exemplar: invocation.link_now() };
    let mut metrics = vec![at.histogram(&INVOKE_DURATION, duration)];
    let error = || invocation.error_type().map(|kind| attribute("error.type", text(kind))).into_iter().collect();
    metrics.push(match end.status {
        Status::Success => at.count("faas.invocations", "{invocation}", Vec::new()),
        Status::Timeout => at.count("faas.timeouts", "{timeout}", Vec::new()),
        _ => at.count("faas.errors", "{error}", error()),
    });
    if invocation.cold {
        metrics.push(at.count("faas.coldstarts", "{coldstart}", initialized(initialization)));
    }
    metrics.extend(end.produced_bytes.map(|bytes| at.histogram(&PRODUCED, Point::of(bytes as f64))));
    metrics
}

/// What only the report tells: memory, bill, and what happened before and after the function's own time. An init that was
/// `counted` when it was over is not counted again.
pub(super) fn of_report(report: &Report, invocation: &Invocation, at: Interval, counted: bool) -> Vec<Metric> {
    let numbers = &report.metrics;
    let seconds = |ms: f64| Point::of(ms / 1000.0);
    let bytes = |mebibytes: u64| mebibytes.saturating_mul(MEBIBYTE);
    let mut metrics = Vec::new();
    let told = numbers.init_duration_ms.filter(|_| !counted);
    let inits = told.map_or_else(|| invocation.inits_ms.clone(), |ms| vec![ms]);
    metrics.extend(inits.into_iter().map(|ms| at.histogram(&INIT_DURATION, seconds(ms))));
    let restore = numbers.restore_duration_ms.or(invocation.restore_ms);
    metrics.extend(restore.map(|ms| at.histogram(&RESTORE, seconds(ms))));
    metrics.extend(numbers.billed_duration_ms.map(|ms| at.histogram(&BILLED, seconds(ms))));
    metrics.extend(numbers.max_memory_used_mb.map(|mb| at.histogram(&MEM_USAGE, Point::of(bytes(mb) as f64))));
    metrics.extend(numbers.memory_size_mb.map(|mb| at.gauge("aws.lambda.memory_size", "By", bytes(mb))));
    metrics.extend(post_runtime_ms(report, invocation).map(|ms| at.histogram(&POST_RUNTIME, seconds(ms))));
    metrics
}

/// CloudWatch's `PostRuntimeExtensionsDuration`: as the platform measured it, else what the report has beyond the runtime.
fn post_runtime_ms(report: &Report, invocation: &Invocation) -> Option<f64> {
    let measured = report.spans.iter().find(|span| span.name == "extensionOverhead").map(|span| span.duration_ms);
    let runtime = invocation.end.as_ref().filter(|end| end.by_runtime).and_then(|end| end.duration_ms);
    let reckoned = || runtime.map(|runtime| report.metrics.duration_ms - runtime);
    measured.or_else(reckoned).filter(|ms| *ms >= 0.0)
}

/// An init that no invocation waited for.
pub(super) fn of_init(duration_ms: f64, at: Interval, initialization: Option<&str>) -> Metric {
    let attributes = initialized(initialization);
    at.histogram(&INIT_DURATION, Point { attributes, ..Point::of(duration_ms / 1000.0) })
}

/// What the extension counted of its own: a metric for each counter.
pub(super) fn of_counts(counts: &Counts) -> Vec<Metric> {
    let at = Interval { start: counts.since.min(counts.until), time: counts.until };
    let mut metrics: Vec<Metric> = Vec::new();
    for count in &counts.counts {
        let attributes = count.attributes.iter().map(|(key, value)| attribute(*key, text(value))).collect();
        let point = at.number(count.added, attributes);
        match metrics.iter_mut().find(|metric| metric.name == count.metric).and_then(|metric| metric.data.as_mut()) {
            Some(Data::Sum(sum)) => sum.data_points.push(point),
            _ => metrics.push(sum(count.metric, count.unit, point)),
        }
    }
    metrics
}

fn initialized(initialization: Option<&str>) -> Vec<KeyValue> {
    initialization.map(|kind| attribute("aws.lambda.initialization_type", text(kind))).into_iter().collect()
}

/// One measurement.
struct Point {
    value: f64,
    attributes: Vec<KeyValue>,
    exemplar: Option<Link>,
}

impl Point {
    const fn of(value: f64) -> Self {
        Self { value, attributes: Vec::new(), exemplar: None }
    }
}

impl Interval {
    fn histogram(self, instrument: &Instrument, point: Point) -> Metric {
        let Point { value, attributes, exemplar } = point;
        let mut bucket_counts = vec![0; instrument.bounds.len() + 1];
        bucket_counts[instrument.bounds.partition_point(|bound| *bound < value)] = 1;
        let point = HistogramDataPoint {
            attributes,
            start_time_unix_nano: self.start,
            time_unix_nano: self.time,
            count: 1,
            sum: Some(value),
            min: Some(value),
            max: Some(value),
            bucket_counts,
            explicit_bounds: instrument.bounds.to_vec(),
            exemplars: exemplar.map(|link| self.exemplar(value, link)).into_iter().collect(),
            ..HistogramDataPoint::default()
        };
        let delta = AggregationTemporality::Delta.into();
        let histogram = Histogram { data_points: vec![point], aggregation_temporality: delta };
        metric(instrument.name, instrument.unit, Data::Histogram(histogram))
    }

    /// The invocation that is one of the histogram's.
    fn exemplar(self, value: f64, link: Link) -> Exemplar {
        Exemplar {
            time_unix_nano: self.time,
            value: Some(exemplar::Value::AsDouble(value)),
            trace_id: link.trace_id.to_vec(),
            span_id: link.span_id.to_vec(),
            ..Exemplar::default()
        }
    }

    fn count(self, name: &str, unit: &str, attributes: Vec<KeyValue>) -> Metric {
        sum(name, unit, self.number(1, attributes))
    }

    fn gauge(self, name: &str, unit: &str, value: u64) -> Metric {
        let mut point = self.number(value, Vec::new());
        // A gauge is about a moment.
        point.start_time_unix_nano = 0;
        metric(name, unit, Data::Gauge(Gauge { data_points: vec![point] }))
    }

    fn number(self, value: u64, attributes: Vec<KeyValue>) -> NumberDataPoint {
        NumberDataPoint {
            attributes,
            start_time_unix_nano: self.start,
            time_unix_nano: self.time,
            value: Some(number_data_point::Value::AsInt(i64::try_from(value).unwrap_or(i64::MAX))),
            ..NumberDataPoint::default()
        }
    }
}

/// What was added in an interval.
fn sum(name: &str, unit: &str, point: NumberDataPoint) -> Metric {
    let delta = AggregationTemporality::Delta.into();
    metric(name, unit, Data::Sum(Sum { data_points: vec![point], aggregation_temporality: delta, is_monotonic: true }))
}

fn metric(name: &str, unit: &str, data: Data) -> Metric {
    Metric { name: name.to_owned(), unit: unit.to_owned(), data: Some(data), ..Metric::default() }
}
