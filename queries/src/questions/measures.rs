//! What a bill is reckoned from, read in the way that reads least: every record of a short table, the roll-up where there is one, else a
//! sample of the records, weighed by counts from an index.

use std::collections::BTreeMap;

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Fault, Session, Text,
    bytes::{self, Logged},
    functions::{self, Day, Summary},
    granules::{self, Sample, Size},
    oldest,
};
use crate::{schema::TimeKey, window::Nanos};

/// Of more log records a sample is read, unless all are asked for.
pub const MOST_RECORDS: u64 = 250_000;
/// Of more rows the roll-up is not read: they weigh more than a sample does.
const MOST_COUNTS: u64 = 250_000;
/// The sorting key keeps a function's records together: a few rows of many granules tell more than many of a few.
const LOGS: Size = Size { granules: 40, rows: 256 };
/// Spans are sorted by function first: only whole granules hold several.
const SPANS: Size = Size { granules: 6, rows: 8_192 };
/// In so many groups a sample is parted; their differences tell how far off it may be.
const REPLICATES: u64 = 8;
/// Student's t for eight groups, 95 times in a hundred.
const STUDENT: f64 = 2.365;
/// What was measured, and how.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// What each function logged.
    pub logged: Vec<Logged>,
    /// Each function's invocations by their spans, silent ones too.
    pub functions: Vec<Summary>,
    /// How it was measured.
    pub way: Way,
}

/// How it was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Way {
    /// Every record was read.
    #[default]
    Exact,
    /// In whole five minutes, as counted when the records arrived.
    RollUp,
    /// A sample was read.
    Sampled(Sampled),
}

/// A sample of log records.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampled {
    /// Records read.
    pub read: u64,
    /// Records that they stand for.
    pub of: u64,
    /// By which part the bytes of all functions together may be off, 95 times in a hundred.
    pub margin: f64,
}

/// What reading every record comes to at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Log records in the table.
    pub records: u64,
    /// Spans in the table.
    pub spans: u64,
    /// Bytes of both; none where the server does not tell.
    pub bytes: u64,
}

#[derive(Row, Deserialize)]
struct Table {
    of_logs: u8,
    rows: u64,
    bytes: u64,
}

/// What a stretch of the sample holds of a function.
#[derive(Clone, Debug, Default, Row, Deserialize)]
struct Piece {
    name: Text,
    nth: u64,
    first_row: u64,
    last_row: u64,
    records: u64,
    events: u64,
    bytes: u64,
    invocations: u64,
    first: Nanos,
}

#[derive(Row, Deserialize)]
struct Spans {
    name: Text,
    nth: u64,
    first_row: u64,
    last_row: u64,
    spans: u64,
    invocations: u64,
}

#[derive(Row, Deserialize)]
struct Share {
    share: f64,
}

/// What reading every record would come to.
///
/// # Errors
/// When the server does not answer.
pub async fn reading(session: &Session) -> Result<Reading, Fault> {
    let mut reading = Reading::default();
    for table in session.all::<Table>(session.ask(include_str!("../../sql/questions/reading.sql"))).await? {
        let rows = if table.of_logs == 0 { &mut reading.spans } else { &mut reading.records };
        *rows = table.rows;
        reading.bytes += table.bytes;
    }
    Ok(reading)
}

/// What functions logged and how often they ran since `from`: from the roll-up or from a sample where there are many records. `announce`
/// hears what there is to read where every one of many records must be.
///
/// # Errors
/// When the server does not answer.
pub async fn cheapest(session: &Session, from: Nanos, announce: impl Fn(&Reading)) -> Result<Measures, Fault> {
    let reading = reading(session).await?;
    if reading.records > MOST_RECORDS {
        if let Some(logged) = functions::logged_by_rollup(session, from, MOST_COUNTS).await {
            return Ok(Measures { logged, functions: Vec::new(), way: Way::RollUp });
        }
        if let Some(measures) = sampled(session, from).await? {
            return Ok(measures);
        }
        announce(&reading);
    }
    exact(session, from).await
}

/// The same, from every record.
///
/// # Errors
/// When the server does not answer.
pub async fn exact(session: &Session, from: Nanos) -> Result<Measures, Fault> {
    let (logged, functions) = tokio::try_join!(bytes::logged(session, from), functions::invoked(session, from))?;
    Ok(Measures { logged, functions, way: Way::Exact })
}

