//! Why a screen has nothing to show, and what to do about it, in its middle.

use ratatui::{Frame, layout::Rect};

use super::Scene;
use crate::{
    render::style::Role,
    tui::{
        ask::Problem,
        text::{Row, wrapped},
        theme::{Part, Sign},
    },
};

/// Draws a problem.
pub(super) fn draw(scene: Scene<'_>, problem: &Problem, body: Rect, frame: &mut Frame<'_>) {
    let columns = usize::from(body.width.saturating_sub(4)).min(96);
    let mut lines = Vec::new();
    let what = wrapped(&format!("{} {}", scene.sign(Sign::Problem), problem.what), columns, 0);
    lines.extend(what.into_iter().map(|line| (line, Part::Of(Role::Error))));
    let next = problem.next.iter().flat_map(|next| wrapped(&format!("try: {next}"), columns, 0));
    lines.extend(next.map(|line| (line, Part::Text)));
    lines.push((String::new(), Part::Text));
    lines.push(("R asks again   q goes back".to_owned(), Part::Of(Role::Faint)));
    draw_middle(scene, &lines, body, frame);
}

/// Draws lines in the middle of the body.
pub(super) fn draw_middle(scene: Scene<'_>, lines: &[(String, Part)], body: Rect, frame: &mut Frame<'_>) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let widest = lines.iter().map(|(line, _)| crate::format::width(line)).max().unwrap_or_default();
    let left = body.width.saturating_sub(u16::try_from(widest).unwrap_or(u16::MAX)) / 2;
    let top = body.y + body.height.saturating_sub(height) / 3;
    for ((line, part), y) in lines.iter().zip(top..body.bottom()) {
        let area = Rect { x: body.x + left, y, width: body.width - left, height: 1 };
        let mut row = Row::new(usize::from(area.width));
        row.push(line, scene.style(*part));
        frame.render_widget(row.line(), area);
    }
}
