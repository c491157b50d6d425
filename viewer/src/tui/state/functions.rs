//! The functions screen: what there is, sorted and filtered.

use super::{
    link::{self, Place},
    narrowed::Narrowed,
    page::{Around, Page, Step},
};
use crate::{
    ask::Nanos,
    render::{
        fields,
        functions::{self, Row},
    },
    tui::{
        ask::{Answer, Ask, Problem, Slot},
        keys::{Command, Scope, What},
    },
};

/// A column to sort by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns are named as they are headed")]
pub enum Column {
    Name,
    #[default]
    Invocations,
    Failed,
    P50,
    P95,
    P99,
    Cold,
    Memory,
    Lines,
    Bytes,
    Dollars,
    Last,
}

impl Column {
    /// In the order in which they stand.
    pub const ALL: [Self; 12] = [
        Self::Name,
        Self::Invocations,
        Self::Failed,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::Cold,
        Self::Memory,
        Self::Lines,
        Self::Bytes,
        Self::Dollars,
        Self::Last,
    ];

    /// Its heading.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Name => "function",
            Self::Invocations => "inv",
            Self::Failed => "err%",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Cold => "cold%",
            Self::Memory => "mem max/size",
            Self::Lines => "lines",
            Self::Bytes => "log",
            Self::Dollars => "$/mo*",
            Self::Last => "last",
        }
    }

    /// What is sorted; what nobody knows sorts below everything.
    fn value(self, row: &Row) -> f64 {
        let Row { function, dollars } = row;
        let share = |part: Option<u64>, whole: u64| part.map_or(-1.0, |part| part as f64 / whole.max(1) as f64);
        match self {
            Self::Name => 0.0,
            Self::Invocations => function.invocations as f64,
            Self::Failed => share(function.failed, function.invocations),
            Self::P50 => function.p50.unwrap_or(-1.0),
            Self::P95 => function.p95.unwrap_or(-1.0),
            Self::P99 => function.p99.unwrap_or(-1.0),
            Self::Cold => share(function.cold, function.invocations),
            Self::Memory => share(function.memory_used, function.memory_size.unwrap_or(u64::MAX)),
            Self::Lines => function.lines as f64,
            Self::Bytes => function.log_bytes as f64,
            Self::Dollars => dollars.unwrap_or(-1.0),
            Self::Last => function.last as f64,
        }
    }
}

/// The functions screen.
#[derive(Debug, Default)]
pub struct Functions {
    all: Vec<Row>,
    /// Which of them are shown.
    pub shown: Narrowed,
    /// What they are sorted by.
    pub sort: Column,
    /// Whether the order is turned round: smallest first.
    pub ascending: bool,
    /// When the answer came; `None` before the first.
    pub read_at: Option<Nanos>,
    /// Why there is none.
    pub problem: Option<Problem>,
}

impl Functions {
    /// How many there are.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.all.len()
    }

    /// Those in view, each with whether it is under the cursor.
    pub fn in_view(&self, height: usize) -> impl Iterator<Item = (&Row, bool)> {
        self.shown.in_view(height).map(|(item, selected)| (&self.all[item], selected))
    }

    /// Whether of any of them it is known what its logs would cost.
    #[must_use]
    pub fn has_dollars(&self) -> bool {
        self.all.iter().any(|row| row.dollars.is_some())
    }

    /// The names of all.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.all.iter().map(|row| row.function.name.clone()).collect()
    }

    fn under_cursor(&self) -> Option<&Row> {
        self.shown.item().map(|item| &self.all[item])
    }

    /// All of them in the order they are sorted by.
    fn ordered(&self) -> Vec<usize> {
        let (all, sort) = (&self.all, self.sort);
        let mut ordered: Vec<usize> = (0..all.len()).collect();
        ordered.sort_by(|a, b| {
            let (a, b) = (&all[*a], &all[*b]);
            sort.value(b).total_cmp(&sort.value(a)).then_with(|| a.function.name.cmp(&b.function.name))
        });
        if self.ascending {
            ordered.reverse();
        }
        ordered
    }

    fn sort_by(&mut self, step: usize, around: &Around) {
        let at = Column::ALL.iter().position(|column| *column == self.sort).unwrap_or_default();
        self.sort = Column::ALL[(at + step) % Column::ALL.len()];
        self.ascending = false;
        self.shown.order(self.ordered(), around);
    }
}

impl Page for Functions {
    fn scope(&self) -> Scope {
        Scope::Functions
    }

    fn name(&self) -> String {
        "functions".to_owned()
    }

    fn begin(&mut self, around: &Around) -> Vec<Step> {
        vec![Step::Ask(Slot::Main, Ask::Functions { from: around.times.from(around.now), until: around.times.until })]
    }

    fn act(&mut self, command: Command, around: &Around) -> Vec<Step> {
        match command {
            Command::SortNext => self.sort_by(1, around),
            Command::SortPrevious => self.sort_by(Column::ALL.len() - 1, around),
            Command::SortReverse => {
                self.ascending = !self.ascending;
                self.shown.order(self.ordered(), around);
            }
            _ => return self.shown.act(command, around).unwrap_or_default(),
        }
        Vec::new()
    }

    fn narrowed(&mut self) -> Option<&mut Narrowed> {
        Some(&mut self.shown)
    }

    fn answer(&mut self, _slot: Slot, answer: Answer, around: &Around) -> Vec<Step> {
        if let Answer::Functions(functions) = answer {
            let name = self.under_cursor().map(|row| row.function.name.clone());
            self.all = functions;
            (self.read_at, self.problem) = (Some(around.now), None);
            let stays = name.and_then(|name| self.all.iter().position(|one| one.function.name == name));
            self.shown.set(self.names(), self.ordered(), stays, around);
        }
        Vec::new()
    }

    fn failed(&mut self, _slot: Slot, problem: Problem, _around: &Around) -> Vec<Step> {
        self.problem = Some(problem);
        Vec::new()
    }

    fn copied(&self, what: What, around: &Around) -> Option<String> {
        let row = self.under_cursor()?;
        match what {
            What::Line => Some(row.function.name.clone()),
            What::Json => Some(fields::json(&[functions::fields(row)]).trim_end().to_owned()),
            What::Command => Some(format!("lambdaview functions {}", around.times.flags(around.now))),
            What::Trace | What::Request | What::Sql => None,
        }
    }

    fn place(&self, around: &Around) -> Option<Place> {
        let search = link::is("ResourceAttributes.faas.name", &self.under_cursor()?.function.name);
        Some(Place { search, from: around.times.from(around.now), until: around.times.end(around.now) })
    }

    fn function(&self) -> Option<String> {
        self.under_cursor().map(|row| row.function.name.clone())
    }
}
