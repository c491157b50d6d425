//! Pieces waiting for export: bounded in bytes, oldest dropped first, every drop counted by the caller. The bound is the
//! caller's, who may move it.
//!
//! Pure: no clock, no task. One queue for each kind, and one order of age over all of them, so that what is dropped to make
//! room is the oldest piece of any kind. Pushing costs O(1) amortised: a piece is its bytes, which need no measuring.

use crate::flow::{Batch, Packed, SignalKind};
use std::{collections::VecDeque, ops::Add};

/// The most that one batch holds: well below the 4 MiB that a gRPC receiver takes by default, and what a collector likes.
pub const DEFAULT_BATCH_BYTES: usize = 1 << 20;

/// Records that had to go, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped([u64; 3]);

impl Dropped {
    /// How many records of `kind` were dropped.
    #[must_use]
    pub const fn of(&self, kind: SignalKind) -> u64 {
        self.0[kind as usize]
    }

    /// Records of every kind.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    const fn count(&mut self, kind: SignalKind, records: u64) {
        self.0[kind as usize] += records;
    }
}

impl Add for Dropped {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self(std::array::from_fn(|kind| self.0[kind] + more.0[kind]))
    }
}

/// What is waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    records: [u64; 3],
    bytes: [usize; 3],
}

impl Pending {
    /// How many records of `kind` are waiting.
    #[must_use]
    pub const fn records(&self, kind: SignalKind) -> u64 {
        self.records[kind as usize]
    }

    /// How many bytes the pieces of `kind` have.
    #[must_use]
    pub const fn bytes(&self, kind: SignalKind) -> usize {
        self.bytes[kind as usize]
    }

    /// Bytes of every kind.
    #[must_use]
    pub fn total_bytes(&self) -> usize {
        self.bytes.iter().sum()
    }

    /// Whether nothing is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.iter().all(|&records| records == 0)
    }
}

/// The pieces that wait for export.
#[derive(Debug)]
pub struct Buffer {
    limit: usize,
    queues: [VecDeque<Entry>; 3],
    pending: Pending,
    /// The age that the next piece gets; what is given back is older than all that is here.
    newest: i64,
    oldest: i64,
}

#[derive(Debug)]
struct Entry {
    age: i64,
    piece: Packed,
}

