//! The trace screen: the rows of a trace, which of them are shown, and from when to when.

mod act;
mod find;
mod zoom;

use lambdaview_queries::questions::trace::Trace;

use find::says;

use super::{
    detail::{Detail, Thing},
    list::List,
    page::Around,
};
use crate::{
    ask::{Nanos, TraceRef},
    trace::{Folds, Item, Layout, Node, RowAt, Shown, leading_to, picture::Fold, rows},
    tui::ask::{LineRef, Problem},
};

/// A trace and its layout.
#[derive(Debug)]
pub struct Drawn {
    /// The trace.
    pub trace: Trace,
    /// Its layout.
    pub layout: Layout,
}

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// To the rows.
    Rows,
    /// To the detail of the row under the cursor.
    Detail,
}

/// What stood for the whole, before another row did.
#[derive(Clone, Copy, Debug)]
struct Before {
    root: Option<usize>,
    window: (Nanos, Nanos),
    at: usize,
}

/// The trace screen.
#[derive(Debug)]
pub struct Waterfall {
    /// Which trace was asked for.
    pub id: TraceRef,
    /// It, once it came, if somebody knows it.
    pub drawn: Option<Drawn>,
    /// Whether an answer came.
    pub is_answered: bool,
    /// Why none did.
    pub problem: Option<Problem>,
    /// The rows that are shown.
    pub rows: Vec<RowAt>,
    /// The cursor.
    pub list: List,
    /// What is shown.
    pub shown: Shown,
    /// From when to when the bars go.
    pub window: (Nanos, Nanos),
    /// Whether what the end waited for is marked.
    pub critical: bool,
    /// What is searched.
    pub search: String,
    /// What a row, or one below it, must contain.
    pub filter: String,
    /// The detail of the row under the cursor, while that is open.
    pub detail: Option<Detail>,
    /// Where keys go.
    pub focus: Focus,
    folds: Folds,
    level: Option<usize>,
    before: Vec<Before>,
    /// The filter that held before the one that is being typed.
    before_typing: String,
    /// The line that one came from.
    from: Option<LineRef>,
}

impl Waterfall {
    /// The screen of a trace that is yet to be asked for.
    #[must_use]
    pub fn of(id: TraceRef) -> Self {
        Self {
            id,
            drawn: None,
            is_answered: false,
            problem: None,
            rows: Vec::new(),
            list: List::default(),
            shown: Shown::default(),
            window: (0, 0),
            critical: true,
            search: String::new(),
            filter: String::new(),
            before_typing: String::new(),
            detail: None,
            focus: Focus::Rows,
            folds: Folds::default(),
            level: None,
            before: Vec::new(),
            from: None,
        }
    }

    /// The same, with the cursor on a line of it once it is here.
    #[must_use]
    pub fn beginning_at(self, line: LineRef) -> Self {
        Self { from: Some(line), ..self }
    }

    /// The same, showing less of it at first.
    #[must_use]
    pub fn showing(self, shown: Shown) -> Self {
        Self { shown, ..self }
    }

    /// How many rows of the body the detail takes.
    #[must_use]
    pub fn detail_height(&self, rows: usize) -> usize {
        if self.detail.is_none() { 0 } else { (rows * 2 / 5).clamp(4, 24).min(rows.saturating_sub(4)) }
    }

    /// How many rows of the trace there is room for: the axis and the notes take one each.
    #[must_use]
    pub fn height(&self, rows: usize) -> usize {
        rows.saturating_sub(2 + self.detail_height(rows))
    }

    /// Whether something stands below a row, and whether it is shown.
    #[must_use]
    pub fn fold(&self, row: RowAt) -> Fold {
        let is_leaf = self.drawn.as_ref().is_none_or(|drawn| drawn.layout.nodes[row.node].is_leaf(row.node));
        match (is_leaf || self.shown.flat || !self.shown.spans, self.folds.has(row.node)) {
            (true, _) => Fold::Leaf,
            (false, true) => Fold::Closed,
            (false, false) => Fold::Open,
        }
    }

    /// The row under the cursor.
    #[must_use]
    pub fn under_cursor(&self) -> Option<RowAt> {
        self.rows.get(self.list.at).copied()
    }

    fn node(&self) -> Option<(usize, &Node, &Drawn)> {
        let row = self.under_cursor()?;
        let drawn = self.drawn.as_ref()?;
        Some((row.node, &drawn.layout.nodes[row.node], drawn))
    }

