//! What each question makes ClickHouse read, at two million rows and at ten times as many, with nothing added to the tables and with all
//! that `schema apply` adds; beside it the same question as one writes it at first.
//!
//! The functions that are asked about have the same rows in both tables: what grows is everything around them.

use crate::row::median;
use clickhouse::Client;
use lambdaview::{connect, error::Place, settings::Target};
use lambdaview_queries::{
    filter::Filter,
    questions::{
        Session,
        function::Functions,
        lines::{Detail, Scope},
        marks::{self, Marks, Reach},
    },
    schema::{Layout, create},
    window::Window,
};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const LOGS: &str = include_str!("../../../fixtures/sql/scale/logs.sql");
const SPANS: &str = include_str!("../../../fixtures/sql/scale/spans.sql");
/// Rows of one insert: what the engine sorts at once.
const BATCH: u64 = 250_000;
/// How often each command is timed.
const RUNS: usize = 3;
/// So many inserts are looked at again, and a few.
const MANY_INSERTS: usize = 70;
/// The rows reach this far into the future, so that `now` lies among them for as long as the bench runs.
const AHEAD_SECONDS: u64 = 3_600;

/// How many log records there are at first; there are a quarter as many spans.
pub(crate) const ROWS: u64 = 2_000_000;

/// Rows of some functions: a name's beginning, how many functions, log records, spans.
struct Crowd {
    prefix: &'static str,
    functions: u64,
    logs: u64,
    spans: u64,
}

/// The functions that are asked about, and their like.
const fn few(rows: u64) -> Crowd {
    Crowd { prefix: "fn-", functions: 200, logs: rows, spans: rows / 4 }
}

/// The functions that come around them.
const fn many(rows: u64) -> Crowd {
    Crowd { prefix: "other-", functions: 1_800, logs: 9 * rows, spans: 9 * rows / 4 }
}

/// A question: the command that asks it, and its plain form.
struct Question {
    what: &'static str,
    command: &'static str,
    plain: Option<&'static str>,
}

/// `{trace}` and `{invocation}` stand for ids of an invocation of `fn-17`.
const QUESTIONS: &[Question] = &[
    Question {
        what: "tail -n 200",
        command: "tail fn-17 -n 200 --no-follow",
        plain: Some(include_str!("../../../fixtures/sql/plain/last_lines.sql")),
    },
    Question {
        what: "logs of 15 minutes",
        command: "logs fn-17 --since 15m",
        plain: Some(include_str!("../../../fixtures/sql/plain/lines.sql")),
    },
    Question {
        what: "a word in a day's logs",
        command: "logs fn-17 --since 24h -i TimeoutError",
        plain: Some(include_str!("../../../fixtures/sql/plain/search.sql")),
    },
    Question {
        what: "trace, by its id",
        command: "trace {trace} --static",
        plain: Some(include_str!("../../../fixtures/sql/plain/trace.sql")),
    },
    Question {
        what: "trace, by a request id",
        command: "trace {invocation} --static",
        plain: Some(include_str!("../../../fixtures/sql/plain/invocation.sql")),
    },
    Question { what: "trace that is nowhere", command: "trace 00000000000000000000000000000001 --static", plain: None },
    Question {
        what: "invocations, the last 50",
        command: "invocations fn-17 -n 50 --since 7d",
        plain: Some(include_str!("../../../fixtures/sql/plain/invocations.sql")),
    },
    Question {
        what: "functions of a day",
        command: "functions --since 24h",
        plain: Some(include_str!("../../../fixtures/sql/plain/functions.sql")),
    },
    Question {
        what: "errors of a function's day",
        command: "errors fn-17 --since 24h",
        plain: Some(include_str!("../../../fixtures/sql/plain/errors.sql")),
    },
    Question { what: "cold starts of a day", command: "cold fn-17 --since 24h", plain: None },
    Question { what: "patterns of a function's day", command: "patterns fn-17 --since 24h", plain: None },
    Question { what: "cost of seven days, exactly", command: "cost --since 7d --exact --timeout 120s", plain: None },
    Question {
        what: "cost of seven days",
        command: "cost --since 7d",
        plain: Some(include_str!("../../../fixtures/sql/plain/cost.sql")),
    },
];

