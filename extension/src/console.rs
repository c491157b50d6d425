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

/// A pipe takes so many bytes at once or none of them, so that no platform sees half a line of ours.
const LONGEST_LINE: usize = 4096;

/// Says `words` whatever level is chosen.
pub fn say(words: impl fmt::Display) {
    for line in lines(&words.to_string()) {
        // One write, so that the platform makes one record of it; with stderr gone there is nobody to tell.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// As many lines as `words` need, each with our beginning and without anything that could be taken for its end.
fn lines(words: &str) -> Vec<String> {
    let words: String = words.chars().map(|c| if ends_a_line(c) { ' ' } else { c }).collect();
    let room = LONGEST_LINE - OWN_PREFIX.len() - 1;
    let mut lines = Vec::new();
    let mut rest = words.as_str();
    loop {
        let (line, behind) = rest.split_at(rest.floor_char_boundary(room));
        lines.push(format!("{OWN_PREFIX}{line}\n"));
        if behind.is_empty() {
            return lines;
        }
        rest = behind;
    }
}

fn ends_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_several_lines_is_one_and_what_is_too_long_for_one_is_several_of_ours() {
        assert_eq!(lines("panic: a\nb\r\nc\u{2028}d"), ["lambdaview panic: a b  c d\n"]);
        assert_eq!(lines(""), ["lambdaview \n"]);
        let long = "ü".repeat(5000);
        let said = lines(&long);
        assert!(said.iter().all(|line| line.starts_with(OWN_PREFIX) && line.len() <= LONGEST_LINE));
        let told: String = said.iter().map(|line| line[OWN_PREFIX.len()..].trim_end()).collect();
        assert_eq!((said.len(), told), (3, long));
    }
}
