//! Levels by their names, as numbers of OpenTelemetry's severity.

use std::{ops::RangeInclusive, str::FromStr};

use lambdaview_queries::filter::Filter;

/// A level: the least severity number that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(pub u8);

/// What names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a level: write trace, debug, info, warn, error, fatal, or a severity number from 1 to 24")]
pub struct BadLevel;

impl FromStr for Level {
    type Err = BadLevel;

    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let number = match text.to_ascii_lowercase().as_str() {
            "trace" | "verbose" => 1,
            "debug" => 5,
            "info" | "information" | "notice" => 9,
            "warn" | "warning" => 13,
            "error" | "err" => 17,
            "fatal" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "panic" => 21,
            number => number.parse().ok().filter(|number| (1..=24).contains(number)).ok_or(BadLevel)?,
        };
        Ok(Self(number))
    }
}

impl Level {
    /// Lines of at least this level.
    #[must_use]
    pub const fn or_graver(self) -> Filter {
        Filter::Severity(self.0)
    }

    /// Lines of this level: of one number where a number was meant, else of the level's four.
    #[must_use]
    pub fn alone(self) -> Filter {
        let numbers = self.numbers();
        let above = Filter::Not(Box::new(Filter::Severity(numbers.end() + 1)));
        Filter::All(vec![Filter::Severity(*numbers.start()), above])
    }

    /// Lines above this level.
    #[must_use]
    pub fn graver(self) -> Filter {
        Filter::Severity(self.numbers().end() + 1)
    }

    fn numbers(self) -> RangeInclusive<u8> {
        let is_name = self.0 % 4 == 1;
        if is_name { self.0..=self.0 + 3 } else { self.0..=self.0 }
    }
}
