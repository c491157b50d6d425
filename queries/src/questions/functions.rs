//! Which functions there are, and what they did in a stretch of time.
//!
//! Invocations are counted by spans, and by the platform's reports for functions that nobody spans. Lines of a short window are read;
//! those of a long one are taken from the roll-up of `lambdaview schema apply`, else counted in the text index's dictionary, where
//! the table has one, and weighed by the newest hour: what is read then does not grow with the window's lines.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;

use super::{Asked, Fault, Session, Text, bytes::Logged, function::Functions, oldest, question::Question};
use crate::window::{Nanos, Window};

/// A function in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// `faas.name`, else the service.
    pub name: String,
    /// Its invocations: by their spans, by the platform's reports, or where these are fewer, by the request ids on its lines.
    pub invocations: u64,
    /// Whether spans or reports told of its invocations: else nobody knows how long they took and how they ended.
    pub is_told: bool,
    /// Invocations that failed; `None` where nobody tells.
    pub failed: Option<u64>,
    /// Invocations that waited for a start; `None` where nobody tells.
    pub cold: Option<u64>,
    /// Log lines.
    pub lines: u64,
    /// Log lines of severity error and above; `None` where lines were counted without being read.
    pub error_lines: Option<u64>,
    /// Bytes of the lines' bodies.
    pub bytes: u64,
    /// Bytes of the lines as CloudWatch would have had them: with the fields that JSON lines have beside their message.
    pub log_bytes: u64,
    /// Whether the bytes are reckoned from those of the newest hour.
    pub is_weighed: bool,
    /// The median duration of an invocation in nanoseconds; `None` where nobody tells.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// Bytes of memory that an invocation used at most.
    pub memory_used: Option<u64>,
    /// Bytes of memory configured.
    pub memory_size: Option<u64>,
    /// Its invocations in each 24th of the window, where somebody tells of them.
    pub activity: Vec<u64>,
    /// The newest record.
    pub last: Nanos,
}

#[derive(Row, Deserialize)]
struct Figures {
    name: Text,
    invocations: u64,
    failed: u64,
    durations: Vec<f64>,
    cold: u64,
    memory_used: u64,
    memory_size: u64,
    activity: Vec<u64>,
    last: Nanos,
}

#[derive(Row, Deserialize)]
struct Lines {
    name: Text,
    lines: u64,
    error_lines: u64,
    body_bytes: u64,
    field_bytes: u64,
    invocations: u64,
    last: Nanos,
}

#[derive(Row, Deserialize)]
struct Invoked {
    function: Text,
    invocations: u64,
    last: Nanos,
}

#[derive(Row, Deserialize)]
struct Times {
    name: Text,
    times: Vec<Nanos>,
}

#[derive(Row, Deserialize)]
struct RollUp {
    since: Nanos,
    rows: u64,
}

#[derive(Row, Deserialize)]
struct Counted {
    name: Text,
    records: u64,
}

/// A function's records of a day, from the dictionary.
#[derive(Row, Deserialize)]
pub(super) struct Day {
    pub(super) name: Text,
    #[serde(rename = "day")]
    pub(super) _day: u32,
    /// Whether the window holds it whole.
    pub(super) in_window: u8,
    pub(super) began: Nanos,
    pub(super) records: u64,
}

/// The table whose dictionary tells of lines.
const LOGS: &str = "otel_logs";

type ByName = BTreeMap<String, Summary>;

const FIVE_MINUTES: Nanos = 300 * 1_000_000_000;
const HOUR: Nanos = 3_600 * 1_000_000_000;
const WEEK: Nanos = 7 * 24 * HOUR;

/// What every function did since `from`, the one with the most invocations first.
///
/// # Errors
/// When the server does not answer.
pub async fn functions(session: &Session, from: Nanos) -> Result<Vec<Summary>, Fault> {
    let now = session.opened_at();
    figures(session, &Functions::All, Window::since(from, now), now).await
}

