//! What comes from the server: lines that were there, lines that arrive, older lines, and how the way to it is.

use lambdaview_queries::questions::lines::Line;

use super::{Flow, Link, Tail, unfolded};
use crate::{
    ask::Nanos,
    tui::{
        ask::{Answer, Lines},
        state::page::{Around, Step},
        text::find,
    },
};

/// Lines out of order by less than this are not called late: they come from environments side by side.
const TOLERANCE: Nanos = 100_000_000;

impl Tail {
    pub(super) fn take(&mut self, answer: Answer, around: &Around) -> Vec<Step> {
        match answer {
            Answer::Lines(Lines::There(lines)) => {
                lines.iter().for_each(|line| self.put(line, None));
                self.caught_up(around)
            }
            Answer::Lines(Lines::Arrived(lines)) => {
                for line in &lines {
                    let late = self.newest - line.time;
                    let late = (self.newest > 0 && late >= TOLERANCE).then_some(late.unsigned_abs());
                    self.late += u64::from(late.is_some());
                    self.rate.arrived(around.now - line.time);
                    self.put(line, late);
                }
                let newest = lines.iter().map(|line| line.time).max().unwrap_or_default();
                self.newest = self.newest.max(newest);
                self.caught_up(around)
            }
            Answer::Lines(Lines::Older { lines, wanted }) => self.take_older(&lines, wanted, around),
            Answer::Following(mode) => {
                self.link = Link::Live(mode);
                self.newest = self.newest.max(self.store.from(i64::MIN).last().map_or(0, |(_, line)| line.time));
                Vec::new()
            }
            Answer::Away(why) => {
                self.link = Link::Away(why);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn put(&mut self, line: &Line, late: Option<u64>) {
        self.rate.note(line.time, line.severity_number);
        if self.skipped > 0 || self.is_full() {
            // What comes after a gap would hide it; all of it is read again once one follows again.
            self.skipped += 1;
            return;
        }
        self.several |= self.store.get(self.store.first()).is_some_and(|first| *first.function != *line.function);
        self.store.push(line, late);
        if self.flow != Flow::Following {
            self.unseen += 1;
        }
        if !self.search.is_empty() && find(&line.body, &self.search).is_some() {
            self.matches.push_back(self.store.end() - 1);
        }
    }

    /// Whether a line more would cost one that is looked at.
    fn is_full(&self) -> bool {
        self.flow != Flow::Following && self.store.bytes() > self.memory + SLACK
    }

    fn caught_up(&mut self, around: &Around) -> Vec<Step> {
        self.let_go();
        self.shown.catch_up(&self.rules, &self.store);
        self.problem = None;
        if self.flow == Flow::Following {
            let last = self.count().saturating_sub(1);
            return self.go(last, around);
        }
        self.settle(around)
    }

    fn let_go(&mut self) {
        let keep = if self.flow == Flow::Following { i64::MAX } else { self.top };
        let first = self.store.first();
        self.store.shrink(self.memory, keep);
        if self.store.first() > first {
            self.at_beginning = false;
            let first = self.store.first();
            self.matches.retain(|number| *number >= first);
            self.unfolded.retain(|number| *number >= first);
            self.marks.retain(|_, number| *number >= first);
        }
    }

    fn take_older(&mut self, lines: &[Line], wanted: u64, around: &Around) -> Vec<Step> {
        let is_whole = (lines.len() as u64) < wanted;
        let added = self.store.prepend(lines);
        self.several |= {
            let first = self.store.get(self.store.first()).map(|line| line.function.to_owned());
            first.is_some_and(|first| lines.iter().any(|line| *line.function != *first))
        };
        self.at_beginning = is_whole;
        // More lines of one moment than a page holds: a larger page gets past them.
        self.page = if added == 0 && !is_whole { self.page * 4 } else { super::PAGE };
        self.shown.catch_up(&self.rules, &self.store);
        if !self.search.is_empty() {
            let first = self.store.first();
            let found = self.store.from(first).take(added).filter(|(_, line)| find(line.body, &self.search).is_some());
            let found: Vec<_> = found.map(|(number, _)| number).collect();
            found.into_iter().rev().for_each(|number| self.matches.push_front(number));
        }
        self.settle(around)
    }

    /// Looks through all lines for what is searched.
    pub(super) fn find_all(&mut self) {
        self.matches = if self.search.is_empty() {
            std::collections::VecDeque::new()
        } else {
            let found =
                self.store.from(i64::MIN).filter(|(_, line)| find(unfolded::said(line), &self.search).is_some());
            found.map(|(number, _)| number).collect()
        };
    }
}

/// How much more than their bound lines may take while what is looked at cannot be let go.
const SLACK: usize = 4 << 20;
