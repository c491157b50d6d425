//! The tail screen: a function's lines, following the newest until one scrolls away from it.

mod act;
pub mod blocks;
pub mod ends;
mod find;
mod narrow;
pub mod rate;
pub mod rules;
mod save;
pub mod shown;
pub mod store;
mod take;
#[cfg(test)]
mod tests;
pub mod unfolded;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use lambdaview_queries::filter::Filter;

use crate::{
    ask::{Nanos, Since},
    tui::{
        ask::{Ask, LineRef, Mode, Problem, Slot, Sought},
        state::{
            page::{Around, Step},
            times::Times,
        },
    },
};
use blocks::rows_around;
use ends::Ends;
use rate::Rate;
use rules::{Rules, Value};
use shown::Shown;
use store::{Number, Store, Stored};

/// Lines that are read at first, and further back at a time.
const PAGE: u64 = 1_000;
/// How much memory lines and their order may take: what else the viewer needs fits beside it into 128 MiB.
const MEMORY: usize = 84 << 20;

/// Whether new lines are shown as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The newest line stays in view.
    Following,
    /// New lines come in below what is in view.
    Scrolled,
    /// What came after this line waits to be shown.
    Paused(Number),
}

/// How the way to the server is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// The first lines are awaited.
    #[default]
    Opening,
    /// Lines come, found in this way.
    Live(Mode),
    /// The server is away, for this reason; it is asked again.
    Away(String),
    /// Nothing more comes: the stretch of time is over, or it was stopped.
    Ended,
}

/// A filter that was given with the functions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// What it leaves.
    pub filter: Filter,
    /// As it was typed.
    pub shown: String,
}

/// A marked line.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// The line.
    pub line: LineRef,
    /// Its number, while it is here.
    pub at: Option<Number>,
}

/// The tail screen.
#[derive(Debug)]
pub struct Tail {
    /// The functions, as they were named.
    pub names: Vec<String>,
    /// What leaves lines out from the start.
    pub given: Given,
    /// The line it was opened at, and the stretch of time that was chosen then.
    at: Option<(LineRef, Times)>,
    /// The lines here.
    pub store: Store,
    /// Which of them are shown.
    pub shown: Shown,
    /// What leaves lines out.
    pub rules: Rules,
    /// The line under the cursor.
    pub cursor: Number,
    /// The first line in view.
    pub top: Number,
    /// Whether new lines are shown as they come.
    pub flow: Flow,
    /// How the way to the server is.
    pub link: Link,
    /// Rates and lags.
    pub rate: Rate,
    /// What is searched.
    pub search: String,
    /// The lines in which it is, in their order.
    pub matches: VecDeque<Number>,
    /// Marked lines, by their letters.
    pub marks: BTreeMap<char, Mark>,
    /// Lines that are shown whole.
    pub unfolded: BTreeSet<Number>,
    /// Whether long lines are wrapped.
    pub wrap: bool,
    /// Whether lines stand by invocation, and not as they came.
    pub by_invocation: bool,
    /// How their invocations began and ended.
    pub ends: Ends,
    /// Lines that came while there was no room for them.
    pub skipped: u64,
    /// Lines that came too late for their place.
    pub late: u64,
    /// Lines that came since following was left, and are or would be shown.
    pub unseen: u64,
    /// Whether there is more than one function among the lines.
    pub several: bool,
    /// How many columns the longest name among them takes.
    widest: usize,
    /// Whether the oldest line there is has been read.
    pub at_beginning: bool,
    /// Why there are no lines.
    pub problem: Option<Problem>,
    /// What a chooser that is open would hide (false) or keep (true), and out of which values.
    choosing: Option<(bool, Vec<Value>)>,
    /// The rules that the server was asked by.
    asked: Rules,
    /// What held before the text that is being typed.
    before_typing: (Rules, String),
    /// The newest line that was there before this look: what is older is late.
    newest: Nanos,
    page: u64,
    memory: usize,
}

