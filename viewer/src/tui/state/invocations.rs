//! The invocations screen: a function's newest invocations, how they ended, and what of them is still to come.

use std::collections::BTreeMap;

use lambdaview_queries::{
    questions::invocations::{Ending, Invocation},
    window::Window,
};

use super::{
    narrowed::Narrowed,
    page::{Around, Page, Step},
};
use crate::{
    ask::{Nanos, TraceRef},
    radar::{self, Report, Sight},
    render::{fields, invocations as render},
    tui::{
        ask::{Answer, Ask, Problem, Slot},
        keys::{Command, Scope, What},
    },
};

const SECOND: Nanos = 1_000_000_000;
/// How often reports that are to come are asked for.
const OFTEN: Nanos = 10 * SECOND;
const SELDOM: Nanos = 60 * SECOND;

/// A column to sort by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns are named as they are headed")]
pub enum Column {
    #[default]
    Time,
    Status,
    Duration,
    Billed,
    Memory,
    Init,
    Lines,
    Errors,
    Version,
}

impl Column {
    /// In the order in which they stand.
    pub const ALL: [Self; 9] = [
        Self::Time,
        Self::Status,
        Self::Duration,
        Self::Billed,
        Self::Memory,
        Self::Init,
        Self::Lines,
        Self::Errors,
        Self::Version,
    ];

    /// Its heading.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Status => "status",
            Self::Duration => "duration",
            Self::Billed => "billed",
            Self::Memory => "memory",
            Self::Init => "init",
            Self::Lines => "lines",
            Self::Errors => "errors",
            Self::Version => "version",
        }
    }

    /// What is sorted; nothing known sorts below everything.
    fn value(self, invocation: &Invocation) -> i128 {
        let known = |number: Option<u64>| number.map_or(-1, i128::from);
        match self {
            Self::Time => i128::from(invocation.start),
            Self::Status => match invocation.ending {
                Ending::Ok => 0,
                Ending::Unknown => 1,
                Ending::Failed => 2,
                Ending::Timeout => 3,
                Ending::OutOfMemory => 4,
            },
            Self::Duration => known(invocation.duration),
            Self::Billed => known(invocation.billed),
            Self::Memory => known(invocation.memory_used),
            Self::Init => known(invocation.init.or(invocation.restore)),
            Self::Lines => known(invocation.lines.map(|(lines, _)| lines)),
            Self::Errors => known(invocation.lines.map(|(_, errors)| errors)),
            Self::Version => invocation.version.parse().unwrap_or(-1),
        }
    }
}

/// The invocations screen.
#[derive(Debug, Default)]
pub struct Invocations {
    /// Whose they are, as it was named.
    pub function: String,
    all: Vec<Invocation>,
    sights: Vec<Sight>,
    /// Which of them are shown.
    pub shown: Narrowed,
    /// What they are sorted by.
    pub sort: Column,
    /// Whether the order is turned round: smallest first.
    pub ascending: bool,
    /// When the answer came; `None` before the first.
    pub read_at: Option<Nanos>,
    /// When reports that are to come were last asked for.
    asked_at: Nanos,
    /// Why there is none.
    pub problem: Option<Problem>,
}

impl Invocations {
    /// Those of a function, which are yet to be asked for.
    #[must_use]
    pub fn of(function: &str) -> Self {
        Self { function: function.to_owned(), ..Self::default() }
    }

    /// Every one.
    #[must_use]
    pub fn all(&self) -> &[Invocation] {
        &self.all
    }

    /// Those in view, with what follows from those around them, and whether each is under the cursor.
    pub fn in_view(&self, height: usize) -> impl Iterator<Item = ((&Invocation, Sight), bool)> {
        self.shown.in_view(height).map(|(at, selected)| ((&self.all[at], self.sights[at]), selected))
    }

    fn under_cursor(&self) -> Option<(&Invocation, Sight)> {
        self.shown.item().map(|at| (&self.all[at], self.sights[at]))
    }

    /// All of them in the order they are sorted by.
    fn ordered(&self) -> Vec<usize> {
        let mut ordered: Vec<usize> = (0..self.all.len()).collect();
        ordered.sort_by_key(|at| (std::cmp::Reverse(self.sort.value(&self.all[*at])), *at));
        if self.ascending {
            ordered.reverse();
        }
        ordered
    }

    /// When the oldest and the newest invocation began whose reports are to come.
    fn pending(&self) -> Option<(Nanos, Nanos)> {
        let pending = self.all.iter().zip(&self.sights).filter(|(_, sight)| sight.report == Report::Pending);
        let starts = || pending.clone().map(|(invocation, _)| invocation.start);
        starts().min().zip(starts().max())
    }

    /// How long the reports that are to come are not asked for yet: the longer they are away, the longer.
    fn pause(&self, now: Nanos) -> Option<Nanos> {
        let (_, newest) = self.pending()?;
        let pause = ((now - newest) / 10).clamp(OFTEN, SELDOM);
        Some((self.asked_at + pause - now).max(0))
    }

