//! Patterns of log lines, with what they cost.

use serde::Serialize;

use super::{
    json::as_line,
    style::{Paint, Role},
};
use crate::{
    format::{bytes, count, cut, duration, inert, right, width},
    patterns::{Column, Report, Row, level},
};

const HEADINGS: [&str; 6] = ["lines", "bytes", "share", "$/mo", "level", "where"];

/// The table for people: a row and, below it, what would make it cheaper.
#[must_use]
pub fn draw(report: &Report, by: &[Column], columns: usize, paint: Paint) -> String {
    let rows: Vec<[String; 6]> = report.rows.iter().map(|row| cells(row, by)).collect();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|at| rows.iter().map(|row| width(&row[at])).chain([HEADINGS[at].len()]).max().unwrap_or_default())
        .collect();
    let before: usize = widths.iter().map(|width| width + 2).sum();
    let line = |cells: &[String; 6]| {
        cells.iter().zip(&widths).map(|(cell, width)| format!("{}  ", right(cell, *width))).collect::<String>()
    };
    let mut text = heading(report, paint);
    text.push_str(&paint.paint(Role::Faint, &format!("{}pattern", line(&HEADINGS.map(str::to_owned)))));
    text.push('\n');
    for (row, cells) in report.rows.iter().zip(&rows) {
        let room = columns.saturating_sub(before).max(24);
        let pattern = shown(row);
        let pattern =
            paint.maybe(Paint::of_severity(row.severity).filter(|role| *role != Role::Faint), &cut(&pattern, room));
        text.push_str(&format!("{}{pattern}\n", line(cells)));
        if let Some(remedy) = row.remedy() {
            let remedy = format!("{}-> {remedy}", " ".repeat(before.min(8)));
            text.push_str(&format!("{}\n", paint.paint(Role::Faint, &remedy)));
        }
    }
    text
}

fn heading(report: &Report, paint: Paint) -> String {
    let sampled =
        if report.sampled > 1 { format!(", one line in {} read", count(report.sampled)) } else { String::new() };
    format!(
        "{}  {} lines, {} in {}{sampled}; {} a month to take into CloudWatch\n",
        paint.paint(Role::Strong, "patterns"),
        count(report.total.lines),
        bytes(report.total.bytes),
        duration(report.measured),
        dollars(report.dollars),
    )
}

fn shown(row: &Row) -> String {
    let text = row.pattern.as_deref().unwrap_or("(lines of many other forms)");
    format!("{}{}", inert(text), if row.goes_on { " …" } else { "" })
}

fn cells(row: &Row, by: &[Column]) -> [String; 6] {
    let names = |names: &[String]| match names {
        [] => "-".to_owned(),
        [one] => inert(one).into_owned(),
        [first, rest @ ..] => format!("{} +{}", inert(first), rest.len()),
    };
    let mut place = names(&row.functions);
    if by.contains(&Column::Version) {
        place = format!("{place}:{}", names(&row.versions));
    }
    [
        count(row.tally.lines),
        bytes(row.tally.bytes),
        format!("{:.1}%", 100.0 * row.share),
        dollars(row.dollars),
        level(row.severity).to_uppercase(),
        cut(&place, 24).into_owned(),
    ]
}

fn dollars(amount: f64) -> String {
    match amount {
        0.0 => "$0".to_owned(),
        ..0.01 => "<$0.01".to_owned(),
        ..100.0 => format!("${amount:.2}"),
        _ => format!("${}", count(amount.round() as u64)),
    }
}

#[derive(Serialize)]
struct JsonPattern<'a> {
    pattern: Option<&'a str>,
    lines: u64,
    bytes: u64,
    share: f64,
    usd_month: f64,
    level: &'a str,
    severity_number: u8,
    functions: &'a [String],
    versions: &'a [String],
    remedy: Option<String>,
}

/// An object for a program.
#[must_use]
pub fn json(row: &Row) -> String {
    as_line(&JsonPattern {
        pattern: row.pattern.as_deref(),
        lines: row.tally.lines,
        bytes: row.tally.bytes,
        share: row.share,
        usd_month: row.dollars,
        level: level(row.severity),
        severity_number: row.severity,
        functions: &row.functions,
        versions: &row.versions,
        remedy: row.remedy(),
    })
}

/// A heading, then a row each.
#[must_use]
pub fn csv(report: &Report) -> String {
    let mut text = "lines,bytes,share,usd_month,level,functions,versions,pattern\n".to_owned();
    for row in &report.rows {
        let Row { tally, share, dollars, severity, .. } = row;
        let texts = [row.functions.join(" "), row.versions.join(" "), row.pattern.clone().unwrap_or_default()];
        let texts = texts.map(|text| format!("\"{}\"", text.replace('"', "\"\"")));
        text.push_str(&format!(
            "{},{},{share},{dollars},{},{}\n",
            tally.lines,
            tally.bytes,
            level(*severity),
            texts.join(",")
        ));
    }
    text
}
