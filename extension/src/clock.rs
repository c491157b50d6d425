//! The one place that reads the wall clock; everywhere else the time is an argument.

use crate::flow::UnixNanos;

/// Now, by the wall clock.
///
/// A clock before 1970 counts as 1970; one past 2554 (the end of OTLP's 64 bits) as 2554.
#[must_use]
pub fn unix_now() -> UnixNanos {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
