//! What a backend has been sent, by identity: how often it was kept, and how often the sender could not know that. Pure.

use super::decode::{Kind, Record};
use std::collections::{BTreeMap, HashMap};

/// How often a record was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// In all.
    pub kept: u32,
    /// Of those, in requests whose answer did not reach the sender: each is a reason to send again.
    pub unanswered: u32,
    /// How often it was rejected, and the sender told.
    pub rejected: u32,
    /// In which requests of all it was kept, counted from 1, as far as there is room; 0 for none.
    pub requests: [u64; 8],
}

impl Copies {
    /// Copies that no lost answer explains.
    #[must_use]
    pub const fn unexplained(&self) -> u32 {
        self.kept.saturating_sub(1 + self.unanswered)
    }
}

/// A log line as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// How often.
    pub copies: Copies,
    /// Its `faas.invocation_id`.
    pub invocation: Option<String>,
    /// Its trace id, in hexadecimal.
    pub trace_id: String,
}

/// Sums over one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Requests that reached it far enough to be read.
    pub requests: u64,
    /// Records kept, copies included.
    pub kept: u64,
    /// Of those, records whose answer was lost.
    pub unanswered: u64,
    /// Records rejected.
    pub rejected: u64,
}

/// Everything that a backend was sent.
#[derive(Clone, Debug, Default)]
pub struct Store {
    requests: u64,
    lines: HashMap<String, Line>,
    spans: HashMap<String, Copies>,
    sums: BTreeMap<Kind, Sums>,
    faults: Vec<String>,
}

impl Store {
    /// Requests that were taken, of every kind.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Log lines by their body.
    #[must_use]
    pub const fn lines(&self) -> &HashMap<String, Line> {
        &self.lines
    }

    /// Spans by `trace id:span id:name`.
    #[must_use]
    pub const fn spans(&self) -> &HashMap<String, Copies> {
        &self.spans
    }

    /// Sums over one kind.
    #[must_use]
    pub fn sums(&self, kind: Kind) -> Sums {
        self.sums.get(&kind).copied().unwrap_or_default()
    }

    /// What was wrong with requests.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    pub(super) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Takes a request in; `rejects` says which of its records are not kept. Gives the number of those.
    pub(super) fn take(&mut self, kind: Kind, records: &[Record], rejects: impl Fn(usize) -> bool) -> u64 {
        let mut rejected = 0;
        self.requests += 1;
        let request = self.requests;
        for (nth, record) in records.iter().enumerate() {
            let is_rejected = rejects(nth);
            rejected += u64::from(is_rejected);
            if let Some(copies) = self.copies(kind, record) {
                if !is_rejected {
                    if let Some(free) = copies.requests.iter_mut().find(|kept| **kept == 0) {
                        *free = request;
                    }
                    copies.kept += 1;
                }
                copies.rejected += u32::from(is_rejected);
            }
        }
        let sums = self.sums.entry(kind).or_default();
        sums.requests += 1;
        sums.kept += records.len() as u64 - rejected;
        sums.rejected += rejected;
        rejected
    }

    /// The answer to a request that was kept did not reach its sender.
    pub(super) fn unanswered(&mut self, kind: Kind, records: &[Record]) {
        for record in records {
            if let Some(copies) = self.copies(kind, record) {
                copies.unanswered += 1;
            }
        }
        self.sums.entry(kind).or_default().unanswered += records.len() as u64;
    }

    /// A metric's points have no identity of their own: they are counted only.
    fn copies(&mut self, kind: Kind, record: &Record) -> Option<&mut Copies> {
        match kind {
            Kind::Logs => {
                let line = self.lines.entry(record.identity.clone()).or_default();
                line.invocation.clone_from(&record.invocation);
                line.trace_id.clone_from(&record.trace_id);
                Some(&mut line.copies)
            }
            Kind::Traces => Some(self.spans.entry(record.identity.clone()).or_default()),
            Kind::Metrics => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> Record {
        Record { identity: body.into(), invocation: None, trace_id: String::new() }
    }

    #[test]
    fn a_copy_is_explained_by_a_lost_answer_only() {
        let mut store = Store::default();
        let records = [line("a"), line("b")];
        store.take(Kind::Logs, &records, |_| false);
        store.unanswered(Kind::Logs, &records);
        store.take(Kind::Logs, &records, |_| false);
        store.take(Kind::Logs, &records[..1], |_| false);
        let unexplained = |body: &str| store.lines()[body].copies.unexplained();
        assert_eq!((unexplained("a"), unexplained("b")), (1, 0));
        let sums = store.sums(Kind::Logs);
        assert_eq!((sums.requests, sums.kept, sums.unanswered), (3, 5, 2));
    }

    #[test]
    fn what_is_rejected_is_counted_and_not_kept() {
        let mut store = Store::default();
        assert_eq!(store.take(Kind::Traces, &[line("a"), line("b")], |nth| nth == 1), 1);
        assert_eq!(store.spans()["b"], Copies { kept: 0, unanswered: 0, rejected: 1, requests: [0; 8] });
        assert_eq!(store.sums(Kind::Traces).rejected, 1);
    }
}
