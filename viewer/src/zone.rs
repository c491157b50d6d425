//! Times as text, in a zone: digits written by hand, because a tail writes a time on each line.

use std::{fmt::Write as _, str::FromStr};

use chrono::{DateTime, Datelike as _, NaiveDateTime, Offset as _, Timelike as _};
use tz::{LocalTimeType, TimeZone, TimeZoneRef};

use crate::ask::Nanos;

const SECOND: Nanos = 1_000_000_000;

/// In which zone times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// That of the machine.
    #[default]
    Local,
    /// UTC.
    Utc,
    /// One that was named.
    Named(TimeZoneRef<'static>),
}

/// A zone that cannot be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a zone: write Europe/Berlin (as in /usr/share/zoneinfo), utc, local or +02:00")]
pub struct BadZone;

impl FromStr for Zone {
    type Err = BadZone;

    fn from_str(text: &str) -> Result<Self, BadZone> {
        match text.to_ascii_lowercase().as_str() {
            "utc" | "z" => return Ok(Self::Utc),
            "local" => return Ok(Self::Local),
            _ => {}
        }
        let zone = match fixed_offset(text) {
            Some(seconds) => TimeZone::fixed(seconds).ok(),
            // A path would read any file, and a colon means a path here.
            None if text.starts_with(['/', ':', '.']) || text.contains("..") => None,
            None => TimeZone::from_posix_tz(text).ok(),
        };
        // Typed once on a command line: it lives as long as the process.
        zone.map(|zone| Self::Named(Box::leak(Box::new(zone)).as_ref())).ok_or(BadZone)
    }
}

/// `+02:00`, `-0530`, `+2`, in seconds.
fn fixed_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.strip_prefix(['+', '-'])?.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = if digits.len() > 2 { digits.split_at(digits.len() - 2) } else { (digits.as_str(), "0") };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

impl Zone {
    /// How far this zone is ahead of UTC at a time, in seconds.
    #[must_use]
    pub fn offset(self, time: Nanos) -> i32 {
        match self {
            Self::Utc => 0,
            Self::Local => {
                DateTime::from_timestamp_nanos(time).with_timezone(&chrono::Local).offset().fix().local_minus_utc()
            }
            Self::Named(zone) => zone.find_local_time_type(time.div_euclid(SECOND)).map_or(0, LocalTimeType::ut_offset),
        }
    }

    /// `14:02:11.204`
    #[must_use]
    pub fn clock(self, time: Nanos) -> String {
        let mut text = String::with_capacity(12);
        Moment::new(time, self.offset(time)).clock(&mut text);
        text
    }

    /// `2026-11-22 14:02:11.204`
    #[must_use]
    pub fn date_clock(self, time: Nanos) -> String {
        let mut text = String::with_capacity(23);
        Moment::new(time, self.offset(time)).date_clock(&mut text);
        text
    }

    /// `2026-11-22 14:02:11`
    #[must_use]
    pub fn moment(self, time: Nanos) -> String {
        let mut text = self.date_clock(time);
        text.truncate(text.len() - 4);
        text
    }

    /// `2026-11-22`
    #[must_use]
    pub fn date(self, time: Nanos) -> String {
        let mut text = String::with_capacity(10);
        Moment::new(time, self.offset(time)).date(&mut text);
        text
    }
}

/// `2026-11-22T14:02:11.204000000Z`: what programs read.
#[must_use]
pub fn rfc3339(time: Nanos) -> String {
    let mut text = String::with_capacity(30);
    Moment::new(time, 0).rfc3339(&mut text);
    text
}

/// A time taken apart, in a zone.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    local: NaiveDateTime,
    offset: i32,
}

impl Moment {
    /// `time`, so many seconds ahead of UTC.
    #[must_use]
    pub fn new(time: Nanos, offset: i32) -> Self {
        let local = DateTime::from_timestamp_nanos(time.saturating_add(Nanos::from(offset) * SECOND)).naive_utc();
        Self { local, offset }
    }

    /// Days since year 1: equal on the same day.
    #[must_use]
    pub fn day(self) -> i32 {
        self.local.num_days_from_ce()
    }

    /// `2026-11-22`
    pub fn date(self, into: &mut String) {
        let year = self.local.year().unsigned_abs();
        digits(into, u64::from(year), 4);
        into.push('-');
        digits(into, u64::from(self.local.month()), 2);
        into.push('-');
        digits(into, u64::from(self.local.day()), 2);
    }

