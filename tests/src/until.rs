//! Waiting for a condition: the only way in which these tests wait.

use std::{
    fmt::Display,
    future::Future,
    time::{Duration, Instant},
};

/// How long a condition may take on a busy machine before it counts as never coming.
pub const GENEROUS: Duration = Duration::from_secs(30);

/// How often a condition is looked at again.
const PAUSE: Duration = Duration::from_millis(20);

/// Asks `probe` again and again until it gives a value.
///
/// # Panics
/// When `deadline` has passed: says what was waited for, and the reason that `probe` gave last.
pub async fn until<T, Why, Probe, Answer>(what: &str, deadline: Duration, mut probe: Probe) -> T
where
    Why: Display,
    Probe: FnMut() -> Answer,
    Answer: Future<Output = Result<T, Why>>,
{
    let began = Instant::now();
    loop {
        match probe().await {
            Ok(value) => return value,
            Err(why) => assert!(began.elapsed() < deadline, "{what}: not within {deadline:?}; last seen: {why}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
