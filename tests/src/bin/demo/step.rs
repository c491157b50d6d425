//! A line for each step: what it is while it runs, what came of it when it is done.

use crate::STEPS;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// One step of the demonstration.
pub(crate) struct Step {
    number: u8,
    what: String,
    bar: ProgressBar,
}

impl Step {
    /// Shows that the step has begun; on a terminal the line lives until it is done.
    pub(crate) fn begin(number: u8, what: &str) -> Self {
        let bar = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{prefix} {msg} {spinner} {elapsed}").expect("a valid template");
        bar.set_style(style);
        bar.set_prefix(format!("[{number}/{STEPS}]"));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        if bar.is_hidden() {
            println!("[{number}/{STEPS}] {what} ...");
        }
        Self { number, what: what.to_owned(), bar }
    }

    /// One more of what the step does.
    pub(crate) fn tick(&self) {
        self.bar.inc(1);
        self.bar.set_message(format!("{}: {}", self.what, self.bar.position()));
    }

    /// Leaves the line as it shall stand.
    pub(crate) fn done(self, outcome: &str) {
        let hidden = self.bar.is_hidden();
        self.bar.finish_and_clear();
        if hidden {
            println!("      {outcome}");
        } else {
            println!("[{}/{STEPS}] {}\n      {outcome}", self.number, self.what);
        }
    }
}
