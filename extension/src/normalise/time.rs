//! The time a program wrote into its record, in whichever form.

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

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
    /// Of a JSON field: RFC 3339 and its relatives, or epoch seconds, milli-, micro- or nanoseconds.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::from_text(text).or_else(|| Self::from_epoch(text.parse().ok()?)),
            Value::Number(number) => Self::from_integer(number.as_u64()).or_else(|| Self::from_epoch(number.as_f64()?)),
            _ => None,
        }
    }

    /// Of `2024-05-15T23:59:20.159Z`, `2024-05-15 23:59:20,159`, `2024-05-15 23:59:20,159+0000`; UTC where no zone is named.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let starts_like_a_date = text.len() >= 19 && text.as_bytes()[4] == b'-' && text.as_bytes()[13] == b':';
        if !starts_like_a_date || !text.is_ascii() {
            return None;
        }
        let text = text.replacen(',', ".", 1);
        let at = DateTime::parse_from_rfc3339(&text)
            .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f%z"))
            .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z"))
            .map(|time| time.timestamp_nanos_opt())
            .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").map(naive))
            .or_else(|_| NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").map(naive));
        Some(Self { at: u64::try_from(at.ok()??).ok()?, sub_second: text.as_bytes().get(19) == Some(&b'.') })
    }

    fn from_integer(epoch: Option<u64>) -> Option<Self> {
        let epoch = epoch?;
        let unit = unit_of(epoch as f64)?;
        Some(Self { at: epoch.checked_mul(unit)?, sub_second: unit < SECOND })
    }

    fn from_epoch(epoch: f64) -> Option<Self> {
        let unit = unit_of(epoch)?;
        // Microseconds are what a double of epoch seconds still holds.
        let micros = (epoch * (unit as f64) / 1000.0).round() as u64;
        Some(Self { at: micros.checked_mul(1000)?, sub_second: unit < SECOND || epoch.fract() != 0.0 })
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
    use serde_json::json;

    const AT: u64 = 1_715_817_560_159_000_000;

    #[test]
    fn every_form_is_read_to_the_same_instant() {
        let forms = [
            json!("2024-05-15T23:59:20.159Z"),
            json!("2024-05-16T01:59:20.159+02:00"),
            json!("2024-05-15 23:59:20,159"),
            json!("2024-05-15 23:59:20,159+0000"),
            json!("2024-05-15T23:59:20.159"),
            json!(1_715_817_560_159_u64),
            json!("1715817560159"),
            json!(1_715_817_560.159),
            json!(1_715_817_560_159_000_u64),
            json!(1_715_817_560_159_000_000_u64),
        ];
        for form in forms {
            assert_eq!(Written::from_json(&form), Some(Written { at: AT, sub_second: true }), "{form}");
        }
    }

    #[test]
    fn whole_seconds_are_known_as_such() {
        for form in [json!("2024-05-15T23:59:20Z"), json!(1_715_817_560)] {
            let read = Written::from_json(&form);
            assert_eq!(read, Some(Written { at: AT - 159_000_000, sub_second: false }), "{form}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for form in [json!("soon"), json!(17), json!(null), json!("2024-05-15"), json!("ééééééééééééé"), json!(true)]
        {
            assert_eq!(Written::from_json(&form), None, "{form}");
        }
    }

    #[test]
    fn a_time_of_another_day_is_not_the_records() {
        let written = Written::from_json(&json!("2024-05-15T23:59:20.159Z")).unwrap();
        assert!(written.is_near(AT + SECOND) && written.is_near(0));
        assert!(!written.is_near(AT + 2 * FAR));
    }
}
