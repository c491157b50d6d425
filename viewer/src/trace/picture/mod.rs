//! The picture of a trace: a heading, an axis, and rows of a label, a bar and times, as pieces of text with roles.
//!
//! Whoever shows it gives the pieces their colours: escape codes in [`crate::render::waterfall`], styles in the TUI.

mod glyphs;
mod heading;
mod label;
mod notes;

pub use heading::Heading;
pub use notes::notes;

use lambdaview_queries::questions::trace::{Span, Trace};

use super::{Item, Layout, Node, Phase, RowAt, end, is_entry, is_failed, time};
use crate::{
    ask::Nanos,
    format::{Zone, cut, duration, left, right, width},
    render::style::{Paint, Role},
};
use glyphs::Glyphs;

/// Some text, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text: inert already.
    pub text: String,
    /// What it is, if that is more than text.
    pub role: Option<Role>,
}

impl Piece {
    /// Text that is `role`.
    pub fn new(text: impl Into<String>, role: impl Into<Option<Role>>) -> Self {
        Self { text: text.into(), role: role.into() }
    }
}

/// How a trace is drawn.
#[derive(Clone, Copy, Debug)]
pub struct PictureStyle {
    /// How many columns there are.
    pub columns: usize,
    /// In which zone times are.
    pub zone: Zone,
    /// Whether only characters of ASCII are used.
    pub ascii: bool,
    /// From when to when the bars go.
    pub window: (Nanos, Nanos),
    /// Whether what the end waited for is marked.
    pub critical: bool,
    /// Whether rows are cut where the columns end.
    pub cut: bool,
}

/// Whether something stands below a row, and whether that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Nothing stands below it.
    Leaf,
    /// What stands below it is shown.
    Open,
    /// What stands below it is not shown.
    Closed,
}

/// A trace, its layout, and how it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// The trace.
    pub trace: &'a Trace,
    /// Its layout.
    pub layout: &'a Layout,
    /// How it is drawn.
    pub style: PictureStyle,
}

/// Wide enough for `501.2ms`, `+59.999s` and `12h59m`.
const TIME_WIDTH: usize = 8;
/// The mark of what the end waited for, and how many lines a text has besides.
const MARK_WIDTH: usize = 3;
/// In fewer columns the bars need the room of the second time.
const WIDE: usize = 100;

