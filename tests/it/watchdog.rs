//! A test that hangs ends the run, and the run says which test it was: seen from outside, by this very test as a run of its own.

use lambdaview_tests::{
    machine,
    until::{ended, until},
};
use std::time::Duration;
use tokio::process::Command;

const ME: &str = "watchdog::a_test_that_hangs_ends_the_run_and_is_named_with_what_it_waits_for";
/// The limit of the run within, in seconds.
const SHORT: &str = "1";

#[tokio::test]
async fn a_test_that_hangs_ends_the_run_and_is_named_with_what_it_waits_for() {
    if machine::variable(machine::TEST_LIMIT).as_deref() == Some(SHORT) {
        // An answer that never comes, where no limit of its own would end it in time.
        return until("the end of the world", Duration::from_secs(600), std::future::pending::<Result<(), &str>>).await;
    }
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", ME]).env(machine::TEST_LIMIT, SHORT).kill_on_drop(true);
    let output = ended("the run that hangs", run.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(101), "{said}");
    assert!(said.contains(&format!("HUNG: {ME} runs for more than 1s and waits (the end of the world)")), "{said}");
}