/// From a sample; `None` where none can be had: of several servers, of an old one, and of tables that are sorted by service first, where
/// only few functions lie at the starts of granules.
///
/// # Errors
/// When the server does not answer.
pub async fn sampled(session: &Session, from: Nanos) -> Result<Option<Measures>, Fault> {
    if session.logs().layout.time_key() != TimeKey::FiveMinutes {
        return Ok(None);
    }
    let (records, span_records, read) =
        tokio::join!(counted(session, "otel_logs", from), counted(session, "otel_traces", from), read(session, from));
    let Some(Read { logs, traces, pieces, spans, oldest }) = granules::unless_refused(read)?.flatten() else {
        return Ok(None);
    };
    let first = first(&pieces, from.max(oldest), session.opened_at());
    let (logged, margin) = logged(&pieces, records.as_ref(), &logs, first);
    let silent = |(name, invocations): (String, f64)| Summary {
        name,
        invocations: invocations.round() as u64,
        last: session.opened_at(),
        ..Summary::default()
    };
    let functions = invocations(&spans, span_records.as_ref(), &traces).into_iter().map(silent).collect();
    let way = Way::Sampled(Sampled { read: logs.rows, of: logs.of, margin });
    Ok(Some(Measures { logged, functions, way }))
}

/// What is read of both tables.
struct Read {
    logs: Sample,
    traces: Sample,
    pieces: Vec<Piece>,
    spans: Vec<Spans>,
    oldest: Nanos,
}

async fn read(session: &Session, from: Nanos) -> Result<Option<Read>, Fault> {
    let (logs, traces) = tokio::try_join!(
        granules::sample(session, "otel_logs", from, LOGS),
        granules::sample(session, "otel_traces", from, SPANS),
    )?;
    let (Some(logs), Some(traces)) = (logs, traces) else { return Ok(None) };
    let pieces = include_str!("../../sql/questions/log_bytes_sampled.sql");
    let pieces = logs.bind(session.ask_logs(pieces)).param("from", from);
    let spans = include_str!("../../sql/questions/invocations_sampled.sql");
    let spans = traces.bind(session.ask_traces(spans)).param("from", from);
    let (mut pieces, mut spans, oldest) =
        tokio::try_join!(session.all::<Piece>(pieces), session.all::<Spans>(spans), oldest::oldest(session))?;
    // A condition on the name would have the whole granules read.
    pieces.retain(|piece| !piece.name.is_empty());
    spans.retain(|row| !row.name.is_empty());
    Ok(Some(Read { logs, traces, pieces, spans, oldest }))
}

/// How many records each function has in the window, by the index's dictionary; `None` where there is none. Of the first day, which the
/// window holds in part, each function is taken to have written that part of its records that all together wrote.
async fn counted(session: &Session, table: &str, from: Nanos) -> Option<BTreeMap<String, f64>> {
    let days = functions::days(session, table, from).await?;
    let share = session.ask_logs(include_str!("../../sql/questions/first_day_share.sql")).param("from", from);
    let share = session.all::<Share>(share).await.ok()?.first()?.share;
    Some(in_window(&days, share, from))
}

fn in_window(days: &[Day], share: f64, from: Nanos) -> BTreeMap<String, f64> {
    let mut counted: BTreeMap<String, f64> = BTreeMap::new();
    for day in days {
        let part = if day.in_window != 0 { 1.0 } else { share };
        // Days from before the window are told of as well.
        if day.in_window != 0 || (day.began <= from && from - day.began < DAY) {
            *counted.entry(day.name.to_string()).or_default() += part * day.records as f64;
        }
    }
    counted
}

const DAY: Nanos = 24 * 3_600 * 1_000_000_000;

/// When the first line was written: where the sample finds one soon after the window's or the table's start, all time from there counts.
fn first(pieces: &[Piece], start: Nanos, now: Nanos) -> Nanos {
    let between = now.saturating_sub(start) / i64::try_from(LOGS.granules).unwrap_or(i64::MAX);
    let first = pieces.iter().map(|piece| piece.first).min().unwrap_or(start);
    if first.saturating_sub(start) <= 2 * between { start } else { first }
}