    /// Other invocations, or more known of them; the cursor stays on its own.
    fn show(&mut self, all: Vec<Invocation>, around: &Around) {
        let id = self.under_cursor().map(|(invocation, _)| invocation.request_id.clone());
        self.sights = radar::look(&all, around.now);
        self.all = all;
        let stays = id.and_then(|id| self.all.iter().position(|one| one.request_id == id));
        self.shown.set(self.all.iter().map(text).collect(), self.ordered(), stays, around);
    }

    /// Fills in the reports that have come.
    fn fill_in(&mut self, found: Vec<Invocation>, around: &Around) {
        let reported = found.into_iter().filter(|one| one.billed.is_some() || one.memory_used.is_some());
        let mut reported: BTreeMap<String, Invocation> = reported.map(|one| (one.request_id.clone(), one)).collect();
        let mut all = self.all.clone();
        for (invocation, sight) in all.iter_mut().zip(&self.sights) {
            if sight.report == Report::Pending
                && let Some(report) = reported.remove(&invocation.request_id)
            {
                *invocation = Invocation { lines: invocation.lines, ..report };
            }
        }
        self.show(all, around);
    }

    fn seek(&mut self, steps: (isize, isize), around: &Around) -> Vec<Step> {
        let all = &self.all;
        self.shown.seek(steps, |at| is_failed(&all[at]), "none of them failed", around)
    }
}

/// Whether it did not end well.
const fn is_failed(invocation: &Invocation) -> bool {
    matches!(invocation.ending, Ending::Failed | Ending::Timeout | Ending::OutOfMemory)
}

/// What it is found by: an id, an error, a version, how it ended.
fn text(invocation: &Invocation) -> String {
    let Invocation { request_id, error_type, version, trace_id, .. } = invocation;
    [request_id, error_type, version, trace_id, render::word(invocation.ending)].join(" ")
}

impl Page for Invocations {
    fn scope(&self) -> Scope {
        Scope::Invocations
    }

    fn name(&self) -> String {
        format!("invocations {}", self.function)
    }

    fn begin(&mut self, around: &Around) -> Vec<Step> {
        let (from, until) = (around.times.from(around.now), around.times.until);
        vec![Step::Ask(Slot::Main, Ask::Invocations { function: self.function.clone(), from, until })]
    }

    fn act(&mut self, command: Command, around: &Around) -> Vec<Step> {
        match command {
            Command::SortNext => {
                let at = Column::ALL.iter().position(|column| *column == self.sort).unwrap_or_default();
                (self.sort, self.ascending) = (Column::ALL[(at + 1) % Column::ALL.len()], false);
                self.shown.order(self.ordered(), around);
            }
            Command::SortReverse => {
                self.ascending = !self.ascending;
                self.shown.order(self.ordered(), around);
            }
            Command::NextError => return self.seek((1, 1), around),
            Command::PreviousError => return self.seek((-1, -1), around),
            _ => return self.shown.act(command, around).unwrap_or_default(),
        }
        Vec::new()
    }

    fn narrowed(&mut self) -> Option<&mut Narrowed> {
        Some(&mut self.shown)
    }

    fn answer(&mut self, _slot: Slot, answer: Answer, around: &Around) -> Vec<Step> {
        match answer {
            Answer::Invocations(found) => {
                (self.read_at, self.problem, self.asked_at) = (Some(around.now), None, around.now);
                self.show(found, around);
            }
            Answer::Ends(found) => self.fill_in(found, around),
            _ => {}
        }
        Vec::new()
    }

    fn wakes_after(&self, now: Nanos) -> Option<u64> {
        self.pause(now).map(|pause| pause.max(SECOND).unsigned_abs())
    }

    /// A report comes with the environment's next invocation: it is filled in then.
    fn tick(&mut self, around: &Around) -> Vec<Step> {
        let Some((oldest, _)) = self.pending().filter(|_| self.pause(around.now) == Some(0)) else { return Vec::new() };
        self.asked_at = around.now;
        let window = Window::since(oldest, around.now);
        vec![Step::AskOnce(Slot::Ends, Ask::Ends { functions: vec![self.function.clone()], window })]
    }

    fn failed(&mut self, slot: Slot, problem: Problem, _around: &Around) -> Vec<Step> {
        // What is asked beside is asked again by and by.
        if slot == Slot::Main {
            self.problem = Some(problem);
        }
        Vec::new()
    }

    fn copied(&self, what: What, _around: &Around) -> Option<String> {
        let (invocation, sight) = self.under_cursor()?;
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match what {
            What::Line | What::Request => known(&invocation.request_id),
            What::Json => {
                let row = render::Row { invocation, sight, death: None };
                Some(fields::json(&[render::fields(&row)]).trim_end().to_owned())
            }
            What::Trace => known(&invocation.trace_id),
            What::Command => Some(format!("lambdaview invocations --request {}", invocation.request_id)),
            What::Sql => None,
        }
    }

