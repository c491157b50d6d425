//! Which row of a trace stands under which: spans under their parents, lines under their span, else under their invocation.

use std::collections::HashMap;

use lambdaview_queries::questions::trace::{Span, Trace};

use crate::ask::Nanos;

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A span, by its place in the trace.
    Span(usize),
    /// A log line, by its place in the trace.
    Line(usize),
    /// An event of a span: the span's place, and the event's in it.
    Event(usize, usize),
}

/// A row, and how deep it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) item: Item,
    pub(super) depth: usize,
}

/// The rows in order, and what the reader should know of how they were placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) rows: Vec<Row>,
    /// Spans that name a parent which is not in the trace.
    pub(super) orphans: usize,
    /// Lines without a span that were placed by their invocation.
    pub(super) by_invocation: usize,
    /// Lines that belong to no span here.
    pub(super) unplaced: usize,
}

/// Lays out a trace.
pub(super) fn place(trace: &Trace) -> Placed {
    let mut placed = Placed::default();
    let by_id = spans_by_id(&trace.spans);
    let mut under: HashMap<Option<usize>, Vec<Item>> = HashMap::new();
    for (at, span) in trace.spans.iter().enumerate() {
        let parent = by_id.get(&*span.parent_span_id).copied().filter(|parent| *parent != at);
        placed.orphans += usize::from(parent.is_none() && !span.parent_span_id.is_empty());
        under.entry(parent).or_default().push(Item::Span(at));
        under.entry(Some(at)).or_default().extend((0..span.event_names.len()).map(|event| Item::Event(at, event)));
    }
    place_lines(trace, &by_id, &mut under, &mut placed);
    for items in under.values_mut() {
        items.sort_by_key(|item| time(trace, *item));
    }
    walk(&trace.spans, &mut under, &mut placed.rows);
    placed
}

fn spans_by_id(spans: &[Span]) -> HashMap<&str, usize> {
    let mut by_id = HashMap::new();
    for (at, span) in spans.iter().enumerate() {
        by_id.entry(&*span.span_id).or_insert(at);
    }
    by_id.remove("");
    by_id
}

fn place_lines(
    trace: &Trace,
    by_id: &HashMap<&str, usize>,
    under: &mut HashMap<Option<usize>, Vec<Item>>,
    placed: &mut Placed,
) {
    let by_invocation = spans_by_invocation(&trace.spans);
    for (at, line) in trace.lines.iter().enumerate() {
        let of_span = by_id.get(&*line.span_id).copied();
        let owner = of_span.or_else(|| by_invocation.get(&*line.invocation_id).copied());
        placed.by_invocation += usize::from(of_span.is_none() && owner.is_some());
        placed.unplaced += usize::from(owner.is_none() && !trace.spans.is_empty());
        under.entry(owner).or_default().push(Item::Line(at));
    }
}

/// The span that is an invocation: its SERVER span, else the first that names it.
fn spans_by_invocation(spans: &[Span]) -> HashMap<&str, usize> {
    let mut by_invocation: HashMap<&str, usize> = HashMap::new();
    for (at, span) in spans.iter().enumerate() {
        let Some(invocation) = span.attribute("faas.invocation_id").filter(|id| !id.is_empty()) else { continue };
        let first = by_invocation.entry(invocation).or_insert(at);
        if &*span.kind == "Server" && &*spans[*first].kind != "Server" {
            *first = at;
        }
    }
    by_invocation
}

/// Depth first, without recursion: a trace may be as deep as it likes.
fn walk(spans: &[Span], under: &mut HashMap<Option<usize>, Vec<Item>>, rows: &mut Vec<Row>) {
    let mut waiting = Vec::new();
    push(under.remove(&None), 0, &mut waiting);
    let mut next_root = 0;
    loop {
        while let Some(row) = waiting.pop() {
            rows.push(row);
            if let Item::Span(at) = row.item {
                push(under.remove(&Some(at)), row.depth + 1, &mut waiting);
            }
        }
        // Spans that are each other's parents hang on no root: the first of them becomes one.
        let Some(at) = (next_root..spans.len()).find(|at| under.contains_key(&Some(*at))) else { return };
        next_root = at + 1;
        under.values_mut().for_each(|items| items.retain(|item| *item != Item::Span(at)));
        waiting.push(Row { item: Item::Span(at), depth: 0 });
    }
}

