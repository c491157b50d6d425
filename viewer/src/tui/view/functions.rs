//! The functions screen: a table that sheds columns where there is little room.

use lambdaview_queries::questions::functions::Summary;
use ratatui::{Frame, layout::Rect, text::Line};

use super::{Scene, header as top_line, problem};
use crate::{
    format::{ago, bytes, count, duration, width},
    render::style::Role,
    tui::{
        state::functions::{Column, Functions},
        text::Row,
        theme::{Part, Sign},
    },
};

/// The first line.
pub(super) fn header(scene: Scene<'_>, screen: &Functions) -> Line<'static> {
    let faint = Part::Of(Role::Faint);
    let count = match (screen.shown.count(), screen.total()) {
        (shown, total) if shown == total => format!("  {}", count(total as u64)),
        (shown, total) => format!("  {} of {}", count(shown as u64), count(total as u64)),
    };
    let state = scene.state;
    let order = if screen.ascending { Sign::Ascending } else { Sign::Descending };
    let mut left = vec![
        ("functions".to_owned(), Part::HeaderStrong),
        (count, faint),
        (format!("  {}", state.times.shown(state.zone, state.now())), Part::Text),
        (format!("  sort: {} {}", screen.sort.heading(), scene.sign(order)), faint),
    ];
    if !screen.shown.filter.is_empty() {
        left.push((format!("  & {}", screen.shown.filter), Part::Of(Role::Warning)));
    }
    let right = match screen.read_at {
        Some(at) => vec![(format!("as of {} ", &state.zone.clock(at)[..8]), faint)],
        None => Vec::new(),
    };
    top_line(scene, &left, &right)
}

/// The table.
pub(super) fn draw(scene: Scene<'_>, screen: &Functions, body: Rect, frame: &mut Frame<'_>) {
    if let Some(problem) = &screen.problem {
        return problem::draw(scene, problem, body, frame);
    }
    if screen.shown.count() == 0 {
        return problem::draw_middle(scene, &nothing(screen), body, frame);
    }
    let height = usize::from(body.height.saturating_sub(1));
    let rows: Vec<(&Summary, bool)> = screen.in_view(height).collect();
    let now = scene.state.now();
    let columns = columns(usize::from(body.width), &rows, now);
    frame.render_widget(headings(scene, screen, &columns, usize::from(body.width)), Rect { height: 1, ..body });
    for ((function, selected), y) in rows.into_iter().zip(body.y + 1..body.bottom()) {
        let area = Rect { y, height: 1, ..body };
        frame.render_widget(line(scene, screen, function, &columns, usize::from(body.width)), area);
        if selected {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
}

fn nothing(screen: &Functions) -> Vec<(String, Part)> {
    let faint = Part::Of(Role::Faint);
    match (screen.read_at, screen.shown.filter.is_empty()) {
        (None, _) => vec![("asking…".to_owned(), faint)],
        (Some(_), false) => vec![("no function's name contains that; & changes it".to_owned(), faint)],
        (Some(_), true) => vec![
            ("no function wrote anything in this time".to_owned(), Part::Text),
            ("T looks further back, R asks again".to_owned(), faint),
        ],
    }
}

/// The columns there is room for, and how wide each is; the name takes what the others leave.
fn columns(room: usize, rows: &[(&Summary, bool)], now: i64) -> Vec<(Column, usize)> {
    // Those that say most come first.
    const BY_WORTH: [Column; 8] = [
        Column::Invocations,
        Column::Failed,
        Column::P95,
        Column::Errors,
        Column::Last,
        Column::P50,
        Column::Bytes,
        Column::Lines,
    ];
    let longest = rows.iter().map(|(row, _)| width(&crate::format::inert(&row.name))).max().unwrap_or_default();
    let name = longest.clamp(12, 40.max(room / 3));
    let mut left = room.saturating_sub(name + 4);
    let mut kept = Vec::new();
    for column in BY_WORTH {
        let cells = rows.iter().map(|(row, _)| width(&cell(column, row, now)));
        let needed = cells.chain([column.heading().len() + 1]).max().unwrap_or_default();
        if needed + 2 > left {
            break;
        }
        left -= needed + 2;
        kept.push((column, needed));
    }
    let name = (Column::Name, (name + left).min(longest.max(name)));
    let others = Column::ALL.iter().filter_map(|column| kept.iter().find(|(kept, _)| kept == column).copied());
    std::iter::once(name).chain(others).collect()
}

fn headings(scene: Scene<'_>, screen: &Functions, columns: &[(Column, usize)], room: usize) -> Line<'static> {
    let mut row = Row::new(room);
    row.push("   ", scene.style(Part::Heading));
    for (column, width) in columns {
        let order = if screen.ascending { Sign::Ascending } else { Sign::Descending };
        let sorted = *column == screen.sort;
        let text =
            if sorted { format!("{}{}", column.heading(), scene.sign(order)) } else { column.heading().to_owned() };
        let style = scene.style(if sorted { Part::Key } else { Part::Heading });
        match column {
            Column::Name => row.column(&text, *width, style),
            _ => row.push("  ", style).number(&text, *width, style),
        };
    }
    row.line()
}

fn line(
    scene: Scene<'_>,
    screen: &Functions,
    function: &Summary,
    columns: &[(Column, usize)],
    room: usize,
) -> Line<'static> {
    let mut row = Row::new(room);
    row.push("   ", scene.style(Part::Text));
    for (column, width) in columns {
        if *column == Column::Name {
            let mut name = Row::new(*width);
            name.searched(
                &function.name,
                &screen.shown.search,
                scene.style(Part::Of(Role::Strong)),
                scene.style(Part::Match),
            );
            row.append(name, *width);
            continue;
        }
        let cell = cell(*column, function, scene.state.now());
        row.push("  ", scene.style(Part::Text)).number(&cell, *width, scene.style(part(*column, &cell)));
    }
    row.line()
}

fn cell(column: Column, function: &Summary, now: i64) -> String {
    let unknown = || "-".to_owned();
    let time = |nanos: Option<f64>| nanos.map_or_else(unknown, |nanos| duration(nanos as u64));
    match column {
        Column::Name => function.name.clone(),
        Column::Invocations => count(function.invocations),
        Column::Failed => function.failed.map_or_else(unknown, count),
        Column::P50 => time(function.p50),
        Column::P95 => time(function.p95),
        Column::Lines => count(function.lines),
        Column::Errors => function.error_lines.map_or_else(unknown, count),
        Column::Bytes => bytes(function.bytes),
        Column::Last => ago(function.last, now),
    }
}

fn part(column: Column, cell: &str) -> Part {
    match column {
        _ if cell == "0" || cell == "-" => Part::Of(Role::Faint),
        Column::Failed | Column::Errors => Part::Of(Role::Error),
        _ => Part::Text,
    }
}
