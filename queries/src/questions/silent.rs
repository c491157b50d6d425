//! Which functions have fallen silent, on tables whose index has no dictionary to read it from: by their services' last records.

use std::collections::{BTreeMap, HashMap};

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session, Text};
use crate::window::{Nanos, Window};

#[derive(Row, Deserialize)]
struct Seen {
    service: Text,
    last: Nanos,
}

#[derive(Row, Deserialize)]
struct Named {
    name: Text,
    service: Text,
}

/// Services beyond so many are not looked into.
const MOST_SERVICES: usize = 1_000;

/// The functions whose services wrote nothing in or after the window's end, and when they wrote last within it. A function that
/// shares its service with one that still writes is not among them: nothing but a look at every record would tell.
///
/// # Errors
/// When the server does not answer.
pub async fn by_services(session: &Session, window: Window) -> Result<BTreeMap<String, Nanos>, Fault> {
    let asked = session.ask_logs(include_str!("../../sql/questions/services_last_seen.sql"));
    let seen = session.all::<Seen>(asked.param("from", window.from)).await?;
    let mut silent: Vec<Seen> = seen.into_iter().filter(|one| one.last < window.until).collect();
    silent.sort_by_key(|one| std::cmp::Reverse(one.last));
    silent.truncate(MOST_SERVICES);
    if silent.is_empty() {
        return Ok(BTreeMap::new());
    }
    let services: Vec<&str> = silent.iter().map(|one| &*one.service).collect();
    let moments: Vec<u64> = silent.iter().map(|one| one.last.max(0).unsigned_abs()).collect();
    let asked = session.ask_logs(include_str!("../../sql/questions/functions_of_services.sql"));
    let named = session.all::<Named>(asked.param("services", services).param("moments", &moments[..])).await?;
    let last: HashMap<&str, Nanos> = silent.iter().map(|one| (&*one.service, one.last)).collect();
    let mut functions = BTreeMap::new();
    for Named { name, service } in named {
        let seen: &mut Nanos = functions.entry(String::from(name)).or_default();
        *seen = last.get(&*service).copied().unwrap_or_default().max(*seen);
    }
    Ok(functions)
}
