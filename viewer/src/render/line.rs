//! A log line for people: time, severity, function where there are several, invocation, trace, text.

use lambdaview_queries::{
    filter::Pattern,
    questions::{Text, lines::Line},
};

use super::{
    json, record,
    style::{Paint, Role},
};
use crate::{
    args::{Output, Timestamps},
    ask::Nanos,
    format::{Zone, duration, inert, inert_into, left, severity_letter, short_id, width, without_runtime_prefix},
    zone::{Clock, Moment},
};

/// How lines are drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct LineStyle {
    /// In which zone times are.
    pub zone: Zone,
    /// Colours or none.
    pub paint: Paint,
    /// When it is: a line of another day shows its date.
    pub now: Nanos,
    /// How times are shown.
    pub timestamps: Timestamps,
    /// How wide the column of functions is at least; 0 without it.
    pub functions: usize,
    /// Whether attributes follow the text.
    pub attributes: bool,
}

/// What is known of a line beside what it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// By how many nanoseconds it missed its place.
    pub late: Option<u64>,
    /// Whether it stands beside one that was sought, and was not itself.
    pub context: bool,
}

/// How wide the columns of ids are: `7f3a91c2 5f84c7a1 `.
const IDS: usize = 8 + 1 + 8 + 1;

/// The column of functions grows with the names it meets, up to this.
const WIDEST: usize = 24;

/// `line` as text, with its final line break; `late` says by how many nanoseconds it missed its place.
#[must_use]
pub fn draw(line: &Line, late: Option<u64>, style: LineStyle) -> String {
    let mut drawer = Drawer::new(Output::Pretty, style, Vec::new());
    let drawn = drawer.draw(line, Place { late, context: false });
    String::from_utf8_lossy(drawn).into_owned()
}

/// Draws lines one after the other, in one form.
pub struct Drawer {
    output: Output,
    style: LineStyle,
    marks: Vec<Pattern>,
    clock: Clock,
    today: i32,
    previous: Option<Nanos>,
    text: String,
    time: String,
    bytes: Vec<u8>,
}

impl Drawer {
    /// Draws in a form; `marks` are the patterns whose findings stand out.
    #[must_use]
    pub fn new(output: Output, style: LineStyle, marks: Vec<Pattern>) -> Self {
        let mut clock = Clock::new(if output == Output::Json { Zone::Utc } else { style.zone });
        let today = clock.read(style.now).day();
        let (text, time, bytes) = Default::default();
        Self { output, style, marks, clock, today, previous: None, text, time, bytes }
    }

    /// Says when it is.
    pub fn set_now(&mut self, now: Nanos) {
        self.style.now = now;
        self.today = Clock::new(self.style.zone).read(now).day();
    }

