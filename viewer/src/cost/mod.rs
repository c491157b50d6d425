//! What logs cost: measured bytes, times prices, plus what had to be assumed. Pure arithmetic; nothing is asked or printed here.

use std::collections::BTreeMap;

use lambdaview_queries::questions::{
    bytes::Stored,
    measures::{Measures, Way},
};

use crate::ask::Nanos;

pub mod rates;

use rates::{Rates, through_tiers};

/// Hours of a month, as AWS counts them.
const MONTH: f64 = 730.0 * 3600.0 * 1e9;
const GB: f64 = 1e9;

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// What functions logged and how often they ran.
    pub measures: Measures,
    /// What the table of logs holds.
    pub stored: Stored,
    /// The moment of measuring.
    pub now: Nanos,
}

/// A function's share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    /// `faas.name`.
    pub name: String,
    /// Its lines.
    pub events: u64,
    /// Its invocations.
    pub invocations: u64,
    /// Bytes of its lines, as UTF-8.
    pub bytes: u64,
    /// Bytes that CloudWatch would have billed: with the overhead of each event, and Lambda's own lines.
    pub billed_bytes: u64,
    /// Its share of a month's ingestion in CloudWatch, in dollars.
    pub ingest: f64,
    /// Its share of what ClickStack stores, in bytes, in the time measured.
    pub stored_bytes: f64,
}

/// The whole reckoning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How it was measured.
    pub way: Way,
    /// The functions, the dearest first.
    pub shares: Vec<Share>,
    /// How long was measured, in nanoseconds: from the oldest line to now.
    pub measured: u64,
    /// What a month is of that.
    pub factor: f64,
    /// A month's bytes in CloudWatch.
    pub billed_gb: f64,
    /// A month's ingestion in CloudWatch, in dollars.
    pub ingest: f64,
    /// A month's storage in CloudWatch, in dollars, once a month's logs are kept.
    pub storage: f64,
    /// A month's logs as ClickStack stores them, in GB.
    pub stored_gb: f64,
    /// How many bytes of log text ClickStack stores in one; unknown when it stores nothing.
    pub ratio: Option<f64>,
    /// A month of that storage, in dollars; unknown when its price is.
    pub clickstack_storage: Option<f64>,
}

/// Reckons a month from what was measured.
#[must_use]
pub fn reckon(measured: &Measured, rates: &Rates) -> Report {
    let length = length(measured);
    let factor = if length == 0 { 0.0 } else { MONTH / length as f64 };
    let mut shares = shares(measured, rates);
    let billed: u64 = shares.iter().map(|share| share.billed_bytes).sum();
    let bytes: u64 = shares.iter().map(|share| share.bytes).sum();
    let events: u64 = shares.iter().map(|share| share.events).sum();

    let billed_gb = billed as f64 * factor / GB;
    let ingest = through_tiers(&rates.cloudwatch.ingest, billed_gb);
    let stored = per_row(measured.stored) * events as f64;
    for share in &mut shares {
        share.ingest = ingest * part(share.billed_bytes, billed);
        share.stored_bytes = stored * part(share.bytes, bytes);
    }
    shares.sort_by(|a, b| b.ingest.total_cmp(&a.ingest).then_with(|| a.name.cmp(&b.name)));

    let stored_gb = stored * factor / GB;
    Report {
        way: measured.measures.way,
        shares,
        measured: length,
        factor,
        billed_gb,
        ingest,
        storage: billed_gb * rates.cloudwatch.compressed_to * rates.cloudwatch.storage_per_gb_month,
        stored_gb,
        ratio: (stored > 0.0).then(|| bytes as f64 / stored),
        clickstack_storage: rates.clickhouse.storage_per_gb_month.map(|price| stored_gb * price),
    }
}

/// From the oldest line to now.
fn length(measured: &Measured) -> u64 {
    let lines = measured.measures.logged.iter().map(|function| function.first);
    let oldest = lines.chain(measured.measures.functions.iter().map(|function| function.last)).min();
    oldest.map_or(0, |oldest| u64::try_from(measured.now.saturating_sub(oldest)).unwrap_or_default())
}

