//! Lines by invocation: those of one stand together however many run side by side, between how it began and how it ended.
//!
//! An invocation that goes on while others have come after it goes on in another part, below them, so that what is new is where
//! one looks for it.

use std::{
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use super::{
    ends::Ends,
    rules::Rules,
    store::{Number, Store, Stored},
};
use crate::ask::Nanos;

/// Arrivals within this time of a part's first line join it where it stands.
const HOLD: Nanos = 5 * 1_000_000_000;
/// Lines in a part: letting go of the first one moves the others.
const MOST: usize = 1_024;

/// A part's number: they follow each other without a gap.
type PartId = i32;
/// Of a line that no part has.
const NONE: PartId = PartId::MIN;

/// Some lines of an invocation, or lines of none.
#[derive(Debug)]
struct Part {
    /// The invocation; nothing for lines of none.
    id: Option<Rc<str>>,
    /// The number of its first line, ...
    base: Number,
    /// ... and how much higher that of each is.
    lines: Vec<u32>,
    /// The place of its first line.
    start: usize,
    /// Whether its one line is Lambda's own, which stands for an invocation that said nothing.
    is_silent: bool,
}

/// Where an invocation's lines are.
#[derive(Clone, Copy, Debug)]
struct Spread {
    first: PartId,
    last: PartId,
    /// When its last part began to come.
    since: Nanos,
}

/// Lines by invocation.
#[derive(Debug, Default)]
pub struct Blocks {
    parts: VecDeque<Part>,
    /// The number of the first part.
    first_part: PartId,
    /// The part of each line from [`Self::first`] on.
    of: VecDeque<PartId>,
    /// The number of the first line.
    first: Number,
    spreads: HashMap<Rc<str>, Spread>,
    len: usize,
}

/// What stands around a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framed {
    /// Whether its invocation begins with it, or goes on with it after others.
    pub head: Option<Head>,
    /// Whether it is the last of an invocation.
    pub is_last: bool,
    /// Whether it is one of an invocation's.
    pub is_inside: bool,
    /// Whether it stands for an invocation that said nothing.
    pub is_silent: bool,
}

/// What stands above a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// That its invocation begins.
    Begins,
    /// That its invocation goes on.
    GoesOn,
}

impl Part {
    fn number(&self, at: usize) -> Number {
        self.base + Number::from(self.lines[at])
    }

    fn push(&mut self, number: Number) {
        self.lines.push(u32::try_from(number - self.base).expect("a part's lines are near each other"));
    }

    /// Where in it a line stands, or else the next one.
    fn at(&self, number: Number) -> usize {
        self.lines.partition_point(|line| self.base + Number::from(*line) < number)
    }
}

impl Blocks {
    /// Those of the lines up to `until` that the rules leave.
    #[must_use]
    pub fn of(rules: &Rules, store: &Store, until: Number) -> Self {
        let mut blocks = Self { first: store.first(), ..Self::default() };
        for (number, line) in store.from(Number::MIN).take_while(|(number, _)| *number < until) {
            blocks.append(number, &line, rules, None);
        }
        blocks.place_from(0);
        blocks
    }

    /// Follows what was added to the store and let go of it since; what was added behind came at `now`.
    pub fn catch_up(&mut self, rules: &Rules, store: &Store, until: Number, now: Option<Nanos>) {
        let shrunk = self.let_go(store.first());
        let grown = self.put_before(rules, store);
        let mut changed = if shrunk || grown { 0 } else { self.parts.len() };
        let end = self.first + self.of.len() as Number;
        for (number, line) in store.from(end).take_while(|(number, _)| *number < until) {
            changed = changed.min(self.append(number, &line, rules, now));
        }
        self.place_from(changed);
    }

