//! Metrics in OTLP/JSON; a record is a data point.

use super::{Fields, Odd, Rejected, attributes, key_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint,
    exemplar, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
    summary_data_point::ValueAtQuantile,
};
use serde_json::Value;

pub(super) fn resource(value: Value, rejected: &mut Rejected) -> Result<ResourceMetrics, Odd> {
    let mut fields = Fields::of(value, "resourceMetrics")?;
    Ok(ResourceMetrics {
        resource: fields.optional("resource", super::resource)?,
        scope_metrics: fields.list("scopeMetrics", |value| scope(value, rejected))?,
        schema_url: fields.text("schemaUrl")?,
    })
}

fn scope(value: Value, rejected: &mut Rejected) -> Result<ScopeMetrics, Odd> {
    let mut fields = Fields::of(value, "scopeMetrics")?;
    let mut metrics = Vec::new();
    for value in fields.values("metrics")? {
        let points = points_of(&value);
        match metric(value, rejected) {
            Ok(metric) => metrics.push(metric),
            Err(odd) => rejected.add(points, odd),
        }
    }
    Ok(ScopeMetrics { scope: fields.optional("scope", super::scope)?, metrics, schema_url: fields.text("schemaUrl")? })
}

/// How many data points are lost with a metric that cannot be read: at least one.
fn points_of(metric: &Value) -> u64 {
    let kinds = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
    let points = kinds.iter().find_map(|kind| metric.get(kind)?.get("dataPoints")?.as_array());
    points.map_or(1, |points| points.len().max(1) as u64)
}

fn metric(value: Value, rejected: &mut Rejected) -> Result<Metric, Odd> {
    let mut fields = Fields::of(value, "a metric")?;
    // The heads come before the points: a point is counted as rejected once, by itself or with its metric.
    let (name, description, unit) = (fields.text("name")?, fields.text("description")?, fields.text("unit")?);
    let metadata = fields.list("metadata", key_value)?;
    Ok(Metric { name, description, unit, metadata, data: data(&mut fields, rejected)? })
}

fn data(fields: &mut Fields, rejected: &mut Rejected) -> Result<Option<Data>, Odd> {
    let data = if let Some(value) = fields.take("gauge") {
        let mut fields = Fields::of(value, "gauge")?;
        Data::Gauge(Gauge { data_points: rejected.records(fields.values("dataPoints")?, number) })
    } else if let Some(value) = fields.take("sum") {
        let mut fields = Fields::of(value, "sum")?;
        let (aggregation_temporality, is_monotonic) = (temporality(&mut fields)?, fields.flag("isMonotonic")?);
        let data_points = rejected.records(fields.values("dataPoints")?, number);
        Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
    } else if let Some(value) = fields.take("histogram") {
        let mut fields = Fields::of(value, "histogram")?;
        let aggregation_temporality = temporality(&mut fields)?;
        Data::Histogram(Histogram {
            data_points: rejected.records(fields.values("dataPoints")?, histogram),
            aggregation_temporality,
        })
    } else if let Some(value) = fields.take("exponentialHistogram") {
        let mut fields = Fields::of(value, "exponentialHistogram")?;
        let aggregation_temporality = temporality(&mut fields)?;
        let data_points = rejected.records(fields.values("dataPoints")?, exponential);
        Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
    } else if let Some(value) = fields.take("summary") {
        let mut fields = Fields::of(value, "summary")?;
        Data::Summary(Summary { data_points: rejected.records(fields.values("dataPoints")?, summary) })
    } else {
        return Ok(None);
    };
    Ok(Some(data))
}

fn temporality(fields: &mut Fields) -> Result<i32, Odd> {
    fields.enumeration("aggregationTemporality", |name| AggregationTemporality::from_str_name(name).map(i32::from))
}

