//! From batches to a backend. Transport, retry policy and encoding are three things.

pub mod clickhouse;
pub mod destination;
pub mod otlp;
mod patience;
pub mod retry;
pub mod rows;

pub use destination::{Destination, Target};
