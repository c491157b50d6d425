//! The cost screen: the reckoning as `lambdaview cost` prints it, to be read and searched.

use super::{
    narrowed::Narrowed,
    page::{Around, Page, Step},
};
use crate::{
    ask::Nanos,
    cost::{Report, rates::Rates},
    render::{self, style::Paint},
    tui::{
        ask::{Answer, Ask, Problem, Slot},
        keys::{Command, Scope, What},
        text::wrapped,
    },
};

/// How far in the rest of a line begins that is too long: where the words of what is assumed stand.
const HANGING: usize = 9;

/// The cost screen.
#[derive(Debug)]
pub struct Cost {
    report: Option<Box<(Report, Rates)>>,
    /// The reckoning, line by line.
    pub lines: Vec<String>,
    /// Which of them are shown.
    pub shown: Narrowed,
    /// When the answer came; `None` before the first.
    pub read_at: Option<Nanos>,
    /// Why there is none.
    pub problem: Option<Problem>,
}

impl Default for Cost {
    fn default() -> Self {
        let shown = Narrowed::without_headings();
        Self { report: None, lines: Vec::new(), shown, read_at: None, problem: None }
    }
}

impl Cost {
    fn lay_out(&mut self, around: &Around) {
        if let Some((report, rates)) = self.report.as_deref() {
            let room = around.columns.saturating_sub(2);
            let text = render::cost::draw(report, rates, room, Paint { colour: false });
            self.lines = text.lines().flat_map(|line| wrapped(line, room, HANGING)).collect();
        }
        self.shown.set(self.lines.clone(), (0..self.lines.len()).collect(), self.shown.item(), around);
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
        self.shown.act(command, around).unwrap_or_default()
    }

    fn narrowed(&mut self) -> Option<&mut Narrowed> {
        Some(&mut self.shown)
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

    fn copied(&self, what: What, around: &Around) -> Option<String> {
        match what {
            What::Line => self.lines.get(self.shown.item()?).cloned(),
            What::Json => {
                let (report, rates) = self.report.as_deref()?;
                Some(render::cost::json(report, rates))
            }
            What::Command => Some(format!("lambdaview cost {}", around.times.flags(around.now))),
            What::Trace | What::Request | What::Sql => None,
        }
    }

    fn resized(&mut self, around: &Around) {
        self.lay_out(around);
    }
}