impl Buffer {
    /// An empty buffer that never holds more than `limit` bytes of pieces.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, queues: Default::default(), pending: Pending::default(), newest: 0, oldest: -1 }
    }

    /// From now on it holds no more than `limit` bytes; the oldest pieces beyond that are dropped.
    pub fn bound(&mut self, limit: usize) -> Dropped {
        self.limit = limit;
        self.drop_beyond(limit)
    }

    /// Takes `piece` in, and drops the oldest pieces where there is no room for it. One that is larger than the whole buffer
    /// finds none.
    pub fn push(&mut self, piece: Packed) -> Dropped {
        if piece.bytes.len() > self.limit {
            let mut dropped = Dropped::default();
            dropped.count(piece.kind, piece.records);
            return dropped;
        }
        let dropped = self.drop_beyond(self.limit - piece.bytes.len());
        self.count_in(&piece);
        self.queues[piece.kind as usize].push_back(Entry { age: self.newest, piece });
        self.newest += 1;
        dropped
    }

    fn drop_beyond(&mut self, bytes: usize) -> Dropped {
        let mut dropped = Dropped::default();
        while self.pending.total_bytes() > bytes {
            let oldest = self.oldest_kind().and_then(|kind| self.pop(kind)).expect("what takes room can be dropped");
            dropped.count(oldest.kind, oldest.records);
        }
        dropped
    }

    /// The kind whose first entry is the oldest of all; `None` when nothing waits.
    fn oldest_kind(&self) -> Option<SignalKind> {
        let front = |kind: SignalKind| self.queues[kind as usize].front().map(|entry| (entry.age, kind));
        SignalKind::ALL.into_iter().filter_map(front).min().map(|(_, kind)| kind)
    }

    fn pop(&mut self, kind: SignalKind) -> Option<Packed> {
        let Packed { kind, records, bytes } = self.queues[kind as usize].pop_front()?.piece;
        self.pending.records[kind as usize] -= records;
        self.pending.bytes[kind as usize] -= bytes.len();
        Some(Packed { kind, records, bytes })
    }

    fn count_in(&mut self, piece: &Packed) {
        self.pending.records[piece.kind as usize] += piece.records;
        self.pending.bytes[piece.kind as usize] += piece.bytes.len();
    }

    /// The oldest pieces of one kind, at most `max_bytes` of them but at least one.
    ///
    /// With `kind` `None` the kind of the oldest piece is taken.
    pub fn take(&mut self, kind: Option<SignalKind>, max_bytes: usize) -> Option<Batch> {
        let kind = kind.or_else(|| self.oldest_kind())?;
        let mut batch = Batch::new(kind);
        while let Some(front) = self.queues[kind as usize].front() {
            if !batch.pieces.is_empty() && batch.bytes.saturating_add(front.piece.bytes.len()) > max_bytes {
                break;
            }
            batch.push(self.pop(kind).expect("there is a front"));
        }
        (!batch.pieces.is_empty()).then_some(batch)
    }

    /// Puts a batch that was not delivered back to the front. It is the oldest of all, so what finds no room is part of it.
    pub fn give_back(&mut self, batch: Batch) -> Dropped {
        let mut dropped = Dropped::default();
        for piece in batch.pieces.into_iter().rev() {
            if dropped.total() > 0 || self.pending.total_bytes() + piece.bytes.len() > self.limit {
                dropped.count(piece.kind, piece.records);
                continue;
            }
            self.count_in(&piece);
            self.queues[piece.kind as usize].push_front(Entry { age: self.oldest, piece });
            self.oldest -= 1;
        }
        dropped
    }

    /// What is waiting.
    #[must_use]
    pub const fn pending(&self) -> Pending {
        self.pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{
        PIECE_BYTES, Signal,
        SignalKind::{Logs, Traces},
        pack,
    };
    use opentelemetry_proto::tonic::{
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        trace::v1::{ResourceSpans, ScopeSpans, Span},
    };
    use proptest::prelude::*;

    /// Log records with the given numbers, each of about `size` bytes.
    fn logs(numbers: impl IntoIterator<Item = u64>, size: usize) -> Vec<Packed> {
        let record =
            |number| LogRecord { time_unix_nano: number, severity_text: "x".repeat(size), ..LogRecord::default() };
        let log_records = numbers.into_iter().map(record).collect();
        let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
        pack(Signal::Logs(ResourceLogs { scope_logs, ..ResourceLogs::default() }))
    }

    fn line(number: u64, size: usize) -> Packed {
        logs([number], size).remove(0)
    }

    fn span() -> Packed {
        let span = Span { name: "s".repeat(100), ..Span::default() };
        let scope = ScopeSpans { spans: vec![span], ..ScopeSpans::default() };
        pack(Signal::Traces(ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() })).remove(0)
    }

    fn push_all(buffer: &mut Buffer, pieces: Vec<Packed>) -> u64 {
        pieces.into_iter().map(|piece| buffer.push(piece).total()).sum()
    }

    fn numbers(batch: &Batch) -> Vec<u64> {
        let signals = batch.signals().unwrap();
        let logs = signals.iter().map(|signal| match signal {
            Signal::Logs(logs) => logs,
            other => panic!("{other:?} are no logs"),
        });
        logs.flat_map(|logs| &logs.scope_logs).flat_map(|scope| &scope.log_records).map(|r| r.time_unix_nano).collect()
    }

    fn all(buffer: &mut Buffer) -> Vec<u64> {
        numbers(&buffer.take(None, usize::MAX).expect("something waits"))
    }

    #[test]
    fn what_was_pushed_is_taken_oldest_first_up_to_the_bytes_asked_for() {
        let mut buffer = Buffer::new(1 << 20);
        for number in 1..=10 {
            assert_eq!(buffer.push(line(number, 100)).total(), 0);
        }
        let batch = buffer.take(Some(Logs), line(1, 100).bytes.len() * 4).unwrap();
        assert_eq!((numbers(&batch), batch.records), (vec![1, 2, 3, 4], 4));
        assert_eq!(buffer.pending().records(Logs), 6);
        assert_eq!(all(&mut buffer), [5, 6, 7, 8, 9, 10]);
        assert!(buffer.take(None, usize::MAX).is_none() && buffer.pending().is_empty());
    }

    #[test]
    fn the_oldest_of_any_kind_makes_room() {
        let mut buffer = Buffer::new(1000);
        buffer.push(span());
        buffer.push(line(1, 400));
        buffer.push(line(2, 400));
        assert_eq!(buffer.pending().records(Traces), 1);
        let dropped = buffer.push(line(3, 400));
        assert_eq!((dropped.of(Traces), dropped.of(Logs)), (1, 1));
        assert_eq!(all(&mut buffer), [2, 3]);
    }

    #[test]
    fn the_bound_holds_and_no_record_is_lost_uncounted() {
        let mut buffer = Buffer::new(10_000);
        let mut dropped = 0;
        for number in 0..1000 {
            dropped += buffer.push(line(number, 90)).total();
            assert!(buffer.pending().total_bytes() <= 10_000);
        }
        let kept = buffer.pending().records(Logs);
        assert_eq!(dropped + kept, 1000);
        assert_eq!(all(&mut buffer), (1000 - kept..1000).collect::<Vec<_>>());
    }

    #[test]
    fn of_more_than_it_holds_the_newest_stay() {
        let mut buffer = Buffer::new(4 * PIECE_BYTES);
        let dropped = push_all(&mut buffer, logs(0..2000, 100));
        let kept = all(&mut buffer);
        assert_eq!(dropped + kept.len() as u64, 2000);
        assert!(kept.len() > 800 && kept.last() == Some(&1999), "{}", kept.len());
    }

    #[test]
    fn a_piece_larger_than_the_buffer_is_dropped_and_counted() {
        let mut buffer = Buffer::new(1000);
        buffer.push(line(1, 10));
        assert_eq!(buffer.push(line(2, 2000)).of(Logs), 1);
        assert_eq!(all(&mut buffer), [1]);
    }

    #[test]
    fn what_is_given_back_comes_first_again() {
        let mut buffer = Buffer::new(1 << 20);
        push_all(&mut buffer, logs([1, 2], 10));
        let batch = buffer.take(None, usize::MAX).unwrap();
        buffer.push(line(3, 10));
        assert_eq!(buffer.give_back(batch).total(), 0);
        assert_eq!(all(&mut buffer), [1, 2, 3]);
    }

    #[test]
    fn what_is_given_back_and_finds_no_room_loses_its_oldest() {
        let mut buffer = Buffer::new(6 * PIECE_BYTES);
        push_all(&mut buffer, logs(0..1500, 100));
        let batch = buffer.take(None, usize::MAX).unwrap();
        push_all(&mut buffer, logs(1500..2000, 100));
        let dropped = buffer.give_back(batch).of(Logs);
        assert_eq!(all(&mut buffer), (dropped..2000).collect::<Vec<_>>());
        assert!(dropped > 0 && dropped < 1000, "{dropped}");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push { records: u64, size: usize },
        Take { max_bytes: usize, delivered: bool },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1..30u64, 0..400usize).prop_map(|(records, size)| Step::Push { records, size }),
            (1..6000usize, any::<bool>()).prop_map(|(max_bytes, delivered)| Step::Take { max_bytes, delivered }),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_the_bound_the_order_and_the_sum_hold(steps in prop::collection::vec(step(), 1..40)) {
            let mut buffer = Buffer::new(8000);
            let (mut received, mut delivered, mut dropped) = (0, Vec::new(), 0);
            for step in steps {
                match step {
                    Step::Push { records, size } => {
                        dropped += push_all(&mut buffer, logs(received..received + records, size));
                        received += records;
                    }
                    Step::Take { max_bytes, delivered: is_delivered } => {
                        let Some(batch) = buffer.take(None, max_bytes) else { continue };
                        prop_assert!(batch.bytes <= max_bytes || batch.pieces.len() == 1);
                        prop_assert_eq!(batch.records, numbers(&batch).len() as u64);
                        if is_delivered {
                            delivered.extend(numbers(&batch));
                        } else {
                            dropped += buffer.give_back(batch).total();
                        }
                    }
                }
                prop_assert!(buffer.pending().total_bytes() <= 8000);
                prop_assert_eq!(received, delivered.len() as u64 + dropped + buffer.pending().records(Logs));
            }
            prop_assert!(delivered.is_sorted(), "{:?}", delivered);
        }
    }
}
