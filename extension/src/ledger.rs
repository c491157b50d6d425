//! The ledger exported as metrics: what is told of it, and when.
//!
//! What was added to each account since it was last told becomes data points: `lambdaview.records.received`, `.delivered` and
//! `.dropped` with its reason, each for every signal. Pending is what received has beyond the other two.
//!
//! It is told with a flush that happens anyway, a minute after it was last told at the earliest, and with the flush of the
//! shutdown. Its own data points are records too, and are in the accounts like all others; but they are no reason to tell
//! the ledger again, or it would tell of itself for ever.

use std::collections::BTreeMap;

use crate::{
    flow::{SignalKind, UnixNanos},
    normalise::{Count, Counts},
    tally::{Account, Reason, Tally},
};

/// Between two tellings, except for the last.
const INTERVAL: UnixNanos = 60_000_000_000;

/// A place in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Received,
    Delivered,
    Dropped(Reason),
}

impl Place {
    const fn metric(self) -> &'static str {
        match self {
            Self::Received => "lambdaview.records.received",
            Self::Delivered => "lambdaview.records.delivered",
            Self::Dropped(_) => "lambdaview.records.dropped",
        }
    }

    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Dropped(reason) => Some(reason.as_str()),
            Self::Received | Self::Delivered => None,
        }
    }
}

/// What has been told of the ledger.
#[derive(Debug)]
pub struct Ledger {
    told: BTreeMap<(String, SignalKind, Place), u64>,
    told_at: UnixNanos,
    /// Records that were known, without our own, when it was last told.
    foreign: u64,
    /// Our own data points, as often as they were received.
    own: u64,
}

impl Ledger {
    /// Of a process that starts.
    #[must_use]
    pub const fn new(now: UnixNanos) -> Self {
        Self { told: BTreeMap::new(), told_at: now, foreign: 0, own: 0 }
    }

    /// What is to be told now of the accounts, each with its destination's name; `last` at the end of the process. Every
    /// count that is given back is expected to come in as one record of each account.
    pub fn tell(&mut self, accounts: &[(&str, &Tally)], now: UnixNanos, last: bool) -> Counts {
        let foreign = accounts.iter().map(|(_, tally)| received(tally)).sum::<u64>().saturating_sub(self.own);
        let due = foreign > self.foreign && now.saturating_sub(self.told_at) >= INTERVAL;
        if !due && !last {
            return Counts::default();
        }
        let mut counts = Vec::new();
        for (destination, tally) in accounts {
            // One destination needs no name.
            let destination = if accounts.len() > 1 { destination } else { "" };
            for kind in SignalKind::ALL {
                for (place, records) in places(tally.account(kind)) {
                    counts.extend(self.count(destination, kind, place, records));
                }
            }
        }
        self.foreign = foreign;
        self.own += (counts.len() * accounts.len()) as u64;
        Counts { since: std::mem::replace(&mut self.told_at, now), until: now, counts }
    }

    /// What was added to a place since it was last told.
    fn count(&mut self, destination: &str, kind: SignalKind, place: Place, records: u64) -> Option<Count> {
        let told = self.told.entry((destination.to_owned(), kind, place)).or_default();
        let added = records.checked_sub(*told).filter(|added| *added > 0)?;
        *told = records;
        let named = [("destination", Some(destination).filter(|name| !name.is_empty())), ("reason", place.reason())];
        let attributes = named.into_iter().filter_map(|(key, value)| Some((key, value?.to_owned())));
        let attributes = [("signal", kind.as_str().to_owned())].into_iter().chain(attributes).collect();
        Some(Count { metric: place.metric(), unit: "{record}", attributes, added })
    }
}

fn received(tally: &Tally) -> u64 {
    SignalKind::ALL.into_iter().map(|kind| tally.account(kind).received).sum()
}

