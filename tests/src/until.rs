//! Waiting for a condition, or for something to end: the only ways in which these tests wait. None of them is without end.

use crate::watchdog;
use std::{
    fmt::Display,
    future::Future,
    time::{Duration, Instant},
};

/// How long a condition may take on a busy machine before it counts as never coming.
pub const GENEROUS: Duration = Duration::from_secs(30);

/// How long anything may take that ends by itself, and that nobody measures.
pub const LONGEST: Duration = Duration::from_secs(90);

/// How often a condition is looked at again.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks `probe` again and again until it gives a value.
///
/// # Panics
/// When `deadline` has passed: says what was waited for, and the reason that `probe` gave last. A single answer of `probe`'s
/// may take no longer than that either.
pub async fn until<T, Why, Probe, Answer>(what: &str, deadline: Duration, mut probe: Probe) -> T
where
    Why: Display,
    Probe: FnMut() -> Answer,
    Answer: Future<Output = Result<T, Why>>,
{
    let _told = watchdog::waits_for(what);
    let (began, mut last) = (Instant::now(), None);
    loop {
        match tokio::time::timeout(deadline, probe()).await {
            Ok(Ok(value)) => return value,
            Ok(Err(why)) => {
                assert!(began.elapsed() < deadline, "{what}: not within {deadline:?}; last seen: {why}");
                last = Some(why);
            }
            Err(_) => {
                let last = last.map_or_else(String::new, |why| format!("; last seen: {why}"));
                panic!("{what}: one look at it has not ended within {deadline:?}{last}");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits for something that ends by itself.
///
/// # Panics
/// When it has not ended after [`LONGEST`].
pub async fn ended<T>(what: &str, something: impl Future<Output = T>) -> T {
    let _told = watchdog::waits_for(what);
    match tokio::time::timeout(LONGEST, something).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {LONGEST:?}"),
    }
}