impl Tail {
    /// The lines of a function.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::of(vec![name.to_owned()], Given::default())
    }

    /// The lines of functions that a filter leaves.
    #[must_use]
    pub fn of(names: Vec<String>, given: Given) -> Self {
        Self {
            names,
            given,
            at: None,
            store: Store::default(),
            shown: Shown::default(),
            rules: Rules::default(),
            cursor: 0,
            top: 0,
            flow: Flow::Following,
            link: Link::Opening,
            rate: Rate::default(),
            search: String::new(),
            matches: VecDeque::new(),
            marks: BTreeMap::new(),
            unfolded: BTreeSet::new(),
            wrap: false,
            by_invocation: true,
            ends: Ends::default(),
            skipped: 0,
            late: 0,
            unseen: 0,
            several: false,
            widest: 0,
            at_beginning: false,
            problem: None,
            choosing: None,
            asked: Rules::default(),
            before_typing: (Rules::default(), String::new()),
            newest: 0,
            page: PAGE,
            memory: MEMORY,
        }
    }

    /// A line among those of its function around it.
    #[must_use]
    pub fn at(line: LineRef, times: Times) -> Self {
        let name = line.function.clone();
        Self { at: Some((line, times)), flow: Flow::Scrolled, ..Self::new(&name) }
    }

    /// The stretch of time: what was chosen, or what is around the line it was opened at.
    #[must_use]
    pub fn times(&self, chosen: Times) -> Times {
        const AROUND: Nanos = 15 * 60 * 1_000_000_000;
        match &self.at {
            Some((line, _)) => Times { since: Since::At(line.time - AROUND), until: Some(line.time + AROUND) },
            None => chosen,
        }
    }

    /// With another bound of memory: for tests.
    #[must_use]
    pub const fn within(mut self, memory: usize) -> Self {
        self.memory = memory;
        self
    }

    /// The functions, as they were named.
    #[must_use]
    pub fn title(&self) -> String {
        self.names.join(" ")
    }

    /// The line under the cursor.
    #[must_use]
    pub fn line(&self) -> Option<Stored<'_>> {
        self.store.get(self.cursor)
    }

    /// How many lines are shown: those after a pause wait.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shown.len()
    }

    /// Where the lines end that are shown: those after a pause wait.
    const fn until(&self) -> Number {
        match self.flow {
            Flow::Paused(last) => last + 1,
            _ => Number::MAX,
        }
    }

    /// How many rows of the screen a line takes.
    #[must_use]
    pub fn height(&self, number: Number, around: &Around) -> usize {
        let framed = self.shown.framed(number);
        let is_one = !self.wrap && !self.unfolded.contains(&number);
        if is_one && !framed.is_inside {
            return 1;
        }
        let Some(line) = self.store.get(number) else { return 1 };
        let own = if is_one { 1 } else { unfolded::height(self, number, &line, around.columns) };
        own + rows_around(framed, line.invocation, &self.ends)
    }

    /// The columns that time, severity and the like take before the text.
    #[must_use]
    pub fn before_text(&self, columns: usize) -> usize {
        let name = if self.several { self.name_width(columns) + 1 } else { 0 };
        let invocation = match (self.by_invocation, columns >= 70) {
            // The side of the frame.
            (true, _) => 2,
            (false, true) => 9,
            (false, false) => 0,
        };
        let time = if columns >= 50 { 12 } else { 8 };
        1 + time + 3 + name + invocation
    }

    /// The columns that a function's name takes.
    #[must_use]
    pub fn name_width(&self, columns: usize) -> usize {
        self.widest.min(if columns >= 120 { 24 } else { 12 })
    }

    /// Puts the cursor on the line in a place, and the window around it.
    fn go(&mut self, place: usize, around: &Around) -> Vec<Step> {
        let count = self.count();
        if let Some(number) = self.shown.number(place.min(count.saturating_sub(1))) {
            self.cursor = number;
        }
        self.settle(around)
    }

    /// Keeps the cursor on a line that is shown and in view; asks for older lines where these are near.
    fn settle(&mut self, around: &Around) -> Vec<Step> {
        let count = self.count();
        if count == 0 {
            (self.cursor, self.top) = (self.store.first(), self.store.first());
            return self.older(around, 0);
        }
        let place = self.shown.place(self.cursor).min(count - 1);
        self.cursor = self.shown.number(place).unwrap_or(self.cursor);
        let lowest = self.window_up(place, around.rows, around);
        let highest = self.window_up(count - 1, around.rows, around).min(place);
        let top = self.shown.place(self.top).clamp(lowest, place.max(lowest));
        let top = top.min(highest.max(lowest));
        self.top = self.shown.number(top).unwrap_or(self.cursor);
        self.older(around, top)
    }

    /// The first place of a window that ends with the line in place `last`.
    fn window_up(&self, last: usize, rows: usize, around: &Around) -> usize {
        let mut first = last;
        let mut used = self.shown.number(last).map_or(1, |number| self.height(number, around));
        while first > 0 {
            let above = self.shown.number(first - 1).map_or(1, |number| self.height(number, around));
            used += above;
            if used > rows.max(1) {
                break;
            }
            first -= 1;
        }
        first
    }

    /// How many lines there is room for from the one in place `first` on; one at least.
    fn window_down(&self, first: usize, around: &Around) -> usize {
        let heights = (first..).map_while(|place| self.shown.number(place)).map(|number| self.height(number, around));
        let mut left = around.rows;
        let fits = |height: &usize| left.checked_sub(*height).map(|rest| left = rest).is_some();
        heights.take_while(fits).count().max(1)
    }

    fn older(&mut self, around: &Around, top: usize) -> Vec<Step> {
        let near = top < around.rows.max(1) && self.flow != Flow::Following;
        if !near || self.at_beginning || self.link == Link::Opening || self.store.is_empty() {
            return Vec::new();
        }
        // A question for them that is running goes on: it is not asked twice.
        vec![Step::AskOnce(Slot::Older, self.older_ask())]
    }

    fn older_ask(&self) -> Ask {
        Ask::Older { sought: self.sought(), until: self.store.boundary(), count: self.page }
    }

    /// Which lines the server is asked for.
    fn sought(&self) -> Sought {
        Sought { functions: self.names.clone(), filter: self.given.filter.clone().and(self.rules.filter()) }
    }

    /// Asks how invocations began and ended, where that is to be shown and not known yet.
    fn ask_ends(&mut self, around: &Around) -> Vec<Step> {
        let window = if self.by_invocation { self.ends.wanted(around.now) } else { None };
        let ask = window.map(|window| Ask::Ends { functions: self.names.clone(), window });
        ask.map(|ask| Step::Ask(Slot::Ends, ask)).into_iter().collect()
    }

    /// Stays where it is from now on.
    fn stop_following(&mut self) {
        if self.flow == Flow::Following {
            self.flow = Flow::Scrolled;
            self.unseen = 0;
        }
    }
}