fn push(items: Option<Vec<Item>>, depth: usize, waiting: &mut Vec<Row>) {
    waiting.extend(items.into_iter().flatten().rev().map(|item| Row { item, depth }));
}

/// When a row's thing happened; a span before a line of the same moment.
fn time(trace: &Trace, item: Item) -> (Nanos, bool) {
    match item {
        Item::Span(at) => (trace.spans[at].start, false),
        Item::Line(at) => (trace.lines[at].time, true),
        Item::Event(at, event) => (trace.spans[at].event_times.get(event).copied().unwrap_or_default(), true),
    }
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::questions::lines::Line;

    use super::*;

    fn span(id: &str, parent: &str, start: Nanos) -> Span {
        Span { span_id: id.into(), parent_span_id: parent.into(), start, ..Span::default() }
    }

    fn line(span: &str, invocation: &str, time: Nanos) -> Line {
        Line { span_id: span.into(), invocation_id: invocation.into(), time, ..Line::default() }
    }

    fn rows(trace: &Trace) -> Vec<(usize, Item)> {
        place(trace).rows.into_iter().map(|row| (row.depth, row.item)).collect()
    }

    #[test]
    fn lines_stand_among_the_children_of_their_span_by_time() {
        let trace = Trace {
            spans: vec![span("a", "", 0), span("b", "a", 10)],
            lines: vec![line("a", "", 5), line("b", "", 12), line("a", "", 20)],
            ..Trace::default()
        };
        assert_eq!(
            rows(&trace),
            [(0, Item::Span(0)), (1, Item::Line(0)), (1, Item::Span(1)), (2, Item::Line(1)), (1, Item::Line(2)),]
        );
    }

    #[test]
    fn a_line_without_a_span_stands_at_its_invocation() {
        let mut server = span("b", "a", 10);
        server.kind = "Server".into();
        server.attributes = vec![("faas.invocation_id".into(), "r1".into())];
        let trace =
            Trace { spans: vec![span("a", "", 0), server], lines: vec![line("", "r1", 12)], ..Trace::default() };
        let placed = place(&trace);
        assert_eq!(placed.rows[2], Row { item: Item::Line(0), depth: 2 });
        assert_eq!((placed.by_invocation, placed.unplaced), (1, 0));
    }

    #[test]
    fn a_span_whose_parent_is_missing_is_a_root_and_counted() {
        let trace = Trace { spans: vec![span("a", "gone", 0), span("b", "a", 1)], ..Trace::default() };
        let placed = place(&trace);
        assert_eq!(placed.orphans, 1);
        assert_eq!(placed.rows.len(), 2);
    }

    #[test]
    fn spans_that_are_each_others_parents_are_all_shown_once() {
        let trace = Trace { spans: vec![span("a", "b", 0), span("b", "a", 1), span("c", "c", 2)], ..Trace::default() };
        let mut shown: Vec<Item> = rows(&trace).into_iter().map(|(_, item)| item).collect();
        shown.sort_by_key(|item| format!("{item:?}"));
        assert_eq!(shown, [Item::Span(0), Item::Span(1), Item::Span(2)]);
    }

    #[test]
    fn a_span_that_arrived_twice_is_shown_twice_and_its_lines_once() {
        let trace = Trace {
            spans: vec![span("a", "", 0), span("a", "", 0)],
            lines: vec![line("a", "", 1)],
            ..Trace::default()
        };
        assert_eq!(rows(&trace).len(), 3);
    }

    #[test]
    fn a_trace_as_deep_as_it_likes_is_laid_out() {
        let spans = (0..20_000).map(|n: i64| span(&n.to_string(), &(n - 1).to_string(), n)).collect();
        assert_eq!(place(&Trace { spans, ..Trace::default() }).rows.len(), 20_000);
    }
}
