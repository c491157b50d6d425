//! What each span did alone, and which spans the end of the trace waited for.

use lambdaview_queries::questions::trace::Span;

use super::{Item, Node, Phase, Spent, end, tree::Tree};
use crate::ask::Nanos;

/// What every span spent.
pub(super) fn spent(spans: &[Span], tree: &Tree) -> Vec<Spent> {
    let mut spent = alone(spans, &tree.nodes);
    follow(spans, tree, &mut spent);
    spent
}

fn span_of(node: &Node) -> Option<usize> {
    match node.item {
        Item::Span(at) => Some(at),
        _ => None,
    }
}

/// Whether the platform only tells again of time that the function's own spans tell of.
fn is_overlay(span: &Span) -> bool {
    Phase::of(span).is_some_and(Phase::is_overlay)
}

/// Children stand in order of their start, so that one pass with a cursor for each parent joins what they cover.
fn alone(spans: &[Span], nodes: &[Node]) -> Vec<Spent> {
    let mut covered = vec![0_u64; spans.len()];
    let mut cursor = vec![Nanos::MIN; spans.len()];
    for node in nodes {
        let parent = node.parent.and_then(|parent| span_of(&nodes[parent]));
        let (Some(at), Some(parent)) = (span_of(node), parent) else { continue };
        if is_overlay(&spans[at]) {
            continue;
        }
        let from = spans[at].start.max(spans[parent].start).max(cursor[parent]);
        let until = end(&spans[at]).min(end(&spans[parent]));
        if until > from {
            covered[parent] += until.abs_diff(from);
            cursor[parent] = until;
        }
    }
    let alone =
        |(span, covered): (&Span, u64)| Spent { alone: span.duration.saturating_sub(covered), ..Spent::default() };
    spans.iter().zip(covered).map(alone).collect()
}

/// From the end of the trace backwards: what ended last before that which came next could go on.
fn follow(spans: &[Span], tree: &Tree, spent: &mut [Spent]) {
    let roots = children(&tree.nodes, 0, tree.nodes.len());
    let last = roots.iter().map(|(_, at)| end(&spans[*at])).max().unwrap_or_default();
    let mut waiting = chosen(spans, &tree.begun, roots, last);
    while let Some(Step { node, at, until }) = waiting.pop() {
        let below = children(&tree.nodes, node + 1, tree.nodes[node].end);
        let below = chosen(spans, &tree.begun, below, until);
        let mut cursor = until;
        let mut critical = 0;
        for step in &below {
            critical += between(step.until, cursor, spans[at].start);
            cursor = tree.begun[step.at];
        }
        critical += between(spans[at].start, cursor, spans[at].start);
        spent[at].critical = critical;
        spent[at].is_critical = true;
        waiting.extend(below);
    }
}

/// A span on the path, and until when it was waited for.
struct Step {
    node: usize,
    at: usize,
    until: Nanos,
}

/// Of the spans beside each other those that were waited for until `until`, the last first.
fn chosen(spans: &[Span], begun: &[Nanos], mut beside: Vec<(usize, usize)>, until: Nanos) -> Vec<Step> {
    beside.retain(|(_, at)| !is_overlay(&spans[*at]));
    beside.sort_by_key(|(_, at)| (std::cmp::Reverse(end(&spans[*at]).min(until)), begun[*at]));
    let mut cursor = until;
    let mut steps: Vec<Step> = Vec::new();
    for (node, at) in beside {
        // What went on beside the span that was chosen before did not hold it up; what outlives the parent is cut to it.
        let ran_beside = end(&spans[at]) > cursor && !steps.is_empty();
        if begun[at] < cursor && !ran_beside {
            steps.push(Step { node, at, until: end(&spans[at]).min(cursor) });
            cursor = begun[at];
        }
    }
    steps
}

/// The spans among the rows `from..until` that stand under none of them: their rows, and their places in the trace.
fn children(nodes: &[Node], from: usize, until: usize) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut row = from;
    while row < until {
        found.extend(span_of(&nodes[row]).map(|at| (row, at)));
        row = nodes[row].end;
    }
    found
}

/// The time between two moments, as far as it is not before `from`.
fn between(start: Nanos, end: Nanos, from: Nanos) -> u64 {
    let start = start.max(from);
    if end > start { end.abs_diff(start) } else { 0 }
}
