//! How many lines come, how many of them are errors, and how long after they were written.

use std::collections::VecDeque;

use crate::ask::Nanos;

const SECOND: Nanos = 1_000_000_000;
/// Seconds that are looked at.
const SECONDS: usize = 60;
/// Arrivals whose lateness is looked at.
const ARRIVALS: usize = 1_024;

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    second: i64,
    lines: u64,
    errors: u64,
}

/// Counts of the last minute.
#[derive(Debug, Default)]
pub struct Rate {
    /// The seconds in which something was written, the newest last.
    buckets: VecDeque<Bucket>,
    lags: VecDeque<u64>,
}

impl Rate {
    /// Takes note of a line of that time and severity.
    pub fn note(&mut self, time: Nanos, severity: u8) {
        let second = time.div_euclid(SECOND);
        let place = self.buckets.partition_point(|bucket| bucket.second < second);
        if self.buckets.get(place).is_none_or(|bucket| bucket.second != second) {
            self.buckets.insert(place, Bucket { second, ..Bucket::default() });
        }
        let bucket = &mut self.buckets[place];
        bucket.lines += 1;
        bucket.errors += u64::from(severity >= 17);
        while self.buckets.len() > SECONDS {
            self.buckets.pop_front();
        }
    }

    /// Takes note of how long after it was written a line was here.
    pub fn arrived(&mut self, lag: Nanos) {
        self.lags.push_back(u64::try_from(lag).unwrap_or_default());
        if self.lags.len() > ARRIVALS {
            self.lags.pop_front();
        }
    }

    /// Lines in each of `count` stretches of the last minute, the newest last.
    #[must_use]
    pub fn curve(&self, now: Nanos, count: usize) -> Vec<u64> {
        let count = count.max(1);
        let mut curve = vec![0; count];
        for (age, bucket) in self.recent(now) {
            curve[count - 1 - (age * count / SECONDS).min(count - 1)] += bucket.lines;
        }
        curve
    }

    /// Lines a second, over the last ten.
    #[must_use]
    pub fn per_second(&self, now: Nanos) -> f64 {
        let lines: u64 = self.recent(now).filter(|(age, _)| *age < 10).map(|(_, bucket)| bucket.lines).sum();
        lines as f64 / 10.0
    }

    /// The share of errors in the last minute; `None` when there was nothing.
    #[must_use]
    pub fn errors(&self, now: Nanos) -> Option<f64> {
        let (lines, errors) =
            self.recent(now).fold((0, 0), |(lines, errors), (_, b)| (lines + b.lines, errors + b.errors));
        (lines > 0).then(|| errors as f64 / lines as f64)
    }

    /// The median and the 95th percentile of the last arrivals' lag, in nanoseconds.
    #[must_use]
    pub fn lag(&self) -> Option<(u64, u64)> {
        let mut lags: Vec<u64> = self.lags.iter().copied().collect();
        lags.sort_unstable();
        let at = |percent: usize| lags[(lags.len() - 1) * percent / 100];
        (!lags.is_empty()).then(|| (at(50), at(95)))
    }

    fn recent(&self, now: Nanos) -> impl Iterator<Item = (usize, Bucket)> {
        let second = now.div_euclid(SECOND);
        self.buckets.iter().filter_map(move |bucket| {
            // A clock that is ahead writes in the future: that is now.
            let age = usize::try_from((second - bucket.second).max(0)).ok()?;
            (age < SECONDS).then_some((age, *bucket))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_minute_is_counted_by_when_lines_were_written() {
        let mut rate = Rate::default();
        let now = 1_000 * SECOND;
        for age in 0..100 {
            rate.note(now - age * SECOND, if age % 4 == 0 { 17 } else { 9 });
        }
        assert_eq!(rate.curve(now, 6), [10; 6]);
        assert!((rate.per_second(now) - 1.0).abs() < 1e-9);
        assert_eq!(rate.errors(now), Some(0.25));
        assert_eq!(rate.errors(now + 120 * SECOND), None);
        assert_eq!(rate.curve(now + 30 * SECOND, 2), [30, 0]);
    }

    #[test]
    fn lag_is_told_by_its_middle_and_its_long_end() {
        let mut rate = Rate::default();
        assert_eq!(rate.lag(), None);
        (1..=100).for_each(|n| rate.arrived(n));
        assert_eq!(rate.lag(), Some((50, 95)));
    }
}