fn shares(measured: &Measured, rates: &Rates) -> Vec<Share> {
    let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
    for function in &measured.measures.functions {
        let share = shares.entry(&function.name).or_default();
        share.invocations = function.invocations;
    }
    for logged in &measured.measures.logged {
        let share = shares.entry(&logged.name).or_default();
        share.events = logged.events;
        share.bytes = logged.body_bytes + logged.field_bytes;
        share.invocations = share.invocations.max(logged.invocations);
    }
    let prices = &rates.cloudwatch;
    let billed = |share: &Share| {
        share.bytes + share.events * prices.bytes_per_event + share.invocations * prices.bytes_per_invocation
    };
    shares
        .into_iter()
        .map(|(name, share)| Share { name: name.to_owned(), billed_bytes: billed(&share), ..share })
        .collect()
}

fn per_row(stored: Stored) -> f64 {
    if stored.rows == 0 { 0.0 } else { stored.bytes as f64 / stored.rows as f64 }
}

fn part(of: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { of as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::questions::{bytes::Logged, functions::Summary};

    use super::*;

    const HOUR: Nanos = 3_600_000_000_000;

    fn logged(name: &str, events: u64, bytes: u64, invocations: u64) -> Logged {
        Logged { name: name.into(), events, body_bytes: bytes, invocations, first: 0, last: 1, ..Logged::default() }
    }

    fn of(logged: Vec<Logged>) -> Measures {
        Measures { logged, ..Measures::default() }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6 * b.abs().max(1.0)
    }

    #[test]
    fn an_event_is_billed_with_its_overhead_and_an_invocation_with_lambdas_own_lines() {
        let measured = Measured { measures: of(vec![logged("a", 10, 1_000, 2)]), now: HOUR, ..Measured::default() };
        let report = reckon(&measured, &Rates::built_in());
        assert_eq!(report.shares[0].billed_bytes, 1_000 + 10 * 26 + 2 * 342);
    }

    #[test]
    fn an_invocation_that_logged_nothing_is_billed_all_the_same() {
        let silent = Summary { name: "silent".to_owned(), invocations: 100, last: 0, ..Summary::default() };
        let measures = Measures { functions: vec![silent], ..Measures::default() };
        let measured = Measured { measures, now: HOUR, ..Measured::default() };
        assert_eq!(reckon(&measured, &Rates::built_in()).shares[0].billed_bytes, 34_200);
    }

    #[test]
    fn an_hour_is_the_730th_part_of_a_month() {
        let measured =
            Measured { measures: of(vec![logged("a", 0, 1_000_000_000, 0)]), now: HOUR, ..Measured::default() };
        let report = reckon(&measured, &Rates::built_in());
        assert!(
            close(report.factor, 730.0) && close(report.billed_gb, 730.0) && close(report.ingest, 365.0),
            "{report:?}"
        );
        assert!(close(report.storage, 730.0 * 0.15 * 0.03));
    }

    #[test]
    fn the_tiers_are_the_accounts_and_the_shares_add_up_to_them() {
        let big = 60_000 * 1_000_000_000 / 730;
        let measured = Measured {
            measures: of(vec![logged("a", 0, big / 3, 0), logged("b", 0, big - big / 3, 0)]),
            now: HOUR,
            ..Measured::default()
        };
        let report = reckon(&measured, &Rates::built_in());
        assert!((report.ingest - 12_500.0).abs() < 0.01, "{}", report.ingest);
        assert_eq!(report.shares[0].name, "b");
        assert!(close(report.shares.iter().map(|share| share.ingest).sum(), report.ingest));
    }

    #[test]
    fn what_is_stored_is_the_tables_bytes_by_rows_and_a_functions_part_of_it_by_bytes() {
        let measured = Measured {
            measures: of(vec![logged("a", 50, 3_000, 0), logged("b", 50, 1_000, 0)]),
            stored: Stored { rows: 200, bytes: 1_000, uncompressed_bytes: 9_000 },
            now: HOUR,
        };
        let report = reckon(&measured, &Rates::built_in());
        assert!(close(report.shares[0].stored_bytes, 375.0) && close(report.ratio.unwrap(), 8.0));
    }

    #[test]
    fn what_is_unknown_stays_unknown() {
        let mut rates = Rates::built_in();
        rates.clickhouse.storage_per_gb_month = None;
        let report = reckon(&Measured::default(), &rates);
        assert_eq!((report.ratio, report.clickstack_storage, report.ingest), (None, None, 0.0));
    }
}
