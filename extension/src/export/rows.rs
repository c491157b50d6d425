//! From OTLP to rows, as the ClickStack collector's ClickHouse exporter lays them: pure, and the one place that does it.

mod logs;
mod metrics;
mod spans;
mod value;

use lambdaview_queries::{
    schema::TimePrecision,
    tables::{
        AttributeMap,
        log::LogRow,
        metric::{ExponentialHistogramRow, GaugeRow, HistogramRow, SumRow, SummaryRow},
        span::SpanRow,
    },
};
use opentelemetry_proto::tonic::{common::v1::InstrumentationScope, logs::v1::ResourceLogs, resource::v1::Resource};

use crate::flow::Signal;

pub use value::{as_string, attributes};

/// Rows for every table, to be inserted together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// For `otel_logs`.
    pub logs: Vec<LogRow>,
    /// For `hyperdx_sessions`: session replay, which only a collector tells apart.
    pub sessions: Vec<LogRow>,
    /// For `otel_traces`.
    pub spans: Vec<SpanRow>,
    /// For `otel_metrics_gauge`.
    pub gauges: Vec<GaugeRow>,
    /// For `otel_metrics_sum`.
    pub sums: Vec<SumRow>,
    /// For `otel_metrics_histogram`.
    pub histograms: Vec<HistogramRow>,
    /// For `otel_metrics_exponential_histogram`.
    pub exponential_histograms: Vec<ExponentialHistogramRow>,
    /// For `otel_metrics_summary`.
    pub summaries: Vec<SummaryRow>,
}

impl Rows {
    /// Lays one resource's signal into rows, after those that are there.
    pub fn add(&mut self, signal: &Signal, metrics: TimePrecision) {
        match signal {
            Signal::Logs(resource_logs) => logs::add(&mut self.logs, resource_logs),
            Signal::Traces(resource_spans) => spans::add(&mut self.spans, resource_spans),
            Signal::Metrics(resource_metrics) => metrics::add(self, resource_metrics, metrics),
        }
    }

    /// Lays records of session replay into rows for their own table.
    pub fn add_sessions(&mut self, sessions: &ResourceLogs) {
        logs::add(&mut self.sessions, sessions);
    }
}

/// What the rows of one resource and one scope have in common.
struct Source {
    service_name: String,
    resource_attributes: AttributeMap,
    resource_schema_url: String,
    scope_name: String,
    scope_version: String,
    scope_attributes: AttributeMap,
    scope_dropped_attributes: u32,
    scope_schema_url: String,
}

impl Source {
    fn new(resource: Option<&Resource>, schema_url: &str) -> Self {
        let resource_attributes = attributes(resource.map_or(&[], |resource| &resource.attributes));
        Self {
            service_name: resource_attributes.value("service.name").unwrap_or_default().to_owned(),
            resource_attributes,
            resource_schema_url: schema_url.to_owned(),
            scope_name: String::new(),
            scope_version: String::new(),
            scope_attributes: AttributeMap::default(),
            scope_dropped_attributes: 0,
            scope_schema_url: String::new(),
        }
    }

    fn enter(&mut self, scope: Option<&InstrumentationScope>, schema_url: &str) {
        schema_url.clone_into(&mut self.scope_schema_url);
        let empty = InstrumentationScope::default();
        let scope = scope.unwrap_or(&empty);
        scope.name.clone_into(&mut self.scope_name);
        scope.version.clone_into(&mut self.scope_version);
        self.scope_attributes = attributes(&scope.attributes);
        self.scope_dropped_attributes = scope.dropped_attributes_count;
    }
}

/// A time in `DateTime64(9)`, which ends in 2262.
fn date_time(nanoseconds: u64) -> i64 {
    i64::try_from(nanoseconds).unwrap_or(i64::MAX)
}

/// An id in lower-case hex digits; empty when there is none.
fn id(bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| *byte == 0) { String::new() } else { hex(bytes) }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}
