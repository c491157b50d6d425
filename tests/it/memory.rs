//! Memory over a long life, where it does not grow with the number of invocations, and in a flood, where it stays within its limit.

use lambdaview_tests::{
    attach::towards,
    backend::{Backend, Behaviour},
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

/// What the smallest function's extension may take beyond what it has at its start.
const LIMIT_KIB: u64 = 8 << 10;
const FLOODS: usize = 40;

fn resident_kib(pid: i32) -> u64 {
    status_kib(pid, "VmRSS:")
}

/// Without the pages of the binary, which the system reads when they are first used and can take away again.
fn allocated_kib(pid: i32) -> u64 {
    status_kib(pid, "RssAnon:")
}

fn status_kib(pid: i32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
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

#[tokio::test]
async fn a_flood_that_nobody_takes_stays_within_the_limit_and_every_line_has_its_place() {
    let backend = Backend::start().await;
    let function = Settings::new("flood", cheap::program(machine::binary("bench"))).memory_mb(128);
    let settings = function.timeout(GENEROUS).init_timeout(GENEROUS);
    let lambda = Lambda::start(towards(settings, &machine::extension(), &backend, "http")).await.unwrap();
    let pid = lambda.extension_pids()[0];
    let at_start = allocated_kib(pid);
    backend.behave(Behaviour::Refused).await;
    let mut most = 0;
    for _ in 0..FLOODS {
        let invocation = lambda.invoke(json!({ "lines": 2_000 })).await;
        assert_eq!(invocation.status, Status::Success, "{}", lambda.transcript());
        most = most.max(allocated_kib(pid));
    }
    let taken = most.saturating_sub(at_start);
    // Of these lines far more than the limit would have to be kept: a flood that found room would show nothing.
    assert!((LIMIT_KIB / 2..LIMIT_KIB).contains(&taken), "{taken} KiB, from {at_start} KiB");
    assert!(lambda.stop().await.killed.is_empty());
    let ledger = Ledger::last(&lambda.extension_output());
    assert!(ledger.balanced(), "{}", lambda.transcript());
}
