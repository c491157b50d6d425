//! Figures of an extension: start, size, and from the other files flood, hold and memory.

mod dead;
mod flood;
mod hold;
mod memory;

use crate::{
    process::resident_mib,
    row::{aimed, median, print},
    sink::Sink,
};
use flate2::{Compression, write::GzEncoder};
use lambdaview_tests::{
    function::cheap,
    lambda::{Lambda, Settings},
    ledger::Ledger,
    machine,
};
use std::{fs, io::Write as _, net::SocketAddr, path::Path, time::Duration};

const STARTS: usize = 20;

/// What is measured.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    binary: &'a Path,
    /// Whether it is ours: it knows `LAMBDAVIEW_FLUSH`, and its bounds are known.
    ours: bool,
    /// Whether a hundred thousand invocations are worth the time.
    long: bool,
}

/// A part of the figures that can be measured alone.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Flood,
    Hold,
    Dead,
    Memory,
}

impl Part {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "flood" => Some(Self::Flood),
            "hold" => Some(Self::Hold),
            "dead" => Some(Self::Dead),
            "memory" => Some(Self::Memory),
            _ => None,
        }
    }
}

pub(crate) async fn measure(binary: &Path, long: bool) {
    let sink = Sink::start().await.expect("a free port on loopback");
    let ours = starts(binary, &sink).await;
    let subject = Subject { binary, ours, long };
    flood::measure(subject, &sink).await;
    hold::measure(subject, &sink).await;
    dead::measure(subject).await;
    memory::measure(subject, &sink).await;
    sizes(binary);
}

/// Of an extension of ours, one part and nothing else.
pub(crate) async fn measure_part(part: Part, binary: &Path, long: bool) {
    let sink = Sink::start().await.expect("a free port on loopback");
    let subject = Subject { binary, ours: true, long };
    match part {
        Part::Flood => flood::measure(subject, &sink).await,
        Part::Hold => hold::measure(subject, &sink).await,
        Part::Dead => dead::measure(subject).await,
        Part::Memory => memory::measure(subject, &sink).await,
    }
}

impl Subject<'_> {
    /// One invocation at a time of the function that prints lines, the extension beside it.
    fn settings(&self, backend: SocketAddr) -> Settings {
        settings(self.binary, backend)
    }

    /// As [`Subject::settings`], in one of our flush modes.
    fn in_mode(&self, backend: SocketAddr, mode: &str) -> Settings {
        self.settings(backend).variable("LAMBDAVIEW_FLUSH", mode)
    }

    /// The flush modes that can be told apart: another extension has its own only.
    fn modes(&self, ours: &[&'static str]) -> Vec<&'static str> {
        if self.ours { ours.to_vec() } else { vec!["its own mode"] }
    }
}

fn settings(binary: &Path, backend: SocketAddr) -> Settings {
    Settings::new("bench", cheap::program(machine::binary("bench")))
        .extension(binary)
        .memory_mb(512)
        .timeout(Duration::from_secs(30))
        .history(20_000)
        .variable("ROTEL_OTLP_EXPORTER_ENDPOINT", format!("http://{backend}"))
        .variable("ROTEL_OTLP_EXPORTER_PROTOCOL", "http")
        .variable("ROTEL_OTLP_GRPC_ENDPOINT", "localhost:0")
        .variable("ROTEL_OTLP_HTTP_ENDPOINT", "localhost:0")
}

async fn started(settings: Settings) -> Lambda {
    Lambda::start(settings).await.expect("the platform starts")
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Whether the extension is ours is seen from what it says at its end.
async fn starts(binary: &Path, sink: &Sink) -> bool {
    let (mut times, mut resident, mut ours) = (Vec::new(), Vec::new(), false);
    for _ in 0..STARTS {
        let lambda = started(settings(binary, sink.address)).await;
        let ready = lambda.readiness()[0].expect("init waits for the extension's first next");
        times.push(millis(ready.first_next));
        resident.push(resident_mib(lambda.extension_pids()[0]));
        lambda.stop().await;
        ours = !Ledger::all(&lambda.extension_output()).is_empty();
    }
    let slowest = times.iter().copied().fold(0.0, f64::max);
    aimed(&format!("process start to first /next, median of {STARTS}"), median(&times), 5.0, "ms");
    print("  the slowest of them", &format!("{slowest:.1} ms"));
    aimed("resident memory after start, median", median(&resident), 8.0, "MiB");
    ours
}

fn sizes(binary: &Path) {
    let bytes = fs::read(binary).expect("the binary is readable");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes).expect("memory takes every byte");
    let packed = gzip.finish().expect("memory takes every byte");
    aimed("binary", bytes.len() as f64 / 1e6, 6.5, "MB");
    aimed("binary, gzip -9", packed.len() as f64 / 1e6, 2.8, "MB");
}
