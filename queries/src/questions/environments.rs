//! How the execution environments of functions started.

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session, Text, function::Functions, question::Question};
use crate::window::{Nanos, Window};

/// A start of an execution environment: an init, or a snapshot's restore.
#[derive(Clone, Debug, Default, PartialEq, Eq, Row, Deserialize)]
pub struct Start {
    /// `faas.instance`.
    pub instance: Text,
    /// When it began.
    pub start: Nanos,
    /// How long it took, in nanoseconds.
    pub duration: u64,
    /// Whether it failed: not zero.
    pub failed: u8,
}

impl Start {
    /// Whether it failed.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.failed != 0
    }
}

/// The newest starts in a window, those too that no request waited for, newest first.
///
/// # Errors
/// When the server does not answer.
pub async fn starts(session: &Session, functions: &Functions, window: Window, limit: u64) -> Result<Vec<Start>, Fault> {
    let question = Question::new(include_str!("../../sql/questions/environment_starts.sql")).of(functions);
    let query = session.ask_traces(question).param("from", window.from).param("until", window.until);
    session.all(query.param("limit", limit)).await
}
