//! How near invocations came to a limit, which of them still wait for their report, and what is known of how one died.

pub mod death;

use std::collections::BTreeMap;

use lambdaview_queries::questions::invocations::{Ending, Invocation};

use crate::ask::Nanos;

/// What of an invocation follows from those around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether it used more than nine tenths of its memory.
    pub near_memory: bool,
    /// Whether it ran for more than four fifths of its timeout.
    pub near_timeout: bool,
    /// Whether its report is known, is to come, or does not come.
    pub report: Report,
    /// The function's timeout: its own, or that which another invocation ran into, in nanoseconds.
    pub timeout: Option<u64>,
}

/// The platform's report of an invocation: it comes with the environment's next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Report {
    /// It is known.
    Known,
    /// It may still come.
    Pending,
    /// Nobody sends it, or it was lost with the environment.
    #[default]
    Absent,
}

impl Report {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Pending => "pending",
            Self::Absent => "absent",
        }
    }
}

impl Sight {
    /// Whether it came near a limit without running into it.
    #[must_use]
    pub const fn is_near(self) -> bool {
        self.near_memory || self.near_timeout
    }
}

/// For so long after an invocation its environment may yet be used again, or shut down, and the report come.
const PATIENCE: Nanos = 3_600_000_000_000;

/// Looks at each of some invocations, newest first, among the others.
#[must_use]
pub fn look(invocations: &[Invocation], now: Nanos) -> Vec<Sight> {
    let timeouts = timeouts(invocations);
    let mut used_again: BTreeMap<(&str, &str), ()> = BTreeMap::new();
    let anybody_reports = invocations.iter().any(is_reported);
    let mut sights = Vec::with_capacity(invocations.len());
    for invocation in invocations {
        let environment = (invocation.function.as_str(), invocation.instance.as_str());
        let is_newest = used_again.insert(environment, ()).is_none();
        let is_recent = now.saturating_sub(invocation.start) < PATIENCE;
        let report = match is_reported(invocation) {
            true => Report::Known,
            false if anybody_reports && is_newest && is_recent && invocation.duration.is_some() => Report::Pending,
            false => Report::Absent,
        };
        let timeout = invocation.timeout.or_else(|| timeouts.get(invocation.function.as_str()).copied());
        sights.push(Sight { report, timeout, ..near(invocation, timeout) });
    }
    sights
}

const fn is_reported(invocation: &Invocation) -> bool {
    invocation.billed.is_some() || invocation.memory_used.is_some()
}

fn near(invocation: &Invocation, timeout: Option<u64>) -> Sight {
    let over = |part: Option<u64>, whole: Option<u64>, tenths: u64| match (part, whole) {
        (Some(part), Some(whole)) => u128::from(part) * 10 > u128::from(whole) * u128::from(tenths),
        _ => false,
    };
    Sight {
        near_memory: invocation.ending != Ending::OutOfMemory
            && over(invocation.memory_used, invocation.memory_size, 9),
        near_timeout: invocation.ending != Ending::Timeout && over(invocation.duration, timeout, 8),
        ..Sight::default()
    }
}

/// Each function's timeout, by the invocations that ran into it. It is set in whole seconds.
fn timeouts(invocations: &[Invocation]) -> BTreeMap<&str, u64> {
    const SECOND: u64 = 1_000_000_000;
    let ran_into_it = invocations.iter().filter(|invocation| invocation.ending == Ending::Timeout);
    let seconds = ran_into_it.filter_map(|invocation| {
        let seconds = (invocation.duration? + SECOND / 2) / SECOND;
        (seconds > 0).then_some((invocation.function.as_str(), seconds * SECOND))
    });
    // Newest first: a timeout that was changed since is not taken.
    let mut timeouts = BTreeMap::new();
    for (function, timeout) in seconds {
        timeouts.entry(function).or_insert(timeout);
    }
    timeouts
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const NOW: Nanos = 1_000 * 3_600_000_000_000;

    fn invocation(seconds_ago: i64) -> Invocation {
        let start = NOW - seconds_ago * 1_000_000_000;
        Invocation {
            start,
            function: "pay".to_owned(),
            instance: "a".to_owned(),
            ending: Ending::Ok,
            duration: Some(1),
            ..Invocation::default()
        }
    }

    #[test]
    fn more_than_nine_tenths_of_the_memory_and_more_than_four_fifths_of_the_timeout_are_near() {
        let memory = |used| Invocation { memory_used: Some(used), memory_size: Some(100), ..invocation(1) };
        let ran = |tenths| {
            let (duration, timeout) = (Some(tenths * SECOND / 10), Some(SECOND));
            Invocation { duration, timeout, ..invocation(1) }
        };
        let near = |one: Invocation| look(&[one], NOW)[0].is_near();
        assert_eq!([memory(90), memory(91), ran(8), ran(9)].map(near), [false, true, false, true]);
        assert!(!near(Invocation { ending: Ending::Timeout, ..ran(10) }), "it ran into it");
    }

    #[test]
    fn a_timeout_that_one_ran_into_is_every_others() {
        let timed_out = Invocation { ending: Ending::Timeout, duration: Some(3_002_000_000), ..invocation(9) };
        let other = Invocation { duration: Some(2_900_000_000), ..invocation(1) };
        let sights = look(&[other, timed_out], NOW);
        assert_eq!((sights[0].near_timeout, sights[0].timeout), (true, Some(3 * SECOND)));
    }

    #[test]
    fn a_report_is_awaited_of_an_environments_last_invocation_where_others_have_theirs() {
        let reported = |seconds_ago| Invocation { billed: Some(1), ..invocation(seconds_ago) };
        let of =
            |invocations: &[Invocation]| look(invocations, NOW).iter().map(|sight| sight.report).collect::<Vec<_>>();
        assert_eq!(of(&[invocation(1), reported(2)]), [Report::Pending, Report::Known]);
        assert_eq!(
            of(&[reported(1), invocation(2)]),
            [Report::Known, Report::Absent],
            "its environment was used again"
        );
        assert_eq!(of(&[invocation(1)]), [Report::Absent], "nobody sends reports");
        assert_eq!(of(&[invocation(7_200), reported(7_300)]), [Report::Absent, Report::Known], "too long ago");
    }
}
