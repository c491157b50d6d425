//! Ends the run when a test hangs for good, and says which test it was and what it waited for.
//!
//! libtest waits for a test for ever, and names only those that have ended. What follows from it: each test has a thread of
//! its own that bears its name, so a test is known by its thread and has ended when its thread has. Whatever gives a test its
//! world calls [`watch`], so that no test has to.

use crate::machine;
use std::{
    cell::RefCell,
    io::Write,
    sync::{Arc, Mutex, MutexGuard, Once},
    thread,
    time::{Duration, Instant},
};

/// How often the tests are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// What libtest itself ends with when a test has failed.
const FAILED: i32 = 101;

static RUNNING: Mutex<Vec<Arc<Test>>> = Mutex::new(Vec::new());
static BEGUN: Once = Once::new();

thread_local! {
    static THIS: RefCell<Option<Watched>> = const { RefCell::new(None) };
}

/// A test that runs.
#[derive(Debug)]
struct Test {
    name: String,
    began: Instant,
    /// What it waits for now; several at once where it does several things at once.
    waits: Mutex<Vec<String>>,
}

impl Test {
    fn waits(&self) -> MutexGuard<'_, Vec<String>> {
        self.waits.lock().expect("no holder of this lock panics")
    }
}

/// Lives as long as the test's thread.
struct Watched(Arc<Test>);

impl Drop for Watched {
    fn drop(&mut self) {
        running().retain(|test| !Arc::ptr_eq(test, &self.0));
    }
}

/// From now on this thread's test may take as long as [`machine::test_limit`] allows. A thread that is no test's is left alone.
pub fn watch() {
    this();
}

/// Says what the test waits for, until the value is dropped.
#[must_use]
pub fn waits_for(what: &str) -> Waits {
    let test = this();
    if let Some(test) = &test {
        test.waits().push(what.to_owned());
    }
    Waits { test, what: what.to_owned() }
}

/// A wait that has begun.
#[derive(Debug)]
pub struct Waits {
    test: Option<Arc<Test>>,
    what: String,
}

impl Drop for Waits {
    fn drop(&mut self) {
        let Some(test) = &self.test else { return };
        let mut waits = test.waits();
        if let Some(at) = waits.iter().position(|wait| *wait == self.what) {
            waits.remove(at);
        }
    }
}

fn running() -> MutexGuard<'static, Vec<Arc<Test>>> {
    RUNNING.lock().expect("no holder of this lock panics")
}

/// This thread's test, if it is a test's: those have a path for their name.
fn this() -> Option<Arc<Test>> {
    let name = thread::current().name().filter(|name| name.contains("::"))?.to_owned();
    THIS.with_borrow_mut(|this| {
        let watched = this.get_or_insert_with(|| {
            let test = Arc::new(Test { name, began: Instant::now(), waits: Mutex::default() });
            running().push(test.clone());
            Watched(test)
        });
        BEGUN.call_once(|| drop(thread::spawn(|| guard(machine::test_limit()))));
        Some(watched.0.clone())
    })
}

fn guard(limit: Duration) {
    loop {
        thread::sleep(LOOK);
        let hung = running().iter().find(|test| test.began.elapsed() > limit).cloned();
        if let Some(test) = hung {
            end(&test, limit);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a thread that is stuck can be ended with its process only")]
fn end(test: &Test, limit: Duration) -> ! {
    let waits = test.waits().join("; ");
    let waits = if waits.is_empty() { "it did not say for what" } else { &waits };
    // Past the test harness, which keeps what a test prints until the test has ended.
    let _closed = writeln!(
        std::io::stderr(),
        "\nHUNG: {} runs for more than {limit:?} and waits ({waits}).\nThe run ends here; \
         {} allows a test more seconds.",
        test.name,
        machine::TEST_LIMIT
    );
    std::process::exit(FAILED)
}
