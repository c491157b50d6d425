//! Memory over a long life: it does not grow with the number of invocations.

use lambdaview_tests::{
    attach::towards,
    backend::Backend,
    function::cheap,
    lambda::{Lambda, Settings, Status},
    ledger::Ledger,
    machine,
    until::GENEROUS,
};
use serde_json::json;

/// By then every buffer has had its size and every table its entries.
const SETTLED: usize = 500;
const INVOCATIONS: usize = 2_500;
/// What an allocator may take meanwhile; a leak of a kilobyte an invocation would be half as much again.
const SLACK_KIB: u64 = 1_400;

fn resident_kib(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[tokio::test]
async fn memory_does_not_grow_with_the_number_of_invocations() {
    let backend = Backend::start().await;
    let function = Settings::new("long", cheap::program(machine::binary("bench"))).history(5_000);
    let settings = function.timeout(GENEROUS).init_timeout(GENEROUS).variable("LAMBDAVIEW_FLUSH", "background,100ms");
    let lambda = Lambda::start(towards(settings, &machine::extension(), &backend, "http")).await.unwrap();
    let mut settled = 0;
    for nth in 0..INVOCATIONS {
        let invocation = lambda.invoke(json!({ "lines": 5, "span": "work" })).await;
        assert_eq!(invocation.status, Status::Success, "{}", lambda.transcript());
        if nth == SETTLED {
            settled = resident_kib(lambda.extension_pids()[0]);
        }
    }
    let grown = resident_kib(lambda.extension_pids()[0]).saturating_sub(settled);
    assert!(grown < SLACK_KIB, "{grown} KiB in {} invocations, from {settled} KiB", INVOCATIONS - SETTLED);
    assert!(lambda.stop().await.killed.is_empty());
    assert!(Ledger::last(&lambda.extension_output()).balanced());
}
