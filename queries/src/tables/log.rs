//! `otel_logs`.
