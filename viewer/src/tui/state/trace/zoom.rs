//! From when to when the bars go.

use super::{Before, Waterfall};
use crate::{
    ask::Nanos,
    trace::{Item, end, time},
    tui::{
        keys::Command,
        state::page::{Around, Step},
    },
};

/// Nothing is told of shorter stretches.
const SHORTEST: Nanos = 1_000;

impl Waterfall {
    /// Zooms or pans; what is under the cursor stays in sight.
    pub(super) fn zoom(&mut self, command: Command) {
        let (from, until) = self.window;
        let length = (until - from).max(SHORTEST);
        let centre = self.centre().unwrap_or(from + length / 2).clamp(from, until);
        let around = |length: Nanos, share: Nanos| (centre - length / 4 * share, centre + length / 4 * (4 - share));
        let window = match command {
            // The cursor's row comes nearer to the middle with each step.
            Command::ZoomIn => around((length / 2).max(SHORTEST), 2),
            Command::ZoomOut => (from - length / 2, until + length / 2),
            Command::PanLeft => (from - length / 4, until - length / 4),
            Command::PanRight => (from + length / 4, until + length / 4),
            _ => self.whole(),
        };
        self.window = self.within(window);
    }

    /// The window moved, and cut, so that it shows nothing beside the trace; what came after its responses is part of it.
    fn within(&self, (from, until): (Nanos, Nanos)) -> (Nanos, Nanos) {
        let (first, until_whole) = self.whole();
        let last = self.drawn.as_ref().map_or(until_whole, |drawn| drawn.layout.last.max(until_whole));
        let length = (until - from).min(last - first);
        let from = from.clamp(first, (last - length).max(first));
        (from, from + length)
    }

    /// From the start of what stands for the root to its end, else of the whole trace.
    fn whole(&self) -> (Nanos, Nanos) {
        let Some(drawn) = &self.drawn else { return (0, 0) };
        let root = self.shown.root.map(|root| drawn.layout.nodes[root].item);
        match root {
            Some(Item::Span(at)) => (drawn.layout.begun[at], end(&drawn.trace.spans[at])),
            _ => (drawn.layout.from, drawn.layout.until),
        }
    }

    fn centre(&self) -> Option<Nanos> {
        let (_, node, drawn) = self.node()?;
        Some(match node.item {
            Item::Span(at) => {
                let span = &drawn.trace.spans[at];
                span.start + (end(span) - span.start) / 2
            }
            item => time(&drawn.trace, &drawn.layout, item),
        })
    }

    /// Makes the span under the cursor, or the one that it stands under, the root.
    pub(super) fn make_root(&mut self, around: &Around) -> Vec<Step> {
        let Some((at, node, drawn)) = self.node() else { return Vec::new() };
        let root = if node.is_leaf(at) { node.parent.unwrap_or(at) } else { at };
        if !matches!(drawn.layout.nodes[root].item, Item::Span(_)) || self.shown.root == Some(root) {
            return vec![Step::Say("only a span can be the root".to_owned())];
        }
        self.before.push(Before { root: self.shown.root, window: self.window, at: self.list.at });
        self.shown.root = Some(root);
        self.window = self.whole();
        self.arrange(around);
        vec![Step::Say(", goes back to the root before".to_owned())]
    }

    /// Back to what was the root before.
    pub(super) fn undo_root(&mut self, around: &Around) -> Vec<Step> {
        let Some(before) = self.before.pop() else {
            return vec![Step::Say("this is the whole trace".to_owned())];
        };
        (self.shown.root, self.window) = (before.root, before.window);
        self.arrange(around);
        self.go(before.at, around);
        Vec::new()
    }
}
