//! The wall clock, read here and nowhere else.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::ask::Nanos;

/// Nanoseconds since 1970, UTC, by this machine's clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
