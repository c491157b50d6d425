//! Ids of traces and spans have 16 and 8 bytes, or none. Protobuf itself lets any number through, and a collector then refuses
//! the whole request that holds such a record: it is left out here, where its sender can be told.

use crate::flow::Signal;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, Metric, metric::Data};

/// What a sender is told about records that are left out.
pub(super) const WHY: &str = "an id of a trace or a span has a wrong length";

/// Takes out the records whose ids no collector takes; says how many.
pub(super) fn take_out_odd(signals: &mut [Signal]) -> u64 {
    let before: u64 = signals.iter().map(Signal::records).sum();
    for signal in &mut *signals {
        match signal {
            Signal::Logs(logs) => logs
                .scope_logs
                .iter_mut()
                .for_each(|scope| scope.log_records.retain(|record| are_ids(&record.trace_id, &record.span_id))),
            Signal::Traces(spans) => spans.scope_spans.iter_mut().for_each(|scope| {
                scope.spans.retain(|span| {
                    are_ids(&span.trace_id, &span.span_id)
                        && are_ids(&[], &span.parent_span_id)
                        && span.links.iter().all(|link| are_ids(&link.trace_id, &link.span_id))
                });
            }),
            Signal::Metrics(metrics) => {
                metrics.scope_metrics.iter_mut().flat_map(|scope| &mut scope.metrics).for_each(without_odd_exemplars);
            }
        }
    }
    before - signals.iter().map(Signal::records).sum::<u64>()
}

/// A data point is worth more than its examples.
fn without_odd_exemplars(metric: &mut Metric) {
    let keep = |exemplars: &mut Vec<Exemplar>| exemplars.retain(|e| are_ids(&e.trace_id, &e.span_id));
    match &mut metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.iter_mut().for_each(|point| keep(&mut point.exemplars)),
        Some(Data::Sum(sum)) => sum.data_points.iter_mut().for_each(|point| keep(&mut point.exemplars)),
        Some(Data::Histogram(histogram)) => {
            histogram.data_points.iter_mut().for_each(|point| keep(&mut point.exemplars));
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            histogram.data_points.iter_mut().for_each(|point| keep(&mut point.exemplars));
        }
        Some(Data::Summary(_)) | None => {}
    }
}

const fn are_ids(trace: &[u8], span: &[u8]) -> bool {
    matches!(trace.len(), 0 | 16) && matches!(span.len(), 0 | 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::{
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        metrics::v1::{Gauge, NumberDataPoint, ResourceMetrics, ScopeMetrics},
        trace::v1::{ResourceSpans, ScopeSpans, Span, span::Link},
    };

    #[test]
    fn a_record_with_an_odd_id_costs_itself_alone() {
        let log = |trace: usize, span: usize| LogRecord {
            trace_id: vec![1; trace],
            span_id: vec![1; span],
            ..LogRecord::default()
        };
        let log_records = vec![log(16, 8), log(15, 8), log(0, 0), log(16, 9)];
        let logs = ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        };
        let span = |parent: usize, link: usize| Span {
            parent_span_id: vec![1; parent],
            links: vec![Link { trace_id: vec![1; link], ..Link::default() }],
            ..Span::default()
        };
        let spans = vec![span(8, 16), span(7, 16), span(0, 17)];
        let spans = ResourceSpans {
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        };
        let mut signals = [Signal::Logs(logs), Signal::Traces(spans)];
        assert_eq!(take_out_odd(&mut signals), 4);
        assert_eq!(signals.each_ref().map(Signal::records), [2, 1]);
    }

    #[test]
    fn an_odd_exemplar_is_left_out_of_its_data_point() {
        let exemplar = |length: usize| Exemplar { trace_id: vec![1; length], ..Exemplar::default() };
        let point = NumberDataPoint { exemplars: vec![exemplar(16), exemplar(3)], ..NumberDataPoint::default() };
        let metric = Metric { data: Some(Data::Gauge(Gauge { data_points: vec![point] })), ..Metric::default() };
        let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
        let mut signals = [Signal::Metrics(ResourceMetrics { scope_metrics, ..ResourceMetrics::default() })];
        assert_eq!(take_out_odd(&mut signals), 0);
        let Signal::Metrics(metrics) = &signals[0] else { panic!("{signals:?}") };
        let Some(Data::Gauge(gauge)) = &metrics.scope_metrics[0].metrics[0].data else { panic!("{metrics:?}") };
        assert_eq!(gauge.data_points[0].exemplars, [exemplar(16)]);
    }
}
