//! What is sent when, kind by kind: the buffer, what is on its way, and whether a failing backend is worth waiting for.
//!
//! Pure: the time is an argument, the sending itself is the driver's. Each kind has its own lane, as each may have its own
//! endpoint; a lane sends one batch at a time, so that order is kept and a slow backend gets no crowd.
//!
//! The breaker is in `Lane::is_failing`: a backend that failed twice in a row, or once for as long as it was waited for,
//! holds no invocation any more. It is tried beside the invocations, once per backoff, until it answers. A kind that has
//! never been delivered shares the others' fate: most backends are one.
//!
//! A kind whose secrets are not known is held back. The first flush waits for them as it would for the backend; once it has
//! waited in vain, or they could not be had, no invocation waits for them any more, and only the end waits for an attempt
//! that is on its way.

use std::time::Duration;

use crate::{
    buffer::{Buffer, DEFAULT_BATCH_BYTES, Dropped},
    flow::{Batch, Outcome, Packed, SignalKind, UnixNanos},
};

/// After so many failures in a row nobody waits for the backend.
const FAILING: u32 = 2;

/// A request ends so much before its drive does, so that its outcome is known before the environment may be frozen.
const MARGIN: UnixNanos = 50_000_000;

fn nanos(duration: Duration) -> UnixNanos {
    UnixNanos::try_from(duration.as_nanos()).unwrap_or(UnixNanos::MAX)
}

/// One batch to send, and how long it may take.
#[derive(Debug)]
pub struct Shipment {
    /// What.
    pub batch: Batch,
    /// The end of the request.
    pub timeout: Duration,
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

/// Why a lane sends nothing: its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeldBack {
    /// They are asked for, and nobody has waited in vain yet.
    Hoping,
    /// They are asked for, again or for too long.
    Asking,
    /// They are not asked for at the moment.
    Pausing,
}

#[derive(Debug, Default)]
struct Lane {
    held_back: Option<HeldBack>,
    /// Records on their way.
    in_flight: Option<u64>,
    /// When their request has used up its time.
    ends_at: UnixNanos,
    /// Failures in a row.
    failures: u32,
    /// Not before then.
    retry_at: UnixNanos,
    /// Whether anything has ever been delivered.
    proven: bool,
    /// Whether the last refusal has been told.
    refused: bool,
}

impl Lane {
    const fn is_failing(&self) -> bool {
        self.failures >= FAILING
    }
}

/// How the lanes are driven at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drive {
    until: UnixNanos,
    last_chance: bool,
    probing: bool,
}

/// The buffer and its lanes.
#[derive(Debug)]
pub struct Dispatch {
    buffer: Buffer,
    lanes: [Lane; 3],
    drive: Option<Drive>,
    /// Whether it has been told that the backend does not answer.
    told: bool,
    /// The longest that one request may take.
    timeout: Duration,
}

impl Dispatch {
    /// With a buffer of so many bytes, and requests that take no longer than `timeout`.
    #[must_use]
    pub fn new(limit_bytes: usize, timeout: Duration) -> Self {
        Self { buffer: Buffer::new(limit_bytes), lanes: Default::default(), drive: None, told: false, timeout }
    }

    /// Into the buffer; what had to make room is told.
    pub fn push(&mut self, piece: Packed) -> Dropped {
        self.buffer.push(piece)
    }

