//! A few things to choose from, over the screen.

use ratatui::{Frame, layout::Rect};

use super::{Scene, overlay};
use crate::{
    format::{inert, width},
    tui::{state::Choice, text::Row, theme::Part},
};

/// Draws the choices, each with the digit that chooses it.
pub(super) fn draw(scene: Scene<'_>, choice: &Choice, body: Rect, frame: &mut Frame<'_>) {
    let widest = choice.choices.iter().map(|text| width(&inert(text))).max().unwrap_or_default();
    let columns = u16::try_from(widest + 8).unwrap_or(u16::MAX).max(choice.title.len() as u16 + 4);
    let rows = u16::try_from(choice.choices.len() + 2).unwrap_or(u16::MAX);
    let inner = overlay(scene, choice.title, (columns, rows), body, frame);
    for ((at, text), y) in choice.choices.iter().enumerate().zip(inner.y..inner.bottom()) {
        let area = Rect { y, height: 1, ..inner };
        let mut row = Row::new(usize::from(inner.width));
        let digit = if at < 9 { format!(" {}  ", at + 1) } else { "    ".to_owned() };
        row.push(&digit, scene.style(Part::Key)).push(text, scene.style(Part::Text));
        frame.render_widget(row.line(), area);
        if at == choice.list.at {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
}
