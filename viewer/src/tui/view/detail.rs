//! One thing whole: its text, then names and values.

use ratatui::{Frame, layout::Rect, style::Style, text::Line};

use super::{Scene, header as top_line};
use crate::{
    render::style::{Paint, Role},
    tui::{
        state::detail::{Detail, Entry, Laid, Thing},
        text::Row,
        theme::{Part, Sign},
    },
};

/// The first line of the screen.
pub(super) fn header(scene: Scene<'_>, screen: &Detail) -> Line<'static> {
    let faint = Part::Of(Role::Faint);
    let state = match (&screen.whole, screen.is_gone) {
        (_, true) => "the row is not there any more ".to_owned(),
        (None, false) => "reading the rest ".to_owned(),
        (Some(_), false) => String::new(),
    };
    let mut left = vec![(screen.title(), Part::HeaderStrong)];
    left.extend(super::filtered(&screen.shown));
    top_line(scene, &left, &[(state, faint)])
}

/// The entries; the one under the cursor stands out where keys go to them.
pub(super) fn draw(scene: Scene<'_>, screen: &Detail, has_focus: bool, body: Rect, frame: &mut Frame<'_>) {
    let height = usize::from(body.height);
    for ((at, selected), y) in screen.shown.in_view(height).zip(body.y..body.bottom()) {
        let area = Rect { y, height: 1, ..body };
        frame.render_widget(line(scene, screen, &screen.rows[at], body.width), area);
        if has_focus && selected {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
    if let Some(problem) = &screen.problem {
        let mut row = Row::new(usize::from(body.width));
        let text = format!(" {} {}", scene.sign(Sign::Problem), problem.what);
        row.push(&text, scene.style(Part::Of(Role::Error)));
        frame
            .render_widget(row.line(), Rect { y: body.bottom().saturating_sub(1), height: 1.min(body.height), ..body });
    }
}

fn line(scene: Scene<'_>, screen: &Detail, laid: &Laid, columns: u16) -> Line<'static> {
    let mut row = Row::new(usize::from(columns));
    let (search, found) = (&screen.shown.search, scene.style(Part::Match));
    let Laid { entry, piece, is_first } = laid;
    match &screen.entries[*entry] {
        Entry::Heading(_) => row.push(" ", Style::new()).push(piece, scene.style(Part::Heading)),
        Entry::Text(_) => row.push(" ", Style::new()).searched(piece, search, text_style(scene, screen), found),
        Entry::Field(name, _) => {
            let name = if *is_first { name } else { "" };
            row.push("   ", Style::new()).column(name, screen.names, scene.style(Part::Of(Role::Faint)));
            row.push("  ", Style::new()).searched(piece, search, Style::new(), found)
        }
    };
    row.line()
}

fn text_style(scene: Scene<'_>, screen: &Detail) -> Style {
    let severity = match &screen.thing {
        Thing::Line(line) => Paint::of_severity(line.severity),
        Thing::Span(..) => None,
    };
    severity.map_or(Style::new(), |role| scene.style(Part::Of(role)))
}