fn number(value: Value) -> Result<NumberDataPoint, Odd> {
    let mut fields = Fields::of(value, "a data point")?;
    let value = match fields.optional_float("asDouble")? {
        Some(double) => Some(number_data_point::Value::AsDouble(double)),
        None => {
            fields.optional("asInt", |value| Fields::integer_of(&value, "asInt"))?.map(number_data_point::Value::AsInt)
        }
    };
    Ok(NumberDataPoint {
        attributes: attributes(&mut fields, "attributes")?,
        start_time_unix_nano: fields.integer("startTimeUnixNano")?,
        time_unix_nano: fields.integer("timeUnixNano")?,
        exemplars: fields.list("exemplars", exemplar)?,
        flags: fields.integer("flags")?,
        value,
    })
}

fn histogram(value: Value) -> Result<HistogramDataPoint, Odd> {
    let mut fields = Fields::of(value, "a data point")?;
    Ok(HistogramDataPoint {
        attributes: attributes(&mut fields, "attributes")?,
        start_time_unix_nano: fields.integer("startTimeUnixNano")?,
        time_unix_nano: fields.integer("timeUnixNano")?,
        count: fields.integer("count")?,
        sum: fields.optional_float("sum")?,
        bucket_counts: bucket_counts(&mut fields)?,
        explicit_bounds: fields.list("explicitBounds", |value| Fields::float_of(&value, "explicitBounds"))?,
        exemplars: fields.list("exemplars", exemplar)?,
        flags: fields.integer("flags")?,
        min: fields.optional_float("min")?,
        max: fields.optional_float("max")?,
    })
}

fn exponential(value: Value) -> Result<ExponentialHistogramDataPoint, Odd> {
    let mut fields = Fields::of(value, "a data point")?;
    Ok(ExponentialHistogramDataPoint {
        attributes: attributes(&mut fields, "attributes")?,
        start_time_unix_nano: fields.integer("startTimeUnixNano")?,
        time_unix_nano: fields.integer("timeUnixNano")?,
        count: fields.integer("count")?,
        sum: fields.optional_float("sum")?,
        scale: fields.integer("scale")?,
        zero_count: fields.integer("zeroCount")?,
        positive: fields.optional("positive", buckets)?,
        negative: fields.optional("negative", buckets)?,
        flags: fields.integer("flags")?,
        exemplars: fields.list("exemplars", exemplar)?,
        min: fields.optional_float("min")?,
        max: fields.optional_float("max")?,
        zero_threshold: fields.float("zeroThreshold")?,
    })
}

fn buckets(value: Value) -> Result<Buckets, Odd> {
    let mut fields = Fields::of(value, "buckets")?;
    Ok(Buckets { offset: fields.integer("offset")?, bucket_counts: bucket_counts(&mut fields)? })
}

fn bucket_counts(fields: &mut Fields) -> Result<Vec<u64>, Odd> {
    fields.list("bucketCounts", |value| Fields::integer_of(&value, "bucketCounts"))
}

fn summary(value: Value) -> Result<SummaryDataPoint, Odd> {
    let mut fields = Fields::of(value, "a data point")?;
    Ok(SummaryDataPoint {
        attributes: attributes(&mut fields, "attributes")?,
        start_time_unix_nano: fields.integer("startTimeUnixNano")?,
        time_unix_nano: fields.integer("timeUnixNano")?,
        count: fields.integer("count")?,
        sum: fields.float("sum")?,
        quantile_values: fields.list("quantileValues", quantile)?,
        flags: fields.integer("flags")?,
    })
}

fn quantile(value: Value) -> Result<ValueAtQuantile, Odd> {
    let mut fields = Fields::of(value, "a quantile")?;
    Ok(ValueAtQuantile { quantile: fields.float("quantile")?, value: fields.float("value")? })
}

fn exemplar(value: Value) -> Result<Exemplar, Odd> {
    let mut fields = Fields::of(value, "an exemplar")?;
    let value = match fields.optional_float("asDouble")? {
        Some(double) => Some(exemplar::Value::AsDouble(double)),
        None => fields.optional("asInt", |value| Fields::integer_of(&value, "asInt"))?.map(exemplar::Value::AsInt),
    };
    Ok(Exemplar {
        filtered_attributes: attributes(&mut fields, "filteredAttributes")?,
        time_unix_nano: fields.integer("timeUnixNano")?,
        span_id: fields.id("spanId", 8)?,
        trace_id: fields.id("traceId", 16)?,
        value,
    })
}
