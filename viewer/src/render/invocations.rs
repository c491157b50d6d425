//! Invocations: a line each, what is known of those that died, and how they went in all.

use lambdaview_queries::questions::invocations::{Ending, Invocation};

use super::{
    fields::Fields,
    grid::{self, Cell, Column},
    style::{Paint, Role},
};
use crate::{
    ask::Nanos,
    format::{Zone, count, cut, duration, inert, plural, short_id},
    radar::{Report, Sight, death::Death},
};

/// How they are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// How many columns there are.
    pub columns: usize,
    /// In which zone times are.
    pub zone: Zone,
    /// Colours.
    pub paint: Paint,
    /// What is now.
    pub now: Nanos,
}

/// An invocation with what follows from those around it, and how it died where that was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What is known of it.
    pub invocation: &'a Invocation,
    /// What follows.
    pub sight: Sight,
    /// How it died.
    pub death: Option<&'a Death<'a>>,
}

const HEADS: [Column; 15] = [
    Column::text("time", 0),
    Column::text("function", 1),
    Column::text("request", 0),
    Column::text("status", 0),
    Column::number("duration", 0),
    Column::number("billed", 3),
    Column::number("memory", 1),
    Column::number("init", 2),
    Column::number("restore", 2),
    Column::text("version", 5),
    Column::text("trace", 4),
    Column::text("environment", 6),
    Column::number("lines", 3),
    Column::number("errors", 2),
    Column::text("error type", 4),
];

/// From so many columns on environments are told apart, and ids stand whole.
const WIDE: usize = 140;
const WIDER: usize = 200;
const DAY: Nanos = 24 * 3_600 * 1_000_000_000;

/// A line each, and below it how it died; at the end how they went.
#[must_use]
pub fn draw(rows: &[Row<'_>], style: Style) -> String {
    let several = rows.windows(2).any(|pair| pair[0].invocation.function != pair[1].invocation.function);
    let oldest = rows.last().map_or(style.now, |row| row.invocation.start);
    let dated = style.now.saturating_sub(oldest) > DAY;
    let cells: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, several, dated, style)).collect();
    let mut lines = grid::lines(&HEADS, &cells, style.columns, style.paint).into_iter();
    let mut text = lines.next().unwrap_or_default() + "\n";
    for (row, line) in rows.iter().zip(lines) {
        text.push_str(line.trim_end());
        text.push('\n');
        if let Some(death) = row.death {
            for said in obituary(row.invocation, death, style.zone) {
                text.push_str(&style.paint.paint(Role::Faint, "  └ "));
                text.push_str(&cut(&said, style.columns.saturating_sub(4)));
                text.push('\n');
            }
        }
    }
    text + &style.paint.paint(Role::Faint, &summary(rows)) + "\n"
}

fn cells(row: &Row<'_>, several: bool, dated: bool, style: Style) -> Vec<Cell> {
    let Row { invocation, sight, .. } = row;
    let time = |nanos: Option<u64>| Cell::maybe(nanos.map(duration));
    let id = |id: &str| match id {
        "" => Cell::unknown(),
        id if style.columns >= WIDER => Cell::new(inert(id)).role(Role::Id),
        id => Cell::new(short_id(id)).role(Role::Id),
    };
    let near = |cell: Cell, is_near: bool| if is_near { cell.role(Role::Warning) } else { cell };
    let marked = |text: String, is_near: bool| if is_near { text + "!" } else { text };
    let (lines, errors) = invocation.lines.map_or((None, None), |(lines, errors)| (Some(lines), Some(errors)));
    let start = if dated { style.zone.date_clock(invocation.start) } else { style.zone.clock(invocation.start) };
    vec![
        Cell::new(start).role(Role::Faint),
        if several { text(&invocation.function) } else { Cell::new("") },
        id(&invocation.request_id),
        ending(invocation),
        near(Cell::maybe(invocation.duration.map(|ran| marked(duration(ran), sight.near_timeout))), sight.near_timeout),
        match sight.report {
            Report::Pending => Cell::new("pending").role(Role::Faint),
            _ => time(invocation.billed),
        },
        near(Cell::maybe(memory(invocation).map(|used| marked(used, sight.near_memory))), sight.near_memory),
        time(invocation.init),
        time(invocation.restore),
        text(&invocation.version),
        id(&invocation.trace_id),
        if style.columns >= WIDE { text(tail(&invocation.instance)) } else { Cell::new("") },
        Cell::maybe(lines.map(count)),
        Cell::maybe(errors.map(count)).role_if(errors.is_some_and(|errors| errors > 0), Role::Error),
        text(&invocation.error_type),
    ]
}

