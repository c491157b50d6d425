//! The invocations screen: a table that sheds columns where there is little room.

use lambdaview_queries::questions::invocations::{Ending, Invocation};
use ratatui::{Frame, layout::Rect, text::Line};

use super::{Scene, header as top_line, problem};
use crate::{
    format::{Zone, count, duration, short_id, width},
    radar::{Report, Sight},
    render::{invocations::word, style::Role},
    tui::{
        state::invocations::{Column, Invocations},
        text::Row,
        theme::{Part, Sign},
    },
};

const FAINT: Part = Part::Of(Role::Faint);

/// The first line.
pub(super) fn header(scene: Scene<'_>, screen: &Invocations) -> Line<'static> {
    let state = scene.state;
    let total = screen.all().len();
    let counted = match screen.shown.count() {
        shown if shown == total => format!("  {}", count(total as u64)),
        shown => format!("  {} of {}", count(shown as u64), count(total as u64)),
    };
    let mut left = vec![
        (format!("invocations {}", screen.function), Part::HeaderStrong),
        (counted, FAINT),
        (format!("  {}", state.times.shown(state.zone, state.now())), Part::Text),
    ];
    let of = |test: fn(&&Invocation) -> bool| screen.all().iter().filter(test).count() as u64;
    let failed = of(|one| !matches!(one.ending, Ending::Ok | Ending::Unknown));
    let cold = of(|one| one.cold == Some(true));
    if failed > 0 {
        left.push((format!("  {} failed", count(failed)), Part::Of(Role::Error)));
    }
    if cold > 0 {
        left.push((format!("  {} cold", count(cold)), Part::Of(Role::Phase)));
    }
    left.extend(super::filtered(&screen.shown));
    let right = screen.read_at.map(|at| (format!("as of {} ", &state.zone.clock(at)[..8]), FAINT));
    top_line(scene, &left, &right.into_iter().collect::<Vec<_>>())
}

/// The table.
pub(super) fn draw(scene: Scene<'_>, screen: &Invocations, body: Rect, frame: &mut Frame<'_>) {
    if let Some(problem) = &screen.problem {
        return problem::draw(scene, problem, body, frame);
    }
    if screen.shown.count() == 0 {
        return problem::draw_middle(scene, &nothing(screen), body, frame);
    }
    let height = usize::from(body.height.saturating_sub(1));
    let (rows, selected): (Vec<_>, Vec<_>) = screen.in_view(height).unzip();
    let room = usize::from(body.width);
    let columns = columns(room, &rows, scene.state.zone);
    frame.render_widget(headings(scene, screen, &columns, room), Rect { height: 1, ..body });
    for ((row, y), selected) in rows.into_iter().zip(body.y + 1..body.bottom()).zip(selected) {
        let area = Rect { y, height: 1, ..body };
        frame.render_widget(line(scene, screen, row, &columns, room), area);
        if selected {
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
    }
}

fn nothing(screen: &Invocations) -> Vec<(String, Part)> {
    match (screen.read_at, screen.shown.filter.is_empty()) {
        (None, _) => vec![("asking…".to_owned(), FAINT)],
        (Some(_), false) => vec![("no invocation contains that; & changes it".to_owned(), FAINT)],
        (Some(_), true) => vec![
            ("no invocation in this time".to_owned(), Part::Text),
            ("T looks further back, R asks again".to_owned(), FAINT),
        ],
    }
}

/// The columns there is room for, and how wide each is. Time, request and status are always there; what went wrong takes what
/// is left.
fn columns(room: usize, rows: &[(&Invocation, Sight)], zone: Zone) -> Vec<(Column, usize)> {
    // Those that say most come first.
    const BY_WORTH: [Column; 9] = [
        Column::Time,
        Column::Status,
        Column::Duration,
        Column::Memory,
        Column::Billed,
        Column::Init,
        Column::Errors,
        Column::Lines,
        Column::Version,
    ];
    let mut left = room.saturating_sub(REQUEST + 2);
    let mut kept = Vec::new();
    for column in BY_WORTH {
        let cells = rows.iter().map(|row| width(&cell(column, *row, zone)));
        let needed = cells.chain([column.heading().len() + 1]).max().unwrap_or_default();
        if needed + 2 > left {
            break;
        }
        left -= needed + 2;
        kept.push((column, needed));
    }
    Column::ALL.iter().filter_map(|column| kept.iter().find(|(kept, _)| kept == column).copied()).collect()
}

/// The start of a request id.
const REQUEST: usize = 8;

fn headings(scene: Scene<'_>, screen: &Invocations, columns: &[(Column, usize)], room: usize) -> Line<'static> {
    let mut row = Row::new(room);
    for (column, width) in columns {
        let sorted = *column == screen.sort;
        let order = scene.sign(if screen.ascending { Sign::Ascending } else { Sign::Descending });
        let text = if sorted { format!("{}{order}", column.heading()) } else { column.heading().to_owned() };
        let style = scene.style(if sorted { Part::Key } else { Part::Heading });
        row.push(if *column == Column::Time { " " } else { "  " }, style);
        put(&mut row, *column, &text, *width, style);
        if *column == Column::Time {
            row.push("  ", style).column("request", REQUEST, scene.style(Part::Heading));
        }
    }
    row.line()
}

fn line(
    scene: Scene<'_>,
    screen: &Invocations,
    shown: (&Invocation, Sight),
    columns: &[(Column, usize)],
    room: usize,
) -> Line<'static> {
    let (invocation, sight) = shown;
    let plain = scene.style(Part::Text);
    let mut row = Row::new(room);
    for (column, width) in columns {
        row.push(if *column == Column::Time { " " } else { "  " }, plain);
        let cell = cell(*column, shown, scene.state.zone);
        put(&mut row, *column, &cell, *width, scene.style(part(*column, &cell, invocation, sight)));
        if *column == Column::Time {
            row.push("  ", plain);
            let (id, found) = (scene.style(Part::Of(Role::Id)), scene.style(Part::Match));
            row.searched(&short_id(&invocation.request_id), &screen.shown.search, id, found);
        }
    }
    row.push("  ", plain);
    row.searched(
        &invocation.error_type,
        &screen.shown.search,
        scene.style(Part::Of(Role::Error)),
        scene.style(Part::Match),
    );
    row.line()
}

fn put(row: &mut Row<'_>, column: Column, text: &str, width: usize, style: ratatui::style::Style) {
    match column {
        Column::Time | Column::Status | Column::Version => row.column(text, width, style),
        _ => row.number(text, width, style),
    };
}

fn cell(column: Column, (invocation, sight): (&Invocation, Sight), zone: Zone) -> String {
    let unknown = || "-".to_owned();
    let time = |nanos: Option<u64>| nanos.map_or_else(unknown, duration);
    match column {
        Column::Time => zone.clock(invocation.start),
        Column::Status => status(invocation),
        Column::Duration => time(invocation.duration) + if sight.near_timeout { "!" } else { "" },
        Column::Billed if sight.report == Report::Pending => "pending".to_owned(),
        Column::Billed => time(invocation.billed),
        Column::Memory => memory(invocation).unwrap_or_else(unknown) + if sight.near_memory { "!" } else { "" },
        Column::Init => time(invocation.init.or(invocation.restore)),
        Column::Lines => invocation.lines.map_or_else(unknown, |(lines, _)| count(lines)),
        Column::Errors => invocation.lines.map_or_else(unknown, |(_, errors)| count(errors)),
        Column::Version => {
            if invocation.version.is_empty() {
                unknown()
            } else {
                invocation.version.clone()
            }
        }
    }
}

/// How it ended, and whether it waited for its environment.
fn status(invocation: &Invocation) -> String {
    let cold = if invocation.cold == Some(true) { " cold" } else { "" };
    match invocation.ending {
        Ending::Unknown => format!("-{cold}"),
        ending => format!("{}{cold}", word(ending)),
    }
}

/// Used of configured, in AWS's megabytes.
fn memory(invocation: &Invocation) -> Option<String> {
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let used = megabytes(invocation.memory_used?);
    Some(match invocation.memory_size {
        Some(size) => format!("{used}/{}MB", megabytes(size)),
        None => format!("{used}MB"),
    })
}

fn part(column: Column, cell: &str, invocation: &Invocation, sight: Sight) -> Part {
    match column {
        Column::Status if !matches!(invocation.ending, Ending::Ok | Ending::Unknown) => Part::Of(Role::Error),
        Column::Status if invocation.cold == Some(true) => Part::Of(Role::Phase),
        Column::Duration if sight.near_timeout => Part::Of(Role::Warning),
        Column::Memory if sight.near_memory => Part::Of(Role::Warning),
        _ if matches!(cell, "0" | "-" | "pending") => FAINT,
        Column::Errors => Part::Of(Role::Error),
        Column::Time | Column::Version => FAINT,
        _ => Part::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{
        ask::Answer,
        event::Event,
        sample::{NOW, SECOND, Viewer},
        state::Screen,
    };

    fn some() -> Vec<Invocation> {
        let of = |n: u32, ending: Ending, error_type: &str| Invocation {
            request_id: format!("{:08x}-3f0e-4a53-9d0c-0a6d6c4f1b11", n * 7_919_431),
            function: "charge".to_owned(),
            start: NOW - i64::from(n) * 7 * SECOND,
            duration: Some(u64::from(n * n) * 31_000_000),
            ending,
            error_type: error_type.to_owned(),
            instance: "one".to_owned(),
            version: "42".to_owned(),
            trace_id: format!("{n:032x}"),
            lines: Some((u64::from(n) * 3, u64::from(ending != Ending::Ok))),
            cold: Some(false),
            ..Invocation::default()
        };
        let reported = |one: Invocation, used: u64| Invocation {
            billed: one.duration.map(|ran| ran.next_multiple_of(1_000_000)),
            memory_used: Some(used << 20),
            memory_size: Some(512 << 20),
            ..one
        };
        let cold = Invocation { cold: Some(true), init: Some(412_000_000), ..of(5, Ending::Ok, "") };
        let unknown = Invocation { duration: None, lines: None, version: String::new(), ..of(6, Ending::Unknown, "") };
        vec![
            of(1, Ending::Ok, ""),
            reported(of(2, Ending::Failed, "StripeError"), 118),
            reported(of(3, Ending::Ok, ""), 480),
            reported(of(4, Ending::Timeout, "Sandbox.Timedout \u{1b}[31m"), 200),
            reported(cold, 118),
            unknown,
        ]
    }

    fn open(columns: u16, rows: u16, found: Vec<Invocation>) -> Viewer {
        let mut viewer = Viewer::new(Screen::Invocations(Box::new(Invocations::of("charge"))), columns, rows);
        let (ticket, _) = viewer.asked();
        viewer.answer(ticket, Answer::Invocations(found)).event(Event::Ended(ticket));
        viewer
    }

    #[test]
    fn invocations_in_three_sizes() {
        for (columns, rows) in [(80, 24), (120, 40), (300, 100)] {
            insta::assert_snapshot!(format!("invocations_{columns}x{rows}"), open(columns, rows, some()).picture());
        }
    }

    #[test]
    fn without_any_it_is_said() {
        assert!(open(80, 24, Vec::new()).picture().contains("no invocation in this time"));
    }
}
