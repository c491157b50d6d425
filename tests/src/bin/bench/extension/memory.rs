//! Memory over many invocations, and of the smallest function under a flood with a dead backend.

use super::{Subject, started};
use crate::{
    process::{peak_mib, resident_mib},
    row::{aimed, print, skipped},
    sink::Sink,
};
use lambdaview_tests::backend::{Backend, Behaviour};
use serde_json::json;

const LOOKS: [u64; 4] = [1_000, 10_000, 50_000, 100_000];
/// What memory may have grown by from the first look to the last: an allocator's slack.
const GROWTH: f64 = 1.0;
/// The bound of the buffer in a function of 128 MB, told to the extension so that the bench knows it.
const LIMIT_MIB: f64 = 8.0;

pub(super) async fn measure(subject: Subject<'_>, sink: &Sink) {
    over_many_invocations(subject, sink).await;
    for behaviour in [Behaviour::Refused, Behaviour::Hanging] {
        of_the_smallest_function(subject, behaviour).await;
    }
}

async fn over_many_invocations(subject: Subject<'_>, sink: &Sink) {
    let lambda = started(subject.in_mode(sink.address, "background")).await;
    let looks = if subject.long { &LOOKS[..] } else { &LOOKS[..2] };
    let (mut done, mut resident) = (0, Vec::new());
    for look in looks {
        while done < *look {
            lambda.invoke(json!({ "lines": 5 })).await;
            done += 1;
        }
        resident.push(resident_mib(lambda.extension_pids()[0]));
        print(
            &format!("resident memory after {look} invocations"),
            &format!("{:.2} MiB", resident[resident.len() - 1]),
        );
    }
    if !subject.long {
        skipped("resident memory after 50,000 and 100,000 invocations", "takes minutes: make bench LONG=1");
    }
    aimed("  growth from the first to the last of these", resident[resident.len() - 1] - resident[0], GROWTH, "MiB");
    lambda.stop().await;
}

async fn of_the_smallest_function(subject: Subject<'_>, behaviour: Behaviour) {
    let backend = Backend::start().await;
    let settings = subject.settings(backend.address).memory_mb(128);
    let lambda = started(settings.variable("LAMBDAVIEW_MEMORY_LIMIT", format!("{LIMIT_MIB}MiB"))).await;
    let pid = lambda.extension_pids()[0];
    let base = resident_mib(pid);
    backend.behave(behaviour).await;
    for _ in 0..200 {
        lambda.invoke(json!({ "lines": 1_000 })).await;
    }
    let what = format!(
        "peak memory of it at 128 MB, 200,000 lines, backend {}",
        if behaviour == Behaviour::Refused { "refuses" } else { "hangs" }
    );
    if subject.ours {
        let aim = ((base + LIMIT_MIB) * 10.0).round() / 10.0;
        aimed(&format!("{what} (start {base:.1} + buffer {LIMIT_MIB})"), peak_mib(pid), aim, "MiB");
    } else {
        print(&what, &format!("{:.1} MiB", peak_mib(pid)));
    }
    lambda.stop().await;
}
