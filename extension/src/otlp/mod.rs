//! Receivers for the function's own OpenTelemetry SDK.

pub mod grpc;
pub mod http;