    /// What stands above all lines, in the forms that have such a thing.
    #[must_use]
    pub const fn heading(&self) -> &'static str {
        if matches!(self.output, Output::Csv) { record::CSV_HEADING } else { "" }
    }

    /// `line` as text, with its final line break.
    pub fn draw(&mut self, line: &Line, place: Place) -> &[u8] {
        self.text.clear();
        match self.output {
            Output::Json => {
                self.bytes.clear();
                json::line_into(line, place, &mut self.bytes);
                return &self.bytes;
            }
            Output::Pretty => self.pretty(line, place),
            Output::Short => self.short(line),
            Output::Raw => record::raw(line, &mut self.text),
            Output::Logfmt => record::logfmt(line, place, &mut self.text),
            Output::Csv => record::csv(line, place, &mut self.text),
            Output::Detailed => record::detailed(line, place, self.clock.read(line.time), &mut self.text),
            Output::None => {}
        }
        self.text.as_bytes()
    }

    /// `line` within the frame of its invocation.
    pub fn framed(&mut self, line: &Line, place: Place, side: &str) -> &[u8] {
        self.text.clear();
        let role = Paint::of_severity(line.severity_number);
        let indent = self.columns(line, role);
        self.style.paint.around(Some(Role::Faint), &mut self.text, |text| text.push_str(side));
        let said = without_runtime_prefix(&line.body, &line.invocation_id);
        self.body(said, role, indent, side);
        self.end(line, place);
        self.text.as_bytes()
    }

    /// A line of the frame itself: what is told of an invocation at a moment.
    pub fn rule(&mut self, time: Nanos, function: &str, role: Role, said: &str) -> &[u8] {
        self.text.clear();
        let line = Line { time, function: function.into(), ..Line::default() };
        self.columns(&line, None);
        self.style.paint.around(Some(role), &mut self.text, |text| text.push_str(said));
        self.text.push('\n');
        self.text.as_bytes()
    }

    fn pretty(&mut self, line: &Line, place: Place) {
        let paint = self.style.paint;
        let role = if place.context { Some(Role::Faint) } else { Paint::of_severity(line.severity_number) };
        let indent = self.columns(line, role);
        for (role, id) in [(Role::Faint, &line.invocation_id), (Role::Id, &line.trace_id)] {
            paint.around(Some(role), &mut self.text, |text| text.push_str(&short_id(id)));
            self.text.push(' ');
        }
        self.body(without_runtime_prefix(&line.body, &line.invocation_id), role, indent + IDS, "");
        self.end(line, place);
    }

    /// Time, severity and function; how wide they are.
    fn columns(&mut self, line: &Line, role: Option<Role>) -> usize {
        let paint = self.style.paint;
        let time = self.time(line.time);
        let letter =
            if line.severity_number == 0 && line.body.is_empty() { ' ' } else { severity_letter(line.severity_number) };
        paint.around(role, &mut self.text, |text| text.push(letter));
        self.text.push(' ');
        if self.style.functions == 0 {
            return time + 2;
        }
        let name = inert(function(line));
        self.style.functions = self.style.functions.max(width(&name).min(WIDEST));
        let name = left(&name, self.style.functions);
        paint.around(Some(Role::Strong), &mut self.text, |text| text.push_str(&name));
        self.text.push(' ');
        time + 2 + self.style.functions + 1
    }

    /// What follows the text, and the line break.
    fn end(&mut self, line: &Line, place: Place) {
        let paint = self.style.paint;
        if self.style.attributes {
            paint.around(Some(Role::Faint), &mut self.text, |text| attributes(&line.attributes, text));
        }
        if let Some(late) = place.late {
            paint.around(Some(Role::Warning), &mut self.text, |text| {
                text.push_str("  late +");
                text.push_str(&lateness(late));
            });
        }
        self.text.push('\n');
    }

    fn short(&mut self, line: &Line) {
        let indent = self.time(line.time);
        self.body(&line.body, Paint::of_severity(line.severity_number), indent, "");
        self.text.push('\n');
    }

    /// Writes a time as it is to be shown, and a space; how wide both are.
    fn time(&mut self, time: Nanos) -> usize {
        self.time.clear();
        let moment = self.clock.read(time);
        match self.style.timestamps {
            Timestamps::None => return 0,
            Timestamps::Full => moment.full(&mut self.time),
            Timestamps::Short => short_time(moment, moment.day() == self.today, &mut self.time),
            Timestamps::Rel => {
                let ago = u64::try_from(self.style.now.saturating_sub(time)).unwrap_or_default();
                self.time.push_str(&format!("-{:<7}", duration(ago)));
            }
            Timestamps::Delta => {
                let delta = time.saturating_sub(self.previous.unwrap_or(time));
                let sign = if delta < 0 { '-' } else { '+' };
                self.time.push_str(&format!("{sign}{:<7}", duration(delta.unsigned_abs())));
                self.previous = Some(time);
            }
        }
        let time = &self.time;
        self.style.paint.around(Some(Role::Faint), &mut self.text, |text| text.push_str(time));
        self.text.push(' ');
        // The micro sign is the only letter of a time that is more than a byte.
        self.time.chars().count() + 1
    }

    /// What was said, its later lines `indent` columns to the right, after `side`.
    fn body(&mut self, said: &str, role: Option<Role>, indent: usize, side: &str) {
        for (number, part) in said.trim_end().split('\n').enumerate() {
            if number > 0 {
                self.text.push('\n');
                self.text.extend(std::iter::repeat_n(' ', indent));
                self.style
                    .paint
                    .around(Some(Role::Faint).filter(|_| !side.is_empty()), &mut self.text, |text| text.push_str(side));
            }
            let part = part.strip_suffix('\r').unwrap_or(part);
            if self.marks.is_empty() || !self.style.paint.colour {
                self.style.paint.around(role, &mut self.text, |text| inert_into(part, text));
            } else {
                marked(part, &self.marks, role, self.style.paint, &mut self.text);
            }
        }
    }
}

