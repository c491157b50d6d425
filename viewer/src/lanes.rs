//! Execution environments as lanes of time: when each started, what it served, what its memory did. Pure; nothing is asked or drawn.

use std::collections::BTreeMap;

use lambdaview_queries::questions::{
    environments::Start,
    invocations::{Ending, Invocation},
};

use crate::ask::Nanos;

/// A stretch of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its start.
    pub from: Nanos,
    /// Its end.
    pub until: Nanos,
    /// Whether what it stands for failed.
    pub failed: bool,
}

/// An execution environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// `faas.instance`.
    pub instance: String,
    /// `faas.name`, else the service.
    pub function: String,
    /// `faas.version`.
    pub version: String,
    /// Its inits and restores, oldest first.
    pub starts: Vec<Stretch>,
    /// Its invocations, oldest first.
    pub invocations: Vec<Stretch>,
    /// Bytes of memory that its first and its last invocation used, of those that tell.
    pub memory: Option<(u64, u64)>,
    /// How many invocations told of their memory.
    pub told: usize,
    /// Bytes of memory configured.
    pub memory_size: Option<u64>,
}

impl Lane {
    /// When it was first heard of.
    #[must_use]
    pub fn from(&self) -> Nanos {
        self.stretches().map(|stretch| stretch.from).min().unwrap_or_default()
    }

    /// When it was last heard of.
    #[must_use]
    pub fn until(&self) -> Nanos {
        self.stretches().map(|stretch| stretch.until).max().unwrap_or_default()
    }

    /// Nanoseconds in which it served.
    #[must_use]
    pub fn busy(&self) -> u64 {
        self.invocations.iter().map(|stretch| u64::try_from(stretch.until - stretch.from).unwrap_or_default()).sum()
    }

    /// Whether its memory grew by a quarter and more over at least five invocations: a leak looks like this, a cache too.
    #[must_use]
    pub fn grows(&self) -> bool {
        self.told >= 5 && self.memory.is_some_and(|(first, last)| last > first + first / 4)
    }

    fn stretches(&self) -> impl Iterator<Item = &Stretch> {
        self.starts.iter().chain(&self.invocations)
    }
}

/// The lanes of these invocations and starts, the first one first. What does not name its environment has none.
#[must_use]
pub fn lanes(invocations: &[Invocation], starts: &[Start]) -> Vec<Lane> {
    let mut lanes: BTreeMap<&str, Lane> = BTreeMap::new();
    let mut oldest_first: Vec<&Invocation> = invocations.iter().filter(|one| !one.instance.is_empty()).collect();
    oldest_first.sort_by_key(|one| one.start);
    for invocation in oldest_first {
        let lane = lanes.entry(&invocation.instance).or_default();
        lane.function.clone_from(&invocation.function);
        lane.version.clone_from(&invocation.version);
        lane.memory_size = lane.memory_size.or(invocation.memory_size);
        if let Some(used) = invocation.memory_used {
            lane.memory = Some((lane.memory.map_or(used, |(first, _)| first), used));
            lane.told += 1;
        }
        let failed = !matches!(invocation.ending, Ending::Ok | Ending::Unknown);
        lane.invocations.push(stretch(invocation.start, invocation.duration.unwrap_or_default(), failed));
    }
    for start in starts.iter().filter(|start| !start.instance.is_empty()) {
        lanes.entry(&start.instance).or_default().starts.push(stretch(start.start, start.duration, start.failed()));
    }
    let mut lanes: Vec<Lane> =
        lanes.into_iter().map(|(instance, lane)| Lane { instance: instance.to_owned(), ..lane }).collect();
    lanes.iter_mut().for_each(|lane| lane.starts.sort_by_key(|stretch| stretch.from));
    lanes.sort_by(|a, b| a.from().cmp(&b.from()).then_with(|| a.instance.cmp(&b.instance)));
    lanes
}

fn stretch(from: Nanos, duration: u64, failed: bool) -> Stretch {
    Stretch { from, until: from.saturating_add(i64::try_from(duration).unwrap_or(i64::MAX)), failed }
}

/// How many invocations ran at the same time at most, and when that was first so.
#[must_use]
pub fn peak(lanes: &[Lane]) -> Option<(usize, Nanos)> {
    let mut edges: Vec<(Nanos, bool)> = Vec::new();
    for invocation in lanes.iter().flat_map(|lane| &lane.invocations) {
        edges.extend([(invocation.from, true), (invocation.until.max(invocation.from + 1), false)]);
    }
    // Where one ends as another starts, they did not run together.
    edges.sort_unstable();
    let (mut running, mut most, mut at) = (0, 0, None);
    for (time, starts) in edges {
        if !starts {
            running -= 1;
            continue;
        }
        running += 1;
        if running > most {
            (most, at) = (running, Some(time));
        }
    }
    at.map(|at| (most, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(instance: &str, start: Nanos, duration: u64, used: u64) -> Invocation {
        let (instance, duration, memory_used) = (instance.to_owned(), Some(duration), Some(used));
        Invocation { instance, start, duration, memory_used, ending: Ending::Ok, ..Invocation::default() }
    }

    #[test]
    fn an_environment_is_a_lane_from_its_init_to_the_end_of_its_last_invocation() {
        let invocations = [
            invocation("b", 500, 10, 7),
            invocation("a", 300, 50, 9),
            invocation("a", 100, 50, 8),
            invocation("", 1, 1, 1),
        ];
        let starts = [Start { instance: "a".into(), start: 40, duration: 60, ..Start::default() }];
        let lanes = lanes(&invocations, &starts);
        assert_eq!(lanes.iter().map(|lane| lane.instance.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((lanes[0].from(), lanes[0].until(), lanes[0].busy(), lanes[0].memory), (40, 350, 100, Some((8, 9))));
    }

    #[test]
    fn the_peak_is_the_most_that_ran_together_and_not_those_that_follow_each_other() {
        let of = |invocations: &[Invocation]| peak(&lanes(invocations, &[]));
        assert_eq!(
            of(&[invocation("a", 0, 100, 1), invocation("b", 50, 100, 1), invocation("c", 149, 5, 1)]),
            Some((2, 50))
        );
        assert_eq!(of(&[invocation("a", 0, 100, 1), invocation("a", 100, 100, 1)]), Some((1, 0)));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn memory_that_grew_by_a_quarter_over_five_invocations_grows() {
        let grows = |used: &[u64]| {
            let invocations: Vec<_> =
                used.iter().enumerate().map(|(at, used)| invocation("a", at as i64, 1, *used)).collect();
            lanes(&invocations, &[])[0].grows()
        };
        assert!(grows(&[100, 110, 115, 120, 126]));
        assert!(!grows(&[100, 110, 115, 120, 125]) && !grows(&[100, 200]));
    }
}
