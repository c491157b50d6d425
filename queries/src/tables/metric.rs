//! `otel_metrics_*`.