    fn function(&self) -> Option<String> {
        let of_row = self.under_cursor().map(|(invocation, _)| invocation.function.clone());
        of_row.or_else(|| Some(self.function.clone()))
    }

    fn trace(&self) -> Option<TraceRef> {
        let (invocation, _) = self.under_cursor()?;
        Some(match &*invocation.trace_id {
            "" => TraceRef::Invocation(invocation.request_id.clone()),
            id => TraceRef::Trace(id.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{
        event::Event,
        sample::{NOW, Viewer},
        state::Screen,
    };

    fn invocation(n: u64, ending: Ending) -> Invocation {
        Invocation {
            request_id: format!("{n:08x}-3f0e-4a53-9d0c-0a6d6c4f1b11"),
            function: "charge".to_owned(),
            start: NOW - i64::try_from(n).unwrap() * SECOND,
            duration: Some((n * 37 % 11) * 1_000_000),
            ending,
            ..Invocation::default()
        }
    }

    fn open() -> Viewer {
        let mut viewer = Viewer::new(Screen::Invocations(Box::new(Invocations::of("charge"))), 80, 24);
        let (ticket, ask) = viewer.asked();
        assert!(matches!(&ask, Ask::Invocations { function, .. } if function == "charge"), "{ask:?}");
        let endings = [Ending::Ok, Ending::Failed, Ending::Ok, Ending::Timeout, Ending::Ok];
        let all = (1..).zip(endings).map(|(n, ending)| invocation(n, ending)).collect();
        viewer.answer(ticket, Answer::Invocations(all)).event(Event::Ended(ticket));
        viewer
    }

    fn current(viewer: &Viewer) -> u64 {
        match viewer.state.screen() {
            Screen::Invocations(screen) => {
                u64::from_str_radix(&screen.under_cursor().unwrap().0.request_id[..8], 16).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_report_that_was_pending_is_filled_in_when_it_comes() {
        let mut viewer = Viewer::new(Screen::Invocations(Box::new(Invocations::of("charge"))), 120, 24);
        let (ticket, _) = viewer.asked();
        let pending = Invocation { lines: Some((7, 0)), ..invocation(1, Ending::Ok) };
        let before = Invocation { billed: Some(1_000_000), instance: "other".to_owned(), ..invocation(9, Ending::Ok) };
        viewer.answer(ticket, Answer::Invocations(vec![pending.clone(), before])).event(Event::Ended(ticket));
        assert!(viewer.picture().contains("pending"));
        assert!(viewer.event(Event::Tick).effects.is_empty(), "it was asked just now");
        assert!(viewer.state.wakes_after().is_some());
        viewer.now += 11 * SECOND;
        let (ticket, ask) = viewer.event(Event::Tick).asked();
        assert!(matches!(ask, Ask::Ends { window, .. } if window.from == pending.start), "only what it is in: {ask:?}");
        let report = Invocation { billed: Some(700_000_000), lines: None, ..pending };
        viewer.answer(ticket, Answer::Ends(vec![report])).event(Event::Ended(ticket));
        let picture = viewer.picture();
        assert!(!picture.contains("pending") && picture.contains("700ms") && picture.contains(" 7 "), "{picture}");
        assert_eq!(viewer.state.wakes_after(), None, "nothing is waited for any more");
    }

    #[test]
    fn the_newest_come_first_and_those_that_failed_are_found() {
        let mut viewer = open();
        assert_eq!(current(&viewer), 1);
        for (keys, expected) in [("e", 2), ("e", 4), ("e", 2), ("E", 4), ("G", 5), ("g", 1)] {
            assert_eq!(current(viewer.press(keys)), expected, "{keys}");
        }
    }

    #[test]
    fn sorting_keeps_the_cursor_on_its_invocation() {
        let mut viewer = open();
        viewer.press("jss");
        assert_eq!(current(&viewer), 2);
        assert_eq!(current(viewer.press("g")), 5, "5 ms is the longest: 37 n mod 11");
        assert_eq!(current(viewer.press("rg")), 3, "and 1 ms the shortest");
    }

    #[test]
    fn a_filter_leaves_what_contains_it_and_enter_opens_the_trace() {
        let mut viewer = open();
        viewer.press("&timeout<Enter>");
        assert_eq!(current(&viewer), 4);
        viewer.press("<Enter>");
        let (_, ask) = viewer.asked();
        assert_eq!(ask, Ask::Trace(TraceRef::Invocation("00000004-3f0e-4a53-9d0c-0a6d6c4f1b11".to_owned())));
        viewer.press("<Esc><Esc>");
        assert_eq!(current(&viewer), 4, "and back");
    }
}
