//! What this machine gives us: the cache outside the tree, the binaries under test, the environment. The only file here
//! that reads the environment.

use crate::watchdog;
use std::{
    env,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

/// The variable that says for how many seconds a test may run before it counts as hung.
pub const TEST_LIMIT: &str = "LAMBDAVIEW_TEST_LIMIT";

/// Far longer than any test takes on a busy machine, its fetching of what is not in the cache included.
const DEFAULT_TEST_LIMIT: Duration = Duration::from_secs(300);

/// A variable of our own environment, or nothing when it is absent or empty.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// How long a test may run.
///
/// # Panics
/// When the variable is set to something else than a number of seconds.
#[must_use]
pub fn test_limit() -> Duration {
    let seconds =
        |text: String| Duration::from_secs(text.parse().expect("LAMBDAVIEW_TEST_LIMIT is a number of seconds"));
    variable(TEST_LIMIT).map_or(DEFAULT_TEST_LIMIT, seconds)
}

/// The folder for what is fetched once and kept outside the tree: `$LAMBDAVIEW_CACHE`, else the user's cache folder.
///
/// # Panics
/// When the machine names neither a cache nor a home.
#[must_use]
pub fn cache() -> PathBuf {
    if let Some(cache) = variable("LAMBDAVIEW_CACHE") {
        return PathBuf::from(cache);
    }
    let user = variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")));
    user.expect("set LAMBDAVIEW_CACHE: neither XDG_CACHE_HOME nor HOME is set").join("lambdaview")
}

/// The built extension.
#[must_use]
pub fn extension() -> PathBuf {
    binary("lambdaview-extension")
}

/// The built viewer.
#[must_use]
pub fn viewer() -> PathBuf {
    binary("lambdaview")
}

/// A binary of this workspace, found beside the running test or benchmark.
///
/// # Panics
/// When it has not been built, because a test without it would say nothing.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    watchdog::watch();
    let running = env::current_exe().expect("a running program has a path");
    let beside = running.parent().expect("a file stands in a folder");
    let profile =
        if beside.ends_with("deps") { beside.parent().expect("deps stands in the profile's folder") } else { beside };
    let path = profile.join(name);
    assert!(
        path.is_file(),
        "{} is not built: run `cargo build --workspace --bins` (as `make test` does) first",
        path.display()
    );
    path
}

/// The folder of everything that tests read and do not compile.
#[must_use]
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The folder of the sample functions.
#[must_use]
pub fn functions() -> PathBuf {
    fixtures().join("functions")
}

/// A loopback address that no other environment of this machine's tests uses, so that each can have the usual ports, as each
/// has on Lambda. The whole of 127.0.0.0/8 is ours to choose from.
#[must_use]
pub fn loopback() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = process::id().to_be_bytes();
    Ipv4Addr::new(127, 1 + high % 254, low, 1 + NEXT.fetch_add(1, Ordering::Relaxed) % 254)
}

/// Says on stderr that a test could not be run here, and why: it does not pass silently.
pub fn skipped(test: &str, why: &dyn std::fmt::Display) {
    use std::io::Write;
    // Past the test harness, which shows what a passing test prints to nobody.
    let _closed = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}
