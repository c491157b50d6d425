//! The bottom line: what is typed, what was said, what is waited for; else the keys worth knowing here.

use ratatui::{style::Style, text::Line};

use super::{Scene, functions};
use crate::{
    format::{cut, duration, width},
    render::style::Role,
    tui::{
        keys,
        state::{Overlay, Screen, State},
        text::Row,
        theme::Part,
    },
};

/// The line, and the column of the terminal's cursor where something is typed.
pub(super) fn line(scene: Scene<'_>) -> (Line<'static>, Option<u16>) {
    let mut row = Row::new(usize::from(scene.state.columns));
    if let Some(Overlay::Prompt(to, typed)) = &scene.state.overlay {
        row.push(" ", Style::new()).push(to.label(), scene.style(Part::Key)).push(&typed.text, scene.style(Part::Text));
        let column = 1 + width(to.label()) + width(&crate::format::inert(&typed.text[..typed.at]));
        return (row.line(), u16::try_from(column).ok());
    }
    let (left, part) = left(scene);
    let hints = hints(scene.state);
    // Whatever is said, the way to everything else stays in sight.
    let kept = hints.last().map_or(0, taken);
    let left = cut(&left, row.left().saturating_sub(kept + 2)).into_owned();
    row.push(" ", Style::new()).push(&left, scene.style(part));
    let mut needed = 1;
    let fitting = hints.iter().rev().take_while(|hint| {
        needed += taken(hint);
        needed <= row.left()
    });
    let shown = &hints[hints.len() - fitting.count()..];
    let used: usize = shown.iter().map(taken).sum();
    row.push(&" ".repeat(row.left().saturating_sub(used)), Style::new());
    for (key, hint) in shown {
        row.push(key, scene.style(Part::Key)).push(&format!(" {hint}  "), scene.style(Part::Of(Role::Faint)));
    }
    (row.line(), None)
}

/// How many columns a hint takes.
fn taken((key, hint): &(String, &'static str)) -> usize {
    width(key) + 1 + hint.len() + 2
}

fn left(scene: Scene<'_>) -> (String, Part) {
    let state = scene.state;
    if let Some(said) = &state.said {
        return (said.clone(), Part::Text);
    }
    if !state.pressed.is_empty() {
        let keys = state.pressed.iter().filter_map(|key| match key.code {
            crate::tui::event::Code::Char(c) => Some(c),
            _ => None,
        });
        return (keys.collect(), Part::Key);
    }
    if let Some(waited) = state.asked.waited(state.clock()) {
        let waited = waited.unsigned_abs();
        let tenths = duration(waited / 100_000_000 * 100_000_000);
        return (format!("{} {tenths}  Esc stops", scene.theme.spinner(waited)), Part::Of(Role::Warning));
    }
    if let Screen::Functions(screen) = state.screen() {
        return (functions::footnote(scene, screen).unwrap_or_default(), Part::Of(Role::Faint));
    }
    (state.screen().page().status().unwrap_or_default(), Part::Key)
}

/// The keys worth knowing here, the most important last: what does not fit is left out from the front.
fn hints(state: &State) -> Vec<(String, &'static str)> {
    let rows: Vec<_> = keys::rows(state.screen().page().scope()).collect();
    let hinted = rows.iter().filter_map(|row| Some((keys::shown(&row.keys[..1]), row.hint?)));
    hinted.collect()
}
