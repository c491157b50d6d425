//! What the state looks like. Draws and changes nothing.

mod bottom;
mod choose;
mod cost;
mod detail;
mod errors;
mod frame;
mod functions;
mod help;
mod invocations;
mod palette;
mod problem;
mod tail;
#[cfg(test)]
mod tests;
mod trace;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    text::Line,
};

use super::{
    state::{Overlay, Screen, State, narrowed::Narrowed},
    text::Row,
    theme::{Part, Sign, Theme},
};
use crate::{format::width, render::style::Role};

/// What every part of the picture is drawn with.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The state.
    pub state: &'a State,
    /// How it looks.
    pub theme: Theme,
}

impl Scene<'_> {
    /// How `part` looks.
    #[must_use]
    pub fn style(&self, part: Part) -> Style {
        self.theme.style(part)
    }

    /// The sign for something.
    #[must_use]
    pub const fn sign(&self, sign: Sign) -> &'static str {
        self.theme.sign(sign)
    }
}

/// Draws the state.
pub fn draw(state: &State, theme: Theme, frame: &mut Frame<'_>) {
    let scene = Scene { state, theme };
    let area = frame.area();
    if area.width < 20 || area.height < 4 {
        frame.render_widget(Line::from("too small"), area);
        return;
    }
    let header = Rect { height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let bottom = Rect { y: area.y + area.height - 1, height: 1, ..area };
    match state.screen() {
        Screen::Functions(screen) => {
            frame.render_widget(functions::header(scene, screen), header);
            functions::draw(scene, screen, body, frame);
        }
        Screen::Errors(screen) => {
            frame.render_widget(errors::header(scene, screen), header);
            errors::draw(scene, screen, body, frame);
        }
        Screen::Cost(screen) => {
            frame.render_widget(cost::header(scene, screen), header);
            cost::draw(scene, screen, body, frame);
        }
        Screen::Tail(screen) => {
            frame.render_widget(tail::header(scene, screen), header);
            tail::draw(scene, screen, body, frame);
        }
        Screen::Invocations(screen) => {
            frame.render_widget(invocations::header(scene, screen), header);
            invocations::draw(scene, screen, body, frame);
        }
        Screen::Trace(screen) => {
            frame.render_widget(trace::header(scene, screen), header);
            trace::draw(scene, screen, body, frame);
        }
        Screen::Detail(screen) => {
            frame.render_widget(detail::header(scene, screen), header);
            detail::draw(scene, screen, true, body, frame);
        }
    }
    match &state.overlay {
        Some(Overlay::Help(list)) => help::draw(scene, *list, body, frame),
        Some(Overlay::Palette(palette)) => palette::draw(scene, palette, body, frame),
        Some(Overlay::Sql(lines, list)) => help::draw_sql(scene, lines, *list, body, frame),
        Some(Overlay::Choose(choice)) => choose::draw(scene, choice, body, frame),
        Some(Overlay::Prompt(..)) | None => {}
    }
    let (line, cursor) = bottom::line(scene);
    frame.render_widget(line, bottom);
    if theme.ascii {
        plain(frame.buffer_mut());
    }
    if let Some(column) = cursor {
        frame.set_cursor_position(Position { x: (bottom.x + column).min(area.right() - 1), y: bottom.y });
    }
}

/// The signs that are left of ours, in ASCII's. What logs say stays as it is.
fn plain(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let sign = match cell.symbol() {
            "…" => "~",
            "–" | "·" => "-",
            "↑" => "^",
            "↓" => "v",
            "←" => "<",
            "→" => ">",
            _ => continue,
        };
        cell.set_symbol(sign);
    }
}

/// The first line: where this is on the left, how it is on the right.
#[must_use]
pub fn header(scene: Scene<'_>, left: &[(String, Part)], right: &[(String, Part)]) -> Line<'static> {
    let columns = usize::from(scene.state.columns);
    let mut row = Row::new(columns);
    let server = &scene.state.server;
    row.push(" ", scene.style(Part::Header)).push(server, scene.style(Part::HeaderStrong));
    row.push(&format!(" {} ", scene.sign(Sign::Separator)), scene.style(Part::Of(Role::Faint)));
    let needed: usize = right.iter().map(|(text, _)| width(text)).sum();
    let mut place = Row::new(row.left().saturating_sub(needed + 1));
    for (text, part) in left {
        place.push(text, scene.style(*part));
    }
    let room = row.left().saturating_sub(needed);
    row.append(place, room);
    for (text, part) in right {
        row.push(text, scene.style(*part));
    }
    row.line()
}

/// What a list's items must contain, where they must.
fn filtered(list: &Narrowed) -> Option<(String, Part)> {
    (!list.filter.is_empty()).then(|| (format!("  & {}", list.filter), Part::Of(Role::Warning)))
}

/// A box in the middle of `within`, with everything under it wiped.
pub fn overlay(scene: Scene<'_>, title: &str, size: (u16, u16), within: Rect, frame: &mut Frame<'_>) -> Rect {
    use ratatui::{
        symbols::border,
        widgets::{Block, Clear},
    };
    const ASCII: border::Set<'static> = border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    };
    let (columns, rows) = (size.0.min(within.width), size.1.min(within.height));
    let area = Rect {
        x: within.x + (within.width - columns) / 2,
        y: within.y + (within.height - rows) / 2,
        width: columns,
        height: rows,
    };
    let set = if scene.theme.ascii { ASCII } else { border::ROUNDED };
    let block = Block::bordered().border_set(set).border_style(scene.style(Part::Border)).title(title.to_owned());
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    inner
}