impl Picture<'_> {
    /// How many columns the labels take.
    #[must_use]
    pub const fn label_width(&self) -> usize {
        let label = self.style.columns * 2 / 5;
        if label < 20 {
            20
        } else if label > 72 {
            72
        } else {
            label
        }
    }

    /// How many columns the bars take.
    #[must_use]
    pub fn bar_width(&self) -> usize {
        self.style.columns.saturating_sub(self.label_width() + 2 + self.times_width()).max(8)
    }

    const fn is_wide(&self) -> bool {
        self.style.columns >= WIDE
    }

    const fn times_width(&self) -> usize {
        if self.is_wide() { 2 * TIME_WIDTH + MARK_WIDTH } else { TIME_WIDTH + MARK_WIDTH }
    }

    /// The times above the bars, and what stands in the columns beside them.
    #[must_use]
    pub fn axis(&self) -> Piece {
        let (from, until) = self.style.window;
        let bar = self.bar_width();
        let parts = if bar >= 48 { 4 } else { 2 };
        let offset = |part: u64| {
            let after = until.abs_diff(from).saturating_mul(part) / parts;
            moment(from.saturating_sub(self.layout.from).saturating_add_unsigned(after))
        };
        let last = offset(parts);
        let mut ticks = String::new();
        for part in 0..parts {
            let (tick, column) = (offset(part), bar * part as usize / parts as usize);
            if column + width(&tick) + width(&last) < bar {
                ticks = format!("{}{tick}", left(&ticks, column));
            }
        }
        let ticks = left(&ticks, bar.saturating_sub(width(&last)));
        let own = if self.is_wide() { right("self", TIME_WIDTH) } else { String::new() };
        let label = left(&self.style.zone.moment(from), self.label_width());
        let edge = self.glyphs().edge;
        Piece::new(format!("{label} {ticks}{last}{edge}{}{own}", right("time", TIME_WIDTH)), Role::Faint)
    }

    /// A row.
    #[must_use]
    pub fn row(&self, row: RowAt, fold: Option<Fold>) -> Vec<Piece> {
        let Node { item, .. } = self.layout.nodes[row.node];
        let head = self.head(row.depth, fold);
        match item {
            Item::Span(at) => self.span(at, &head),
            Item::Wait(at) => self.wait(at, &head),
            Item::Invocation(at) => self.invocation(at, &head),
            Item::Line(_) | Item::Event(..) | Item::Failure(_) => self.words(item, &head),
        }
    }

    fn glyphs(&self) -> Glyphs {
        if self.style.ascii { Glyphs::ASCII } else { Glyphs::UNICODE }
    }

    fn head(&self, depth: usize, fold: Option<Fold>) -> String {
        let glyphs = self.glyphs();
        let fold = match fold {
            None => "",
            Some(Fold::Leaf) => "  ",
            Some(Fold::Open) => glyphs.open,
            Some(Fold::Closed) => glyphs.closed,
        };
        format!("{}{fold}", " ".repeat(indent(depth)))
    }

    fn span(&self, at: usize, head: &str) -> Vec<Piece> {
        let span = &self.trace.spans[at];
        let spent = self.layout.spent[at];
        let is_critical = self.style.critical && spent.is_critical;
        let (glyph, role) = self.bar_glyph(span, is_critical);
        let own = if self.is_wide() { right(&duration(spent.alone), TIME_WIDTH) } else { String::new() };
        let mark = if is_critical { self.glyphs().critical } else { "" };
        let mut pieces = self.label(at, head);
        pieces.extend(self.bar(span.start, end(span), glyph, role));
        pieces.push(Piece::new(right(&duration(span.duration), TIME_WIDTH), None));
        pieces.push(Piece::new(own, Role::Faint));
        pieces.push(Piece::new(mark, Role::Critical));
        pieces
    }

    fn bar_glyph(&self, span: &Span, is_critical: bool) -> (&'static str, Role) {
        let glyphs = self.glyphs();
        let (glyph, role) = match Phase::of(span) {
            Some(phase) if phase.is_start() => (glyphs.start, Role::Phase),
            Some(Phase::ExtensionOverhead) => (glyphs.after, Role::Phase),
            Some(_) => (glyphs.overlay, Role::Faint),
            None if is_entry(span) => (glyphs.entry, Role::Bar),
            None => (glyphs.span, Role::Bar),
        };
        match role {
            _ if is_failed(span) => (glyph, Role::Error),
            Role::Bar | Role::Phase if is_critical => (glyph, Role::Critical),
            role => (glyph, role),
        }
    }

    fn wait(&self, at: usize, head: &str) -> Vec<Piece> {
        let span = &self.trace.spans[at];
        let from = self.caller_start(at).unwrap_or(span.start);
        let until = self.layout.begun[at];
        let mut pieces = self.wait_label(span, head);
        pieces.extend(self.bar(from, until, self.glyphs().wait, Role::Faint));
        pieces.push(Piece::new(right(&duration(until.abs_diff(from)), TIME_WIDTH), None));
        pieces
    }

    /// When the span was called: the start of its parent.
    fn caller_start(&self, at: usize) -> Option<Nanos> {
        let parent = self.layout.parents[at]?;
        Some(self.trace.spans[parent].start)
    }

    fn invocation(&self, at: usize, head: &str) -> Vec<Piece> {
        let invocation = &self.layout.invocations[at];
        let mut pieces = self.invocation_label(invocation, head);
        pieces.extend(self.bar(invocation.first, invocation.last, self.glyphs().overlay, Role::Faint));
        pieces.push(Piece::new(right(&duration(invocation.last.abs_diff(invocation.first)), TIME_WIDTH), None));
        pieces
    }

    /// The bar with the room before and after it; nothing of it where it lies outside of the window.
    fn bar(&self, from: Nanos, until: Nanos, glyph: &str, role: Role) -> [Piece; 3] {
        let (left_edge, right_edge) = self.style.window;
        let width = self.bar_width();
        let edge = self.glyphs().edge;
        if until < left_edge || from > right_edge {
            let [before, after] = self.glyphs().outside;
            let room = " ".repeat(width - 1);
            let row =
                if until < left_edge { format!(" {before}{room}{edge}") } else { format!(" {room}{after}{edge}") };
            return [Piece::new(row, Role::Faint), Piece::new("", None), Piece::new("", None)];
        }
        let start = self.column(from).min(width - 1);
        let end = self.column(until).clamp(start + 1, width);
        // What goes on beyond the edges says so.
        let [before, after] = self.glyphs().outside;
        let (before, after) = (if from < left_edge { before } else { "" }, if until > right_edge { after } else { "" });
        let middle = (end - start).saturating_sub(before.chars().count() + after.chars().count());
        [
            Piece::new(" ".repeat(1 + start), None),
            Piece::new(format!("{before}{}{after}", glyph.repeat(middle)), role),
            Piece::new(format!("{}{edge}", " ".repeat(width - end)), Role::Faint),
        ]
    }

    /// Words over label and bars, a mark where they were said as far as it is free, and when on the right.
    fn words(&self, item: Item, head: &str) -> Vec<Piece> {
        let said = self.said(item);
        let head = format!("{head}{}", said.sigil);
        let room = self.label_width() + 1 + self.bar_width();
        let words =
            if self.style.cut { cut(&said.words, room.saturating_sub(width(&head))) } else { (&*said.words).into() };
        let taken = width(&head) + width(&words);
        let at = time(self.trace, self.layout, item);
        let more = if said.more == 0 { String::new() } else { format!("{}{}", self.glyphs().more, said.more) };
        let more = if self.is_wide() { right(&more, TIME_WIDTH) } else { more };
        let mut pieces = vec![Piece::new(head, Role::Faint), Piece::new(words.into_owned(), said.role)];
        pieces.extend(self.mark(at, taken, room, &said.mark));
        pieces.push(Piece::new(self.glyphs().edge, Role::Faint));
        pieces.push(Piece::new(right(&signed(at.saturating_sub(self.layout.from)), TIME_WIDTH), Role::Faint));
        pieces.push(Piece::new(more, Role::Faint));
        pieces
    }

    fn mark(&self, at: Nanos, taken: usize, room: usize, mark: &Piece) -> [Piece; 3] {
        let (from, until) = self.style.window;
        let column = self.label_width() + 1 + self.column(at).min(self.bar_width() - 1);
        let is_free = column > taken && (from..=until).contains(&at);
        let column = if is_free { column } else { room };
        [
            Piece::new(" ".repeat(column.saturating_sub(taken)), None),
            if is_free { mark.clone() } else { Piece::new("", None) },
            Piece::new(" ".repeat(room.saturating_sub(column + usize::from(is_free))), None),
        ]
    }

    /// How far from the left of the bars a moment is; what is before the window is at its left.
    fn column(&self, time: Nanos) -> usize {
        let (from, until) = self.style.window;
        let share = time.saturating_sub(from) as f64 / until.abs_diff(from).max(1) as f64;
        // A cast from a float goes to the nearest number there is.
        (share * self.bar_width() as f64).round() as usize
    }
}

/// How far from the left a row of that depth begins: deep ones stay where their label is readable.
#[must_use]
pub fn indent(depth: usize) -> usize {
    2 * depth.min(12)
}

/// A moment of the axis: `0`, `390ms`, `-2.0ms`.
fn moment(after: Nanos) -> String {
    format!("{}{}", if after < 0 { "-" } else { "" }, duration(after.unsigned_abs()))
}

/// How long after the start of the trace: `0`, `+390ms`, `-2.0ms`.
fn signed(after: Nanos) -> String {
    let sign = if after < 0 { "-" } else { "+" };
    if after == 0 { "0".to_owned() } else { format!("{sign}{}", duration(after.unsigned_abs())) }
}

/// The role of a severity.
const fn of_severity(number: u8) -> Option<Role> {
    Paint::of_severity(number)
}
