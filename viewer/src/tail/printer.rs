//! Lines onto stdout, chatter onto stderr, and a count of both kinds of line.

use std::io::{self, Write};

use lambdaview_queries::questions::lines::Line;

use super::{Tail, watch::Sink};
use crate::{
    ask::Nanos,
    format::{count, inert, plural},
    render::{
        json,
        line::{self, LineStyle},
    },
};

/// How lines are printed.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// For people.
    Pretty(LineStyle),
    /// For programs.
    Json,
}

/// What was printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines.
    pub rows: u64,
    /// Those of them that came after newer ones.
    pub late: u64,
}

/// Prints lines.
pub struct Printer<W: Write> {
    out: W,
    chatter: Box<dyn Write>,
    format: Format,
    function: String,
    /// The newest line of earlier looks: what comes before it now is late.
    newest: Nanos,
    /// The newest line of all.
    latest: Nanos,
    tally: Tally,
}

/// Lines out of order by less than this are not called late: they come from environments side by side.
const TOLERANCE: Nanos = 100_000_000;

impl<W: Write> Printer<W> {
    /// Prints lines of `function` to `out`, and what is to be said beside them to `chatter`.
    #[must_use]
    pub fn new(out: W, chatter: Box<dyn Write>, format: Format, function: &str) -> Self {
        Self { out, chatter, format, function: function.to_owned(), newest: 0, latest: 0, tally: Tally::default() }
    }

    /// What was printed so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// A line that was there.
    pub(super) fn history(&mut self, line: &Line) -> io::Result<()> {
        self.print(line, None)
    }

    /// All lines that were there have been printed.
    pub(super) fn end_of_history(&mut self, tail: &Tail) -> io::Result<()> {
        self.end_of_look()?;
        if self.tally.rows == 0 {
            let next = if tail.lines.is_none() { "; -n 20 shows the last lines of any age" } else { "" };
            let then = if tail.follow { ", waiting for new ones" } else { "" };
            self.say(&format!("no lines of {} in this time{then}{next}", inert(&tail.function)))?;
        }
        Ok(())
    }

    /// A line that has arrived.
    pub(super) fn arrival(&mut self, line: &Line) -> io::Result<()> {
        let late = self.newest.saturating_sub(line.time);
        let late = (self.newest > 0 && late >= TOLERANCE).then_some(late.unsigned_abs());
        self.tally.late += u64::from(late.is_some());
        self.print(line, late)
    }

    /// All lines of a look have been printed: now they must be seen.
    pub(super) fn end_of_look(&mut self) -> io::Result<()> {
        self.newest = self.latest;
        self.out.flush()
    }

    /// Says something beside the lines.
    pub(super) fn say(&mut self, what: &str) -> io::Result<()> {
        self.out.flush()?;
        // Nobody may be listening on stderr, which is no reason to stop.
        let _ = writeln!(self.chatter, "lambdaview: {what}");
        Ok(())
    }

    /// Says what was printed, at the end.
    pub fn account(&mut self) -> io::Result<()> {
        let Tally { rows, late } = self.tally;
        self.say(&format!("{}, {} late", plural(rows, "row"), count(late)))
    }

    fn print(&mut self, line: &Line, late: Option<u64>) -> io::Result<()> {
        self.tally.rows += 1;
        self.latest = self.latest.max(line.time);
        let text = match self.format {
            Format::Pretty(style) => line::draw(line, late, style),
            Format::Json => json::line(line, &self.function, late),
        };
        self.out.write_all(text.as_bytes())
    }
}

impl<W: Write> Sink for Printer<W> {
    async fn take(&mut self, line: Line) -> io::Result<()> {
        self.arrival(&line)
    }

    async fn rest(&mut self) -> io::Result<()> {
        self.end_of_look()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printer() -> Printer<Vec<u8>> {
        Printer::new(Vec::new(), Box::new(io::sink()), Format::Pretty(LineStyle::default()), "f")
    }

    fn line(time: Nanos) -> Line {
        Line { time, body: "x".into(), ..Line::default() }
    }

    fn printed(printer: &Printer<Vec<u8>>) -> Vec<bool> {
        String::from_utf8_lossy(&printer.out).lines().map(|line| line.contains("late +")).collect()
    }

    #[test]
    fn a_line_older_than_what_was_printed_before_is_late() {
        let mut printer = printer();
        printer.history(&line(10_000_000_000)).unwrap();
        printer.end_of_look().unwrap();
        printer.arrival(&line(7_000_000_000)).unwrap();
        printer.arrival(&line(11_000_000_000)).unwrap();
        assert_eq!(printed(&printer), [false, true, false]);
        assert_eq!(printer.tally(), Tally { rows: 3, late: 1 });
    }

    #[test]
    fn lines_of_one_look_are_in_order_and_never_late_against_each_other() {
        let mut printer = printer();
        printer.arrival(&line(5_000_000_000)).unwrap();
        printer.arrival(&line(1_000_000_000)).unwrap();
        assert_eq!(printed(&printer), [false, false]);
    }

    #[test]
    fn environments_side_by_side_are_not_late() {
        let mut printer = printer();
        printer.history(&line(10_000_000_000)).unwrap();
        printer.end_of_look().unwrap();
        printer.arrival(&line(9_950_000_000)).unwrap();
        assert_eq!(printer.tally().late, 0);
    }
}
