//! Following on tables that forget the block of a row: the last stretch of time is read again and again, and lines are told
//! apart by their content. Lines that are alike are legal, so they are counted and not only remembered.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    Fault, Session,
    lines::{self, Line, Scope},
    question::Question,
    session::{Answered, Delivery},
};
use crate::window::Nanos;

/// The lines from the scope's start on, oldest first; most of them were read before.
///
/// # Errors
/// When the question cannot be sent.
pub fn recent<'a>(session: &'a Session, scope: &Scope<'_>) -> Result<Answered<'a, Line>, Fault> {
    let question = Question::new(include_str!("../../sql/questions/recent.sql")).live();
    session.stream(&lines::ask(session, question, scope), Delivery::Whole)
}

/// How often each line was given out.
#[derive(Debug, Default)]
pub struct Given {
    lines: HashMap<u64, Times>,
}

#[derive(Debug, Default)]
struct Times {
    /// When the line was written: once it cannot be read again it is forgotten.
    time: Nanos,
    /// How often it was given out, or was there before.
    given: u32,
    /// How often it was met in the look that is going on.
    met: u32,
}

impl Given {
    /// Starts a look at the lines from `from` on.
    pub fn look(&mut self, from: Nanos) {
        for times in self.lines.values_mut().filter(|times| times.time >= from) {
            times.met = 0;
        }
    }

    /// Forgets lines before `from`: they are not read again.
    pub fn forget(&mut self, from: Nanos) {
        self.lines.retain(|_, times| times.time >= from);
    }

    /// Whether `line`, met in this look, is one more of its kind than was given out before; from now on it has been.
    pub fn take(&mut self, line: &Line) -> bool {
        let times = self.lines.entry(content(line)).or_default();
        times.time = line.time;
        times.met += 1;
        let new = times.met > times.given;
        times.given = times.given.max(times.met);
        new
    }
}

/// What tells a line from others, as far as its columns do.
#[must_use]
pub fn content(line: &Line) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Line { time, severity_number, severity, service, function, trace_id, span_id, invocation_id, body, .. } = line;
    (time, severity_number, severity, service, function).hash(&mut hasher);
    (trace_id, span_id, invocation_id, body).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(time: Nanos, body: &str) -> Line {
        Line { time, body: body.into(), ..Line::default() }
    }

    #[test]
    fn a_line_read_again_is_given_out_once() {
        let mut given = Given::default();
        given.look(0);
        assert!(given.take(&line(1, "a")));
        given.look(0);
        assert!(!given.take(&line(1, "a")));
    }

    #[test]
    fn lines_that_are_alike_are_counted() {
        let mut given = Given::default();
        given.look(0);
        assert!(given.take(&line(1, "a")));
        assert!(given.take(&line(1, "a")));
        given.look(0);
        assert_eq!([(); 3].map(|()| given.take(&line(1, "a"))), [false, false, true]);
    }

    #[test]
    fn a_line_met_in_the_history_and_before_it_counts_once() {
        let mut given = Given::default();
        given.look(0);
        given.take(&line(1, "a"));
        given.look(0);
        given.take(&line(1, "a"));
        given.take(&line(2, "arrived in between"));
        given.look(0);
        assert!(!given.take(&line(1, "a")));
        assert!(!given.take(&line(2, "arrived in between")));
    }

    #[test]
    fn what_cannot_be_read_again_is_not_kept() {
        let mut given = Given::default();
        given.look(0);
        given.take(&line(1, "a"));
        given.forget(2);
        assert!(given.lines.is_empty());
    }
}
