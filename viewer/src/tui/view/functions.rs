//! The functions screen: a table that sheds columns where there is little room.

use ratatui::{Frame, layout::Rect, text::Line};

use super::{Scene, header as top_line, problem};
use crate::{
    format::{ago, bytes, count, duration, width},
    render::{
        functions::{Row, money},
        style::Role,
    },
    tui::{
        state::functions::{Column, Functions},
        text,
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
    left.extend(super::filtered(&screen.shown));
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
    let rows: Vec<(&Row, bool)> = screen.in_view(height).collect();
    let now = scene.state.now();
    let layout = layout(usize::from(body.width), &rows, now);
    frame.render_widget(headings(scene, screen, &layout), Rect { height: 1, ..body });
    for ((function, selected), y) in rows.into_iter().zip(body.y + 1..body.bottom()) {
        let area = Rect { y, height: 1, ..body };
        frame.render_widget(line(scene, screen, function, &layout), area);
        if selected {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
}

/// What the star at a column means, where there is room for that column.
pub(super) fn footnote(scene: Scene<'_>, screen: &Functions) -> Option<String> {
    let around = scene.state.around();
    let rows: Vec<(&Row, bool)> = screen.in_view(screen.shown.height(&around)).collect();
    let layout = layout(around.columns, &rows, scene.state.now());
    let is_shown = screen.has_dollars() && layout.columns.iter().any(|(column, _)| *column == Column::Dollars);
    is_shown.then(|| "* CloudWatch's price for such logs in a month, modelled".to_owned())
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

/// How the table is laid out.
struct Layout {
    /// How many columns of the screen there are.
    room: usize,
    /// How wide the curve of a function's activity is, beside its name.
    activity: usize,
    /// The columns there is room for, and how wide each is.
    columns: Vec<(Column, usize)>,
}

/// What there is room for; the name takes what the others leave.
fn layout(room: usize, rows: &[(&Row, bool)], now: i64) -> Layout {
    // Those that say most come first.
    const BY_WORTH: [Column; 11] = [
        Column::Invocations,
        Column::Failed,
        Column::P95,
        Column::Last,
        Column::P50,
        Column::Cold,
        Column::Bytes,
        Column::Memory,
        Column::P99,
        Column::Dollars,
        Column::Lines,
    ];
    let longest =
        rows.iter().map(|(row, _)| width(&crate::format::inert(&row.function.name))).max().unwrap_or_default();
    let name = longest.clamp(12, 40.max(room / 3));
    let activity = match room {
        0..100 => 0,
        100..160 => 12,
        _ => 24,
    };
    let mut left = room.saturating_sub(name + activity + 6);
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
    Layout { room, activity, columns: std::iter::once(name).chain(others).collect() }
}

/// Counts in fewer stretches.
fn squeezed(counts: &[u64], stretches: usize) -> Vec<u64> {
    let mut squeezed = vec![0; stretches];
    for (at, count) in counts.iter().enumerate() {
        squeezed[at * stretches / counts.len()] += count;
    }
    squeezed
}

fn headings(scene: Scene<'_>, screen: &Functions, layout: &Layout) -> Line<'static> {
    let mut row = text::Row::new(layout.room);
    row.push("   ", scene.style(Part::Heading));
    for (column, width) in &layout.columns {
        let order = if screen.ascending { Sign::Ascending } else { Sign::Descending };
        let sorted = *column == screen.sort;
        let text =
            if sorted { format!("{}{}", column.heading(), scene.sign(order)) } else { column.heading().to_owned() };
        let style = scene.style(if sorted { Part::Key } else { Part::Heading });
        match column {
            Column::Name if layout.activity > 0 => row.column(&text, width + layout.activity + 2, style),
            Column::Name => row.column(&text, *width, style),
            _ => row.push("  ", style).number(&text, *width, style),
        };
    }
    row.line()
}

fn line(scene: Scene<'_>, screen: &Functions, function: &Row, layout: &Layout) -> Line<'static> {
    let mut row = text::Row::new(layout.room);
    row.push("   ", scene.style(Part::Text));
    for (column, width) in &layout.columns {
        if *column == Column::Name {
            let mut name = text::Row::new(*width);
            name.searched(
                &function.function.name,
                &screen.shown.search,
                scene.style(Part::Of(Role::Strong)),
                scene.style(Part::Match),
            );
            row.append(name, *width);
            if layout.activity > 0 {
                let curve = scene.theme.spark(&squeezed(&function.function.activity, layout.activity));
                row.push("  ", scene.style(Part::Text)).column(&curve, layout.activity, scene.style(Part::Spark));
            }
            continue;
        }
        let cell = cell(*column, function, scene.state.now());
        row.push("  ", scene.style(Part::Text)).number(&cell, *width, scene.style(part(*column, function, &cell)));
    }
    row.line()
}

fn cell(column: Column, row: &Row, now: i64) -> String {
    let function = &row.function;
    let unknown = || "-".to_owned();
    let time = |nanos: Option<f64>| nanos.map_or_else(unknown, |nanos| duration(nanos as u64));
    let share = |part: Option<u64>| part.map_or_else(unknown, |part| percent(part, function.invocations));
    match column {
        Column::Name => function.name.clone(),
        Column::Invocations => count(function.invocations),
        Column::Failed => share(function.failed),
        Column::P50 => time(function.p50),
        Column::P95 => time(function.p95),
        Column::P99 => time(function.p99),
        Column::Cold => share(function.cold),
        Column::Memory => memory(function.memory_used, function.memory_size),
        Column::Lines => count(function.lines),
        Column::Bytes => bytes(function.log_bytes),
        Column::Dollars => row.dollars.map_or_else(unknown, money),
        Column::Last => ago(function.last, now),
    }
}

fn percent(part: u64, whole: u64) -> String {
    let percent = part as f64 * 100.0 / whole.max(1) as f64;
    if part == 0 { "0".to_owned() } else { format!("{percent:.1}") }
}

/// In the megabytes that AWS means, which are 2^20 bytes.
fn memory(used: Option<u64>, size: Option<u64>) -> String {
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    match (used, size) {
        (Some(used), Some(size)) => format!("{}/{}MB", megabytes(used), megabytes(size)),
        (Some(used), None) => format!("{}MB", megabytes(used)),
        (None, _) => "-".to_owned(),
    }
}

fn part(column: Column, row: &Row, cell: &str) -> Part {
    let is_near_full = || {
        let of = row.function.memory_used.zip(row.function.memory_size);
        of.is_some_and(|(used, size)| size > 0 && used as f64 > 0.9 * size as f64)
    };
    match column {
        _ if cell == "0" || cell == "-" => Part::Of(Role::Faint),
        Column::Failed => Part::Of(Role::Error),
        Column::Memory if is_near_full() => Part::Of(Role::Warning),
        _ => Part::Text,
    }
}
