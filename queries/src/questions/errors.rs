//! What went wrong: lines of errors that differ in ids and numbers only, as one, and invocations that failed without such a line.

use std::collections::{BTreeMap, BTreeSet};

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session, Text, function::Functions, question::Question};
use crate::window::{Nanos, Window};

/// Errors of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The exception's type, or the platform's word; nothing where none is told.
    pub kind: String,
    /// What they have in common: `<*>` stands where they differ.
    pub message: String,
    /// How many there were.
    pub count: u64,
    /// The oldest.
    pub first: Nanos,
    /// The newest.
    pub last: Nanos,
    /// Whose they are.
    pub functions: Vec<String>,
    /// Of which versions.
    pub versions: Vec<String>,
    /// The newest one's words.
    pub sample: String,
    /// A request that it happened to, the newest; or nothing.
    pub request_id: String,
    /// A trace that it happened in, the newest; or nothing.
    pub trace_id: String,
    /// The invocations that it happened to, as far as they are known.
    pub invocations: u64,
    /// The functions' invocations in that time; unknown where there are no spans.
    pub of: Option<u64>,
}

#[derive(Row, Deserialize)]
struct Lines {
    kind: Text,
    message: Text,
    lines: u64,
    first: Nanos,
    last: Nanos,
    functions: Vec<Text>,
    versions: Vec<Text>,
    sample: Text,
    request_id: Text,
    trace_id: Text,
    invocations: Vec<Text>,
}

#[derive(Row, Deserialize)]
struct Failed {
    request_id: Text,
    function: Text,
    version: Text,
    kind: Text,
    start: Nanos,
    trace_id: Text,
}

#[derive(Row, Deserialize)]
struct Counted {
    function: Text,
    invocations: u64,
    #[serde(rename = "last")]
    _last: Nanos,
}

/// Failed invocations are told apart from those with a line of an error one by one.
const MOST_FAILED: u64 = 10_000;

/// The errors of functions in a window, those that happened most often first.
///
/// # Errors
/// When the server does not answer.
pub async fn groups(session: &Session, functions: &Functions, window: Window) -> Result<Vec<Group>, Fault> {
    let ask = |question| Question::new(question).of(functions);
    let lines = session.ask_logs(ask(include_str!("../../sql/questions/error_lines.sql")));
    let failed = session.ask_traces(ask(include_str!("../../sql/questions/failed_invocations.sql")));
    let counted = session.ask_traces(ask(include_str!("../../sql/questions/invocations_counted.sql")));
    let (lines, failed, counted) = tokio::try_join!(
        session.all::<Lines>(lines.param("from", window.from).param("until", window.until)),
        session
            .all::<Failed>(failed.param("from", window.from).param("until", window.until).param("limit", MOST_FAILED)),
        session.all::<Counted>(counted.param("from", window.from).param("until", window.until)),
    )?;
    Ok(join(lines, failed, &counted))
}

fn join(lines: Vec<Lines>, failed: Vec<Failed>, counted: &[Counted]) -> Vec<Group> {
    let told: BTreeSet<String> = lines.iter().flat_map(|row| &row.invocations).map(Text::to_string).collect();
    let mut groups: Vec<Group> = lines.into_iter().map(Group::from).collect();
    let mut silent: BTreeMap<(String, String), Group> = BTreeMap::new();
    for row in failed.into_iter().filter(|row| !told.contains(&*row.request_id)) {
        let key = (row.kind.to_string(), row.function.to_string());
        silent.entry(key).or_default().add(row);
    }
    groups.extend(silent.into_values());
    for group in &mut groups {
        let counts = counted.iter().filter(|row| group.functions.iter().any(|name| **name == *row.function));
        group.of = Some(counts.map(|row| row.invocations).sum()).filter(|all| *all > 0);
    }
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| b.last.cmp(&a.last)));
    groups
}

impl From<Lines> for Group {
    fn from(row: Lines) -> Self {
        let all = |names: Vec<Text>| names.into_iter().map(String::from).collect();
        Self {
            kind: row.kind.into(),
            message: row.message.into(),
            count: row.lines,
            first: row.first,
            last: row.last,
            functions: all(row.functions),
            versions: all(row.versions),
            sample: row.sample.into(),
            request_id: row.request_id.into(),
            trace_id: row.trace_id.into(),
            invocations: row.invocations.len() as u64,
            of: None,
        }
    }
}

impl Group {
    /// Another invocation that failed in the same way; they come newest first.
    fn add(&mut self, row: Failed) {
        if self.count == 0 {
            self.message = message(&row.kind).to_owned();
            self.sample.clone_from(&self.message);
            self.last = row.start;
            self.request_id = row.request_id.into();
            self.trace_id = row.trace_id.into();
            self.kind = row.kind.into();
            self.functions.push(row.function.into());
        }
        self.count += 1;
        self.invocations += 1;
        self.first = row.start;
        if !row.version.is_empty() && !self.versions.iter().any(|version| **version == *row.version) {
            self.versions.push(row.version.into());
            self.versions.sort_unstable();
        }
    }
}

/// What the platform's word means, where no line says it.
fn message(kind: &str) -> &'static str {
    match kind {
        "Sandbox.Timedout" | "timeout" => "the invocation ran into its timeout",
        "Runtime.OutOfMemory" => "the invocation ran out of memory",
        "Runtime.ExitError" => "the runtime exited",
        _ => "the invocation failed and logged no error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(id: &str, kind: &str, start: Nanos, version: &str) -> Failed {
        Failed {
            request_id: id.into(),
            function: "pay".into(),
            version: version.into(),
            kind: kind.into(),
            start,
            trace_id: "t".into(),
        }
    }

    fn lines(ids: &[&str]) -> Lines {
        Lines {
            kind: "StripeError".into(),
            message: "declined".into(),
            lines: 7,
            first: 1,
            last: 9,
            functions: vec!["pay".into()],
            versions: vec!["41".into()],
            sample: "declined".into(),
            request_id: "a".into(),
            trace_id: "t".into(),
            invocations: ids.iter().map(|id| (*id).into()).collect(),
        }
    }

    #[test]
    fn an_invocation_that_failed_is_told_by_its_line_or_by_itself_but_not_twice() {
        let failed = vec![
            failed("c", "Sandbox.Timedout", 8, "42"),
            failed("b", "Sandbox.Timedout", 5, "41"),
            failed("a", "StripeError", 4, "41"),
        ];
        let counted = [Counted { function: "pay".into(), invocations: 100, _last: 0 }];
        let groups = join(vec![lines(&["a"])], failed, &counted);
        let told: Vec<_> = groups.iter().map(|group| (group.kind.as_str(), group.count, group.invocations)).collect();
        assert_eq!(told, [("StripeError", 7, 1), ("Sandbox.Timedout", 2, 2)]);
        assert_eq!((groups[1].first, groups[1].last, groups[1].of), (5, 8, Some(100)));
        assert_eq!((groups[1].versions.join(" "), groups[1].request_id.as_str()), ("41 42".to_owned(), "c"));
    }
}
