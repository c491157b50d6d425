//! Nothing is lost and nothing doubled: what is printed is what was written, each line once, while a writer floods, rows come
//! late, the table merges, the server restarts, and the reader stands still.
//!
//! `make loss` runs it for longer, at 5,000 rows a second.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use chrono::{DateTime, FixedOffset, TimeDelta};
use clickhouse::Client;
use lambdaview::local::engine::{Engine, EngineSettings, Sources};
use lambdaview_queries::schema::{self, Layout};
use lambdaview_tests::{machine, until::until};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

/// Rows of a batch, and between batches.
const BATCH: u64 = 250;
/// Far longer than it takes; only a failure waits for it.
const PATIENCE: Duration = Duration::from_secs(180);

/// How much is written: little in every test run, much by `make loss`.
struct Flood {
    rows_a_second: u64,
    seconds: u64,
}

impl Flood {
    fn from_environment() -> Self {
        let number = |name| machine::variable(name).and_then(|value| value.parse().ok());
        Self { rows_a_second: number("LOSS_ROWS").unwrap_or(2_500), seconds: number("LOSS_SECONDS").unwrap_or(6) }
    }

    const fn batches(&self) -> u64 {
        self.rows_a_second * self.seconds / BATCH
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(1) * u32::try_from(BATCH).unwrap() / u32::try_from(self.rows_a_second).unwrap()
    }
}

/// A server of its own, which can be restarted.
struct Server {
    engine: Option<Engine>,
    settings: EngineSettings,
    _data: TempDir,
}

impl Server {
    fn start() -> Self {
        let data = TempDir::with_prefix("lambdaview-loss-").unwrap();
        let http_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = EngineSettings {
            config: None,
            program: Some(machine::viewer()),
            data: data.path().to_owned(),
            http_port,
            tcp_port: None,
            sources: Sources::from_environment(|name| machine::variable(name).map(Into::into)),
        };
        let mut server = Self { engine: None, settings, _data: data };
        server.restart();
        server
    }

    fn restart(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop();
        }
        self.engine = Some(Engine::start(&self.settings, &mut |_| {}).unwrap());
    }

    fn url(&self) -> String {
        self.engine.as_ref().unwrap().url()
    }
}

/// What was printed of a line.
struct Printed {
    at: Instant,
    /// How many lines were printed before it.
    nth: usize,
    /// When it was written, as it says itself.
    time: DateTime<FixedOffset>,
    said_late: bool,
}

/// Lines out of order by less are not called late.
const TOLERANCE: TimeDelta = TimeDelta::milliseconds(100);

/// The viewer, following, and what it has printed.
struct Reader {
    child: Child,
    /// By number; how often, and what of the first.
    lines: Arc<Mutex<BTreeMap<u64, Vec<Printed>>>>,
    stands_still: Arc<AtomicBool>,
    thread: Thread,
}

impl Reader {
    fn follow(url: &str) -> Self {
        let mut command = Command::new(machine::viewer());
        command.args(["--url", url, "tail", "loss-*", "--since", "1h", "-o", "json", "-v"]);
        let mut child = command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, stands_still): (Arc<Mutex<BTreeMap<_, _>>>, Arc<AtomicBool>) = Default::default();
        let stdout = child.stdout.take().unwrap();
        let (kept, still) = (Arc::clone(&lines), Arc::clone(&stands_still));
        let thread = thread::spawn(move || keep(stdout, &kept, &still)).thread().clone();
        Self { child, lines, stands_still, thread }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Reads nothing, or reads on.
    fn stand_still(&self, still: bool) {
        self.stands_still.store(still, Ordering::Relaxed);
        self.thread.unpark();
    }

