//! OTLP over HTTP, protobuf and JSON.
