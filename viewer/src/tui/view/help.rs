//! The keys, over the screen: those of the screen beside those that hold everywhere.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{Scene, overlay};
use crate::{
    render::style::Role,
    tui::{
        keys::{self, Binding, Scope},
        state::list::List,
        text::Row,
        theme::Part,
    },
};

/// Draws the help from the line `list.top` on.
pub(super) fn draw(scene: Scene<'_>, list: List, body: Rect, frame: &mut Frame<'_>) {
    let scope = scene.state.screen().page().scope();
    let lines = lines(scene, scope);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let inner = overlay(scene, " keys ", (76, height), body, frame);
    for (line, y) in lines.into_iter().skip(list.top).zip(inner.y..inner.bottom()) {
        frame.render_widget(line, Rect { y, height: 1, ..inner });
    }
}

/// Draws what was asked, from the line `list.top` on.
pub(super) fn draw_sql(scene: Scene<'_>, text: &[String], list: List, body: Rect, frame: &mut Frame<'_>) {
    let height = u16::try_from(text.len() + 2).unwrap_or(u16::MAX);
    let inner = overlay(scene, " sql ", (120, height), body, frame);
    for (line, y) in text.iter().skip(list.top).zip(inner.y..inner.bottom()) {
        let mut row = Row::new(usize::from(inner.width));
        let part = if line.starts_with("--") { Part::Of(Role::Faint) } else { Part::Text };
        row.push(" ", scene.style(part)).push(line, scene.style(part));
        frame.render_widget(row.line(), Rect { y, height: 1, ..inner });
    }
}

fn lines(scene: Scene<'_>, scope: Scope) -> Vec<Line<'static>> {
    let heading = |scope| {
        let mut row = Row::new(72);
        row.push(&format!(" {}", keys::heading(scope)), scene.style(Part::HeaderStrong));
        row.line()
    };
    let (own, everywhere): (Vec<&Binding>, Vec<&Binding>) = keys::rows(scope).partition(|row| row.scope == scope);
    let mut lines = vec![heading(scope)];
    lines.extend(own.into_iter().map(|row| line(scene, row)));
    lines.push(Line::default());
    lines.push(heading(Scope::Everywhere));
    lines.extend(everywhere.into_iter().map(|row| line(scene, row)));
    lines
}

fn line(scene: Scene<'_>, binding: &Binding) -> Line<'static> {
    let mut row = Row::new(72);
    row.push("   ", scene.style(Part::Text));
    row.column(&keys::shown(binding.keys), 19, scene.style(Part::Key)).push(binding.help, scene.style(Part::Text));
    row.line()
}
