//! What keys do on the trace screen.

use super::{Focus, Waterfall, line_ref};
use crate::{
    ask::TraceRef,
    format::{inert, short_id},
    trace::Item,
    tui::{
        ask::{Answer, Ask, LineRef, Problem, Slot},
        keys::{Command, Scope, What},
        state::{
            detail::Detail,
            page::{Around, Page, Step},
            prompt::For,
            screen::Screen,
        },
    },
};

impl Page for Waterfall {
    fn scope(&self) -> Scope {
        Scope::Trace
    }

    fn name(&self) -> String {
        match &self.id {
            TraceRef::Trace(id) => format!("trace {}", short_id(id)),
            TraceRef::Invocation(id) => format!("request {}", short_id(id)),
        }
    }

    fn begin(&mut self, _around: &Around) -> Vec<Step> {
        vec![Step::Ask(Slot::Main, Ask::Trace(self.id.clone()))]
    }

    fn act(&mut self, command: Command, around: &Around) -> Vec<Step> {
        if self.focus == Focus::Detail && command != Command::Focus {
            let pane = self.pane(around);
            if let Some(steps) = self.detail.as_mut().and_then(|detail| detail.shown.act(command, &pane)) {
                return steps;
            }
        }
        if self.list.act(command, self.rows.len(), self.height(around.rows)) {
            self.renew_detail(around);
            return Vec::new();
        }
        match command {
            Command::FoldIn | Command::FoldOut => self.fold_or_go(command == Command::FoldIn, around),
            Command::FoldAll => self.fold_from(Some(0), around),
            Command::OpenAll => self.fold_from(None, around),
            Command::LevelUp | Command::LevelDown => self.level(command == Command::LevelDown, around),
            Command::Root => return self.make_root(around),
            Command::UndoRoot => return self.undo_root(around),
            Command::ZoomIn | Command::ZoomOut | Command::ZoomReset | Command::PanLeft | Command::PanRight => {
                self.zoom(command);
            }
            Command::Critical => self.critical = !self.critical,
            Command::Lines | Command::Spans | Command::Flat => return self.choose(command, around),
            Command::NextError => return self.next_error(true, around),
            Command::PreviousError => return self.next_error(false, around),
            Command::Search => return vec![Step::Prompt(For::Search, String::new())],
            Command::Filter => {
                self.before_typing.clone_from(&self.filter);
                return vec![Step::Prompt(For::Filter, self.filter.clone())];
            }
            Command::Next => return self.next_match(true, around),
            Command::Previous => return self.next_match(false, around),
            Command::Focus => return self.turn_to_detail(around),
            Command::Open => return self.open(around),
            _ => {}
        }
        Vec::new()
    }

