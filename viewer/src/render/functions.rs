//! The functions in columns, and below them those that were silent.

use lambdaview_queries::questions::functions::Summary;

use super::{
    errors::percent,
    fields::Fields,
    grid::{self, Cell, Column},
    style::{Paint, Role},
};
use crate::{
    ask::Nanos,
    format::{Zone, ago, bytes, count, duration, inert},
};

/// How the table is drawn.
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
    /// What "last" is counted from.
    pub now: Nanos,
}

/// A function, and what its logs would cost in CloudWatch in a month, where that can be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it did.
    pub function: Summary,
    /// Dollars a month.
    pub dollars: Option<f64>,
}

/// A function that wrote nothing in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Its name.
    pub name: String,
    /// Its newest record, or the day of it.
    pub last: Nanos,
    /// When it was due, and from one to the next, where it keeps a schedule and missed it.
    pub missed: Option<(Nanos, Nanos)>,
}

const HEADS: [Column; 12] = [
    Column::text("function", 0),
    Column::text("activity", 7),
    Column::number("inv", 0),
    Column::number("err%", 0),
    Column::number("p50", 2),
    Column::number("p95", 1),
    Column::number("p99", 4),
    Column::number("cold%", 3),
    Column::number("mem max/size", 5),
    Column::number("log", 2),
    Column::number("$/mo*", 6),
    Column::number("last", 0),
];

/// The table, at most so wide.
#[must_use]
pub fn draw(rows: &[Row], silent: &[Silent], style: Style) -> String {
    let mut text = String::new();
    if !rows.is_empty() {
        let cells: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, style)).collect();
        text = grid::draw(&HEADS, &cells, style.columns, style.paint);
    }
    let mute =
        rows.iter().filter(|row| row.function.is_told && row.function.invocations > 0 && row.function.lines == 0);
    let mute: Vec<_> = mute.map(|row| inert(&row.function.name).into_owned()).collect();
    if !mute.is_empty() {
        text.push_str(&note("invoked, and logged nothing: ", &mute.join(", "), style));
    }
    for one in silent.iter().filter(|one| one.missed.is_some()) {
        text.push_str(&note("", &missed(one, style), style));
    }
    let others = silent.iter().filter(|one| one.missed.is_none());
    let others: Vec<_> = others.map(|one| format!("{} ({})", inert(&one.name), ago(one.last, style.now))).collect();
    if !others.is_empty() {
        text.push_str(&note("silent in this time, seen in the last week: ", &others.join(", "), style));
    }
    if text.lines().next().is_some_and(|heading| heading.contains("$/mo*")) {
        let words = "* CloudWatch's price for as many log bytes in a month, modelled; see `lambdaview cost`";
        text.push_str(&(style.paint.paint(Role::Faint, words) + "\n"));
    }
    text
}

fn note(what: &str, names: &str, style: Style) -> String {
    format!("{}{names}\n", style.paint.paint(Role::Warning, what))
}

fn missed(one: &Silent, style: Style) -> String {
    let (due, every) = one.missed.expect("only those that missed their time are told so");
    let due = style.zone.moment(due);
    let name = style.paint.paint(Role::Error, &format!("{} missed {}", inert(&one.name), &due[..due.len() - 3]));
    format!("{name} (every {}; last {} ago)", rhythm(every), ago(one.last, style.now))
}

/// `day`, `7 days`, `hour`, `15m00s`.
fn rhythm(every: Nanos) -> String {
    const MINUTE: Nanos = 60 * 1_000_000_000;
    for (unit, name) in [(24 * 60 * MINUTE, "day"), (60 * MINUTE, "hour")] {
        let times = (every + unit / 2) / unit;
        if times > 0 && (every - times * unit).abs() <= unit / 20 {
            return if times == 1 { name.to_owned() } else { format!("{times} {name}s") };
        }
    }
    duration(u64::try_from(every).unwrap_or_default())
}

