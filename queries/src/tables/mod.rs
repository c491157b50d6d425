//! One row type a table, for writing and reading.

pub mod log;
pub mod metric;
pub mod span;