/// Records, and the lines and their bytes among them.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    records: f64,
    events: f64,
    bytes: f64,
    invocations: f64,
    /// Records of stretches that cut no invocation in two: what invocations were counted among.
    whole: f64,
}

impl Weight {
    fn add(&mut self, piece: &Piece, sample: &Sample) {
        if sample.is_inside(piece.nth, piece.first_row, piece.last_row) {
            self.whole += piece.records as f64;
            self.invocations += piece.invocations as f64;
        }
        self.records += piece.records as f64;
        self.events += piece.events as f64;
        self.bytes += piece.bytes as f64;
    }

    /// What so many records of this kind are.
    fn of(self, records: f64) -> Self {
        let times = |among: f64| if among == 0.0 { 0.0 } else { records / among };
        Self {
            records,
            events: self.events * times(self.records),
            bytes: self.bytes * times(self.records),
            invocations: self.invocations * times(self.whole),
            whole: self.whole,
        }
    }
}

/// Every function by what its records in one of so many `parts` of the sample weigh; those that are not in it, by what all weigh together.
fn weigh<'a>(
    pieces: impl Iterator<Item = &'a Piece>,
    counted: Option<&BTreeMap<String, f64>>,
    sample: &Sample,
    parts: u64,
) -> BTreeMap<String, Weight> {
    let (mut each, mut all) = (BTreeMap::<String, Weight>::new(), Weight::default());
    for piece in pieces {
        each.entry(piece.name.to_string()).or_default().add(piece, sample);
        all.add(piece, sample);
    }
    let weight = sample.weight() * parts as f64;
    match counted {
        None => each.into_iter().map(|(name, one)| (name, one.of(one.records * weight))).collect(),
        Some(counted) => {
            let of = |name: &str, records| each.get(name).copied().unwrap_or(all).of(records);
            counted.iter().map(|(name, records)| (name.clone(), of(name, *records))).collect()
        }
    }
}

/// What each function logged, and by which part the whole may be off.
fn logged(
    pieces: &[Piece],
    counted: Option<&BTreeMap<String, f64>>,
    sample: &Sample,
    first: Nanos,
) -> (Vec<Logged>, f64) {
    let whole = weigh(pieces.iter(), counted, sample, 1);
    let replicates: Vec<f64> = (0..REPLICATES)
        .map(|nth| pieces.iter().filter(move |piece| piece.nth % REPLICATES == nth))
        .map(|pieces| weigh(pieces, counted, sample, REPLICATES).values().map(|one| one.bytes).sum())
        .collect();
    let mut logged: Vec<Logged> = whole
        .into_iter()
        .map(|(name, one)| Logged {
            name: name.as_str().into(),
            events: one.events as u64,
            body_bytes: one.bytes as u64,
            invocations: one.invocations.round() as u64,
            first,
            ..Logged::default()
        })
        .collect();
    logged.sort_by_key(|one| std::cmp::Reverse(one.body_bytes));
    (logged, margin(&replicates))
}

/// Twice and a half the standard error of their mean, as a part of it.
fn margin(replicates: &[f64]) -> f64 {
    let count = replicates.len() as f64;
    let mean = replicates.iter().sum::<f64>() / count;
    let variance = replicates.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (count - 1.0);
    if mean > 0.0 { STUDENT * (variance / count).sqrt() / mean } else { 0.0 }
}