/// The function that wrote a line.
pub(super) fn function(line: &Line) -> &str {
    if line.function.is_empty() { &line.service } else { &line.function }
}

fn short_time(moment: Moment, is_today: bool, into: &mut String) {
    if is_today { moment.clock(into) } else { moment.date_clock(into) }
}

/// `part` with what `marks` find standing out.
fn marked(part: &str, marks: &[Pattern], role: Option<Role>, paint: Paint, into: &mut String) {
    let mut places: Vec<(usize, usize)> = marks.iter().flat_map(|mark| mark.places(part)).collect();
    places.retain(|(start, end)| start < end);
    places.sort_unstable();
    let mut plain = |role, piece: &str| {
        if !piece.is_empty() {
            paint.around(role, into, |text| inert_into(piece, text));
        }
    };
    let mut done = 0;
    for (start, end) in places {
        let start = start.max(done);
        if start < end {
            plain(role, &part[done..start]);
            plain(Some(Role::Match), &part[start..end]);
            done = end;
        }
    }
    plain(role, &part[done..]);
}

/// `  order=9912 amount=42.10`, without those that have a column of their own.
fn attributes(attributes: &[(Text, Text)], into: &mut String) {
    let shown = attributes.iter().filter(|(key, _)| !ELSEWHERE.contains(&&**key));
    for (number, (key, value)) in shown.enumerate() {
        into.push_str(if number == 0 { "  " } else { " " });
        record::pair(key, value, into);
    }
}

/// Attributes that say what a column says, or what nobody reads.
const ELSEWHERE: [&str; 4] = ["faas.invocation_id", "log.record.uid", "log.iostream", "type"];

