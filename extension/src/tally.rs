//! The ledger: for every signal, received = delivered + pending + spooled + dropped by reason.
//!
//! Nothing vanishes silently: every record that came in is in one of these places, and tests hold the equation. What one
//! process leaves in the spool the next one adopts: there it is received (and told as adopted beside it), so the equation
//! holds in each process, and over both of them what the one spooled is what the other adopted or lost there.

use std::{collections::BTreeMap, fmt};

use crate::flow::SignalKind;

/// Why a record was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// No endpoint is configured.
    NoEndpoint,
    /// The receiver of this signal is disabled.
    Disabled,
    /// The buffer was full; the oldest went.
    BufferFull,
    /// The spool was full; the oldest went.
    SpoolFull,
    /// A file of the spool could not be written, was gone, or was not whole.
    SpoolLost,
    /// Deliveries came faster than they were read.
    IntakeFull,
    /// The backend said never (bad request, unauthorised).
    Refused,
    /// The backend took the batch but not this record.
    Rejected,
    /// The environment ended before the backend took it.
    Shutdown,
    /// The platform lost it before we had it.
    Platform,
    /// A line without a character in it.
    Empty,
    /// The user's own expression says that it is not wanted.
    Excluded,
    /// A fault of ours: a stage panicked over it.
    Panic,
}

impl Reason {
    /// The ledger's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoEndpoint => "no_endpoint",
            Self::Disabled => "disabled",
            Self::BufferFull => "buffer_full",
            Self::SpoolFull => "spool_full",
            Self::SpoolLost => "spool_lost",
            Self::IntakeFull => "intake_full",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Shutdown => "shutdown",
            Self::Platform => "platform",
            Self::Empty => "empty",
            Self::Excluded => "excluded",
            Self::Panic => "panic",
        }
    }
}

/// One signal's account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Records that came in.
    pub received: u64,
    /// Records that the backend took.
    pub delivered: u64,
    /// Records that are held, buffered or on their way: measured, not reckoned, or the equation would say nothing.
    pub pending: u64,
    /// Records that lie in the spool for the next process: measured too.
    pub spooled: u64,
    /// Of those that came in, records that the process before had left in the spool.
    pub adopted: u64,
    /// Records that were lost, by reason.
    pub dropped: BTreeMap<Reason, u64>,
}

impl Account {
    /// Whether every record that came in is in one of its places.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.received == self.delivered + self.pending + self.spooled + self.dropped_in_all()
    }

    /// Records lost, whatever the reason.
    #[must_use]
    pub fn dropped_in_all(&self) -> u64 {
        self.dropped.values().sum()
    }
}

/// The accounts of all three signals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    accounts: [Account; 3],
}

impl Tally {
    /// Records came in.
    pub fn received(&mut self, kind: SignalKind, records: u64) {
        self.account_mut(kind).received += records;
    }

    /// Records were taken by the backend.
    pub fn delivered(&mut self, kind: SignalKind, records: u64) {
        self.account_mut(kind).delivered += records;
    }

    /// Records that had come in were lost.
    pub fn dropped(&mut self, kind: SignalKind, reason: Reason, records: u64) {
        if records > 0 {
            *self.account_mut(kind).dropped.entry(reason).or_default() += records;
        }
    }

    /// Records were lost before they could come in.
    pub fn lost(&mut self, kind: SignalKind, reason: Reason, records: u64) {
        self.received(kind, records);
        self.dropped(kind, reason, records);
    }

    /// So many records were found in the stages between.
    pub fn pending(&mut self, kind: SignalKind, records: u64) {
        self.account_mut(kind).pending = records;
    }

    /// So many records were found in the spool at the end.
    pub fn spooled(&mut self, kind: SignalKind, records: u64) {
        self.account_mut(kind).spooled = records;
    }

    /// Records of the process before were found in the spool.
    pub fn adopted(&mut self, kind: SignalKind, records: u64) {
        self.received(kind, records);
        self.account_mut(kind).adopted += records;
    }

    /// One signal's account.
    #[must_use]
    pub fn account(&self, kind: SignalKind) -> &Account {
        &self.accounts[index(kind)]
    }

    fn account_mut(&mut self, kind: SignalKind) -> &mut Account {
        &mut self.accounts[index(kind)]
    }
}

const fn index(kind: SignalKind) -> usize {
    match kind {
        SignalKind::Logs => 0,
        SignalKind::Traces => 1,
        SignalKind::Metrics => 2,
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SignalKind::ALL.into_iter().enumerate().try_for_each(|(nth, kind)| {
            let account = self.account(kind);
            f.write_str(if nth == 0 { "" } else { "; " })?;
            write!(f, "{} {account}", kind.as_str())
        })
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, delivered, pending, spooled, adopted, .. } = self;
        write!(f, "received={received} ")?;
        if *adopted > 0 {
            write!(f, "adopted={adopted} ")?;
        }
        write!(f, "delivered={delivered} pending={pending} ")?;
        if *spooled > 0 {
            write!(f, "spooled={spooled} ")?;
        }
        write!(f, "dropped={}", self.dropped_in_all())?;
        if self.dropped.is_empty() {
            return Ok(());
        }
        let reasons: Vec<_> = self.dropped.iter().map(|(reason, n)| format!("{}={n}", reason.as_str())).collect();
        write!(f, " ({})", reasons.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_balances_only_when_every_record_has_its_place() {
        let mut tally = Tally::default();
        tally.received(SignalKind::Logs, 10);
        tally.delivered(SignalKind::Logs, 6);
        tally.dropped(SignalKind::Logs, Reason::Refused, 1);
        tally.lost(SignalKind::Logs, Reason::Platform, 3);
        let logs = tally.account(SignalKind::Logs);
        assert_eq!((logs.received, logs.dropped_in_all(), logs.balances()), (13, 4, false));
        tally.pending(SignalKind::Logs, 3);
        assert!(tally.account(SignalKind::Logs).balances());
        assert_eq!(tally.account(SignalKind::Traces), &Account::default());
    }

    #[test]
    fn what_one_process_spools_and_the_next_adopts_balances_in_both() {
        let (mut first, mut next) = (Tally::default(), Tally::default());
        first.received(SignalKind::Logs, 10);
        first.delivered(SignalKind::Logs, 4);
        first.spooled(SignalKind::Logs, 6);
        next.adopted(SignalKind::Logs, 6);
        next.received(SignalKind::Logs, 1);
        next.delivered(SignalKind::Logs, 7);
        assert!(first.account(SignalKind::Logs).balances() && next.account(SignalKind::Logs).balances());
        let told = first.account(SignalKind::Logs).to_string();
        assert_eq!(told, "received=10 delivered=4 pending=0 spooled=6 dropped=0");
        let told = next.account(SignalKind::Logs).to_string();
        assert_eq!(told, "received=7 adopted=6 delivered=7 pending=0 dropped=0");
    }

    #[test]
    fn the_ledger_is_one_line_with_every_reason() {
        let mut tally = Tally::default();
        tally.lost(SignalKind::Logs, Reason::Platform, 2);
        tally.received(SignalKind::Logs, 3);
        tally.dropped(SignalKind::Logs, Reason::BufferFull, 1);
        tally.dropped(SignalKind::Logs, Reason::Empty, 0);
        tally.delivered(SignalKind::Logs, 2);
        assert_eq!(
            tally.to_string(),
            "logs received=5 delivered=2 pending=0 dropped=3 (buffer_full=1 platform=2); \
             traces received=0 delivered=0 pending=0 dropped=0; metrics received=0 delivered=0 pending=0 dropped=0"
        );
    }
}
