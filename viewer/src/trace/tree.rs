//! Which row stands under which: spans under their parents, lines under their span, else under their invocation.

use std::collections::HashMap;

use lambdaview_queries::questions::trace::{Span, Trace};

use super::{Counts, Invocation, Item, Node, Phase, event_time, is_entry, is_failed, who};
use crate::ask::Nanos;

/// The tree of a trace.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// The parent of each span that has one here.
    pub(super) parents: Vec<Option<usize>>,
    /// When each span began to cost.
    pub(super) begun: Vec<Nanos>,
    pub(super) counts: Counts,
}

/// What stands under what, while it is gathered: the root, then each span, then each invocation.
struct Gathered {
    under: Vec<Vec<Item>>,
    spans: usize,
}

/// The platform's events have times in whole milliseconds: less than one is no wait, and no skew.
pub(super) const RESOLUTION: Nanos = 1_000_000;

pub(super) fn build(trace: &Trace, invocations: &[Invocation]) -> Tree {
    let spans = &trace.spans;
    let mut counts = Counts::default();
    let by_id = by_id(spans);
    let is_double = doubles(spans, &by_id);
    let parents = parents(spans, &by_id, &is_double, &mut counts);
    let mut gathered = Gathered { under: vec![Vec::new(); 1 + spans.len() + invocations.len()], spans: spans.len() };
    let begun = begun(spans, &parents);
    for at in (0..spans.len()).filter(|at| !is_double[*at]) {
        counts.spans += 1;
        counts.failed += usize::from(is_failed(&spans[at]));
        gathered.add_span(spans, at, parents[at], begun[at]);
    }
    counts.doubled = spans.len() - counts.spans;
    place_lines(trace, invocations, &by_id, &mut gathered, &mut counts);
    gathered.sort(trace, invocations);
    Tree { nodes: gathered.walk(), begun, parents, counts }
}

impl Gathered {
    fn of_span(&mut self, span: Option<usize>) -> &mut Vec<Item> {
        &mut self.under[span.map_or(0, |at| at + 1)]
    }

    fn of_invocation(&mut self, invocation: usize) -> &mut Vec<Item> {
        &mut self.under[1 + self.spans + invocation]
    }

    fn add_span(&mut self, spans: &[Span], at: usize, parent: Option<usize>, begun: Nanos) {
        let span = &spans[at];
        let caller = parent.map(|parent| &spans[parent]).filter(|parent| is_invoked_by(span, parent));
        if caller.is_some_and(|caller| begun.saturating_sub(caller.start) >= RESOLUTION) {
            self.of_span(parent).push(Item::Wait(at));
        }
        self.of_span(parent).push(Item::Span(at));
        if is_failed(span) && !span.status_message.is_empty() && !is_told_by_event(span) {
            self.of_span(Some(at)).push(Item::Failure(at));
        }
        self.of_span(Some(at)).extend((0..span.event_names.len()).map(|event| Item::Event(at, event)));
    }

    fn sort(&mut self, trace: &Trace, invocations: &[Invocation]) {
        for items in &mut self.under {
            items.sort_by_key(|item| match *item {
                Item::Failure(_) => (Nanos::MIN, 0),
                Item::Wait(at) => (trace.spans[at].start, 1),
                Item::Span(at) => (trace.spans[at].start, 2),
                Item::Invocation(at) => (invocations[at].first, 2),
                Item::Event(at, event) => (event_time(&trace.spans[at], event), 3),
                Item::Line(at) => (trace.lines[at].time, 3),
            });
        }
    }

    /// Depth first, without recursion: a trace may be as deep as it likes.
    fn walk(mut self) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut open: Vec<(std::vec::IntoIter<Item>, Option<usize>)> = vec![(self.take(0), None)];
        while let Some((items, owner)) = open.last_mut() {
            let (owner, next) = (*owner, items.next());
            let Some(item) = next else {
                open.pop();
                if let Some(owner) = owner {
                    nodes[owner].end = nodes.len();
                }
                continue;
            };
            let at = nodes.len();
            nodes.push(Node { item, depth: open.len() - 1, parent: owner, end: at + 1 });
            match item {
                Item::Span(span) => open.push((self.take(1 + span), Some(at))),
                Item::Invocation(place) => open.push((self.take(1 + self.spans + place), Some(at))),
                _ => {}
            }
        }
        nodes
    }

    fn take(&mut self, slot: usize) -> std::vec::IntoIter<Item> {
        std::mem::take(&mut self.under[slot]).into_iter()
    }
}

