//! The viewer against a real ClickHouse: every question in every layout, following while the table merges, exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod command;
mod follow;
mod layouts;
mod server;
