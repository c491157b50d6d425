//! `otel_traces`.
