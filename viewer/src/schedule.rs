//! Whether invocations come by a schedule, and when the next of them was due.

use crate::ask::Nanos;

/// A rhythm that invocations keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// From one to the next, in nanoseconds.
    pub every: Nanos,
    /// The newest that is known.
    pub last: Nanos,
}

const MINUTE: Nanos = 60 * 1_000_000_000;
/// Fewer say nothing about a rhythm.
const FEWEST: usize = 4;

impl Schedule {
    /// The rhythm of invocations at these times, oldest first; `None` where they keep none. Those within a minute of each other
    /// are one: a schedule may start several, and a failed one is tried again at once.
    #[must_use]
    pub fn of(times: &[Nanos]) -> Option<Self> {
        let mut runs: Vec<Nanos> = Vec::new();
        for time in times {
            if runs.last().is_none_or(|last| time - last > MINUTE) {
                runs.push(*time);
            }
        }
        let last = *runs.last().filter(|_| runs.len() >= FEWEST)?;
        let mut gaps: Vec<Nanos> = runs.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_unstable();
        let every = gaps[gaps.len() / 2];
        let regular = gaps.iter().filter(|gap| (*gap - every).abs() <= Self::slack(every)).count();
        (regular * 5 >= gaps.len() * 4).then_some(Self { every, last })
    }

    /// The first that was due and did not come, by `now`.
    #[must_use]
    pub fn missed(self, now: Nanos) -> Option<Nanos> {
        let due = self.last + self.every;
        (now > due + 2 * Self::slack(self.every)).then_some(due)
    }

    /// How much later or earlier is still on time.
    fn slack(every: Nanos) -> Nanos {
        (every / 20).clamp(MINUTE, 30 * MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Nanos = 60 * MINUTE;

    #[test]
    fn a_nightly_run_that_did_not_come_is_missed_at_its_time() {
        // Within a few minutes of 02:00, and tried again once.
        let nights: Vec<Nanos> = (1..7)
            .map(|day| (day * 24 + 2) * HOUR + day % 3 * MINUTE)
            .flat_map(|time| [time, time + 3_000_000_000])
            .collect();
        let schedule = Schedule::of(&nights).unwrap();
        assert!((schedule.every - 24 * HOUR).abs() <= 3 * MINUTE);
        let due = schedule.last + schedule.every;
        assert_eq!(schedule.missed(due + 20 * MINUTE), None, "it may be late");
        assert_eq!(schedule.missed(due + 3 * HOUR), Some(due));
    }

    #[test]
    fn what_comes_when_somebody_calls_keeps_no_schedule() {
        let times: Vec<Nanos> = [0, 5, 7, 30, 31, 90, 200, 207].map(|minutes| minutes * MINUTE * 3).into();
        assert_eq!(Schedule::of(&times), None);
        assert_eq!(Schedule::of(&[0, 24 * HOUR, 48 * HOUR]), None, "three are too few");
        assert_eq!(Schedule::of(&[]), None);
    }
}
