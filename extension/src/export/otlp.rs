//! Exports by OTLP, over gRPC or HTTP.
