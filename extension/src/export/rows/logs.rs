//! Log records as rows of `otel_logs`.

use lambdaview_queries::tables::log::LogRow;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};

use super::{Source, as_string, attributes, date_time, id};

pub(super) fn add(rows: &mut Vec<LogRow>, logs: &ResourceLogs) {
    let mut source = Source::new(logs.resource.as_ref(), &logs.schema_url);
    for scope in &logs.scope_logs {
        source.enter(scope.scope.as_ref(), &scope.schema_url);
        rows.extend(scope.log_records.iter().map(|record| row(&source, record)));
    }
}

fn row(source: &Source, record: &LogRecord) -> LogRow {
    let happened = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
    LogRow {
        timestamp: date_time(happened),
        trace_id: id(&record.trace_id),
        span_id: id(&record.span_id),
        // The lowest eight bits are W3C's flags; the others are OTLP's own and reserved.
        trace_flags: record.flags.to_le_bytes()[0],
        severity_text: record.severity_text.clone(),
        severity_number: u8::try_from(record.severity_number).unwrap_or(0),
        service_name: source.service_name.clone(),
        body: as_string(record.body.as_ref()),
        resource_schema_url: source.resource_schema_url.clone(),
        resource_attributes: source.resource_attributes.clone(),
        scope_schema_url: source.scope_schema_url.clone(),
        scope_name: source.scope_name.clone(),
        scope_version: source.scope_version.clone(),
        scope_attributes: source.scope_attributes.clone(),
        log_attributes: attributes(&record.attributes),
        event_name: record.event_name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::tables::AttributeMap;
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
        logs::v1::ScopeLogs,
        resource::v1::Resource,
    };

    use super::*;

    fn pair(key: &str, value: &str) -> KeyValue {
        let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
        KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }
    }

    fn logs(records: Vec<LogRecord>) -> ResourceLogs {
        ResourceLogs {
            resource: Some(Resource { attributes: vec![pair("service.name", "orders")], ..Resource::default() }),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: "scope".to_owned(),
                    version: "1.2".to_owned(),
                    attributes: vec![pair("scope.key", "x")],
                    dropped_attributes_count: 0,
                }),
                log_records: records,
                schema_url: "https://scope".to_owned(),
            }],
            schema_url: "https://resource".to_owned(),
        }
    }

    fn rows(record: LogRecord) -> LogRow {
        let mut rows = Vec::new();
        add(&mut rows, &logs(vec![record]));
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }

    #[test]
    fn every_column_is_filled_from_its_place_in_otlp() {
        let row = rows(LogRecord {
            time_unix_nano: 1_700_000_000_123_456_789,
            observed_time_unix_nano: 5,
            severity_number: 17,
            severity_text: "ERROR".to_owned(),
            body: Some(AnyValue { value: Some(Value::StringValue("boom".to_owned())) }),
            attributes: vec![pair("faas.invocation_id", "i-1")],
            flags: 0x0101,
            trace_id: vec![0xab; 16],
            span_id: vec![0x01; 8],
            event_name: "event".to_owned(),
            ..LogRecord::default()
        });
        let map = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into_iter().collect::<AttributeMap>();
        let expected = LogRow {
            timestamp: 1_700_000_000_123_456_789,
            trace_id: "ab".repeat(16),
            span_id: "01".repeat(8),
            trace_flags: 1,
            severity_text: "ERROR".to_owned(),
            severity_number: 17,
            service_name: "orders".to_owned(),
            body: "boom".to_owned(),
            resource_schema_url: "https://resource".to_owned(),
            resource_attributes: map("service.name", "orders"),
            scope_schema_url: "https://scope".to_owned(),
            scope_name: "scope".to_owned(),
            scope_version: "1.2".to_owned(),
            scope_attributes: map("scope.key", "x"),
            log_attributes: map("faas.invocation_id", "i-1"),
            event_name: "event".to_owned(),
        };
        assert_eq!(row, expected);
    }

    #[test]
    fn a_record_without_its_own_time_has_the_time_it_was_seen() {
        let row = rows(LogRecord { observed_time_unix_nano: 42, ..LogRecord::default() });
        assert_eq!(row.timestamp, 42);
    }

    #[test]
    fn an_absent_id_is_empty_whether_it_has_no_bytes_or_only_zeros() {
        let row = rows(LogRecord { trace_id: vec![0; 16], ..LogRecord::default() });
        assert_eq!((row.trace_id.as_str(), row.span_id.as_str()), ("", ""));
    }

    #[test]
    fn a_resource_without_a_service_name_has_an_empty_one() {
        let mut rows = Vec::new();
        let records = vec![LogRecord::default()];
        let scope_logs = vec![ScopeLogs { log_records: records, ..ScopeLogs::default() }];
        add(&mut rows, &ResourceLogs { scope_logs, ..ResourceLogs::default() });
        assert_eq!(rows, [LogRow::default()]);
    }
}
