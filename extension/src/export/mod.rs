//! From batches to a backend. Transport, retry policy and encoding are three things.

pub mod clickhouse;
pub mod otlp;
pub mod retry;
pub mod rows;
