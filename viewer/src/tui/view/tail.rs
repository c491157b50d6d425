//! The tail screen: lines as rows, with the rate of what comes above them. Only what is in view is looked at.

use ratatui::{Frame, layout::Rect, style::Style, text::Line};

use super::{Scene, frame, header as top_line, problem};
use crate::{
    format::{count, duration, severity_letter, short_id},
    render::style::{Paint, Role},
    tui::{
        ask::Mode,
        state::{
            page::Around,
            tail::{
                Flow, Link, Tail,
                blocks::Framed,
                store::{Number, Stored},
                unfolded::{parts, rows, said},
            },
        },
        text::Row,
        theme::{Part, Sign},
    },
};

const FAINT: Part = Part::Of(Role::Faint);

/// The first line.
pub(super) fn header(scene: Scene<'_>, tail: &Tail) -> Line<'static> {
    let state = scene.state;
    let mut left = vec![
        ("tail ".to_owned(), FAINT),
        (tail.title(), Part::HeaderStrong),
        (format!("  {}", tail.times(state.times).shown(state.zone, state.now())), Part::Text),
    ];
    if !tail.given.shown.is_empty() {
        left.push((format!("  {}", tail.given.shown), Part::Of(Role::Warning)));
    }
    if !tail.rules.is_empty() {
        left.push((format!("  {}", tail.rules.shown()), Part::Of(Role::Warning)));
    }
    top_line(scene, &left, &right(scene, tail))
}

fn right(scene: Scene<'_>, tail: &Tail) -> Vec<(String, Part)> {
    let columns = usize::from(scene.state.columns);
    let mut right = Vec::new();
    let is_live = matches!(tail.link, Link::Live(_));
    if is_live && columns >= 100 {
        right.extend(rates(scene, tail));
    }
    let (sign, word, part) = match (&tail.link, tail.flow) {
        (Link::Opening, _) => (Sign::Skipped, "OPENING".to_owned(), FAINT),
        (Link::Away(_), _) => (Sign::Problem, "AWAY".to_owned(), Part::Of(Role::Error)),
        (Link::Ended, _) => (Sign::Rule, "ENDED".to_owned(), FAINT),
        (Link::Live(_), Flow::Following) => (Sign::Live, "LIVE".to_owned(), Part::Good),
        (Link::Live(_), Flow::Paused(_)) => (Sign::Paused, waiting("PAUSED", tail), Part::Of(Role::Warning)),
        (Link::Live(_), Flow::Scrolled) => (Sign::Descending, waiting("SCROLLED", tail), Part::Of(Role::Warning)),
    };
    right.push((format!("{} {word} ", scene.sign(sign)), part));
    right
}

fn waiting(word: &str, tail: &Tail) -> String {
    match tail.unseen {
        0 => word.to_owned(),
        new => format!("{word} +{}", count(new)),
    }
}

fn rates(scene: Scene<'_>, tail: &Tail) -> Vec<(String, Part)> {
    let now = scene.state.now();
    let mut parts = vec![(scene.theme.spark(&tail.rate.curve(now, 12)), Part::Spark)];
    let rate = tail.rate.per_second(now);
    parts.push((if rate < 10.0 { format!(" {rate:.1}/s") } else { format!(" {rate:.0}/s") }, Part::Text));
    if let Some(errors) = tail.rate.errors(now) {
        let part = if errors > 0.0 { Part::Of(Role::Error) } else { FAINT };
        parts.push((format!("  err {:.1}%", errors * 100.0), part));
    }
    if let Some((middle, long)) = tail.rate.lag() {
        parts.push((format!("  lag {} p95 {}", lag(middle), lag(long)), FAINT));
    }
    if tail.late > 0 {
        parts.push((format!("  {} late", count(tail.late)), Part::Of(Role::Warning)));
    }
    if tail.link == Link::Live(Mode::Overlap) {
        parts.push(("  overlap".to_owned(), Part::Of(Role::Warning)));
    }
    parts.push(("  ".to_owned(), Part::Text));
    parts
}

fn lag(nanos: u64) -> String {
    if nanos < 60_000_000_000 { format!("{:.1}s", nanos as f64 / 1e9) } else { duration(nanos) }
}

/// The lines.
pub(super) fn draw(scene: Scene<'_>, tail: &Tail, body: Rect, frame: &mut Frame<'_>) {
    if let Some(problem) = &tail.problem {
        return problem::draw(scene, problem, body, frame);
    }
    if tail.count() == 0 {
        return problem::draw_middle(scene, &nothing(tail), body, frame);
    }
    let around = scene.state.around();
    let mut y = body.y;
    let mut place = tail.shown.place(tail.top);
    let mut before: Option<Number> = None;
    while let Some(number) = tail.shown.number(place).filter(|_| place < tail.count() && y < body.bottom()) {
        let Some(line) = tail.store.get(number) else { break };
        let is_same = before.and_then(|before| tail.store.get(before)).is_some_and(|b| b.invocation == line.invocation);
        let framed = tail.shown.framed(number);
        let rows = drawn(scene, tail, (number, &line), (is_same, framed), &around);
        let (rows, own) = frame::around(scene, tail, (&line, framed), rows);
        let first = y;
        for row in rows {
            if y >= body.bottom() {
                break;
            }
            frame.render_widget(row, Rect { y, height: 1, ..body });
            y += 1;
        }
        if number == tail.cursor {
            let row = |at: usize| first.saturating_add(u16::try_from(at).unwrap_or(u16::MAX)).min(y);
            let area = Rect { y: row(own.start), height: row(own.end) - row(own.start), ..body };
            frame.buffer_mut().set_style(area, scene.style(Part::Selected));
        }
        (before, place) = (Some(number), place + 1);
    }
    if let Some(row) = below(scene, tail).filter(|_| y < body.bottom()) {
        frame.render_widget(row, Rect { y, height: 1, ..body });
    }
}

fn nothing(tail: &Tail) -> Vec<(String, Part)> {
    let next = match (&tail.link, tail.rules.is_empty() || tail.store.is_empty()) {
        (Link::Opening, _) => return vec![("asking…".to_owned(), FAINT)],
        (Link::Away(why), _) => return vec![(why.clone(), Part::Of(Role::Error)), ("asking again…".to_owned(), FAINT)],
        (_, false) => "no line here is left by the filters; & and Enter shows all",
        (Link::Live(_), true) => "no lines in this time yet; waiting for new ones (T looks further back)",
        (Link::Ended, true) => "no lines in this time; T looks further back",
    };
    vec![(next.to_owned(), FAINT)]
}

/// What stands below the last line.
fn below(scene: Scene<'_>, tail: &Tail) -> Option<Line<'static>> {
    let mut row = Row::new(usize::from(scene.state.columns));
    let warning = scene.style(Part::Of(Role::Warning));
    if tail.skipped > 0 {
        let sign = scene.sign(Sign::Skipped);
        let skipped = count(tail.skipped);
        row.push(
            &format!(" {sign} {skipped} rows skipped (no room; nothing lost: G reads on from the newest) {sign}"),
            warning,
        );
        return Some(row.line());
    }
    if let Link::Away(why) = &tail.link {
        row.push(&format!(" {} {why}: asking again", scene.sign(Sign::Problem)), warning);
        return Some(row.line());
    }
    None
}

/// A line as rows of the screen.
fn drawn(
    scene: Scene<'_>,
    tail: &Tail,
    (number, line): (Number, &Stored<'_>),
    (is_same, framed): (bool, Framed),
    around: &Around,
) -> Vec<Line<'static>> {
    let role = Paint::of_severity(line.severity);
    let style = role.map_or(Style::new(), |role| scene.style(Part::Of(role)));
    let found = scene.style(Part::Match);
    let is_whole = tail.wrap || tail.unfolded.contains(&number);
    let texts = if is_whole { rows(tail, number, line, around.columns) } else { vec![first(said(line)).to_owned()] };
    let last = texts.len() - 1;
    let mut drawn = Vec::with_capacity(texts.len());
    for (at, text) in texts.into_iter().enumerate() {
        let mut row = Row::new(around.columns);
        if at == 0 {
            before(scene, tail, (number, line), is_same, &mut row);
        } else {
            let side = if tail.by_invocation { 2 } else { 0 };
            row.push(&" ".repeat(tail.before_text(around.columns) - side), style);
        }
        if tail.by_invocation {
            let sign = frame::side(framed).map_or(" ", |sign| scene.sign(sign));
            row.push(sign, scene.style(FAINT)).push(" ", scene.style(FAINT));
        }
        let after = if at == last { after(scene, line, is_whole) } else { Vec::new() };
        let needed: usize = after.iter().map(|(text, _)| crate::format::width(text)).sum();
        let room = row.left().saturating_sub(needed);
        let mut said = Row::new(room);
        said.searched(&text, &tail.search, style, found);
        let used = room - said.left();
        row.append(said, used);
        for (text, part) in after {
            row.push(&text, scene.style(part));
        }
        drawn.push(row.line());
    }
    drawn
}

fn first(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Mark, time, severity, function; the invocation, where no frame tells it.
fn before(scene: Scene<'_>, tail: &Tail, (number, line): (Number, &Stored<'_>), is_same: bool, row: &mut Row<'_>) {
    let mark = tail.marks.iter().find(|(_, mark)| mark.at == Some(number)).map_or(' ', |(letter, _)| *letter);
    prefix(scene, tail, (mark, line.time, Some(line.severity), line.function), row);
    if !tail.by_invocation && scene.state.columns >= 70 {
        let id =
            if is_same || line.invocation.is_empty() { " ".repeat(8) } else { short_id(line.invocation).into_owned() };
        row.column(&id, 9, scene.style(Part::Of(Role::Id)));
    }
}

/// What every row begins with: mark, time, severity, and the function where there are several.
pub(super) fn prefix(
    scene: Scene<'_>,
    tail: &Tail,
    (mark, at, severity, function): (char, i64, Option<u8>, &str),
    row: &mut Row<'_>,
) {
    let columns = usize::from(scene.state.columns);
    let faint = scene.style(FAINT);
    row.push(&mark.to_string(), scene.style(Part::Key));
    row.push(&time(scene, at, columns), faint);
    let role = severity.and_then(Paint::of_severity).map_or(Part::Text, Part::Of);
    let letter = severity.map_or(' ', severity_letter);
    row.push(&format!(" {letter} "), scene.style(role));
    if tail.several {
        let apart = function.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        row.column(function, tail.name_width(columns), scene.style(Part::Apart(apart))).push(" ", faint);
    }
}

/// The time; of another day the date and the minute, in as many columns.
fn time(scene: Scene<'_>, time: i64, columns: usize) -> String {
    let (zone, is_wide) = (scene.state.zone, columns >= 50);
    let all = zone.date_clock(time);
    match (all[..10] == zone.date(scene.state.now()), is_wide) {
        (true, true) => all[11..23].to_owned(),
        (true, false) => all[11..19].to_owned(),
        (false, true) => format!("{} ", &all[5..16]),
        (false, false) => format!("{}   ", &all[5..10]),
    }
}

/// What stands behind the text.
fn after(scene: Scene<'_>, line: &Stored<'_>, is_whole: bool) -> Vec<(String, Part)> {
    let mut after = Vec::new();
    let parts = parts(said(line));
    if parts > 1 && !is_whole {
        after.push((format!("  {} {parts} lines", scene.sign(Sign::Folded)), FAINT));
    }
    if let Some(late) = line.late {
        after.push((format!("  late +{}", lag(late)), Part::Of(Role::Warning)));
    }
    after
}
