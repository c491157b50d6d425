//! What lies in the spool, as far as decisions need it: pure, without the bytes.

use std::collections::VecDeque;

use crate::flow::SignalKind;

/// One batch in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its place in the order in which they were spooled.
    pub number: u64,
    /// Its signal.
    pub kind: SignalKind,
    /// Its records, as the ledger counts.
    pub records: u64,
    /// The size of its pieces in memory: what bounds the spool.
    pub bytes: usize,
}

/// The segments, oldest first, and the bound of all of them together.
#[derive(Debug, Default)]
pub struct Inventory {
    limit: usize,
    bytes: usize,
    next: u64,
    segments: VecDeque<Segment>,
}

impl Inventory {
    /// An empty one; with a limit of 0 nothing is ever spooled.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Whether a batch of so many bytes can be spooled at all.
    #[must_use]
    pub const fn takes(&self, bytes: usize) -> bool {
        bytes <= self.limit
    }

    /// Takes a new segment in. Room is made by the oldest, which are given back; `spared` is on its way and stays.
    pub fn add(&mut self, kind: SignalKind, records: u64, bytes: usize, spared: &[u64]) -> (Segment, Vec<Segment>) {
        let mut evicted = Vec::new();
        while self.bytes + bytes > self.limit {
            let Some(at) = self.segments.iter().position(|segment| !spared.contains(&segment.number)) else { break };
            let oldest = self.segments.remove(at).expect("it was found there");
            self.bytes -= oldest.bytes;
            evicted.push(oldest);
        }
        let segment = Segment { number: self.next, kind, records, bytes };
        self.adopt(segment);
        (segment, evicted)
    }

    /// Takes in a segment that is there already. They come in their order.
    pub fn adopt(&mut self, segment: Segment) {
        self.next = self.next.max(segment.number + 1);
        self.bytes += segment.bytes;
        self.segments.push_back(segment);
    }

    /// The oldest of a kind.
    #[must_use]
    pub fn oldest(&self, kind: SignalKind) -> Option<Segment> {
        self.segments.iter().find(|segment| segment.kind == kind).copied()
    }

    /// It is delivered, or gone.
    pub fn remove(&mut self, number: u64) -> Option<Segment> {
        let at = self.segments.iter().position(|segment| segment.number == number)?;
        let segment = self.segments.remove(at)?;
        self.bytes -= segment.bytes;
        Some(segment)
    }

    /// Records of a kind that lie here.
    #[must_use]
    pub fn records(&self, kind: SignalKind) -> u64 {
        self.segments.iter().filter(|segment| segment.kind == kind).map(|segment| segment.records).sum()
    }

    /// Whether nothing lies here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// All of them.
    pub fn drain(&mut self) -> impl Iterator<Item = Segment> + '_ {
        self.bytes = 0;
        self.segments.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SignalKind::{Logs, Traces};

    fn numbers(segments: &[Segment]) -> Vec<u64> {
        segments.iter().map(|segment| segment.number).collect()
    }

    #[test]
    fn the_oldest_make_room_except_one_that_is_on_its_way() {
        let mut inventory = Inventory::new(300);
        for kind in [Logs, Traces, Logs] {
            assert!(inventory.add(kind, 5, 100, &[]).1.is_empty());
        }
        let (newest, evicted) = inventory.add(Logs, 5, 150, &[0]);
        assert_eq!((newest.number, numbers(&evicted)), (3, vec![1, 2]));
        assert_eq!((inventory.records(Logs), inventory.records(Traces)), (10, 0));
        assert_eq!(inventory.oldest(Logs).map(|segment| segment.number), Some(0));
    }

    #[test]
    fn numbers_go_on_after_those_that_were_adopted() {
        let mut inventory = Inventory::new(1000);
        inventory.adopt(Segment { number: 41, kind: Traces, records: 2, bytes: 10 });
        assert_eq!(inventory.add(Logs, 1, 10, &[]).0.number, 42);
        assert_eq!(inventory.remove(41).map(|segment| segment.records), Some(2));
        assert!(inventory.remove(41).is_none() && !inventory.is_empty());
        assert_eq!((inventory.drain().count(), inventory.is_empty()), (1, true));
    }

    #[test]
    fn without_a_limit_nothing_is_taken() {
        assert!(!Inventory::new(0).takes(1) && Inventory::new(10).takes(10));
    }
}
