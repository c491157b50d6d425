//! Which names there are: read from an index's dictionary where there is one, else from the newest rows and the services.

use std::collections::HashSet;

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session, Text};
use crate::window::Nanos;

/// A name that a function may be known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) by: By,
}

/// What the name is in the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// `faas.name`.
    Name,
    /// `ServiceName`, of records that have no `faas.name`: of a function or of something else.
    Service,
    /// `ServiceName`, of records that are older than those that were looked at.
    SilentService,
}

#[derive(Row, Deserialize)]
struct Name {
    name: Text,
    service: Text,
    by_service: bool,
}

#[derive(Row, Deserialize)]
struct Service {
    service: Text,
}

/// The names there are, the busiest first.
pub(super) async fn known(session: &Session) -> Result<Vec<Known>, Fault> {
    if let Some(names) = session.names.borrow().as_ref() {
        return Ok(names.clone());
    }
    let names = match by_index(session).await {
        Some(names) => names,
        None => by_rows(session).await?,
    };
    session.names.replace(Some(names.clone()));
    Ok(names)
}

/// The names in the index's dictionary; `None` where there is no such index, or nothing that reads it.
async fn by_index(session: &Session) -> Option<Vec<Known>> {
    if !session.logs().has_dictionary() {
        return None;
    }
    // An older server: what the rows say is always to be had.
    let names = session.all::<Name>(session.ask(include_str!("../../sql/questions/names_by_index.sql"))).await.ok()?;
    (!names.is_empty()).then(|| names.into_iter().map(|row| Known { name: row.name.into(), by: By::Name }).collect())
}

/// The names in the newest rows, and the services of all others: the attribute is dear to read, and the service is mostly called
/// as the function is.
pub(super) async fn by_rows(session: &Session) -> Result<Vec<Known>, Fault> {
    let names = include_str!("../../sql/questions/names.sql");
    let names = session.ask_logs(names).param("from", session.opened_at() - look_back(session));
    let services = if session.has_logs_rollup() {
        include_str!("../../sql/questions/services_seen_by_rollup.sql")
    } else {
        include_str!("../../sql/questions/services_seen.sql")
    };
    let services = session.ask_logs(services);
    let (names, services) = tokio::try_join!(session.all::<Name>(names), session.all::<Service>(services))?;
    Ok(joined(names, services))
}

fn joined(names: Vec<Name>, services: Vec<Service>) -> Vec<Known> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut known = Vec::new();
    let heard: HashSet<String> = names.iter().map(|row| row.service.to_string()).collect();
    for row in names {
        let by = if row.by_service { By::Service } else { By::Name };
        known.push(Known { name: row.name.into(), by });
    }
    let silent = services.into_iter().map(|row| String::from(row.service)).filter(|service| !heard.contains(service));
    known.extend(silent.map(|name| Known { name, by: By::SilentService }));
    known.retain(|known| !known.name.is_empty() && seen.insert(known.name.clone()));
    known
}

/// How far back the attribute is read: where it has a column of its own that costs little.
fn look_back(session: &Session) -> Nanos {
    const HOUR: Nanos = 3_600 * 1_000_000_000;
    if session.names_have_a_column() { 7 * 24 * HOUR } else { HOUR }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str, service: &str, by_service: bool) -> Name {
        Name { name: name.into(), service: service.into(), by_service }
    }

    #[test]
    fn services_whose_functions_were_heard_are_not_named_again() {
        let names = vec![name("pay", "payments", false), name("web", "web", true), name("pay", "other", false)];
        let services = ["payments", "web", "nightly"].map(|service| Service { service: service.into() });
        let known: Vec<(String, By)> =
            joined(names, services.into()).into_iter().map(|known| (known.name, known.by)).collect();
        let of = |name: &str, by| (name.to_owned(), by);
        assert_eq!(known, [of("pay", By::Name), of("web", By::Service), of("nightly", By::SilentService)]);
    }
}
