//! Which lines are shown, and in which order: what rules leave of those here and of those the server is asked for.

use super::{
    Flow, Link, Tail,
    rules::{Rules, Value},
    shown::Shown,
};
use crate::{
    ask::Nanos,
    format::short_id,
    tui::{
        ask::{Ask, Slot},
        state::page::{Around, Step},
    },
};

impl Tail {
    /// Only the invocation under the cursor, or everything again.
    pub(super) fn only_invocation(&mut self, around: &Around) -> Vec<Step> {
        let mut rules = self.rules.clone();
        let before = rules.values.len();
        rules.values.retain(|(value, wanted)| !(*wanted && matches!(value, Value::Invocation(_))));
        if rules.values.len() < before {
            return self.rule(rules, around);
        }
        let Some(id) = self.line().map(|line| line.invocation.to_owned()).filter(|id| !id.is_empty()) else {
            return vec![Step::Say("this line names no invocation".to_owned())];
        };
        let said = Step::Say(format!("only invocation {}; i shows all again", short_id(&id)));
        rules.values.push((Value::Invocation(id), true));
        let mut steps = self.rule(rules, around);
        steps.push(said);
        steps
    }

    pub(super) fn choose(&mut self, wanted: bool) -> Vec<Step> {
        let Some(line) = self.line() else { return Vec::new() };
        let values = Value::of(&line);
        let title = if wanted { " show only lines of " } else { " hide lines of " };
        let shown = values.iter().map(Value::shown).collect();
        self.choosing = Some((wanted, values));
        vec![Step::Choose(title, shown)]
    }

    /// Asks for the lines, as far back as a moment.
    pub(super) fn ask(&mut self, reach: Option<Nanos>, around: &Around) -> Vec<Step> {
        self.asked = self.rules.clone();
        let times = self.times(around.times);
        let (from, until) = (times.from(around.now), times.until);
        let ask = Ask::Tail { sought: self.sought(), from, until, count: super::PAGE, reach };
        self.ends.finish();
        vec![Step::Drop(Slot::Older), Step::Drop(Slot::Ends), Step::Ask(Slot::Main, ask)]
    }

    /// Applies other rules to what is here, and has the server apply them to everything else.
    pub(super) fn rule(&mut self, rules: Rules, around: &Around) -> Vec<Step> {
        let mut steps = self.apply(rules, around);
        if self.rules != self.asked {
            self.link = Link::Opening;
            let cursor = self.line().filter(|_| self.flow != Flow::Following && self.shows(self.cursor));
            let reach = cursor.map(|line| line.time);
            steps.extend(self.ask(reach, around));
        }
        steps
    }

    /// Applies other rules to what is here; the cursor stays on its line, or goes to the next that is left.
    pub(super) fn apply(&mut self, rules: Rules, around: &Around) -> Vec<Step> {
        self.rules = rules;
        self.arrange();
        if self.flow == Flow::Following {
            let last = self.count().saturating_sub(1);
            return self.go(last, around);
        }
        self.settle(around)
    }

    /// Puts all lines in their order anew.
    pub(super) fn arrange(&mut self) {
        self.shown = Shown::of(&self.rules, self.by_invocation, &self.store, self.until());
    }

    /// Lines by invocation, or as they came; the cursor stays on its line.
    pub(super) fn change_order(&mut self, around: &Around) -> Vec<Step> {
        self.by_invocation = !self.by_invocation;
        self.arrange();
        let said = if self.by_invocation { "lines by invocation" } else { "lines in the order in which they came" };
        let mut steps = vec![Step::Say(format!("{said}; B changes it"))];
        let place = self.shown.place(self.cursor);
        steps.extend(if self.flow == Flow::Following { self.go(self.count(), around) } else { self.go(place, around) });
        steps.extend(self.ask_ends(around));
        steps
    }
}
