//! How far back the tables reach.

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session};
use crate::window::Nanos;

#[derive(Row, Deserialize)]
struct Oldest {
    oldest: i64,
}

/// When the oldest record was written; a moment in 1970 where a table is empty.
///
/// # Errors
/// When the server does not answer.
pub async fn oldest(session: &Session) -> Result<Nanos, Fault> {
    let rows = session.all::<Oldest>(session.ask(include_str!("../../sql/questions/oldest.sql"))).await?;
    Ok(rows.first().map_or(0, |row| row.oldest))
}