fn text(text: &str) -> Cell {
    if text.is_empty() { Cell::unknown() } else { Cell::new(inert(text)) }
}

/// A log stream's name without its date and version: what tells environments apart.
fn tail(instance: &str) -> &str {
    let tail = instance.rsplit(']').next().unwrap_or(instance);
    tail.get(..12).unwrap_or(tail)
}

fn ending(invocation: &Invocation) -> Cell {
    let cell = match invocation.ending {
        Ending::Unknown => return Cell::unknown(),
        Ending::Ok => Cell::new("ok"),
        _ => Cell::new(word(invocation.ending)).role(Role::Error),
    };
    if invocation.cold == Some(true) && invocation.ending == Ending::Ok { Cell::new("ok cold") } else { cell }
}

/// The word for how it ended.
#[must_use]
pub const fn word(ending: Ending) -> &'static str {
    match ending {
        Ending::Unknown => "unknown",
        Ending::Ok => "ok",
        Ending::Failed => "failed",
        Ending::Timeout => "timeout",
        Ending::OutOfMemory => "oom",
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

/// How it died, as far as that is known.
fn obituary(invocation: &Invocation, death: &Death<'_>, zone: Zone) -> Vec<String> {
    let mut said = Vec::new();
    let whole = invocation.duration.map(|ran| format!(" of {}", duration(ran))).unwrap_or_default();
    if let Some((span, for_so_long)) = death.inside {
        said.push(format!("it was inside {} for {}{whole}", inert(&span.name), duration(for_so_long)));
    }
    if let Some(unknown) = death.unknown {
        said.push(format!("no span tells what it did in the last {}{whole}", duration(unknown)));
    }
    if let Some(line) = death.last_line {
        let first = line.body.lines().next().unwrap_or_default();
        said.push(format!("last line {}: {}", zone.clock(line.time), inert(first)));
    }
    if let (Some(used), Some(size)) = (invocation.memory_used, invocation.memory_size) {
        said.push(format!("memory {} ({} %)", memory(invocation).unwrap_or_default(), used * 100 / size.max(1)));
    }
    if said.is_empty() {
        said.push("neither a span nor a line tells what it did".to_owned());
    }
    said
}

/// How they went.
fn summary(rows: &[Row<'_>]) -> String {
    let of = |test: fn(&Row<'_>) -> bool| rows.iter().filter(|row| test(row)).count() as u64;
    let parts = [
        (of(|row| row.invocation.ending == Ending::Ok), "ok"),
        (of(|row| row.invocation.ending == Ending::Failed), "failed"),
        (of(|row| row.invocation.ending == Ending::Timeout), "timed out"),
        (of(|row| row.invocation.ending == Ending::OutOfMemory), "out of memory"),
        (of(|row| row.invocation.cold == Some(true)), "cold"),
        (of(|row| row.sight.is_near()), "near a limit"),
        (of(|row| row.sight.report == Report::Pending), "with a report to come"),
    ];
    let parts =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{} {what}", count(*number)));
    let parts = parts.collect::<Vec<_>>().join(", ");
    let all = plural(rows.len() as u64, "invocation");
    if parts.is_empty() { all } else { format!("{all}: {parts}") }
}

/// The fields of `invocations -o json`.
#[must_use]
pub fn fields(row: &Row<'_>) -> Fields {
    let Row { invocation, sight, death } = row;
    let fields = Fields::default()
        .time("time", invocation.start)
        .text("function", &invocation.function)
        .text("request_id", &invocation.request_id)
        .text("status", word(invocation.ending))
        .text("error_type", &invocation.error_type)
        .millis("duration_ms", invocation.duration)
        .millis("billed_ms", invocation.billed)
        .with("memory_used_bytes", invocation.memory_used)
        .with("memory_size_bytes", invocation.memory_size)
        .millis("timeout_ms", sight.timeout)
        .with("near_memory", sight.near_memory)
        .with("near_timeout", sight.near_timeout)
        .with("cold", invocation.cold)
        .millis("init_ms", invocation.init)
        .millis("restore_ms", invocation.restore)
        .with("report", sight.report.as_str())
        .text("version", &invocation.version)
        .text("environment", &invocation.instance)
        .text("trace_id", &invocation.trace_id)
        .with("lines", invocation.lines.map(|(lines, _)| lines))
        .with("error_lines", invocation.lines.map(|(_, errors)| errors));
    let Some(death) = death else { return fields };
    fields
        .with("inside", death.inside.map(|(span, _)| span.name.to_string()))
        .millis("inside_ms", death.inside.map(|(_, nanos)| nanos))
        .millis("unknown_ms", death.unknown)
        .with("last_line", death.last_line.map(|line| line.body.to_string()))
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::questions::{lines::Line, trace::Span};

    use super::*;

    const T: Nanos = 1_795_356_131_204_000_000;
    const SECOND: u64 = 1_000_000_000;

    fn ok() -> Invocation {
        Invocation {
            request_id: "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11".to_owned(),
            function: "checkout".to_owned(),
            start: T,
            duration: Some(412_000_000),
            ending: Ending::Ok,
            cold: Some(true),
            init: Some(300_000_000),
            memory_used: Some(243 << 20),
            memory_size: Some(256 << 20),
            trace_id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned(),
            instance: "2026/11/22/[42]0c1d2e3f4a5b6c7d".to_owned(),
            version: "42".to_owned(),
            lines: Some((41, 0)),
            billed: Some(413_000_000),
            ..Invocation::default()
        }
    }

    fn timed_out() -> Invocation {
        Invocation {
            request_id: "b01c77de-3f0e-4a53-9d0c-0a6d6c4f1b12".to_owned(),
            start: T - 60 * 1_000_000_000,
            duration: Some(3 * SECOND),
            ending: Ending::Timeout,
            error_type: "Sandbox.Timedout".to_owned(),
            cold: Some(false),
            init: None,
            billed: None,
            lines: Some((7, 1)),
            memory_used: None,
            ..ok()
        }
    }

    fn unknown() -> Invocation {
        let request_id = "feed0000-3f0e-4a53-9d0c-0a6d6c4f1b12".to_owned();
        Invocation { request_id, start: T - 90 * 1_000_000_000, lines: Some((2, 0)), ..Invocation::default() }
    }

    fn drawn(columns: usize) -> String {
        let invocations = [ok(), timed_out(), unknown()];
        let sights = crate::radar::look(&invocations, T);
        let span = Span { name: "POST /charges\x1b[2J".into(), ..Span::default() };
        let line = Line { body: "charging card\nof somebody".into(), time: T, ..Line::default() };
        let death = Death { last_line: Some(&line), inside: Some((&span, 29 * SECOND / 10)), unknown: None };
        let rows: Vec<Row<'_>> = invocations
            .iter()
            .zip(sights)
            .map(|(invocation, sight)| {
                let death = (invocation.ending == Ending::Timeout).then_some(&death);
                Row { invocation, sight, death }
            })
            .collect();
        draw(&rows, Style { columns, zone: Zone::Utc, paint: Paint::default(), now: T })
    }

    #[test]
    fn an_invocation_is_a_line_and_a_death_is_told_below_it() {
        insta::assert_snapshot!(drawn(80), @r"
        time          function  request   status   duration      memory   init  errors
        14:02:11.204  checkout  7f3a91c2  ok cold     412ms  243/256MB!  300ms       0
        14:01:11.204  checkout  b01c77de  timeout    3.000s           -      -       1
          └ it was inside POST /charges␛[2J for 2.900s of 3.000s
          └ last line 14:02:11.204: charging card
        14:00:41.204  -         feed0000  -               -           -      -       0
        3 invocations: 1 ok, 1 timed out, 1 cold, 1 near a limit
        ");
        insta::assert_snapshot!(drawn(160), @r"
        time          function  request   status   duration  billed      memory   init  version  trace     environment   lines  errors  error type
        14:02:11.204  checkout  7f3a91c2  ok cold     412ms   413ms  243/256MB!  300ms  42       5f84c7a1  0c1d2e3f4a5b     41       0  -
        14:01:11.204  checkout  b01c77de  timeout    3.000s       -           -      -  42       5f84c7a1  0c1d2e3f4a5b      7       1  Sandbox.Timedout
          └ it was inside POST /charges␛[2J for 2.900s of 3.000s
          └ last line 14:02:11.204: charging card
        14:00:41.204  -         feed0000  -               -       -           -      -  -        -         -                 2       0  -
        3 invocations: 1 ok, 1 timed out, 1 cold, 1 near a limit
        ");
    }
}
