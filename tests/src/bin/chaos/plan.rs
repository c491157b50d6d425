//! What happens to a function, step by step: follows from the seed and the lane's character alone. Pure.

use crate::random::Random;
use lambdaview_tests::backend::Behaviour;
use std::{collections::VecDeque, time::Duration};

/// What a lane is like for as long as it lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Character {
    pub(crate) name: &'static str,
    /// `LAMBDAVIEW_FLUSH`.
    pub(crate) flush: &'static str,
    /// `ROTEL_OTLP_EXPORTER_PROTOCOL`.
    pub(crate) protocol: &'static str,
    /// Whether the extension is killed now and then.
    pub(crate) kills: bool,
    /// Whether the function exits and runs into its timeout now and then.
    pub(crate) falls: bool,
    /// Every so many answers to a telemetry request are lost, so that it comes again.
    pub(crate) redelivery: Option<u32>,
    /// A buffer too small for what happens.
    pub(crate) memory_limit: Option<&'static str>,
    /// Whether its backend speaks TLS.
    pub(crate) tls: bool,
}

/// The lanes of a run: every flush mode, protocol and trouble in some combination.
pub(crate) const LANES: [Character; 7] = [
    Character {
        name: "end",
        flush: "end",
        protocol: "http",
        kills: false,
        falls: false,
        redelivery: None,
        memory_limit: None,
        tls: false,
    },
    Character {
        name: "background",
        flush: "background,200ms",
        protocol: "grpc",
        kills: false,
        falls: false,
        redelivery: None,
        memory_limit: None,
        tls: false,
    },
    Character {
        name: "auto, killed, falling",
        flush: "auto",
        protocol: "http",
        kills: true,
        falls: true,
        redelivery: None,
        memory_limit: None,
        tls: false,
    },
    Character {
        name: "periodic, told twice",
        flush: "periodic,300ms",
        protocol: "http/json",
        kills: false,
        falls: false,
        redelivery: Some(7),
        memory_limit: None,
        tls: false,
    },
    Character {
        name: "background, killed, told twice",
        flush: "background,100ms",
        protocol: "http",
        kills: true,
        falls: false,
        redelivery: Some(5),
        memory_limit: None,
        tls: false,
    },
    Character {
        name: "end, small buffer, falling",
        flush: "end",
        protocol: "grpc",
        kills: false,
        falls: true,
        redelivery: None,
        memory_limit: Some("128KiB"),
        tls: false,
    },
    Character {
        name: "auto over TLS",
        flush: "auto",
        protocol: "grpc",
        kills: false,
        falls: false,
        redelivery: None,
        memory_limit: None,
        tls: true,
    },
];

/// What is done to the invocation of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing: the function answers.
    Answer,
    /// The function answers with an error.
    Error,
    /// The function's process exits.
    Exit,
    /// The function runs into its timeout.
    Hang,
    /// The extension is killed after so long.
    Kill(Duration),
}

impl Act {
    /// What the function is told to do.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Answer | Self::Kill(_) => "answer",
            Self::Error => "error",
            Self::Exit => "exit",
            Self::Hang => "hang",
        }
    }
}

/// One invocation and what is around it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The backend behaves like this from now on.
    pub(crate) behaviour: Option<Behaviour>,
    /// An odd record of the platform's comes before the invocation: which of them.
    pub(crate) odd: Option<usize>,
    pub(crate) lines: u64,
    pub(crate) padding: u64,
    pub(crate) span: bool,
    pub(crate) act: Act,
    /// How long the environment then stays frozen.
    pub(crate) pause: Duration,
}

/// The steps of a lane, without end.
#[derive(Debug)]
pub(crate) struct Plan {
    character: Character,
    random: Random,
    behaviour: Behaviour,
    /// Steps until the backend's behaviour changes.
    left: u64,
    /// The faults that come before any comes again.
    faults: VecDeque<Behaviour>,
    nth: u64,
}

