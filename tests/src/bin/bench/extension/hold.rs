//! How long the environment is held after the runtime is done, with a healthy backend: billed, not waited for.
//!
//! A hold has two parts. Until the platform has told that the runtime is done, nobody can know it: the Telemetry API buffers
//! for 25 ms at the least. From the answer to that delivery on, it is the extension's own.

use super::{Subject, millis, started};
use crate::{
    row::{aimed, percentile, print, skipped},
    sink::Sink,
};
use lambdaview_tests::lambda::Invocation;
use serde_json::json;

const INVOCATIONS: usize = 200;

pub(super) async fn measure(subject: Subject<'_>, sink: &Sink) {
    let round_trip = sink.round_trip().await;
    print("the backend's own round trip, median", &format!("{round_trip:.2} ms"));
    let modes = subject.modes(&["end", "background"]);
    if !subject.ours {
        skipped("holds by flush mode", "it prints no ledger of ours, so it knows no LAMBDAVIEW_FLUSH");
    }
    for mode in modes {
        let lambda = started(subject.in_mode(sink.address, mode)).await;
        let mut held = Vec::new();
        for nth in 0..INVOCATIONS + 5 {
            let invocation = lambda.invoke(json!({ "lines": 5 })).await;
            // The first ones connect.
            if nth >= 5 {
                held.push(invocation);
            }
        }
        lambda.stop().await;
        tell(mode, &held, if mode == "background" { 0.3 } else { round_trip + 2.0 });
    }
}

fn tell(mode: &str, held: &[Invocation], aim: f64) {
    let figures = |of: &dyn Fn(&Invocation) -> f64| held.iter().map(of).collect::<Vec<f64>>();
    let whole = figures(&|invocation| millis(invocation.held));
    let told: Vec<f64> = held.iter().filter_map(|invocation| invocation.told.map(millis)).collect();
    let ours = figures(&|invocation| millis(invocation.held_by_extensions()));
    let both = |figures: &[f64]| format!("{:.2} / {:.2} ms", percentile(figures, 50), percentile(figures, 99));
    print(&format!("held after the runtime is done, {mode}, 5 lines: p50 / p99"), &both(&whole));
    if told.is_empty() {
        print("  of which until the platform told it", "not waited for");
    } else {
        print("  of which until the platform told it", &both(&told));
    }
    let aim = (aim * 100.0).round() / 100.0;
    aimed("  of which the extension's own, median", percentile(&ours, 50), aim, "ms");
    print("  of which the extension's own, p99", &format!("{:.2} ms", percentile(&ours, 99)));
}
