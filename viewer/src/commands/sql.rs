//! `lambdaview sql`: somebody's own question, its answer handed on as it comes.

use std::{
    io::{self, Read as _, Write as _},
    time::Duration,
};

use lambdaview_queries::{
    questions::{Fault, FaultKind, raw::Raw},
    window::Window,
};

use super::Desk;
use crate::{
    args::{Output, SqlArgs},
    ask::Since,
    error::Error,
    format::inert,
    settings::usage,
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));

impl Desk<'_> {
    /// `lambdaview sql`.
    ///
    /// # Errors
    /// When the question cannot be understood, would write, or the server fails.
    pub async fn sql(&self, args: &SqlArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json, Output::Csv])?;
        let format = match (&args.format, output) {
            (Some(named), _) => named,
            (None, Output::Json) => "JSONEachRow",
            (None, Output::Csv) => "CSVWithNames",
            (None, _) => "PrettyCompact",
        };
        let sql = question(&args.sql)?;
        let parameters = args.parameters.iter().map(|text| parameter(text)).collect::<Result<Vec<_>, _>>()?;
        let functions = match &args.functions[..] {
            [] => None,
            named => Some(self.functions_of(named).await?),
        };
        let (window, _): (Window, _) = self.window(DEFAULT_SINCE);
        let raw = Raw { sql: &sql, functions: functions.as_ref(), window, format, parameters: &parameters };
        let mut answer = self.session.raw(&raw).map_err(|fault| self.fault(fault))?;
        let mut outlet = Outlet { is_terminal: self.look.terminal, line: Vec::new() };
        loop {
            let next = answer.next().await.map_err(|fault| self.misread(fault, &sql, answer.sql()))?;
            self.spinner.stop();
            let Some(bytes) = next else { return outlet.end() };
            outlet.write(&bytes)?;
        }
    }

    /// What the server could not understand, with the clause it means.
    fn misread(&self, fault: Fault, typed: &str, sent: &str) -> Error {
        if fault.kind == FaultKind::ReadOnly {
            return usage(&format!("lambdaview only reads: {fault}"), Some("a SELECT; ClickHouse's own client writes"));
        }
        match place(&fault.message, typed, sent) {
            Some((text, at)) if fault.kind == FaultKind::Failed || fault.kind == FaultKind::NoTable => Error::Misread {
                what: format!("ClickHouse does not understand the question: {}", short(&fault.message)),
                text: text.to_owned(),
                at,
                next: "lambdaview sql --help; `lambdaview sql 'DESCRIBE otel_logs'` lists a table's columns".to_owned(),
            },
            _ => self.fault(fault),
        }
    }
}

fn question(typed: &str) -> Result<String, Error> {
    if typed != "-" {
        return Ok(typed.to_owned());
    }
    let mut sql = String::new();
    io::stdin()
        .read_to_string(&mut sql)
        .map_err(|error| usage(&format!("the question cannot be read from standard input: {error}"), None))?;
    Ok(sql)
}

fn parameter(text: &str) -> Result<(String, String), Error> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    parts
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| usage(&format!("-p {text}: a parameter has a name and a value"), Some("-p id=7f3a")))
}

/// The line of the question that a message is about, and the place in it, in bytes: the server says the position of what it cannot
/// read, in what was sent, and the name of what it does not know.
fn place<'a>(message: &str, typed: &'a str, sent: &'a str) -> Option<(&'a str, usize)> {
    if let Some((_, rest)) = message.split_once("failed at position ") {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let at = rest[..digits].parse::<usize>().ok()?.checked_sub(1)?;
        // Up to the first macro both are the same.
        let same = typed.as_bytes().get(..at) == sent.as_bytes().get(..at);
        return line_at(if same { typed } else { sent }, at);
    }
    message.split(['`', '\'']).skip(1).step_by(2).find_map(|name| {
        let at = if name.is_empty() { None } else { typed.find(name) };
        line_at(typed, at?)
    })
}

/// The line in which a byte stands, and where in it.
fn line_at(text: &str, mut at: usize) -> Option<(&str, usize)> {
    if at > text.len() {
        return None;
    }
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    Some((line, (at - start).min(line.len())))
}

/// Without the list of every word that could have stood there, and without the question that the server repeats.
fn short(message: &str) -> String {
    if let Some((said, _)) = message.split_once(". Expected ") {
        return said.to_owned();
    }
    let maybe = message.split_once(". Maybe you meant: ").map(|(_, maybe)| maybe.split(']').next().unwrap_or_default());
    let said = message.split_once(" in scope ").map_or(message, |(said, _)| said);
    let said = said.split_once(": In scope ").map_or(said, |(said, _)| said);
    match maybe {
        Some(maybe) if !message.starts_with(maybe) => format!("{said}; maybe {}", maybe.trim_start_matches('[')),
        _ => said.to_owned(),
    }
}

/// Standard output: bytes as they are for a program, inert lines for a terminal.
struct Outlet {
    is_terminal: bool,
    line: Vec<u8>,
}

impl Outlet {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        if !self.is_terminal {
            return Ok(out.write_all(bytes)?);
        }
        self.line.extend_from_slice(bytes);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            writeln!(out, "{}", inert(&String::from_utf8_lossy(&line[..end])))?;
        }
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        if !self.line.is_empty() {
            writeln!(out, "{}", inert(&String::from_utf8_lossy(&self.line)))?;
        }
        Ok(out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leads_to_its_clause() {
        let message =
            "Syntax error: failed at position 12 (FORM) (line 2, col 3): FORM otel_logs. Expected one of: token";
        let sql = "SELECT 1\n  FORM otel_logs";
        assert_eq!(place(message, sql, sql), Some(("  FORM otel_logs", 2)));
        assert_eq!(short(message), "Syntax error: failed at position 12 (FORM) (line 2, col 3): FORM otel_logs");
        let message = "Unknown expression identifier `Bdy` in scope SELECT Bdy FROM (x). Maybe you meant: ['Body']. (UNKNOWN_IDENTIFIER)";
        assert_eq!(
            place(message, "SELECT Bdy FROM {logs}", "SELECT Bdy FROM (x)"),
            Some(("SELECT Bdy FROM {logs}", 7))
        );
        assert_eq!(short(message), "Unknown expression identifier `Bdy`; maybe 'Body'");
    }

    #[test]
    fn a_place_behind_a_macro_is_shown_in_what_was_sent() {
        let shown = place("failed at position 12 (x)", "FROM {logs} x", "FROM (logs) x");
        assert_eq!(shown, Some(("FROM (logs) x", 11)));
    }

    #[test]
    fn a_message_that_leads_nowhere_shows_nothing() {
        assert_eq!(place("something else", "SELECT 1", "SELECT 1"), None);
        assert_eq!(place("failed at position 99 (x)", "SELECT 1", "SELECT 1"), None);
        assert_eq!(place("failed at position 3 (x)", "aü", "aü"), Some(("aü", 1)));
    }
}