    /// Bytes that wait.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.buffer.pending().total_bytes()
    }

    /// Records that wait or are on their way.
    #[must_use]
    pub fn pending(&self, kind: SignalKind) -> u64 {
        self.buffer.pending().records(kind) + self.lanes[kind as usize].in_flight.unwrap_or(0)
    }

    /// Holds `kind` back: its secrets are being asked for, for the first time.
    pub fn hold_back(&mut self, kind: SignalKind) {
        self.lanes[kind as usize].held_back = Some(HeldBack::Hoping);
    }

    /// Lets `kind` go: its secrets are known.
    pub fn let_go(&mut self, kind: SignalKind) {
        self.lanes[kind as usize].held_back = None;
    }

    /// Secrets are being asked for: the first time there is hope, later the end alone waits for them.
    pub fn asking_for_secrets(&mut self) {
        self.hold_back_still(|held| if held == HeldBack::Pausing { HeldBack::Asking } else { held });
    }

    /// The secrets of the kinds that are held back could not be had; they are not being asked for at the moment.
    pub fn secrets_are_missing(&mut self) {
        self.hold_back_still(|_| HeldBack::Pausing);
    }

    fn hold_back_still(&mut self, change: impl Fn(HeldBack) -> HeldBack) {
        for held in self.lanes.iter_mut().filter_map(|lane| lane.held_back.as_mut()) {
            *held = change(*held);
        }
    }

    /// From now on, until everything is sent or the time has come, batches are to be had from [`Dispatch::ship`].
    pub fn send(&mut self, until: UnixNanos, last_chance: bool) {
        self.drive = Some(Drive { until, last_chance, probing: false });
        if last_chance {
            // Whatever the backoff was: there is no later.
            for lane in &mut self.lanes {
                (lane.failures, lane.retry_at) = (0, 0);
            }
        }
    }

    /// As [`Dispatch::send`], for lanes that have been failing.
    pub fn probe(&mut self) {
        if self.drive.is_none() && self.lanes.iter().any(Lane::is_failing) {
            self.drive = Some(Drive { until: UnixNanos::MAX, last_chance: false, probing: true });
        }
    }

    /// The next batch that may go now.
    pub fn ship(&mut self, now: UnixNanos) -> Option<Shipment> {
        let drive = self.drive.filter(|drive| drive.until > now)?;
        let kind = SignalKind::ALL.into_iter().find(|kind| self.may_ship(*kind, drive, now))?;
        let batch = self.buffer.take(Some(kind), DEFAULT_BATCH_BYTES)?;
        let left = Duration::from_nanos((drive.until - now).saturating_sub(MARGIN).max(1));
        let timeout = self.timeout.min(left);
        let lane = &mut self.lanes[kind as usize];
        lane.in_flight = Some(batch.records);
        lane.ends_at = now.saturating_add(nanos(timeout));
        Some(Shipment { batch, timeout })
    }

    fn may_ship(&self, kind: SignalKind, drive: Drive, now: UnixNanos) -> bool {
        let lane = &self.lanes[kind as usize];
        let wanted = lane.held_back.is_none() && (!drive.probing || lane.is_failing());
        wanted && lane.in_flight.is_none() && lane.retry_at <= now && self.buffer.pending().records(kind) > 0
    }

    /// What became of a batch. `backoff` tells how long to wait after so many failures.
    pub fn shipped(
        &mut self,
        batch: Batch,
        outcome: Outcome,
        now: UnixNanos,
        backoff: impl FnOnce(u32) -> Duration,
    ) -> Accounted {
        let lane = &mut self.lanes[batch.kind as usize];
        lane.in_flight = None;
        match outcome {
            Outcome::Delivered { rejected, message } => {
                let rejected = rejected.min(batch.records);
                let news = (rejected > 0 && !std::mem::replace(&mut lane.refused, rejected > 0))
                    .then(|| format!("the backend rejected {rejected} records: {message}"));
                (lane.failures, lane.retry_at, lane.proven) = (0, 0, true);
                let again = std::mem::take(&mut self.told).then(|| "the backend answers again".to_owned());
                Accounted {
                    delivered: batch.records - rejected,
                    rejected,
                    news: news.or(again),
                    ..Accounted::default()
                }
            }
            Outcome::Refused { why } => {
                let news = (!std::mem::replace(&mut lane.refused, true)).then(|| format!("the backend refused: {why}"));
                (lane.failures, lane.retry_at) = (0, 0);
                Accounted { refused: batch.records, news, ..Accounted::default() }
            }
            Outcome::Retry { after, why } => {
                let news = self.failed(batch.kind, after, now, backoff);
                let news = news.then(|| format!("the backend does not answer, signals wait: {why}"));
                Accounted { dropped: self.buffer.give_back(batch), news, ..Accounted::default() }
            }
        }
    }

    /// One more failure in a row; whether it is to be told.
    fn failed(
        &mut self,
        kind: SignalKind,
        after: Option<Duration>,
        now: UnixNanos,
        backoff: impl FnOnce(u32) -> Duration,
    ) -> bool {
        let lane = &mut self.lanes[kind as usize];
        let waited_in_vain = lane.ends_at <= now;
        lane.failures = if waited_in_vain { lane.failures.max(FAILING - 1) } else { lane.failures } + 1;
        let wait = after.unwrap_or_else(|| backoff(lane.failures));
        lane.retry_at = now.saturating_add(nanos(wait));
        lane.is_failing() && !std::mem::replace(&mut self.told, true)
    }

    /// A batch is gone: the task that had it failed.
    pub fn lost(&mut self, kind: SignalKind) {
        self.lanes[kind as usize].in_flight = None;
    }

    /// Whether all that could be sent has been sent: nobody needs to wait any longer. Told once for each drive.
    pub fn has_settled(&mut self, now: UnixNanos) -> bool {
        let Some(drive) = self.drive else { return false };
        let settled = SignalKind::ALL.into_iter().all(|kind| self.lane_has_settled(kind, drive, now));
        if settled {
            self.drive = None;
            self.lose_hope(drive, now);
        }
        settled
    }

    /// Whoever waited for secrets until `drive` ended waited in vain: the next one does not.
    fn lose_hope(&mut self, drive: Drive, now: UnixNanos) {
        let hoping = |lane: &&mut Lane| drive.until <= now && lane.held_back == Some(HeldBack::Hoping);
        for lane in self.lanes.iter_mut().filter(hoping) {
            lane.held_back = Some(HeldBack::Asking);
        }
    }

    fn lane_has_settled(&self, kind: SignalKind, drive: Drive, now: UnixNanos) -> bool {
        let lane = &self.lanes[kind as usize];
        let others_fail = !lane.proven && self.lanes.iter().any(Lane::is_failing);
        let waited_for = drive.last_chance || !(lane.is_failing() || others_fail);
        match lane.in_flight {
            _ if drive.until <= now => true,
            Some(_) => !waited_for,
            None if self.buffer.pending().records(kind) == 0 => true,
            None if lane.held_back == Some(HeldBack::Hoping) => drive.probing,
            None if lane.held_back == Some(HeldBack::Asking) => !drive.last_chance,
            None if lane.held_back.is_some() => true,
            None if lane.retry_at >= drive.until => true,
            None if drive.probing => !self.may_ship(kind, drive, now),
            None => lane.retry_at > now && !waited_for,
        }
    }

    /// When a lane that is waited for may be tried again.
    #[must_use]
    pub fn wake_at(&self) -> Option<UnixNanos> {
        let drive = self.drive?;
        let waits = |kind: &SignalKind| {
            let lane = &self.lanes[*kind as usize];
            lane.in_flight.is_none()
                && lane.held_back.is_none()
                && lane.retry_at > 0
                && self.buffer.pending().records(*kind) > 0
        };
        let retry_at = |kind: SignalKind| self.lanes[kind as usize].retry_at.min(drive.until);
        SignalKind::ALL.into_iter().filter(waits).map(retry_at).min()
    }

    /// Everything that has not been delivered: the environment ends.
    pub fn abandon(&mut self, kind: SignalKind) -> u64 {
        let mut records = self.lanes[kind as usize].in_flight.take().unwrap_or(0);
        while let Some(batch) = self.buffer.take(Some(kind), usize::MAX) {
            records += batch.records;
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Signal, pack};
    use opentelemetry_proto::tonic::{
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
        trace::v1::{ResourceSpans, ScopeSpans, Span},
    };

    const SECOND: UnixNanos = 1_000_000_000;
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

    fn with_a_line() -> Dispatch {
        let mut dispatch = Dispatch::new(1 << 20, Duration::from_secs(5));
        assert_eq!(dispatch.push(line()).total(), 0);
        dispatch
    }

    fn fail(dispatch: &mut Dispatch, batch: Batch, now: UnixNanos) -> Accounted {
        let outcome = Outcome::Retry { after: None, why: "refused".into() };
        dispatch.shipped(batch, outcome, now, |failures| Duration::from_secs(failures.into()))
    }

    fn deliver(dispatch: &mut Dispatch, batch: Batch) -> Accounted {
        let outcome = Outcome::Delivered { rejected: 0, message: String::new() };
        dispatch.shipped(batch, outcome, T, |_| unreachable!("nothing failed"))
    }

    /// A backend that has failed twice, so that nobody waits for it.
    fn failing() -> Dispatch {
        let mut dispatch = with_a_line();
        dispatch.send(T + 9 * SECOND, false);
        let first = dispatch.ship(T).unwrap().batch;
        fail(&mut dispatch, first, T);
        let second = dispatch.ship(T + SECOND).unwrap().batch;
        let accounted = fail(&mut dispatch, second, T + SECOND);
        assert_eq!(accounted.news.as_deref(), Some("the backend does not answer, signals wait: refused"));
        assert!(dispatch.has_settled(T + SECOND));
        dispatch
    }

    #[test]
    fn nothing_goes_before_it_is_told_to_and_one_batch_of_a_kind_at_a_time() {
        let mut dispatch = with_a_line();
        assert!(dispatch.ship(T).is_none());
        dispatch.send(T + SECOND, false);
        let shipment = dispatch.ship(T).unwrap();
        assert_eq!((shipment.batch.records, shipment.timeout), (1, Duration::from_millis(950)));
        dispatch.push(line());
        assert!(dispatch.ship(T).is_none() && !dispatch.has_settled(T));
        assert_eq!(dispatch.pending(LOGS), 2);
        assert_eq!(deliver(&mut dispatch, shipment.batch).delivered, 1);
        let second = dispatch.ship(T).unwrap().batch;
        deliver(&mut dispatch, second);
        assert!(dispatch.has_settled(T) && !dispatch.has_settled(T));
        assert_eq!(dispatch.pending(LOGS), 0);
    }

    #[test]
    fn a_first_failure_is_waited_for_and_tried_again() {
        let mut dispatch = with_a_line();
        dispatch.send(T + 9 * SECOND, false);
        let batch = dispatch.ship(T).unwrap().batch;
        assert_eq!(fail(&mut dispatch, batch, T).news, None);
        assert!(!dispatch.has_settled(T));
        assert_eq!(dispatch.wake_at(), Some(T + SECOND));
        assert!(dispatch.ship(T).is_none());
        assert!(dispatch.ship(T + SECOND).is_some());
    }

    #[test]
    fn a_backoff_beyond_the_time_given_is_not_waited_for() {
        let mut dispatch = with_a_line();
        dispatch.send(T + SECOND, false);
        let batch = dispatch.ship(T).unwrap().batch;
        fail(&mut dispatch, batch, T);
        assert!(dispatch.has_settled(T));
    }

    #[test]
    fn a_failing_backend_holds_nobody_and_is_probed_once_per_backoff() {
        let mut dispatch = failing();
        dispatch.send(T + 9 * SECOND, false);
        assert!(dispatch.ship(T + 2 * SECOND).is_none() && dispatch.has_settled(T + 2 * SECOND));
        dispatch.probe();
        let probe = dispatch.ship(T + 4 * SECOND).unwrap().batch;
        assert!(dispatch.has_settled(T + 4 * SECOND), "nobody waits for a probe");
        let accounted = deliver(&mut dispatch, probe);
        assert_eq!((accounted.delivered, accounted.news.as_deref()), (1, Some("the backend answers again")));
    }

    #[test]
    fn a_backend_that_was_waited_for_in_vain_is_failing_at_once() {
        let mut dispatch = with_a_line();
        dispatch.send(T + SECOND, false);
        let batch = dispatch.ship(T).unwrap().batch;
        assert!(fail(&mut dispatch, batch, T + SECOND).news.is_some());
        dispatch.has_settled(T + SECOND);
        dispatch.send(T + 9 * SECOND, false);
        assert!(dispatch.has_settled(T + 2 * SECOND));
    }

    #[test]
    fn the_first_flush_waits_for_secrets_and_goes_when_they_are_known() {
        let mut dispatch = with_a_line();
        dispatch.hold_back(LOGS);
        dispatch.send(T + 2 * SECOND, false);
        assert!(dispatch.ship(T).is_none() && !dispatch.has_settled(T));
        dispatch.let_go(LOGS);
        let batch = dispatch.ship(T).unwrap().batch;
        deliver(&mut dispatch, batch);
        assert!(dispatch.has_settled(T));
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
            assert_eq!(dispatch.pending(LOGS), 1);
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
        assert_eq!(dispatch.ship(T).unwrap().batch.kind, SignalKind::Traces);
        assert!(dispatch.ship(T).is_none());
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
            let batch = dispatch.ship(now + after * SECOND).unwrap().batch;
            fail(&mut dispatch, batch, now + after * SECOND);
        }
        assert!(dispatch.has_settled(now + SECOND), "the next backoff ends with the time");
        assert_eq!((dispatch.abandon(LOGS), dispatch.pending(LOGS)), (1, 0));
    }

    #[test]
    fn what_the_backend_will_never_take_is_told_once_and_counted_every_time() {
        let mut dispatch = with_a_line();
        dispatch.send(UnixNanos::MAX, false);
        let refused = Outcome::Refused { why: "401".into() };
        let batch = dispatch.ship(T).unwrap().batch;
        let first = dispatch.shipped(batch, refused.clone(), T, |_| Duration::ZERO);
        assert_eq!((first.refused, first.news.as_deref()), (1, Some("the backend refused: 401")));
        dispatch.push(line());
        let batch = dispatch.ship(T).unwrap().batch;
        let second = dispatch.shipped(batch, refused, T, |_| Duration::ZERO);
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
