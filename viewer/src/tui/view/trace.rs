//! The trace screen: the rows of a trace as they are drawn everywhere, a line of notes, and the detail below.

use ratatui::{Frame, layout::Rect, style::Style, text::Line};

use super::{Scene, detail, header as top_line, problem};
use crate::{
    render::style::Role,
    trace::picture::{Picture, PictureStyle, Piece, notes},
    tui::{
        state::trace::{Drawn, Focus, Waterfall},
        text::Row,
        theme::{Part, Sign},
    },
};

/// The first line.
pub(super) fn header(scene: Scene<'_>, screen: &Waterfall) -> Line<'static> {
    let faint = Part::Of(Role::Faint);
    let Some(drawn) = &screen.drawn else {
        return top_line(scene, &[(crate::tui::state::page::Page::name(screen), Part::HeaderStrong)], &[]);
    };
    let heading = picture(scene, screen, drawn).heading(true);
    let part = |piece: Piece| (piece.text, piece.role.map_or(Part::Text, Part::Of));
    let mut left: Vec<(String, Part)> = heading.what.into_iter().map(part).collect();
    if usize::from(scene.state.columns) >= 100 {
        left.push(("   ".to_owned(), faint));
        left.extend(heading.who.into_iter().map(part));
    }
    if !screen.filter.is_empty() {
        left.push((format!("  & {}", screen.filter), Part::Of(Role::Warning)));
    }
    let mut right = Vec::new();
    let mut add = |is_off: bool, what: &str| {
        if is_off {
            right.push((format!(" {what}"), Part::Of(Role::Warning)));
        }
    };
    add(!screen.shown.logs, "logs off");
    add(!screen.shown.spans, "spans off");
    add(screen.shown.flat, "flat");
    add(screen.shown.errors, "errors only");
    add(screen.shown.root.is_some(), "re-rooted");
    add(!screen.critical, "crit off");
    top_line(scene, &left, &right)
}

/// The rows.
pub(super) fn draw(scene: Scene<'_>, screen: &Waterfall, body: Rect, frame: &mut Frame<'_>) {
    if let Some(problem) = &screen.problem {
        return problem::draw(scene, problem, body, frame);
    }
    let Some(drawn) = &screen.drawn else {
        let lines = [(screen.nothing(), if screen.is_answered { Part::Text } else { Part::Of(Role::Faint) })];
        return problem::draw_middle(scene, &lines, body, frame);
    };
    if screen.rows.is_empty() && !screen.filter.is_empty() {
        let words = "no row here contains that; & changes it".to_owned();
        return problem::draw_middle(scene, &[(words, Part::Of(Role::Faint))], body, frame);
    }
    let rows = usize::from(body.height);
    let height = screen.height(rows);
    let picture = picture(scene, screen, drawn);
    frame.render_widget(line(scene, screen, vec![picture.axis()], body.width), Rect { height: 1, ..body });
    let shown = screen.list.shown(screen.rows.len(), height);
    for (at, y) in shown.zip(body.y + 1..) {
        let row = screen.rows[at];
        let area = Rect { y, height: 1, ..body };
        let pieces = picture.row(row, Some(screen.fold(row)));
        frame.render_widget(line(scene, screen, pieces, body.width), area);
        if at == screen.list.at {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
    let below = u16::try_from(1 + height).unwrap_or(u16::MAX).min(body.height);
    draw_notes(scene, drawn, Rect { y: body.y + below, height: 1.min(body.height - below), ..body }, frame);
    if let Some(open) = &screen.detail {
        let top = (below + 1).min(body.height);
        let area = Rect { y: body.y + top, height: body.height - top, ..body };
        draw_detail(scene, screen, open, area, frame);
    }
}

fn picture<'a>(scene: Scene<'_>, screen: &Waterfall, drawn: &'a Drawn) -> Picture<'a> {
    let style = PictureStyle {
        columns: usize::from(scene.state.columns),
        zone: scene.state.zone,
        ascii: scene.theme.ascii,
        window: screen.window,
        critical: screen.critical,
        cut: true,
    };
    Picture { trace: &drawn.trace, layout: &drawn.layout, style }
}

fn line(scene: Scene<'_>, screen: &Waterfall, pieces: Vec<Piece>, columns: u16) -> Line<'static> {
    let mut row = Row::new(usize::from(columns));
    for piece in pieces {
        let style = piece.role.map_or(Style::new(), |role| scene.style(Part::Of(role)));
        row.searched(&piece.text, &screen.search, style, scene.style(Part::Match));
    }
    row.line()
}

fn draw_notes(scene: Scene<'_>, drawn: &Drawn, area: Rect, frame: &mut Frame<'_>) {
    let notes = notes(&drawn.trace, &drawn.layout);
    if notes.is_empty() {
        return;
    }
    let separator = format!(" {} ", scene.sign(Sign::Separator));
    let mut row = Row::new(usize::from(area.width));
    let text = format!(" {} {}", scene.sign(Sign::Warning), notes.join(&separator));
    row.push(&text, scene.style(Part::Of(Role::Warning)));
    frame.render_widget(row.line(), area);
}

/// The detail below the rows, under a rule that names it.
fn draw_detail(
    scene: Scene<'_>,
    screen: &Waterfall,
    open: &crate::tui::state::detail::Detail,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    if area.height == 0 {
        return;
    }
    let has_focus = screen.focus == Focus::Detail;
    let rule = scene.sign(Sign::Rule);
    let mut row = Row::new(usize::from(area.width));
    row.push(&rule.repeat(2), scene.style(Part::Border));
    row.push(&format!(" {} ", open.title()), scene.style(if has_focus { Part::Key } else { Part::Heading }));
    let hint = if has_focus { " Tab closes " } else { " Tab goes into it " };
    let fill = row.left().saturating_sub(hint.len() + 2);
    row.push(&rule.repeat(fill), scene.style(Part::Border)).push(hint, scene.style(Part::Of(Role::Faint)));
    row.push(&rule.repeat(2), scene.style(Part::Border));
    frame.render_widget(row.line(), Rect { height: 1, ..area });
    detail::draw(scene, open, has_focus, Rect { y: area.y + 1, height: area.height - 1, ..area }, frame);
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::questions::trace::Trace;

    use crate::{
        ask::TraceRef,
        trace::sample::{REQUEST, large, payment},
        tui::{
            ask::Answer,
            event::Event,
            sample::Viewer,
            state::{Screen, trace::Waterfall},
        },
    };

    fn open(columns: u16, rows: u16, trace: Trace) -> Viewer {
        let screen = Screen::Trace(Box::new(Waterfall::of(TraceRef::Trace(trace.id.clone()))));
        let mut viewer = Viewer::new(screen, columns, rows);
        let (ticket, _) = viewer.asked();
        viewer.answer(ticket, Answer::Trace(Box::new(trace))).event(Event::Ended(ticket));
        viewer
    }

    #[test]
    fn the_trace_screen_in_three_sizes() {
        for (columns, rows) in [(80, 24), (120, 40), (300, 100)] {
            insta::assert_snapshot!(format!("trace_{columns}x{rows}"), open(columns, rows, payment()).picture());
        }
    }

    #[test]
    fn a_trace_folded_zoomed_and_with_a_detail() {
        insta::assert_snapshot!("trace_folded", open(80, 24, payment()).press("jjjhj").picture());
        insta::assert_snapshot!("trace_zoomed", open(120, 24, payment()).press("eee++").picture());
        insta::assert_snapshot!("trace_detail", open(120, 40, payment()).press("jjj<Tab><Tab>").picture());
        insta::assert_snapshot!("trace_errors_of_a_line", open(80, 24, payment()).press("eee<Tab>").picture());
        insta::assert_snapshot!("trace_rerooted", open(100, 24, payment()).press("jjj.aA").picture());
        insta::assert_snapshot!("detail_80x24", open(80, 24, payment()).press("e<Enter>").picture());
    }

    #[test]
    fn the_end_of_a_large_trace_is_reached_and_drawn() {
        let mut viewer = open(120, 24, large(10_000));
        let picture = viewer.press("G").picture();
        assert!(picture.contains("line 2221 "), "{picture}");
    }

    #[test]
    fn a_trace_that_nobody_knows_is_said() {
        let screen = Screen::Trace(Box::new(Waterfall::of(TraceRef::Invocation(REQUEST.to_owned()))));
        let mut viewer = Viewer::new(screen, 80, 24);
        assert!(viewer.picture().contains("asking"));
        let (ticket, _) = viewer.asked();
        viewer.answer(ticket, Answer::Trace(Box::default()));
        assert!(viewer.picture().contains(&format!("no span and no log line has the request id {REQUEST}")));
    }
}
