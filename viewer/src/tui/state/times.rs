//! The stretch of time that every screen shows.

use std::time::Duration;

use crate::{
    ask::{BadTime, Nanos, Since},
    format::{Zone, duration},
};

/// A stretch of time: up to now, or up to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Its start.
    pub since: Since,
    /// Its end; `None` is now, and moves on.
    pub until: Option<Nanos>,
}

/// Stretches of time that are chosen often.
pub const USUAL: [&str; 8] = ["5m", "15m", "1h", "3h", "12h", "24h", "3d", "7d"];

impl Default for Times {
    fn default() -> Self {
        Self { since: Since::Ago(Duration::from_secs(3_600)), until: None }
    }
}

impl Times {
    /// What was typed: a start, or `start..end`.
    ///
    /// # Errors
    /// When it is no time.
    pub fn parse(text: &str, now: Nanos) -> Result<Self, BadTime> {
        let (since, until) = match text.trim().split_once("..") {
            Some((since, until)) => (since, Some(until.trim()).filter(|until| !until.is_empty() && *until != "now")),
            None => (text, None),
        };
        let since: Since = since.trim().parse()?;
        let until = until.map(str::parse::<Since>).transpose()?.map(|until| until.at(now));
        let until = until.filter(|until| *until < now);
        if until.is_some_and(|until| until <= since.at(now)) { Err(BadTime) } else { Ok(Self { since, until }) }
    }

    /// Its start, in nanoseconds.
    #[must_use]
    pub fn from(&self, now: Nanos) -> Nanos {
        self.since.at(now)
    }

    /// Its end, in nanoseconds.
    #[must_use]
    pub fn end(&self, now: Nanos) -> Nanos {
        self.until.unwrap_or(now)
    }

    /// Half its length earlier, or later; what would lie in the future ends now.
    #[must_use]
    pub fn shifted(&self, later: bool, now: Nanos) -> Self {
        let (from, end) = (self.from(now), self.end(now));
        let length = (end - from).max(1_000_000_000);
        let half = if later { length / 2 } else { -(length / 2) };
        if end.saturating_add(half) >= now {
            return Self { since: Since::Ago(Duration::from_nanos(length.unsigned_abs())), until: None };
        }
        let from = from.saturating_add(half).max(0);
        Self { since: Since::At(from), until: Some(from + length) }
    }

    /// As the header shows it: `since 1h`, `14:02:11 – 15:02:11`.
    #[must_use]
    pub fn shown(&self, zone: Zone, now: Nanos) -> String {
        let moment =
            |time| if zone.date(time) == zone.date(now) { zone.clock(time)[..8].to_owned() } else { zone.moment(time) };
        match (self.since, self.until) {
            (Since::Ago(age), None) => format!("since {}", length(age)),
            (Since::At(from), None) => format!("since {}", moment(from)),
            (since, Some(until)) => format!("{} – {}", moment(since.at(now)), moment(until)),
        }
    }

    /// As it is typed, for a command that shows the same: `--since 1h`.
    #[must_use]
    pub fn flags(&self, now: Nanos) -> String {
        match (self.since, self.until) {
            (Since::Ago(age), None) => format!("--since {}", length(age)),
            (Since::At(from), None) => format!("--since {}", crate::format::rfc3339(from)),
            (since, Some(until)) => {
                format!("--since {} --until {}", crate::format::rfc3339(since.at(now)), crate::format::rfc3339(until))
            }
        }
    }
}

/// `90m`, `1h`, `7d`: the largest unit that leaves a whole number.
fn length(age: Duration) -> String {
    let seconds = age.as_secs();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds >= size && seconds.is_multiple_of(size) {
            return format!("{}{unit}", seconds / size);
        }
    }
    if seconds > 0 { format!("{seconds}s") } else { duration(age.as_nanos() as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = 1_795_305_600_000_000_000;
    const HOUR: Nanos = 3_600_000_000_000;

    #[test]
    fn a_stretch_is_typed_as_a_start_or_as_both_ends() {
        let times = |text| Times::parse(text, NOW).map(|times| (times.from(NOW), times.until));
        assert_eq!(times("2h"), Ok((NOW - 2 * HOUR, None)));
        assert_eq!(times("3h..1h"), Ok((NOW - 3 * HOUR, Some(NOW - HOUR))));
        assert_eq!(times("3h..now"), Ok((NOW - 3 * HOUR, None)));
        for text in ["", "1h..2h", "soon", "1h.."] {
            assert_eq!(times(text).is_err(), text != "1h..", "{text}");
        }
    }

    #[test]
    fn shifting_there_and_back_comes_home_to_now() {
        let hour = Times::default();
        let earlier = hour.shifted(false, NOW);
        assert_eq!((earlier.from(NOW), earlier.until), (NOW - HOUR - HOUR / 2, Some(NOW - HOUR / 2)));
        assert_eq!(earlier.shifted(true, NOW), hour);
    }

    #[test]
    fn it_is_shown_as_it_was_typed() {
        let shown = |text| Times::parse(text, NOW).unwrap().shown(Zone::Utc, NOW);
        assert_eq!(shown("90m"), "since 90m");
        assert_eq!(shown("120m"), "since 2h");
        assert_eq!(shown("2026-11-20..2026-11-21"), "2026-11-20 00:00:00 – 2026-11-21 00:00:00");
    }
}
