//! From ClickHouse to the terminal.

pub mod local;