/// What functions did in a window, as seen at `now`, the one with the most invocations first.
///
/// # Errors
/// When the server does not answer.
pub async fn figures(
    session: &Session,
    functions: &Functions,
    window: Window,
    now: Nanos,
) -> Result<Vec<Summary>, Fault> {
    let spans = Question::new(include_str!("../../sql/questions/function_figures.sql")).of(functions);
    let spans = session.ask_traces(spans).param("from", window.from).param("until", window.until).param("now", now);
    let (spans, lines) = tokio::try_join!(session.all::<Figures>(spans), lines(session, functions, window, now))?;
    let mut all = lines;
    spans.into_iter().for_each(|row| entry(&mut all, &row.name).take(row));
    if all.values().any(|function| !function.is_told) {
        let reports = Question::new(include_str!("../../sql/questions/function_reports.sql")).of(functions);
        let reports = session.ask_logs(reports).param("from", window.from).param("until", window.until);
        for row in session.all::<Figures>(reports.param("now", now)).await? {
            let function = entry(&mut all, &row.name);
            if !function.is_told {
                function.take(row);
            }
        }
    }
    let mut all: Vec<Summary> = all.into_values().collect();
    all.sort_by(|a, b| b.invocations.cmp(&a.invocations).then_with(|| a.name.cmp(&b.name)));
    Ok(all)
}

/// The functions' invocations in a window, by their spans alone: reads no logs.
///
/// # Errors
/// When the server does not answer.
pub async fn invoked(session: &Session, from: Nanos) -> Result<Vec<Summary>, Fault> {
    let question = Question::new(include_str!("../../sql/questions/invocations_counted.sql")).of(&Functions::All);
    let until = Window::since(from, session.opened_at()).until;
    let rows = session.all::<Invoked>(session.ask_traces(question).param("from", from).param("until", until)).await?;
    let summary = |row: Invoked| Summary {
        name: row.function.into(),
        invocations: row.invocations,
        last: row.last,
        ..Summary::default()
    };
    Ok(rows.into_iter().map(summary).collect())
}

/// When functions were invoked in a window, oldest first: by their spans, else by the first line of each request.
///
/// # Errors
/// When the server does not answer.
pub async fn times(
    session: &Session,
    functions: &Functions,
    window: Window,
) -> Result<BTreeMap<String, Vec<Nanos>>, Fault> {
    let bind = |query: Asked| query.param("from", window.from).param("until", window.until);
    let spans = Question::new(include_str!("../../sql/questions/invocation_times.sql")).of(functions);
    let lines = Question::new(include_str!("../../sql/questions/invocation_times_by_lines.sql")).of(functions);
    let (spans, lines) = tokio::try_join!(
        session.all::<Times>(bind(session.ask_traces(spans))),
        session.all::<Times>(bind(session.ask_logs(lines))),
    )?;
    let pair = |row: Times| (String::from(row.name), row.times);
    // What spans tell replaces what lines tell.
    Ok(lines.into_iter().map(pair).chain(spans.into_iter().map(pair)).collect())
}

/// When functions wrote their last record, to the day, as far as a week back; `None` where no dictionary tells.
///
/// # Errors
/// When the server does not answer.
pub async fn seen_this_week(session: &Session) -> Result<Option<BTreeMap<String, Nanos>>, Fault> {
    let now = session.opened_at();
    let Some(days) = days(session, LOGS, now).await else { return Ok(None) };
    let mut seen: BTreeMap<String, Nanos> = BTreeMap::new();
    for day in days {
        let last = seen.entry(day.name.to_string()).or_default();
        *last = day.began.max(*last);
    }
    Ok(Some(seen))
}

