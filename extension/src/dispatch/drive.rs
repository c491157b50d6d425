//! Driving the lanes: what goes when, how much of it, and when there is nothing left to wait for.

use std::time::Duration;

use super::{
    Cargo, Dispatch, Shipment,
    held_back::HeldBack,
    lane::{Lane, Load, PROBE_TIMEOUT},
};
use crate::flow::{SignalKind, UnixNanos};

/// A request ends so much before its drive does, so that its outcome is known before the environment may be frozen.
const MARGIN: UnixNanos = 50_000_000;

/// The most that is risked on a backend that has been failing.
const PROBE_BYTES: usize = 64 << 10;

/// An invocation is held no longer than that for a backend that says when it wants to be asked again.
const PUT_OFF: UnixNanos = 100_000_000;

/// A drive that is over for longer has been slept through.
const LATE: UnixNanos = 1_000_000_000;

/// How the lanes are driven at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drive {
    pub(super) until: UnixNanos,
    pub(super) last_chance: bool,
    pub(super) probing: bool,
}

/// Beside whatever else happens, for as long as it takes.
pub(super) const BESIDE: Drive = Drive { until: UnixNanos::MAX, last_chance: false, probing: false };

impl Drive {
    /// Whether the backend has named a time that nobody should be held for. Beside invocations it is waited for as any is.
    const fn is_too_short_for(self, lane: &Lane, now: UnixNanos) -> bool {
        let is_held = self.until < UnixNanos::MAX && !self.last_chance;
        is_held && lane.put_off && lane.retry_at > now.saturating_add(PUT_OFF)
    }
}

impl Dispatch {
    /// From now on, until everything is sent or the time has come, batches are to be had from [`Dispatch::ship`].
    pub fn send(&mut self, until: UnixNanos, last_chance: bool) {
        self.drive = Some(Drive { until, last_chance, probing: false });
        if last_chance {
            self.lanes.iter_mut().for_each(Lane::pardon);
        }
    }

    /// From `now` on there is no later.
    pub const fn last_chance_begins(&mut self, now: UnixNanos) {
        if self.last_chance_since.is_none() {
            self.last_chance_since = Some(now);
        }
    }

    /// Kinds for which another request is worth more by now than an answer to the present one. Told once.
    pub fn give_up_stale(&mut self, now: UnixNanos) -> Vec<SignalKind> {
        let since = self.last_chance_since.unwrap_or(0);
        let is_stale = |kind: &SignalKind| self.lanes[*kind as usize].stale_at(since).is_some_and(|at| at <= now);
        let stale: Vec<SignalKind> = SignalKind::ALL.into_iter().filter(is_stale).collect();
        for kind in &stale {
            self.lanes[*kind as usize].given_up = true;
        }
        stale
    }

    /// As [`Dispatch::send`], for lanes that have been failing.
    pub fn probe(&mut self) {
        if self.drive.is_none() && self.lanes.iter().any(Lane::is_failing) {
            self.drive = Some(Drive { probing: true, ..BESIDE });
        }
    }

    /// The next batch that may go now.
    pub fn ship(&mut self, now: UnixNanos) -> Option<Shipment> {
        self.looked_at = now;
        let drive = self.drive.filter(|drive| self.ready && drive.until > now)?;
        let may = SignalKind::ALL.into_iter().filter(|kind| self.may_ship(*kind, drive, now));
        // Those that have to ask take turns.
        let turn = |kind: &SignalKind| if self.has_to_ask(*kind) { self.lanes[*kind as usize].began_at } else { 0 };
        let kind = may.min_by_key(turn)?;
        let (bytes, timeout) = self.measure(kind, drive);
        let left = Duration::from_nanos((drive.until - now).saturating_sub(MARGIN).max(1));
        let timeout = timeout.min(left);
        let cargo = self.load(kind, bytes)?;
        let load = match &cargo {
            Cargo::Batch(batch) => Load::memory(batch),
            Cargo::Spooled(segment) => Load::Spooled(*segment),
        };
        let asks = self.has_to_ask(kind) && !drive.last_chance;
        self.lanes[kind as usize].departed(load, timeout, now, asks);
        self.make_room();
        Some(Shipment { cargo, timeout })
    }

    /// The oldest first; but a probe that can be had from memory is not read from disk.
    fn load(&mut self, kind: SignalKind, bytes: usize) -> Option<Cargo> {
        let probing = bytes == PROBE_BYTES && self.buffer.pending().records(kind) > 0;
        match self.spool.oldest(kind).filter(|_| !probing) {
            Some(segment) => Some(Cargo::Spooled(segment)),
            None => self.buffer.take(Some(kind), bytes).map(Cargo::Batch),
        }
    }

