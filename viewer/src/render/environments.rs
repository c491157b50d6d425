//! Execution environments, a lane each over the same time.

use super::{
    fields::Fields,
    style::{Paint, Role},
};
use crate::{
    ask::Nanos,
    format::{Zone, count, duration, inert, left, plural, right, width},
    lanes::{Lane, peak},
};

/// How lanes are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// How many columns there are.
    pub columns: usize,
    /// In which zone times are.
    pub zone: Zone,
    /// Colours.
    pub paint: Paint,
    /// Nothing but ASCII.
    pub ascii: bool,
}

const LEAST_BAR: usize = 16;
const NAME: usize = 12;

/// The lanes, their time above them, and how many invocations ran at once below.
#[must_use]
pub fn draw(lanes: &[Lane], style: Style) -> String {
    let from = lanes.iter().map(Lane::from).min().unwrap_or_default();
    let until = lanes.iter().map(Lane::until).max().unwrap_or_default().max(from + 1);
    let cells: Vec<[String; 3]> = lanes.iter().map(cells).collect();
    let heads = ["inv", "busy", "memory"];
    let wide = |at: usize| cells.iter().map(|row| width(&row[at])).chain([heads[at].len()]).max().unwrap_or_default();
    let widths = [wide(0), wide(1), wide(2)];
    let taken = NAME + 2 + widths.iter().map(|width| width + 2).sum::<usize>();
    let bar = style.columns.saturating_sub(taken).max(LEAST_BAR);
    let paint = style.paint;

    let row = |name: &str, cells: &[String; 3]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| right(cell, width) + "  ").collect::<String>();
        format!("{}  {cells}", left(name, NAME))
    };
    let heading = row("environment", &heads.map(str::to_owned)) + &axis(from, until, bar, style.zone);
    let mut text = paint.paint(Role::Faint, heading.trim_end()) + "\n";
    for (lane, cells) in lanes.iter().zip(&cells) {
        let head = row(&inert(tail(&lane.instance)), cells);
        text.push_str(&paint.maybe(lane.grows().then_some(Role::Warning), &head));
        text.push_str(track(lane, (from, until), bar, style).trim_end());
        text.push('\n');
    }
    text.push_str(&paint.paint(Role::Faint, &summary(lanes, style)));
    text.push('\n');
    text
}

/// A log stream's name without its date and version: what tells environments apart.
fn tail(instance: &str) -> &str {
    let tail = instance.rsplit(']').next().unwrap_or(instance);
    tail.get(..NAME).unwrap_or(tail)
}

fn cells(lane: &Lane) -> [String; 3] {
    let alive = u64::try_from(lane.until() - lane.from()).unwrap_or_default().max(1);
    let busy = u128::from(lane.busy()) * 100 / u128::from(alive);
    let mega = |bytes: u64| bytes.div_ceil(1 << 20);
    let size = lane.memory_size.map(|size| format!("/{}", mega(size))).unwrap_or_default();
    let memory = lane.memory.map_or_else(
        || "-".to_owned(),
        |(first, last)| match first == last {
            true => format!("{}{size}MB", mega(last)),
            false => format!("{}>{}{size}MB", mega(first), mega(last)),
        },
    );
    [count(lane.invocations.len() as u64), format!("{busy}%"), memory]
}

/// The time at the start, and at the end where there is room.
fn axis(from: Nanos, until: Nanos, bar: usize, zone: Zone) -> String {
    let day = |time: Nanos| zone.date(time);
    let words =
        |time: Nanos| if day(from) == day(until) { zone.clock(time)[..8].to_owned() } else { zone.moment(time) };
    let (start, end) = (words(from), words(until));
    let room = bar.saturating_sub(width(&start) + width(&end));
    if room == 0 { start } else { format!("{start}{}{end}", " ".repeat(room)) }
}

/// What was most of a column's time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Nothing,
    Idle,
    Busy(u8),
    Start,
    Failed,
}

fn track(lane: &Lane, (from, until): (Nanos, Nanos), bar: usize, style: Style) -> String {
    let length = u128::try_from(until - from).unwrap_or(1).max(1);
    let column = |time: Nanos| {
        let at = u128::try_from(time - from).unwrap_or_default() * bar as u128 / length;
        usize::try_from(at).unwrap_or_default().min(bar - 1)
    };
    let mut marks = vec![Mark::Nothing; bar];
    marks[column(lane.from())..=column(lane.until())].fill(Mark::Idle);
    let mut busy = vec![0_u128; bar];
    for invocation in &lane.invocations {
        // How much of each column's time it took; a short one still shows.
        let (first, last) = (column(invocation.from), column(invocation.until));
        for (at, busy) in busy.iter_mut().enumerate().take(last + 1).skip(first) {
            let edge = |at: usize| from + i64::try_from(length * at as u128 / bar as u128).unwrap_or_default();
            let part = invocation.until.min(edge(at + 1)) - invocation.from.max(edge(at));
            *busy += u128::try_from(part).unwrap_or_default().max(1);
        }
    }
    for (mark, busy) in marks.iter_mut().zip(busy).filter(|(_, busy)| *busy > 0) {
        *mark = Mark::Busy(u8::try_from((busy * bar as u128 * 8 / length).min(7)).unwrap_or(7));
    }
    let mut set = |stretch: &crate::lanes::Stretch, with: Mark| {
        marks[column(stretch.from)..=column(stretch.until)].iter_mut().for_each(|mark| *mark = (*mark).max(with));
    };
    lane.starts.iter().for_each(|start| set(start, if start.failed { Mark::Failed } else { Mark::Start }));
    lane.invocations.iter().filter(|one| one.failed).for_each(|one| set(one, Mark::Failed));
    marks.into_iter().map(|mark| drawn(mark, style)).collect()
}

