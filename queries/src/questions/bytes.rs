//! How much the functions log: what a bill for it is made of.

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session, Text};
use crate::window::Nanos;

/// What a function logged in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Logged {
    /// `faas.name`.
    pub name: Text,
    /// Its lines, without Lambda's own START, END and REPORT.
    pub events: u64,
    /// Bytes of the lines' bodies.
    pub body_bytes: u64,
    /// Bytes of the fields that JSON lines had beside their message.
    pub field_bytes: u64,
    /// Its invocations, by the request ids on its lines.
    pub invocations: u64,
    /// Its oldest line in that time.
    pub first: Nanos,
    /// Its newest.
    pub last: Nanos,
}

/// What the table of logs holds, of whatever age and whoever wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Stored {
    /// Rows.
    pub rows: u64,
    /// Bytes on disk, compressed, with the indexes.
    pub bytes: u64,
    /// Bytes of the columns before compression.
    pub uncompressed_bytes: u64,
}

/// What each function logged since `from`, the one with the most bytes first.
///
/// # Errors
/// When the server does not answer.
pub async fn logged(session: &Session, from: Nanos) -> Result<Vec<Logged>, Fault> {
    let question = include_str!("../../sql/questions/log_bytes.sql");
    session.all(session.ask_logs(question).param("from", from)).await
}

/// What the table of logs holds.
///
/// # Errors
/// When the server does not answer.
pub async fn stored(session: &Session) -> Result<Stored, Fault> {
    let rows = session.all(session.ask(include_str!("../../sql/questions/stored.sql"))).await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}