    /// How much is sent at once, and how long it may take.
    fn measure(&self, kind: SignalKind, drive: Drive) -> (usize, Duration) {
        match self.has_to_ask(kind) && !drive.last_chance {
            true if self.lanes[kind as usize].is_patient() => (PROBE_BYTES, self.timeout),
            true => (PROBE_BYTES, self.timeout.min(PROBE_TIMEOUT)),
            false => (self.batch_bytes(), self.timeout),
        }
    }

    fn may_ship(&self, kind: SignalKind, drive: Drive, now: UnixNanos) -> bool {
        let lane = &self.lanes[kind as usize];
        let wanted = lane.held_back.is_none() && (!drive.probing || lane.is_failing());
        let due = lane.in_flight.is_none() && lane.retry_at <= now;
        wanted && due && self.waits(kind) && self.has_time(kind, drive, now) && !self.has_to_wait(kind, drive)
    }

    /// Whether another kind's request asks for this one, too.
    fn has_to_wait(&self, kind: SignalKind, drive: Drive) -> bool {
        !drive.last_chance && self.another_asks(kind)
    }

    /// Whether an answer can come before the drive is over. At the last chance it is tried all the same.
    fn has_time(&self, kind: SignalKind, drive: Drive, now: UnixNanos) -> bool {
        let left = drive.until.saturating_sub(now);
        drive.last_chance || self.lanes[kind as usize].expects_answer_in(left)
    }

    /// Whether all that could be sent has been sent: nobody needs to wait any longer. Told once for each drive.
    pub fn has_settled(&mut self, now: UnixNanos) -> bool {
        let Some(drive) = self.drive else { return false };
        let settled = SignalKind::ALL.into_iter().all(|kind| self.lane_has_settled(kind, drive, now));
        if settled {
            // A request of before the drive may have outlived it: that it was waited for in vain is known before its outcome
            // is. But a drive that ended long ago was slept through, and says nothing.
            if drive.until <= now && now - drive.until <= LATE {
                self.lanes.iter_mut().for_each(|lane| lane.waited_for_in_vain(now));
            }
            self.drive = None;
            if drive.until <= now {
                self.lose_hope();
            }
        }
        settled
    }

    fn lane_has_settled(&self, kind: SignalKind, drive: Drive, now: UnixNanos) -> bool {
        let lane = &self.lanes[kind as usize];
        let waited_for = drive.last_chance || (self.ready && !self.is_distrusted(kind));
        match lane.in_flight {
            _ if drive.until <= now => true,
            // One probe follows the other, until one is answered or the next drive takes over.
            _ if drive.probing => !lane.is_failing(),
            Some(_) => !waited_for,
            None if !self.waits(kind) => true,
            None if !self.ready => !waited_for,
            None if lane.held_back.is_some() => match lane.held_back {
                Some(HeldBack::Hoping) => false,
                Some(HeldBack::Asking) => !drive.last_chance,
                Some(HeldBack::Pausing) | None => true,
            },
            None if self.has_to_wait(kind, drive) || drive.is_too_short_for(lane, now) => true,
            None if lane.retry_at >= drive.until || !self.has_time(kind, drive, now) => true,
            None => lane.retry_at > now && !waited_for,
        }
    }

    /// Whether anything is being sent for which somebody may wait.
    #[must_use]
    pub const fn is_driving(&self) -> bool {
        self.drive.is_some()
    }

    /// When a lane may be tried again, if it was not tried at that time in vain. A lane that this drive does not try wakes
    /// nobody: its time would stay in the past.
    #[must_use]
    pub fn wake_at(&self) -> Option<UnixNanos> {
        let drive = self.drive?;
        let pauses = |kind: &SignalKind| {
            let lane = &self.lanes[*kind as usize];
            let wanted = !drive.probing || lane.is_failing();
            let idle = lane.in_flight.is_none() && lane.held_back.is_none() && !self.has_to_wait(*kind, drive);
            wanted && idle && lane.retry_at > 0 && self.waits(*kind) && self.has_time(*kind, drive, lane.retry_at)
        };
        let retry_at = |kind: SignalKind| self.lanes[kind as usize].retry_at.min(drive.until);
        let since = self.last_chance_since.unwrap_or(0);
        let stale = self.lanes.iter().filter_map(|lane| lane.stale_at(since));
        let wakes = SignalKind::ALL.into_iter().filter(pauses).map(retry_at).chain(stale);
        wakes.filter(|at| *at > self.looked_at).min()
    }
}
