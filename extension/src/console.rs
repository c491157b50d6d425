//! Our own words: one line each on stderr, all with one beginning, by which they are known and never shipped.

use std::{fmt, io::Write};

use crate::{config::LogLevel, normalise::OWN_PREFIX};

/// Says what matters enough.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    level: LogLevel,
}

impl Console {
    /// Saying everything up to `level`.
    #[must_use]
    pub const fn new(level: LogLevel) -> Self {
        Self { level }
    }

    /// Says `words` if `level` is chosen. Never once per batch or record: whatever is said comes back to us as telemetry.
    pub fn say(self, level: LogLevel, words: impl fmt::Display) {
        if level <= self.level {
            say(words);
        }
    }
}

/// Says `words` whatever level is chosen.
pub fn say(words: impl fmt::Display) {
    // One write, so that the platform makes one record of it; with stderr gone there is nobody to tell.
    let line = format!("{OWN_PREFIX}{}\n", words.to_string().replace('\n', " "));
    let _ = std::io::stderr().write_all(line.as_bytes());
}
