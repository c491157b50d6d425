//! A function that costs next to nothing: it prints as many lines as its event asks for, so that what is measured or
//! tormented beside it is the extension.
//!
//! Its event: `lines` to print; with a `tag`, each is `tag number padding`, numbered from `from`, and else as a service
//! writes it; `span` sends one span by OTLP/HTTP of that name; `millis` is how long it then works; `do` is what happens then: `answer`, `error`, `exit` or `hang`.

use crate::{lambda::Program, machine};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// The argument with which a binary becomes the function.
pub const COMMAND: &str = "function";
/// Bytes of an untagged line without its newline.
pub const LINE: usize = 120;

/// It, as the platform starts it from a binary that calls [`run`] for [`COMMAND`].
#[must_use]
pub fn program(executable: PathBuf) -> Program {
    Program {
        executable,
        arguments: vec![COMMAND.to_owned()],
        task_root: std::env::temp_dir(),
        handler: "lines".to_owned(),
        execution_env: "AWS_Lambda_provided.al2023".to_owned(),
        framed_logs: false,
        variables: BTreeMap::new(),
    }
}

/// The body of the line with this tag and number.
#[must_use]
pub fn tagged(tag: &str, number: u64, padding: usize) -> String {
    format!("{tag} {number} {:.<padding$}", "")
}

/// Asks the Runtime API for events until it goes away.
#[must_use]
pub fn run() -> ExitCode {
    let Some(address) = machine::variable("AWS_LAMBDA_RUNTIME_API") else {
        eprintln!("`{COMMAND}` is started by the emulator only");
        return ExitCode::from(2);
    };
    match serve(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_the_platform_is_gone) => ExitCode::FAILURE,
    }
}

fn serve(address: &str) -> std::io::Result<()> {
    let collector = machine::variable("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or_default();
    let collector = collector.trim_start_matches("http://");
    let mut printed = 0;
    loop {
        let (head, event) = exchange(address, "GET /2018-06-01/runtime/invocation/next", b"")?;
        let id = header(&head, "lambda-runtime-aws-request-id").unwrap_or_default();
        let event: Value = serde_json::from_slice(&event).unwrap_or_default();
        print(&event, &mut printed)?;
        let span = event["span"].as_str().is_some_and(|name| send_span(collector, &head, &id, name).is_ok());
        std::thread::sleep(Duration::from_millis(event["millis"].as_u64().unwrap_or(0)));
        let (word, answer) = match event["do"].as_str() {
            Some("exit") => return Err(ErrorKind::Other.into()),
            Some("hang") => {
                std::thread::sleep(Duration::from_secs(3600));
                continue;
            }
            Some("error") => ("error", json!({ "errorType": "Asked", "errorMessage": "as the event asked" })),
            _ => ("response", json!({ "requestId": id, "span": span })),
        };
        let path = format!("POST /2018-06-01/runtime/invocation/{id}/{word}");
        exchange(address, &path, answer.to_string().as_bytes())?;
    }
}

fn print(event: &Value, printed: &mut u64) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let number = |name: &str| event[name].as_u64().unwrap_or(0);
    for nth in 0..number("lines") {
        match event["tag"].as_str() {
            Some(tag) => {
                let padding = usize::try_from(number("padding")).unwrap_or(0);
                writeln!(out, "{}", tagged(tag, number("from") + nth, padding))?;
            }
            None => writeln!(out, "{}", line(*printed))?,
        }
        *printed += 1;
    }
    out.flush()
}

/// A line as a service writes it: words that recur, and numbers that do not.
fn line(number: u64) -> String {
    let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let text = format!(
        "charged order {number} customer c-{:05} amount {}.{:02} EUR",
        scattered % 99_991,
        scattered % 900,
        scattered % 100
    );
    format!("{text} gateway=stripe attempt=1 region=eu-central-1 cache=miss latency_ms={:<60}", scattered % 2_000)
        [..LINE]
        .to_owned()
}

/// One span below Lambda's own, as an SDK sends it; taken by who listens there, or an error.
fn send_span(collector: &str, head: &str, request_id: &str, name: &str) -> std::io::Result<()> {
    let trace = header(head, "lambda-runtime-trace-id").unwrap_or_default();
    let part = |key: &str| trace.split(';').find_map(|part| part.strip_prefix(key)).unwrap_or_default().to_owned();
    let now = chrono::Utc::now().timestamp_nanos_opt().unwrap_or_default().to_string();
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    let span = json!({
        "traceId": part("Root=1-").replace('-', ""), "spanId": digits, "parentSpanId": part("Parent="),
        "name": name, "kind": 1, "startTimeUnixNano": now, "endTimeUnixNano": now,
    });
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] }).to_string();
    let (head, _) = exchange(collector, "POST /v1/traces", body.as_bytes())?;
    if head.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(ErrorKind::Other.into()) }
}

fn exchange(address: &str, request: &str, body: &[u8]) -> std::io::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let mut answer = Vec::new();
    reader.read_to_end(&mut answer)?;
    Ok((head, answer))
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}
