//! What is sent when, kind by kind: the buffer, what is on its way, and whether a failing backend is worth waiting for.
//!
//! Pure: the time is an argument, the sending itself is the driver's. Each kind has its own lane, as each may have its own
//! endpoint; a lane sends one batch at a time, so that order is kept and a slow backend gets no crowd.
//!
//! The breaker: a lane that failed twice in a row, or once for as long as it was waited for, is failing, and holds no
//! invocation any more. It is probed beside the invocations, once per backoff and with little, until it answers; then all
//! that has gathered is sent at once. A lane that has not had an answer since another one began to fail shares its fate: most
//! backends are one, and each kind would have to find that out at the cost of an invocation of its own.

use std::time::Duration;

use crate::{
    buffer::{Buffer, DEFAULT_BATCH_BYTES, Dropped},
    export::retry::{LONGEST, LONGEST_UNANSWERED},
    flow::{Batch, Outcome, Packed, SignalKind, UnixNanos},
};

/// After so many failures in a row nobody waits for the backend.
const FAILING: u32 = 2;

/// A request ends so much before its drive does, so that its outcome is known before the environment may be frozen.
const MARGIN: UnixNanos = 50_000_000;

/// The most that is risked on a backend that has been failing.
const PROBE_BYTES: usize = 64 << 10;

/// The longest that a probe may take: while it hangs, nobody finds out that the backend is back.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Every so many probes one may take as long as any request: a backend that is only slow shows itself to it.
const PATIENT_PROBE: u32 = 8;

/// A drive that is over for longer has been slept through.
const LATE: UnixNanos = 1_000_000_000;

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

#[derive(Debug, Default)]
struct Lane {
    /// Records on their way.
    in_flight: Option<u64>,
    /// When their request has used up its time.
    ends_at: UnixNanos,
    /// Failures in a row.
    failures: u32,
    /// When it began to fail.
    failing_since: UnixNanos,
    /// When the backend last answered, whatever it said of the batch.
    answered_at: UnixNanos,
    /// Not before then.
    retry_at: UnixNanos,
    /// Whether the last refusal has been told.
    refused: bool,
}

impl Lane {
    const fn is_failing(&self) -> bool {
        self.failures >= FAILING
    }

    const fn answered(&mut self, now: UnixNanos) {
        (self.failures, self.retry_at, self.answered_at) = (0, 0, now);
    }
}

/// How the lanes are driven at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Drive {
    until: UnixNanos,
    last_chance: bool,
    probing: bool,
}

const BESIDE: Drive = Drive { until: UnixNanos::MAX, last_chance: false, probing: false };