impl Plan {
    pub(crate) fn new(character: Character, lane: usize, seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(lane as u64));
        let left = random.between(3, 8);
        // Each lane begins elsewhere among the faults, so that even a short run has seen them all.
        let mut faults = VecDeque::from(shuffled(&mut Random::new(seed)));
        faults.rotate_left(lane * 2 % Behaviour::FAULTS.len());
        Self { character, random, behaviour: Behaviour::Healthy, left, faults, nth: 0 }
    }

    fn turn(&mut self) -> Option<Behaviour> {
        self.left -= 1;
        if self.left > 0 {
            return None;
        }
        let ill = self.behaviour == Behaviour::Healthy;
        self.behaviour = if ill { self.next_fault() } else { Behaviour::Healthy };
        self.left = if ill { self.random.between(6, 25) } else { self.random.between(4, 20) };
        Some(self.behaviour)
    }

    fn next_fault(&mut self) -> Behaviour {
        if self.faults.is_empty() {
            self.faults = VecDeque::from(shuffled(&mut self.random));
        }
        self.faults.pop_front().expect("it was filled")
    }

    fn act(&mut self) -> Act {
        let random = &mut self.random;
        // The first of each comes early, so that a short run has it.
        let due = |nth: u64, early: u64, chance: bool| nth == early || chance;
        if self.character.kills && due(self.nth, 17, random.once_in(60)) {
            return Act::Kill(random.millis(0, 40));
        }
        if self.character.falls && due(self.nth, 11, random.once_in(60)) {
            return Act::Exit;
        }
        if self.character.falls && due(self.nth, 23, random.once_in(150)) {
            return Act::Hang;
        }
        if random.once_in(20) { Act::Error } else { Act::Answer }
    }

    fn pause(&mut self) -> Duration {
        match self.random.between(0, 40) {
            0 => self.random.millis(300, 1_500),
            1..=8 => self.random.millis(20, 120),
            // Lines of two invocations within two milliseconds cannot be told apart by the platform's times.
            _ => self.random.millis(4, 12),
        }
    }
}

fn shuffled(random: &mut Random) -> Vec<Behaviour> {
    let mut faults = Behaviour::FAULTS.to_vec();
    random.shuffle(&mut faults);
    faults
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let behaviour = self.turn();
        let many = self.random.once_in(60);
        let step = Step {
            behaviour,
            odd: self.random.once_in(5).then(|| usize::try_from(self.random.between(0, 1_000)).expect("small")),
            lines: if many { self.random.between(500, 2_000) } else { self.random.between(0, 40) },
            padding: self.random.between(0, 150),
            span: self.random.once_in(3),
            act: self.act(),
            pause: self.pause(),
        };
        self.nth += 1;
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(lane: usize, seed: u64, count: usize) -> Vec<Step> {
        Plan::new(LANES[lane], lane, seed).take(count).collect()
    }

    #[test]
    fn a_seed_is_always_the_same_chaos_and_another_is_another() {
        let words = |seed| format!("{:?}", steps(2, seed, 200));
        assert_eq!(words(1), words(1));
        assert_ne!(words(1), words(2));
    }

    #[test]
    fn every_fault_comes_in_the_first_steps_of_some_lane() {
        for seed in 0..20 {
            let all = (0..LANES.len()).flat_map(|lane| steps(lane, seed, 80)).filter_map(|step| step.behaviour);
            let seen: std::collections::BTreeSet<Behaviour> = all.collect();
            assert_eq!(seen.len(), Behaviour::FAULTS.len() + 1, "seed {seed}: {seen:?}");
        }
    }

    #[test]
    fn only_lanes_that_kill_kill_and_only_those_that_fall_fall() {
        for (lane, character) in LANES.iter().enumerate() {
            let acts: Vec<Act> = steps(lane, 1, 300).iter().map(|step| step.act).collect();
            assert_eq!(acts.iter().any(|act| matches!(act, Act::Kill(_))), character.kills, "{}", character.name);
            assert_eq!(acts.contains(&Act::Exit) && acts.contains(&Act::Hang), character.falls, "{}", character.name);
        }
    }
}