/// How often functions ran: which part of a function's spans are invocations, the sample tells where it has a day of them; how many spans
/// it has, the index.
fn invocations(spans: &[Spans], counted: Option<&BTreeMap<String, f64>>, sample: &Sample) -> BTreeMap<String, f64> {
    let (mut each, mut all) = (BTreeMap::<&str, (u64, u64)>::new(), (0, 0));
    let add = |to: &mut (u64, u64), row: &Spans| *to = (to.0 + row.spans, to.1 + row.invocations);
    for row in spans {
        add(&mut all, row);
        if counted.is_none() || sample.is_inside(row.nth, row.first_row, row.last_row) {
            add(each.entry(&*row.name).or_default(), row);
        }
    }
    let Some(counted) = counted else {
        let stands_for =
            |(name, (_, invocations)): (&str, (u64, u64))| (name.to_owned(), invocations as f64 * sample.weight());
        return each.into_iter().map(stands_for).collect();
    };
    let part = |(spans, invocations): (u64, u64)| if spans == 0 { 0.0 } else { invocations as f64 / spans as f64 };
    let of = |name: &str| part(each.get(name).copied().unwrap_or(all));
    counted.iter().map(|(name, spans)| (name.clone(), spans * of(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two stretches of a hundred rows, of ten thousand.
    fn sample() -> Sample {
        Sample::of_starts(vec![0, 1_000], 100, 10_000)
    }

    /// Ten rows from `first_row` on.
    fn piece(name: &str, first_row: u64, bytes: u64) -> Piece {
        let (nth, last_row) = (first_row / 1_000, first_row + 9);
        Piece { name: name.into(), nth, first_row, last_row, records: 10, events: 10, bytes, invocations: 4, first: 7 }
    }

    fn counted(each: &[(&str, f64)]) -> BTreeMap<String, f64> {
        each.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn a_function_weighs_what_its_sample_weighs_and_one_without_what_all_do() {
        let counted = counted(&[("a", 1_000.0), ("b", 100.0), ("unseen", 10.0)]);
        let pieces = [piece("a", 20, 100), piece("b", 1_050, 300)];
        let (logged, _) = logged(&pieces, Some(&counted), &sample(), 0);
        let bytes: Vec<(&str, u64, u64)> = logged.iter().map(|one| (&*one.name, one.events, one.body_bytes)).collect();
        assert_eq!(bytes, [("a", 1_000, 10_000), ("b", 100, 3_000), ("unseen", 10, 200)]);
    }

    #[test]
    fn where_nothing_counts_the_records_each_of_the_sample_stands_for_as_many() {
        let (logged, _) = logged(&[piece("a", 20, 100)], None, &sample(), 0);
        assert_eq!((logged[0].events, logged[0].body_bytes), (500, 5_000));
    }

    #[test]
    fn invocations_are_counted_among_lines_that_no_end_of_a_stretch_cuts_off() {
        let (logged, _) = logged(&[piece("a", 0, 1), piece("a", 1_050, 1), piece("b", 90, 1)], None, &sample(), 0);
        let of: Vec<(&str, u64)> = logged.iter().map(|one| (&*one.name, one.invocations)).collect();
        assert_eq!(of, [("a", 400), ("b", 0)]);
    }

    #[test]
    fn replicates_that_agree_leave_no_margin_and_those_that_differ_one_that_says_so() {
        assert_eq!(margin(&[5.0; 8]), 0.0);
        let differ = margin(&[9.0, 11.0, 9.0, 11.0, 9.0, 11.0, 9.0, 11.0]);
        assert!((differ - 0.0894).abs() < 0.001, "{differ}");
    }

    #[test]
    fn a_day_that_the_window_holds_in_part_counts_in_part_and_one_before_it_not_at_all() {
        let day = |in_window, began| Day { name: "a".into(), _day: 0, in_window, began, records: 100 };
        let days = [day(1, 2 * DAY), day(0, DAY), day(0, 0)];
        assert_eq!(in_window(&days, 0.25, DAY + DAY / 2)["a"], 125.0);
    }

    #[test]
    fn invocations_are_a_functions_own_part_of_its_spans_where_a_day_of_them_is_in_the_sample() {
        let row = |name: &str, first_row, invocations| Spans {
            name: name.into(),
            nth: 0,
            first_row,
            last_row: first_row + 9,
            spans: 10,
            invocations,
        };
        let counted = counted(&[("a", 1_000.0), ("cut", 100.0)]);
        let of = invocations(&[row("a", 50, 2), row("cut", 0, 10)], Some(&counted), &sample());
        assert_eq!((of["a"].round(), of["cut"].round()), (200.0, 60.0));
    }

    #[test]
    fn time_counts_from_the_start_where_the_sample_finds_lines_soon_after_it() {
        let of = |first| [Piece { first, ..piece("a", 20, 1) }];
        assert_eq!((first(&of(90), 0, 4_800), first(&of(2_000), 0, 4_800)), (0, 2_000));
    }
}
