//! `--reorder 1s`: lines are held for a moment, so that those which arrive out of order come out in order.

use std::{cmp::Reverse, collections::BinaryHeap};

use lambdaview_queries::questions::lines::Line;

use crate::ask::Nanos;

/// More lines than this are not held: the oldest go on early, out of order at worst.
const MOST: usize = 50_000;

/// Lines that wait for others.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    hold: Nanos,
    heap: BinaryHeap<Reverse<Held>>,
    arrived: u64,
}

#[derive(Debug)]
struct Held {
    line: Line,
    at: Nanos,
    /// Lines of one moment stay in the order in which they came.
    number: u64,
}

impl Reorder {
    pub(super) fn new(hold: Nanos) -> Self {
        Self { hold, ..Self::default() }
    }

    /// Takes a line that arrives `now`.
    pub(super) fn push(&mut self, line: Line, now: Nanos) {
        self.arrived += 1;
        self.heap.push(Reverse(Held { line, at: now, number: self.arrived }));
    }

    /// All lines that have waited long enough or come before one that has, in order.
    pub(super) fn due(&mut self, now: Nanos) -> Vec<Line> {
        let expired = now.saturating_sub(self.hold);
        let is_expired = |held: &&Reverse<Held>| held.0.at <= expired;
        let latest = self.heap.iter().filter(is_expired).map(|Reverse(held)| held.line.time).max();
        let mut due = Vec::new();
        while self.heap.len() > MOST || self.heap.peek().is_some_and(|Reverse(held)| Some(held.line.time) <= latest) {
            due.extend(self.heap.pop().map(|Reverse(held)| held.line));
        }
        due
    }

    /// All lines that wait, in order.
    pub(super) fn rest(&mut self) -> Vec<Line> {
        self.due(Nanos::MAX)
    }
}

impl Held {
    const fn key(&self) -> (Nanos, u64) {
        (self.line.time, self.number)
    }
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(lines: &[Line]) -> Vec<Nanos> {
        lines.iter().map(|line| line.time).collect()
    }

    fn with(hold: Nanos, arrivals: &[(Nanos, Nanos)]) -> Reorder {
        let mut reorder = Reorder::new(hold);
        for (time, now) in arrivals {
            reorder.push(Line { time: *time, ..Line::default() }, *now);
        }
        reorder
    }

    #[test]
    fn lines_come_out_in_order_once_they_have_waited() {
        let mut reorder = with(10, &[(5, 100), (3, 104), (7, 109)]);
        assert!(reorder.due(109).is_empty());
        assert_eq!(times(&reorder.due(110)), [3, 5]);
        assert_eq!(times(&reorder.due(119)), [7]);
    }

    #[test]
    fn a_stream_of_older_lines_holds_up_no_line_for_longer() {
        let mut reorder = with(10, &[(50, 100), (49, 105), (48, 110), (47, 115)]);
        assert_eq!(times(&reorder.due(115)), [47, 48, 49, 50]);
    }

    #[test]
    fn what_is_held_is_bounded_and_the_rest_comes_at_the_end() {
        let arrivals: Vec<(Nanos, Nanos)> = (0..MOST as Nanos + 5).map(|time| (time, 0)).collect();
        let mut reorder = with(10, &arrivals);
        assert_eq!(times(&reorder.due(0)), [0, 1, 2, 3, 4]);
        assert_eq!(reorder.rest().len(), MOST);
    }
}
