//! From OTLP to rows, as ClickStack's collector changes records and its ClickHouse exporter lays them: pure, and the one
//! place that does it.

mod logs;
mod metrics;
mod rules;
mod spans;
mod value;

use lambdaview_queries::tables::{
    AttributeMap,
    log::LogRow,
    metric::{ExponentialHistogramRow, GaugeRow, HistogramRow, SumRow, SummaryRow},
    span::SpanRow,
};
use opentelemetry_proto::tonic::{common::v1::InstrumentationScope, logs::v1::ResourceLogs, resource::v1::Resource};

use crate::flow::Signal;

pub use value::{as_string, attributes};

/// Rows for every table, to be inserted together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// For `otel_logs`.
    pub logs: Vec<LogRow>,
    /// For `hyperdx_sessions`: session replay.
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
    /// Lays one resource's signal into rows, after those that are there; log records as the collector's rules change them.
    pub fn add(&mut self, signal: Signal) {
        match signal {
            Signal::Logs(resource_logs) => self.add_logs(resource_logs),
            Signal::Traces(resource_spans) => spans::add(&mut self.spans, &resource_spans),
            Signal::Metrics(resource_metrics) => metrics::add(self, &resource_metrics),
        }
    }

    fn add_logs(&mut self, mut resource_logs: ResourceLogs) {
        if let Some(sessions) = rules::take_sessions(&mut resource_logs) {
            logs::add(&mut self.sessions, &sessions);
        }
        rules::apply(&mut resource_logs);
        logs::add(&mut self.logs, &resource_logs);
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

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, KeyValue, any_value::Value},
        logs::v1::{LogRecord, ScopeLogs},
    };

    use super::*;

    #[test]
    fn session_replay_goes_to_its_own_table_as_it_is_and_the_collectors_rules_change_the_rest() {
        let value = |text: &str| Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) });
        let session = KeyValue { key: "rr-web.event".to_owned(), value: value("{}"), ..KeyValue::default() };
        let severity_text = "ERROR".to_owned();
        let record = LogRecord { severity_text, body: value(r#"failed {"rr-web.event":1}"#), ..LogRecord::default() };
        let log_records = vec![LogRecord { attributes: vec![session], ..record.clone() }, record];
        let mut rows = Rows::default();
        rows.add(Signal::Logs(ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }));
        assert_eq!((rows.logs.len(), rows.sessions.len()), (1, 1));
        assert_eq!(rows.sessions[0].severity_text, "ERROR");
        assert_eq!(
            (rows.logs[0].severity_text.as_str(), rows.logs[0].log_attributes.value("rr-web.event")),
            ("error", Some("1"))
        );
    }
}