    /// How many lines are shown.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.len
    }

    /// How much memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // Beside what is in a part, its lines; beside a spread, its id and what the map takes for it.
        let lines = self.of.capacity() * size_of::<PartId>() + self.len * 2 * size_of::<u32>();
        lines + self.parts.capacity() * size_of::<Part>() + self.spreads.len() * (2 * size_of::<Spread>() + 80)
    }

    /// The number of the line in a place.
    #[must_use]
    pub fn number(&self, place: usize) -> Option<Number> {
        let part = self.parts.partition_point(|part| part.start <= place).checked_sub(1)?;
        let part = &self.parts[part];
        (place - part.start < part.lines.len()).then(|| part.number(place - part.start))
    }

    /// The place of a line; of one that is not shown, that of the next that is.
    #[must_use]
    pub fn place(&self, number: Number) -> usize {
        let from = usize::try_from(number - self.first).unwrap_or_default();
        let Some(part) = self.of.range(from.min(self.of.len())..).find(|part| **part != NONE) else { return self.len };
        let part = &self.parts[self.index(*part)];
        part.start + part.at(number).min(part.lines.len().saturating_sub(1))
    }

    /// What stands around a line.
    #[must_use]
    pub fn framed(&self, number: Number) -> Framed {
        let Some((id, part)) = self.part_of(number) else { return Framed::default() };
        let Some(spread) = part.id.as_ref().and_then(|id| self.spreads.get(id)) else { return Framed::default() };
        let at = part.at(number);
        let head = if id == spread.first { Head::Begins } else { Head::GoesOn };
        Framed {
            head: (at == 0).then_some(head),
            is_last: id == spread.last && at + 1 == part.lines.len(),
            is_inside: true,
            is_silent: part.is_silent && spread.first == spread.last,
        }
    }

    /// Whether an invocation has lines here.
    #[must_use]
    pub fn has(&self, invocation: &str) -> bool {
        self.spreads.contains_key(invocation)
    }

    fn part_of(&self, number: Number) -> Option<(PartId, &Part)> {
        let id = *self.of.get(usize::try_from(number - self.first).ok()?)?;
        (id != NONE).then(|| (id, &self.parts[self.index(id)]))
    }

    fn index(&self, part: PartId) -> usize {
        usize::try_from(part - self.first_part).expect("parts are numbered from the first one on")
    }

    /// Adds a line behind all others; the first part that this changed. With no `now` it was there, and joins its like anywhere.
    fn append(&mut self, number: Number, line: &Stored<'_>, rules: &Rules, now: Option<Nanos>) -> usize {
        if !rules.leave(line) {
            self.of.push_back(NONE);
            return self.parts.len();
        }
        let (id, is_new) = match self.open_part(line.invocation, now) {
            Some(id) => (id, false),
            None => (self.begin_part(line.invocation, number, now.unwrap_or_default()), true),
        };
        self.of.push_back(id);
        let index = self.index(id);
        let is_lambdas = !line.invocation.is_empty() && is_lambdas(line.body);
        let part = &mut self.parts[index];
        if is_new {
            part.is_silent = is_lambdas;
        } else if is_lambdas {
            // The frame says what it says.
            return self.parts.len();
        } else if std::mem::take(&mut part.is_silent) {
            (part.base, part.lines) = (number, Vec::new());
        }
        part.push(number);
        index
    }

    /// The part that a line of this invocation joins.
    fn open_part(&self, invocation: &str, now: Option<Nanos>) -> Option<PartId> {
        let last = self.parts.back()?;
        let last_id = self.first_part + PartId::try_from(self.parts.len() - 1).unwrap_or_default();
        if last.id.as_deref().unwrap_or_default() == invocation {
            return (last.lines.len() < MOST).then_some(last_id);
        }
        let spread = self.spreads.get(invocation)?;
        let is_recent = now.is_none_or(|now| now - spread.since < HOLD);
        (is_recent && self.parts[self.index(spread.last)].lines.len() < MOST).then_some(spread.last)
    }

    fn begin_part(&mut self, invocation: &str, number: Number, since: Nanos) -> PartId {
        let part = self.first_part + PartId::try_from(self.parts.len()).expect("memory holds fewer parts");
        let id = self.spread(invocation, part, since);
        self.parts.push_back(Part { id, base: number, lines: Vec::new(), start: 0, is_silent: false });
        part
    }

    /// Takes note of an invocation's part behind its others.
    fn spread(&mut self, invocation: &str, part: PartId, since: Nanos) -> Option<Rc<str>> {
        if invocation.is_empty() {
            return None;
        }
        if let Some((id, _)) = self.spreads.get_key_value(invocation) {
            let id = Rc::clone(id);
            self.spreads.entry(Rc::clone(&id)).and_modify(|spread| (spread.last, spread.since) = (part, since));
            return Some(id);
        }
        let id: Rc<str> = invocation.into();
        self.spreads.insert(Rc::clone(&id), Spread { first: part, last: part, since });
        Some(id)
    }

    /// Puts the lines before the first into parts of their own; whether there were any.
    fn put_before(&mut self, rules: &Rules, store: &Store) -> bool {
        if store.first() >= self.first {
            return false;
        }
        let mut older = Self::of(rules, store, self.first);
        let count = PartId::try_from(older.parts.len()).expect("memory holds fewer parts");
        let moved = self.first_part - count;
        for (id, spread) in older.spreads {
            let first = spread.first + moved;
            match self.spreads.get_mut(&id) {
                Some(known) => known.first = first,
                None => {
                    self.spreads.insert(id, Spread { first, last: spread.last + moved, ..spread });
                }
            }
        }
        while let Some(part) = older.parts.pop_back() {
            self.parts.push_front(part);
        }
        while let Some(part) = older.of.pop_back() {
            self.of.push_front(if part == NONE { NONE } else { part + moved });
        }
        (self.first, self.first_part) = (store.first(), moved);
        true
    }

    /// Forgets the lines before `first`; whether there were any.
    fn let_go(&mut self, first: Number) -> bool {
        let before = self.first;
        while self.first < first {
            let Some(part) = self.of.pop_front() else { break };
            if part != NONE {
                let index = self.index(part);
                let part = &mut self.parts[index];
                if part.lines.first().is_some_and(|line| part.base + Number::from(*line) == self.first) {
                    part.lines.remove(0);
                }
            }
            self.first += 1;
        }
        self.first = self.first.max(first);
        while self.parts.front().is_some_and(|part| part.lines.is_empty()) {
            let part = self.parts.pop_front().expect("there is one");
            if let Some(id) = part.id {
                self.forget_part(&id);
            }
            self.first_part += 1;
        }
        self.first > before
    }

    /// The first part is no more: its invocation begins in a later one, or is not here any more.
    fn forget_part(&mut self, id: &Rc<str>) {
        let Some(spread) = self.spreads.get_mut(id) else { return };
        if spread.last == self.first_part {
            self.spreads.remove(id);
        }
    }

    fn place_from(&mut self, index: usize) {
        let before = index.checked_sub(1).and_then(|before| self.parts.get(before));
        let mut start = before.map_or(0, |part| part.start + part.lines.len());
        for part in self.parts.range_mut(index.min(self.parts.len())..) {
            part.start = start;
            start += part.lines.len();
        }
        self.len = start;
    }
}

/// How many rows stand around a line beside its own.
#[must_use]
pub fn rows_around(framed: Framed, invocation: &str, ends: &Ends) -> usize {
    if framed.is_silent || !framed.is_inside {
        return 0;
    }
    let foot = framed.is_last && ends.of(invocation).is_some_and(|end| end.foot.is_some());
    usize::from(framed.head.is_some()) + usize::from(foot)
}

/// Whether Lambda itself says so what the frame of an invocation says.
fn is_lambdas(body: &str) -> bool {
    ["START RequestId: ", "END RequestId: ", "REPORT RequestId: "].iter().any(|words| body.starts_with(words))
}