/// What one asking came to.
#[derive(Clone, Debug, Default)]
struct Read {
    rows: u64,
    bytes: u64,
    milliseconds: f64,
}

pub(crate) async fn measure(binary: &Path, rows: u64) {
    let data = tempfile::tempdir().expect("a temporary folder");
    let engine = super::viewer::start(binary, data.path());
    let url = engine.url();
    let client = Client::default().with_url(&url).with_database("default");
    create(&client, Layout::Items).await.expect("an empty database takes ClickStack's tables");
    let until = lambdaview::clock::now() + nanoseconds(AHEAD_SECONDS);
    fill(&client, &few(rows), until).await;
    let few = ask_all(binary, &url);
    fill(&client, &many(rows), until).await;
    let many = ask_all(binary, &url);
    let looks = poll(&url, &client).await;
    let ids = ids(binary, &url);
    let mut plain = Vec::new();
    for question in QUESTIONS {
        plain.push(match question.plain {
            Some(plain) => shown(&ask_plainly(&client, plain, until, &ids).await),
            None => String::new(),
        });
    }
    apply_additions(binary, &url);
    let added = ask_all(binary, &url);
    let logs = |rows| format!("{} logs", lambdaview::format::count(rows));
    let (few_logs, many_logs) = (logs(rows), logs(10 * rows));
    print_row("rows and bytes read", [&few_logs, &many_logs, "with the additions", "as written at first"]);
    for (nth, question) in QUESTIONS.iter().enumerate() {
        print_row(question.what, [&few[nth], &many[nth], &added[nth], &plain[nth]]);
    }
    for (what, look) in ["a tail's look after a merge", "a tail's look"].iter().zip(&looks) {
        println!("  {what:<30} {} rows {} bytes, of 100 new lines", look.rows, look.bytes);
    }
    engine.stop();
}

fn print_row(what: &str, figures: [&str; 4]) {
    let figures = figures.map(|figure| format!(" {figure:>30}"));
    println!("  {what:<30}{}", figures.concat());
}

/// Adds everything that `schema apply` knows, and what was there before.
fn apply_additions(binary: &Path, url: &str) {
    eprintln!("  adding the roll-up and the column of names");
    let mut process = Command::new(binary);
    process.args(["--url", url, "--timeout", "600s", "schema", "apply", "--yes"]).stdin(Stdio::null());
    let applied = process.output().expect("the viewer runs");
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
}

/// What one look of somebody who follows a function reads, when a hundred lines have come: the first look after the table was merged
/// into few parts, and one after so many inserts that all which are looked at again lie in parts of their own.
async fn poll(url: &str, client: &Client) -> [Read; 2] {
    let place = Place { url: url.to_owned(), user: None, database: "default".to_owned(), is_local: false };
    let target = Target { place, limit: Duration::from_secs(60), ..Target::default() };
    let session = connect::open(&target, "bench").await.expect("the engine answers");
    let first = look(&session, client).await;
    for _ in 0..MANY_INSERTS {
        insert_newest(client, 1).await;
    }
    [first, look(&session, client).await]
}

async fn look(session: &Session, client: &Client) -> Read {
    let marks = Marks::at(&marks::parts(session).await.expect("parts can be listed"));
    insert_newest(client, 100).await;
    let functions = Functions::named("fn-0");
    let now = lambdaview::clock::now();
    let window = Window::since(now - nanoseconds(3_600), now);
    let scope = Scope { functions: &functions, window, filter: &Filter::Everything, detail: Detail::default() };
    let before = session.cost();
    marks::parts(session).await.expect("parts can be listed");
    let mut arrivals = marks::arrivals(session, &scope, &marks, Reach::Recent).expect("lines can be asked for");
    while arrivals.next().await.expect("lines arrive").is_some() {}
    let after = session.cost();
    Read { rows: after.rows - before.rows, bytes: after.bytes - before.bytes, milliseconds: 0.0 }
}

/// Lines of `fn-0` of this moment.
async fn insert_newest(client: &Client, count: u64) {
    // The last of so many that they are of less than a minute.
    const OF: u64 = 1_000_000;
    let insert = client.query_raw(LOGS).param("prefix", "fn-").param("functions", 1).param("first", OF - count);
    let insert = insert.param("count", count).param("rows", OF).param("until", lambdaview::clock::now());
    insert.execute().await.expect("the rows fit the table");
}