fn cells(row: &Row, style: Style) -> Vec<Cell> {
    let Row { function, dollars } = row;
    let time = |nanos: Option<f64>| Cell::maybe(nanos.map(|nanos| duration(nanos as u64)));
    let part = |number: Option<u64>| {
        let share =
            number.filter(|_| function.invocations > 0).map(|number| number as f64 / function.invocations as f64);
        share.map(|share| share.min(1.0))
    };
    let failed = part(function.failed);
    vec![
        Cell::new(inert(&function.name)).role(Role::Strong),
        Cell::new(activity(&function.activity, style)).role(Role::Bar),
        Cell::new(count(function.invocations)),
        Cell::maybe(failed.map(percent)).role_if(failed.is_some_and(|share| share > 0.0), Role::Error),
        time(function.p50),
        time(function.p95),
        time(function.p99),
        Cell::maybe(part(function.cold).map(percent)),
        memory(function),
        logged(function),
        Cell::maybe(dollars.map(money)),
        Cell::new(ago(function.last, style.now)),
    ]
}

/// Used of configured, in AWS's megabytes; what comes near to all of it stands out.
fn memory(function: &Summary) -> Cell {
    let Some(used) = function.memory_used else { return Cell::unknown() };
    let mega = |bytes: u64| bytes.div_ceil(1 << 20);
    let Some(size) = function.memory_size else { return Cell::new(format!("{}MB", mega(used))) };
    let near = u128::from(used) * 10 > u128::from(size) * 9;
    let mark = if near { "!" } else { "" };
    Cell::new(format!("{}/{}MB{mark}", mega(used), mega(size))).role_if(near, Role::Warning)
}

fn logged(function: &Summary) -> Cell {
    match (function.is_weighed, function.log_bytes) {
        (true, 0) if function.lines > 0 => Cell::unknown(),
        (true, weight) => Cell::new(format!("~{}", bytes(weight))),
        (false, weight) => Cell::new(bytes(weight)),
    }
}

/// Dollars as the table shows them: what costs little is little, and not free.
#[must_use]
pub fn money(dollars: f64) -> String {
    match dollars {
        // Little is not nothing: 0.0 would read as free.
        _ if dollars > 0.0 && dollars < 0.05 => "<0.1".to_owned(),
        _ if dollars < 9.95 => format!("{dollars:.1}"),
        _ => count(dollars.round() as u64),
    }
}

/// The window in as many columns as there is room for, each as high as it was busy.
fn activity(counts: &[u64], style: Style) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
    let together = if style.columns >= 140 {
        1
    } else if style.columns >= 110 {
        2
    } else {
        3
    };
    let sums: Vec<u64> = counts.chunks(together).map(|chunk| chunk.iter().sum()).collect();
    let Some(most) = sums.iter().max().copied().filter(|most| *most > 0) else { return String::new() };
    let signs = if style.ascii { ASCII } else { BLOCKS };
    sums.iter()
        .map(|sum| match usize::try_from(sum * 7 / most).unwrap_or_default() {
            0 if *sum == 0 => ' ',
            height => signs[height],
        })
        .collect()
}

/// The fields of `functions -o json`.
#[must_use]
pub fn fields(row: &Row) -> Fields {
    let Row { function, dollars } = row;
    let nanos = |nanos: Option<f64>| nanos.map(|nanos| nanos / 1e6);
    Fields::default()
        .text("function", &function.name)
        .text("status", "active")
        .with("invocations", function.invocations)
        .with("failed", function.failed)
        .with("cold", function.cold)
        .with("lines", function.lines)
        .with("error_lines", function.error_lines)
        .with("body_bytes", function.bytes)
        .with("log_bytes", function.log_bytes)
        .with("log_bytes_reckoned", function.is_weighed)
        .with("cloudwatch_dollars_month", *dollars)
        .with("p50_ms", nanos(function.p50))
        .with("p95_ms", nanos(function.p95))
        .with("p99_ms", nanos(function.p99))
        .with("memory_used_bytes", function.memory_used)
        .with("memory_size_bytes", function.memory_size)
        .with("activity", function.activity.clone())
        .time("last", function.last)
        .text("due", "")
}

