//! A trace as a waterfall: bars over time, log lines in their places.

use lambdaview_queries::questions::{
    Text,
    lines::Line,
    trace::{LIMIT, Span, Trace},
};

use super::{
    line::{self, LineStyle},
    placing::{Item, Placed, Row, place},
    style::{Paint, Role},
};
use crate::{
    ask::Nanos,
    format::{Zone, cut, duration, inert, left, plural, right, severity_letter, width, without_runtime_prefix},
};

/// How a trace is drawn.
#[derive(Clone, Copy, Debug)]
pub struct WaterfallStyle {
    /// How many columns there are.
    pub columns: usize,
    /// In which zone times are.
    pub zone: Zone,
    /// Colours or none.
    pub paint: Paint,
    /// Whether lines are cut where the terminal ends.
    pub cut: bool,
    /// Whether every line of a text of several is drawn.
    pub full: bool,
}

/// Where things stand on a row: the labels, the bars, and what a row took.
struct Canvas<'a> {
    trace: &'a Trace,
    style: WaterfallStyle,
    label: usize,
    bar: usize,
    from: Nanos,
    until: Nanos,
    text: String,
}

/// Wide enough for `501.2ms`, `+59.999s` and `12h59m`.
const TIME_WIDTH: usize = 9;
/// Deeper rows are not indented further: the label must stay readable.
const DEEPEST: usize = 12;

/// `trace` as text.
#[must_use]
pub fn draw(trace: &Trace, style: WaterfallStyle) -> String {
    if trace.spans.is_empty() {
        return draw_lines_alone(trace, style);
    }
    let label = (style.columns * 2 / 5).clamp(20, 64);
    let bar = style.columns.saturating_sub(label + 1 + TIME_WIDTH).max(8);
    let from = trace.spans.iter().map(|span| span.start).min().unwrap_or_default();
    let until = trace.spans.iter().map(end).max().unwrap_or_default();
    let mut canvas = Canvas { trace, style, label, bar, from, until, text: String::new() };
    let placed = place(trace);
    canvas.heading();
    canvas.axis();
    for row in &placed.rows {
        canvas.row(*row);
    }
    canvas.notes(&placed);
    canvas.text
}