async fn lines(session: &Session, functions: &Functions, window: Window, now: Nanos) -> Result<ByName, Fault> {
    // Of what is over the dictionary's last day is not whole; it knows no services; and a short window costs little.
    let by_service = matches!(functions, Functions::These(names) if !names.serviced.is_empty());
    if window.until < now || now - window.from <= 2 * HOUR || by_service {
        return read_lines(session, functions, window, false).await;
    }
    if let Some(counted) = by_rollup(session, functions, window).await {
        return Ok(counted);
    }
    let Some(days) = days(session, LOGS, window.from).await else {
        return read_lines(session, functions, window, false).await;
    };
    let newest_hour = Window { from: now - HOUR, ..window };
    let first_day = Question::new(include_str!("../../sql/questions/function_lines_of_first_day.sql")).of(functions);
    let first_day = session.ask_logs(first_day).param("from", window.from);
    let (mut all, first_day) =
        tokio::try_join!(read_lines(session, functions, newest_hour, true), session.all::<Counted>(first_day),)?;
    let mut records: BTreeMap<String, (u64, Nanos)> = BTreeMap::new();
    let counted = days.into_iter().filter(|day| day.in_window != 0).map(|day| (day.name, day.records, day.began));
    for (name, number, began) in first_day.into_iter().map(|row| (row.name, row.records, window.from)).chain(counted) {
        let (sum, last) = records.entry(name.into()).or_default();
        *sum += number;
        *last = began.max(*last);
    }
    records.retain(|name, _| is_asked(functions, name));
    for (name, (records, last)) in records {
        all.entry(name.clone()).or_insert_with(|| Summary { name, ..Summary::default() }).weigh(records, last);
    }
    Ok(all)
}

fn is_asked(functions: &Functions, name: &str) -> bool {
    *functions == Functions::All || functions.names().any(|asked| asked == name)
}

/// What the roll-up counted; `None` where there is none, or it is younger than the window.
async fn by_rollup(session: &Session, functions: &Functions, window: Window) -> Option<ByName> {
    // Where it may not be read, what the tables say is always to be had.
    rollup_of(session, window.from).await?;
    let question = session.ask(include_str!("../../sql/questions/function_lines_by_rollup.sql"));
    let rows = session.all::<Lines>(question.param("from", window.from).param("until", window.until)).await.ok()?;
    let mut all = ByName::new();
    rows.into_iter()
        .filter(|row| is_asked(functions, &row.name))
        .for_each(|row| entry(&mut all, &row.name).count(&row));
    Some(all)
}

/// How many rows the roll-up has; `None` where there is none, or it is younger than what is asked for and what there is.
async fn rollup_of(session: &Session, from: Nanos) -> Option<u64> {
    if !session.schema().functions_rollup {
        return None;
    }
    let rollup = session.all::<RollUp>(session.ask(include_str!("../../sql/questions/rollup_since.sql"))).await.ok()?;
    let rollup = rollup.into_iter().find(|row| row.since > 0)?;
    let is_old_enough = rollup.since <= from + FIVE_MINUTES
        || oldest::oldest(session).await.is_ok_and(|oldest| rollup.since <= oldest + FIVE_MINUTES);
    is_old_enough.then_some(rollup.rows)
}

/// What functions logged since `from`, as the roll-up counted it, the one with the most bytes first; `None` where there is none, or it
/// is too young or has more than `most` rows.
pub(super) async fn logged_by_rollup(session: &Session, from: Nanos, most: u64) -> Option<Vec<Logged>> {
    rollup_of(session, from).await.filter(|rows| *rows <= most)?;
    let question = session.ask(include_str!("../../sql/questions/log_bytes_by_rollup.sql"));
    session.all(question.param("from", from)).await.ok()
}

/// The dictionary's days of the week before now, and those since `from`; `None` where there is no dictionary, or nothing that reads it.
pub(super) async fn days(session: &Session, table: &str, from: Nanos) -> Option<Vec<Day>> {
    if !session.logs().has_dictionary() {
        return None;
    }
    let question = session.ask(include_str!("../../sql/questions/function_lines_by_index.sql"));
    let question = question.param("table", table).param("from", from).param("week", session.opened_at() - WEEK);
    // An older server: what the rows say is always to be had.
    let days = session.all::<Day>(question).await.ok()?;
    (!days.is_empty()).then_some(days)
}