    fn seen(&self) -> usize {
        self.lines.lock().unwrap().len()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(stdout: ChildStdout, lines: &Mutex<BTreeMap<u64, Vec<Printed>>>, stands_still: &AtomicBool) {
    for (nth, line) in BufReader::new(stdout).lines().enumerate() {
        while stands_still.load(Ordering::Relaxed) {
            thread::park();
        }
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let body = line["body"].as_str().unwrap();
        let number = body.rsplit(' ').next().unwrap().parse().unwrap();
        let time = DateTime::parse_from_rfc3339(line["time"].as_str().unwrap()).unwrap();
        let printed = Printed { at: Instant::now(), nth, time, said_late: line.get("late_ms").is_some() };
        lines.lock().unwrap().entry(number).or_default().push(printed);
    }
}

/// When each batch was committed.
async fn write(client: &Client, batch: u64) -> Instant {
    let query = client.query_raw(include_str!("../fixtures/sql/rows/loss.sql"));
    query.param("first", batch * BATCH).param("count", BATCH).execute().await.unwrap();
    Instant::now()
}

async fn nothing_is_lost(layout: Layout) {
    let flood = Flood::from_environment();
    let mut server = Server::start();
    let client = Client::default().with_url(server.url()).with_database("default");
    schema::create(&client, layout).await.unwrap();
    let mut committed = vec![write(&client, 0).await];
    let mut reader = Reader::follow(&server.url());
    until("the history", PATIENCE, || async { (reader.seen() > 0).then_some(()).ok_or("nothing yet") }).await;
    let last = flood.batches();
    for batch in 1..last {
        let due = tokio::time::Instant::now() + flood.pause();
        committed.push(write(&client, batch).await);
        let twelfth = batch * 12 / last;
        if twelfth != (batch - 1) * 12 / last {
            trouble(twelfth, &mut server, &client, &reader).await;
        }
        tokio::time::sleep_until(due).await;
    }
    let wanted = (last * BATCH) as usize;
    until("every line", PATIENCE, || async {
        let seen = reader.seen();
        if seen >= wanted { Ok(()) } else { Err(format!("{seen} of {wanted}")) }
    })
    .await;
    reader.signal(Signal::SIGINT);
    let status = reader.child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut reader.child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(status.code(), Some(130), "{said}");
    hold(&reader.lines.lock().unwrap(), wanted, &committed, layout);
    assert!(said.contains("reconnect"), "{layout}: {said}");
    eprintln!("{layout}: {}", said.lines().last().unwrap_or_default());
}

/// What happens at each twelfth of the way.
async fn trouble(twelfth: u64, server: &mut Server, client: &Client, reader: &Reader) {
    match twelfth {
        2 => reader.stand_still(true),
        3 => reader.stand_still(false),
        4 | 8 => server.restart(),
        6 => reader.signal(Signal::SIGSTOP),
        7 => reader.signal(Signal::SIGCONT),
        _ => client.query_raw("OPTIMIZE TABLE otel_logs FINAL").execute().await.unwrap(),
    }
}

fn hold(lines: &BTreeMap<u64, Vec<Printed>>, wanted: usize, committed: &[Instant], layout: Layout) {
    assert!(lines.keys().copied().eq(0..wanted as u64), "{layout}: numbers that were never written");
    let twice = lines.iter().filter(|(_, printed)| printed.len() > 1).map(|(number, _)| *number);
    assert_eq!(twice.collect::<Vec<_>>(), [0; 0], "{layout}: printed more than once");
    is_marked_if_late(lines, layout);
    // Those of the first batch were there before.
    let arrived = lines.iter().filter(|(number, _)| **number >= BATCH);
    // Before the first standstill and after the last restart.
    let calm = |number: u64| !(2..10).contains(&(number * 12 / wanted as u64));
    let mut took: Vec<Duration> = arrived
        .filter(|(number, _)| calm(**number))
        .map(|(number, printed)| printed[0].at.saturating_duration_since(committed[(number / BATCH) as usize]))
        .collect();
    took.sort_unstable();
    let percent = |percent: usize| took[(took.len() - 1) * percent / 100];
    eprintln!(
        "{layout}: {wanted} lines, from commit to reader p50 {:.0?} p95 {:.0?} while the server was there and the reader read",
        percent(50),
        percent(95)
    );
}

/// Of a line that stands below a newer one it is said, and of no other.
fn is_marked_if_late(lines: &BTreeMap<u64, Vec<Printed>>, layout: Layout) {
    let mut printed: Vec<(&u64, &Printed)> = lines.iter().map(|(number, printed)| (number, &printed[0])).collect();
    printed.sort_unstable_by_key(|(_, printed)| printed.nth);
    let mut newest = printed[0].1.time;
    let mut late = 0;
    for (number, line) in printed {
        let is_late = newest - line.time >= TOLERANCE;
        assert_eq!(line.said_late, is_late, "{layout}: line {number} of {} below {newest}", line.time);
        late += usize::from(is_late);
        newest = newest.max(line.time);
    }
    assert!(late > 0, "{layout}: nothing was late");
}

#[tokio::test]
async fn a_flood_is_printed_whole_and_once_where_the_table_keeps_block_numbers() {
    nothing_is_lost(Layout::Items).await;
}

#[tokio::test]
async fn a_flood_is_printed_whole_and_once_where_the_table_keeps_none() {
    nothing_is_lost(Layout::TimestampTime).await;
}
