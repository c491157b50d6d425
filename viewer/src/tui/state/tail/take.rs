//! What comes from the server: lines that were there, lines that arrive, older lines, and how the way to it is.

use lambdaview_queries::questions::lines::Line;

use super::{
    Flow, Given, Link, Mark, Tail,
    act::line_ref,
    store::{Number, Stored},
    unfolded,
};
use crate::{
    ask::Nanos,
    format::{inert, width},
    tui::{
        ask::{Answer, LineRef, Lines},
        state::page::{Around, Step},
        text::find,
    },
};

/// Lines out of order by less than this are not called late: they come from environments side by side.
const TOLERANCE: Nanos = 100_000_000;

impl Tail {
    pub(super) fn take(&mut self, answer: Answer, around: &Around) -> Vec<Step> {
        match answer {
            Answer::Lines(Lines::There(lines)) => self.renew(&lines, around),
            Answer::Lines(Lines::Arrived(lines)) => {
                for line in &lines {
                    let late = self.newest - line.time;
                    let late = (self.newest > 0 && late >= TOLERANCE).then_some(late.unsigned_abs());
                    self.late += u64::from(late.is_some());
                    self.rate.arrived(around.now - line.time);
                    self.ends.arrived(line, around.now);
                    self.put(line, late);
                }
                let newest = lines.iter().map(|line| line.time).max().unwrap_or_default();
                self.newest = self.newest.max(newest);
                self.caught_up(Some(around.now), around)
            }
            Answer::Lines(Lines::Older { lines, wanted }) => self.take_older(&lines, wanted, around),
            Answer::Ends(invocations) => {
                self.ends.learn(invocations, |id| self.shown.frames(id));
                let mut steps = self.ask_ends(around);
                steps.extend(self.stay(around));
                steps
            }
            Answer::Following(mode) => {
                self.link = Link::Live(mode);
                self.newest = self.newest.max(self.store.get(self.store.end() - 1).map_or(0, |line| line.time));
                self.ask_ends(around)
            }
            Answer::Away(why) => {
                self.link = Link::Away(why);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Takes the lines there are in the place of those that were here; the view stays on its line, if that is among them.
    fn renew(&mut self, lines: &[Line], around: &Around) -> Vec<Step> {
        let under_cursor = || self.line().map(|line| line_ref(&line)).or_else(|| Some(self.at.as_ref()?.0.clone()));
        let stays = if self.flow == Flow::Following { None } else { under_cursor() };
        let above = self.shown.place(self.cursor).saturating_sub(self.shown.place(self.top));
        let fresh = Self::of(Vec::new(), Given::default());
        (self.store, self.shown, self.unfolded) = (fresh.store, fresh.shown, fresh.unfolded);
        (self.several, self.widest, self.at_beginning) = (false, 0, false);
        (self.page, self.newest) = (fresh.page, fresh.newest);
        (self.skipped, self.unseen) = (0, 0);
        lines.iter().for_each(|line| self.put(line, None));
        self.ends.page(lines, around.now);
        if let Flow::Paused(last) = &mut self.flow {
            *last = self.store.end() - 1;
        }
        self.arrange();
        self.find_all();
        self.find_marks();
        let mut steps = self.caught_up(None, around);
        if let Some(number) = stays.and_then(|line| self.number_of(&line)) {
            let place = self.shown.place(number);
            self.top = self.shown.number(place.saturating_sub(above)).unwrap_or(number);
            steps = self.go(place, around);
        } else if self.flow != Flow::Following {
            steps = self.go(self.count(), around);
        }
        self.unseen = 0;
        steps.extend(self.ask_ends(around));
        steps
    }

    /// Looks for the marked lines among those that are here.
    fn find_marks(&mut self) {
        let marks = std::mem::take(&mut self.marks);
        let found = |mark: Mark| Mark { at: self.number_of(&mark.line), ..mark };
        self.marks = marks.into_iter().map(|(letter, mark)| (letter, found(mark))).collect();
    }

    /// The number of a line, if it is here.
    pub(super) fn number_of(&self, line: &LineRef) -> Option<Number> {
        let is_it = |stored: &Stored<'_>| stored.time == line.time && line_ref(stored).is(line);
        self.store.from(Number::MIN).find(|(_, stored)| is_it(stored)).map(|(number, _)| number)
    }

    fn put(&mut self, line: &Line, late: Option<u64>) {
        self.rate.note(line.time, line.severity_number);
        if self.skipped > 0 || self.is_full() {
            // What comes after a gap would hide it; all of it is read again once one follows again.
            self.skipped += 1;
            return;
        }
        self.note_function(line);
        self.store.push(line, late);
        if self.flow != Flow::Following {
            let is_left = self.store.get(self.store.end() - 1).is_some_and(|line| self.rules.leave(&line));
            self.unseen += u64::from(is_left);
        }
        if !self.search.is_empty() && find(&line.body, &self.search).is_some() {
            self.matches.push_back(self.store.end() - 1);
        }
    }

    /// Names have a column once there are several.
    fn note_function(&mut self, line: &Line) {
        let first = self.store.get(self.store.first());
        let is_new = first.is_some_and(|first| *first.function != *line.function);
        if is_new || self.widest == 0 {
            self.widest = self.widest.max(width(&inert(&line.function)));
        }
        self.several |= is_new;
    }

    /// How much memory is taken for lines beside themselves.
    fn bytes_beside(&self) -> usize {
        self.shown.bytes() + self.ends.bytes()
    }

    /// Whether a line more would cost one that is looked at.
    fn is_full(&self) -> bool {
        self.flow != Flow::Following && self.store.bytes() + self.bytes_beside() > self.memory + SLACK
    }

    fn caught_up(&mut self, now: Option<Nanos>, around: &Around) -> Vec<Step> {
        self.let_go();
        self.shown.catch_up(&self.rules, &self.store, self.until(), now);
        self.problem = None;
        self.stay(around)
    }

    /// With the newest line while that is followed, else where it is.
    fn stay(&mut self, around: &Around) -> Vec<Step> {
        if self.flow == Flow::Following {
            let last = self.count().saturating_sub(1);
            return self.go(last, around);
        }
        self.settle(around)
    }

    fn let_go(&mut self) {
        let keep = if self.flow == Flow::Following { i64::MAX } else { self.top };
        let first = self.store.first();
        self.store.shrink(self.memory.saturating_sub(self.bytes_beside()), keep);
        if self.store.first() > first {
            self.at_beginning = false;
            let first = self.store.first();
            self.matches.retain(|number| *number >= first);
            self.unfolded.retain(|number| *number >= first);
            if self.ends.len() > ENDS {
                self.ends.forget(|id| self.shown.frames(id));
            }
            self.marks.values_mut().for_each(|mark| mark.at = mark.at.filter(|number| *number >= first));
        }
    }

    fn take_older(&mut self, lines: &[Line], wanted: u64, around: &Around) -> Vec<Step> {
        let is_whole = (lines.len() as u64) < wanted;
        let added = self.store.prepend(lines);
        lines.iter().for_each(|line| self.note_function(line));
        self.at_beginning = is_whole;
        // More lines of one moment than a page holds: a larger page gets past them.
        self.page = if added == 0 && !is_whole { self.page * 4 } else { super::PAGE };
        self.shown.catch_up(&self.rules, &self.store, self.until(), None);
        self.ends.page(lines, around.now);
        if !self.search.is_empty() {
            let first = self.store.first();
            let found = self.store.from(first).take(added).filter(|(_, line)| find(line.body, &self.search).is_some());
            let found: Vec<_> = found.map(|(number, _)| number).collect();
            found.into_iter().rev().for_each(|number| self.matches.push_front(number));
        }
        let mut steps = self.settle(around);
        steps.extend(self.ask_ends(around));
        steps
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

/// What is known of more invocations than this is looked through for what has gone.
const ENDS: usize = 20_000;
/// How much more than their bound lines may take while what is looked at cannot be let go.
const SLACK: usize = 4 << 20;
