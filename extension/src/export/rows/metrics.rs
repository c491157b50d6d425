//! Data points as rows of the five metrics tables.

use lambdaview_queries::tables::metric::{
    Exemplars, ExponentialHistogramRow, GaugeRow, HistogramRow, Origin, SumRow, SummaryRow,
};
use opentelemetry_proto::tonic::{
    common::v1::KeyValue,
    metrics::v1::{
        Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics,
        SummaryDataPoint, exemplar, metric::Data, number_data_point,
    },
};

use super::{Rows, Source, attributes, date_time, hex};

pub(super) fn add(rows: &mut Rows, metrics: &ResourceMetrics) {
    let mut source = Source::new(metrics.resource.as_ref(), &metrics.schema_url);
    for scope in &metrics.scope_metrics {
        source.enter(scope.scope.as_ref(), &scope.schema_url);
        for metric in &scope.metrics {
            add_metric(rows, &Points { source: &source, metric });
        }
    }
}

fn add_metric(rows: &mut Rows, points: &Points<'_>) {
    match points.metric.data.as_ref() {
        None => {}
        Some(Data::Gauge(gauge)) => rows.gauges.extend(gauge.data_points.iter().map(|point| points.gauge(point))),
        Some(Data::Sum(sum)) => rows.sums.extend(sum.data_points.iter().map(|point| SumRow {
            aggregation_temporality: sum.aggregation_temporality,
            is_monotonic: sum.is_monotonic,
            ..points.sum(point)
        })),
        Some(Data::Histogram(histogram)) => {
            rows.histograms.extend(histogram.data_points.iter().map(|point| HistogramRow {
                aggregation_temporality: histogram.aggregation_temporality,
                ..points.histogram(point)
            }));
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            rows.exponential_histograms.extend(histogram.data_points.iter().map(|point| ExponentialHistogramRow {
                aggregation_temporality: histogram.aggregation_temporality,
                ..points.exponential_histogram(point)
            }));
        }
        Some(Data::Summary(summary)) => {
            rows.summaries.extend(summary.data_points.iter().map(|point| points.summary(point)));
        }
    }
}

/// The points of one metric.
struct Points<'a> {
    source: &'a Source,
    metric: &'a Metric,
}

impl Points<'_> {
    fn gauge(&self, point: &NumberDataPoint) -> GaugeRow {
        let origin = self.origin(&point.attributes, point.start_time_unix_nano, point.time_unix_nano);
        let row = GaugeRow { value: number(point), flags: point.flags, ..GaugeRow::new(origin) };
        row.with_exemplars(self.exemplars(&point.exemplars))
    }

    fn sum(&self, point: &NumberDataPoint) -> SumRow {
        let origin = self.origin(&point.attributes, point.start_time_unix_nano, point.time_unix_nano);
        let row = SumRow { value: number(point), flags: point.flags, ..SumRow::new(origin) };
        row.with_exemplars(self.exemplars(&point.exemplars))
    }

    fn histogram(&self, point: &HistogramDataPoint) -> HistogramRow {
        let origin = self.origin(&point.attributes, point.start_time_unix_nano, point.time_unix_nano);
        let row = HistogramRow {
            count: point.count,
            sum: point.sum(),
            bucket_counts: point.bucket_counts.clone(),
            explicit_bounds: point.explicit_bounds.clone(),
            flags: point.flags,
            min: point.min(),
            max: point.max(),
            ..HistogramRow::new(origin)
        };
        row.with_exemplars(self.exemplars(&point.exemplars))
    }

    fn exponential_histogram(&self, point: &ExponentialHistogramDataPoint) -> ExponentialHistogramRow {
        let origin = self.origin(&point.attributes, point.start_time_unix_nano, point.time_unix_nano);
        let positive = point.positive.clone().unwrap_or_default();
        let negative = point.negative.clone().unwrap_or_default();
        let row = ExponentialHistogramRow {
            count: point.count,
            sum: point.sum(),
            scale: point.scale,
            zero_count: point.zero_count,
            positive_offset: positive.offset,
            positive_bucket_counts: positive.bucket_counts,
            negative_offset: negative.offset,
            negative_bucket_counts: negative.bucket_counts,
            flags: point.flags,
            min: point.min(),
            max: point.max(),
            ..ExponentialHistogramRow::new(origin)
        };
        row.with_exemplars(self.exemplars(&point.exemplars))
    }

    fn summary(&self, point: &SummaryDataPoint) -> SummaryRow {
        let origin = self.origin(&point.attributes, point.start_time_unix_nano, point.time_unix_nano);
        SummaryRow {
            count: point.count,
            sum: point.sum,
            quantiles: point.quantile_values.iter().map(|at| at.quantile).collect(),
            quantile_values: point.quantile_values.iter().map(|at| at.value).collect(),
            flags: point.flags,
            ..SummaryRow::new(origin)
        }
    }

    fn origin(&self, point: &[KeyValue], start: u64, time: u64) -> Origin {
        Origin {
            resource_attributes: self.source.resource_attributes.clone(),
            resource_schema_url: self.source.resource_schema_url.clone(),
            scope_name: self.source.scope_name.clone(),
            scope_version: self.source.scope_version.clone(),
            scope_attributes: self.source.scope_attributes.clone(),
            scope_dropped_attr_count: self.source.scope_dropped_attributes,
            scope_schema_url: self.source.scope_schema_url.clone(),
            service_name: self.source.service_name.clone(),
            metric_name: self.metric.name.clone(),
            metric_description: self.metric.description.clone(),
            metric_unit: self.metric.unit.clone(),
            attributes: attributes(point),
            start_time_unix: date_time(start),
            time_unix: date_time(time),
        }
    }

    fn exemplars(&self, exemplars: &[Exemplar]) -> Exemplars {
        Exemplars {
            filtered_attributes: exemplars.iter().map(|one| attributes(&one.filtered_attributes)).collect(),
            time_unix: exemplars.iter().map(|one| date_time(one.time_unix_nano)).collect(),
            value: exemplars.iter().map(exemplar_value).collect(),
            span_id: exemplars.iter().map(|one| full_id(&one.span_id, 8)).collect(),
            trace_id: exemplars.iter().map(|one| full_id(&one.trace_id, 16)).collect(),
        }
    }
}

