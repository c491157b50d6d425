//! The errors screen: those that differ in ids and numbers only as one, the most frequent first.

use lambdaview_queries::questions::errors::Group;

use super::{
    link::{self, Place},
    narrowed::Narrowed,
    page::{Around, Page, Step},
};
use crate::{
    ask::{Nanos, TraceRef},
    render,
    tui::{
        ask::{Answer, Ask, LineRef, Problem, Slot},
        keys::{Command, Scope, What},
    },
};

/// The errors screen.
#[derive(Debug, Default)]
pub struct Errors {
    /// The function whose errors they are; nothing for all.
    pub of: Option<String>,
    all: Vec<Group>,
    /// Which of them are shown.
    pub shown: Narrowed,
    /// When the answer came; `None` before the first.
    pub read_at: Option<Nanos>,
    /// Why there is none.
    pub problem: Option<Problem>,
}

impl Errors {
    /// The errors of a function, or of all.
    #[must_use]
    pub fn new(of: Option<String>) -> Self {
        Self { of, ..Self::default() }
    }

    /// How many kinds there are.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.all.len()
    }

    /// Those in view, each with whether it is under the cursor.
    pub fn in_view(&self, height: usize) -> impl Iterator<Item = (&Group, bool)> {
        self.shown.in_view(height).map(|(item, selected)| (&self.all[item], selected))
    }

    fn under_cursor(&self) -> Option<&Group> {
        self.shown.item().map(|item| &self.all[item])
    }
}

impl Page for Errors {
    fn scope(&self) -> Scope {
        Scope::Errors
    }

    fn name(&self) -> String {
        self.of.as_ref().map_or_else(|| "errors".to_owned(), |function| format!("errors of {function}"))
    }

    fn begin(&mut self, around: &Around) -> Vec<Step> {
        let (from, until) = (around.times.from(around.now), around.times.until);
        vec![Step::Ask(Slot::Main, Ask::Errors { function: self.of.clone(), from, until })]
    }

    fn act(&mut self, command: Command, around: &Around) -> Vec<Step> {
        self.shown.act(command, around).unwrap_or_default()
    }

    fn narrowed(&mut self) -> Option<&mut Narrowed> {
        Some(&mut self.shown)
    }

    fn answer(&mut self, _slot: Slot, answer: Answer, around: &Around) -> Vec<Step> {
        if let Answer::Errors(groups) = answer {
            let text = |group: &Group| format!("{} {} {}", group.kind, group.message, group.functions.join(" "));
            let stays = self.shown.item();
            self.shown.set(groups.iter().map(text).collect(), (0..groups.len()).collect(), stays, around);
            self.all = groups;
            (self.read_at, self.problem) = (Some(around.now), None);
        }
        Vec::new()
    }

    fn failed(&mut self, _slot: Slot, problem: Problem, _around: &Around) -> Vec<Step> {
        self.problem = Some(problem);
        Vec::new()
    }

    fn copied(&self, what: What, around: &Around) -> Option<String> {
        let group = self.under_cursor()?;
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        match what {
            What::Line => Some(group.sample.clone()),
            What::Json => Some(render::fields::json(&[render::errors::fields(group)]).trim_end().to_owned()),
            What::Trace => known(&group.trace_id),
            What::Request => known(&group.request_id),
            What::Command => {
                let of = self.of.as_ref().map(|function| format!(" '{function}'")).unwrap_or_default();
                Some(format!("lambdaview errors{of} {}", around.times.flags(around.now)))
            }
            What::Sql => None,
        }
    }

    fn function(&self) -> Option<String> {
        self.under_cursor().and_then(|group| group.functions.first().cloned()).or_else(|| self.of.clone())
    }

    fn trace(&self) -> Option<TraceRef> {
        let group = self.under_cursor()?;
        let known = |id: &str, by: fn(String) -> TraceRef| (!id.is_empty()).then(|| by(id.to_owned()));
        known(&group.trace_id, TraceRef::Trace).or_else(|| known(&group.request_id, TraceRef::Invocation))
    }

    /// The newest of its lines: its trace opens.
    fn line_ref(&self) -> Option<LineRef> {
        let group = self.under_cursor()?;
        Some(LineRef {
            time: group.last,
            severity: 17,
            function: self.function().unwrap_or_default(),
            invocation: group.request_id.clone(),
            trace: group.trace_id.clone(),
            body: group.sample.clone(),
            ..LineRef::default()
        })
    }

    fn place(&self, _around: &Around) -> Option<Place> {
        let group = self.under_cursor()?;
        let search = match group.trace_id.as_str() {
            "" => link::is("ResourceAttributes.faas.name", group.functions.first()?),
            trace => link::is("TraceId", trace),
        };
        Some(Place::around(search, group.last))
    }
}
