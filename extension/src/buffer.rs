//! Signals waiting for export: bounded in bytes, oldest dropped first, every drop counted by the caller.
//!
//! Pure: no clock, no task. One queue for each kind, and one order of age over all of them, so that what is dropped to make
//! room is the oldest signal of any kind. Pushing costs O(1) amortised: a signal is measured once, when it comes.

mod split;

use crate::flow::{Batch, Signal, SignalKind};
use std::collections::VecDeque;

/// The most that one batch holds: well below the 4 MiB that a gRPC receiver takes by default, and what a collector likes.
pub const DEFAULT_BATCH_BYTES: usize = 1 << 20;

/// Room is made in steps of this size: a line that finds no room must not cost a megabyte of older ones.
const DROP_BYTES: usize = 16 << 10;

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

    fn add(&mut self, kind: SignalKind, records: u64) {
        self.0[kind as usize] += records;
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

    /// How many bytes records of `kind` take as OTLP protobuf.
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

/// The signals that wait for export.
#[derive(Debug)]
pub struct Buffer {
    limit: usize,
    queues: [VecDeque<Entry>; 3],
    pending: Pending,
    /// The age that the next signal gets; what is given back is older than all that is here.
    newest: i64,
    oldest: i64,
}

/// A signal with what was measured when it came.
#[derive(Debug)]
struct Entry {
    signal: Signal,
    records: u64,
    bytes: usize,
    age: i64,
}

impl Buffer {
    /// An empty buffer that never holds more than `limit` bytes of signals.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, queues: Default::default(), pending: Pending::default(), newest: 0, oldest: -1 }
    }

    /// Takes `signal` in, and drops the oldest signals where there is no room for it.
    ///
    /// A signal that is larger than the whole buffer is split by its records; of these the newest stay.
    pub fn push(&mut self, signal: Signal) -> Dropped {
        let mut dropped = Dropped::default();
        let bytes = signal.bytes();
        if bytes <= self.limit {
            self.push_entry(signal, bytes, &mut dropped);
            return dropped;
        }
        for part in split::by_records(signal, self.limit / 2) {
            let bytes = part.bytes();
            if bytes > self.limit {
                dropped.add(part.kind(), part.records());
            } else {
                self.push_entry(part, bytes, &mut dropped);
            }
        }
        dropped
    }

    fn push_entry(&mut self, signal: Signal, bytes: usize, dropped: &mut Dropped) {
        let records = signal.records();
        if records == 0 {
            return;
        }
        self.make_room(bytes, dropped);
        let (kind, age) = (signal.kind(), self.newest);
        self.newest += 1;
        self.count_in(kind, records, bytes);
        self.queues[kind as usize].push_back(Entry { signal, records, bytes, age });
    }

    fn make_room(&mut self, bytes: usize, dropped: &mut Dropped) {
        while self.pending.total_bytes() + bytes > self.limit {
            let Some(kind) = self.oldest_kind() else { return };
            self.split_front(kind, DROP_BYTES);
            let entry = self.pop(kind).expect("the oldest kind has an entry");
            dropped.add(kind, entry.records);
        }
    }

    /// The kind whose first entry is the oldest of all; `None` when nothing waits.
    fn oldest_kind(&self) -> Option<SignalKind> {
        let front = |kind: SignalKind| self.queues[kind as usize].front().map(|entry| (entry.age, kind));
        SignalKind::ALL.into_iter().filter_map(front).min().map(|(_, kind)| kind)
    }

    fn pop(&mut self, kind: SignalKind) -> Option<Entry> {
        let entry = self.queues[kind as usize].pop_front()?;
        self.pending.records[kind as usize] -= entry.records;
        self.pending.bytes[kind as usize] -= entry.bytes;
        Some(entry)
    }

    fn count_in(&mut self, kind: SignalKind, records: u64, bytes: usize) {
        self.pending.records[kind as usize] += records;
        self.pending.bytes[kind as usize] += bytes;
    }

    /// The oldest signals of one kind, at most `max_bytes` of them but at least one record.
    ///
    /// With `kind` `None` the kind of the oldest signal is taken. Neighbours of equal resource become one.
    pub fn take(&mut self, kind: Option<SignalKind>, max_bytes: usize) -> Option<Batch> {
        let kind = kind.or_else(|| self.oldest_kind())?;
        let mut batch = Batch { kind, signals: Vec::new(), records: 0, bytes: 0 };
        while let Some(front) = self.queues[kind as usize].front() {
            if !batch.signals.is_empty() && batch.bytes + front.bytes > max_bytes {
                break;
            }
            self.split_front(kind, max_bytes);
            let entry = self.pop(kind).expect("there is a front");
            batch.records += entry.records;
            batch.bytes += entry.bytes;
            split::append(&mut batch.signals, entry.signal);
        }
        (!batch.signals.is_empty()).then_some(batch)
    }

    /// Cuts off the first entry, when it is larger, a part of at most `max_bytes`.
    fn split_front(&mut self, kind: SignalKind, max_bytes: usize) {
        let is_large = |front: &Entry| front.bytes > max_bytes && front.records > 1;
        if !self.queues[kind as usize].front().is_some_and(is_large) {
            return;
        }
        let entry = self.pop(kind).expect("it was seen");
        let age = entry.age;
        let (first, rest) = split::first(entry.signal, max_bytes);
        for signal in rest.into_iter().chain([first]) {
            self.push_front(Entry { records: signal.records(), bytes: signal.bytes(), signal, age });
        }
    }

    fn push_front(&mut self, entry: Entry) {
        let kind = entry.signal.kind();
        self.count_in(kind, entry.records, entry.bytes);
        self.queues[kind as usize].push_front(entry);
    }

    /// Puts a batch that was not delivered back to the front. It is the oldest of all, so what finds no room is part of it.
    pub fn give_back(&mut self, batch: Batch) -> Dropped {
        let mut dropped = Dropped::default();
        let parts =
            batch.signals.into_iter().rev().flat_map(|signal| split::by_records(signal, DROP_BYTES).into_iter().rev());
        for signal in parts {
            let (records, bytes) = (signal.records(), signal.bytes());
            if dropped.total() > 0 || self.pending.total_bytes() + bytes > self.limit {
                dropped.add(batch.kind, records);
                continue;
            }
            self.push_front(Entry { signal, records, bytes, age: self.oldest });
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
    use crate::flow::SignalKind::{Logs, Traces};
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, any_value::Value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        metrics::v1::{Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data},
        resource::v1::Resource,
        trace::v1::{ResourceSpans, ScopeSpans, Span},
    };
    use proptest::prelude::*;

    fn record(number: u64, size: usize) -> LogRecord {
        let body = Some(AnyValue { value: Some(Value::StringValue("x".repeat(size))) });
        LogRecord { time_unix_nano: number, body, ..LogRecord::default() }
    }

    /// Log records with the given numbers, each of about `size` bytes; `resource` tells resources apart.
    fn logs(resource: u32, numbers: impl IntoIterator<Item = u64>, size: usize) -> Signal {
        let log_records = numbers.into_iter().map(|number| record(number, size)).collect();
        Signal::Logs(ResourceLogs {
            resource: Some(Resource { dropped_attributes_count: resource, ..Resource::default() }),
            scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        })
    }

    fn span() -> Signal {
        let scope =
            ScopeSpans { spans: vec![Span { name: "s".repeat(100), ..Span::default() }], ..ScopeSpans::default() };
        Signal::Traces(ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() })
    }

    fn numbers(signals: &[Signal]) -> Vec<u64> {
        let logs = signals.iter().map(|signal| match signal {
            Signal::Logs(logs) => logs,
            other => panic!("{other:?} are no logs"),
        });
        logs.flat_map(|logs| &logs.scope_logs).flat_map(|scope| &scope.log_records).map(|r| r.time_unix_nano).collect()
    }

    #[test]
    fn what_was_pushed_is_taken_oldest_first_up_to_the_bytes_asked_for() {
        let mut buffer = Buffer::new(1 << 20);
        for number in 1..=10 {
            assert_eq!(buffer.push(logs(0, [number], 100)).total(), 0);
        }
        let one = logs(0, [1], 100).bytes();
        let batch = buffer.take(Some(Logs), one * 4).unwrap();
        assert_eq!((numbers(&batch.signals), batch.records), (vec![1, 2, 3, 4], 4));
        assert_eq!(buffer.pending().records(Logs), 6);
        assert_eq!(numbers(&buffer.take(None, usize::MAX).unwrap().signals), [5, 6, 7, 8, 9, 10]);
        assert!(buffer.take(None, usize::MAX).is_none() && buffer.pending().is_empty());
    }

    #[test]
    fn neighbours_of_the_same_resource_become_one() {
        let mut buffer = Buffer::new(1 << 20);
        for (resource, number) in [(0, 0), (0, 1), (1, 2), (0, 3)] {
            buffer.push(logs(resource, [number], 10));
        }
        let batch = buffer.take(None, usize::MAX).unwrap();
        assert_eq!(batch.signals, [logs(0, [0, 1], 10), logs(1, [2], 10), logs(0, [3], 10)]);
    }

    #[test]
    fn the_oldest_of_any_kind_makes_room() {
        let mut buffer = Buffer::new(1000);
        buffer.push(span());
        buffer.push(logs(0, [1], 400));
        buffer.push(logs(0, [2], 400));
        assert_eq!(buffer.pending().records(Traces), 1);
        let dropped = buffer.push(logs(0, [3], 400));
        assert_eq!((dropped.of(Traces), dropped.of(Logs)), (1, 1));
        assert_eq!(numbers(&buffer.take(None, usize::MAX).unwrap().signals), [2, 3]);
    }

    #[test]
    fn the_bound_holds_and_no_record_is_lost_uncounted() {
        let mut buffer = Buffer::new(10_000);
        let mut dropped = 0;
        for number in 0..1000 {
            dropped += buffer.push(logs(0, [number], 90)).total();
            assert!(buffer.pending().total_bytes() <= 10_000);
        }
        let kept = buffer.pending().records(Logs);
        assert_eq!(dropped + kept, 1000);
        assert_eq!(numbers(&buffer.take(None, usize::MAX).unwrap().signals), (1000 - kept..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_signal_larger_than_the_buffer_keeps_its_newest_records() {
        let mut buffer = Buffer::new(10_000);
        let dropped = buffer.push(logs(0, 0..200, 100));
        let kept = numbers(&buffer.take(None, usize::MAX).unwrap().signals);
        assert_eq!(dropped.of(Logs) + kept.len() as u64, 200);
        assert!(kept.len() > 40 && kept.last() == Some(&199), "{kept:?}");
    }

    #[test]
    fn a_single_record_larger_than_the_buffer_is_dropped_and_counted() {
        let mut buffer = Buffer::new(1000);
        assert_eq!(buffer.push(logs(0, [1], 2000)).of(Logs), 1);
        assert!(buffer.pending().is_empty());
    }

    #[test]
    fn a_large_signal_is_cut_to_the_bytes_asked_for() {
        let mut buffer = Buffer::new(1 << 20);
        buffer.push(logs(0, 0..100, 100));
        let mut seen = Vec::new();
        while let Some(batch) = buffer.take(Some(Logs), 2000) {
            assert!(batch.bytes <= 2000);
            seen.extend(numbers(&batch.signals));
        }
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_metric_is_cut_between_its_data_points() {
        let point = |number| NumberDataPoint { time_unix_nano: number, ..NumberDataPoint::default() };
        let sum = Sum { data_points: (1..=9).map(point).collect(), aggregation_temporality: 2, is_monotonic: true };
        let metric = Metric { name: "m".into(), data: Some(Data::Sum(sum)), ..Metric::default() };
        let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
        let signal = Signal::Metrics(ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() });
        let parts = split::by_records(signal, 40);
        assert!(parts.len() > 2 && parts.iter().all(|part| part.bytes() <= 40), "{parts:?}");
        assert_eq!(parts.iter().map(Signal::records).sum::<u64>(), 9);
        assert!(format!("{:?}", parts.last()).contains("is_monotonic: true"));
    }

    #[test]
    fn what_is_given_back_comes_first_again() {
        let mut buffer = Buffer::new(1 << 20);
        buffer.push(logs(0, [1, 2], 10));
        let batch = buffer.take(None, usize::MAX).unwrap();
        buffer.push(logs(0, [3], 10));
        assert_eq!(buffer.give_back(batch).total(), 0);
        assert_eq!(numbers(&buffer.take(None, usize::MAX).unwrap().signals), [1, 2, 3]);
    }

    #[test]
    fn what_is_given_back_and_finds_no_room_loses_its_oldest() {
        let mut buffer = Buffer::new(60_000);
        buffer.push(logs(0, 0..500, 100));
        let batch = buffer.take(None, usize::MAX).unwrap();
        buffer.push(logs(1, 500..700, 100));
        let dropped = buffer.give_back(batch).of(Logs);
        let kept = numbers(&buffer.take(None, usize::MAX).unwrap().signals);
        assert_eq!(kept, (dropped..700).collect::<Vec<_>>());
        assert!(dropped > 0 && dropped < 400, "{dropped}");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push { resource: u32, records: u64, size: usize },
        Take { max_bytes: usize, delivered: bool },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..3u32, 1..30u64, 0..400usize).prop_map(|(resource, records, size)| Step::Push {
                resource,
                records,
                size
            }),
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
                    Step::Push { resource, records, size } => {
                        dropped += buffer.push(logs(resource, received..received + records, size)).total();
                        received += records;
                    }
                    Step::Take { max_bytes, delivered: is_delivered } => {
                        let Some(batch) = buffer.take(None, max_bytes) else { continue };
                        prop_assert!(batch.bytes <= max_bytes || batch.records == 1);
                        prop_assert_eq!(batch.records, numbers(&batch.signals).len() as u64);
                        if is_delivered {
                            delivered.extend(numbers(&batch.signals));
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