/// The buffer and its lanes.
#[derive(Debug)]
pub struct Dispatch {
    buffer: Buffer,
    lanes: [Lane; 3],
    /// Whether there is a destination: until then signals wait, and no invocation does.
    ready: bool,
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
        let (buffer, lanes) = (Buffer::new(limit_bytes), Default::default());
        Self { buffer, lanes, ready: false, drive: None, told: false, timeout }
    }

    /// The destination is there: what has gathered goes at once.
    pub fn ready(&mut self) {
        self.ready = true;
        self.catch_up();
    }

    /// Sends all that waits, beside whatever else happens.
    fn catch_up(&mut self) {
        if self.pending_bytes() > 0 && self.drive.is_none_or(|drive| drive.probing) {
            self.drive = Some(BESIDE);
        }
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
            self.drive = Some(Drive { probing: true, ..BESIDE });
        }
    }

    /// The next batch that may go now.
    pub fn ship(&mut self, now: UnixNanos) -> Option<Shipment> {
        let drive = self.drive.filter(|drive| self.ready && drive.until > now)?;
        let kind = SignalKind::ALL.into_iter().find(|kind| self.may_ship(*kind, drive, now))?;
        let (bytes, timeout) = self.measure(kind, drive);
        let batch = self.buffer.take(Some(kind), bytes)?;
        let left = Duration::from_nanos((drive.until - now).saturating_sub(MARGIN).max(1));
        let timeout = timeout.min(left);
        let lane = &mut self.lanes[kind as usize];
        lane.in_flight = Some(batch.records);
        lane.ends_at = now.saturating_add(nanos(timeout));
        Some(Shipment { batch, timeout })
    }

    /// How much is sent at once, and how long it may take.
    fn measure(&self, kind: SignalKind, drive: Drive) -> (usize, Duration) {
        let lane = &self.lanes[kind as usize];
        match lane.is_failing() && !drive.last_chance {
            true if lane.failures % PATIENT_PROBE == 0 => (PROBE_BYTES, self.timeout),
            true => (PROBE_BYTES, self.timeout.min(PROBE_TIMEOUT)),
            false => (DEFAULT_BATCH_BYTES, self.timeout),
        }
    }

    fn may_ship(&self, kind: SignalKind, drive: Drive, now: UnixNanos) -> bool {
        let lane = &self.lanes[kind as usize];
        let wanted = !drive.probing || lane.is_failing();
        wanted && lane.in_flight.is_none() && lane.retry_at <= now && self.buffer.pending().records(kind) > 0
    }

    /// What became of a batch. `backoff` tells how long to wait after so many failures, and at most.
    pub fn shipped(
        &mut self,
        batch: Batch,
        outcome: Outcome,
        now: UnixNanos,
        backoff: impl FnOnce(u32, Duration) -> Duration,
    ) -> Accounted {
        self.lanes[batch.kind as usize].in_flight = None;
        match outcome {
            Outcome::Delivered { rejected, message } => self.delivered(&batch, rejected, &message, now),
            Outcome::Refused { why } => self.refused(&batch, &why, now),
            Outcome::Retry { after, why } => {
                let wait = |failures| after.unwrap_or_else(|| backoff(failures, LONGEST));
                self.came_back(batch, now, &why, wait)
            }
            Outcome::NoAnswer { frozen: true, .. } => {
                // It says nothing about the backend: the next attempt may follow at once.
                Accounted { dropped: self.buffer.give_back(batch), ..Accounted::default() }
            }
            Outcome::NoAnswer { frozen: false, why } => {
                self.came_back(batch, now, &why, |failures| backoff(failures, LONGEST_UNANSWERED))
            }
        }
    }

    fn delivered(&mut self, batch: &Batch, rejected: u64, message: &str, now: UnixNanos) -> Accounted {
        let lane = &mut self.lanes[batch.kind as usize];
        let rejected = rejected.min(batch.records);
        let news = (rejected > 0 && !std::mem::replace(&mut lane.refused, rejected > 0))
            .then(|| format!("the backend rejected {rejected} records: {message}"));
        let was_failing = lane.is_failing();
        lane.answered(now);
        if was_failing {
            self.catch_up();
        }
        let again = std::mem::take(&mut self.told).then(|| "the backend answers again".to_owned());
        Accounted { delivered: batch.records - rejected, rejected, news: news.or(again), ..Accounted::default() }
    }

    fn refused(&mut self, batch: &Batch, why: &str, now: UnixNanos) -> Accounted {
        let lane = &mut self.lanes[batch.kind as usize];
        let news = (!std::mem::replace(&mut lane.refused, true)).then(|| format!("the backend refused: {why}"));
        lane.answered(now);
        Accounted { refused: batch.records, news, ..Accounted::default() }
    }

    /// A failure: the batch waits again, its lane for as long as `wait` tells.
    fn came_back(&mut self, batch: Batch, now: UnixNanos, why: &str, wait: impl FnOnce(u32) -> Duration) -> Accounted {
        let lane = &mut self.lanes[batch.kind as usize];
        let was_failing = lane.is_failing();
        let waited_in_vain = lane.ends_at <= now;
        lane.failures = if waited_in_vain { lane.failures.max(FAILING - 1) } else { lane.failures }.saturating_add(1);
        lane.retry_at = now.saturating_add(nanos(wait(lane.failures)));
        if lane.is_failing() && !was_failing {
            lane.failing_since = now;
        }
        let news = lane.is_failing() && !std::mem::replace(&mut self.told, true);
        let news = news.then(|| format!("the backend does not answer, signals wait: {why}"));
        Accounted { dropped: self.buffer.give_back(batch), news, ..Accounted::default() }
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
            self.note_vain_waits(drive, now);
            self.drive = None;
        }
        settled
    }

    /// A request of before the drive may have outlived it: that it was waited for in vain is known before its outcome is. A
    /// drive that ended long ago was slept through, and says nothing.
    fn note_vain_waits(&mut self, drive: Drive, now: UnixNanos) {
        if drive.until > now || now - drive.until > LATE {
            return;
        }
        for lane in self.lanes.iter_mut().filter(|lane| lane.in_flight.is_some() && !lane.is_failing()) {
            (lane.failures, lane.failing_since) = (FAILING, now);
        }
    }

    fn lane_has_settled(&self, kind: SignalKind, drive: Drive, now: UnixNanos) -> bool {
        let lane = &self.lanes[kind as usize];
        let waited_for = drive.last_chance || (self.ready && !lane.is_failing() && !self.is_doubtful(kind));
        match lane.in_flight {
            _ if drive.until <= now => true,
            Some(_) => !waited_for,
            None if self.buffer.pending().records(kind) == 0 => true,
            None if !self.ready => !waited_for,
            None if lane.retry_at >= drive.until => true,
            None if drive.probing => !self.may_ship(kind, drive, now),
            None => lane.retry_at > now && !waited_for,
        }
    }

    /// Whether another lane has been failing since before this one last had an answer.
    fn is_doubtful(&self, kind: SignalKind) -> bool {
        let answered_at = self.lanes[kind as usize].answered_at;
        self.lanes.iter().any(|other| other.is_failing() && other.failing_since >= answered_at)
    }

    /// Whether anything is being sent for which somebody may wait.
    #[must_use]
    pub const fn is_driving(&self) -> bool {
        self.drive.is_some()
    }

    /// When a lane that is waited for may be tried again.
    #[must_use]
    pub fn wake_at(&self) -> Option<UnixNanos> {
        let drive = self.drive?;
        let waits = |kind: &SignalKind| {
            let lane = &self.lanes[*kind as usize];
            lane.in_flight.is_none() && lane.retry_at > 0 && self.buffer.pending().records(*kind) > 0
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
        let batch = dispatch.ship(T).unwrap().batch;
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
        let probe = dispatch.ship(T + 4 * SECOND).unwrap();
        assert!(probe.batch.bytes <= PROBE_BYTES && probe.timeout == PROBE_TIMEOUT, "little is risked: {probe:?}");
        assert!(dispatch.ship(T + 4 * SECOND).is_none(), "traces are not failing, and not probed");
        deliver(&mut dispatch, probe.batch);
        assert!(dispatch.ship(T + 4 * SECOND).unwrap().batch.records > 1000);
        assert_eq!(dispatch.ship(T + 4 * SECOND).unwrap().batch.kind, SignalKind::Traces);
    }

    #[test]
    fn a_lane_without_an_answer_since_another_fails_is_not_waited_for_until_it_has_one() {
        let mut dispatch = with_a_line();
        dispatch.push(span());
        dispatch.send(UnixNanos::MAX, false);
        let (logs, traces) = (dispatch.ship(T).unwrap().batch, dispatch.ship(T).unwrap().batch);
        deliver(&mut dispatch, traces);
        fail(&mut dispatch, logs, T + SECOND);
        let logs = dispatch.ship(T + 2 * SECOND).unwrap().batch;
        fail(&mut dispatch, logs, T + 2 * SECOND);
        dispatch.push(span());
        dispatch.send(T + 9 * SECOND, false);
        let traces = dispatch.ship(T + 3 * SECOND).unwrap().batch;
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
        let first = dispatch.shipped(batch, refused.clone(), T, |_, _| Duration::ZERO);
        assert_eq!((first.refused, first.news.as_deref()), (1, Some("the backend refused: 401")));
        dispatch.push(line());
        let batch = dispatch.ship(T).unwrap().batch;
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
