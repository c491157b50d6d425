//! The cost screen.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{Scene, header as top_line, problem};
use crate::{
    render::style::Role,
    tui::{state::cost::Cost, text::Row, theme::Part},
};

const FAINT: Part = Part::Of(Role::Faint);

/// The first line.
pub(super) fn header(scene: Scene<'_>, screen: &Cost) -> Line<'static> {
    let state = scene.state;
    let times = format!("  {}", state.times.shown(state.zone, state.now()));
    let left = [("cost".to_owned(), Part::HeaderStrong), (times, Part::Text)];
    let right = screen.read_at.map(|at| (format!("as of {} ", &state.zone.clock(at)[..8]), FAINT));
    top_line(scene, &left, right.as_slice())
}

/// The reckoning.
pub(super) fn draw(scene: Scene<'_>, screen: &Cost, body: Rect, frame: &mut Frame<'_>) {
    if let Some(problem) = &screen.problem {
        return problem::draw(scene, problem, body, frame);
    }
    if screen.read_at.is_none() {
        return problem::draw_middle(scene, &[("asking…".to_owned(), FAINT)], body, frame);
    }
    let shown = screen.list.shown(screen.lines.len(), usize::from(body.height));
    for (at, y) in shown.zip(body.y..) {
        let area = Rect { y, height: 1, ..body };
        let line = &screen.lines[at];
        let is_assumed = screen.lines[..=at].iter().any(|line| line.starts_with("assumed:"));
        let style = scene.style(if is_assumed { FAINT } else { Part::Text });
        let mut row = Row::new(usize::from(body.width));
        row.push(" ", style).searched(line, &screen.search, style, scene.style(Part::Match));
        frame.render_widget(row.line(), area);
        if at == screen.list.at {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
}