fn places(account: &Account) -> impl Iterator<Item = (Place, u64)> {
    let dropped = account.dropped.iter().map(|(reason, records)| (Place::Dropped(*reason), *records));
    [(Place::Received, account.received), (Place::Delivered, account.delivered)].into_iter().chain(dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: UnixNanos = 1_000 * INTERVAL;

    /// What was told, one a line.
    fn told(counts: &Counts) -> Vec<String> {
        let of = |count: &Count| {
            let attributes: Vec<_> = count.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{} {} {}", count.metric, attributes.join(" "), count.added)
        };
        counts.counts.iter().map(of).collect()
    }

    /// Takes the counts in as the driver does.
    fn come_in(tally: &mut Tally, counts: &Counts) {
        tally.received(SignalKind::Metrics, counts.counts.len() as u64);
        tally.delivered(SignalKind::Metrics, counts.counts.len() as u64);
    }

    #[test]
    fn what_was_added_is_told_once_a_minute_at_the_most() {
        let (mut ledger, mut tally) = (Ledger::new(T), Tally::default());
        tally.received(SignalKind::Logs, 10);
        tally.delivered(SignalKind::Logs, 7);
        tally.dropped(SignalKind::Logs, Reason::BufferFull, 2);
        assert!(ledger.tell(&[("otlp", &tally)], T + INTERVAL - 1, false).counts.is_empty());
        let first = ledger.tell(&[("otlp", &tally)], T + INTERVAL, false);
        let expected = [
            "lambdaview.records.received signal=logs 10",
            "lambdaview.records.delivered signal=logs 7",
            "lambdaview.records.dropped signal=logs reason=buffer_full 2",
        ];
        assert_eq!(told(&first), expected);
        assert_eq!((first.since, first.until), (T, T + INTERVAL));
        come_in(&mut tally, &first);
        tally.received(SignalKind::Logs, 1);
        tally.delivered(SignalKind::Logs, 2);
        assert!(ledger.tell(&[("otlp", &tally)], T + INTERVAL + 1, false).counts.is_empty());
        let second = ledger.tell(&[("otlp", &tally)], T + 2 * INTERVAL, false);
        let expected = [
            "lambdaview.records.received signal=logs 1",
            "lambdaview.records.delivered signal=logs 2",
            "lambdaview.records.received signal=metrics 3",
            "lambdaview.records.delivered signal=metrics 3",
        ];
        assert_eq!(told(&second), expected);
    }

    #[test]
    fn its_own_points_are_in_the_account_but_no_reason_to_tell_it_again() {
        let (mut ledger, mut tally) = (Ledger::new(T), Tally::default());
        tally.received(SignalKind::Logs, 1);
        let first = ledger.tell(&[("otlp", &tally)], T + INTERVAL, false);
        come_in(&mut tally, &first);
        for minute in 2..10 {
            assert!(ledger.tell(&[("otlp", &tally)], T + minute * INTERVAL, false).counts.is_empty());
        }
        tally.received(SignalKind::Logs, 1);
        let second = ledger.tell(&[("otlp", &tally)], T + 10 * INTERVAL, false);
        let expected = [
            "lambdaview.records.received signal=logs 1",
            "lambdaview.records.received signal=metrics 1",
            "lambdaview.records.delivered signal=metrics 1",
        ];
        assert_eq!(told(&second), expected);
    }

    #[test]
    fn at_the_end_all_that_is_untold_is_told_at_once() {
        let (mut ledger, mut tally) = (Ledger::new(T), Tally::default());
        assert!(ledger.tell(&[("otlp", &tally)], T, true).counts.is_empty(), "of nothing there is nothing to tell");
        tally.received(SignalKind::Traces, 3);
        assert_eq!(told(&ledger.tell(&[("otlp", &tally)], T, true)), ["lambdaview.records.received signal=traces 3"]);
    }

    #[test]
    fn two_destinations_have_their_names() {
        let (mut ledger, mut one, mut other) = (Ledger::new(T), Tally::default(), Tally::default());
        one.received(SignalKind::Logs, 1);
        other.received(SignalKind::Logs, 1);
        let both = |one: &Tally, other: &Tally, ledger: &mut Ledger, at| {
            ledger.tell(&[("otlp", one), ("clickhouse", other)], at, false)
        };
        let counts = both(&one, &other, &mut ledger, T + INTERVAL);
        let expected = [
            "lambdaview.records.received signal=logs destination=otlp 1",
            "lambdaview.records.received signal=logs destination=clickhouse 1",
        ];
        assert_eq!(told(&counts), expected);
        come_in(&mut one, &counts);
        come_in(&mut other, &counts);
        assert!(both(&one, &other, &mut ledger, T + 2 * INTERVAL).counts.is_empty());
    }
}