fn drawn(mark: Mark, style: Style) -> String {
    const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let (sign, plain, role) = match mark {
        Mark::Nothing => (" ", " ", None),
        Mark::Idle => ("·", ".", Some(Role::Faint)),
        Mark::Busy(eighths) => (BLOCKS[usize::from(eighths)], "#", Some(Role::Bar)),
        Mark::Start => ("░", "i", Some(Role::Warning)),
        Mark::Failed => ("✗", "x", Some(Role::Error)),
    };
    style.paint.maybe(role, if style.ascii { plain } else { sign })
}

fn summary(lanes: &[Lane], style: Style) -> String {
    let mut parts = vec![plural(lanes.len() as u64, "environment")];
    if let Some((most, at)) = peak(lanes) {
        parts.push(format!("at most {} at once ({})", plural(most as u64, "invocation"), &style.zone.clock(at)[..8]));
    }
    let growing = lanes.iter().filter(|lane| lane.grows()).count();
    if growing > 0 {
        parts.push(format!("memory grew by a quarter and more in {}", count(growing as u64)));
    }
    let inits: Vec<u64> = lanes
        .iter()
        .flat_map(|lane| &lane.starts)
        .map(|start| u64::try_from(start.until - start.from).unwrap_or_default())
        .collect();
    if let Some(longest) = inits.iter().max() {
        parts.push(format!("{}, the longest {}", plural(inits.len() as u64, "init"), duration(*longest)));
    }
    parts.join(", ")
}

/// The fields of `environments -o json`.
#[must_use]
pub fn fields(lane: &Lane) -> Fields {
    let init = lane.starts.iter().map(|start| u64::try_from(start.until - start.from).unwrap_or_default()).sum::<u64>();
    Fields::default()
        .text("environment", &lane.instance)
        .text("function", &lane.function)
        .text("version", &lane.version)
        .time("first", lane.from())
        .time("last", lane.until())
        .with("starts", lane.starts.len())
        .millis("init_ms", (!lane.starts.is_empty()).then_some(init))
        .with("invocations", lane.invocations.len())
        .with("failed", lane.invocations.iter().filter(|one| one.failed).count())
        .millis("busy_ms", Some(lane.busy()))
        .with("memory_first_bytes", lane.memory.map(|(first, _)| first))
        .with("memory_last_bytes", lane.memory.map(|(_, last)| last))
        .with("memory_size_bytes", lane.memory_size)
        .with("memory_grows", lane.grows())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::Stretch;

    const SECOND: Nanos = 1_000_000_000;
    const T: Nanos = 1_795_356_131 * SECOND;

    fn stretch(from: Nanos, until: Nanos) -> Stretch {
        Stretch { from: T + from * SECOND, until: T + until * SECOND, failed: false }
    }

    fn sample() -> Vec<Lane> {
        let first = Lane {
            instance: "2026/11/22/[42]7f3a91c23f0e4a53".to_owned(),
            starts: vec![stretch(0, 3)],
            invocations: (0..8).map(|nth| stretch(3 + nth * 8, 6 + nth * 8)).collect(),
            memory: Some((94 << 20, 181 << 20)),
            told: 8,
            memory_size: Some(256 << 20),
            ..Lane::default()
        };
        let failed = Stretch { failed: true, ..stretch(40, 43) };
        let second = Lane {
            instance: "2026/11/22/[42]b01c77de".to_owned(),
            invocations: vec![stretch(20, 39), failed],
            ..Lane::default()
        };
        vec![first, second]
    }

    fn style(columns: usize, ascii: bool) -> Style {
        Style { columns, zone: Zone::Utc, paint: Paint::default(), ascii }
    }

    #[test]
    fn lanes_fill_the_terminal() {
        insta::assert_snapshot!(draw(&sample(), style(80, false)), @r"
        environment   inv  busy        memory  14:02:11                         14:03:13
        7f3a91c23f0e    8   38%  94>181/256MB  ░░██···▆█▃··▄█▅··▂█▇···▇█▂··▅█▄··▃█▆···██
        b01c77de        2   95%             -               ▇███████████▇✗✗✗
        2 environments, at most 2 invocations at once (14:02:31), memory grew by a quarter and more in 1, 1 init, the longest 3.000s
        ");
        insta::assert_snapshot!(draw(&sample(), style(160, true)), @r"
        environment   inv  busy        memory  14:02:11                                                                                                         14:03:13
        7f3a91c23f0e    8   38%  94>181/256MB  iiiiii######.........#######.........######.........#######.........#######........#######.........#######.........######
        b01c77de        2   95%             -                                         ######################################.xxxxxx
        2 environments, at most 2 invocations at once (14:02:31), memory grew by a quarter and more in 1, 1 init, the longest 3.000s
        ");
    }
}