fn by_id(spans: &[Span]) -> HashMap<&str, usize> {
    let mut by_id = HashMap::with_capacity(spans.len());
    for (at, span) in spans.iter().enumerate() {
        by_id.entry(&*span.span_id).or_insert(at);
    }
    by_id.remove("");
    by_id
}

/// A resent span is the same in everything; two that merely share an id are both shown.
fn doubles(spans: &[Span], by_id: &HashMap<&str, usize>) -> Vec<bool> {
    let is_same = |one: &Span, other: &Span| {
        (one.start, one.duration, &one.name, &one.parent_span_id, &one.kind)
            == (other.start, other.duration, &other.name, &other.parent_span_id, &other.kind)
    };
    let first = |span: &Span| by_id.get(&*span.span_id).copied();
    let is_double = |(at, span): (usize, &Span)| first(span).is_some_and(|own| own != at && is_same(&spans[own], span));
    spans.iter().enumerate().map(is_double).collect()
}

/// The parent of each span, where it is here and not below the span itself.
fn parents(
    spans: &[Span],
    by_id: &HashMap<&str, usize>,
    is_double: &[bool],
    counts: &mut Counts,
) -> Vec<Option<usize>> {
    let of = |(at, span): (usize, &Span)| by_id.get(&*span.parent_span_id).copied().filter(|parent| *parent != at);
    let mut parents: Vec<Option<usize>> = spans.iter().enumerate().map(of).collect();
    let is_orphan = |at: &usize| parents[*at].is_none() && !spans[*at].parent_span_id.is_empty() && !is_double[*at];
    counts.orphans = (0..spans.len()).filter(is_orphan).count();
    counts.circular = cut_circles(&mut parents);
    parents
}

/// Makes the first span of each circle a root. Every span is looked at twice at most.
fn cut_circles(parents: &mut [Option<usize>]) -> usize {
    let mut seen_from = vec![usize::MAX; parents.len()];
    let mut circles = 0;
    for start in 0..parents.len() {
        let mut at = start;
        while seen_from[at] == usize::MAX {
            seen_from[at] = start;
            match parents[at] {
                Some(parent) if seen_from[parent] == start => {
                    parents[parent] = None;
                    circles += 1;
                }
                Some(parent) => at = parent,
                None => {}
            }
        }
    }
    circles
}

fn place_lines(
    trace: &Trace,
    invocations: &[Invocation],
    by_id: &HashMap<&str, usize>,
    gathered: &mut Gathered,
    counts: &mut Counts,
) {
    let places: HashMap<&str, usize> = invocations.iter().enumerate().map(|(at, one)| (&*one.id, at)).collect();
    let mut is_shown = vec![false; invocations.len()];
    for (at, line) in trace.lines.iter().enumerate() {
        counts.error_lines += usize::from(line.severity_number >= 17);
        let invocation = places.get(&*line.invocation_id).copied();
        if let Some(span) = by_id.get(&*line.span_id) {
            gathered.of_span(Some(*span)).push(Item::Line(at));
        } else if let Some(span) = invocation.and_then(|place| invocations[place].span) {
            counts.by_invocation += 1;
            gathered.of_span(Some(span)).push(Item::Line(at));
        } else if let Some(place) = invocation {
            if !std::mem::replace(&mut is_shown[place], true) {
                gathered.of_span(None).push(Item::Invocation(place));
            }
            gathered.of_invocation(place).push(Item::Line(at));
        } else {
            counts.unplaced += usize::from(!trace.spans.is_empty());
            gathered.of_span(None).push(Item::Line(at));
        }
    }
}

fn is_told_by_event(span: &Span) -> bool {
    let values = span.event_attributes.iter().flatten().map(|(_, value)| &**value);
    values.clone().any(|value| value.contains(&*span.status_message))
}

/// When each span began to cost: an invocation with the environment's start that it waited for.
fn begun(spans: &[Span], parents: &[Option<usize>]) -> Vec<Nanos> {
    let mut begun: Vec<Nanos> = spans.iter().map(|span| span.start).collect();
    for (span, parent) in spans.iter().zip(parents) {
        if let Some(parent) = parent.filter(|_| Phase::of(span).is_some_and(Phase::is_start)) {
            begun[parent] = begun[parent].min(span.start);
        }
    }
    begun
}

/// Whether `child` is an invocation that `parent` asked for.
fn is_invoked_by(child: &Span, parent: &Span) -> bool {
    is_entry(child) && who(parent) != who(child) && child.attribute("faas.invocation_id").is_some()
}
