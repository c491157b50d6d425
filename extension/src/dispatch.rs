//! What is sent when, kind by kind: the buffer, the spool, what is on its way, and whether a failing backend is waited for.
//!
//! Pure: the time is an argument, sending and writing are the driver's. Each kind has its own lane, as each may have its own
//! endpoint; a lane sends one batch at a time, so that order is kept and a slow backend gets no crowd.
//!
//! The breaker: a lane that failed twice in a row, or once for as long as it was waited for, is failing, and holds no
//! invocation any more. It is probed beside the invocations, once per backoff and with little, until it answers; then all
//! that has gathered is sent at once. Lanes that go the same way share its fate (`trust`).
//!
//! What finds no room in memory goes to the spool (`room`), oldest first, and from there to the backend before anything else; it
//! stays in the spool until the backend has it. What the spool cannot hold is dropped, oldest first.

mod drive;
mod held_back;
mod lane;
mod room;
mod trust;

use std::time::Duration;

use crate::{
    buffer::{Buffer, Dropped},
    export::retry::{LONGEST, LONGEST_UNANSWERED},
    flow::{Batch, Outcome, SignalKind, UnixNanos},
    spool::{Inventory, SEGMENT_BYTES, Segment},
};
use drive::{BESIDE, Drive};
use lane::{Lane, Load};

/// One batch to send, and how long it may take.
#[derive(Debug)]
pub struct Shipment {
    /// What.
    pub cargo: Cargo,
    /// The end of the request.
    pub timeout: Duration,
}

/// Where a batch to send comes from.
#[derive(Debug)]
pub enum Cargo {
    /// From the buffer.
    Batch(Batch),
    /// It lies in the spool.
    Spooled(Segment),
}

/// What is to be done in the spool.
#[derive(Debug)]
pub enum Step {
    /// Write a segment.
    Write(Segment, Batch),
    /// Remove one that is not needed any more.
    Remove(Segment),
    /// Remove one whose records are lost: it had to make room.
    Evict(Segment),
    /// Nothing: a batch that is larger than the whole spool is lost.
    Lose(Batch),
}

/// What an outcome means for the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounted {
    /// Records that the backend has.
    pub delivered: u64,
    /// Records of a taken batch that it did not want.
    pub rejected: u64,
    /// Records of a batch that it will never want.
    pub refused: u64,
    /// Records that had to make room for those that came back.
    pub dropped: Dropped,
    /// What to tell, when this is the first of its kind in a row.
    pub news: Option<String>,
}

/// The buffer, the spool and the lanes.
#[derive(Debug)]
pub struct Dispatch {
    limit: usize,
    /// Bytes that other stages have within the limit.
    elsewhere: usize,
    buffer: Buffer,
    spool: Inventory,
    steps: Vec<Step>,
    lanes: [Lane; 3],
    /// Where each kind goes, told by the first that goes there.
    ways: [SignalKind; 3],
    /// When it was last found that nothing may go.
    looked_at: UnixNanos,
    /// Whether there is a destination: until then signals wait, and no invocation does.
    ready: bool,
    drive: Option<Drive>,
    last_chance_since: Option<UnixNanos>,
    /// Whether it has been told that the backend does not answer.
    told: bool,
    /// The longest that one request may take.
    timeout: Duration,
}

impl Dispatch {
    /// With so many bytes for what waits and what is on its way, and requests that take no longer than `timeout`.
    #[must_use]
    pub fn new(limit: usize, timeout: Duration) -> Self {
        let (buffer, spool) = (Buffer::new(limit), Inventory::new(0));
        Self {
            limit,
            elsewhere: 0,
            buffer,
            spool,
            steps: Vec::new(),
            lanes: Default::default(),
            ways: [SignalKind::Logs; 3],
            looked_at: 0,
            ready: false,
            drive: None,
            last_chance_since: None,
            told: false,
            timeout,
        }
    }

    /// There is a spool of so many bytes, and this lies in it already.
    pub fn adopt(&mut self, limit: usize, segments: Vec<Segment>) {
        self.spool = Inventory::new(limit);
        segments.into_iter().for_each(|segment| self.spool.adopt(segment));
    }

    /// The destination is there: what has gathered goes at once.
    pub fn ready(&mut self) {
        self.ready = true;
        self.catch_up();
    }

    /// Sends all that waits, beside whatever else happens.
    fn catch_up(&mut self) {
        let waits = SignalKind::ALL.into_iter().any(|kind| self.waits(kind));
        if waits && self.drive.is_none_or(|drive| drive.probing) {
            self.drive = Some(BESIDE);
        }
    }

    /// Goes on with what a freeze interrupted.
    fn resume(&mut self) {
        if self.lanes.iter().any(Lane::is_failing) {
            self.probe();
        } else {
            self.catch_up();
        }
    }

    /// What is to be done in the spool, in this order.
    pub fn take_steps(&mut self) -> Vec<Step> {
        std::mem::take(&mut self.steps)
    }

    /// A segment could not be written, or not be read again: its records are lost.
    pub fn forget(&mut self, segment: Segment) {
        self.spool.remove(segment.number);
        let lane = &mut self.lanes[segment.kind as usize];
        if lane.in_flight == Some(Load::Spooled(segment)) {
            lane.in_flight = None;
        }
    }

