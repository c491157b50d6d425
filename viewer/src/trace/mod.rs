//! A trace as it is drawn, before anything draws it: which row stands under which, what each span did alone, what the whole
//! waited for, and what is odd about it. Pure: no terminal, no clock, and nothing that grows faster than n log n.

mod invocations;
mod path;
mod phase;
pub mod picture;
mod rows;
mod skew;
mod tree;

pub use invocations::Invocation;
pub use phase::Phase;
pub use rows::{Folds, RowAt, Shown, is_error, leading_to, rows};
pub use skew::Skew;

use lambdaview_queries::questions::trace::{Span, Trace};

use crate::ask::Nanos;

/// What a row shows. The numbers are places in the trace's spans and lines, and in the layout's invocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A span.
    Span(usize),
    /// A log line.
    Line(usize),
    /// An event of a span: the span's place, and the event's in it.
    Event(usize, usize),
    /// Why a span failed, where no event of it says so.
    Failure(usize),
    /// The time between a call and the start of the span that it called.
    Wait(usize),
    /// An invocation of which only lines are here.
    Invocation(usize),
}

/// A row and its place in the tree. Rows stand in the order in which the whole tree is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it shows.
    pub item: Item,
    /// How deep it stands.
    pub depth: usize,
    /// The row that it stands under.
    pub parent: Option<usize>,
    /// The row after the last one below it.
    pub end: usize,
}

impl Node {
    /// Whether nothing stands under it, when it is row `at`.
    #[must_use]
    pub const fn is_leaf(&self, at: usize) -> bool {
        self.end == at + 1
    }
}

/// What a span spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// While none of its children ran.
    pub alone: u64,
    /// Alone, while the end of the trace waited for it.
    pub critical: u64,
    /// Whether it, or something below it, is what the end of the trace waited for.
    pub is_critical: bool,
}

/// What the reader should know of how things were placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spans that name a parent which is not here.
    pub orphans: usize,
    /// Spans that are each other's parents.
    pub circular: usize,
    /// Spans that came more than once, beyond the first.
    pub doubled: usize,
    /// Lines without a span that were placed by their request id.
    pub by_invocation: usize,
    /// Lines that belong to no span and no invocation here.
    pub unplaced: usize,
    /// Spans that failed.
    pub failed: usize,
    /// Lines of severity ERROR and above.
    pub error_lines: usize,
    /// Spans, each once.
    pub spans: usize,
}

/// A trace, laid out.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// The rows of the whole tree, in order.
    pub nodes: Vec<Node>,
    /// The invocations that spans or lines name.
    pub invocations: Vec<Invocation>,
    /// The invocation that each span stands for, by its place among them.
    pub invoked: Vec<Option<usize>>,
    /// What each span spent, by its place in the trace.
    pub spent: Vec<Spent>,
    /// When each span began to cost: an invocation with the environment's start that it waited for.
    pub begun: Vec<Nanos>,
    /// The parent of each span that has one here.
    pub parents: Vec<Option<usize>>,
    /// Clocks that cannot agree.
    pub skews: Vec<Skew>,
    /// Who took part, in the order of the calls.
    pub who: Vec<String>,
    /// Traces that spans link to, each once.
    pub links: Vec<String>,
    /// When the first span started; without spans, the first line.
    pub from: Nanos,
    /// When the last span ended that somebody waited for; without spans, the last line.
    pub until: Nanos,
    /// The same with what extensions did after their responses.
    pub last: Nanos,
    /// How things were placed.
    pub counts: Counts,
}

impl Layout {
    /// Lays out a trace.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        let invocations = invocations::of(trace);
        let tree = tree::build(trace, &invocations);
        let (from, until, last) = extent(trace);
        let spent = path::spent(&trace.spans, &tree);
        let skews = skew::skews(trace, &tree.parents);
        Self {
            who: who_took_part(trace, &tree.nodes),
            links: links(trace),
            invoked: invocations::by_span(&invocations, trace.spans.len()),
            nodes: tree.nodes,
            begun: tree.begun,
            parents: tree.parents,
            counts: tree.counts,
            invocations,
            spent,
            skews,
            from,
            until,
            last,
        }
    }

    /// How long it all took, in nanoseconds.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.until.saturating_sub(self.from).unsigned_abs()
    }

    /// The row of the first span that stands at the left, else the first row.
    #[must_use]
    pub fn root(&self) -> Option<&Node> {
        let roots = || self.nodes.iter().filter(|node| node.depth == 0);
        roots().find(|node| matches!(node.item, Item::Span(_))).or_else(|| roots().next())
    }
}

/// When something of the trace happened.
#[must_use]
pub fn time(trace: &Trace, layout: &Layout, item: Item) -> Nanos {
    match item {
        Item::Span(at) | Item::Failure(at) | Item::Wait(at) => trace.spans[at].start,
        Item::Line(at) => trace.lines[at].time,
        Item::Event(at, event) => event_time(&trace.spans[at], event),
        Item::Invocation(at) => layout.invocations[at].first,
    }
}

/// When an event happened; a span whose event has no time says when it itself started.
fn event_time(span: &Span, event: usize) -> Nanos {
    span.event_times.get(event).copied().unwrap_or(span.start)
}

/// When a span ended.
#[must_use]
pub fn end(span: &Span) -> Nanos {
    span.start.saturating_add(i64::try_from(span.duration).unwrap_or(i64::MAX))
}

/// Whether a span failed.
#[must_use]
pub fn is_failed(span: &Span) -> bool {
    &*span.status == "Error"
}

/// Whether a span is where a service or a function was entered.
#[must_use]
pub fn is_entry(span: &Span) -> bool {
    matches!(&*span.kind, "Server" | "Consumer")
}

/// Whose span it is: the function, else the service.
#[must_use]
pub fn who(span: &Span) -> &str {
    if span.function.is_empty() { &span.service } else { &span.function }
}

/// From when to when, without and with what came after the responses.
fn extent(trace: &Trace) -> (Nanos, Nanos, Nanos) {
    let lines = || trace.lines.iter().map(|line| line.time);
    let is_after = |span: &&Span| Phase::of(span) == Some(Phase::ExtensionOverhead);
    let from = trace.spans.iter().map(|span| span.start).min().or_else(|| lines().min()).unwrap_or_default();
    let last = trace.spans.iter().map(end).max().or_else(|| lines().max()).unwrap_or_default();
    let until = trace.spans.iter().filter(|span| !is_after(span)).map(end).max();
    (from, until.unwrap_or(last), last)
}

fn who_took_part(trace: &Trace, nodes: &[Node]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let names = nodes.iter().filter_map(|node| match node.item {
        Item::Span(at) => Some(who(&trace.spans[at])),
        Item::Line(at) => Some(&*trace.lines[at].function),
        _ => None,
    });
    names.filter(|name| !name.is_empty() && seen.insert(*name)).map(str::to_owned).collect()
}

fn links(trace: &Trace) -> Vec<String> {
    let all = trace.spans.iter().flat_map(|span| span.link_trace_ids.iter());
    let mut ids: Vec<String> = all.filter(|id| !id.is_empty() && ***id != *trace.id).map(ToString::to_string).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
