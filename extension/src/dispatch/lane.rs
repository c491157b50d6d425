//! One kind's way to the backend: what is on it, and whether the backend can be counted on.

use std::time::Duration;

use super::held_back::HeldBack;
use crate::{
    flow::{Batch, UnixNanos},
    spool::Segment,
};

/// After so many failures in a row nobody waits for the backend.
const FAILING: u32 = 2;

/// The longest that a probe may take: while it hangs, nobody finds out that the backend is back.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Every so many probes one may take as long as any request: a backend that is only slow shows itself to it.
const PATIENT_PROBE: u32 = 8;

/// A request that had less time than this says little by not being answered.
const FAIR: Duration = Duration::from_millis(500);

/// What a request gets at the least that a younger one of another kind was answered before.
const MOMENT: Duration = Duration::from_millis(50);

/// What is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// A batch of the buffer's.
    Memory { records: u64, bytes: usize },
    /// A batch that lies in the spool until it is delivered.
    Spooled(Segment),
}

impl Load {
    pub(super) const fn memory(batch: &Batch) -> Self {
        Self::Memory { records: batch.records, bytes: batch.bytes }
    }

    /// What it takes in memory, wherever it came from.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Memory { bytes, .. } | Self::Spooled(Segment { bytes, .. }) => bytes,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Why it sends nothing at all.
    pub(super) held_back: Option<HeldBack>,
    pub(super) in_flight: Option<Load>,
    pub(super) began_at: UnixNanos,
    /// Whether its request asks for all of its way whether the backend is back.
    probing: bool,
    /// Requests while it was failing, and whether the present one may take as long as any.
    pub(super) probes: u32,
    patient: bool,
    /// Whether its answer is not waited for any more.
    pub(super) given_up: bool,
    /// When its answer is not worth waiting for any more, since the backend has answered another kind's younger request.
    overtaken: Option<UnixNanos>,
    /// When the request has used up its time.
    ends_at: UnixNanos,
    /// Whether another kind's answer lets it go with all that it has, though it has had none itself.
    pub(super) freed: bool,
    /// Failures in a row.
    pub(super) failures: u32,
    /// When it began to fail.
    pub(super) failing_since: UnixNanos,
    /// When the backend last answered, whatever it said of the batch.
    pub(super) answered_at: UnixNanos,
    /// Not before then.
    pub(super) retry_at: UnixNanos,
    /// Whether the backend itself named that time.
    pub(super) put_off: bool,
    /// How long the last answer took.
    pub(super) latency: Duration,
    /// Whether the last refusal has been told.
    pub(super) refused: bool,
}

pub(super) fn nanos(duration: Duration) -> UnixNanos {
    UnixNanos::try_from(duration.as_nanos()).unwrap_or(UnixNanos::MAX)
}

impl Lane {
    /// Whether nobody waits for it.
    pub(super) const fn is_failing(&self) -> bool {
        self.failures >= FAILING
    }

    /// A request has left; `asks` says whether it asks for all of its way whether the backend is back.
    pub(super) fn departed(&mut self, load: Load, timeout: Duration, now: UnixNanos, asks: bool) {
        (self.in_flight, self.began_at, self.given_up, self.overtaken) = (Some(load), now, false, None);
        (self.patient, self.probing, self.put_off) = (asks && self.is_patient(), asks, false);
        self.probes = if self.is_failing() { self.probes.wrapping_add(1) } else { 1 };
        self.ends_at = now.saturating_add(nanos(timeout));
    }

    /// Whether others should wait for what becomes of its request.
    pub(super) const fn asks(&self) -> bool {
        self.in_flight.is_some() && self.probing && !self.patient
    }

    /// Whether an answer can be expected in what is left of a drive. No answer is taken for slower than a fair wait: a
    /// freeze may have been in it.
    pub(super) fn expects_answer_in(&self, left: UnixNanos) -> bool {
        left > nanos(2 * self.latency)
    }

    pub(super) fn answered(&mut self, now: UnixNanos) {
        self.latency = Duration::from_nanos(now.saturating_sub(self.began_at)).min(FAIR);
        (self.failures, self.retry_at, self.answered_at, self.freed) = (0, 0, now, false);
    }

    /// One more failure in a row; one for which a fair time was waited in vain is enough.
    pub(super) fn failed(&mut self, now: UnixNanos, wait: impl FnOnce(u32) -> Duration) {
        let was_failing = self.is_failing();
        let in_vain = self.ends_at <= now && self.ends_at - self.began_at >= nanos(FAIR);
        self.failures = if in_vain { self.failures.max(FAILING - 1) } else { self.failures }.saturating_add(1);
        let wait = if self.overtaken.is_some() { Duration::ZERO } else { wait(self.failures) };
        self.retry_at = now.saturating_add(nanos(wait));
        self.freed = self.overtaken.is_some();
        if !was_failing {
            self.failing_since = now;
        }
    }

    /// The backend has answered a request of another kind that was sent at `asked_at` and took so long. One of before that
    /// has hung: it gets a moment more, should it be about to be answered too, and then another goes at once. One that left
    /// when the backend was seen to be back has not: it may be larger.
    pub(super) fn another_answers(&mut self, now: UnixNanos, asked_at: UnixNanos, took: Duration) {
        if self.in_flight.is_some() && self.began_at < asked_at && !self.freed {
            self.overtaken = Some(now.saturating_add(nanos((4 * took).clamp(MOMENT, FAIR))));
        }
        (self.retry_at, self.freed) = (0, true);
    }

    /// Its request has outlived those who waited for it.
    pub(super) fn waited_for_in_vain(&mut self, now: UnixNanos) {
        if self.in_flight.is_some() && !self.is_failing() {
            (self.failures, self.failing_since) = (FAILING, now);
        }
    }

    /// When another request will be worth more than an answer to the present one: where there is no later, and it is from
    /// before `last_chance`; or while the backend fails, so that one that hangs does not hide that it is back.
    pub(super) fn stale_at(&self, last_chance: UnixNanos) -> Option<UnixNanos> {
        self.in_flight.filter(|_| !self.given_up)?;
        let fair = match () {
            () if self.overtaken.is_some() => return self.overtaken,
            () if self.began_at < last_chance => FAIR,
            () if (self.probing || self.is_failing()) && !self.patient && !self.freed => PROBE_TIMEOUT,
            () => return None,
        };
        Some(self.began_at.saturating_add(nanos(fair)))
    }

    /// Whether the next probe may take as long as any request.
    pub(super) const fn is_patient(&self) -> bool {
        self.is_failing() && self.probes.is_multiple_of(PATIENT_PROBE)
    }

    /// There is no later: whatever the backoff was, it is tried.
    pub(super) const fn pardon(&mut self) {
        (self.failures, self.retry_at) = (0, 0);
    }
}
