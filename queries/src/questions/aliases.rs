//! What an alias of a function means: the versions that it led to. Lambda tells it with each invocation; a log line knows the version.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session, Text, function::Functions, question::Question};
use crate::window::{Nanos, Window};

/// Where an alias led nowhere in the time that is asked about: how far back it is looked for.
const WEEK: Nanos = 7 * 24 * 3_600 * 1_000_000_000;

#[derive(Row, Deserialize)]
struct Version {
    version: Text,
}

/// The versions that each alias led to in a window, the latest first; where nobody invoked it then, the latest of the week before.
/// None of one that nobody invoked.
///
/// # Errors
/// When the server does not answer.
pub async fn versions(
    session: &Session,
    functions: &Functions,
    aliases: &[&str],
    window: Window,
) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let mut found = BTreeMap::new();
    for alias in aliases {
        let mut versions = versions_of(session, functions, alias, window).await?;
        if versions.is_empty() {
            let before = Window { from: window.until.min(session.opened_at()) - WEEK, until: window.from };
            versions = versions_of(session, functions, alias, before).await?;
            versions.truncate(1);
        }
        found.insert((*alias).to_owned(), versions);
    }
    Ok(found)
}

async fn versions_of(
    session: &Session,
    functions: &Functions,
    alias: &str,
    window: Window,
) -> Result<Vec<String>, Fault> {
    let question = Question::new(include_str!("../../sql/questions/versions_of_alias.sql")).of(functions);
    let asked = session.ask_traces(question).param("from", window.from).param("until", window.until);
    let rows = session.all::<Version>(asked.param("alias", alias)).await?;
    Ok(rows.into_iter().map(|row| row.version.into()).collect())
}
