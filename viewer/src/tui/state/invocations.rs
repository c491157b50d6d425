//! The invocations screen: a function's newest invocations, how they ended, and what of them is still to come.

use lambdaview_queries::questions::invocations::{Ending, Invocation};

use super::{
    list::List,
    page::{Around, Page, Step},
    prompt::For,
};
use crate::{
    ask::{Nanos, TraceRef},
    format::inert,
    radar::{self, Sight},
    render::{fields, invocations as render},
    tui::{
        ask::{Answer, Ask, Problem, Slot},
        keys::{Command, Scope, What},
        text::find,
    },
};

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
    /// Which of them are shown, in their order.
    shown: Vec<usize>,
    /// The cursor.
    pub list: List,
    /// What they are sorted by.
    pub sort: Column,
    /// Whether the order is turned round: smallest first.
    pub ascending: bool,
    /// What an id, an error or a version must contain.
    pub filter: String,
    /// What is searched.
    pub search: String,
    /// When the answer came; `None` before the first.
    pub read_at: Option<Nanos>,
    /// Why there is none.
    pub problem: Option<Problem>,
}

impl Invocations {
    /// Those of a function, which are yet to be asked for.
    #[must_use]
    pub fn of(function: &str) -> Self {
        Self { function: function.to_owned(), ..Self::default() }
    }

    /// How many are shown.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.shown.len()
    }

    /// Every one.
    #[must_use]
    pub fn all(&self) -> &[Invocation] {
        &self.all
    }

    /// Those in a stretch of the list, with what follows from those around them.
    pub fn rows(&self, shown: std::ops::Range<usize>) -> impl Iterator<Item = (&Invocation, Sight)> {
        self.shown[shown].iter().map(|at| (&self.all[*at], self.sights[*at]))
    }

    /// How many rows there is room for: the headings take one.
    #[must_use]
    pub const fn height(around: &Around) -> usize {
        around.rows.saturating_sub(1)
    }

    fn under_cursor(&self) -> Option<(&Invocation, Sight)> {
        self.shown.get(self.list.at).map(|at| (&self.all[*at], self.sights[*at]))
    }

    fn arrange(&mut self, around: &Around) {
        let stays = self.under_cursor().map(|(invocation, _)| invocation.request_id.clone());
        let wanted = |at: &usize| self.filter.is_empty() || contains(&self.all[*at], &self.filter);
        let mut shown: Vec<usize> = (0..self.all.len()).filter(wanted).collect();
        shown.sort_by_key(|at| (std::cmp::Reverse(self.sort.value(&self.all[*at])), *at));
        if self.ascending {
            shown.reverse();
        }
        self.shown = shown;
        let at = stays.and_then(|id| self.shown.iter().position(|at| self.all[*at].request_id == id));
        self.list.go(at.unwrap_or(self.list.at), self.shown.len(), Self::height(around));
    }

    fn seek(&mut self, forward: bool, none: &str, is_it: impl Fn(&Invocation) -> bool, around: &Around) -> Vec<Step> {
        let count = self.shown.len();
        let place = |n: usize| if forward { self.list.at + n } else { self.list.at + count - n } % count;
        let found = (1..=count).map(place).find(|at| is_it(&self.all[self.shown[*at]]));
        match found {
            Some(at) => self.list.go(at, count, Self::height(around)),
            None => return vec![Step::Say(none.to_owned())],
        }
        Vec::new()
    }

    fn find(&mut self, forward: bool, around: &Around) -> Vec<Step> {
        if self.search.is_empty() {
            return vec![Step::Say("nothing is searched; / does".to_owned())];
        }
        let wanted = self.search.clone();
        let none = format!("no invocation contains {}", inert(&wanted));
        self.seek(forward, &none, |invocation| contains(invocation, &wanted), around)
    }
}

/// Whether it did not end well.
const fn is_failed(invocation: &Invocation) -> bool {
    matches!(invocation.ending, Ending::Failed | Ending::Timeout | Ending::OutOfMemory)
}

fn contains(invocation: &Invocation, wanted: &str) -> bool {
    let texts = [&invocation.request_id, &invocation.error_type, &invocation.version, &invocation.trace_id];
    let word = render::word(invocation.ending);
    texts.into_iter().any(|text| find(text, wanted).is_some()) || find(word, wanted).is_some()
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
        if self.list.act(command, self.shown.len(), Self::height(around)) {
            return Vec::new();
        }
        match command {
            Command::SortNext => {
                let at = Column::ALL.iter().position(|column| *column == self.sort).unwrap_or_default();
                (self.sort, self.ascending) = (Column::ALL[(at + 1) % Column::ALL.len()], false);
                self.arrange(around);
            }
            Command::SortReverse => {
                self.ascending = !self.ascending;
                self.arrange(around);
            }
            Command::NextError => return self.seek(true, "none of them failed", is_failed, around),
            Command::PreviousError => return self.seek(false, "none of them failed", is_failed, around),
            Command::Search => return vec![Step::Prompt(For::Search, String::new())],
            Command::Filter => return vec![Step::Prompt(For::Filter, self.filter.clone())],
            Command::Next => return self.find(true, around),
            Command::Previous => return self.find(false, around),
            _ => {}
        }
        Vec::new()
    }

    fn answer(&mut self, _slot: Slot, answer: Answer, around: &Around) -> Vec<Step> {
        if let Answer::Invocations(found) = answer {
            self.sights = radar::look(&found, around.now);
            self.all = found;
            self.read_at = Some(around.now);
            self.problem = None;
            self.arrange(around);
        }
        Vec::new()
    }

    fn failed(&mut self, _slot: Slot, problem: Problem, _around: &Around) -> Vec<Step> {
        self.problem = Some(problem);
        Vec::new()
    }

    fn typed(&mut self, to: For, text: &str, done: bool, around: &Around) -> Vec<Step> {
        match to {
            For::Search if done => {
                text.clone_into(&mut self.search);
                if text.is_empty() { Vec::new() } else { self.find(true, around) }
            }
            For::Filter => {
                text.clone_into(&mut self.filter);
                self.arrange(around);
                Vec::new()
            }
            _ => Vec::new(),
        }
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

    fn clicked(&mut self, row: usize, around: &Around) -> Vec<Step> {
        // The headings are the first row.
        if let Some(row) = row.checked_sub(1) {
            self.list.go(self.list.top + row, self.shown.len(), Self::height(around));
        }
        Vec::new()
    }

    fn resized(&mut self, around: &Around) {
        self.list.settle(self.shown.len(), Self::height(around));
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
        sample::{NOW, SECOND, Viewer},
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
