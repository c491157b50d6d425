//! `otel_metrics_gauge`, `_sum`, `_histogram`, `_exponential_histogram` and `_summary`: one row a data point.
//!
//! Times are in nanoseconds; tables made since ClickStack 2.30 keep their seconds.

use clickhouse::Row;
use serde::Serialize;

use super::AttributeMap;

/// What every data point says of where it comes from and when: the columns that all five tables begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Origin {
    pub resource_attributes: AttributeMap,
    pub resource_schema_url: String,
    pub scope_name: String,
    pub scope_version: String,
    pub scope_attributes: AttributeMap,
    pub scope_dropped_attr_count: u32,
    pub scope_schema_url: String,
    pub service_name: String,
    pub metric_name: String,
    pub metric_description: String,
    pub metric_unit: String,
    pub attributes: AttributeMap,
    pub start_time_unix: i64,
    pub time_unix: i64,
}

/// The exemplars of a data point, one vector a column.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the column of its name")]
pub struct Exemplars {
    pub filtered_attributes: Vec<AttributeMap>,
    pub time_unix: Vec<i64>,
    pub value: Vec<f64>,
    pub span_id: Vec<String>,
    pub trace_id: Vec<String>,
}

/// A row binary row is flat, so each struct spells out the columns that all share.
macro_rules! metric_row {
    ($(#[$doc:meta])* $name:ident { $($(#[$exemplar:meta] $exemplar_field:ident . $part:ident : $exemplar_type:ty,)+)?
        ; $($(#[$own:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Row, Serialize)]
        #[serde(rename_all = "PascalCase")]
        #[expect(missing_docs, reason = "each field is the column of its name")]
        pub struct $name {
            pub resource_attributes: AttributeMap,
            pub resource_schema_url: String,
            pub scope_name: String,
            pub scope_version: String,
            pub scope_attributes: AttributeMap,
            pub scope_dropped_attr_count: u32,
            pub scope_schema_url: String,
            pub service_name: String,
            pub metric_name: String,
            pub metric_description: String,
            pub metric_unit: String,
            pub attributes: AttributeMap,
            pub start_time_unix: i64,
            pub time_unix: i64,
            $($(#[$own])* pub $field: $type,)+
            $($(#[$exemplar] pub $exemplar_field: $exemplar_type,)+)?
        }

        impl $name {
            /// A row of this origin, its own columns still empty.
            #[must_use]
            pub fn new(origin: Origin) -> Self {
                Self {
                    resource_attributes: origin.resource_attributes,
                    resource_schema_url: origin.resource_schema_url,
                    scope_name: origin.scope_name,
                    scope_version: origin.scope_version,
                    scope_attributes: origin.scope_attributes,
                    scope_dropped_attr_count: origin.scope_dropped_attr_count,
                    scope_schema_url: origin.scope_schema_url,
                    service_name: origin.service_name,
                    metric_name: origin.metric_name,
                    metric_description: origin.metric_description,
                    metric_unit: origin.metric_unit,
                    attributes: origin.attributes,
                    start_time_unix: origin.start_time_unix,
                    time_unix: origin.time_unix,
                    ..Self::default()
                }
            }

            $(
            /// The row with these exemplars.
            #[must_use]
            pub fn with_exemplars(self, exemplars: Exemplars) -> Self {
                Self { $($exemplar_field: exemplars.$part,)+ ..self }
            }
            )?
        }
    };
}

/// As [`metric_row!`], for the four kinds of points that carry exemplars.
macro_rules! metric_row_with_exemplars {
    ($(#[$doc:meta])* $name:ident { $($(#[$own:meta])* $field:ident: $type:ty,)+ }) => {
        metric_row!($(#[$doc])* $name {
            #[serde(rename = "Exemplars.FilteredAttributes")] exemplar_attributes.filtered_attributes: Vec<AttributeMap>,
            #[serde(rename = "Exemplars.TimeUnix")] exemplar_times.time_unix: Vec<i64>,
            #[serde(rename = "Exemplars.Value")] exemplar_values.value: Vec<f64>,
            #[serde(rename = "Exemplars.SpanId")] exemplar_span_ids.span_id: Vec<String>,
            #[serde(rename = "Exemplars.TraceId")] exemplar_trace_ids.trace_id: Vec<String>,
            ; $($(#[$own])* $field: $type,)+
        });
    };
}

metric_row_with_exemplars!(
    /// A row of `otel_metrics_gauge`.
    GaugeRow { value: f64, flags: u32, }
);

metric_row_with_exemplars!(
    /// A row of `otel_metrics_sum`.
    SumRow { value: f64, flags: u32, aggregation_temporality: i32, is_monotonic: bool, }
);

metric_row_with_exemplars!(
    /// A row of `otel_metrics_histogram`.
    HistogramRow {
        count: u64,
        sum: f64,
        bucket_counts: Vec<u64>,
        explicit_bounds: Vec<f64>,
        flags: u32,
        min: f64,
        max: f64,
        aggregation_temporality: i32,
    }
);

metric_row_with_exemplars!(
    /// A row of `otel_metrics_exponential_histogram`.
    ExponentialHistogramRow {
        count: u64,
        sum: f64,
        scale: i32,
        zero_count: u64,
        positive_offset: i32,
        positive_bucket_counts: Vec<u64>,
        negative_offset: i32,
        negative_bucket_counts: Vec<u64>,
        flags: u32,
        min: f64,
        max: f64,
        aggregation_temporality: i32,
    }
);

metric_row!(
    /// A row of `otel_metrics_summary`.
    SummaryRow { ;
        count: u64,
        sum: f64,
        #[serde(rename = "ValueAtQuantiles.Quantile")] quantiles: Vec<f64>,
        #[serde(rename = "ValueAtQuantiles.Value")] quantile_values: Vec<f64>,
        flags: u32,
    }
);
