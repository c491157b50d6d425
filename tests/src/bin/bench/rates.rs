//! How many rows a second of a core the viewer prints, how much memory that takes, and how long a large trace takes.

use crate::{
    process,
    row::{aimed, at_least, median},
};
use clickhouse::Client;
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const LINES: &str = include_str!("../../../fixtures/bench_rows.sql");
const TRACE_SPANS: &str = include_str!("../../../fixtures/sql/rows/large_spans.sql");
const TRACE_LINES: &str = include_str!("../../../fixtures/sql/rows/large_lines.sql");
const MORE_ROWS: u64 = 2_500_000;
/// How often each trace is drawn.
const RUNS: usize = 5;
/// How often the kernel is asked for a process's memory.
const PAUSE: Duration = Duration::from_millis(5);

/// What a whole answer took.
struct Printed {
    cpu_seconds: f64,
    peak_mib: f64,
}

pub(crate) async fn measure(binary: &Path, url: &str, rows: u64) {
    let client = Client::default().with_url(url).with_database("default");
    client.query_raw(LINES).param("rows", MORE_ROWS).execute().await.expect("the rows fit the tables");
    let rows = rows + MORE_ROWS;
    let mut peak: f64 = 0.0;
    for (form, aim) in [("json", 500_000.0), ("pretty", 200_000.0)] {
        let printed = print_all(binary, url, form);
        peak = peak.max(printed.peak_mib);
        let what = format!("logs -o {form}, {rows} rows: rows a second of a core");
        at_least(&what, rows as f64 / printed.cpu_seconds, aim, "rows/s");
    }
    aimed(&format!("the most resident meanwhile, {rows} rows"), peak, 40.0, "MiB");
    for (spans, lines) in [(700, 1_400), (10_000, 20_000)] {
        let trace = format!("{spans:032x}");
        for (sql, name, count) in [(TRACE_SPANS, "spans", spans), (TRACE_LINES, "lines", lines)] {
            let insert = client.query_raw(sql).param("trace", &trace).param("invocation", format!("request-{spans}"));
            insert.param(name, count as u64).execute().await.expect("the rows fit the tables");
        }
        let times: Vec<f64> = (0..RUNS).map(|_| draw(binary, url, &trace)).collect();
        aimed(&format!("trace of {spans} spans and {lines} lines, median of {RUNS}"), median(&times), 700.0, "ms");
    }
}

/// Prints every line there is, to nobody.
fn print_all(binary: &Path, url: &str, form: &str) -> Printed {
    let mut command = Command::new(binary);
    command.args(["--url", url, "logs", "--since", "3h", "--max-rows", "1000000000", "--timeout", "10m", "-o", form]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("the binary runs");
    let pid = i32::try_from(child.id()).expect("process ids are small");
    let mut peak_mib: f64 = 0.0;
    // Once it has ended its memory is gone, and its time on processors is kept until it is waited for.
    while !process::has_ended(pid) {
        peak_mib = peak_mib.max(process::peak_mib(pid));
        std::thread::sleep(PAUSE);
    }
    let cpu_seconds = process::cpu_seconds_of_all(pid);
    assert!(child.wait().expect("it has ended").success(), "it prints all lines");
    Printed { cpu_seconds, peak_mib }
}

/// How long a trace takes from the command's start to its end, in milliseconds.
fn draw(binary: &Path, url: &str, trace: &str) -> f64 {
    let began = Instant::now();
    let drawn = Command::new(binary).args(["--url", url, "trace", trace, "--static"]).stdin(Stdio::null()).output();
    let drawn = drawn.expect("the binary runs");
    assert!(drawn.status.success(), "it draws the trace: {}", String::from_utf8_lossy(&drawn.stderr));
    began.elapsed().as_secs_f64() * 1e3
}
