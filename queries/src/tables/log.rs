//! `otel_logs` and `hyperdx_sessions`.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::AttributeMap;

/// A row of `otel_logs` that has the column `EventName`: every layout since ClickStack 2.25.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LogRow {
    /// Nanoseconds since 1970: when it happened, or when it was seen.
    pub timestamp: i64,
    /// 32 lower-case hex digits, or empty.
    pub trace_id: String,
    /// 16 lower-case hex digits, or empty.
    pub span_id: String,
    /// W3C trace flags.
    pub trace_flags: u8,
    /// As the sender or the collector words it.
    pub severity_text: String,
    /// OpenTelemetry's scale: 1 to 24, 0 for unknown.
    pub severity_number: u8,
    /// The resource attribute `service.name`.
    pub service_name: String,
    /// The record's text; a structured body as JSON.
    pub body: String,
    /// The resource's schema URL.
    pub resource_schema_url: String,
    /// The resource's attributes.
    pub resource_attributes: AttributeMap,
    /// The scope's schema URL.
    pub scope_schema_url: String,
    /// The scope's name.
    pub scope_name: String,
    /// The scope's version.
    pub scope_version: String,
    /// The scope's attributes.
    pub scope_attributes: AttributeMap,
    /// The record's own attributes.
    pub log_attributes: AttributeMap,
    /// The event's name, for records that are events.
    pub event_name: String,
}

/// The same row for a table without `EventName`: `otel_logs` up to ClickStack 2.24, and `hyperdx_sessions` to this day.
#[derive(Clone, Debug, PartialEq, Eq, Row, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "each field is documented at LogRow")]
pub struct EarlierLogRow<'a> {
    pub timestamp: i64,
    pub trace_id: &'a str,
    pub span_id: &'a str,
    pub trace_flags: u8,
    pub severity_text: &'a str,
    pub severity_number: u8,
    pub service_name: &'a str,
    pub body: &'a str,
    pub resource_schema_url: &'a str,
    pub resource_attributes: &'a AttributeMap,
    pub scope_schema_url: &'a str,
    pub scope_name: &'a str,
    pub scope_version: &'a str,
    pub scope_attributes: &'a AttributeMap,
    pub log_attributes: &'a AttributeMap,
}

impl<'a> From<&'a LogRow> for EarlierLogRow<'a> {
    fn from(row: &'a LogRow) -> Self {
        Self {
            timestamp: row.timestamp,
            trace_id: &row.trace_id,
            span_id: &row.span_id,
            trace_flags: row.trace_flags,
            severity_text: &row.severity_text,
            severity_number: row.severity_number,
            service_name: &row.service_name,
            body: &row.body,
            resource_schema_url: &row.resource_schema_url,
            resource_attributes: &row.resource_attributes,
            scope_schema_url: &row.scope_schema_url,
            scope_name: &row.scope_name,
            scope_version: &row.scope_version,
            scope_attributes: &row.scope_attributes,
            log_attributes: &row.log_attributes,
        }
    }
}
