//! The functions in columns.

use lambdaview_queries::questions::functions::Summary;

use super::style::{Paint, Role};
use crate::{
    ask::Nanos,
    format::{ago, bytes, count, duration, inert, left, right, width},
};

const HEADINGS: [&str; 8] = ["inv", "failed", "p50", "p95", "lines", "errors", "logged", "last"];

/// The functions as a table of at most `columns` columns; `now` is what "last" is counted from.
#[must_use]
pub fn functions(functions: &[Summary], now: Nanos, columns: usize, paint: Paint) -> String {
    let rows: Vec<[String; 8]> = functions.iter().map(|function| cells(function, now)).collect();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            rows.iter().map(|row| width(&row[column])).chain([HEADINGS[column].len()]).max().unwrap_or_default()
        })
        .collect();
    let rest: usize = widths.iter().map(|width| width + 2).sum();
    let longest = functions.iter().map(|function| width(&inert(&function.name))).max().unwrap_or_default();
    let name_width = longest.max("function".len()).min(columns.saturating_sub(rest).max(12));

    let headings = HEADINGS.iter().zip(&widths).map(|(heading, width)| format!("  {}", right(heading, *width)));
    let mut text =
        paint.paint(Role::Faint, &format!("{}{}", left("function", name_width), headings.collect::<String>()));
    text.push('\n');
    for (function, row) in functions.iter().zip(&rows) {
        text.push_str(&paint.paint(Role::Strong, &left(&inert(&function.name), name_width)));
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let role = role(HEADINGS[column], cell);
            text.push_str("  ");
            text.push_str(&paint.maybe(role, &right(cell, *width)));
        }
        text.push('\n');
    }
    text
}

fn cells(function: &Summary, now: Nanos) -> [String; 8] {
    let unknown = || "-".to_owned();
    let time = |nanos: Option<f64>| nanos.map_or_else(unknown, |nanos| duration(nanos as u64));
    [
        count(function.invocations),
        function.failed.map_or_else(unknown, count),
        time(function.p50),
        time(function.p95),
        count(function.lines),
        count(function.error_lines),
        bytes(function.bytes),
        ago(function.last, now),
    ]
}

fn role(heading: &str, cell: &str) -> Option<Role> {
    match heading {
        "failed" | "errors" if cell != "0" && cell != "-" => Some(Role::Error),
        _ if cell == "-" || cell == "0" => Some(Role::Faint),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Summary> {
        let checkout = Summary {
            name: "checkout".to_owned(),
            invocations: 1_204_311,
            failed: Some(12),
            lines: 4_817_244,
            error_lines: 31,
            bytes: 1_740_000_000,
            p50: Some(48_200_000.0),
            p95: Some(1_284_000_000.0),
            last: 98_000_000_000,
        };
        let refund = Summary {
            name: "refund-with-a-name-that-is-rather-long-for-a-narrow-terminal".to_owned(),
            lines: 7,
            bytes: 812,
            last: 10_000_000_000,
            ..Summary::default()
        };
        vec![checkout, refund]
    }

    #[test]
    fn functions_stand_in_columns() {
        insta::assert_snapshot!(functions(&sample(), 100_000_000_000, 140, Paint::default()), @r#"
        function                                                            inv  failed     p50     p95      lines  errors  logged  last
        checkout                                                      1 204 311      12  48.2ms  1.284s  4 817 244      31  1.7 GB    2s
        refund-with-a-name-that-is-rather-long-for-a-narrow-terminal          0       -       -       -          7       0   812 B   90s
        "#);
    }

    #[test]
    fn a_narrow_terminal_cuts_the_names() {
        let table = functions(&sample(), 100_000_000_000, 80, Paint::default());
        assert!(table.lines().all(|line| width(line) <= 80), "{table}");
    }
}
