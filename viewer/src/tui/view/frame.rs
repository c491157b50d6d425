//! What stands around the lines of an invocation on the tail screen: how it began, a side, how it ended.

use std::ops::Range;

use ratatui::text::Line;

use super::{Scene, tail::prefix};
use crate::{
    render::{block, style::Role},
    tui::{
        state::tail::{
            Tail,
            blocks::{Framed, Head, rows_around},
            store::Stored,
        },
        text::Row,
        theme::{Part, Sign},
    },
};

const FAINT: Part = Part::Of(Role::Faint);

/// A line's own rows with what stands around them, and which of them are its own.
pub(super) fn around(
    scene: Scene<'_>,
    tail: &Tail,
    (line, framed): (&Stored<'_>, Framed),
    mut own: Vec<Line<'static>>,
) -> (Vec<Line<'static>>, Range<usize>) {
    if framed.is_silent {
        return (vec![silent(scene, tail, line)], 0..1);
    }
    let mut rows: Vec<Line<'static>> = framed.head.map(|head| begin(scene, tail, line, head)).into_iter().collect();
    let start = rows.len();
    rows.append(&mut own);
    let end = rows.len();
    if rows_around(framed, line.invocation, &tail.ends) > start {
        rows.push(end_of(scene, tail, line, Sign::Closes));
    }
    (rows, start..end)
}

/// What stands before the text of a line.
pub(super) const fn side(framed: Framed) -> Option<Sign> {
    if framed.is_inside { Some(Sign::Runs) } else { None }
}

/// How an invocation began, as far as that is known, or that it goes on.
fn begin(scene: Scene<'_>, tail: &Tail, line: &Stored<'_>, head: Head) -> Line<'static> {
    let known = tail.ends.of(line.invocation);
    let (sign, time) = match head {
        Head::Begins => (Sign::Opens, known.map_or(line.time, |end| end.start.min(line.time))),
        Head::GoesOn => (Sign::GoesOn, line.time),
    };
    let said = known.map_or_else(|| block::head(line.invocation, None), |end| end.head.to_string());
    let (id, rest) = said.split_at(said.find(' ').unwrap_or(said.len()));
    let mut row = framed(scene, tail, (time, line.function), sign);
    row.push(id, scene.style(Part::Of(Role::Id))).push(rest, scene.style(FAINT));
    row.line()
}

/// An invocation of which only Lambda said something.
fn silent(scene: Scene<'_>, tail: &Tail, line: &Stored<'_>) -> Line<'static> {
    let has_ended = tail.ends.of(line.invocation).is_some_and(|end| end.foot.is_some());
    if has_ended { end_of(scene, tail, line, Sign::Rule) } else { begin(scene, tail, line, Head::Begins) }
}

/// How an invocation ended.
fn end_of(scene: Scene<'_>, tail: &Tail, line: &Stored<'_>, sign: Sign) -> Line<'static> {
    let Some(foot) = tail.ends.of(line.invocation).and_then(|end| end.foot.as_ref()) else { return Line::default() };
    let mut row = framed(scene, tail, (foot.time, line.function), sign);
    row.push(&foot.said, scene.style(Part::Of(foot.role)));
    if tail.ends.is_pending(foot, scene.state.now()) {
        // What it means is for those who have the room.
        let short = block::PENDING.split_once(" (").map_or(block::PENDING, |(short, _)| short);
        let fits = crate::format::width(block::PENDING) <= row.left();
        row.push(if fits { block::PENDING } else { short }, scene.style(FAINT));
    }
    row.line()
}

fn framed(scene: Scene<'_>, tail: &Tail, (time, function): (i64, &str), sign: Sign) -> Row<'static> {
    let mut row = Row::new(usize::from(scene.state.columns));
    prefix(scene, tail, (' ', time, None, function), &mut row);
    row.push(scene.sign(sign), scene.style(FAINT)).push(" ", scene.style(FAINT));
    row
}
