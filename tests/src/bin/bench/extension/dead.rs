//! What a dead backend costs each invocation, and how soon its return is noticed.

use super::{Subject, millis, started};
use crate::row::{aimed, percentile, print, skipped};
use lambdaview_tests::{
    backend::{Backend, Behaviour},
    function::cheap,
    lambda::Lambda,
};
use serde_json::json;
use std::time::{Duration, Instant};

const INVOCATIONS: u64 = 100;
const LINES: u64 = 5;
const TAG: &str = "dead";
/// Who has not noticed by then does not notice.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn measure(subject: Subject<'_>) {
    if !subject.ours {
        skipped("a dead backend by flush mode", "only its own mode can be measured");
    }
    for mode in subject.modes(&["end", "periodic,1s", "background", "auto"]) {
        for behaviour in [Behaviour::Refused, Behaviour::Hanging] {
            in_mode(subject, mode, behaviour).await;
        }
    }
}

async fn in_mode(subject: Subject<'_>, mode: &str, behaviour: Behaviour) {
    let backend = Backend::start().await;
    let lambda = started(subject.in_mode(backend.address, mode)).await;
    invoke(&lambda, 0).await;
    backend.behave(behaviour).await;
    // It says so once when it gives the backend up, and no invocation waits from then on.
    let (mut opening, mut held) = (Vec::new(), Vec::new());
    let mut open = false;
    for nth in 1..=INVOCATIONS {
        let ours = invoke(&lambda, nth).await;
        if open { &mut held } else { &mut opening }.push(ours);
        open = open || lambda.extension_output().contains("does not answer");
    }
    backend.behave(Behaviour::Healthy).await;
    let recovered = recovery(&lambda, &backend).await;
    lambda.stop().await;
    let what = format!("{mode}, backend {}", if behaviour == Behaviour::Refused { "refuses" } else { "hangs" });
    if open {
        let until_then: f64 = opening.iter().sum();
        print(&format!("{what}: held by it in the first {}, together", opening.len()), &format!("{until_then:.1} ms"));
        tell_holds("afterwards", &held);
    } else {
        // Its request has not used up its time: then none of them may have waited for it.
        print(&format!("{what}: not yet given up after {INVOCATIONS} invocations"), "");
        tell_holds("in all of them", &opening);
    }
    match recovered {
        Some(Recovery { unnoticed, invocations }) => {
            print("  after its return, until it is tried again", &format!("{:.0} ms", millis(unnoticed)));
            aimed("  from then on, invocations until it has all", invocations, 1.0, "invocations");
        }
        None => print("  after its return, until it has all", "MISSED: never"),
    }
}

fn tell_holds(when: &str, held: &[f64]) {
    print(&format!("  {when}, median"), &format!("{:.2} ms", percentile(held, 50)));
    aimed(&format!("  {when}, p99"), percentile(held, 99), 5.0, "ms");
}

/// What of the hold was the extension's own, in milliseconds.
async fn invoke(lambda: &Lambda, nth: u64) -> f64 {
    let invocation = lambda.invoke(json!({ "tag": TAG, "from": nth * LINES, "lines": LINES })).await;
    millis(invocation.held_by_extensions())
}

/// How the return of a backend was noticed.
struct Recovery {
    /// Until a request reached it: it is tried once per backoff.
    unnoticed: Duration,
    /// From there, invocations until it had everything that was printed before its return.
    invocations: f64,
}

async fn recovery(lambda: &Lambda, backend: &Backend) -> Option<Recovery> {
    let (began, before) = (Instant::now(), backend.requests().begun);
    let bodies: Vec<String> = (0..(INVOCATIONS + 1) * LINES).map(|number| cheap::tagged(TAG, number, 0)).collect();
    let (mut noticed, mut invocations) = (None, 0.0);
    while began.elapsed() < PATIENCE {
        lambda.invoke(json!({ "lines": 1 })).await;
        // Its environment is frozen until the next: what was sent in this one arrives, and nothing is added to it.
        tokio::time::sleep(Duration::from_millis(20)).await;
        if backend.requests().begun > before {
            let unnoticed = *noticed.get_or_insert_with(|| began.elapsed());
            if backend.look(|store| bodies.iter().all(|body| store.lines().contains_key(body))) {
                return Some(Recovery { unnoticed, invocations });
            }
            invocations += 1.0;
        }
    }
    None
}
