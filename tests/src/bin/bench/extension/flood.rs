//! Many lines, invocation after invocation: CPU, memory and wire bytes for each.

use super::{Subject, started};
use crate::{
    process::{cpu_ms, resident_mib},
    row::{aimed, median, print},
    sink::Sink,
};
use lambdaview_tests::{
    function::cheap,
    until::{GENEROUS, until},
};
use serde_json::json;
use std::time::Duration;

const FLOODS: u64 = 5;
const INVOCATIONS: u64 = 10;
const LINES: u64 = 1_000;

pub(super) async fn measure(subject: Subject<'_>, sink: &Sink) {
    // Everything is sent when an invocation ends: what a background flush still had to send would be counted to nobody.
    let lambda = started(subject.in_mode(sink.address, "end")).await;
    lambda.invoke(json!({ "lines": LINES })).await;
    let pid = lambda.extension_pids()[0];
    let (bytes, requests) = settle(sink).await;
    let mut costs = Vec::new();
    for _ in 0..FLOODS {
        let before = cpu_ms(pid);
        for _ in 0..INVOCATIONS {
            lambda.invoke(json!({ "lines": LINES })).await;
        }
        // What an extension sends in the background may still be on its way.
        settle(sink).await;
        costs.push((cpu_ms(pid) - before) / (INVOCATIONS * LINES) as f64 * 1e3);
    }
    let sent = settle(sink).await;
    let count = FLOODS * INVOCATIONS * LINES;
    let what = format!("CPU per 1,000 lines of {} bytes, median of {FLOODS} floods of 10,000", cheap::LINE);
    aimed(&what, median(&costs), 1.5, "ms");
    let (least, most) =
        costs.iter().fold((f64::MAX, 0.0_f64), |(least, most), cost| (least.min(*cost), most.max(*cost)));
    print("  the cheapest and the dearest of them", &format!("{least:.2} to {most:.2} ms"));
    aimed(&format!("resident memory after {count} lines"), resident_mib(pid), 16.0, "MiB");
    aimed("bytes on the wire per line", (sent.0 - bytes) as f64 / count as f64, 12.0, "B");
    let invocations = (FLOODS * INVOCATIONS) as f64;
    print("export requests per invocation", &format!("{:.1}", (sent.1 - requests) as f64 / invocations));
    lambda.stop().await;
}

/// Waits until the sink's counts have stopped growing.
async fn settle(sink: &Sink) -> (u64, u64) {
    let mut last = sink.logs();
    until("the last export to arrive", GENEROUS, || {
        let now = sink.logs();
        let quiet = std::mem::replace(&mut last, now) == now;
        async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if quiet { Ok(now) } else { Err("requests still come") }
        }
    })
    .await
}
