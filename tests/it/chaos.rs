//! The chaos run in its short form: a fixed seed, few steps, every promise.

use lambdaview_tests::machine;
use tokio::process::Command;

#[tokio::test]
async fn whatever_a_seed_does_to_functions_and_backends_every_promise_holds() {
    let mut command = Command::new(machine::binary("chaos"));
    let run = command.args(["--seed", "1", "--steps", "30"]).kill_on_drop(true).output().await.unwrap();
    let told = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{told}\n{}", String::from_utf8_lossy(&run.stderr));
}