impl Canvas<'_> {
    fn heading(&mut self) {
        let paint = self.style.paint;
        let spans = &self.trace.spans;
        let failed = spans.iter().filter(|span| is_failed(span)).count() as u64;
        let mut counts = vec![plural(spans.len() as u64, "span"), plural(self.trace.lines.len() as u64, "line")];
        if failed > 0 {
            counts.push(paint.paint(Role::Error, &plural(failed, "error")));
        }
        let heading = format!(
            "trace {}  {}  {}",
            paint.paint(Role::Id, &inert(&self.trace.id)),
            paint.paint(Role::Strong, &duration(self.length())),
            counts.join(", "),
        );
        self.push(&heading);
    }

    /// When it was; `0`, the half and the whole above the bars.
    fn axis(&mut self) {
        let half = duration(self.length() / 2);
        let whole = duration(self.length());
        let before = self.bar / 2;
        let gap = self.bar.saturating_sub(before + width(&half));
        let whole = if gap > width(&whole) { right(&whole, gap) } else { " ".repeat(gap) };
        let moment = left(&self.style.zone.moment(self.from), self.label);
        let axis = format!("{moment} {}{half}{whole}{}", left("0", before), right("time", TIME_WIDTH));
        self.push(&self.style.paint.paint(Role::Faint, axis.trim_end()));
    }

    fn row(&mut self, row: Row) {
        let indent = "  ".repeat(row.depth.min(DEEPEST));
        match row.item {
            Item::Span(at) => self.span(&self.trace.spans[at], &indent),
            Item::Line(at) => self.line(&self.trace.lines[at], &indent),
            Item::Event(at, event) => self.event(&self.trace.spans[at], event, &indent),
        }
    }

    fn span(&mut self, span: &Span, indent: &str) {
        let paint = self.style.paint;
        let failed = is_failed(span);
        let who = if span.function.is_empty() { &span.service } else { &span.function };
        let is_entry = matches!(&*span.kind, "Server" | "Consumer") || span.parent_span_id.is_empty();
        let name = if is_entry && !who.is_empty() && who != &span.name {
            format!("{who}: {}", span.name)
        } else {
            span.name.to_string()
        };
        let label = format!("{indent}{}{}", if failed { "✗ " } else { "" }, inert(&name));
        let label = left(&label, self.label);
        let label = if failed {
            paint.paint(Role::Error, &label)
        } else {
            paint.maybe(is_entry.then_some(Role::Strong), &label)
        };
        let bar = paint.paint(if failed { Role::Error } else { Role::Bar }, &self.bar_of(span));
        let row = format!("{label} {bar}{}", right(&duration(span.duration), TIME_WIDTH));
        self.push(&row);
        if failed && !span.status_message.is_empty() {
            self.words(&format!("{indent}    ! "), &span.status_message, None, Some(Role::Error));
        }
    }

    /// The bar of `span`, with the room before and after it.
    fn bar_of(&self, span: &Span) -> String {
        let start = self.column(span.start).min(self.bar - 1);
        let end = self.column(end(span)).clamp(start + 1, self.bar);
        let sign = if matches!(&*span.kind, "Server" | "Consumer") { "█" } else { "━" };
        format!("{}{}{}", " ".repeat(start), sign.repeat(end - start), " ".repeat(self.bar - end))
    }

    fn line(&mut self, line: &Line, indent: &str) {
        let head = format!("{indent}· {} ", severity_letter(line.severity_number));
        let said = without_runtime_prefix(&line.body, &line.invocation_id);
        self.words(&head, said, Some(line.time), Paint::of_severity(line.severity_number));
    }

    fn event(&mut self, span: &Span, event: usize, indent: &str) {
        let attributes = span.event_attributes.get(event).map_or(&[][..], Vec::as_slice);
        let attribute = |key: &str| attributes.iter().find(|(name, _)| &**name == key).map(|(_, value)| value);
        let what = [attribute("exception.type"), attribute("exception.message")];
        let what: Vec<&str> = what.into_iter().flatten().map(|text: &Text| &**text).collect();
        let text = if what.is_empty() { span.event_names[event].to_string() } else { what.join(": ") };
        let role = if what.is_empty() { Role::Faint } else { Role::Error };
        self.words(&format!("{indent}◆ "), &text, span.event_times.get(event).copied(), Some(role));
    }

    /// Words over the whole row, and when they were said on its right.
    fn words(&mut self, head: &str, text: &str, time: Option<Nanos>, role: Option<Role>) {
        let paint = self.style.paint;
        let mut lines = text.trim_end().split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let first = lines.next().unwrap_or_default();
        let rest = lines.clone().count();
        let more =
            if rest > 0 && !self.style.full { format!(" (+{})", plural(rest as u64, "line")) } else { String::new() };
        let time = time.map_or_else(String::new, |time| self.offset(time));
        let room = self.style.columns.saturating_sub(width(head) + width(&more) + TIME_WIDTH);
        let words = inert(first);
        let words = if self.style.cut && !self.style.full { cut(&words, room) } else { words };
        let gap = room.saturating_sub(width(&words));
        let time = paint.paint(Role::Faint, &right(&time, TIME_WIDTH));
        let row =
            format!("{}{}{}{}{time}", paint.paint(Role::Faint, head), paint.maybe(role, &words), more, " ".repeat(gap));
        self.push(&row);
        if self.style.full {
            for line in lines {
                self.push(&format!("{}{}", " ".repeat(width(head)), paint.maybe(role, &inert(line))));
            }
        }
    }

    fn notes(&mut self, placed: &Placed) {
        let mut notes = Vec::new();
        if placed.orphans > 0 {
            notes.push(format!("parent not here: {}, shown at the left", plural(placed.orphans as u64, "span")));
        }
        if placed.by_invocation > 0 {
            notes.push(format!("no span id: {}, placed by request id", plural(placed.by_invocation as u64, "line")));
        }
        if placed.unplaced > 0 {
            notes.push(format!("no span here: {}, shown at the left", plural(placed.unplaced as u64, "line")));
        }
        if self.trace.cut {
            notes.push(format!("more than {LIMIT} spans or lines: the rest is not shown"));
        }
        for note in notes {
            self.push(&self.style.paint.paint(Role::Warning, &format!("note: {note}")));
        }
    }

    fn offset(&self, time: Nanos) -> String {
        let after = time.saturating_sub(self.from);
        format!("{}{}", if after < 0 { "-" } else { "+" }, duration(after.unsigned_abs()))
    }

    fn column(&self, time: Nanos) -> usize {
        let share = time.saturating_sub(self.from) as f64 / self.length().max(1) as f64;
        (share * self.bar as f64).round() as usize
    }

    fn length(&self) -> u64 {
        self.until.saturating_sub(self.from).unsigned_abs()
    }

    fn push(&mut self, row: &str) {
        self.text.push_str(row.trim_end());
        self.text.push('\n');
    }
}