    /// Bytes that wait in the buffer.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.buffer.pending().total_bytes()
    }

    /// Records that wait or are on their way, in memory.
    #[must_use]
    pub fn pending(&self, kind: SignalKind) -> u64 {
        let on_its_way = match self.lanes[kind as usize].in_flight {
            Some(Load::Memory { records, .. }) => records,
            Some(Load::Spooled(_)) | None => 0,
        };
        self.buffer.pending().records(kind) + on_its_way
    }

    /// Records that lie in the spool.
    #[must_use]
    pub fn spooled(&self, kind: SignalKind) -> u64 {
        self.spool.records(kind)
    }

    /// Whether anything of a kind is there to be sent.
    fn waits(&self, kind: SignalKind) -> bool {
        self.buffer.pending().records(kind) > 0 || self.spool.oldest(kind).is_some()
    }

    /// What became of a batch. `backoff` tells how long to wait after so many failures, and at most.
    pub fn shipped(
        &mut self,
        batch: Batch,
        outcome: Outcome,
        now: UnixNanos,
        backoff: impl Fn(u32, Duration) -> Duration,
    ) -> Accounted {
        let load = self.lanes[batch.kind as usize].in_flight.take();
        match outcome {
            Outcome::Delivered { rejected, message } => self.delivered(&batch, load, (rejected, &message), now),
            Outcome::Denied { why } | Outcome::Refused { why } => self.refused(&batch, load, &why, now),
            Outcome::Retry { after, why } => {
                // A wish to be asked again at once would make a loop of it.
                let wait = |failures| match after {
                    Some(after) => after.max(backoff(failures, LONGEST_UNANSWERED)),
                    None => backoff(failures, LONGEST),
                };
                let news = self.failed(batch.kind, now, &why, wait);
                self.lanes[batch.kind as usize].put_off = after.is_some();
                Accounted { dropped: self.keep(batch, load), news, ..Accounted::default() }
            }
            Outcome::NoAnswer { frozen, why } => {
                // After a freeze it says nothing about the backend: the next attempt may follow at once.
                let wait = |failures| backoff(failures, LONGEST_UNANSWERED);
                let news = if frozen { None } else { self.failed(batch.kind, now, &why, wait) };
                if !frozen {
                    self.pauses(batch.kind);
                }
                let dropped = self.keep(batch, load);
                if frozen {
                    self.resume();
                }
                Accounted { dropped, news, ..Accounted::default() }
            }
        }
    }

    fn delivered(
        &mut self,
        batch: &Batch,
        load: Option<Load>,
        (rejected, message): (u64, &str),
        now: UnixNanos,
    ) -> Accounted {
        self.unspool(load);
        let lane = &mut self.lanes[batch.kind as usize];
        let rejected = rejected.min(batch.records);
        let news = (rejected > 0 && !std::mem::replace(&mut lane.refused, rejected > 0))
            .then(|| format!("the backend rejected {rejected} records: {message}"));
        self.answers(batch.kind, now);
        let again = std::mem::take(&mut self.told).then(|| "the backend answers again".to_owned());
        Accounted { delivered: batch.records - rejected, rejected, news: news.or(again), ..Accounted::default() }
    }

    fn refused(&mut self, batch: &Batch, load: Option<Load>, why: &str, now: UnixNanos) -> Accounted {
        self.unspool(load);
        let lane = &mut self.lanes[batch.kind as usize];
        let news = (!std::mem::replace(&mut lane.refused, true)).then(|| format!("the backend refused: {why}"));
        self.answers(batch.kind, now);
        Accounted { refused: batch.records, news, ..Accounted::default() }
    }

    /// One more failure in a row; what is to be told of it.
    fn failed(
        &mut self,
        kind: SignalKind,
        now: UnixNanos,
        why: &str,
        wait: impl FnOnce(u32) -> Duration,
    ) -> Option<String> {
        let lane = &mut self.lanes[kind as usize];
        lane.failed(now, wait);
        let news = lane.is_failing() && !std::mem::replace(&mut self.told, true);
        news.then(|| format!("the backend does not answer, signals wait: {why}"))
    }

    fn unspool(&mut self, load: Option<Load>) {
        let segment = spooled(load).and_then(|segment| self.spool.remove(segment.number));
        self.steps.extend(segment.map(Step::Remove));
    }

    /// A batch is gone: the task that had it failed.
    pub fn lost(&mut self, kind: SignalKind) {
        let load = self.lanes[kind as usize].in_flight.take();
        self.unspool(load);
    }

    /// The environment ends: how many records of a kind have not been delivered. Nothing of them is kept.
    pub fn abandon(&mut self, kind: SignalKind) -> u64 {
        let mut records = self.pending(kind);
        self.lanes[kind as usize].in_flight = None;
        while self.buffer.take(Some(kind), usize::MAX).is_some() {}
        while let Some(segment) = self.spool.oldest(kind) {
            records += segment.records;
            self.spool.remove(segment.number);
            self.steps.push(Step::Remove(segment));
        }
        records
    }

    /// The process ends, the environment does not: all that has not been delivered goes to the spool, `on_their_way` first.
    pub fn spill_all(&mut self, on_their_way: Vec<Batch>) {
        for lane in &mut self.lanes {
            lane.in_flight = None;
        }
        on_their_way.into_iter().for_each(|batch| self.spill(batch));
        while let Some(batch) = self.buffer.take(None, SEGMENT_BYTES) {
            self.spill(batch);
        }
    }

    /// Whether there is a spool.
    #[must_use]
    pub const fn has_spool(&self) -> bool {
        self.spool.takes(1)
    }
}

