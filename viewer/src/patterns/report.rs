//! Patterns as a table: the dearest first, each with its share of the bill and what would make it cheaper.

use std::collections::{BTreeMap, HashMap};

use super::{Facet, Miner, Names, Pattern, Tally};
use crate::cost::rates::{Rates, through_tiers};

/// What a pattern's lines can be told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Column {
    /// By function.
    Function,
    /// By the function's version.
    Version,
    /// By level.
    Level,
}

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The pattern; nothing for the rest, which found no room.
    pub pattern: Option<String>,
    /// Whether its lines go on after the first.
    pub goes_on: bool,
    /// How many lines and bytes, of all that were written.
    pub tally: Tally,
    /// Its part of the bytes, 0 to 1.
    pub share: f64,
    /// Dollars a month, for ingestion into CloudWatch.
    pub dollars: f64,
    /// Its functions, the loudest first.
    pub functions: Vec<String>,
    /// Its versions, the loudest first.
    pub versions: Vec<String>,
    /// OpenTelemetry's severity number of most of its lines.
    pub severity: u8,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The rows, the dearest first.
    pub rows: Vec<Row>,
    /// Everything together.
    pub total: Tally,
    /// What everything costs a month.
    pub dollars: f64,
    /// One line in so many was read.
    pub sampled: u64,
    /// How long a stretch was read, in nanoseconds.
    pub measured: u64,
}

/// Makes the table of what was seen in a stretch of `measured` nanoseconds, of which one line in `sampled` was read.
#[must_use]
pub fn report(miner: &Miner, by: &[Column], sampled: u64, measured: u64, rates: &Rates) -> Report {
    let sampled = sampled.max(1);
    let mut rows: Vec<Row> = miner
        .patterns
        .iter()
        .map(|pattern| (Some(pattern.text()), pattern))
        .chain((miner.rest.tally.lines > 0).then_some((None, &miner.rest)))
        .flat_map(|(text, pattern)| {
            let parts = split(pattern, by, &miner.names).into_iter();
            parts.map(move |facets| Row {
                pattern: text.clone(),
                goes_on: pattern.goes_on,
                ..row(&facets, &miner.names)
            })
        })
        .collect();
    let mut total = Tally::default();
    for row in &mut rows {
        row.tally = Tally { lines: row.tally.lines * sampled, bytes: row.tally.bytes * sampled };
        total.add(row.tally);
    }
    let dollars = month(total, measured, rates);
    let billed = |tally: Tally| (tally.bytes + tally.lines * rates.cloudwatch.bytes_per_event) as f64;
    for row in &mut rows {
        row.share = row.tally.bytes as f64 / (total.bytes as f64).max(1.0);
        row.dollars = dollars * billed(row.tally) / billed(total).max(1.0);
    }
    rows.sort_by(|one, other| other.tally.bytes.cmp(&one.tally.bytes).then_with(|| one.pattern.cmp(&other.pattern)));
    Report { rows, total, dollars, sampled, measured }
}

/// What that much in that time costs a month: 730 hours.
fn month(total: Tally, measured: u64, rates: &Rates) -> f64 {
    if measured == 0 {
        return 0.0;
    }
    let factor = 730.0 * 3_600e9 / measured as f64;
    let bytes = (total.bytes + total.lines * rates.cloudwatch.bytes_per_event) as f64;
    through_tiers(&rates.cloudwatch.ingest, bytes * factor / 1e9)
}

/// A pattern's facets, put together by what they are to be told apart by.
fn split(pattern: &Pattern, by: &[Column], names: &Names) -> Vec<Vec<(Facet, Tally)>> {
    let mut parts: BTreeMap<Vec<&str>, Vec<(Facet, Tally)>> = BTreeMap::new();
    for (facet, tally) in &pattern.facets {
        let key = by.iter().map(|column| match column {
            Column::Function => names.name(facet.function),
            Column::Version => names.name(facet.version),
            Column::Level => level(facet.severity),
        });
        parts.entry(key.collect()).or_default().push((*facet, *tally));
    }
    parts.into_values().collect()
}