/// `by_sample`: what is read stands for more than itself.
async fn read_lines(
    session: &Session,
    functions: &Functions,
    window: Window,
    by_sample: bool,
) -> Result<ByName, Fault> {
    let question = Question::new(include_str!("../../sql/questions/function_lines.sql")).of(functions);
    let query = session.ask_logs(question).param("from", window.from).param("until", window.until);
    let mut all = ByName::new();
    for row in session.all::<Lines>(query).await? {
        let function = entry(&mut all, &row.name);
        function.count(&row);
        if by_sample {
            function.invocations = 0;
        }
    }
    Ok(all)
}

fn entry<'a>(functions: &'a mut ByName, name: &str) -> &'a mut Summary {
    functions.entry(name.to_owned()).or_insert_with(|| Summary { name: name.to_owned(), ..Summary::default() })
}

impl Summary {
    fn take(&mut self, row: Figures) {
        let known = |number: u64| (number > 0).then_some(number);
        let duration = |at: usize| row.durations.get(at).copied().filter(|nanos| nanos.is_finite());
        self.is_told = true;
        self.invocations = self.invocations.max(row.invocations);
        self.failed = Some(row.failed);
        self.cold = Some(row.cold);
        (self.p50, self.p95, self.p99) = (duration(0), duration(1), duration(2));
        self.memory_used = known(row.memory_used);
        self.memory_size = known(row.memory_size);
        self.activity = row.activity;
        self.last = self.last.max(row.last);
    }

    fn count(&mut self, row: &Lines) {
        self.lines = row.lines;
        self.error_lines = Some(row.error_lines);
        self.bytes = row.body_bytes;
        self.log_bytes = row.body_bytes + row.field_bytes;
        self.invocations = row.invocations;
        self.last = row.last;
    }

    /// It wrote so many records; what its lines weighed in the newest hour stands for all of them.
    fn weigh(&mut self, records: u64, last: Nanos) {
        let times = if self.lines == 0 { 0.0 } else { records as f64 / self.lines as f64 };
        self.bytes = (self.bytes as f64 * times) as u64;
        self.log_bytes = (self.log_bytes as f64 * times) as u64;
        self.lines = records;
        self.error_lines = None;
        self.is_weighed = true;
        self.last = self.last.max(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(invocations: u64) -> Figures {
        Figures {
            name: "a".into(),
            invocations,
            failed: 1,
            durations: vec![1.0, 2.0, f64::NAN],
            cold: 0,
            memory_used: 0,
            memory_size: 128,
            activity: vec![invocations],
            last: 4,
        }
    }

    #[test]
    fn silent_invocations_count_by_their_spans_and_what_is_zero_is_not_known() {
        let mut function = Summary { invocations: 2, last: 5, ..Summary::default() };
        function.take(figures(7));
        assert_eq!((function.invocations, function.last, function.failed), (7, 5, Some(1)));
        assert_eq!((function.p95, function.p99, function.memory_used), (Some(2.0), None, None));
    }

    #[test]
    fn lines_that_were_counted_weigh_what_those_weighed_that_were_read() {
        let mut function =
            Summary { lines: 10, bytes: 500, log_bytes: 700, error_lines: Some(1), ..Summary::default() };
        function.weigh(1_000, 3);
        assert_eq!((function.lines, function.bytes, function.log_bytes), (1_000, 50_000, 70_000));
        assert_eq!((function.error_lines, function.is_weighed), (None, true));
        let mut never_read = Summary::default();
        never_read.weigh(5, 3);
        assert_eq!((never_read.lines, never_read.bytes), (5, 0));
    }
}
