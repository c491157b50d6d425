//! Lines as the text of a file: those that are marked, else those that are shown.

use super::{Tail, store::Stored};
use crate::{
    format::{rfc3339, short_id},
    tui::state::page::Around,
};

impl Tail {
    /// The lines to be saved: those that are marked, else those that are shown.
    fn saved(&self) -> impl Iterator<Item = Stored<'_>> {
        let marked: std::collections::BTreeSet<_> = self.marks.values().filter_map(|mark| mark.at).collect();
        let all = (0..if marked.is_empty() { self.count() } else { 0 }).filter_map(|place| self.shown.number(place));
        marked.into_iter().chain(all).filter_map(|number| self.store.get(number))
    }

    pub(super) fn text(&self, around: &Around) -> String {
        let mut text = String::new();
        for line in self.saved() {
            let time = around.zone.date_clock(line.time);
            let letter = crate::format::severity_letter(line.severity);
            let ids = format!("{} {}", short_id(line.invocation), short_id(line.trace));
            for part in line.body.trim_end().split('\n') {
                text.push_str(&format!("{time} {letter} {ids} {}\n", crate::format::inert(part)));
            }
        }
        text
    }

    pub(super) fn json(&self) -> String {
        self.saved().map(|line| json(&line) + "\n").collect()
    }
}

/// A line as `tail -o json` prints it, as far as it is here.
pub(super) fn json(line: &Stored<'_>) -> String {
    serde_json::json!({
        "time": rfc3339(line.time),
        "function": line.function,
        "severity_number": line.severity,
        "body": line.body,
        "trace_id": line.trace,
        "span_id": line.span,
        "invocation_id": line.invocation,
    })
    .to_string()
}

/// A name as part of a file's.
pub(super) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' }).collect()
}
