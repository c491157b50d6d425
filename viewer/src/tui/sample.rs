//! A viewer in a test: keys pressed, answers given, and the picture it makes.

use lambdaview_queries::questions::{errors::Group, functions::Summary, lines::Line};
use ratatui::{Terminal, backend::TestBackend, buffer::Cell};

use super::{
    ask::{Answer, Ask, Lines, Mode, Slot, Ticket},
    event::{Code, Event, Key},
    state::{Beginning, Effect, Screen, State},
    theme::Theme,
    view,
};
use crate::{
    ask::Nanos,
    format::{Zone, width},
    render::functions::Row,
};

pub(crate) const SECOND: Nanos = 1_000_000_000;
/// 2026-11-22 14:02:11 UTC.
pub(crate) const NOW: Nanos = 1_795_356_131 * SECOND;

/// A viewer, and what it wants done.
pub(crate) struct Viewer {
    pub(crate) state: State,
    pub(crate) effects: Vec<Effect>,
    /// Every question so far.
    all_asked: Vec<(Ticket, Ask)>,
    pub(crate) now: Nanos,
    pub(crate) theme: Theme,
}

impl Viewer {
    pub(crate) fn new(first: Screen, columns: u16, rows: u16) -> Self {
        let beginning = Beginning { server: "prod".to_owned(), zone: Zone::Utc, columns, rows, ..Beginning::default() };
        let (state, effects) = State::new(beginning, first, NOW);
        let mut viewer = Self { state, effects, all_asked: Vec::new(), now: NOW, theme: Theme::default() };
        viewer.note_asked();
        viewer
    }

    /// Presses keys: `gg`, `<Enter>`, `<^d>`.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while let Some(c) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|named| named.split_once('>'));
            let key = match named {
                Some((name, after)) => {
                    rest = after;
                    match name {
                        "Enter" => Key::plain(Code::Enter),
                        "Esc" => Key::plain(Code::Esc),
                        "Tab" => Key::plain(Code::Tab),
                        "Backspace" => Key::plain(Code::Backspace),
                        "Up" => Key::plain(Code::Up),
                        _ => Key::ctrl(name.chars().last().unwrap()),
                    }
                }
                None => {
                    rest = &rest[c.len_utf8()..];
                    Key::char(c)
                }
            };
            self.event(Event::Key(key));
        }
        self
    }

    pub(crate) fn event(&mut self, event: Event) -> &mut Self {
        self.effects = self.state.update(event, self.now);
        self.note_asked();
        self
    }

    fn note_asked(&mut self) {
        let asked = self.effects.iter().filter_map(|effect| match effect {
            Effect::Ask(ticket, ask) => Some((*ticket, ask.clone())),
            _ => None,
        });
        self.all_asked.extend(asked);
    }

    /// The last question asked in a slot.
    pub(crate) fn asked_in(&self, slot: Slot) -> Option<(Ticket, Ask)> {
        self.all_asked.iter().rev().find(|(ticket, _)| ticket.slot == slot).cloned()
    }

    /// The last question asked.
    pub(crate) fn asked(&self) -> (Ticket, Ask) {
        let asked = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Ask(ticket, ask) => Some((*ticket, ask.clone())),
            _ => None,
        });
        asked.expect("a question")
    }

    pub(crate) fn answer(&mut self, ticket: Ticket, answer: Answer) -> &mut Self {
        self.event(Event::Answer(ticket, answer))
    }

    /// The picture, a line of text for each row.
    pub(crate) fn picture(&self) -> String {
        let size = (self.state.columns, self.state.rows);
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        terminal.draw(|frame| view::draw(&self.state, self.theme, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let rows = buffer.content().chunks(usize::from(size.0));
        rows.map(text).collect::<Vec<_>>().join("\n")
    }
}

/// A row as it is seen: what is wide covers the cell beside it.
fn text(row: &[Cell]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while let Some(cell) = row.get(at) {
        text.push_str(cell.symbol());
        at += width(cell.symbol()).max(1);
    }
    text.trim_end().to_owned()
}

/// A line of an hour ago, `n` seconds later.
pub(crate) fn line(n: i64, body: &str) -> Line {
    Line {
        time: NOW - 600 * SECOND + n * SECOND,
        severity_number: 9,
        function: "charge".into(),
        invocation_id: format!("{:08x}-3f0e-4a53-9d0c-0a6d6c4f1b11", n / 3).as_str().into(),
        trace_id: format!("{:032x}", n / 3).as_str().into(),
        offset: n.unsigned_abs(),
        body: body.into(),
        ..Line::default()
    }
}

pub(crate) fn lines(numbers: std::ops::Range<i64>) -> Vec<Line> {
    numbers.map(|n| line(n, &format!("charging card order={n}"))).collect()
}

/// A tail screen with these lines there in the order in which they came, following.
pub(crate) fn tail(columns: u16, rows: u16, there: Vec<Line>) -> (Viewer, Ticket) {
    let (mut viewer, ticket) = grouped(columns, rows, there);
    viewer.press("B").press("F");
    (viewer, ticket)
}

/// The same by invocation.
pub(crate) fn grouped(columns: u16, rows: u16, there: Vec<Line>) -> (Viewer, Ticket) {
    let mut viewer = Viewer::new(Screen::tail("charge"), columns, rows);
    let (ticket, _) = viewer.asked();
    viewer.answer(ticket, Answer::Lines(Lines::There(there))).answer(ticket, Answer::Following(Mode::Exact));
    (viewer, ticket)
}

pub(crate) fn functions() -> Vec<Row> {
    let function = |name: &str, invocations: u64, failed: u64| Row {
        function: Summary {
            name: name.to_owned(),
            invocations,
            is_told: true,
            failed: Some(failed),
            cold: Some(invocations / 125),
            lines: invocations * 12,
            error_lines: Some(failed * 2),
            bytes: invocations * 1_417,
            log_bytes: invocations * 1_500,
            p50: Some(48_000_000.0),
            p95: Some(220_400_000.0),
            p99: Some(1_900_000_000.0),
            memory_used: Some(118 << 20),
            memory_size: Some(512 << 20),
            activity: (0..24).map(|hour| (hour * 7 + invocations) % 23).collect(),
            last: NOW - 2 * SECOND,
            ..Summary::default()
        },
        dollars: Some(invocations as f64 / 1_000.0),
    };
    let mut export = function("nightly-export", 1, 0);
    export.function = Summary {
        failed: None,
        cold: None,
        p50: None,
        p95: None,
        p99: None,
        memory_used: None,
        activity: Vec::new(),
        ..export.function
    };
    export.dollars = None;
    let mut refund = function("refund", 88_210, 0);
    refund.function.memory_used = Some(509 << 20);
    vec![function("charge", 1_204_417, 25_300), refund, export, function("böse-\u{1b}[31m日本語", 12, 1)]
}

pub(crate) fn errors() -> Vec<Group> {
    let group = |kind: &str, message: &str, count: u64| Group {
        kind: kind.to_owned(),
        message: message.to_owned(),
        count,
        first: NOW - 3_000 * SECOND,
        last: NOW - 40 * SECOND,
        functions: vec!["charge".to_owned(), "refund".to_owned()],
        sample: message.replace("<*>", "9912"),
        request_id: "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11".to_owned(),
        trace_id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned(),
        invocations: count,
        of: Some(88_210),
        ..Group::default()
    };
    vec![
        group("StripeError", "card_declined for order <*>", 1_204),
        group("Sandbox.Timedout", "the invocation ran into its timeout", 3),
        group("", "hostile \u{1b}[31m日本語", 1),
    ]
}
