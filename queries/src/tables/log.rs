//! `otel_logs` and `hyperdx_sessions`.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::AttributeMap;

/// A row of `otel_logs` or `hyperdx_sessions`. Tables made before ClickStack 2.25, and sessions to this day, lack `EventName`.
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
