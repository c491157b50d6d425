//! `otel_traces`.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::AttributeMap;

/// A row of `otel_traces`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SpanRow {
    /// Nanoseconds since 1970: when the span started.
    pub timestamp: i64,
    /// 32 lower-case hex digits.
    pub trace_id: String,
    /// 16 lower-case hex digits.
    pub span_id: String,
    /// 16 lower-case hex digits, or empty for a root.
    pub parent_span_id: String,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// The span's name.
    pub span_name: String,
    /// `Unspecified`, `Internal`, `Server`, `Client`, `Producer` or `Consumer`.
    pub span_kind: String,
    /// The resource attribute `service.name`.
    pub service_name: String,
    /// The resource's attributes.
    pub resource_attributes: AttributeMap,
    /// The scope's name.
    pub scope_name: String,
    /// The scope's version.
    pub scope_version: String,
    /// The span's own attributes.
    pub span_attributes: AttributeMap,
    /// Nanoseconds from start to end.
    pub duration: u64,
    /// `Unset`, `Ok` or `Error`.
    pub status_code: String,
    /// What the error was.
    pub status_message: String,
    /// Nanoseconds since 1970 of each event.
    #[serde(rename = "Events.Timestamp")]
    pub event_timestamps: Vec<i64>,
    /// Each event's name.
    #[serde(rename = "Events.Name")]
    pub event_names: Vec<String>,
    /// Each event's attributes.
    #[serde(rename = "Events.Attributes")]
    pub event_attributes: Vec<AttributeMap>,
    /// Each linked span's trace.
    #[serde(rename = "Links.TraceId")]
    pub link_trace_ids: Vec<String>,
    /// Each linked span.
    #[serde(rename = "Links.SpanId")]
    pub link_span_ids: Vec<String>,
    /// Each linked span's `tracestate`.
    #[serde(rename = "Links.TraceState")]
    pub link_trace_states: Vec<String>,
    /// Each link's attributes.
    #[serde(rename = "Links.Attributes")]
    pub link_attributes: Vec<AttributeMap>,
}