/// In seconds as long as these say something.
pub(super) fn lateness(nanos: u64) -> String {
    if nanos < 60_000_000_000 { format!("{:.1}s", nanos as f64 / 1e9) } else { duration(nanos) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(severity_number: u8, body: &str) -> Line {
        Line {
            time: 1_795_356_131_204_000_000,
            severity_number,
            trace_id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".into(),
            invocation_id: "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11".into(),
            body: body.into(),
            ..Line::default()
        }
    }

    fn plain() -> LineStyle {
        LineStyle { zone: Zone::Utc, now: 1_795_356_139_000_000_000, ..LineStyle::default() }
    }

    #[test]
    fn a_line_shows_when_how_grave_which_invocation_which_trace_and_what() {
        assert_eq!(
            draw(&line(9, "charging card\n"), None, plain()),
            "14:02:11.204 I 7f3a91c2 5f84c7a1 charging card\n"
        );
    }

    #[test]
    fn what_the_record_lacks_leaves_its_column() {
        let bare = Line { body: "x".into(), time: plain().now, ..Line::default() };
        assert_eq!(draw(&bare, None, plain()), "14:02:19.000 · -        -        x\n");
    }

    #[test]
    fn a_line_of_another_day_shows_its_date() {
        let drawn = draw(&line(9, "a\nb"), Some(93_600_000_000_000), LineStyle { now: 0, ..plain() });
        insta::assert_snapshot!(drawn, @r#"
        2026-11-22 14:02:11.204 I 7f3a91c2 5f84c7a1 a
                                                    b  late +1d02h
        "#);
    }

    #[test]
    fn a_stack_trace_stays_in_its_column() {
        let drawn = draw(&line(17, "Traceback:\r\n  File \"a.py\"\nboom"), None, plain());
        insta::assert_snapshot!(drawn, @r#"
        14:02:11.204 E 7f3a91c2 5f84c7a1 Traceback:
                                           File "a.py"
                                         boom
        "#);
    }

    #[test]
    fn a_late_line_says_by_how_much() {
        let drawn = draw(&line(13, "slow query"), Some(3_240_000_000), plain());
        assert_eq!(drawn, "14:02:11.204 W 7f3a91c2 5f84c7a1 slow query  late +3.2s\n");
    }

    #[test]
    fn a_log_cannot_act_on_the_terminal() {
        let drawn = draw(&line(9, "\x1b]52;c;cm0=\x07\u{9b}2J"), None, plain());
        assert!(!drawn.trim_end().chars().any(char::is_control), "{drawn:?}");
    }

    fn drawn(output: Output, style: LineStyle, marks: &[&str], lines: &[Line]) -> String {
        let marks = marks.iter().map(|mark| Pattern::new(mark).unwrap()).collect();
        let mut drawer = Drawer::new(output, style, marks);
        lines.iter().map(|line| String::from_utf8(drawer.draw(line, Place::default()).to_vec()).unwrap()).collect()
    }

    #[test]
    fn times_are_shown_in_the_form_that_was_asked_for() {
        let (one, mut two) = (line(9, "a"), line(9, "b"));
        two.time += 1_500_000;
        let forms = [Timestamps::Full, Timestamps::Rel, Timestamps::Delta, Timestamps::None];
        let shown = forms.map(|timestamps| {
            let style = LineStyle { timestamps, now: one.time + 61_000_000_000, ..plain() };
            drawn(Output::Short, style, &[], &[one.clone(), two.clone()])
        });
        insta::assert_snapshot!(shown.concat(), @r"
        2026-11-22T14:02:11.204Z a
        2026-11-22T14:02:11.205Z b
        -1m01s   a
        -1m00s   b
        +0       a
        +1.5ms   b
        a
        b
        ");
    }

    #[test]
    fn where_there_are_several_functions_each_line_names_its_own() {
        let one = Line { service: "checkout-worker".into(), ..line(9, "a\nb") };
        let shown = drawn(Output::Pretty, LineStyle { functions: 10, ..plain() }, &[], &[one]);
        insta::assert_snapshot!(shown, @r"
        14:02:11.204 I checkout-worker 7f3a91c2 5f84c7a1 a
                                                         b
        ");
    }

    #[test]
    fn attributes_follow_the_text_without_what_columns_say() {
        let pairs = [("faas.invocation_id", "x"), ("order", "9912"), ("note", "two words")];
        let attributes = pairs.map(|(key, value)| (key.into(), value.into())).into();
        let shown = drawn(
            Output::Pretty,
            LineStyle { attributes: true, ..plain() },
            &[],
            &[Line { attributes, ..line(9, "a") }],
        );
        assert_eq!(shown, "14:02:11.204 I 7f3a91c2 5f84c7a1 a  order=9912 note=\"two words\"\n");
    }

    #[test]
    fn what_is_sought_stands_out_and_stays_inert() {
        let coloured = LineStyle { paint: Paint { colour: true }, timestamps: Timestamps::None, ..plain() };
        let shown = drawn(Output::Short, coloured, &["c.r", "ard", "\x1b"], &[line(17, "my card\x1b")]);
        assert_eq!(shown, "\x1b[31mmy \x1b[0m\x1b[7mcar\x1b[0m\x1b[7md\x1b[0m\x1b[7m␛\x1b[0m\n");
    }

    #[test]
    fn colours_are_there_only_when_wanted() {
        let coloured = LineStyle { paint: Paint { colour: true }, ..plain() };
        assert!(draw(&line(17, "boom"), None, coloured).contains("\x1b[31mboom\x1b[0m"));
        assert!(!draw(&line(17, "boom"), None, plain()).contains('\x1b'));
    }
}
