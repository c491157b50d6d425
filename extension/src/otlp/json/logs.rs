//! Log records in OTLP/JSON.

use super::{Fields, Odd, Rejected, any_value, attributes};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use serde_json::Value;

pub(super) fn resource(value: Value, rejected: &mut Rejected) -> Result<ResourceLogs, Odd> {
    let mut fields = Fields::of(value, "resourceLogs")?;
    Ok(ResourceLogs {
        resource: fields.optional("resource", super::resource)?,
        scope_logs: fields.list("scopeLogs", |value| scope(value, rejected))?,
        schema_url: fields.text("schemaUrl")?,
    })
}

fn scope(value: Value, rejected: &mut Rejected) -> Result<ScopeLogs, Odd> {
    let mut fields = Fields::of(value, "scopeLogs")?;
    Ok(ScopeLogs {
        scope: fields.optional("scope", super::scope)?,
        log_records: rejected.records(fields.values("logRecords")?, record),
        schema_url: fields.text("schemaUrl")?,
    })
}

fn record(value: Value) -> Result<LogRecord, Odd> {
    let mut fields = Fields::of(value, "logRecord")?;
    let severity = |name: &str| SeverityNumber::from_str_name(name).map(i32::from);
    Ok(LogRecord {
        time_unix_nano: fields.integer("timeUnixNano")?,
        observed_time_unix_nano: fields.integer("observedTimeUnixNano")?,
        severity_number: fields.enumeration("severityNumber", severity)?,
        severity_text: fields.text("severityText")?,
        body: fields.optional("body", any_value)?,
        attributes: attributes(&mut fields, "attributes")?,
        dropped_attributes_count: fields.integer("droppedAttributesCount")?,
        flags: fields.integer("flags")?,
        trace_id: fields.id("traceId", 16)?,
        span_id: fields.id("spanId", 8)?,
        event_name: fields.text("eventName")?,
    })
}
