//! The errors screen: a line for each kind, and the newest of it whole at the bottom.

use lambdaview_queries::questions::errors::Group;
use ratatui::{Frame, layout::Rect, text::Line};

use super::{Scene, header as top_line, problem};
use crate::{
    format::{ago, count},
    render::style::Role,
    tui::{state::errors::Errors, text::Row, theme::Part},
};

const FAINT: Part = Part::Of(Role::Faint);

/// The first line.
pub(super) fn header(scene: Scene<'_>, screen: &Errors) -> Line<'static> {
    let state = scene.state;
    let kinds = match (screen.shown.count(), screen.total()) {
        (shown, total) if shown == total => format!("  {} kinds", count(total as u64)),
        (shown, total) => format!("  {} of {} kinds", count(shown as u64), count(total as u64)),
    };
    let mut left = vec![
        ("errors".to_owned(), Part::HeaderStrong),
        (screen.of.as_ref().map(|function| format!(" of {function}")).unwrap_or_default(), Part::HeaderStrong),
        (kinds, FAINT),
        (format!("  {}", state.times.shown(state.zone, state.now())), Part::Text),
    ];
    left.extend(super::filtered(&screen.shown));
    let right = screen.read_at.map(|at| (format!("as of {} ", &state.zone.clock(at)[..8]), FAINT));
    top_line(scene, &left, right.as_slice())
}

/// The kinds.
pub(super) fn draw(scene: Scene<'_>, screen: &Errors, body: Rect, frame: &mut Frame<'_>) {
    if let Some(problem) = &screen.problem {
        return problem::draw(scene, problem, body, frame);
    }
    if screen.shown.count() == 0 {
        let words = match (screen.read_at, screen.total()) {
            (None, _) => "asking…",
            (Some(_), 0) => "no errors in this time; T looks further back",
            (Some(_), _) => "no error contains that; & changes it",
        };
        return problem::draw_middle(scene, &[(words.to_owned(), FAINT)], body, frame);
    }
    let columns = usize::from(body.width);
    frame.render_widget(headings(scene, columns), Rect { height: 1, ..body });
    let height = usize::from(body.height.saturating_sub(1));
    for ((group, selected), y) in screen.in_view(height).zip(body.y + 1..body.bottom()) {
        let area = Rect { y, height: 1, ..body };
        frame.render_widget(line(scene, screen, group, columns), area);
        if selected {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
}

/// How wide the function's name is, where it is shown.
const fn name_width(columns: usize) -> usize {
    match columns {
        0..60 => 0,
        60..120 => 16,
        _ => 28,
    }
}

fn headings(scene: Scene<'_>, columns: usize) -> Line<'static> {
    let style = scene.style(Part::Heading);
    let mut row = Row::new(columns);
    row.push("  ", style).number("count", 8, style).number("inv%", 7, style).number("last", 6, style).push("  ", style);
    if name_width(columns) > 0 {
        row.column("function", name_width(columns), style).push("  ", style);
    }
    row.push("error", style);
    row.line()
}

fn line(scene: Scene<'_>, screen: &Errors, group: &Group, columns: usize) -> Line<'static> {
    let (text, faint) = (scene.style(Part::Text), scene.style(FAINT));
    let mut row = Row::new(columns);
    let share = group.of.filter(|all| *all > 0 && group.invocations > 0);
    let share = share.map_or_else(|| "-".to_owned(), |all| format!("{:.1}", percent(group.invocations, all)));
    row.push("  ", text).number(&count(group.count), 8, text).number(&share, 7, faint);
    row.number(&ago(group.last, scene.state.now()), 6, text).push("  ", text);
    if name_width(columns) > 0 {
        let first = group.functions.first().map(String::as_str).unwrap_or_default();
        let more = group.functions.len().saturating_sub(1);
        let names = if more > 0 { format!("{first} +{more}") } else { first.to_owned() };
        row.column(&names, name_width(columns), scene.style(Part::Of(Role::Strong))).push("  ", text);
    }
    let kind = if group.kind.is_empty() || group.message.starts_with(&group.kind) { "" } else { &group.kind };
    let words = if kind.is_empty() { group.message.clone() } else { format!("{kind}: {}", group.message) };
    row.searched(&words, &screen.shown.search, scene.style(Part::Of(Role::Error)), scene.style(Part::Match));
    row.line()
}

fn percent(part: u64, whole: u64) -> f64 {
    (part as f64 * 100.0 / whole as f64).min(100.0)
}