fn row(facets: &[(Facet, Tally)], names: &Names) -> Row {
    let mut tally = Tally::default();
    let mut severities: BTreeMap<u8, u64> = BTreeMap::new();
    for (facet, part) in facets {
        tally.add(*part);
        *severities.entry(facet.severity).or_default() += part.lines;
    }
    Row {
        tally,
        functions: loudest(facets.iter().map(|(facet, part)| (names.name(facet.function), part.bytes))),
        versions: loudest(facets.iter().map(|(facet, part)| (names.name(facet.version), part.bytes))),
        severity: severities.into_iter().max_by_key(|(_, lines)| *lines).map_or(0, |(severity, _)| severity),
        ..Row::default()
    }
}

/// The names that are any, those with the most bytes first.
fn loudest<'a>(parts: impl Iterator<Item = (&'a str, u64)>) -> Vec<String> {
    let mut sums: HashMap<&str, u64> = HashMap::new();
    for (name, bytes) in parts.filter(|(name, _)| !name.is_empty()) {
        *sums.entry(name).or_default() += bytes;
    }
    let mut names: Vec<(&str, u64)> = sums.into_iter().collect();
    names.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    names.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// A severity number's level, in the words of Lambda's log level setting.
#[must_use]
pub const fn level(severity: u8) -> &'static str {
    match severity {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "",
    }
}

impl Row {
    /// What would make it cheaper, in one line; nothing where it costs too little to matter.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        if self.dollars < 0.01 {
            return None;
        }
        let saved = if self.dollars < 10.0 { format!("${:.2}", self.dollars) } else { format!("${:.0}", self.dollars) };
        Some(match self.severity {
            1..=8 => format!("raise the log level to INFO: -{saved}/mo"),
            9..=12 if self.share >= 0.2 => format!("log it once an invocation, or one in ten: -{saved}/mo at most"),
            9..=12 => format!("raise the log level to WARN: -{saved}/mo, with every other INFO line"),
            13..=24 => "fix what it warns of".to_owned(),
            _ => format!("give it a level, so that it can be switched off: -{saved}/mo"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Seen;
    use super::*;

    fn mined() -> Miner {
        let mut miner = Miner::default();
        for number in 0..30 {
            let (function, version) = if number % 3 == 0 { ("pay", "1") } else { ("shop", "2") };
            let body = format!("cache miss for key {number}");
            miner.see(&Seen { body: &body, bytes: 1_000_000, function, version, severity: 5 });
        }
        miner.see(&Seen { body: "started", bytes: 7, function: "shop", version: "2", severity: 9 });
        miner
    }

    const HOUR: u64 = 3_600_000_000_000;

    #[test]
    fn the_dearest_pattern_comes_first_with_its_share_of_the_bill() {
        let report = report(&mined(), &[], 1, HOUR, &Rates::built_in());
        let row = &report.rows[0];
        assert_eq!((row.pattern.as_deref(), row.tally.lines), (Some("cache miss for key <*>"), 30));
        assert_eq!((&row.functions[..], row.severity), (&["shop".to_owned(), "pay".to_owned()][..], 5));
        // 30 MB an hour are 21.9 GB a month, at 50 cents.
        assert!((report.dollars - 10.95).abs() < 0.01 && (row.dollars - report.dollars).abs() < 0.01, "{report:?}");
        assert_eq!(row.remedy().unwrap(), "raise the log level to INFO: -$11/mo");
        assert_eq!(report.rows[1].remedy(), None);
    }

    #[test]
    fn told_apart_by_function_the_parts_add_up() {
        let report = report(&mined(), &[Column::Function], 1, HOUR, &Rates::built_in());
        let lines: Vec<(u64, &str)> =
            report.rows.iter().map(|row| (row.tally.lines, row.functions[0].as_str())).collect();
        assert_eq!(lines, [(20, "shop"), (10, "pay"), (1, "shop")]);
    }

    #[test]
    fn a_sample_stands_for_all() {
        let report = report(&mined(), &[], 10, HOUR, &Rates::built_in());
        assert_eq!((report.rows[0].tally.lines, report.total.lines), (300, 310));
    }
}
