//! The invocations of functions: by their spans, by the platform's reports among the logs, or by nothing but the ids on lines.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;

use super::{Asked, Fault, Session, Text, function::Functions, question::Question};
use crate::window::{Nanos, Window};

/// An invocation, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Invocation {
    /// Lambda's request id; of a SERVER span that names none, the span's.
    pub request_id: String,
    /// `faas.name`, else the service.
    pub function: String,
    /// When it started, in nanoseconds since 1970.
    pub start: Nanos,
    /// How long the function ran, in nanoseconds.
    pub duration: Option<u64>,
    /// How it ended.
    pub ending: Ending,
    /// What went wrong, in the platform's or the runtime's word.
    pub error_type: String,
    /// Nanoseconds billed.
    pub billed: Option<u64>,
    /// Bytes of memory used at most.
    pub memory_used: Option<u64>,
    /// Bytes of memory configured.
    pub memory_size: Option<u64>,
    /// The function's timeout in nanoseconds.
    pub timeout: Option<u64>,
    /// Whether it waited for a start of its environment; `None` where nobody says.
    pub cold: Option<bool>,
    /// Nanoseconds of the init that it waited for.
    pub init: Option<u64>,
    /// Nanoseconds of the restore that it waited for.
    pub restore: Option<u64>,
    /// Its trace.
    pub trace_id: String,
    /// `faas.instance`: its execution environment.
    pub instance: String,
    /// `faas.version`.
    pub version: String,
    /// Log lines, and those of errors among them; `None` where they were not counted.
    pub lines: Option<(u64, u64)>,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Nobody told.
    #[default]
    Unknown,
    /// It answered.
    Ok,
    /// With an error.
    Failed,
    /// It ran into its timeout.
    Timeout,
    /// Its memory ran out.
    OutOfMemory,
}

/// Which invocations are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose.
    pub functions: Functions,
    /// Only this one.
    pub request_id: Option<String>,
    /// Only those that did not end well.
    pub failed: bool,
    /// Only timeouts.
    pub timeout: bool,
    /// Only those whose memory ran out.
    pub oom: bool,
    /// Only those that waited for a start.
    pub cold: bool,
    /// Only those that came near a limit: nine tenths of the memory, or four fifths of the timeout.
    pub near: bool,
    /// Only those that ran so many nanoseconds.
    pub slow: Option<u64>,
}

#[derive(Row, Deserialize)]
struct BySpan {
    request_id: Text,
    function: Text,
    start: Nanos,
    duration: u64,
    trace_id: Text,
    failed: u8,
    error_type: Text,
    cold: u8,
    init: u64,
    restore: u64,
    billed_seconds: f64,
    memory_used: u64,
    memory_size: u64,
    timeout_seconds: f64,
    instance: Text,
    version: Text,
}

#[derive(Row, Deserialize)]
struct ByReport {
    request_id: Text,
    function: Text,
    reported: Nanos,
    trace_id: Text,
    duration_ms: f64,
    billed_ms: f64,
    memory_used_mb: f64,
    memory_size_mb: f64,
    init_ms: f64,
    restore_ms: f64,
    status: Text,
    error_type: Text,
    instance: Text,
    version: Text,
}

#[derive(Row, Deserialize)]
struct ByLines {
    request_id: Text,
    function: Text,
    start: Nanos,
    trace_id: Text,
    instance: Text,
    version: Text,
}

#[derive(Row, Deserialize)]
struct Counted {
    request_id: Text,
    lines: u64,
    errors: u64,
}

/// The newest invocations in a window, newest first, at most `limit`, with their lines counted.
///
/// # Errors
/// When the server does not answer.
pub async fn newest(
    session: &Session,
    wanted: &Wanted,
    window: Window,
    limit: usize,
) -> Result<Vec<Invocation>, Fault> {
    let mut newest = without_lines(session, wanted, window, limit).await?;
    count_lines(session, &mut newest).await?;
    Ok(newest)
}

/// The same without counting their lines.
///
/// # Errors
/// When the server does not answer.
pub async fn without_lines(
    session: &Session,
    wanted: &Wanted,
    window: Window,
    limit: usize,
) -> Result<Vec<Invocation>, Fault> {
    let mut found = told(session, wanted, window, limit).await?;
    if found.is_empty() && !wanted.asks_for_an_ending() {
        found = by_lines(session, wanted, window, limit).await?;
    }
    let mut newest: Vec<Invocation> = found.into_values().collect();
    newest.sort_by(|a, b| b.start.cmp(&a.start).then_with(|| a.request_id.cmp(&b.request_id)));
    newest.truncate(limit);
    Ok(newest)
}