/// A trace, or an invocation, of which only logs are here.
fn draw_lines_alone(trace: &Trace, style: WaterfallStyle) -> String {
    let paint = style.paint;
    let first = trace.lines.first().map_or(0, |line| line.time);
    let length = trace.lines.last().map_or(0, |line| line.time.saturating_sub(first).unsigned_abs());
    let what = if trace.id.is_empty() {
        "invocation without a trace".to_owned()
    } else {
        format!("trace {}", inert(&trace.id))
    };
    let mut text = format!(
        "{}  {}  {}  {}\n",
        paint.paint(Role::Strong, &what),
        duration(length),
        plural(trace.lines.len() as u64, "line"),
        paint.paint(Role::Faint, &style.zone.moment(first)),
    );
    let line_style = LineStyle { zone: style.zone, paint, now: first };
    text.extend(trace.lines.iter().map(|one| line::draw(one, None, line_style)));
    text.push_str(&paint.paint(Role::Warning, "note: no spans, only logs"));
    text.push('\n');
    text
}

fn end(span: &Span) -> Nanos {
    span.start.saturating_add(i64::try_from(span.duration).unwrap_or(i64::MAX))
}

fn is_failed(span: &Span) -> bool {
    &*span.status == "Error"
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Nanos = 1_795_356_131_000_000_000;

    fn span(id: &str, parent: &str, kind: &str, name: &str, at: (u64, u64)) -> Span {
        Span {
            span_id: id.into(),
            parent_span_id: parent.into(),
            kind: kind.into(),
            name: name.into(),
            service: "charge".into(),
            function: "charge".into(),
            start: T0 + i64::try_from(at.0 * 1_000_000).unwrap(),
            duration: at.1 * 1_000_000,
            ..Span::default()
        }
    }

    fn line(span: &str, ms: i64, severity_number: u8, body: &str) -> Line {
        Line { span_id: span.into(), time: T0 + ms * 1_000_000, severity_number, body: body.into(), ..Line::default() }
    }

    fn sample() -> Trace {
        let mut stripe = span("c", "b", "Client", "POST /charges", (400, 455));
        stripe.status = "Error".into();
        stripe.status_message = "402 Payment Required".into();
        let mut gone = span("d", "missing", "Internal", "flush", (1200, 38));
        gone.service = "extension".into();
        let mut root = span("a", "", "Server", "POST /pay", (0, 1284));
        root.function = "api-gw".into();
        Trace {
            id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned(),
            spans: vec![root, span("b", "a", "Server", "charge", (380, 501)), stripe, gone],
            lines: vec![
                line("b", 390, 9, "charging card order=9912 amount=42.10"),
                line("c", 850, 17, "StripeError: card_declined\n  File \"app.py\", line 12\n    raise"),
                line("", 900, 9, "nobody's line"),
            ],
            cut: false,
        }
    }

    fn style(columns: usize) -> WaterfallStyle {
        WaterfallStyle { columns, zone: Zone::Utc, paint: Paint::default(), cut: true, full: false }
    }

    #[test]
    fn a_trace_in_eighty_columns() {
        insta::assert_snapshot!(draw(&sample(), style(80)), @r#"
        trace 5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b  1.284s  4 spans, 3 lines, 1 error
        2026-11-22 14:02:11              0                  642ms        1.284s     time
        api-gw: POST /pay                ██████████████████████████████████████   1.284s
          charge                                    ███████████████                501ms
            · I charging card order=9912 amount=42.10                             +390ms
            ✗ POST /charges                          ━━━━━━━━━━━━━                 455ms
                ! 402 Payment Required
              · E StripeError: card_declined (+2 lines)                           +850ms
        · I nobody's line                                                         +900ms
        flush                                                                ━    38.0ms
        note: parent not here: 1 span, shown at the left
        note: no span here: 1 line, shown at the left
        "#);
    }

    #[test]
    fn a_trace_in_a_hundred_and_forty_columns() {
        insta::assert_snapshot!(draw(&sample(), style(140)), @r#"
        trace 5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b  1.284s  4 spans, 3 lines, 1 error
        2026-11-22 14:02:11                                      0                                    642ms                          1.284s     time
        api-gw: POST /pay                                        ██████████████████████████████████████████████████████████████████████████   1.284s
          charge                                                                       █████████████████████████████                           501ms
            · I charging card order=9912 amount=42.10                                                                                         +390ms
            ✗ POST /charges                                                             ━━━━━━━━━━━━━━━━━━━━━━━━━━                             455ms
                ! 402 Payment Required
              · E StripeError: card_declined (+2 lines)                                                                                       +850ms
        · I nobody's line                                                                                                                     +900ms
        flush                                                                                                                         ━━      38.0ms
        note: parent not here: 1 span, shown at the left
        note: no span here: 1 line, shown at the left
        "#);
    }

    #[test]
    fn no_row_is_wider_than_the_terminal() {
        for columns in [80, 140, 200] {
            let drawn = draw(&sample(), style(columns));
            assert!(drawn.lines().skip(1).all(|row| width(row) <= columns), "{columns}:\n{drawn}");
        }
    }

    #[test]
    fn nothing_is_cut_when_nobody_asked_for_it() {
        let whole = WaterfallStyle { cut: false, full: true, ..style(40) };
        let drawn = draw(&sample(), whole);
        assert!(drawn.contains("charging card order=9912 amount=42.10") && drawn.contains("    raise"), "{drawn}");
    }

    #[test]
    fn a_trace_with_only_logs_is_its_lines() {
        let trace = Trace { spans: Vec::new(), ..sample() };
        insta::assert_snapshot!(draw(&trace, style(80)), @r#"
        trace 5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b  510ms  3 lines  2026-11-22 14:02:11
        14:02:11.390 I -        -        charging card order=9912 amount=42.10
        14:02:11.850 E -        -        StripeError: card_declined
                                           File "app.py", line 12
                                             raise
        14:02:11.900 I -        -        nobody's line
        note: no spans, only logs
        "#);
    }

    #[test]
    fn names_from_elsewhere_cannot_act_on_the_terminal() {
        let mut trace = sample();
        trace.spans[0].name = "\x1b[2J\u{202e}".into();
        trace.spans[2].status_message = "\x07".into();
        assert!(!draw(&trace, style(80)).chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    }

    #[test]
    fn a_trace_of_no_length_has_a_bar() {
        let trace = Trace { spans: vec![span("a", "", "Server", "x", (0, 0))], ..Trace::default() };
        assert!(draw(&trace, style(80)).contains('█'));
    }
}
