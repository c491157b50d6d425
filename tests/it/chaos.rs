//! The chaos run in its short form: a fixed seed, few steps, every promise.

use lambdaview_tests::machine;
use std::{fs, time::Duration};
use tokio::process::Command;

/// Far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(240);

#[tokio::test]
async fn whatever_a_seed_does_to_functions_and_backends_every_promise_holds() {
    let mut command = Command::new(machine::binary("chaos"));
    let (told, heard) = (tempfile::NamedTempFile::new().unwrap(), "what chaos told");
    command.stdout(told.reopen().expect(heard)).stderr(told.reopen().expect(heard));
    let run = command.args(["--seed", "1", "--steps", "30"]).kill_on_drop(true).status();
    let ended = tokio::time::timeout(PATIENCE, run).await;
    let told = fs::read_to_string(told.path()).expect(heard);
    let status = ended.unwrap_or_else(|_| panic!("chaos has not ended within {PATIENCE:?}\n{told}")).unwrap();
    assert!(status.success(), "{told}");
}
