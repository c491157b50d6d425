//! The time a program wrote into its record, in whichever form.

use chrono::{DateTime, NaiveDateTime};

use crate::flow::UnixNanos;

/// A time and how fine it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) at: UnixNanos,
    pub(super) sub_second: bool,
}

const SECOND: u64 = 1_000_000_000;

/// The function's clock and the platform's are one: a time further away than this is data, not the record's time.
const FAR: u64 = 24 * 3600 * SECOND;

impl Written {
    /// Of a JSON field, by its text: RFC 3339 and its relatives, or epoch seconds, milli-, micro- or nanoseconds.
    pub(super) fn from_field(text: &str) -> Option<Self> {
        Self::from_text(text).or_else(|| Self::from_epoch(text))
    }

    /// Of `2024-05-15T23:59:20.159Z`, `2024-05-15 23:59:20,159`, `2024-05-15 23:59:20,159+0000`, `2024/05/15 23:59:20.159`;
    /// UTC where no zone is named.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        if !starts_like_a_date(text.as_bytes()) || !text.is_ascii() {
            return None;
        }
        let text = text.replacen(',', ".", 1).replacen('/', "-", 2).replacen(" UTC", "Z", 1);
        let at = DateTime::parse_from_rfc3339(&text)
            .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f%#z"))
            .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%#z"))
            .map(|time| time.timestamp_nanos_opt())
            .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").map(naive))
            .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(naive));
        Some(Self { at: u64::try_from(at.ok()??).ok()?, sub_second: text.as_bytes().get(19) == Some(&b'.') })
    }

    /// Of an epoch number. Its digits are read, since a double has too few for nanoseconds.
    pub(super) fn from_epoch(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) {
            return Self::from_double(text.parse().ok()?);
        }
        let whole: u64 = whole.parse().ok()?;
        let unit = unit_of(whole as f64)?;
        let (parts, _) = fraction.split_at(fraction.len().min(9));
        let parts = format!("{parts:0<9}").parse::<u64>().ok()?;
        let at = whole.checked_mul(unit)?.checked_add(parts / (SECOND / unit))?;
        Some(Self { at, sub_second: unit < SECOND || parts > 0 })
    }

    /// Of `1.715817560159e9`.
    fn from_double(epoch: f64) -> Option<Self> {
        let unit = unit_of(epoch)?;
        // Microseconds are what a double of epoch seconds still holds.
        let micros = (epoch * (unit as f64) / 1000.0).round() as u64;
        Some(Self { at: micros.checked_mul(1000)?, sub_second: unit < SECOND || epoch.fract() != 0.0 })
    }

    /// Of whole seconds and the nanoseconds beside them.
    pub(super) fn with_nanos(self, nanos: u64) -> Self {
        Self { at: self.at.saturating_add(nanos), sub_second: true }
    }

    /// Whether this is the time of a record that the platform saw at `event` (0: unknown).
    pub(super) fn is_near(self, event: UnixNanos) -> bool {
        event == 0 || self.at.abs_diff(event) < FAR
    }

    /// Whether it says no more than `event` does.
    pub(super) fn is_within_second_of(self, event: UnixNanos) -> bool {
        self.at / SECOND == event / SECOND
    }
}

/// `2024-05-15 23:`, the date cut by dashes or slashes.
fn starts_like_a_date(text: &[u8]) -> bool {
    text.len() >= 19 && matches!(text[4], b'-' | b'/') && text[4] == text[7] && text[13] == b':'
}

fn naive(time: NaiveDateTime) -> Option<i64> {
    time.and_utc().timestamp_nanos_opt()
}

/// Nanoseconds in the unit of an epoch number of this magnitude: between the years 2001 and 2100 there is only one.
fn unit_of(epoch: f64) -> Option<u64> {
    match epoch {
        e if (1e9..4.2e9).contains(&e) => Some(SECOND),
        e if (1e12..4.2e12).contains(&e) => Some(1_000_000),
        e if (1e15..4.2e15).contains(&e) => Some(1000),
        e if (1e18..4.2e18).contains(&e) => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: u64 = 1_715_817_560_159_000_000;

    #[test]
    fn every_form_is_read_to_the_same_instant() {
        let forms = [
            "2024-05-15T23:59:20.159Z",
            "2024-05-16T01:59:20.159+02:00",
            "2024-05-16T01:59:20.159+0200",
            "2024-05-15 23:59:20,159",
            "2024-05-15 23:59:20,159+0000",
            "2024-05-15 23:59:20.159 +0000",
            "2024-05-15 23:59:20.159 UTC",
            "2024-05-15T23:59:20.159",
            "2024/05/15 23:59:20.159000",
            "1715817560159",
            "1715817560159.000",
            "1715817560.159",
            "1.715817560159e9",
            "1715817560159000",
            "1715817560159000000",
        ];
        for form in forms {
            assert_eq!(Written::from_field(form), Some(Written { at: AT, sub_second: true }), "{form}");
        }
        let fine = Written::from_field("1715817560.1590012349").unwrap();
        assert_eq!(fine.at, AT + 1234, "no digit of a nanosecond is rounded away");
    }

    #[test]
    fn whole_seconds_are_known_as_such() {
        for form in ["2024-05-15T23:59:20Z", "1715817560", "1715817560.0", "2024/05/15 23:59:20"] {
            let read = Written::from_field(form);
            assert_eq!(read, Some(Written { at: AT - 159_000_000, sub_second: false }), "{form}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        let forms = [
            "soon",
            "17",
            "null",
            "2024-05-15",
            "ééééééééééééé",
            "true",
            "",
            ".",
            "-1715817560",
            "2024-05/15 23:59:20.159",
            "99999999999999999999",
        ];
        for form in forms {
            assert_eq!(Written::from_field(form), None, "{form}");
        }
    }

    #[test]
    fn a_time_of_another_day_is_not_the_records() {
        let written = Written::from_text("2024-05-15T23:59:20.159Z").unwrap();
        assert!(written.is_near(AT + SECOND) && written.is_near(0));
        assert!(!written.is_near(AT + 2 * FAR));
    }
}
