//! How long an answer is waited for: counted while the process runs, not while it is frozen.
//!
//! A timer that was set before a freeze is due the moment it is over, before anybody could read the answer that has come
//! meanwhile. So time is taken in slices: one that took far longer than it should counts as one slice only. Who has been
//! waited for long enough by the wall clock gets a moment more after a freeze, for an answer that lies ready in the socket.

use std::{future::Future, pin::pin, time::Duration};

use crate::{clock, flow::UnixNanos};

/// How often the clock is looked at while a request is on its way.
const SLICE: Duration = Duration::from_millis(100);

/// A slice that took so much longer was no busy machine, but a freeze.
const SLACK: Duration = Duration::from_millis(500);

/// What is left after a freeze when the time is up by the wall clock.
const MOMENT: Duration = Duration::from_millis(50);

/// What became of something that was waited for.
#[derive(Debug)]
pub(super) struct Waited<T> {
    /// The answer, when it came in time.
    pub(super) answer: Option<T>,
    /// Whether the process was frozen meanwhile.
    pub(super) frozen: bool,
}

/// Waits for `future`, `limit` at most.
pub(super) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Waited<T> {
    let mut future = pin!(future);
    let mut patience = Patience::new(limit);
    let mut seen = clock::unix_now();
    while !patience.left.is_zero() {
        let answered = tokio::time::timeout(patience.slice(), &mut future).await;
        let now = clock::unix_now();
        patience.slept(elapsed(seen, now));
        seen = now;
        if let Ok(answer) = answered {
            return Waited { answer: Some(answer), frozen: patience.frozen };
        }
    }
    Waited { answer: None, frozen: patience.frozen }
}

fn elapsed(from: UnixNanos, to: UnixNanos) -> Duration {
    Duration::from_nanos(to.saturating_sub(from))
}

/// What is left of the time.
#[derive(Debug)]
struct Patience {
    limit: Duration,
    left: Duration,
    /// By the wall clock, since the beginning.
    age: Duration,
    frozen: bool,
}

impl Patience {
    const fn new(limit: Duration) -> Self {
        Self { limit, left: limit, age: Duration::ZERO, frozen: false }
    }

    fn slice(&self) -> Duration {
        self.left.min(SLICE)
    }

    /// A slice has gone, which took so long by the wall clock.
    fn slept(&mut self, took: Duration) {
        let slice = self.slice();
        self.frozen |= took > slice + SLACK;
        self.age += took;
        self.left -= slice;
        if self.frozen && self.age >= self.limit {
            self.left = self.left.min(MOMENT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn time_is_up_after_as_many_slices_as_it_has() {
        let mut patience = Patience::new(SECOND);
        for slice in 0..10 {
            assert!(!patience.left.is_zero(), "slice {slice}");
            patience.slept(SLICE);
        }
        assert!(patience.left.is_zero() && !patience.frozen);
    }

    #[test]
    fn a_short_freeze_costs_one_slice_only() {
        let mut patience = Patience::new(5 * SECOND);
        patience.slept(2 * SECOND);
        assert_eq!((patience.left, patience.frozen), (5 * SECOND - SLICE, true));
    }

    #[test]
    fn after_a_long_freeze_a_moment_is_left_for_an_answer_that_lies_ready() {
        let mut patience = Patience::new(5 * SECOND);
        patience.slept(600 * SECOND);
        assert_eq!((patience.left, patience.frozen), (MOMENT, true));
        patience.slept(MOMENT);
        assert!(patience.left.is_zero());
    }

    #[tokio::test]
    async fn an_answer_that_comes_is_had_and_one_that_does_not_is_not_waited_for_for_ever() {
        assert_eq!(within(SECOND, async { 7 }).await.answer, Some(7));
        let never = within(Duration::from_millis(20), std::future::pending::<()>()).await;
        assert!(never.answer.is_none());
    }
}
