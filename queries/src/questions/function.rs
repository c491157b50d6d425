//! Which functions are meant: by what their records name them, and under which services they wrote.

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Fault, Session, Text,
    known::{self, By, Known},
    question::Question,
};
use crate::{
    name::NamePattern,
    schema::TimeKey,
    window::{Nanos, Window},
};

/// Functions as the tables know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Functions {
    /// Every one that names itself by `faas.name`.
    All,
    /// These.
    These(Names),
}

/// Functions by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Known by the resource attribute `faas.name`.
    pub(super) named: Vec<String>,
    /// Known by `ServiceName`, where nothing says `faas.name`.
    pub(super) serviced: Vec<String>,
    /// All services that the named ones write under, where the sorting key starts with the service and a question gains by it.
    pub(super) services: Vec<String>,
    /// What names of functions match that are meant too, once there are such.
    pub(super) pattern: Option<String>,
}

/// What looking for functions came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Those that are there.
    pub functions: Functions,
    /// What was asked for and is not there.
    pub missing: Vec<Missing>,
}

/// What was asked for and is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// As it was written.
    pub typed: String,
    /// The functions there are, the busiest first.
    pub others: Vec<String>,
}

#[derive(Row, Deserialize)]
struct Service {
    service: Text,
}

impl Functions {
    /// The function of that `faas.name`, whether or not it has written anything.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::These(Names { named: vec![name.to_owned()], ..Names::default() })
    }

    /// The functions of those `faas.name`s, whether or not they have written anything.
    #[must_use]
    pub fn all_named(names: impl IntoIterator<Item = String>) -> Self {
        Self::These(Names { named: names.into_iter().collect(), ..Names::default() })
    }

    /// The one function that is meant; `None` where there are or may be several.
    #[must_use]
    pub fn single(&self) -> Option<&str> {
        match self {
            Self::These(Names { named, serviced, pattern: None, .. }) => match (&named[..], &serviced[..]) {
                ([one], []) | ([], [one]) => Some(one),
                _ => None,
            },
            _ => None,
        }
    }

    /// The one of these that lines name so.
    #[must_use]
    pub fn only(&self, name: &str) -> Self {
        match self {
            Self::These(names) if names.serviced.iter().any(|service| service == name) => {
                Self::These(Names { serviced: vec![name.to_owned()], ..Names::default() })
            }
            _ => Self::named(name),
        }
    }

    /// The names of those that are there; none for all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::All => None,
            Self::These(names) => Some(names.named.iter().chain(&names.serviced)),
        };
        names.into_iter().flatten().map(String::as_str)
    }

    /// The same for each service that they write under, where that is how their newest lines are found quickly.
    pub(super) fn by_service(&self) -> Option<Vec<Self>> {
        let Self::These(names) = self else { return None };
        let is_worth_it = names.serviced.is_empty() && (2..=MOST_SERVICES).contains(&names.services.len());
        let of = |service: &String| Self::These(Names { services: vec![service.clone()], ..names.clone() });
        is_worth_it.then(|| names.services.iter().map(of).collect())
    }
}

/// Each is asked for by itself; for more, one question is the quicker one.
const MOST_SERVICES: usize = 8;

/// Looks for functions by `faas.name` and else by `ServiceName`; for none, everything is meant.
///
/// Who follows takes its marks first: a function that is first seen in between is then an arrival.
///
/// # Errors
/// When the server does not answer.
pub async fn resolve(session: &Session, patterns: &[NamePattern]) -> Result<Resolved, Fault> {
    if patterns.is_empty() {
        return Ok(Resolved { functions: Functions::All, missing: Vec::new() });
    }
    let (mut names, mut missing) = (Names::default(), Vec::new());
    let mut all_services_known = true;
    for pattern in patterns {
        let found = match pattern.exact() {
            Some(name) => exact(session, name, &mut names).await?,
            None => {
                all_services_known = false;
                matching(session, pattern, &mut names).await?
            }
        };
        if !found {
            let others = self::names(session).await?;
            missing.push(Missing { typed: pattern.typed().to_owned(), others });
        }
    }
    if !all_services_known || session.logs().layout.time_key() == TimeKey::FiveMinutes {
        names.services.clear();
    }
    for list in [&mut names.named, &mut names.serviced, &mut names.services] {
        list.sort_unstable();
        list.dedup();
    }
    let regexes: Vec<String> = patterns.iter().filter_map(NamePattern::regex).map(|one| format!("(?:{one})")).collect();
    names.pattern = (!regexes.is_empty()).then(|| regexes.join("|"));
    Ok(Resolved { functions: Functions::These(names), missing })
}

/// The names of the functions there are, the busiest first. They are asked for once in a session, until [`forget`].
///
/// # Errors
/// When the server does not answer.
pub async fn names(session: &Session) -> Result<Vec<String>, Fault> {
    Ok(known::known(session).await?.into_iter().map(|known| known.name).collect())
}

/// Asks for the names anew the next time.
pub fn forget(session: &Session) {
    session.names.take();
}

async fn exact(session: &Session, name: &str, names: &mut Names) -> Result<bool, Fault> {
    let by_name = Functions::named(name);
    if let Some(services) = services(session, &by_name, Window::all(session.opened_at())).await? {
        names.named.push(name.to_owned());
        names.services.extend(services);
        return Ok(true);
    }
    // No index knows that a service is not there: looking for one further back may read everything.
    let lately = Window::since(session.opened_at() - WEEK, session.opened_at());
    let by_service = Functions::These(Names { serviced: vec![name.to_owned()], ..Names::default() });
    let found = services(session, &by_service, lately).await?.is_some();
    names.serviced.extend(found.then(|| name.to_owned()));
    Ok(found)
}

async fn matching(session: &Session, pattern: &NamePattern, names: &mut Names) -> Result<bool, Fault> {
    let mut matching = matches(&known::known(session).await?, pattern);
    if matching.is_empty() {
        matching = matches(&known::by_rows(session).await?, pattern);
    }
    // A service that is no function may well have a name that matches.
    if matching.iter().any(|known| known.by != By::Service) {
        matching.retain(|known| known.by != By::Service);
    }
    for Known { name, by } in &matching {
        let list = if *by == By::Name { &mut names.named } else { &mut names.serviced };
        list.push(name.clone());
    }
    Ok(!matching.is_empty())
}

fn matches(known: &[Known], pattern: &NamePattern) -> Vec<Known> {
    known.iter().filter(|known| pattern.matches(&known.name)).cloned().collect()
}

/// Under which services functions wrote; `None` when they wrote nothing.
async fn services(session: &Session, functions: &Functions, all: Window) -> Result<Option<Vec<String>>, Fault> {
    let question = Question::new(include_str!("../../sql/questions/services.sql")).of(functions);
    // Where the service leads the sorting key, a service that is missed is a line that is missed: all windows are asked.
    let thorough = session.logs().layout.time_key() != TimeKey::FiveMinutes;
    let limit: u64 = if thorough { 1_000 } else { 1 };
    let mut services = Vec::new();
    for window in all.newest_first(session.opened_at()) {
        let query = session.ask_logs(question).param("from", window.from).param("until", window.until);
        let found = session.all::<Service>(query.param("limit", limit)).await?;
        services.extend(found.into_iter().map(|row| String::from(row.service)));
        if !services.is_empty() && !thorough {
            break;
        }
    }
    Ok((!services.is_empty()).then_some(services))
}

const WEEK: Nanos = 7 * 24 * 3600 * 1_000_000_000;
