//! What was typed, as it is meant: times, amounts, ids.

use std::{str::FromStr, time::Duration};

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// Nanoseconds since 1970, UTC.
pub type Nanos = i64;

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// That long ago.
    Ago(Duration),
    /// That moment.
    At(Nanos),
}

/// How many lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Last(u64),
    /// Every one.
    All,
}

/// What `lambdaview trace` was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceRef {
    /// A trace id: 32 lower-case hexadecimal digits.
    Trace(String),
    /// A Lambda request id, lower-case.
    Invocation(String),
}

/// A time that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time: write 30s, 10m, 2h, 7d, 2026-11-22 or 2026-11-22T14:02:00Z")]
pub struct BadTime;

/// An amount that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number of lines: write 50, or all")]
pub struct BadAmount;

/// An id that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an id of a trace or a request: a trace id has 32 hexadecimal digits, X-Ray's is 1-xxxxxxxx-(24 digits), a request id has the form of a UUID"
)]
pub struct BadId;

impl Since {
    /// The moment meant, when it is `now`.
    #[must_use]
    pub fn at(self, now: Nanos) -> Nanos {
        match self {
            Self::At(moment) => moment,
            Self::Ago(age) => now.saturating_sub(i64::try_from(age.as_nanos()).unwrap_or(i64::MAX)).max(0),
        }
    }
}

impl FromStr for Since {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        duration(text).map(Self::Ago).or_else(|_| moment(text).map(Self::At))
    }
}

impl FromStr for Amount {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        match text {
            "all" => Ok(Self::All),
            _ => text.parse().map(Self::Last).map_err(|_| BadAmount),
        }
    }
}

impl FromStr for TraceRef {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let text = text.trim();
        // X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
        let text = text.split(';').find_map(|part| part.trim().strip_prefix("Root=")).unwrap_or(text);
        let id = text.to_ascii_lowercase();
        let groups: Vec<&str> = id.split('-').collect();
        if !groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(BadId);
        }
        match groups.iter().map(|group| group.len()).collect::<Vec<_>>()[..] {
            [32] => Ok(Self::Trace(id)),
            [1, 8, 24] if groups[0] == "1" => Ok(Self::Trace(groups[1..].concat())),
            [8, 4, 4, 4, 12] => Ok(Self::Invocation(id)),
            _ => Err(BadId),
        }
    }
}

/// A length of time: a whole number and its unit.
///
/// # Errors
/// When it is neither.
pub fn duration(text: &str) -> Result<Duration, BadTime> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(BadTime)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| BadTime)?;
    let seconds = match unit {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(BadTime),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or(BadTime)
}

fn moment(text: &str) -> Result<Nanos, BadTime> {
    let utc = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
    let utc = utc.or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc()));
    let utc = utc.or_else(|_| text.parse::<NaiveDate>().map(|date| date.and_time(chrono::NaiveTime::MIN).and_utc()));
    utc.ok().and_then(|time| time.timestamp_nanos_opt()).filter(|nanos| *nanos >= 0).ok_or(BadTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_counted_back_from_now() {
        let now = 1_000_000_000_000_000_000;
        assert_eq!("10m".parse::<Since>().unwrap().at(now), now - 600_000_000_000);
        assert_eq!("99999999d".parse::<Since>().unwrap().at(now), 0);
    }

    #[test]
    fn a_moment_is_that_moment() {
        for text in ["2026-11-22T00:00:00Z", "2026-11-22T01:00:00+01:00", "2026-11-22T00:00:00", "2026-11-22"] {
            assert_eq!(text.parse::<Since>(), Ok(Since::At(1_795_305_600_000_000_000)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "10", "m", "-5m", "10 m", "yesterday", "1.5h", "1900-01-01"] {
            assert_eq!(text.parse::<Since>(), Err(BadTime), "{text}");
        }
    }

    #[test]
    fn every_form_of_a_trace_id_is_the_same_id() {
        let id = TraceRef::Trace("5759e988bd862e3fe1be46a994272793".to_owned());
        for text in [
            "5759e988bd862e3fe1be46a994272793",
            "5759E988BD862E3FE1BE46A994272793",
            "1-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793",
        ] {
            assert_eq!(text.parse::<TraceRef>(), Ok(id.clone()), "{text}");
        }
    }

    #[test]
    fn a_request_id_is_told_from_a_trace_id() {
        let id = "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";
        assert_eq!(id.parse::<TraceRef>(), Ok(TraceRef::Invocation(id.to_owned())));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "abc", "zzzz", "2-5759e988-bd862e3fe1be46a994272793", "5759e988bd862e3fe1be46a99427279"] {
            assert_eq!(text.parse::<TraceRef>(), Err(BadId), "{text}");
        }
    }
}
