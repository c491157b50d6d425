//! Figures of the viewer: its start, the first row of `tail`, its size.

use crate::{
    rates,
    row::{median, print},
    screen,
};
use clickhouse::Client;
use lambdaview::local::engine::{Engine, EngineSettings, Sources};
use lambdaview_queries::schema::{Layout, create};
use lambdaview_tests::machine;
use std::{
    fs,
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

const RUNS: usize = 20;
const ROWS: u64 = 500_000;
const INSERT: &str = include_str!("../../../fixtures/bench_rows.sql");

pub(crate) async fn measure(binary: &Path) {
    print(&format!("lambdaview --version, median of {RUNS}"), &first_byte(binary, &["--version"]));
    let data = tempfile::tempdir().expect("a temporary folder");
    let engine = start(binary, data.path());
    fill(&engine.url()).await;
    let url = engine.url();
    let what = format!("first row of tail, {ROWS} rows in the table, median of {RUNS}");
    print(&what, &first_byte(binary, &["--url", &url, "tail", "function-17", "--no-follow"]));
    screen::measure(binary, &url).await;
    rates::measure(binary, &url, ROWS).await;
    engine.stop();
    let bytes = fs::metadata(binary).expect("the binary is there").len();
    print("binary", &format!("{:.2} MB", bytes as f64 / 1e6));
}

pub(crate) fn start(binary: &Path, data: &Path) -> Engine {
    let settings = EngineSettings {
        program: Some(binary.to_owned()),
        data: data.to_owned(),
        http_port: 0,
        tcp_port: None,
        config: None,
        sources: Sources::from_environment(|name| machine::variable(name).map(Into::into)),
    };
    Engine::start(&settings, &mut |progress| eprintln!("  {progress}")).expect("an engine on this machine")
}

async fn fill(url: &str) {
    let client = Client::default().with_url(url).with_database("default");
    create(&client, Layout::Items).await.expect("an empty database takes ClickStack's tables");
    client.query_raw(INSERT).param("rows", ROWS).execute().await.expect("the rows fit the tables");
}

/// From the start of the process to the first byte it writes, in the middle of several runs.
fn first_byte(binary: &Path, arguments: &[&str]) -> String {
    let once = || {
        let began = Instant::now();
        let mut child = Command::new(binary).args(arguments).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let mut byte = [0];
        child.stdout.take().expect("piped").read_exact(&mut byte).expect("it writes something");
        let took = began.elapsed();
        child.wait().expect("it ends");
        took.as_secs_f64() * 1e3
    };
    format!("{:.1} ms", median(&(0..RUNS).map(|_| once()).collect::<Vec<_>>()))
}
