//! ClickStack on this machine: a real ClickHouse, its schema and web UI, and OTLP endpoints, in one process.
