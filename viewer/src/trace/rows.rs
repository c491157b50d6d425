//! Which rows are on the screen: what is folded, filtered, flat, or not below the span that stands for the root.

use lambdaview_queries::questions::trace::Trace;

use super::{Item, Layout, Node, is_failed, time};

/// What is shown of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Log lines.
    pub logs: bool,
    /// Everything else.
    pub spans: bool,
    /// In order of time, without the tree.
    pub flat: bool,
    /// Only what failed, and what it stands under.
    pub errors: bool,
    /// At most so many levels.
    pub depth: Option<usize>,
    /// Only this row and what stands below it.
    pub root: Option<usize>,
}

impl Default for Shown {
    fn default() -> Self {
        Self { logs: true, spans: true, flat: false, errors: false, depth: None, root: None }
    }
}

/// A row that is shown: which, and how deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowAt {
    /// Its place in the layout.
    pub node: usize,
    /// How deep it is shown.
    pub depth: usize,
}

/// Which rows are folded: what stands below them is not shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds {
    folded: Vec<bool>,
}

impl Folds {
    /// Whether a row is folded.
    #[must_use]
    pub fn has(&self, node: usize) -> bool {
        self.folded.get(node).copied().unwrap_or(false)
    }

    /// Folds a row, or unfolds it.
    pub fn set(&mut self, node: usize, folded: bool) {
        if self.folded.len() <= node {
            self.folded.resize(node + 1, false);
        }
        self.folded[node] = folded;
    }

    /// Folds every row at or below a level, and unfolds those above it; `None` unfolds all.
    pub fn fold_from(&mut self, layout: &Layout, level: Option<usize>) {
        let is_folded = |depth: usize| level.is_some_and(|level| depth >= level);
        self.folded = layout.nodes.iter().map(|node| is_folded(node.depth)).collect();
    }

    /// Unfolds everything that a row stands under.
    pub fn reveal(&mut self, layout: &Layout, node: usize) {
        let mut above = layout.nodes[node].parent;
        while let Some(at) = above {
            self.set(at, false);
            above = layout.nodes[at].parent;
        }
    }
}

/// The rows that are shown, in order.
#[must_use]
pub fn rows(trace: &Trace, layout: &Layout, shown: &Shown, folds: &Folds) -> Vec<RowAt> {
    let failing = shown.errors.then(|| leading_to(layout, |node| is_error(trace, node.item)));
    let (first, last) = shown.root.map_or((0, layout.nodes.len()), |root| (root, layout.nodes[root].end));
    let top = shown.root.map_or(0, |root| layout.nodes[root].depth);
    let is_flat = shown.flat || !shown.spans;
    let mut rows = Vec::new();
    let mut node = first;
    while node < last {
        let depth = layout.nodes[node].depth - top;
        let is_wanted = failing.as_ref().is_none_or(|failing| failing[node]);
        if is_wanted && is_kind_shown(layout.nodes[node].item, shown, is_flat) {
            rows.push(RowAt { node, depth: if is_flat { 0 } else { depth } });
        }
        let is_closed = !is_flat && folds.has(node) || shown.depth.is_some_and(|most| depth + 1 >= most);
        node = if is_closed { layout.nodes[node].end } else { node + 1 };
    }
    if is_flat {
        rows.sort_by_key(|row| time(trace, layout, layout.nodes[row.node].item));
    }
    rows
}

fn is_kind_shown(item: Item, shown: &Shown, is_flat: bool) -> bool {
    match item {
        Item::Line(_) => shown.logs,
        // Waits and invocations say something of their place only.
        Item::Wait(_) | Item::Invocation(_) => shown.spans && !is_flat,
        _ => shown.spans,
    }
}

/// For each row whether it, or something below it, is like that.
#[must_use]
pub fn leading_to(layout: &Layout, is_it: impl Fn(&Node) -> bool) -> Vec<bool> {
    let mut leading: Vec<bool> = layout.nodes.iter().map(is_it).collect();
    for at in (0..leading.len()).rev() {
        if let Some(parent) = layout.nodes[at].parent.filter(|_| leading[at]) {
            leading[parent] = true;
        }
    }
    leading
}

/// Whether a row tells of an error itself.
#[must_use]
pub fn is_error(trace: &Trace, item: Item) -> bool {
    match item {
        Item::Span(at) => is_failed(&trace.spans[at]),
        Item::Failure(_) => true,
        Item::Line(at) => trace.lines[at].severity_number >= 17,
        Item::Event(at, event) => &*trace.spans[at].event_names[event] == "exception",
        Item::Wait(_) | Item::Invocation(_) => false,
    }
}
