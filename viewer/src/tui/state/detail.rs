//! One thing whole: a log line or a span with every attribute. A screen of its own, and a pane of the trace screen.

use std::collections::BTreeMap;

use lambdaview_queries::questions::{Text, trace::Span, whole::Whole};

use super::{
    narrowed::Narrowed,
    page::{Around, Page, Step},
};
use crate::{
    ask::{Nanos, TraceRef},
    format::{Zone, duration, inert, rfc3339, width, without_runtime_prefix},
    trace::{Phase, Spent, end},
    tui::{
        ask::{Answer, Ask, LineRef, Problem, Slot},
        keys::{Command, Scope, What},
        text::broken,
    },
};

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A log line.
    Line(LineRef),
    /// A span, and what it spent.
    Span(Box<Span>, Spent),
}

/// A row of the detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// What the rows below are.
    Heading(&'static str),
    /// A name and a value.
    Field(String, String),
    /// Text, a line of it.
    Text(String),
}

impl Entry {
    fn text(&self) -> String {
        match self {
            Self::Heading(text) => (*text).to_owned(),
            Self::Field(name, value) => format!("{name} {value}"),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A row of the screen: an entry, or what did not fit into the rows before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laid {
    /// The entry's place.
    pub entry: usize,
    /// The part of its text, or of its value, that stands here, inert.
    pub piece: String,
    /// Whether it is the entry's first row.
    pub is_first: bool,
}

/// One thing whole.
#[derive(Clone, Debug)]
pub struct Detail {
    /// What is shown.
    pub thing: Thing,
    /// The rest of its row, once that was read.
    pub whole: Option<Whole>,
    /// Whether the row was looked for and is not there.
    pub is_gone: bool,
    /// Why it could not be read.
    pub problem: Option<Problem>,
    /// The entries, in the order in which they are shown.
    pub entries: Vec<Entry>,
    /// The rows they take.
    pub rows: Vec<Laid>,
    /// How many columns names take.
    pub names: usize,
    /// Which of the rows are shown.
    pub shown: Narrowed,
    zone: Zone,
}

impl Detail {
    /// What is known of a thing so far.
    #[must_use]
    pub fn of(thing: Thing, around: &Around) -> Self {
        let mut detail = Self {
            thing,
            whole: None,
            is_gone: false,
            problem: None,
            entries: Vec::new(),
            rows: Vec::new(),
            names: 0,
            shown: Narrowed::without_headings(),
            zone: around.zone,
        };
        detail.arrange(around);
        detail
    }

    /// The question for the rest of it.
    #[must_use]
    pub fn ask(&self) -> Ask {
        match &self.thing {
            Thing::Line(line) => Ask::Line(line.clone()),
            Thing::Span(span, _) => {
                Ask::Span { time: span.start, trace: span.trace_id.to_string(), span: span.span_id.to_string() }
            }
        }
    }

    /// Takes the rest of it.
    pub fn take(&mut self, whole: Option<Box<Whole>>, around: &Around) {
        self.is_gone = whole.is_none();
        self.whole = whole.map(|whole| *whole);
        self.problem = None;
        self.arrange(around);
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.thing {
            Thing::Line(line) => format!("line of {}", line.function),
            Thing::Span(span, _) => format!("span {}", &*span.name),
        }
    }

    /// Lays everything out anew: something is known that was not, or there is another number of columns.
    pub fn arrange(&mut self, around: &Around) {
        let mut entries = match &self.thing {
            Thing::Line(line) => of_line(line, self.whole.as_ref(), self.zone),
            Thing::Span(span, spent) => of_span(span, *spent, self.zone),
        };
        if let Some(whole) = &self.whole {
            if let Thing::Line(_) = self.thing {
                add(&mut entries, "attributes", &whole.attributes);
            }
            add(&mut entries, "resource", &whole.resource);
            let scope = [("name".into(), whole.scope.clone()), ("version".into(), whole.scope_version.clone())];
            add(&mut entries, "scope", &scope);
        }
        self.entries = entries;
        self.lay_out(around.columns);
        let texts = self.rows.iter().map(|row| self.entries[row.entry].text()).collect();
        self.shown.set(texts, (0..self.rows.len()).collect(), self.shown.item(), around);
    }

    /// Every entry in as many rows as it needs.
    fn lay_out(&mut self, columns: usize) {
        let names = self.entries.iter().filter_map(|entry| match entry {
            Entry::Field(name, _) => Some(width(&inert(name))),
            _ => None,
        });
        self.names = names.max().unwrap_or_default().min(columns / 3);
        // What stands before a value, and one column beside the text.
        let before = [1, 3 + self.names + 2].map(|before| columns.saturating_sub(before).max(8));
        let rows = self.entries.iter().enumerate().flat_map(|(entry, of)| {
            let (text, room) = match of {
                Entry::Heading(text) => (*text, before[0]),
                Entry::Text(text) => (&**text, before[0]),
                Entry::Field(_, value) => (&**value, before[1]),
            };
            let pieces = broken(&inert(text), room).into_iter().enumerate();
            pieces.map(move |(at, piece)| Laid { entry, piece, is_first: at == 0 })
        });
        self.rows = rows.collect();
    }

    /// The line or span as text, JSON, or one of its ids.
    #[must_use]
    pub fn copied(&self, what: What) -> Option<String> {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (trace, request) = match &self.thing {
            Thing::Line(line) => (&*line.trace, &*line.invocation),
            Thing::Span(span, _) => (&*span.trace_id, span.attribute("faas.invocation_id").unwrap_or_default()),
        };
        match what {
            What::Line => Some(match &self.thing {
                Thing::Line(line) => line.body.clone(),
                Thing::Span(span, _) => span.name.to_string(),
            }),
            What::Json => Some(self.json()),
            What::Trace => known(trace),
            What::Request => known(request),
            What::Command => known(trace).or_else(|| known(request)).map(|id| format!("lambdaview trace {id}")),
            What::Sql => None,
        }
    }

    fn json(&self) -> String {
        let fields = self.entries.iter().filter_map(|entry| match entry {
            Entry::Field(name, value) => Some((&**name, &**value)),
            _ => None,
        });
        let mut fields: BTreeMap<&str, &str> = fields.collect();
        if let Thing::Line(line) = &self.thing {
            fields.insert("body", &line.body);
        }
        serde_json::to_string(&fields).expect("text is always JSON")
    }
}

fn field(name: &str, value: impl Into<String>) -> Entry {
    Entry::Field(name.to_owned(), value.into())
}

fn known(entries: &mut Vec<Entry>, name: &str, value: &str) {
    if !value.is_empty() {
        entries.push(field(name, value));
    }
}

fn add(entries: &mut Vec<Entry>, heading: &'static str, attributes: &[(Text, Text)]) {
    let mut attributes: Vec<_> = attributes.iter().filter(|(_, value)| !value.is_empty()).collect();
    attributes.sort_unstable();
    if !attributes.is_empty() {
        entries.push(Entry::Heading(heading));
        entries.extend(attributes.into_iter().map(|(name, value)| field(name, &**value)));
    }
}

fn time(time: Nanos, zone: Zone) -> String {
    format!("{}  {}", zone.date_clock(time), rfc3339(time))
}

fn of_line(line: &LineRef, whole: Option<&Whole>, zone: Zone) -> Vec<Entry> {
    let body = whole.map_or(&*line.body, |whole| &*whole.body);
    let said = without_runtime_prefix(body, &line.invocation).trim_end();
    let mut entries: Vec<Entry> = laid_out(said).lines().map(|text| Entry::Text(text.to_owned())).collect();
    entries.push(Entry::Heading("line"));
    entries.push(field("time", time(line.time, zone)));
    known(&mut entries, "function", &line.function);
    known(&mut entries, "severity", whole.map_or("", |whole| &whole.severity));
    known(&mut entries, "request id", &line.invocation);
    known(&mut entries, "trace id", &line.trace);
    known(&mut entries, "span id", &line.span);
    entries
}

/// JSON over several lines; anything else as it is.
fn laid_out(text: &str) -> String {
    let is_json = text.starts_with(['{', '[']);
    let value = is_json.then(|| serde_json::from_str::<serde_json::Value>(text).ok()).flatten();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| text.to_owned())
}

fn of_span(span: &Span, spent: Spent, zone: Zone) -> Vec<Entry> {
    let mut entries = vec![Entry::Heading("span"), field("name", &*span.name)];
    known(&mut entries, "what", Phase::of(span).map_or("", Phase::label));
    known(&mut entries, "status", &span.status);
    known(&mut entries, "why", &span.status_message);
    entries.push(field("start", time(span.start, zone)));
    entries.push(field("end", time(end(span), zone)));
    entries.push(field("duration", duration(span.duration)));
    entries.push(field("self", duration(spent.alone)));
    if spent.is_critical {
        entries.push(field("critical", duration(spent.critical)));
    }
    known(&mut entries, "kind", &span.kind);
    known(&mut entries, "function", &span.function);
    known(&mut entries, "version", &span.version);
    known(&mut entries, "service", &span.service);
    known(&mut entries, "instance", &span.instance);
    known(&mut entries, "trace id", &span.trace_id);
    known(&mut entries, "span id", &span.span_id);
    known(&mut entries, "parent span id", &span.parent_span_id);
    for (trace, linked) in span.link_trace_ids.iter().zip(&span.link_span_ids) {
        entries.push(field("linked to", format!("trace {trace} span {linked}")));
    }
    add(&mut entries, "attributes", &span.attributes);
    for (at, name) in span.event_names.iter().enumerate() {
        entries.push(Entry::Heading("event"));
        entries.push(field("name", &**name));
        entries.extend(span.event_times.get(at).map(|at| field("time", time(*at, zone))));
        let attributes = span.event_attributes.get(at).into_iter().flatten();
        entries.extend(attributes.map(|(name, value)| field(name, &**value)));
    }
    entries
}

impl Page for Detail {
    fn scope(&self) -> Scope {
        Scope::Detail
    }

    fn name(&self) -> String {
        self.title()
    }

    fn begin(&mut self, _around: &Around) -> Vec<Step> {
        vec![Step::Ask(Slot::Detail, self.ask())]
    }

    fn act(&mut self, command: Command, around: &Around) -> Vec<Step> {
        self.shown.act(command, around).unwrap_or_default()
    }

    fn resized(&mut self, around: &Around) {
        self.arrange(around);
    }

    fn narrowed(&mut self) -> Option<&mut Narrowed> {
        Some(&mut self.shown)
    }

    fn answer(&mut self, _slot: Slot, answer: Answer, around: &Around) -> Vec<Step> {
        if let Answer::Whole(whole) = answer {
            self.take(whole, around);
        }
        Vec::new()
    }

    fn failed(&mut self, _slot: Slot, problem: Problem, _around: &Around) -> Vec<Step> {
        self.problem = Some(problem);
        Vec::new()
    }

    fn copied(&self, what: What, _around: &Around) -> Option<String> {
        Detail::copied(self, what)
    }

    fn trace(&self) -> Option<TraceRef> {
        let (trace, request) = match &self.thing {
            Thing::Line(line) => (&*line.trace, &*line.invocation),
            Thing::Span(span, _) => (&*span.trace_id, ""),
        };
        let by = |id: &str, kind: fn(String) -> TraceRef| (!id.is_empty()).then(|| kind(id.to_owned()));
        by(trace, TraceRef::Trace).or_else(|| by(request, TraceRef::Invocation))
    }

    fn line_ref(&self) -> Option<LineRef> {
        match &self.thing {
            Thing::Line(line) => Some(line.clone()),
            Thing::Span(..) => None,
        }
    }
}
