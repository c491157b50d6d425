//! A line as more than one row of the screen: JSON laid out, a stack trace whole, a long line wrapped.

use super::{
    Tail,
    store::{Number, Stored},
};
use crate::{
    format::{inert, width, without_runtime_prefix},
    tui::text::broken,
};

/// Of a line that is longer than this the rest is told, not shown.
const MOST: usize = 400;

/// What was said, without what a runtime puts before it.
#[must_use]
pub fn said<'a>(line: &Stored<'a>) -> &'a str {
    without_runtime_prefix(line.body, line.invocation).trim_end()
}

/// How many lines there are in the text.
#[must_use]
pub fn parts(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// How many rows a line takes.
#[must_use]
pub fn height(tail: &Tail, number: Number, line: &Stored<'_>, columns: usize) -> usize {
    rows(tail, number, line, columns).len()
}

/// The rows of a line's text, inert, none wider than what is left beside the time.
#[must_use]
pub fn rows(tail: &Tail, number: Number, line: &Stored<'_>, columns: usize) -> Vec<String> {
    let room = columns.saturating_sub(tail.before_text(columns) + 1).max(8);
    let text = if tail.unfolded.contains(&number) { laid_out(said(line)) } else { first(said(line)) };
    let mut rows = Vec::new();
    let mut left = 0;
    for part in text.split('\n') {
        let part = inert(part.strip_suffix('\r').unwrap_or(part)).into_owned();
        let pieces = if tail.wrap && width(&part) > room { broken(&part, room) } else { vec![part] };
        for piece in pieces {
            if rows.len() < MOST { rows.push(piece) } else { left += 1 }
        }
    }
    if left > 0 {
        rows.push(format!("({left} more)"));
    }
    rows
}

fn first(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn laid_out(text: &str) -> String {
    let is_json = text.starts_with(['{', '[']);
    let value = is_json.then(|| serde_json::from_str::<serde_json::Value>(text).ok()).flatten();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}
