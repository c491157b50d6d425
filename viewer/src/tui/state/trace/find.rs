//! From the cursor to another row: the next match, the next error, whatever is folded.

use lambdaview_queries::questions::trace::Trace;

use super::{Drawn, Waterfall};
use crate::{
    format::inert,
    trace::{Folds, Item, Layout, Node, is_error},
    tui::{
        state::page::{Around, Step},
        text::find,
    },
};

impl Waterfall {
    /// To the next match after the cursor, or the one before it; at the end, round to the other.
    pub(super) fn next_match(&mut self, forward: bool, around: &Around) -> Vec<Step> {
        if self.search.is_empty() {
            return vec![Step::Say("nothing is searched; / does".to_owned())];
        }
        let wanted = self.search.clone();
        let what = format!("no row here contains {}", inert(&wanted));
        self.seek(forward, &what, |drawn, node| says(&drawn.trace, &drawn.layout, node, &wanted), around)
    }

    /// To the next error, or the one before.
    pub(super) fn next_error(&mut self, forward: bool, around: &Around) -> Vec<Step> {
        self.seek(forward, "nothing failed here", |drawn, node| is_error(&drawn.trace, node.item), around)
    }

    fn seek(&mut self, forward: bool, none: &str, is_it: impl Fn(&Drawn, &Node) -> bool, around: &Around) -> Vec<Step> {
        let none = || vec![Step::Say(none.to_owned())];
        let (Some(drawn), Some(current)) = (&self.drawn, self.under_cursor()) else { return none() };
        let all = self.rows_with(&Folds::default());
        let Some(at) = all.iter().position(|row| row.node == current.node) else { return none() };
        let count = all.len();
        let place = |step: usize| if forward { (at + step) % count } else { (at + count - step) % count };
        let found = (1..=count).map(place).find(|at| is_it(drawn, &drawn.layout.nodes[all[*at].node]));
        let Some(found) = found else { return none() };
        self.reveal(all[found].node, around);
        if found == at { vec![Step::Say("this is the only one".to_owned())] } else { Vec::new() }
    }
}

/// Whether a row's text, name or attributes contain that.
pub(super) fn says(trace: &Trace, layout: &Layout, node: &Node, wanted: &str) -> bool {
    let has = |text: &str| find(text, wanted).is_some();
    match node.item {
        Item::Line(at) => has(&trace.lines[at].body),
        Item::Span(at) => {
            let span = &trace.spans[at];
            has(&span.name) || has(crate::trace::who(span)) || span.attributes.iter().any(|(_, value)| has(value))
        }
        Item::Event(at, event) => {
            let span = &trace.spans[at];
            has(&span.event_names[event])
                || span.event_attributes.get(event).into_iter().flatten().any(|(_, value)| has(value))
        }
        Item::Failure(at) => has(&trace.spans[at].status_message),
        Item::Wait(_) => false,
        Item::Invocation(at) => has(&layout.invocations[at].id),
    }
}