/// The same of one that was silent.
#[must_use]
pub fn silent_fields(silent: &Silent) -> Fields {
    let function = Summary { name: silent.name.clone(), last: silent.last, ..Summary::default() };
    let fields = fields(&Row { function, dollars: None });
    let due = silent.missed.map(|(due, _)| crate::format::rfc3339(due)).unwrap_or_default();
    let status = if silent.missed.is_some() { "missed" } else { "silent" };
    fields.replacing("status", status).replacing("due", due)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = 1_795_356_131_000_000_000;

    fn sample() -> Vec<Row> {
        let checkout = Summary {
            name: "checkout".to_owned(),
            is_told: true,
            invocations: 1_204_311,
            failed: Some(25_290),
            cold: Some(9_634),
            lines: 4_817_244,
            log_bytes: 1_740_000_000,
            is_weighed: true,
            p50: Some(48_200_000.0),
            p95: Some(220_000_000.0),
            p99: Some(1_900_000_000.0),
            memory_used: Some(118 << 20),
            memory_size: Some(512 << 20),
            activity: (0..24).map(|nth| nth * nth % 17).collect(),
            last: NOW - 2_000_000_000,
            ..Summary::default()
        };
        let refund = Summary {
            name: "refund-with-a-name-that-is-rather-long".to_owned(),
            is_told: true,
            invocations: 88,
            failed: Some(0),
            cold: Some(3),
            memory_used: Some(243 << 20),
            memory_size: Some(256 << 20),
            last: NOW - 90_000_000_000,
            ..Summary::default()
        };
        vec![Row { function: checkout, dollars: Some(620.4) }, Row { function: refund, dollars: Some(0.21) }]
    }

    fn silent() -> Vec<Silent> {
        let day = 86_400_000_000_000;
        let export = Silent {
            name: "nightly-export".to_owned(),
            last: NOW - 36 * 3_600_000_000_000,
            missed: Some((NOW - day / 2, day)),
        };
        vec![export, Silent { name: "old".to_owned(), last: NOW - 3 * day, missed: None }]
    }

    fn style(columns: usize) -> Style {
        Style { columns, zone: Zone::Utc, paint: Paint::default(), ascii: false, now: NOW }
    }

    #[test]
    fn what_costs_little_is_not_shown_as_free() {
        assert_eq!([0.0, 0.006, 0.21, 620.4].map(money), ["0.0", "<0.1", "0.2", "620"]);
    }

    #[test]
    fn functions_stand_in_as_many_columns_as_there_is_room_for() {
        insta::assert_snapshot!(draw(&sample(), &silent(), style(80)), @r"
        function                  inv  err%     p50    p95     p99  cold%      log  last
        checkout            1 204 311  2.1%  48.2ms  220ms  1.900s   0.8%  ~1.7 GB    2s
        refund-with-a-nam…         88    0%       -      -       -   3.4%      0 B   90s
        invoked, and logged nothing: refund-with-a-name-that-is-rather-long
        nightly-export missed 2026-11-22 02:02 (every day; last 36h ago)
        silent in this time, seen in the last week: old (3d)
        ");
        insta::assert_snapshot!(draw(&sample(), &silent(), style(160)), @r"
        function                                activity                        inv  err%     p50    p95     p99  cold%  mem max/size      log  $/mo*  last
        checkout                                 ▁▂▄█▄▁▇▆▆▇▁▄█▄▂▁ ▁▂▄█▄▁  1 204 311  2.1%  48.2ms  220ms  1.900s   0.8%     118/512MB  ~1.7 GB    620    2s
        refund-with-a-name-that-is-rather-long                                   88    0%       -      -       -   3.4%    243/256MB!      0 B    0.2   90s
        invoked, and logged nothing: refund-with-a-name-that-is-rather-long
        nightly-export missed 2026-11-22 02:02 (every day; last 36h ago)
        silent in this time, seen in the last week: old (3d)
        * CloudWatch's price for as many log bytes in a month, modelled; see `lambdaview cost`
        ");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 60..170 {
            let table = draw(&sample(), &[], style(columns));
            let lines = table.lines().filter(|line| !line.starts_with(['*', 'i']));
            assert!(lines.clone().all(|line| crate::format::width(line) <= columns), "{columns}\n{table}");
        }
    }
}