    fn take(&mut self, trace: Trace, around: &Around) {
        self.is_answered = true;
        self.problem = None;
        if trace.spans.is_empty() && trace.lines.is_empty() {
            return;
        }
        let layout = Layout::of(&trace);
        // Read again: the cursor and what is folded stay where they were only if it is the same.
        let is_same = self.drawn.as_ref().is_some_and(|drawn| drawn.layout.nodes == layout.nodes);
        if !is_same {
            (self.folds, self.level, self.shown.root) = (Folds::default(), None, None);
            self.before.clear();
            self.window = (layout.from, layout.until);
        }
        self.drawn = Some(Drawn { trace, layout });
        self.arrange(around);
        if let Some(line) = self.from.take() {
            self.go_to_line(&line, around);
        }
    }

    /// Shows what is to be shown; the cursor stays on its row, or goes to what that stands under.
    fn arrange(&mut self, around: &Around) {
        let stays = self.under_cursor().map(|row| row.node);
        self.rows = self.rows_with(&self.folds);
        let at = stays.map_or(self.list.at, |node| self.nearest(node));
        self.go(at, around);
    }

    /// The rows that are shown with these folds: with a filter those that contain it, and what they stand under.
    fn rows_with(&self, folds: &Folds) -> Vec<RowAt> {
        let Some(Drawn { trace, layout }) = &self.drawn else { return Vec::new() };
        let mut shown = rows(trace, layout, &self.shown, folds);
        if !self.filter.is_empty() {
            let is_it = |node: &Node| says(trace, layout, node, &self.filter);
            let is_flat = self.shown.flat || !self.shown.spans;
            let kept = if is_flat { layout.nodes.iter().map(is_it).collect() } else { leading_to(layout, is_it) };
            shown.retain(|row| kept[row.node]);
        }
        shown
    }

    /// What the detail below the rows may look at.
    fn pane(&self, around: &Around) -> Around {
        Around { rows: self.detail_height(around.rows).saturating_sub(1), ..*around }
    }

    /// The place of a row among those shown; of one that is not, that of what it stands under, else of the next.
    fn nearest(&self, node: usize) -> usize {
        let Some(drawn) = &self.drawn else { return 0 };
        let mut above = Some(node);
        while let Some(node) = above {
            if let Some(at) = self.rows.iter().position(|row| row.node == node) {
                return at;
            }
            above = drawn.layout.nodes[node].parent;
        }
        self.rows.iter().position(|row| row.node > node).unwrap_or_default()
    }

    fn go(&mut self, at: usize, around: &Around) {
        self.list.go(at, self.rows.len(), self.height(around.rows));
        self.renew_detail(around);
    }

    /// Unfolds what a row stands under, and puts the cursor on it.
    fn reveal(&mut self, node: usize, around: &Around) {
        let Some(drawn) = &self.drawn else { return };
        self.folds.reveal(&drawn.layout, node);
        self.rows = self.rows_with(&self.folds);
        self.go(self.nearest(node), around);
    }

    fn go_to_line(&mut self, line: &LineRef, around: &Around) -> bool {
        let Some(drawn) = &self.drawn else { return false };
        let is_it = |node: &Node| match node.item {
            Item::Line(at) => line_ref(&drawn.trace, at).is(line),
            _ => false,
        };
        let Some(node) = drawn.layout.nodes.iter().position(is_it) else { return false };
        self.shown.logs = true;
        self.reveal(node, around);
        true
    }

    /// What the detail shows of a row: of an event, of a wait and of a failure the span.
    fn thing(&self) -> Option<Thing> {
        let (_, node, drawn) = self.node()?;
        match node.item {
            Item::Line(at) => Some(Thing::Line(line_ref(&drawn.trace, at))),
            Item::Span(at) | Item::Event(at, _) | Item::Failure(at) | Item::Wait(at) => {
                Some(Thing::Span(Box::new(drawn.trace.spans[at].clone()), drawn.layout.spent[at]))
            }
            Item::Invocation(_) => None,
        }
    }

    fn renew_detail(&mut self, around: &Around) {
        if self.detail.is_none() {
            return;
        }
        let Some(thing) = self.thing() else { return };
        if self.detail.as_ref().is_some_and(|detail| detail.thing != thing) {
            self.detail = Some(Detail::of(thing, &self.pane(around)));
        }
    }
}

/// A line of a trace as other screens name it.
fn line_ref(trace: &Trace, at: usize) -> LineRef {
    let line = &trace.lines[at];
    LineRef {
        time: line.time,
        severity: line.severity_number,
        function: line.function.to_string(),
        invocation: line.invocation_id.to_string(),
        trace: line.trace_id.to_string(),
        span: line.span_id.to_string(),
        body: line.body.to_string(),
    }
}

#[cfg(test)]
mod tests;
