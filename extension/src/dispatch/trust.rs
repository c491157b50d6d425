//! Kinds that go the same way share its fate: most backends are one for all three.
//!
//! While one of them fails, another that has had no answer since is not trusted either: nobody waits for it. One request at a
//! time asks for all of them whether the backend is back, of the kind whose turn it is; the others wait for what becomes of
//! it. A request of each would cost each its own time to find out, since one that hangs hides from its kind that the backend
//! is back. The answer lets all of them go at once.

use super::{Dispatch, lane::Lane};
use crate::flow::{SignalKind, UnixNanos};

impl Dispatch {
    /// Says which kinds go the same way: for each the first that goes where it goes.
    pub fn go(&mut self, ways: [SignalKind; 3]) {
        self.ways = ways;
    }

    fn others(&self, kind: SignalKind) -> impl Iterator<Item = SignalKind> {
        let ways = self.ways;
        SignalKind::ALL.into_iter().filter(move |other| *other != kind && ways[*other as usize] == ways[kind as usize])
    }

    /// Whether another lane has been failing since before this one last had an answer.
    pub(super) fn is_doubtful(&self, kind: SignalKind) -> bool {
        let answered_at = self.lanes[kind as usize].answered_at;
        let fails_since = |other: SignalKind| {
            let other = &self.lanes[other as usize];
            other.is_failing() && other.failing_since >= answered_at
        };
        self.others(kind).any(fails_since)
    }

    /// Whether nobody waits for it.
    pub(super) fn is_distrusted(&self, kind: SignalKind) -> bool {
        self.lanes[kind as usize].is_failing() || self.is_doubtful(kind)
    }

    /// Whether its next request asks whether the backend is back.
    pub(super) fn has_to_ask(&self, kind: SignalKind) -> bool {
        self.is_distrusted(kind) && !self.lanes[kind as usize].freed
    }

    /// Whether a kind would have to ask and another does. A request that may take long is not waited for.
    pub(super) fn another_asks(&self, kind: SignalKind) -> bool {
        self.has_to_ask(kind) && self.others(kind).any(|other| self.lanes[other as usize].asks())
    }

    /// The backend answers a kind. If it had not until now, the others of its way go at once.
    pub(super) fn answers(&mut self, kind: SignalKind, now: UnixNanos) {
        let was_failing = self.lanes[kind as usize].is_failing();
        let waiting: Vec<SignalKind> = self.others(kind).filter(|other| self.is_distrusted(*other)).collect();
        let lane = &mut self.lanes[kind as usize];
        lane.answered(now);
        let (asked_at, took) = (lane.began_at, lane.latency);
        if was_failing {
            waiting.into_iter().for_each(|other| self.lanes[other as usize].another_answers(now, asked_at, took));
            self.catch_up();
        }
    }

    /// Nobody answered a kind: before the next request its whole way has a pause.
    pub(super) fn pauses(&mut self, kind: SignalKind) {
        let Lane { retry_at, .. } = self.lanes[kind as usize];
        if !self.lanes[kind as usize].is_failing() {
            return;
        }
        let waiting: Vec<SignalKind> = self.others(kind).filter(|other| self.is_distrusted(*other)).collect();
        for other in waiting {
            let lane = &mut self.lanes[other as usize];
            (lane.retry_at, lane.freed) = (lane.retry_at.max(retry_at), false);
        }
    }
}