async fn fill(client: &Client, crowd: &Crowd, until: i64) {
    let began = Instant::now();
    for (sql, rows) in [(LOGS, crowd.logs), (SPANS, crowd.spans)] {
        for first in (0..rows).step_by(usize::try_from(BATCH).expect("a small number")) {
            let count = BATCH.min(rows - first);
            let insert = client.query_raw(sql).param("prefix", crowd.prefix).param("functions", crowd.functions);
            let insert = insert.param("first", first).param("count", count).param("rows", rows).param("until", until);
            insert.param("invocations", crowd.logs / 5).execute().await.expect("the rows fit the tables");
            eprint!("\r  {}: {} of {rows} rows, {:.0?}   ", crowd.prefix, first + count, began.elapsed());
        }
    }
    eprintln!();
    for table in ["otel_logs", "otel_traces"] {
        let merge = format!("OPTIMIZE TABLE {table} FINAL");
        client.query(&merge).execute().await.expect("parts can be merged");
    }
}

fn ask_all(binary: &Path, url: &str) -> Vec<String> {
    let (trace, invocation) = ids(binary, url);
    let asked = QUESTIONS.iter().map(|question| {
        let command = question.command.replace("{trace}", &trace).replace("{invocation}", &invocation);
        ask(binary, url, &command).map_or_else(|why| format!("FAILED: {why}"), |read| shown(&read))
    });
    asked.collect()
}

/// The ids of an invocation of the function that is asked about.
fn ids(binary: &Path, url: &str) -> (String, String) {
    let output =
        Command::new(binary).args(["--url", url, "tail", "fn-17", "-n", "1", "--no-follow", "-o", "json"]).output();
    let line: serde_json::Value =
        serde_json::from_slice(&output.expect("the viewer runs").stdout).expect("one line of JSON");
    let text = |key: &str| line[key].as_str().expect("a line of an invocation").to_owned();
    (text("trace_id"), text("invocation_id"))
}

/// The command's own count of what was read, and the middle of its times.
fn ask(binary: &Path, url: &str, command: &str) -> Result<Read, String> {
    let mut read = Read::default();
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let mut process = Command::new(binary);
        process.args(["--url", url, "--stats"]).args(command.split(' ')).stdin(Stdio::null());
        let output = process.output().map_err(|error| error.to_string())?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let counted =
            said.lines().find_map(counted).ok_or_else(|| said.lines().next().unwrap_or("silent").to_owned())?;
        (read.rows, read.bytes) = counted;
    }
    Ok(Read { milliseconds: median(&times), ..read })
}

/// `lambdaview: 2 questions, read 174 080 rows and 10.1 MB (10123456 bytes)`
fn counted(line: &str) -> Option<(u64, u64)> {
    let (_, read) = line.strip_prefix("lambdaview: ")?.split_once(", read ")?;
    let (rows, bytes) = read.split_once(" and ")?;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok();
    let bytes = bytes.split_once('(').map_or(bytes, |(_, exact)| exact);
    Some((digits(rows)?, digits(bytes)?))
}

async fn ask_plainly(client: &Client, sql: &str, until: i64, (trace, invocation): &(String, String)) -> Read {
    let began = Instant::now();
    let query = client.query_raw(sql).param("function", "fn-17").param("until", until - nanoseconds(AHEAD_SECONDS));
    let query = query.param("trace", trace).param("invocation", invocation).with_setting("wait_end_of_query", "1");
    let mut answer = query.fetch_bytes("Null").expect("the question can be asked");
    while answer.next().await.expect("the engine answers").is_some() {}
    let summary = answer.summary().expect("asked to wait for the end");
    let (rows, bytes) = (summary.read_rows().unwrap_or_default(), summary.read_bytes().unwrap_or_default());
    Read { rows, bytes, milliseconds: began.elapsed().as_secs_f64() * 1e3 }
}

fn shown(read: &Read) -> String {
    let bytes = lambdaview::format::bytes(read.bytes);
    format!("{} {bytes} {:.0} ms", lambdaview::format::count(read.rows), read.milliseconds)
}

fn nanoseconds(seconds: u64) -> i64 {
    i64::try_from(seconds * 1_000_000_000).expect("a few hours")
}
