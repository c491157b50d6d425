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
    let mut left = vec![("cost".to_owned(), Part::HeaderStrong), (times, Part::Text)];
    left.extend(super::filtered(&screen.shown));
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
    if screen.shown.count() == 0 && !screen.shown.filter.is_empty() {
        let words = "nothing here contains that; & changes it".to_owned();
        return problem::draw_middle(scene, &[(words, FAINT)], body, frame);
    }
    for ((at, selected), y) in screen.shown.in_view(usize::from(body.height)).zip(body.y..) {
        let area = Rect { y, height: 1, ..body };
        let line = &screen.lines[at];
        let is_assumed = screen.lines[..=at].iter().any(|line| line.starts_with("assumed:"));
        let style = scene.style(if is_assumed { FAINT } else { Part::Text });
        let mut row = Row::new(usize::from(body.width));
        row.push(" ", style).searched(line, &screen.shown.search, style, scene.style(Part::Match));
        frame.render_widget(row.line(), area);
        if selected {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
}
