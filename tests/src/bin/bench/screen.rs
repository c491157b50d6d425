//! Figures of the viewer on a terminal: its first frame, what following costs while nothing happens, memory with many lines.

use crate::{
    process::{cpu_ms, peak_mib},
    row::{aimed, median, print},
};
use clickhouse::Client;
use lambdaview_tests::terminal::Terminal;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::process::Command;

const RUNS: usize = 20;
/// For so long it follows while nothing happens.
const IDLE: Duration = Duration::from_secs(20);
/// Lines that arrive while it follows.
const LINES: u64 = 1_000_000;
const INSERT: &str = include_str!("../../../fixtures/bench_rows.sql");

/// Measures `binary` against the server at `url`.
pub(crate) async fn measure(binary: &Path, url: &str) {
    let mut frames = Vec::new();
    for _ in 0..RUNS {
        frames.push(first_frame(binary, url).await);
    }
    aimed(&format!("first frame of the viewer at 120x40, median of {RUNS}"), median(&frames), 50.0, "ms");
    let mut screen = open(binary, url, &["tail", "function-*", "--tui"]);
    // Lines a second are told once it follows. Its word for that is drawn over another one, and only where letters differ.
    shows(&screen, "/s").await;
    let before = cpu_ms(screen.pid());
    tokio::time::sleep(IDLE).await;
    let idle = (cpu_ms(screen.pid()) - before) * 60.0 / IDLE.as_secs_f64();
    print("CPU of a followed screen where nothing happens", &format!("{idle:.0} ms a minute"));
    let client = Client::default().with_url(url).with_database("default");
    client.query_raw(INSERT).param("rows", LINES).execute().await.expect("the rows fit the tables");
    quiet(screen.pid()).await;
    aimed(&format!("peak memory of a screen on which {LINES} lines arrived"), peak_mib(screen.pid()), 128.0, "MiB");
    screen.types("Q");
    screen.ended().await;
}

/// From the start of the process to a frame that is whole.
async fn first_frame(binary: &Path, url: &str) -> f64 {
    let began = Instant::now();
    let mut screen = open(binary, url, &["ui"]);
    shows(&screen, "help").await;
    let took = began.elapsed();
    screen.types("Q");
    screen.ended().await;
    took.as_secs_f64() * 1e3
}

fn open(binary: &Path, url: &str, arguments: &[&str]) -> Terminal {
    let mut command = Command::new(binary);
    command.args(["--url", url]).args(arguments).env("TERM", "xterm-256color");
    Terminal::start(&mut command, 120, 40)
}

/// Waits until it has taken in whatever arrived.
async fn quiet(pid: i32) {
    const BUSY: f64 = 100.0;
    let (mut before, mut has_worked) = (cpu_ms(pid), false);
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = cpu_ms(pid);
        has_worked |= now - before > BUSY;
        if has_worked && now - before < BUSY {
            return;
        }
        before = now;
    }
}

async fn shows(screen: &Terminal, text: &str) {
    while !screen.has_shown(text) {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}