const fn spooled(load: Option<Load>) -> Option<Segment> {
    match load {
        Some(Load::Spooled(segment)) => Some(segment),
        Some(Load::Memory { .. }) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Packed, Signal, pack};
    use opentelemetry_proto::tonic::{
        common::v1::KeyValue,
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        trace::v1::{ResourceSpans, ScopeSpans, Span},
    };

    const SECOND: UnixNanos = 1_000_000_000;
    const MILLISECOND: UnixNanos = 1_000_000;
    const T: UnixNanos = 1_000 * SECOND;
    const LOGS: SignalKind = SignalKind::Logs;

    fn line() -> Packed {
        let log_records = vec![LogRecord { time_unix_nano: T, ..LogRecord::default() }];
        let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
        pack(Signal::Logs(ResourceLogs { scope_logs, ..ResourceLogs::default() })).remove(0)
    }

    fn span() -> Packed {
        let scope_spans = vec![ScopeSpans { spans: vec![Span::default()], ..ScopeSpans::default() }];
        pack(Signal::Traces(ResourceSpans { scope_spans, ..ResourceSpans::default() })).remove(0)
    }

    impl Cargo {
        fn batch(self) -> Batch {
            match self {
                Self::Batch(batch) => batch,
                Self::Spooled(segment) => panic!("{segment:?} lies in the spool"),
            }
        }
    }

    fn with_a_line() -> Dispatch {
        let mut dispatch = Dispatch::new(1 << 20, Duration::from_secs(5));
        dispatch.ready();
        assert_eq!(dispatch.push(line()).total(), 0);
        dispatch
    }

    fn fail(dispatch: &mut Dispatch, batch: Batch, now: UnixNanos) -> Accounted {
        let outcome = Outcome::Retry { after: None, why: "refused".into() };
        dispatch.shipped(batch, outcome, now, |failures, _| Duration::from_secs(failures.into()))
    }

    fn deliver(dispatch: &mut Dispatch, batch: Batch) -> Accounted {
        let outcome = Outcome::Delivered { rejected: 0, message: String::new() };
        dispatch.shipped(batch, outcome, T, |_, _| unreachable!("nothing failed"))
    }

    /// A backend that has failed twice, so that nobody waits for it.
    fn failing() -> Dispatch {
        let mut dispatch = with_a_line();
        dispatch.send(T + 9 * SECOND, false);
        let first = dispatch.ship(T).unwrap().cargo.batch();
        fail(&mut dispatch, first, T);
        let second = dispatch.ship(T + SECOND).unwrap().cargo.batch();
        let accounted = fail(&mut dispatch, second, T + SECOND);
        assert_eq!(accounted.news.as_deref(), Some("the backend does not answer, signals wait: refused"));
        assert!(dispatch.has_settled(T + SECOND));
        dispatch
    }

    #[test]
    fn a_probe_of_one_lane_wakes_nobody_for_another_that_failed_once() {
        let mut dispatch = failing();
        dispatch.push(span());
        dispatch.send(T + 60 * SECOND, false);
        let traces = dispatch.ship(T + SECOND).unwrap().cargo.batch();
        assert_eq!(traces.kind, SignalKind::Traces);
        fail(&mut dispatch, traces, T + SECOND);
        dispatch.drive = None;
        dispatch.probe();
        let probe = dispatch.ship(T + 4 * SECOND).unwrap().cargo.batch();
        assert_eq!(probe.kind, LOGS);
        assert!(dispatch.ship(T + 4 * SECOND).is_none() && !dispatch.has_settled(T + 4 * SECOND));
        let wake = dispatch.wake_at();
        assert!(wake.is_none_or(|at| at > T + 4 * SECOND), "a time that has passed would stay in the past: {wake:?}");
    }

    #[test]
    fn a_time_at_which_nothing_went_wakes_nobody_again() {
        let mut dispatch = with_a_line();
        dispatch.push(span());
        dispatch.send(T + SECOND, false);
        let [logs, _traces] = [0, 1].map(|_| dispatch.ship(T).unwrap().cargo.batch());
        let later = T + 600 * MILLISECOND;
        fail(&mut dispatch, logs, T);
        dispatch.lanes[LOGS as usize].retry_at = later;
        dispatch.lanes[LOGS as usize].latency = Duration::from_millis(150);
        assert_eq!(dispatch.wake_at(), Some(later));
        let too_late = later + 150 * MILLISECOND;
        assert!(dispatch.ship(too_late).is_none() && !dispatch.has_settled(too_late), "the traces are waited for");
        assert_eq!(dispatch.wake_at(), None, "it would wake the loop at once, again and again");
    }

    #[test]
    fn nothing_goes_before_it_is_told_to_and_one_batch_of_a_kind_at_a_time() {
        let mut dispatch = with_a_line();
        assert!(dispatch.ship(T).is_none());
        dispatch.send(T + SECOND, false);
        let Shipment { cargo, timeout } = dispatch.ship(T).unwrap();
        let first = cargo.batch();
        assert_eq!((first.records, timeout), (1, Duration::from_millis(950)));
        dispatch.push(line());
        assert!(dispatch.ship(T).is_none() && !dispatch.has_settled(T));
        assert_eq!(dispatch.pending(LOGS), 2);
        assert_eq!(deliver(&mut dispatch, first).delivered, 1);
        let second = dispatch.ship(T).unwrap().cargo.batch();
        deliver(&mut dispatch, second);
        assert!(dispatch.has_settled(T) && !dispatch.has_settled(T));
        assert_eq!(dispatch.pending(LOGS), 0);
    }

    #[test]
    fn a_first_failure_is_waited_for_and_tried_again() {
        let mut dispatch = with_a_line();
        dispatch.send(T + 9 * SECOND, false);
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        assert_eq!(fail(&mut dispatch, batch, T).news, None);
        assert!(!dispatch.has_settled(T));
        assert_eq!(dispatch.wake_at(), Some(T + SECOND));
        assert!(dispatch.ship(T).is_none());
        assert!(dispatch.ship(T + SECOND).is_some());
    }

    #[test]
    fn the_first_flush_waits_for_secrets_and_what_has_gathered_goes_when_they_are_known() {
        let mut dispatch = with_a_line();
        dispatch.hold_back(LOGS);
        dispatch.send(T + 2 * SECOND, false);
        assert!(dispatch.ship(T).is_none() && !dispatch.has_settled(T));
        dispatch.let_go(LOGS);
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        deliver(&mut dispatch, batch);
        assert!(dispatch.has_settled(T) && !dispatch.holds_back());
        let mut between = with_a_line();
        between.hold_back(LOGS);
        between.let_go(LOGS);
        assert!(between.ship(T).is_some(), "nobody had to come for it");
    }

    #[test]
    fn secrets_that_were_waited_for_in_vain_or_cannot_be_had_hold_nobody_again() {
        let mut in_vain = with_a_line();
        in_vain.hold_back(LOGS);
        in_vain.send(T + 2 * SECOND, false);
        assert!(in_vain.has_settled(T + 2 * SECOND));
        let mut missing = with_a_line();
        missing.hold_back(LOGS);
        missing.secrets_are_missing();
        for dispatch in [&mut in_vain, &mut missing] {
            dispatch.send(T + 9 * SECOND, false);
            assert!(dispatch.ship(T + 3 * SECOND).is_none() && dispatch.has_settled(T + 3 * SECOND));
            dispatch.asking_for_secrets();
            dispatch.send(T + 9 * SECOND, false);
            assert!(dispatch.has_settled(T + 4 * SECOND), "asking again holds nobody");
            assert_eq!((dispatch.pending(LOGS), dispatch.wake_at()), (1, None));
        }
    }

    #[test]
    fn the_end_waits_for_secrets_only_while_they_are_asked_for() {
        let mut dispatch = with_a_line();
        dispatch.hold_back(LOGS);
        dispatch.secrets_are_missing();
        dispatch.asking_for_secrets();
        dispatch.send(T + 2 * SECOND, true);
        assert!(!dispatch.has_settled(T));
        dispatch.secrets_are_missing();
        assert!(dispatch.has_settled(T));
    }

    #[test]
    fn a_kind_that_needs_no_secret_goes_beside_one_that_waits() {
        let mut dispatch = with_a_line();
        dispatch.push(span());
        dispatch.hold_back(LOGS);
        dispatch.send(T + 2 * SECOND, false);
        assert_eq!(dispatch.ship(T).unwrap().cargo.batch().kind, SignalKind::Traces);
        assert!(dispatch.ship(T).is_none());
    }

    #[test]
    fn a_backoff_beyond_the_time_given_is_not_waited_for() {
        let mut dispatch = with_a_line();
        dispatch.send(T + SECOND, false);
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        fail(&mut dispatch, batch, T);
        assert!(dispatch.has_settled(T));
    }

    #[test]
    fn a_failing_backend_holds_nobody_and_is_probed_once_per_backoff() {
        let mut dispatch = failing();
        dispatch.send(T + 9 * SECOND, false);
        assert!(dispatch.ship(T + 2 * SECOND).is_none() && dispatch.has_settled(T + 2 * SECOND));
        dispatch.probe();
        let probe = dispatch.ship(T + 4 * SECOND).unwrap().cargo.batch();
        dispatch.send(T + 9 * SECOND, false);
        assert!(dispatch.has_settled(T + 4 * SECOND), "nobody waits for a probe");
        let accounted = deliver(&mut dispatch, probe);
        assert_eq!((accounted.delivered, accounted.news.as_deref()), (1, Some("the backend answers again")));
    }

    #[test]
    fn a_probe_that_fails_is_followed_by_the_next_one_after_its_backoff() {
        let mut dispatch = failing();
        dispatch.probe();
        for nth in 1..4 {
            let now = T + nth * 10 * SECOND;
            let probe = dispatch.ship(now).unwrap().cargo.batch();
            fail(&mut dispatch, probe, now);
            assert!(dispatch.ship(now + SECOND).is_none() && !dispatch.has_settled(now + SECOND));
            assert_eq!(dispatch.wake_at(), Some(now + (nth + 2) * SECOND));
        }
    }

    #[test]
    fn a_probe_that_a_freeze_interrupted_is_followed_by_another_at_once() {
        let mut dispatch = failing();
        dispatch.probe();
        let probe = dispatch.ship(T + 4 * SECOND).unwrap().cargo.batch();
        dispatch.send(T + 5 * SECOND, false);
        assert!(dispatch.has_settled(T + 4 * SECOND));
        let outcome = Outcome::NoAnswer { frozen: true, why: "silent".into() };
        dispatch.shipped(probe, outcome, T + 600 * SECOND, |_, _| unreachable!("it is no failure"));
        assert!(dispatch.ship(T + 600 * SECOND).is_some());
    }

    #[test]
    fn at_the_last_chance_a_request_that_hangs_is_given_up_for_another() {
        let mut dispatch = with_a_line();
        dispatch.send(UnixNanos::MAX, false);
        assert!(dispatch.ship(T).is_some());
        dispatch.last_chance_begins(T + 1);
        dispatch.send(T + 2 * SECOND, true);
        assert_eq!((dispatch.give_up_stale(T + 1), dispatch.wake_at()), (vec![], Some(T + SECOND / 2)));
        assert_eq!((dispatch.give_up_stale(T + SECOND), dispatch.wake_at()), (vec![LOGS], None));
        dispatch.push(span());
        assert!(dispatch.ship(T + SECOND).is_some());
        assert_eq!(dispatch.give_up_stale(T + 9 * SECOND), [], "a request of the last chance has its time");
    }

    /// Logs and traces that have failed, both with something to send.
    fn both_failing() -> Dispatch {
        let mut dispatch = failing();
        dispatch.push(span());
        dispatch.send(UnixNanos::MAX, true);
        for now in [T + SECOND, T + 9 * SECOND] {
            for _ in 0..2 {
                let batch = dispatch.ship(now).unwrap().cargo.batch();
                fail(&mut dispatch, batch, now);
            }
        }
        dispatch.drive = None;
        dispatch
    }

    fn silent(dispatch: &mut Dispatch, batch: Batch, now: UnixNanos) {
        let outcome = Outcome::NoAnswer { frozen: false, why: "silent".into() };
        dispatch.shipped(batch, outcome, now, |_, _| Duration::from_secs(1));
    }

    #[test]
    fn of_kinds_that_go_one_way_one_asks_at_a_time_in_turn_and_its_answer_lets_all_go() {
        let mut dispatch = both_failing();
        dispatch.probe();
        let now = T + 20 * SECOND;
        let first = dispatch.ship(now).unwrap().cargo.batch();
        assert_eq!(first.kind, LOGS);
        assert!(dispatch.ship(now).is_none() && dispatch.wake_at() == Some(now + SECOND), "it is known by then");
        silent(&mut dispatch, first, now + SECOND / 2);
        assert!(dispatch.ship(now + SECOND).is_none(), "one backoff is all kinds' backoff");
        let later = now + 3 * SECOND / 2;
        let second = dispatch.ship(later).unwrap().cargo.batch();
        assert_eq!(second.kind, SignalKind::Traces);
        assert!(dispatch.ship(later).is_none());
        deliver(&mut dispatch, second);
        assert_eq!(dispatch.ship(later).unwrap().cargo.batch().kind, LOGS);
    }

    #[test]
    fn an_answer_that_wants_nothing_of_a_batch_lets_the_others_go_too() {
        let mut dispatch = both_failing();
        dispatch.probe();
        let now = T + 20 * SECOND;
        let logs = dispatch.ship(now).unwrap().cargo.batch();
        dispatch.shipped(logs, Outcome::Refused { why: "400".into() }, now, |_, _| Duration::ZERO);
        assert_eq!(dispatch.ship(now).unwrap().cargo.batch().kind, SignalKind::Traces);
    }

    #[test]
    fn kinds_that_go_different_ways_ask_each_for_itself() {
        let mut dispatch = both_failing();
        dispatch.go([LOGS, SignalKind::Traces, LOGS]);
        dispatch.probe();
        let now = T + 20 * SECOND;
        let [logs, traces] = [0, 1].map(|_| dispatch.ship(now).unwrap().cargo.batch());
        deliver(&mut dispatch, logs);
        fail(&mut dispatch, traces, now);
        assert!(dispatch.ship(now + SECOND / 2).is_none(), "what answers logs says nothing of where traces go");
    }

    #[test]
    fn a_request_that_has_hung_since_before_another_kinds_answer_gets_a_moment_more_and_is_followed_at_once() {
        let mut dispatch = both_failing();
        let now = T + 20 * SECOND;
        // One that may take long: the others do not wait for it.
        dispatch.lanes[LOGS as usize].probes = 8;
        dispatch.probe();
        let logs = dispatch.ship(now).unwrap().cargo.batch();
        let traces = dispatch.ship(now + SECOND).unwrap().cargo.batch();
        assert_eq!((logs.kind, traces.kind), (LOGS, SignalKind::Traces));
        let answer = Outcome::Delivered { rejected: 0, message: String::new() };
        let answered_at = now + SECOND + 20 * MILLISECOND;
        dispatch.shipped(traces, answer, answered_at, |_, _| unreachable!("nothing failed"));
        assert_eq!(dispatch.give_up_stale(answered_at), [], "it may be about to be answered, too");
        let later = answered_at + 80 * MILLISECOND;
        assert_eq!((dispatch.wake_at(), dispatch.give_up_stale(later)), (Some(later), vec![LOGS]));
        fail(&mut dispatch, logs, later);
        assert_eq!(dispatch.ship(later).unwrap().cargo.batch().kind, LOGS);
        assert_eq!(dispatch.give_up_stale(later + SECOND / 2), [], "the new one has its time");
    }

    #[test]
    fn what_goes_once_the_backend_is_back_has_its_time_whichever_is_answered_first() {
        let mut dispatch = both_failing();
        dispatch.go([LOGS; 3]);
        dispatch.probe();
        let now = T + 20 * SECOND;
        let probe = dispatch.ship(now).unwrap().cargo.batch();
        dispatch.push(line());
        let answer = || Outcome::Delivered { rejected: 0, message: String::new() };
        dispatch.shipped(probe, answer(), now + 1, |_, _| unreachable!("nothing failed"));
        let [logs, traces] = [1, 2].map(|after| dispatch.ship(now + after).unwrap().cargo.batch());
        assert_eq!((logs.kind, traces.kind), (LOGS, SignalKind::Traces));
        // Had it been answered first, the traces would still have their time, and the other way round.
        dispatch.lanes[LOGS as usize].failures = 2;
        dispatch.lanes[LOGS as usize].freed = true;
        dispatch.shipped(traces, answer(), now + 3, |_, _| unreachable!("nothing failed"));
        assert_eq!(dispatch.give_up_stale(now + 3 * SECOND), [], "the logs may be many");
    }

    #[test]
    fn a_backend_that_names_a_time_holds_no_invocation_for_it_and_is_asked_then() {
        let named = |dispatch: &mut Dispatch, after| {
            let batch = dispatch.ship(T).unwrap().cargo.batch();
            let outcome = Outcome::Retry { after: Some(after), why: "429".into() };
            dispatch.shipped(batch, outcome, T, |_, _| Duration::from_millis(1));
        };
        let mut held = with_a_line();
        held.send(T + 2 * SECOND, false);
        named(&mut held, Duration::from_secs(1));
        assert!(held.has_settled(T));
        held.send(T + 2 * SECOND, false);
        assert!(held.has_settled(T + SECOND / 2) && held.ship(T + SECOND / 2).is_none(), "nor the next");
        held.send(T + 2 * SECOND, false);
        assert!(held.ship(T + SECOND).is_some(), "its time has come");
        let mut soon = with_a_line();
        soon.send(T + 2 * SECOND, false);
        named(&mut soon, Duration::from_millis(80));
        assert!(!soon.has_settled(T), "that is no longer than a round trip");
        let mut beside = with_a_line();
        beside.send(UnixNanos::MAX, false);
        named(&mut beside, Duration::from_secs(1));
        assert_eq!(
            (beside.has_settled(T), beside.wake_at()),
            (false, Some(T + SECOND)),
            "beside, it costs nobody anything"
        );
        let mut last = with_a_line();
        last.send(T + 2 * SECOND, true);
        named(&mut last, Duration::from_secs(1));
        assert!(!last.has_settled(T), "there is no later");
    }

    #[test]
    fn a_probe_that_hangs_is_given_up_for_another_except_the_eighth() {
        let mut dispatch = failing();
        for nth in 1..=8 {
            let now = T + nth * 10 * SECOND;
            dispatch.probe();
            let probe = dispatch.ship(now).unwrap().cargo.batch();
            let (soon, later) = (dispatch.give_up_stale(now + SECOND / 2), dispatch.give_up_stale(now + SECOND));
            assert_eq!((soon, later), (vec![], if nth < 8 { vec![LOGS] } else { vec![] }), "probe {nth}");
            let outcome = Outcome::NoAnswer { frozen: true, why: "given up".into() };
            dispatch.shipped(probe, outcome, now + SECOND, |_, _| unreachable!("it is no failure"));
        }
    }

    #[test]
    fn a_backend_that_was_waited_for_in_vain_is_failing_at_once() {
        let mut dispatch = with_a_line();
        dispatch.send(T + SECOND, false);
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        assert!(fail(&mut dispatch, batch, T + SECOND).news.is_some());
        dispatch.has_settled(T + SECOND);
        dispatch.send(T + 9 * SECOND, false);
        assert!(dispatch.has_settled(T + 2 * SECOND));
    }

    #[test]
    fn a_request_that_outlives_the_hold_is_waited_for_once() {
        let mut dispatch = with_a_line();
        dispatch.send(UnixNanos::MAX, false);
        assert!(dispatch.ship(T).is_some());
        dispatch.send(T + SECOND, false);
        assert!(!dispatch.has_settled(T));
        assert!(dispatch.has_settled(T + SECOND));
        dispatch.push(line());
        dispatch.send(T + 9 * SECOND, false);
        assert!(dispatch.has_settled(T + 2 * SECOND), "it still hangs, and nobody waits again");
    }

    #[test]
    fn a_drive_that_was_slept_through_says_nothing_about_the_backend() {
        let mut dispatch = with_a_line();
        dispatch.send(T + SECOND, false);
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        assert!(dispatch.has_settled(T + 600 * SECOND));
        let outcome = Outcome::NoAnswer { frozen: true, why: "reset".into() };
        dispatch.shipped(batch, outcome, T + 600 * SECOND, |_, _| unreachable!("it is no failure"));
        dispatch.send(T + 602 * SECOND, false);
        assert!(dispatch.ship(T + 600 * SECOND).is_some(), "it is tried again at once");
        assert!(!dispatch.has_settled(T + 600 * SECOND), "and waited for");
    }

    #[test]
    fn without_a_destination_signals_wait_and_no_invocation_does() {
        let mut dispatch = Dispatch::new(1 << 20, Duration::from_secs(5));
        dispatch.push(line());
        dispatch.send(T + SECOND, false);
        assert!(dispatch.ship(T).is_none() && dispatch.has_settled(T));
        dispatch.send(T + SECOND, true);
        assert!(!dispatch.has_settled(T), "a shutdown waits for it");
        dispatch.ready();
        assert!(dispatch.ship(T).is_some());
    }

    #[test]
    fn once_the_destination_is_there_what_has_gathered_goes_at_once() {
        let mut dispatch = Dispatch::new(1 << 20, Duration::from_secs(5));
        dispatch.push(line());
        dispatch.ready();
        assert!(dispatch.ship(T).is_some());
    }

    #[test]
    fn the_first_answer_to_a_probe_sends_the_backlog_and_the_lanes_share_one_fate() {
        let mut dispatch = failing();
        dispatch.push(span());
        for _ in 0..9000 {
            dispatch.push(line());
        }
        dispatch.probe();
        let Shipment { cargo, timeout } = dispatch.ship(T + 4 * SECOND).unwrap();
        let probe = cargo.batch();
        assert!(probe.bytes <= 64 << 10 && timeout == Duration::from_secs(1), "little is risked: {timeout:?}");
        assert!(dispatch.ship(T + 4 * SECOND).is_none(), "traces are not failing, and not probed");
        deliver(&mut dispatch, probe);
        assert!(dispatch.ship(T + 4 * SECOND).unwrap().cargo.batch().records > 1000);
        assert_eq!(dispatch.ship(T + 4 * SECOND).unwrap().cargo.batch().kind, SignalKind::Traces);
    }

    #[test]
    fn a_lane_without_an_answer_since_another_fails_is_not_waited_for_until_it_has_one() {
        let mut dispatch = with_a_line();
        dispatch.push(span());
        dispatch.send(UnixNanos::MAX, false);
        let [logs, traces] = [0, 1].map(|_| dispatch.ship(T).unwrap().cargo.batch());
        deliver(&mut dispatch, traces);
        fail(&mut dispatch, logs, T + SECOND);
        let logs = dispatch.ship(T + 2 * SECOND).unwrap().cargo.batch();
        fail(&mut dispatch, logs, T + 2 * SECOND);
        dispatch.push(span());
        dispatch.send(T + 9 * SECOND, false);
        let traces = dispatch.ship(T + 3 * SECOND).unwrap().cargo.batch();
        assert!(dispatch.has_settled(T + 3 * SECOND), "its last answer is older than the trouble");
        let outcome = Outcome::Delivered { rejected: 0, message: String::new() };
        dispatch.shipped(traces, outcome, T + 3 * SECOND, |_, _| Duration::ZERO);
        dispatch.push(span());
        dispatch.send(T + 9 * SECOND, false);
        assert!(dispatch.ship(T + 3 * SECOND).is_some());
        assert!(!dispatch.has_settled(T + 3 * SECOND), "it has an endpoint of its own, and works");
    }

    #[test]
    fn a_kind_that_was_never_delivered_is_not_waited_for_where_others_fail() {
        let mut dispatch = failing();
        dispatch.push(span());
        dispatch.send(T + 9 * SECOND, false);
        assert!(dispatch.ship(T + 2 * SECOND).is_some(), "it is tried all the same");
        assert!(dispatch.has_settled(T + 2 * SECOND));
    }

    #[test]
    fn a_healthy_backend_is_not_probed() {
        let mut dispatch = with_a_line();
        dispatch.probe();
        assert!(dispatch.ship(T).is_none() && !dispatch.has_settled(T));
    }

    #[test]
    fn at_the_last_chance_even_a_failing_backend_is_tried_until_the_time_is_up() {
        let mut dispatch = failing();
        let now = T + 2 * SECOND;
        dispatch.send(now + 3 * SECOND, true);
        for after in [0, 1] {
            let batch = dispatch.ship(now + after * SECOND).unwrap().cargo.batch();
            fail(&mut dispatch, batch, now + after * SECOND);
        }
        assert!(dispatch.has_settled(now + SECOND), "the next backoff ends with the time");
        assert_eq!((dispatch.abandon(LOGS), dispatch.pending(LOGS)), (1, 0));
    }

    /// A dispatch with a small buffer and a spool, into which so many lines of 1 KiB have been pushed; what it did in the spool.
    fn overflowing(lines: u64, spool: usize) -> (Dispatch, Vec<Step>) {
        let mut dispatch = Dispatch::new(64 << 10, Duration::from_secs(5));
        dispatch.adopt(spool, Vec::new());
        for _ in 0..lines {
            assert_eq!(dispatch.push(long_line()).total(), 0);
        }
        let steps = dispatch.take_steps();
        (dispatch, steps)
    }

    fn long_line() -> Packed {
        Packed { kind: LOGS, records: 1, bytes: vec![0; 1 << 10].into() }
    }

    /// Records that were written, and that were evicted.
    fn moved(steps: &[Step]) -> (u64, u64) {
        steps.iter().fold((0, 0), |(written, evicted), step| match step {
            Step::Write(segment, batch) => {
                assert_eq!((segment.records, segment.bytes), (batch.records, batch.bytes));
                (written + segment.records, evicted)
            }
            Step::Evict(segment) => (written, evicted + segment.records),
            Step::Lose(batch) => (written, evicted + batch.records),
            Step::Remove(segment) => panic!("{segment:?} was delivered to nobody"),
        })
    }

    #[test]
    fn what_the_buffer_cannot_hold_goes_to_the_spool_and_is_sent_first() {
        let (mut dispatch, steps) = overflowing(100, 1 << 20);
        let (written, evicted) = moved(&steps);
        assert_eq!((written + dispatch.pending(LOGS), evicted, dispatch.spooled(LOGS)), (100, 0, written));
        assert!(written >= 36, "{written}");
        dispatch.ready();
        let Cargo::Spooled(segment) = dispatch.ship(T).unwrap().cargo else { panic!("the oldest comes first") };
        assert_eq!(moved(&dispatch.take_steps()), (16, 0), "what waits makes room for it in memory");
        let Some(Step::Write(_, batch)) = steps.into_iter().next() else { panic!("it was written") };
        fail(&mut dispatch, batch.clone(), T);
        assert_eq!((dispatch.spooled(LOGS), dispatch.take_steps().len()), (written + 16, 0), "it lies where it was");
        dispatch.ship(T + 2 * SECOND).unwrap();
        assert_eq!(deliver(&mut dispatch, batch).delivered, segment.records);
        assert!(matches!(dispatch.take_steps()[..], [Step::Remove(removed)] if removed == segment));
    }

    #[test]
    fn a_record_keeps_its_id_when_it_comes_back_and_when_it_is_spooled() {
        let id = KeyValue { key: "log.record.uid".to_owned(), ..KeyValue::default() };
        let record = LogRecord { attributes: vec![id], time_unix_nano: T, ..LogRecord::default() };
        let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
        let signal = Signal::Logs(ResourceLogs { scope_logs, ..ResourceLogs::default() });
        let mut dispatch = Dispatch::new(64 << 10, Duration::from_secs(5));
        dispatch.adopt(1 << 20, Vec::new());
        dispatch.ready();
        pack(signal.clone()).into_iter().for_each(|piece| assert_eq!(dispatch.push(piece).total(), 0));
        dispatch.send(UnixNanos::MAX, false);
        for now in [T, T + SECOND] {
            let batch = dispatch.ship(now).unwrap().cargo.batch();
            assert_eq!(batch.signals().unwrap(), std::slice::from_ref(&signal));
            fail(&mut dispatch, batch, now);
        }
        dispatch.spill_all(Vec::new());
        let [Step::Write(_, batch)] = &dispatch.take_steps()[..] else { panic!("it is written") };
        assert_eq!(batch.signals().unwrap(), [signal]);
    }

    #[test]
    fn what_the_spool_cannot_hold_is_dropped_oldest_first() {
        let (dispatch, steps) = overflowing(400, 128 << 10);
        let (written, evicted) = moved(&steps);
        assert_eq!(written - evicted, dispatch.spooled(LOGS));
        assert_eq!(evicted + dispatch.spooled(LOGS) + dispatch.pending(LOGS), 400);
        assert!(dispatch.spooled(LOGS) <= 128 && evicted > 200, "{evicted}");
    }

    #[test]
    fn a_batch_that_comes_back_and_finds_no_room_is_spooled() {
        let (mut dispatch, _) = overflowing(60, 1 << 20);
        dispatch.ready();
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        assert_eq!(batch.records, 16, "a quarter at once");
        (0..4).for_each(|_| assert_eq!(dispatch.push(long_line()).total(), 0));
        fail(&mut dispatch, batch, T);
        assert_eq!((moved(&dispatch.take_steps()), dispatch.pending(LOGS)), ((0, 0), 64), "there is just room");
        let batch = dispatch.ship(T + 2 * SECOND).unwrap().cargo.batch();
        assert_eq!(dispatch.leave_room(64 << 10).total(), 0);
        assert_eq!((moved(&dispatch.take_steps()), dispatch.pending(LOGS)), ((48, 0), 16));
        fail(&mut dispatch, batch, T + 2 * SECOND);
        assert_eq!((moved(&dispatch.take_steps()), dispatch.pending(LOGS)), ((16, 0), 0));
    }

    #[test]
    fn when_only_the_process_ends_everything_is_spooled_and_what_was_on_its_way_too() {
        let (mut dispatch, steps) = overflowing(100, 1 << 20);
        let before = moved(&steps).0;
        dispatch.adopt(1 << 20, Vec::new());
        dispatch.ready();
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        dispatch.push(long_line());
        dispatch.spill_all(vec![batch]);
        assert_eq!(moved(&dispatch.take_steps()), (101 - before, 0));
        assert_eq!((dispatch.pending(LOGS), dispatch.spooled(LOGS)), (0, 101 - before));
    }

    #[test]
    fn what_was_adopted_is_sent_and_a_file_that_is_gone_is_forgotten() {
        let segment = |number| Segment { number, kind: LOGS, records: 7, bytes: 100 };
        let mut dispatch = Dispatch::new(64 << 10, Duration::from_secs(5));
        dispatch.adopt(1 << 20, vec![segment(3), segment(4)]);
        dispatch.ready();
        assert!(matches!(dispatch.ship(T).unwrap().cargo, Cargo::Spooled(first) if first == segment(3)));
        dispatch.forget(segment(3));
        assert!(matches!(dispatch.ship(T).unwrap().cargo, Cargo::Spooled(second) if second == segment(4)));
        assert_eq!((dispatch.abandon(LOGS), dispatch.spooled(LOGS)), (7, 0));
    }

    #[test]
    fn nothing_is_sent_for_which_the_answer_would_come_too_late() {
        let mut dispatch = with_a_line();
        dispatch.send(T + SECOND, false);
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        let outcome = || Outcome::Delivered { rejected: 0, message: String::new() };
        dispatch.shipped(batch, outcome(), T + SECOND / 2, |_, _| unreachable!("it was delivered"));
        dispatch.push(line());
        dispatch.send(T + SECOND, false);
        assert!(dispatch.ship(T + SECOND / 2).is_none(), "it took half a second, and no more is left");
        assert!(dispatch.has_settled(T + SECOND / 2));
        dispatch.send(T + SECOND, true);
        assert!(dispatch.ship(T + SECOND / 2).is_some(), "but there is no later");
    }

    #[test]
    fn a_backend_that_wants_to_be_asked_at_once_is_not_asked_in_a_loop() {
        let mut dispatch = with_a_line();
        dispatch.send(UnixNanos::MAX, false);
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        let outcome = Outcome::Retry { after: Some(Duration::ZERO), why: "503".into() };
        dispatch.shipped(batch, outcome, T, |_, _| Duration::from_secs(1));
        assert!(dispatch.ship(T).is_none());
        assert_eq!(dispatch.wake_at(), Some(T + SECOND));
    }

    #[test]
    fn what_the_backend_will_never_take_is_told_once_and_counted_every_time() {
        let mut dispatch = with_a_line();
        dispatch.send(UnixNanos::MAX, false);
        let refused = Outcome::Refused { why: "401".into() };
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        let first = dispatch.shipped(batch, refused.clone(), T, |_, _| Duration::ZERO);
        assert_eq!((first.refused, first.news.as_deref()), (1, Some("the backend refused: 401")));
        dispatch.push(line());
        let batch = dispatch.ship(T).unwrap().cargo.batch();
        let second = dispatch.shipped(batch, refused, T, |_, _| Duration::ZERO);
        assert_eq!((second.refused, second.news), (1, None));
    }

    #[test]
    fn a_batch_whose_task_failed_is_on_its_way_no_longer() {
        let mut dispatch = with_a_line();
        dispatch.send(UnixNanos::MAX, false);
        assert!(dispatch.ship(T).is_some());
        dispatch.lost(LOGS);
        assert_eq!(dispatch.pending(LOGS), 0);
        assert!(dispatch.has_settled(T));
    }
}
