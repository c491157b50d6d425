//! The extension's own account, as it prints it when it ends: received = delivered + pending + spooled + dropped, for every
//! signal; with two backends, one account for each.

use std::collections::BTreeMap;

/// What became of one kind of signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Records that came in.
    pub received: u64,
    /// Records that the backend took.
    pub delivered: u64,
    /// Records that were still held.
    pub pending: u64,
    /// Records that lie in the spool for the next process.
    pub spooled: u64,
    /// Of those that came in, records that the process before had spooled.
    pub adopted: u64,
    /// Records that were given up.
    pub dropped: u64,
    /// How many of those for which reason.
    pub reasons: BTreeMap<String, u64>,
}

impl Account {
    /// Whether nothing vanished without being counted.
    #[must_use]
    pub fn balanced(&self) -> bool {
        self.received == self.delivered + self.pending + self.spooled + self.dropped
            && self.dropped == self.reasons.values().sum::<u64>()
    }
}

/// The accounts of `logs`, `traces` and `metrics`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger(pub BTreeMap<String, Account>);

impl Ledger {
    /// Every ledger line in what extensions printed, oldest first.
    #[must_use]
    pub fn all(printed: &str) -> Vec<Self> {
        let ledgers = printed.lines().filter_map(|line| line.trim().strip_prefix("lambdaview ledger "));
        ledgers.filter(|line| !line.starts_with("to ")).map(Self::parse).collect()
    }

    /// Every ledger of one of two backends, oldest first.
    #[must_use]
    pub fn to(backend: &str, printed: &str) -> Vec<Self> {
        let head = format!("lambdaview ledger to {backend}: ");
        printed.lines().filter_map(|line| line.trim().strip_prefix(&head)).map(Self::parse).collect()
    }

    /// The last ledger line in what an extension printed.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn last(printed: &str) -> Self {
        Self::all(printed).pop().unwrap_or_else(|| panic!("no ledger line in what the extension printed:\n{printed}"))
    }

    /// One account.
    #[must_use]
    pub fn of(&self, kind: &str) -> Account {
        self.0.get(kind).cloned().unwrap_or_default()
    }

    /// Whether every account is balanced.
    #[must_use]
    pub fn balanced(&self) -> bool {
        !self.0.is_empty() && self.0.values().all(Account::balanced)
    }

    fn parse(line: &str) -> Self {
        let accounts = line.split(';').filter_map(|part| part.trim().split_once(' '));
        Self(accounts.map(|(kind, figures)| (kind.to_owned(), account(figures))).collect())
    }
}

fn account(figures: &str) -> Account {
    let (sums, reasons) = figures.split_once('(').unwrap_or((figures, ""));
    let number = |name: &str| figure(sums, name).unwrap_or_default();
    let reasons = reasons.trim_end_matches(')').split_whitespace().filter_map(|reason| reason.split_once('='));
    Account {
        received: number("received"),
        delivered: number("delivered"),
        pending: number("pending"),
        spooled: number("spooled"),
        adopted: number("adopted"),
        dropped: number("dropped"),
        reasons: reasons
            .filter_map(|(reason, count)| Some((reason.to_owned(), count.trim_matches(',').parse().ok()?)))
            .collect(),
    }
}

fn figure(figures: &str, name: &str) -> Option<u64> {
    let value = figures.split_whitespace().find_map(|figure| figure.strip_prefix(name)?.strip_prefix('='))?;
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "noise\nlambdaview ledger logs received=10 delivered=6 pending=1 dropped=3 (queue_full=2 shutdown=1); \
                        traces received=0 delivered=0 pending=0 dropped=0\n";

    #[test]
    fn a_ledger_line_is_read_with_its_reasons() {
        let logs = Ledger::last(LINE).of("logs");
        assert_eq!((logs.received, logs.delivered, logs.pending, logs.dropped), (10, 6, 1, 3));
        assert_eq!(logs.reasons, BTreeMap::from([("queue_full".to_owned(), 2), ("shutdown".to_owned(), 1)]));
        assert!(Ledger::last(LINE).balanced());
    }

    #[test]
    fn the_ledgers_of_two_backends_and_of_the_spool_are_read() {
        let printed = "lambdaview ledger to otlp: logs received=5 adopted=2 delivered=2 pending=0 spooled=3 dropped=0\n\
                       lambdaview ledger to clickhouse: logs received=5 delivered=5 pending=0 dropped=0\n";
        let otlp = &Ledger::to("otlp", printed)[0];
        assert_eq!((otlp.of("logs").spooled, otlp.of("logs").adopted, otlp.balanced()), (3, 2, true));
        assert_eq!(Ledger::to("clickhouse", printed)[0].of("logs").delivered, 5);
        assert!(Ledger::all(printed).is_empty());
    }

    #[test]
    fn what_is_missing_or_dropped_without_reason_unbalances_it() {
        assert!(!Ledger::last("lambdaview ledger logs received=2 delivered=1 pending=0 dropped=0").balanced());
        assert!(!Ledger::last("lambdaview ledger logs received=2 delivered=1 pending=0 dropped=1").balanced());
    }
}