    fn answer(&mut self, _slot: Slot, answer: Answer, around: &Around) -> Vec<Step> {
        match answer {
            Answer::Trace(trace) => self.take(*trace, around),
            Answer::Whole(whole) => {
                let pane = self.pane(around);
                if let Some(detail) = &mut self.detail {
                    detail.take(whole, &pane);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn failed(&mut self, slot: Slot, problem: Problem, _around: &Around) -> Vec<Step> {
        match (slot, &mut self.detail) {
            (Slot::Detail, Some(detail)) => detail.problem = Some(problem),
            (Slot::Detail, None) => {}
            _ => self.problem = Some(problem),
        }
        Vec::new()
    }

    fn typed(&mut self, to: For, text: &str, done: bool, around: &Around) -> Vec<Step> {
        let pane = self.pane(around);
        if let (Focus::Detail, Some(detail)) = (self.focus, &mut self.detail) {
            return detail.shown.typed(to, text, done, &pane);
        }
        match to {
            For::Search if done => {
                text.clone_into(&mut self.search);
                if text.is_empty() { Vec::new() } else { self.next_match(true, around) }
            }
            For::Filter => {
                text.clone_into(&mut self.filter);
                self.arrange(around);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn dropped(&mut self, to: For, around: &Around) -> Vec<Step> {
        let pane = self.pane(around);
        match (self.focus, &mut self.detail) {
            (Focus::Detail, Some(detail)) => detail.shown.dropped(to, &pane),
            _ if to == For::Filter => {
                self.filter.clone_from(&self.before_typing);
                self.arrange(around);
            }
            _ => {}
        }
        Vec::new()
    }

    fn copied(&self, what: What, around: &Around) -> Option<String> {
        let detail = self.detail.clone().or_else(|| Some(Detail::of(self.thing()?, around)));
        let of_trace = || match (&self.id, what) {
            (TraceRef::Trace(id) | TraceRef::Invocation(id), What::Command) => Some(format!("lambdaview trace {id}")),
            (TraceRef::Trace(id), What::Trace) | (TraceRef::Invocation(id), What::Request) => Some(id.clone()),
            _ => None,
        };
        if what == What::Command { of_trace() } else { detail.and_then(|detail| detail.copied(what)).or_else(of_trace) }
    }

    fn clicked(&mut self, row: usize, around: &Around) -> Vec<Step> {
        // The axis is the first row.
        if let Some(row) = row.checked_sub(1).filter(|row| *row < self.height(around.rows)) {
            self.go(self.list.top + row, around);
        }
        Vec::new()
    }

    fn resized(&mut self, around: &Around) {
        self.list.settle(self.rows.len(), self.height(around.rows));
        let pane = self.pane(around);
        self.detail.iter_mut().for_each(|detail| detail.arrange(&pane));
    }

    fn line_ref(&self) -> Option<LineRef> {
        let (_, node, drawn) = self.node()?;
        match node.item {
            Item::Line(at) => Some(line_ref(&drawn.trace, at)),
            _ => None,
        }
    }

    fn trace(&self) -> Option<TraceRef> {
        let (_, node, drawn) = self.node()?;
        // The trace that a span links to is another place to go.
        let Item::Span(at) = node.item else { return None };
        let linked = drawn.trace.spans[at].link_trace_ids.iter().find(|id| !id.is_empty() && ***id != *drawn.trace.id);
        linked.map(|id| TraceRef::Trace(id.to_string()))
    }

    fn function(&self) -> Option<String> {
        let (_, node, drawn) = self.node()?;
        match node.item {
            Item::Line(at) => Some(drawn.trace.lines[at].function.to_string()),
            Item::Span(at) | Item::Event(at, _) | Item::Failure(at) | Item::Wait(at) => {
                Some(crate::trace::who(&drawn.trace.spans[at]).to_owned())
            }
            Item::Invocation(at) => Some(drawn.layout.invocations[at].function.clone()),
        }
    }
}

impl Waterfall {
    /// Folds what is open, else goes to the parent; unfolds what is folded, else goes to the first below.
    fn fold_or_go(&mut self, fold: bool, around: &Around) {
        let Some((at, node, _)) = self.node() else { return };
        let (parent, is_leaf) = (node.parent, node.is_leaf(at));
        let is_folded = self.folds.has(at);
        match (fold, is_leaf || is_folded == fold) {
            (true, true) => {
                if let Some(parent) = parent {
                    self.go(self.nearest(parent), around);
                }
            }
            (false, true) if !is_leaf => self.go(self.list.at + 1, around),
            (false, true) => {}
            (_, false) => {
                self.folds.set(at, fold);
                self.arrange(around);
            }
        }
    }

    fn fold_from(&mut self, level: Option<usize>, around: &Around) {
        let Some(drawn) = &self.drawn else { return };
        self.level = level;
        self.folds.fold_from(&drawn.layout, level);
        self.arrange(around);
    }

    fn level(&mut self, more: bool, around: &Around) {
        let Some(drawn) = &self.drawn else { return };
        let deepest = drawn.layout.nodes.iter().map(|node| node.depth).max().unwrap_or_default();
        let now = self.level.unwrap_or(deepest);
        let level = if more { now + 1 } else { now.saturating_sub(1) };
        self.fold_from((level < deepest).then_some(level), around);
    }

    fn choose(&mut self, command: Command, around: &Around) -> Vec<Step> {
        let shown = &mut self.shown;
        let said = match command {
            Command::Lines => {
                shown.logs = !shown.logs;
                // With both hidden nothing would be left.
                shown.spans |= !shown.logs;
                if shown.logs { "log lines shown" } else { "log lines hidden; a shows them" }
            }
            Command::Spans => {
                shown.spans = !shown.spans;
                shown.logs |= !shown.spans;
                if shown.spans { "spans shown" } else { "only log lines; A shows spans" }
            }
            _ => {
                shown.flat = !shown.flat;
                if shown.flat { "by time; f shows the tree" } else { "the tree" }
            }
        };
        self.arrange(around);
        vec![Step::Say(said.to_owned())]
    }

    /// Opens the detail, which follows the cursor; then goes into it, and reads the rest of the row; then closes it.
    fn turn_to_detail(&mut self, around: &Around) -> Vec<Step> {
        match (&self.detail, self.focus) {
            (None, _) => {
                let Some(thing) = self.thing() else { return Vec::new() };
                self.detail = Some(Detail::of(thing, around));
                self.go(self.list.at, around);
                Vec::new()
            }
            (Some(detail), Focus::Rows) => {
                let ask = Step::Ask(Slot::Detail, detail.ask());
                self.focus = Focus::Detail;
                vec![ask]
            }
            (Some(_), Focus::Detail) => {
                (self.focus, self.detail) = (Focus::Rows, None);
                self.go(self.list.at, around);
                vec![Step::Drop(Slot::Detail)]
            }
        }
    }

    /// From a line back to where it was logged; from anything else to all that is known of it.
    fn open(&mut self, around: &Around) -> Vec<Step> {
        if let Some(line) = self.line_ref() {
            return vec![Step::ToLine(Box::new(line))];
        }
        let Some(thing) = self.thing() else {
            self.fold_or_go(false, around);
            return Vec::new();
        };
        vec![Step::Push(Box::new(Screen::Detail(Box::new(Detail::of(thing, around)))))]
    }

    /// What to say where nothing is shown.
    #[must_use]
    pub fn nothing(&self) -> String {
        match (&self.id, self.is_answered) {
            (_, false) => "asking…".to_owned(),
            (TraceRef::Trace(id), true) => format!("no span and no log line has the trace id {}", inert(id)),
            (TraceRef::Invocation(id), true) => format!("no span and no log line has the request id {}", inert(id)),
        }
    }
}