/// Those that spans or reports tell of: recent windows first, until there are enough.
async fn told(
    session: &Session,
    wanted: &Wanted,
    window: Window,
    limit: usize,
) -> Result<BTreeMap<String, Invocation>, Fault> {
    let lines = wanted.lines();
    let mut found: BTreeMap<String, Invocation> = BTreeMap::new();
    for window in window.newest_first(session.opened_at()) {
        let spans = include_str!("../../sql/questions/invocations_by_spans.sql");
        let spans = wanted.bind(session.ask_traces(wanted.put(spans, &lines)), window, limit);
        let reports = include_str!("../../sql/questions/invocations_by_reports.sql");
        let reports = wanted.bind(session.ask_logs(wanted.put(reports, &lines)), window, limit);
        let (spans, reports) = tokio::try_join!(session.all::<BySpan>(spans), session.all::<ByReport>(reports))?;
        for invocation in spans.into_iter().map(Invocation::from) {
            merge(&mut found, invocation);
        }
        for invocation in reports.into_iter().map(Invocation::from) {
            merge(&mut found, invocation);
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

async fn by_lines(
    session: &Session,
    wanted: &Wanted,
    window: Window,
    limit: usize,
) -> Result<BTreeMap<String, Invocation>, Fault> {
    let lines = wanted.lines();
    let mut found = BTreeMap::new();
    for window in window.newest_first(session.opened_at()) {
        let question = include_str!("../../sql/questions/invocations_by_lines.sql");
        let query = wanted.bind(session.ask_logs(wanted.put(question, &lines)), window, limit);
        for invocation in session.all::<ByLines>(query).await?.into_iter().map(Invocation::from) {
            // Its lines may lie in two windows: the older one has its start.
            found.insert(invocation.request_id.clone(), invocation);
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// Counts the lines of these, by the ids on them.
async fn count_lines(session: &Session, invocations: &mut [Invocation]) -> Result<(), Fault> {
    let (Some(first), Some(last)) =
        (invocations.iter().map(|one| one.start).min(), invocations.iter().map(|one| one.start).max())
    else {
        return Ok(());
    };
    let ids: Vec<&str> = invocations.iter().map(|one| one.request_id.as_str()).collect();
    let question = include_str!("../../sql/questions/invocation_lines_counted.sql");
    let query = session.ask_logs(question).param("invocations", ids);
    // Lines of its init come before; an invocation ends within a quarter of an hour.
    let query = query.param("from", first - QUARTER).param("until", last + 2 * QUARTER);
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for row in session.all::<Counted>(query).await? {
        counts.insert(row.request_id.into(), (row.lines, row.errors));
    }
    for invocation in invocations {
        invocation.lines = Some(counts.get(&invocation.request_id).copied().unwrap_or_default());
    }
    Ok(())
}

const QUARTER: Nanos = 15 * 60 * 1_000_000_000;

impl Wanted {
    /// Every one of these functions'.
    #[must_use]
    pub const fn of(functions: Functions) -> Self {
        Self {
            functions,
            request_id: None,
            failed: false,
            timeout: false,
            oom: false,
            cold: false,
            near: false,
            slow: None,
        }
    }

    fn put<'q>(&'q self, question: &'q str, lines: &'q [&'static str]) -> Question<'q> {
        Question::new(question).of(&self.functions).wanting(lines)
    }

    fn lines(&self) -> Vec<&'static str> {
        let all = [
            (self.request_id.is_some(), "invocation"),
            (self.failed, "failed"),
            (self.timeout, "timeout"),
            (self.oom, "oom"),
            (self.cold, "cold"),
            (self.near, "near"),
            (self.slow.is_some(), "slow"),
        ];
        all.into_iter().filter_map(|(is_wanted, line)| is_wanted.then_some(line)).collect()
    }

    /// Whether only spans or reports can tell that an invocation is wanted.
    const fn asks_for_an_ending(&self) -> bool {
        self.failed || self.timeout || self.oom || self.cold || self.near || self.slow.is_some()
    }

    fn bind(&self, query: Asked, window: Window, limit: usize) -> Asked {
        let query = query.param("from", window.from).param("until", window.until).param("limit", limit as u64);
        let query = match &self.request_id {
            Some(id) => query.param("invocation", id),
            None => query,
        };
        match self.slow {
            Some(slow) => query.param("slow", slow),
            None => query,
        }
    }
}

/// What both tell of is kept from the first; the other fills in what it did not know.
fn merge(found: &mut BTreeMap<String, Invocation>, other: Invocation) {
    let Some(known) = found.get_mut(&other.request_id) else {
        found.insert(other.request_id.clone(), other);
        return;
    };
    known.duration = known.duration.or(other.duration);
    known.billed = known.billed.or(other.billed);
    known.memory_used = known.memory_used.or(other.memory_used);
    known.memory_size = known.memory_size.or(other.memory_size);
    known.timeout = known.timeout.or(other.timeout);
    known.init = known.init.or(other.init);
    known.restore = known.restore.or(other.restore);
    if other.cold == Some(true) {
        known.cold = other.cold;
    }
    // A span of the SDK's knows that it failed, the report how.
    if matches!(known.ending, Ending::Unknown) || matches!(other.ending, Ending::Timeout | Ending::OutOfMemory) {
        known.ending = other.ending;
        known.error_type = other.error_type;
    }
}

/// What is told as zero is not known.
fn known(number: u64) -> Option<u64> {
    (number > 0).then_some(number)
}

fn scaled(number: f64, unit: f64) -> Option<u64> {
    known((number * unit).round() as u64)
}

fn ending(failed: bool, error_type: &str) -> Ending {
    match error_type {
        _ if !failed => Ending::Ok,
        "Sandbox.Timedout" | "timeout" => Ending::Timeout,
        "Runtime.OutOfMemory" => Ending::OutOfMemory,
        _ => Ending::Failed,
    }
}

impl From<BySpan> for Invocation {
    fn from(row: BySpan) -> Self {
        Self {
            ending: ending(row.failed != 0, &row.error_type),
            request_id: row.request_id.into(),
            function: row.function.into(),
            start: row.start,
            duration: Some(row.duration),
            error_type: row.error_type.into(),
            billed: scaled(row.billed_seconds, 1e9),
            memory_used: known(row.memory_used),
            memory_size: known(row.memory_size),
            timeout: scaled(row.timeout_seconds, 1e9),
            cold: Some(row.cold != 0),
            init: known(row.init),
            restore: known(row.restore),
            trace_id: row.trace_id.into(),
            instance: row.instance.into(),
            version: row.version.into(),
            lines: None,
        }
    }
}

impl From<ByReport> for Invocation {
    fn from(row: ByReport) -> Self {
        const MEBIBYTE: f64 = 1_048_576.0;
        let duration = scaled(row.duration_ms, 1e6);
        let failed = !matches!(&*row.status, "" | "success");
        let is_full = row.memory_size_mb > 0.0 && row.memory_used_mb >= row.memory_size_mb;
        let ending = match ending(failed, &row.error_type) {
            Ending::Failed if &*row.status == "timeout" => Ending::Timeout,
            Ending::Failed if &*row.error_type == "Runtime.ExitError" && is_full => Ending::OutOfMemory,
            ending => ending,
        };
        Self {
            start: row.reported - i64::try_from(duration.unwrap_or_default()).unwrap_or_default(),
            duration,
            ending,
            billed: scaled(row.billed_ms, 1e6),
            memory_used: scaled(row.memory_used_mb, MEBIBYTE),
            memory_size: scaled(row.memory_size_mb, MEBIBYTE),
            timeout: None,
            cold: Some(row.init_ms > 0.0 || row.restore_ms > 0.0),
            init: scaled(row.init_ms, 1e6),
            restore: scaled(row.restore_ms, 1e6),
            request_id: row.request_id.into(),
            function: row.function.into(),
            error_type: row.error_type.into(),
            trace_id: row.trace_id.into(),
            instance: row.instance.into(),
            version: row.version.into(),
            lines: None,
        }
    }
}

impl From<ByLines> for Invocation {
    fn from(row: ByLines) -> Self {
        Self {
            request_id: row.request_id.into(),
            function: row.function.into(),
            start: row.start,
            trace_id: row.trace_id.into(),
            instance: row.instance.into(),
            version: row.version.into(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(invocations: [Invocation; 2]) -> Invocation {
        let mut found = BTreeMap::new();
        invocations.into_iter().for_each(|invocation| merge(&mut found, invocation));
        found.pop_first().unwrap().1
    }

    #[test]
    fn a_report_fills_in_what_the_span_did_not_know_and_changes_nothing_else() {
        let span = Invocation { duration: Some(5), ending: Ending::Ok, cold: Some(false), ..Invocation::default() };
        let report = Invocation { duration: Some(6), billed: Some(7), ending: Ending::Ok, ..Invocation::default() };
        let both = found([span.clone(), report]);
        assert_eq!(both, Invocation { billed: Some(7), ..span });
    }

    #[test]
    fn a_report_knows_how_an_invocation_failed_of_which_the_sdk_only_knew_that_it_did() {
        let span = Invocation { ending: Ending::Failed, ..Invocation::default() };
        let report =
            Invocation { ending: Ending::Timeout, error_type: "Sandbox.Timedout".to_owned(), ..Invocation::default() };
        assert_eq!(found([span, report]).ending, Ending::Timeout);
    }
}