    /// `14:02:11`
    fn seconds(self, into: &mut String) {
        digits(into, u64::from(self.local.hour()), 2);
        into.push(':');
        digits(into, u64::from(self.local.minute()), 2);
        into.push(':');
        digits(into, u64::from(self.local.second()), 2);
        into.push('.');
    }

    /// `14:02:11.204`
    pub fn clock(self, into: &mut String) {
        self.seconds(into);
        digits(into, u64::from(self.local.nanosecond() / 1_000_000), 3);
    }

    /// `2026-11-22 14:02:11.204`
    pub fn date_clock(self, into: &mut String) {
        self.date(into);
        into.push(' ');
        self.clock(into);
    }

    /// `2026-11-22T14:02:11.204+01:00`
    pub fn full(self, into: &mut String) {
        self.date(into);
        into.push('T');
        self.clock(into);
        let minutes = self.offset.unsigned_abs() / 60;
        match self.offset {
            0 => into.push('Z'),
            ahead => {
                into.push(if ahead > 0 { '+' } else { '-' });
                write!(into, "{:02}:{:02}", minutes / 60, minutes % 60).expect("writing to a String");
            }
        }
    }

    /// `2026-11-22T14:02:11.204000000Z`: of a moment in UTC.
    pub fn rfc3339(self, into: &mut String) {
        self.date(into);
        into.push('T');
        self.seconds(into);
        digits(into, u64::from(self.local.nanosecond()), 9);
        into.push('Z');
    }
}

/// Takes times apart in a zone, quickly where they lie close together: a zone's offset is looked up once a quarter of an hour.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zone: Zone,
    quarter: Nanos,
    offset: i32,
}

/// Zones change their offset at full quarters of an hour.
const QUARTER: Nanos = 900 * SECOND;

impl Clock {
    /// Of a zone.
    #[must_use]
    pub const fn new(zone: Zone) -> Self {
        Self { zone, quarter: Nanos::MIN, offset: 0 }
    }

    /// `time`, taken apart.
    #[must_use]
    pub fn read(&mut self, time: Nanos) -> Moment {
        let quarter = time.div_euclid(QUARTER);
        if quarter != self.quarter {
            (self.quarter, self.offset) = (quarter, self.zone.offset(time));
        }
        Moment::new(time, self.offset)
    }
}

/// `number` in decimal, filled with zeros to `width` digits.
fn digits(into: &mut String, number: u64, width: usize) {
    let mut text = [b'0'; 20];
    let (mut rest, mut at) = (number, text.len());
    while rest > 0 {
        at -= 1;
        text[at] = b'0' + u8::try_from(rest % 10).expect("a digit");
        rest /= 10;
    }
    let from = at.min(text.len() - width);
    into.push_str(std::str::from_utf8(&text[from..]).expect("digits are ASCII"));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME: Nanos = 1_795_356_131_204_000_001;

    fn full(zone: &str, time: Nanos) -> String {
        let zone: Zone = zone.parse().unwrap();
        let mut text = String::new();
        Moment::new(time, zone.offset(time)).full(&mut text);
        text
    }

    #[test]
    fn a_time_is_shown_in_its_zone() {
        assert_eq!(Zone::Utc.clock(TIME), "14:02:11.204");
        assert_eq!(Zone::Utc.date_clock(TIME), "2026-11-22 14:02:11.204");
        assert_eq!(Zone::Utc.moment(TIME), "2026-11-22 14:02:11");
        assert_eq!(rfc3339(TIME), "2026-11-22T14:02:11.204000001Z");
        assert_eq!(full("+02:00", TIME), "2026-11-22T16:02:11.204+02:00");
        assert_eq!(full("-0330", TIME), "2026-11-22T10:32:11.204-03:30");
        assert_eq!(full("utc", TIME), "2026-11-22T14:02:11.204Z");
    }

    #[test]
    fn a_zone_of_posix_changes_with_the_season() {
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        assert_eq!(full(berlin, TIME), "2026-11-22T15:02:11.204+01:00");
        assert_eq!(full(berlin, TIME - 120 * 86_400 * SECOND), "2026-07-25T16:02:11.204+02:00");
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for text in ["", "Mars/Base", "+99:00", "/etc/passwd", ":/etc/passwd", "../x"] {
            assert_eq!(text.parse::<Zone>(), Err(BadZone), "{text}");
        }
    }

    proptest! {
        #[test]
        fn digits_are_those_that_chrono_writes(time in 0..i64::MAX) {
            let expected = DateTime::from_timestamp_nanos(time).format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string();
            prop_assert_eq!(rfc3339(time), expected);
        }
    }
}
