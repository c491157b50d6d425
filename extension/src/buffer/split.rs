//! Cutting one signal into several by its records, and joining neighbours that have the same resource.

use crate::flow::Signal;
use opentelemetry_proto::tonic::{
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{Metric, ResourceMetrics, ScopeMetrics, metric::Data},
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use std::mem::take;

/// Cuts `signal` in halves until each part has at most `max_bytes` or a single record; the order stays.
pub(super) fn by_records(signal: Signal, max_bytes: usize) -> Vec<Signal> {
    let mut parts = Vec::new();
    let mut rest = vec![signal];
    while let Some(signal) = rest.pop() {
        let records = usize::try_from(signal.records()).expect("records are in memory");
        if records <= 1 || signal.bytes() <= max_bytes {
            parts.push(signal);
            continue;
        }
        let (first, second) = halved(signal, records / 2);
        rest.extend([second, first]);
    }
    parts
}

/// The first part of `signal` that has at most `max_bytes` or a single record, and what is behind it in one piece: pieces
/// that stay must not be larger together than what they were cut from.
pub(super) fn first(signal: Signal, max_bytes: usize) -> (Signal, Option<Signal>) {
    let (mut first, mut behind) = (signal, Vec::new());
    loop {
        let records = usize::try_from(first.records()).expect("records are in memory");
        if records <= 1 || first.bytes() <= max_bytes {
            break;
        }
        let (head, tail) = halved(first, records / 2);
        first = head;
        behind.push(tail);
    }
    let mut rest = Vec::new();
    for tail in behind.into_iter().rev() {
        append(&mut rest, tail);
    }
    (first, rest.pop())
}

fn halved(signal: Signal, keep: usize) -> (Signal, Signal) {
    fn both<T>((first, second): (T, T), wrap: fn(T) -> Signal) -> (Signal, Signal) {
        (wrap(first), wrap(second))
    }
    match signal {
        Signal::Logs(logs) => both(logs.split(keep), Signal::Logs),
        Signal::Traces(spans) => both(spans.split(keep), Signal::Traces),
        Signal::Metrics(metrics) => both(metrics.split(keep), Signal::Metrics),
    }
}

/// Puts `signal` at the end of `signals`, into the last of them when both have the same resource: fewer bytes on the wire.
pub(super) fn append(signals: &mut Vec<Signal>, signal: Signal) {
    let unjoined = match (signals.last_mut(), signal) {
        (Some(Signal::Logs(last)), Signal::Logs(next)) => last.join(next).map(Signal::Logs),
        (Some(Signal::Traces(last)), Signal::Traces(next)) => last.join(next).map(Signal::Traces),
        (Some(Signal::Metrics(last)), Signal::Metrics(next)) => last.join(next).map(Signal::Metrics),
        (_, signal) => Some(signal),
    };
    signals.extend(unjoined);
}

/// Something that holds records.
trait Records: Sized {
    fn records(&self) -> usize;

    /// The first `keep` records and the others; `keep` is between none and all of them.
    fn split(self, keep: usize) -> (Self, Self);
}

/// Something that has a head (a resource, a scope) over its parts.
trait Headed: Sized {
    /// Takes `next` in when its head is the same; gives it back when it is not.
    fn join(&mut self, next: Self) -> Option<Self>;
}

fn split_parts<P: Records>(parts: Vec<P>, mut keep: usize) -> (Vec<P>, Vec<P>) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for part in parts {
        let records = part.records();
        if records <= keep {
            keep -= records;
            first.push(part);
        } else if keep == 0 {
            second.push(part);
        } else {
            let (head, tail) = part.split(take(&mut keep));
            first.push(head);
            second.push(tail);
        }
    }
    (first, second)
}

/// Resources hold scopes, scopes hold records; the same for all three signals.
macro_rules! levels {
    ($($resource:ty, $scopes:ident: $scope:ty, $items:ident;)*) => {$(
        impl Records for $resource {
            fn records(&self) -> usize {
                self.$scopes.iter().map(Records::records).sum()
            }

            fn split(mut self, keep: usize) -> (Self, Self) {
                let (first, second) = split_parts(take(&mut self.$scopes), keep);
                (Self { $scopes: first, ..self.clone() }, Self { $scopes: second, ..self })
            }
        }

        impl Headed for $resource {
            fn join(&mut self, next: Self) -> Option<Self> {
                if self.resource != next.resource || self.schema_url != next.schema_url {
                    return Some(next);
                }
                for scope in next.$scopes {
                    let unjoined = match self.$scopes.last_mut() {
                        Some(last) => last.join(scope),
                        None => Some(scope),
                    };
                    self.$scopes.extend(unjoined);
                }
                None
            }
        }

        impl Records for $scope {
            fn records(&self) -> usize {
                self.$items.iter().map(Records::records).sum()
            }

            fn split(mut self, keep: usize) -> (Self, Self) {
                let (first, second) = split_parts(take(&mut self.$items), keep);
                (Self { $items: first, ..self.clone() }, Self { $items: second, ..self })
            }
        }

        impl Headed for $scope {
            fn join(&mut self, next: Self) -> Option<Self> {
                if self.scope != next.scope || self.schema_url != next.schema_url {
                    return Some(next);
                }
                self.$items.extend(next.$items);
                None
            }
        }
    )*};
}

levels! {
    ResourceLogs, scope_logs: ScopeLogs, log_records;
    ResourceSpans, scope_spans: ScopeSpans, spans;
    ResourceMetrics, scope_metrics: ScopeMetrics, metrics;
}

impl Records for LogRecord {
    fn records(&self) -> usize {
        1
    }

    fn split(self, _: usize) -> (Self, Self) {
        unreachable!("a single record is kept or not, never cut")
    }
}

impl Records for Span {
    fn records(&self) -> usize {
        1
    }

    fn split(self, _: usize) -> (Self, Self) {
        unreachable!("a single record is kept or not, never cut")
    }
}

/// A metric's records are its data points.
impl Records for Metric {
    fn records(&self) -> usize {
        match &self.data {
            None => 0,
            Some(Data::Gauge(gauge)) => gauge.data_points.len(),
            Some(Data::Sum(sum)) => sum.data_points.len(),
            Some(Data::Histogram(histogram)) => histogram.data_points.len(),
            Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
            Some(Data::Summary(summary)) => summary.data_points.len(),
        }
    }

    fn split(mut self, keep: usize) -> (Self, Self) {
        let data = self.data.take();
        let second = self.clone();
        let (head, tail) = data.map(|data| split_data(data, keep)).unzip();
        (Self { data: head, ..self }, Self { data: tail, ..second })
    }
}

fn split_data(data: Data, keep: usize) -> (Data, Data) {
    macro_rules! cut {
        ($kind:path, $data:ident) => {{
            let mut points = take(&mut $data.data_points);
            let mut tail = $data.clone();
            tail.data_points = points.split_off(keep);
            $data.data_points = points;
            ($kind($data), $kind(tail))
        }};
    }
    match data {
        Data::Gauge(mut gauge) => cut!(Data::Gauge, gauge),
        Data::Sum(mut sum) => cut!(Data::Sum, sum),
        Data::Histogram(mut histogram) => cut!(Data::Histogram, histogram),
        Data::ExponentialHistogram(mut histogram) => cut!(Data::ExponentialHistogram, histogram),
        Data::Summary(mut summary) => cut!(Data::Summary, summary),
    }
}
