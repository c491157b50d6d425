//! The palette, over the screen.

use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use super::{Scene, overlay};
use crate::{
    format::{count, width},
    render::style::Role,
    tui::{
        state::palette::{HEIGHT, Palette},
        text::Row,
        theme::Part,
    },
};

/// Draws it.
pub(super) fn draw(scene: Scene<'_>, palette: &Palette, body: Rect, frame: &mut Frame<'_>) {
    let inner = overlay(scene, " what to do ", (72, HEIGHT as u16 + 3), body, frame);
    let columns = usize::from(inner.width);
    let mut first = Row::new(columns);
    first.push(" : ", scene.style(Part::Key)).push(&palette.typed.text, scene.style(Part::Text));
    first.at_end(&format!("{} ", count(palette.count() as u64)), scene.style(Part::Of(Role::Faint)));
    frame.render_widget(first.line(), Rect { height: 1, ..inner });
    let cursor = 3 + width(&palette.typed.text[..palette.typed.at]);
    frame.set_cursor_position(Position { x: inner.x + u16::try_from(cursor).unwrap_or_default(), y: inner.y });
    for ((found, selected), y) in palette.rows().zip(inner.y + 1..inner.bottom()) {
        let mut row = Row::new(columns);
        row.push(" ", scene.style(Part::Text)).column(&found.name, 26, scene.style(Part::Of(Role::Strong)));
        row.column(&found.keys, 14, scene.style(Part::Key)).push(found.help, scene.style(Part::Of(Role::Faint)));
        let area = Rect { y, height: 1, ..inner };
        frame.render_widget(row.line(), area);
        if selected {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
}
