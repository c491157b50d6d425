//! Which function is meant: by what its records name it, and under which services it wrote.

use clickhouse::Row;
use serde::Deserialize;

pub use super::dialect::Identity;
use super::{Fault, Session, Text};
use crate::{
    schema::{Layout, TimeKey},
    window::{Nanos, Window},
};

/// A function as the tables know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name it is asked for by.
    pub name: String,
    /// What that name is in the records.
    pub identity: Identity,
    /// The one service it writes under, where the sorting key starts with the service and a question gains by it.
    pub service: Option<String>,
}

/// What looking for a function came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It has written something.
    Function(Function),
    /// Nothing of that name; these are the functions there are, the busiest first.
    Others(Vec<String>),
}

#[derive(Row, Deserialize)]
struct Service {
    service: Text,
}

#[derive(Row, Deserialize)]
struct Name {
    name: Text,
}

/// Looks for a function, newest records first, by `faas.name` and else by `ServiceName`.
///
/// # Errors
/// When the server does not answer.
pub async fn find(session: &Session, name: &str) -> Result<Found, Fault> {
    for identity in [Identity::FaasName, Identity::ServiceName] {
        if let Some(service) = service(session, name, identity).await? {
            return Ok(Found::Function(Function { name: name.to_owned(), identity, service }));
        }
    }
    Ok(Found::Others(names(session, session.opened_at() - WEEK).await?))
}

/// The functions that wrote since `from`, or ever where that costs nothing, the busiest first.
///
/// # Errors
/// When the server does not answer.
pub async fn names(session: &Session, from: Nanos) -> Result<Vec<String>, Fault> {
    let names = match names_by_index(session).await {
        Some(names) => names,
        None => {
            let question = include_str!("../../sql/questions/names.sql");
            let query = session.ask_logs(question, Identity::FaasName, &[]).param("from", from);
            session.all::<Name>(query).await?
        }
    };
    Ok(names.into_iter().map(|row| row.name.into()).collect())
}

/// The names in the index's dictionary; `None` where there is no such index, or nothing that reads it.
async fn names_by_index(session: &Session) -> Option<Vec<Name>> {
    if session.logs().layout != Layout::Items {
        return None;
    }
    // An older server, a table over several machines: what the rows say is always to be had.
    let names = session.all::<Name>(session.ask(include_str!("../../sql/questions/names_by_index.sql"))).await.ok()?;
    (!names.is_empty()).then_some(names)
}

/// `None`: no such function. `Some(None)`: it is there, and its service is no use to the questions about it.
async fn service(session: &Session, name: &str, identity: Identity) -> Result<Option<Option<String>>, Fault> {
    let question = include_str!("../../sql/questions/services.sql");
    let now = session.opened_at();
    let mut services = Vec::new();
    // Where the service leads the sorting key, a service that is missed is a line that is missed: all windows are asked.
    let thorough = session.logs().layout.time_key() != TimeKey::FiveMinutes;
    // No index knows that a service is not there: looking for one further back may read everything.
    let all = match identity {
        Identity::FaasName => Window::all(now),
        Identity::ServiceName => Window::since(now - WEEK, now),
    };
    for window in all.newest_first(now) {
        let query = session.ask_logs(question, identity, &[]);
        let query = query.param("function", name).param("from", window.from).param("until", window.until);
        services.extend(session.all::<Service>(query).await?.into_iter().map(|row| String::from(row.service)));
        if !services.is_empty() && !thorough {
            return Ok(Some(None));
        }
    }
    services.sort_unstable();
    services.dedup();
    Ok(match services.len() {
        0 => None,
        1 => Some(services.pop()),
        _ => Some(None),
    })
}

const WEEK: Nanos = 7 * 24 * 3600 * 1_000_000_000;
