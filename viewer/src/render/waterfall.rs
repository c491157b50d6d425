//! A trace as text: its picture with colours for a terminal, or without.

use lambdaview_queries::questions::trace::Trace;

use super::style::{Paint, Role};
use crate::{
    format::{Zone, inert, width, without_runtime_prefix},
    trace::{
        Folds, Item, Layout, RowAt, Shown,
        picture::{self, Picture, PictureStyle, Piece},
        rows,
    },
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
    /// Whether only characters of ASCII are used.
    pub ascii: bool,
    /// Which rows are drawn.
    pub shown: Shown,
}

/// `trace` as text.
#[must_use]
pub fn draw(trace: &Trace, style: WaterfallStyle) -> String {
    let layout = Layout::of(trace);
    let WaterfallStyle { columns, zone, ascii, .. } = style;
    let window = (layout.from, layout.until);
    let cut = style.cut && !style.full;
    let picture_style = PictureStyle { columns, zone, ascii, window, critical: true, cut };
    let picture = Picture { trace, layout: &layout, style: picture_style };
    let mut text = Text { paint: style.paint, text: String::new() };
    let heading = picture.heading(false);
    text.row(&heading.what);
    text.row(&heading.who);
    text.row(&[picture.axis()]);
    for row in rows(trace, &layout, &style.shown, &Folds::default()) {
        text.row(&picture.row(row, None));
        if style.full {
            rest(trace, &layout, row).for_each(|(line, role)| text.row(&[Piece::new(line, role)]));
        }
    }
    for note in picture::notes(trace, &layout) {
        text.row(&[Piece::new(format!("note: {note}"), Role::Warning)]);
    }
    text.text
}

/// What is written, and how.
struct Text {
    paint: Paint,
    text: String,
}

impl Text {
    /// A row without the room at its end; one that is empty is none.
    fn row(&mut self, pieces: &[Piece]) {
        let ends = pieces.iter().rposition(|piece| !piece.text.trim_end().is_empty());
        let Some(last) = ends else { return };
        for piece in &pieces[..last] {
            self.text.push_str(&self.paint.maybe(piece.role, &piece.text));
        }
        self.text.push_str(&self.paint.maybe(pieces[last].role, pieces[last].text.trim_end()));
        self.text.push('\n');
    }
}

/// The lines after the first of a row's text, below where that begins.
fn rest<'a>(trace: &'a Trace, layout: &Layout, row: RowAt) -> impl Iterator<Item = (String, Option<Role>)> + 'a {
    let (text, role, sigil) = match layout.nodes[row.node].item {
        Item::Line(at) => {
            let line = &trace.lines[at];
            let said = without_runtime_prefix(&line.body, &line.invocation_id);
            (said, Paint::of_severity(line.severity_number), "· I ")
        }
        Item::Failure(at) => (&*trace.spans[at].status_message, Some(Role::Error), "! "),
        _ => ("", None, ""),
    };
    let indent = " ".repeat(picture::indent(row.depth) + width(sigil));
    text.trim_end().lines().skip(1).map(move |line| (format!("{indent}{}", inert(line)), role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sample::{line, line_of, payment, span};

    fn style(columns: usize) -> WaterfallStyle {
        let paint = Paint::default();
        WaterfallStyle {
            columns,
            zone: Zone::Utc,
            paint,
            cut: true,
            full: false,
            ascii: false,
            shown: Shown::default(),
        }
    }

    #[test]
    fn a_trace_in_eighty_columns() {
        insta::assert_snapshot!(draw(&payment(), style(80)));
    }

    #[test]
    fn a_trace_in_a_hundred_and_forty_columns() {
        insta::assert_snapshot!(draw(&payment(), style(140)));
    }

    #[test]
    fn a_trace_in_ascii() {
        let drawn = draw(&payment(), WaterfallStyle { ascii: true, ..style(120) });
        assert!(drawn.is_ascii(), "{drawn}");
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn no_row_is_wider_than_the_terminal() {
        for columns in [80, 140, 200, 300] {
            let drawn = draw(&payment(), style(columns));
            let rows = drawn.lines().skip(2).filter(|row| !row.starts_with("note: "));
            assert!(rows.clone().all(|row| width(row) <= columns), "{columns}:\n{drawn}");
        }
    }

    #[test]
    fn nothing_is_cut_when_nobody_asked_for_it() {
        let drawn = draw(&payment(), WaterfallStyle { cut: false, full: true, ..style(40) });
        assert!(drawn.contains("charging card order=9912 amount=42.10") && drawn.contains("    raise"), "{drawn}");
    }

    #[test]
    fn a_trace_with_only_logs_is_its_lines_by_invocation() {
        let lines = vec![
            line_of("r1", 1, "one"),
            line_of("r2", 2, "other"),
            line_of("r1", 300, "two\nof two lines"),
            line("", 400, 17, "nobody's line"),
        ];
        let trace = Trace { id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned(), lines, ..Trace::default() };
        insta::assert_snapshot!(draw(&trace, style(80)));
    }

    #[test]
    fn names_from_elsewhere_cannot_act_on_the_terminal() {
        let mut trace = payment();
        for span in &mut trace.spans {
            for text in
                [&mut span.name, &mut span.function, &mut span.service, &mut span.version, &mut span.status_message]
            {
                *text = "\x1b[2J\u{202e}\x07".into();
            }
            span.attributes.iter_mut().for_each(|(_, value)| *value = "4\x1b]0;x\x07".into());
            span.link_trace_ids = vec!["\x1b[31m".into()];
        }
        for line in &mut trace.lines {
            line.body = "\x1b[2J\n\u{9b}31m".into();
        }
        trace.id = "\x1b[2J".to_owned();
        let drawn = draw(&trace, WaterfallStyle { full: true, ..style(200) });
        assert!(!drawn.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{drawn}");
    }

    #[test]
    fn a_trace_of_no_length_has_a_bar() {
        let trace = Trace { spans: vec![span("a", "", "Server", "x", (0, 0))], ..Trace::default() };
        assert!(draw(&trace, style(80)).contains('█'));
    }

    #[test]
    fn colours_tell_the_path_and_what_failed() {
        let paint = Paint { colour: true };
        let drawn = draw(&payment(), WaterfallStyle { paint, ..style(120) });
        assert!(drawn.contains("\x1b[31m✗ POST /charges") && drawn.contains("\x1b[93m█"), "{drawn}");
    }
}
