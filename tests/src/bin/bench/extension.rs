//! Figures of an extension: start, memory, CPU, wire bytes, hold, size.

use crate::{median, print, sink::Sink};
use flate2::{Compression, write::GzEncoder};
use lambdaview_tests::{
    function::cheap,
    lambda::{Lambda, Settings},
    machine,
    until::{GENEROUS, until},
};
use serde_json::json;
use std::{fs, io::Write as _, path::Path, time::Duration};

const STARTS: usize = 20;
const INVOCATIONS: u64 = 50;
const LINES: u64 = 1_000;
const QUICK_INVOCATIONS: usize = 50;

pub(crate) async fn measure(binary: &Path) {
    let sink = Sink::start().await.expect("a free port on loopback");
    starts(binary, &sink).await;
    flood(binary, &sink).await;
    holds(binary, &sink).await;
    sizes(binary);
}

/// One invocation at a time of the function that prints lines, the extension beside it.
fn settings(binary: &Path, sink: &Sink) -> Settings {
    Settings::new("bench", cheap::program(machine::binary("bench")))
        .extension(binary)
        .memory_mb(512)
        .timeout(Duration::from_secs(30))
        .variable("ROTEL_OTLP_EXPORTER_ENDPOINT", format!("http://{}", sink.address))
        .variable("ROTEL_OTLP_EXPORTER_PROTOCOL", "http")
        .variable("ROTEL_OTLP_GRPC_ENDPOINT", "localhost:0")
        .variable("ROTEL_OTLP_HTTP_ENDPOINT", "localhost:0")
}

async fn starts(binary: &Path, sink: &Sink) {
    let (mut times, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let lambda = Lambda::start(settings(binary, sink)).await.expect("the platform starts");
        let ready = lambda.readiness()[0].expect("init waits for the extension's first next");
        times.push(ready.first_next.as_secs_f64() * 1e3);
        resident.push(resident_mib(lambda.extension_pids()[0]));
        lambda.stop().await;
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    print(&format!("process start to first /next, median of {STARTS}"), &format!("{:.1} ms", median(times)));
    print("  the slowest of them", &format!("{slowest:.1} ms"));
    print("resident memory after start, median", &format!("{:.1} MiB", median(resident)));
}

/// Many lines, invocation after invocation: CPU, memory and wire bytes for each.
async fn flood(binary: &Path, sink: &Sink) {
    let lambda = Lambda::start(settings(binary, sink)).await.expect("the platform starts");
    lambda.invoke(json!({ "lines": LINES })).await;
    let pid = lambda.extension_pids()[0];
    let (cpu, (bytes, requests)) = (cpu_ms(pid), sink.logs());
    for _ in 0..INVOCATIONS {
        lambda.invoke(json!({ "lines": LINES })).await;
    }
    // What an extension sends in the background may still be on its way.
    let sent = settle(sink).await;
    let thousands = (INVOCATIONS * LINES) as f64 / 1e3;
    let count = INVOCATIONS * LINES;
    print(
        &format!("CPU per 1,000 lines of {} bytes ({count} lines)", cheap::LINE),
        &format!("{:.2} ms", (cpu_ms(pid) - cpu) / thousands),
    );
    print(&format!("resident memory after {count} lines"), &format!("{:.1} MiB", resident_mib(pid)));
    print("bytes on the wire per line", &format!("{:.1}", (sent.0 - bytes) as f64 / count as f64));
    print("export requests per invocation", &format!("{:.1}", (sent.1 - requests) as f64 / INVOCATIONS as f64));
    lambda.stop().await;
}

/// Waits until the sink's counts have stopped growing.
async fn settle(sink: &Sink) -> (u64, u64) {
    let mut last = sink.logs();
    until("the last export to arrive", GENEROUS, || {
        let now = sink.logs();
        let quiet = now == last;
        last = now;
        async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            if quiet { Ok(now) } else { Err("requests still come") }
        }
    })
    .await
}

/// How long the environment is held after the runtime is done: billed, not waited for.
async fn holds(binary: &Path, sink: &Sink) {
    let lambda = Lambda::start(settings(binary, sink)).await.expect("the platform starts");
    let mut held = Vec::new();
    for _ in 0..QUICK_INVOCATIONS {
        held.push(lambda.invoke(json!({ "lines": 5 })).await.held.as_secs_f64() * 1e3);
    }
    lambda.stop().await;
    print(
        &format!("held after the runtime is done, 5 lines, median of {QUICK_INVOCATIONS}"),
        &format!("{:.1} ms", median(held)),
    );
}

fn sizes(binary: &Path) {
    let bytes = fs::read(binary).expect("the binary is readable");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes).expect("memory takes every byte");
    let packed = gzip.finish().expect("memory takes every byte");
    print("binary", &format!("{:.2} MB", bytes.len() as f64 / 1e6));
    print("binary, gzip -9", &format!("{:.2} MB", packed.len() as f64 / 1e6));
}

/// `VmRSS` of a process, in MiB.
fn resident_mib(pid: i32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")).and_then(|kib| kib.trim().parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

/// Time on a processor of all threads of a process, in milliseconds, as the scheduler counts it (nanoseconds).
fn cpu_ms(pid: i32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let schedstat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse::<f64>().ok()
    });
    nanos.sum::<f64>() / 1e6
}