/// One column holds both kinds of numbers, as the collector writes them.
#[expect(clippy::cast_precision_loss, reason = "the column is a Float64")]
const fn number(point: &NumberDataPoint) -> f64 {
    match point.value {
        Some(number_data_point::Value::AsDouble(value)) => value,
        Some(number_data_point::Value::AsInt(value)) => value as f64,
        None => 0.0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "the column is a Float64")]
fn exemplar_value(exemplar: &Exemplar) -> f64 {
    match exemplar.value {
        Some(exemplar::Value::AsDouble(value)) => value,
        Some(exemplar::Value::AsInt(value)) => value as f64,
        None => 0.0,
    }
}

/// Exemplars alone keep their zeros: the collector writes an absent id as as many as it would have digits.
fn full_id(bytes: &[u8], length: usize) -> String {
    if bytes.is_empty() { "00".repeat(length) } else { hex(bytes) }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::metrics::v1::{
        ExponentialHistogram, Gauge, Histogram, ScopeMetrics, Sum, Summary, exponential_histogram_data_point::Buckets,
        summary_data_point::ValueAtQuantile,
    };

    use super::*;

    const TIME: u64 = 1_700_000_000_900_000_000;

    fn rows(data: Data) -> Rows {
        let metric = Metric { name: "m".to_owned(), unit: "ms".to_owned(), data: Some(data), ..Metric::default() };
        let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
        let mut rows = Rows::default();
        add(&mut rows, &ResourceMetrics { scope_metrics, ..ResourceMetrics::default() });
        rows
    }

    fn point(value: number_data_point::Value) -> NumberDataPoint {
        NumberDataPoint { time_unix_nano: TIME, value: Some(value), ..NumberDataPoint::default() }
    }

    #[test]
    fn a_gauge_has_its_number_and_its_time() {
        let data_points = vec![point(number_data_point::Value::AsInt(7))];
        let row = &rows(Data::Gauge(Gauge { data_points })).gauges[0];
        assert_eq!((row.metric_name.as_str(), row.metric_unit.as_str(), row.value), ("m", "ms", 7.0));
        assert_eq!(row.time_unix, 1_700_000_000_900_000_000);
    }

    #[test]
    fn a_sum_keeps_its_temporality_and_its_exemplars() {
        let exemplar =
            Exemplar { value: Some(exemplar::Value::AsDouble(0.5)), span_id: vec![7; 8], ..Exemplar::default() };
        let data_points =
            vec![NumberDataPoint { exemplars: vec![exemplar], ..point(number_data_point::Value::AsDouble(1.5)) }];
        let sum = Data::Sum(Sum { data_points, aggregation_temporality: 2, is_monotonic: true });
        let row = &rows(sum).sums[0];
        assert_eq!((row.value, row.aggregation_temporality, row.is_monotonic), (1.5, 2, true));
        assert_eq!((row.exemplar_values[0], row.exemplar_span_ids[0].as_str()), (0.5, "0707070707070707"));
        assert_eq!(row.exemplar_trace_ids[0], "0".repeat(32));
    }

    #[test]
    fn histograms_of_both_kinds_keep_their_buckets() {
        let point = HistogramDataPoint {
            count: 3,
            sum: Some(6.0),
            bucket_counts: vec![1, 2],
            explicit_bounds: vec![5.0],
            ..HistogramDataPoint::default()
        };
        let histogram = Data::Histogram(Histogram { data_points: vec![point], aggregation_temporality: 1 });
        let row = &rows(histogram).histograms[0];
        assert_eq!((row.count, row.sum, row.min, row.aggregation_temporality), (3, 6.0, 0.0, 1));
        assert_eq!((row.bucket_counts.as_slice(), row.explicit_bounds.as_slice()), (&[1, 2][..], &[5.0][..]));

        let positive = Some(Buckets { offset: -2, bucket_counts: vec![4] });
        let point = ExponentialHistogramDataPoint { scale: 3, zero_count: 1, positive, ..Default::default() };
        let histogram = ExponentialHistogram { data_points: vec![point], aggregation_temporality: 2 };
        let row = &rows(Data::ExponentialHistogram(histogram)).exponential_histograms[0];
        assert_eq!((row.scale, row.zero_count, row.positive_offset, row.aggregation_temporality), (3, 1, -2, 2));
        assert_eq!((row.positive_bucket_counts.as_slice(), row.negative_bucket_counts.len()), (&[4][..], 0));
    }

    #[test]
    fn a_summary_has_its_quantiles_in_two_columns() {
        let quantile_values = vec![ValueAtQuantile { quantile: 0.99, value: 12.0 }];
        let point = SummaryDataPoint { count: 9, sum: 27.0, quantile_values, ..SummaryDataPoint::default() };
        let row = &rows(Data::Summary(Summary { data_points: vec![point] })).summaries[0];
        assert_eq!((row.count, row.sum, row.quantiles[0], row.quantile_values[0]), (9, 27.0, 0.99, 12.0));
    }
}
