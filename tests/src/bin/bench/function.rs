//! A function that costs next to nothing: it prints as many lines as its event asks for, so that what is measured beside
//! it is the extension.

use lambdaview_tests::{lambda::Program, machine};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::ExitCode,
};

/// The argument with which this binary becomes the function.
pub(crate) const COMMAND: &str = "function";
/// Bytes of a printed line without its newline.
pub(crate) const LINE: usize = 120;

/// It, as the platform starts it.
pub(crate) fn program() -> Program {
    Program {
        executable: machine::binary("bench"),
        arguments: vec![COMMAND.to_owned()],
        task_root: std::env::temp_dir(),
        handler: "lines".to_owned(),
        execution_env: "AWS_Lambda_provided.al2023".to_owned(),
        framed_logs: false,
        variables: BTreeMap::new(),
    }
}

/// Asks the Runtime API for events until it goes away.
pub(crate) fn run() -> ExitCode {
    let Some(address) = machine::variable("AWS_LAMBDA_RUNTIME_API") else {
        eprintln!("`bench {COMMAND}` is started by the emulator only");
        return ExitCode::from(2);
    };
    match serve(&address) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_the_platform_is_gone) => ExitCode::FAILURE,
    }
}

fn serve(address: &str) -> std::io::Result<()> {
    let mut printed = 0_u64;
    loop {
        let next = "GET /2018-06-01/runtime/invocation/next";
        let (head, event) = exchange(address, next, b"")?;
        let id = header(&head, "lambda-runtime-aws-request-id").unwrap_or_default();
        let event: Value = serde_json::from_slice(&event).unwrap_or_default();
        let mut out = std::io::stdout().lock();
        for _ in 0..event["lines"].as_u64().unwrap_or(0) {
            writeln!(out, "{}", line(printed))?;
            printed += 1;
        }
        out.flush()?;
        drop(out);
        exchange(address, &format!("POST /2018-06-01/runtime/invocation/{id}/response"), b"{}")?;
    }
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

fn exchange(address: &str, request: &str, body: &[u8]) -> std::io::Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
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
