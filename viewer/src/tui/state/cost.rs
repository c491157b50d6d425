//! The cost screen: the reckoning as `lambdaview cost` prints it, to be read and searched.

use super::{
    list::List,
    page::{Around, Page, Step},
    prompt::For,
};
use crate::{
    ask::Nanos,
    cost::{Report, rates::Rates},
    format::inert,
    render::{self, style::Paint},
    tui::{
        ask::{Answer, Ask, Problem, Slot},
        keys::{Command, Scope, What},
        text::{find, wrapped},
    },
};

/// How far in the rest of a line begins that is too long: where the words of what is assumed stand.
const HANGING: usize = 9;

/// The cost screen.
#[derive(Debug, Default)]
pub struct Cost {
    report: Option<Box<Report>>,
    /// The reckoning, line by line.
    pub lines: Vec<String>,
    /// The cursor.
    pub list: List,
    /// What is searched.
    pub search: String,
    /// When the answer came; `None` before the first.
    pub read_at: Option<Nanos>,
    /// Why there is none.
    pub problem: Option<Problem>,
}

impl Cost {
    fn lay_out(&mut self, around: &Around) {
        if let Some(report) = &self.report {
            let room = around.columns.saturating_sub(2);
            let text = render::cost::draw(report, &Rates::built_in(), room, Paint { colour: false });
            self.lines = text.lines().flat_map(|line| wrapped(line, room, HANGING)).collect();
        }
        self.list.settle(self.lines.len(), around.rows);
    }

    fn find(&mut self, first: usize, backwards: bool, around: &Around) -> Vec<Step> {
        let count = self.lines.len();
        let place = |n: usize| if backwards { self.list.at + 2 * count - first - n } else { self.list.at + first + n };
        let found = (0..count).map(|n| place(n) % count).find(|at| find(&self.lines[*at], &self.search).is_some());
        match found {
            _ if self.search.is_empty() => Vec::new(),
            Some(at) => {
                self.list.go(at, count, around.rows);
                Vec::new()
            }
            None => vec![Step::Say(format!("nothing here contains {}", inert(&self.search)))],
        }
    }
}

impl Page for Cost {
    fn scope(&self) -> Scope {
        Scope::Cost
    }

    fn name(&self) -> String {
        "cost".to_owned()
    }

    fn begin(&mut self, around: &Around) -> Vec<Step> {
        vec![Step::Ask(Slot::Main, Ask::Cost { from: around.times.from(around.now) })]
    }

    fn act(&mut self, command: Command, around: &Around) -> Vec<Step> {
        if self.list.act(command, self.lines.len(), around.rows) {
            return Vec::new();
        }
        match command {
            Command::Search => vec![Step::Prompt(For::Search, String::new())],
            Command::Next => self.find(1, false, around),
            Command::Previous => self.find(1, true, around),
            _ => Vec::new(),
        }
    }

    fn answer(&mut self, _slot: Slot, answer: Answer, around: &Around) -> Vec<Step> {
        if let Answer::Cost(report) = answer {
            (self.report, self.problem, self.read_at) = (Some(report), None, Some(around.now));
            self.lay_out(around);
        }
        Vec::new()
    }

    fn failed(&mut self, _slot: Slot, problem: Problem, _around: &Around) -> Vec<Step> {
        self.problem = Some(problem);
        Vec::new()
    }

    fn typed(&mut self, to: For, text: &str, done: bool, around: &Around) -> Vec<Step> {
        if to != For::Search || !done {
            return Vec::new();
        }
        text.clone_into(&mut self.search);
        self.find(0, false, around)
    }

    fn copied(&self, what: What, around: &Around) -> Option<String> {
        match what {
            What::Line => self.lines.get(self.list.at).cloned(),
            What::Json => Some(render::cost::json(self.report.as_ref()?, &Rates::built_in())),
            What::Command => Some(format!("lambdaview cost {}", around.times.flags(around.now))),
            What::Trace | What::Request | What::Sql => None,
        }
    }

    fn resized(&mut self, around: &Around) {
        self.lay_out(around);
    }
}
