//! What stands at the left of a row: names and what tells one from another.

use lambdaview_queries::questions::{Text, lines::Line, trace::Span};

use super::{Picture, Piece, of_severity};
use crate::{
    format::{inert, left, severity_letter, short_id, without_runtime_prefix},
    render::style::Role,
    trace::{Invocation, Item, Phase, is_entry, is_failed, who},
};

/// The words of a row that has no bar.
pub(super) struct Said {
    /// What stands before them.
    pub(super) sigil: String,
    /// The first line of them, inert.
    pub(super) words: String,
    /// How many lines follow.
    pub(super) more: usize,
    pub(super) role: Option<Role>,
    /// What marks their time among the bars.
    pub(super) mark: Piece,
}

impl Picture<'_> {
    pub(super) fn label(&self, at: usize, head: &str) -> Vec<Piece> {
        let span = &self.trace.spans[at];
        let glyphs = self.glyphs();
        let phase = Phase::of(span);
        let (sigil, role) = match phase {
            _ if is_failed(span) => (glyphs.failed, Some(Role::Error)),
            Some(_) => (glyphs.phase, Some(Role::Phase)),
            None => ("", is_entry(span).then_some(Role::Strong)),
        };
        let name = phase.map_or_else(|| name(span), |phase| phase.label().to_owned());
        self.fill(vec![
            Piece::new(head, Role::Faint),
            Piece::new(format!("{sigil}{}", inert(&name)), role),
            Piece::new(inert(&self.tags(at)).into_owned(), Role::Faint),
        ])
    }

    /// What tells this span from others: its request, its status, where it leads.
    fn tags(&self, at: usize) -> String {
        let span = &self.trace.spans[at];
        let mut tags = String::new();
        let mut add = |tag: &str| tags.push_str(&format!("  {tag}"));
        if let Some(invocation) = self.layout.invoked[at] {
            add(&format!("req {}", short_id(&self.layout.invocations[invocation].id)));
        }
        if span.attribute("faas.coldstart") == Some("true") {
            add("cold");
        }
        if span.attribute("aws.lambda.init.phase") == Some("invoke") {
            add("again");
        }
        if Phase::of(span).is_some_and(Phase::is_start) && !span.version.is_empty() {
            add(&version(&span.version));
        }
        let code = ["http.response.status_code", "http.status_code"].iter().find_map(|key| span.attribute(key));
        if let Some(code) = code.filter(|code| code.starts_with(['4', '5'])) {
            add(code);
        }
        let elsewhere = span.link_trace_ids.iter().find(|id| !id.is_empty() && ***id != *self.trace.id);
        if let Some(id) = elsewhere {
            add(&format!("{} trace {}", self.glyphs().calls, short_id(id)));
        }
        tags
    }

    pub(super) fn wait_label(&self, span: &Span, head: &str) -> Vec<Piece> {
        let what = if &*span.kind == "Consumer" { "queued for" } else { "waiting for" };
        let words = format!("{head}{}{what} {}", self.glyphs().waiting, inert(who(span)));
        self.fill(vec![Piece::new(words, Role::Faint)])
    }

    pub(super) fn invocation_label(&self, invocation: &Invocation, head: &str) -> Vec<Piece> {
        self.fill(vec![
            Piece::new(head, Role::Faint),
            Piece::new(inert(&invocation.function).into_owned(), Role::Strong),
            Piece::new(format!("  req {}", short_id(&invocation.id)), Role::Faint),
        ])
    }

    /// Exactly as wide as labels are: what does not fit is cut, the rest filled.
    fn fill(&self, pieces: Vec<Piece>) -> Vec<Piece> {
        let mut room = self.label_width();
        let last = pieces.len() - 1;
        let fit = |(place, piece): (usize, Piece)| {
            let wanted = crate::format::width(&piece.text);
            let columns = if place == last { room } else { wanted.min(room) };
            room -= columns;
            Piece { text: left(&piece.text, columns), ..piece }
        };
        pieces.into_iter().enumerate().map(fit).collect()
    }

    pub(super) fn said(&self, item: Item) -> Said {
        match item {
            Item::Line(at) => self.said_by_line(&self.trace.lines[at]),
            Item::Event(at, event) => self.said_by_event(&self.trace.spans[at], event),
            Item::Failure(at) | Item::Span(at) | Item::Wait(at) => {
                self.words_of(&self.trace.spans[at].status_message, "! ".to_owned(), Some(Role::Error))
            }
            Item::Invocation(at) => self.words_of(&self.layout.invocations[at].id, String::new(), None),
        }
    }

    fn said_by_line(&self, line: &Line) -> Said {
        let sigil = format!("{}{} ", self.glyphs().line, severity_letter(line.severity_number));
        let words = without_runtime_prefix(&line.body, &line.invocation_id);
        self.words_of(words, sigil, of_severity(line.severity_number))
    }

    fn said_by_event(&self, span: &Span, event: usize) -> Said {
        let what = exception(span, event);
        let role = if what.is_some() { Role::Error } else { Role::Faint };
        let words = what.unwrap_or_else(|| span.event_names[event].to_string());
        self.words_of(&words, self.glyphs().event.to_owned(), Some(role))
    }

    fn words_of(&self, text: &str, sigil: String, role: Option<Role>) -> Said {
        let mut lines = text.trim_end().lines();
        let words = inert(lines.next().unwrap_or_default()).into_owned();
        let glyphs = self.glyphs();
        let mark = if role == Some(Role::Error) { glyphs.error } else { glyphs.line.trim_end() };
        Said { sigil, words, more: lines.count(), role, mark: Piece::new(mark, role) }
    }
}

/// An entry is called after whose it is.
fn name(span: &Span) -> String {
    let who = who(span);
    let is_outermost = is_entry(span) || span.parent_span_id.is_empty();
    if is_outermost && !who.is_empty() && *who != *span.name {
        format!("{who} {}", &*span.name)
    } else {
        span.name.to_string()
    }
}

/// `v42`, `$LATEST`.
fn version(version: &str) -> String {
    if version.starts_with(|c: char| c.is_ascii_digit()) { format!("v{version}") } else { version.to_owned() }
}

/// An event that is an exception, in words.
fn exception(span: &Span, event: usize) -> Option<String> {
    let attributes = span.event_attributes.get(event)?;
    let attribute = |key: &str| attributes.iter().find(|(name, _)| &**name == key).map(|(_, value)| value);
    let parts = [attribute("exception.type"), attribute("exception.message")];
    let parts: Vec<&str> = parts.into_iter().flatten().map(|text: &Text| &**text).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}
