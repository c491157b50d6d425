//! The viewer against a real ClickHouse: every question in every layout, following while the table merges, exit codes.

mod command;
mod follow;
mod layouts;
mod server;
