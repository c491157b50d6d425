//! The reckoning of costs, with everything it rests on.

use lambdaview_queries::questions::measures::{Sampled, Way};
use serde::Serialize;

use super::{
    json::as_line,
    style::{Paint, Role},
};
use crate::{
    cost::{Report, Share, rates::Rates},
    format::{bytes, count, duration, inert, left, right, width},
};

const HEADINGS: [&str; 7] = ["inv", "lines", "text", "billed", "$/month", "stored", "share"];

/// The report for people, in at most `columns` columns.
#[must_use]
pub fn draw(report: &Report, rates: &Rates, columns: usize, paint: Paint) -> String {
    let mut text = format!(
        "{}  measured over {}, times {} for a month of 730 hours; prices {} of {}\n\n",
        paint.paint(Role::Strong, "log cost"),
        duration(report.measured),
        factor(report.factor),
        inert(&rates.region),
        inert(&rates.dated),
    );
    if let Some(way) = way(report.way) {
        text.push_str(&paint.paint(Role::Warning, &way));
        text.push_str("\n\n");
    }
    text.push_str(&table(report, columns, paint));
    text.push('\n');
    text.push_str(&totals(report, rates, paint));
    text.push('\n');
    for (number, assumption) in assumptions(report, rates).into_iter().enumerate() {
        let head = if number == 0 { "assumed: " } else { "         " };
        text.push_str(&paint.paint(Role::Faint, &format!("{head}{assumption}")));
        text.push('\n');
    }
    text
}

/// How it was measured, where not every record was read.
fn way(way: Way) -> Option<String> {
    match way {
        Way::Exact => None,
        Way::RollUp => {
            Some("counted in whole five minutes when the records arrived; --exact reads every record".to_owned())
        }
        Way::Sampled(Sampled { read, of, margin }) => Some(format!(
            "a sample: {} of {} log records were read; --exact reads every record\nthe text of all functions is off by at most {:.1} %, 95 times in 100; that of one alone by more",
            count(read),
            count(of),
            100.0 * margin,
        )),
    }
}

/// What the figures rest on, a sentence each.
#[must_use]
pub fn assumptions(report: &Report, rates: &Rates) -> Vec<String> {
    let cloudwatch = &rates.cloudwatch;
    let mut assumptions = vec![
        "every line counted here would have gone to CloudWatch, and no other logs of the account share its tiers"
            .to_owned(),
        format!(
            "billed = text + {} bytes a line + {} bytes an invocation for START, END and REPORT as text",
            cloudwatch.bytes_per_event, cloudwatch.bytes_per_invocation
        ),
        "text = UTF-8 as stored; a JSON line is put together again from its fields: within some 10 %".to_owned(),
        format!(
            "CloudWatch keeps a month's logs, compressed to {}; no queries, free tier or discounts",
            cloudwatch.compressed_to
        ),
        "stored = the table's bytes on disk with indexes, by rows; a function's part of it by its text".to_owned(),
    ];
    if report.measured < 3_600_000_000_000 {
        assumptions.push(format!(
            "{} stand for a month: too short to rely on, --since looks further back",
            duration(report.measured)
        ));
    }
    assumptions
}

fn table(report: &Report, columns: usize, paint: Paint) -> String {
    let rows: Vec<[String; 7]> = report.shares.iter().map(|share| cells(share, report)).collect();
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            rows.iter().map(|row| width(&row[column])).chain([HEADINGS[column].len()]).max().unwrap_or_default()
        })
        .collect();
    let rest: usize = widths.iter().map(|width| width + 2).sum();
    let longest = report.shares.iter().map(|share| width(&inert(&share.name))).max().unwrap_or_default();
    let name_width = longest.max("function".len()).min(columns.saturating_sub(rest).max(12));
    let row = |name: &str, cells: &[String]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("  {}", right(cell, *width)));
        format!("{}{}\n", left(name, name_width), cells.collect::<String>())
    };
    let headings = HEADINGS.map(str::to_owned);
    let mut text = paint.paint(Role::Faint, row("function", &headings).trim_end());
    text.push('\n');
    text.extend(report.shares.iter().zip(&rows).map(|(share, cells)| row(&inert(&share.name), cells)));
    text
}

fn cells(share: &Share, report: &Report) -> [String; 7] {
    let part =
        if report.ingest > 0.0 { format!("{:.0}%", 100.0 * share.ingest / report.ingest) } else { "-".to_owned() };
    [
        count(share.invocations),
        count(share.events),
        bytes(share.bytes),
        bytes(share.billed_bytes),
        dollars(share.ingest),
        bytes(share.stored_bytes as u64),
        part,
    ]
}

fn totals(report: &Report, rates: &Rates, paint: Paint) -> String {
    let gb = |gb: f64| bytes((gb * 1e9) as u64);
    let ratio = report.ratio.map_or_else(|| "unknown".to_owned(), |ratio| format!("{ratio:.1} bytes of text a byte"));
    let storage = report.clickstack_storage.map_or_else(|| "unknown".to_owned(), dollars);
    let per_gb =
        rates.clickhouse.storage_per_gb_month.map_or_else(String::new, |price| format!(" x ${price}/GB-month"));
    let rows = [
        ("CloudWatch ingest", dollars(report.ingest), format!("{} a month, through the tiers", gb(report.billed_gb))),
        (
            "CloudWatch storage",
            dollars(report.storage),
            format!(
                "x {} compressed x ${}/GB-month",
                rates.cloudwatch.compressed_to, rates.cloudwatch.storage_per_gb_month
            ),
        ),
        ("ClickStack storage", storage, format!("{} a month on disk ({ratio}){per_gb}", gb(report.stored_gb))),
        (
            "ClickStack compute",
            "unknown".to_owned(),
            "depends on the cluster; nothing more where it runs anyway".to_owned(),
        ),
    ];
    let amount_width = rows.iter().map(|(_, amount, _)| width(amount)).max().unwrap_or_default();
    rows.iter()
        .map(|(what, amount, how)| {
            format!(
                "{}  {}  {}\n",
                left(what, 18),
                paint.paint(Role::Strong, &right(amount, amount_width)),
                paint.paint(Role::Faint, how)
            )
        })
        .collect()
}

/// An amount of money in as many digits as it deserves.
fn dollars(amount: f64) -> String {
    if amount == 0.0 {
        "$0".to_owned()
    } else if amount < 0.01 {
        "<$0.01".to_owned()
    } else if amount < 100.0 {
        format!("${amount:.2}")
    } else {
        format!("${}", count(amount.round() as u64))
    }
}

fn factor(factor: f64) -> String {
    if factor < 100.0 { format!("{factor:.1}") } else { count(factor.round() as u64) }
}

#[derive(Serialize)]
struct JsonReport<'a> {
    measured_by: &'static str,
    records_read: Option<u64>,
    records: Option<u64>,
    margin: Option<f64>,
    measured_s: f64,
    factor: f64,
    prices_of: &'a str,
    region: &'a str,
    functions: Vec<JsonShare<'a>>,
    month: JsonMonth,
    assumptions: Vec<String>,
}

#[derive(Serialize)]
struct JsonShare<'a> {
    function: &'a str,
    invocations: u64,
    lines: u64,
    text_bytes: u64,
    billed_bytes: u64,
    stored_bytes: u64,
    cloudwatch_ingest_usd_month: f64,
}

#[derive(Serialize)]
struct JsonMonth {
    cloudwatch_gb: f64,
    cloudwatch_ingest_usd: f64,
    cloudwatch_storage_usd: f64,
    clickstack_gb: f64,
    clickstack_storage_usd: Option<f64>,
    clickstack_compute_usd: Option<f64>,
}

/// The report for programs; what is unknown is null.
#[must_use]
pub fn json(report: &Report, rates: &Rates) -> String {
    let sampled = match report.way {
        Way::Sampled(sampled) => Some(sampled),
        Way::Exact | Way::RollUp => None,
    };
    as_line(&JsonReport {
        measured_by: match report.way {
            Way::Exact => "records",
            Way::RollUp => "rollup",
            Way::Sampled(_) => "sample",
        },
        records_read: sampled.map(|sampled| sampled.read),
        records: sampled.map(|sampled| sampled.of),
        margin: sampled.map(|sampled| sampled.margin),
        measured_s: report.measured as f64 / 1e9,
        factor: report.factor,
        prices_of: &rates.dated,
        region: &rates.region,
        functions: report.shares.iter().map(json_share).collect(),
        month: JsonMonth {
            cloudwatch_gb: report.billed_gb,
            cloudwatch_ingest_usd: report.ingest,
            cloudwatch_storage_usd: report.storage,
            clickstack_gb: report.stored_gb,
            clickstack_storage_usd: report.clickstack_storage,
            clickstack_compute_usd: None,
        },
        assumptions: assumptions(report, rates),
    })
}

fn json_share(share: &Share) -> JsonShare<'_> {
    JsonShare {
        function: &share.name,
        invocations: share.invocations,
        lines: share.events,
        text_bytes: share.bytes,
        billed_bytes: share.billed_bytes,
        stored_bytes: share.stored_bytes as u64,
        cloudwatch_ingest_usd_month: share.ingest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Report {
        let share = |name: &str, bytes: u64, ingest: f64| Share {
            name: name.to_owned(),
            events: 120_000,
            invocations: 40_000,
            bytes,
            billed_bytes: bytes + 16_800_000,
            ingest,
            stored_bytes: bytes as f64 / 9.0,
        };
        Report {
            way: Way::Exact,
            shares: vec![share("checkout", 812_000_000, 12.34), share("refund", 4_100, 0.001)],
            measured: 86_400_000_000_000,
            factor: 30.416_666,
            billed_gb: 24.7,
            ingest: 12.341,
            storage: 0.11,
            stored_gb: 2.75,
            ratio: Some(9.0),
            clickstack_storage: Some(0.07),
        }
    }

    #[test]
    fn the_report_says_what_it_rests_on() {
        insta::assert_snapshot!(draw(&sample(), &Rates::built_in(), 100, Paint::default()), @r#"
        log cost  measured over 1d00h, times 30.4 for a month of 730 hours; prices us-east-1 of 2026-09

        function     inv    lines    text   billed  $/month   stored  share
        checkout  40 000  120 000  812 MB   829 MB   $12.34  90.2 MB   100%
        refund    40 000  120 000  4.1 kB  16.8 MB   <$0.01    455 B     0%

        CloudWatch ingest    $12.34  24.7 GB a month, through the tiers
        CloudWatch storage    $0.11  x 0.15 compressed x $0.03/GB-month
        ClickStack storage    $0.07  2.8 GB a month on disk (9.0 bytes of text a byte) x $0.0253/GB-month
        ClickStack compute  unknown  depends on the cluster; nothing more where it runs anyway

        assumed: every line counted here would have gone to CloudWatch, and no other logs of the account share its tiers
                 billed = text + 26 bytes a line + 342 bytes an invocation for START, END and REPORT as text
                 text = UTF-8 as stored; a JSON line is put together again from its fields: within some 10 %
                 CloudWatch keeps a month's logs, compressed to 0.15; no queries, free tier or discounts
                 stored = the table's bytes on disk with indexes, by rows; a function's part of it by its text
        "#);
    }

    #[test]
    fn a_sample_is_called_one_with_its_error() {
        let way = Way::Sampled(Sampled { read: 12_288, of: 20_000_000, margin: 0.0123 });
        let report = Report { way, ..sample() };
        let drawn = draw(&report, &Rates::built_in(), 100, Paint::default());
        assert!(
            drawn.contains("12 288 of 20 000 000 log records were read") && drawn.contains("at most 1.2 %"),
            "{drawn}"
        );
        let value: serde_json::Value = serde_json::from_str(&json(&report, &Rates::built_in())).unwrap();
        assert_eq!((value["measured_by"].as_str(), value["records_read"].as_u64()), (Some("sample"), Some(12_288)));
        assert_eq!(value["margin"].as_f64(), Some(0.0123));
    }

    #[test]
    fn a_short_measurement_is_called_short() {
        let report = Report { measured: 12_000_000_000, ..sample() };
        assert!(assumptions(&report, &Rates::built_in()).iter().any(|one| one.contains("12.000s stand for a month")));
    }

    #[test]
    fn programs_get_the_same_assumptions_and_null_for_the_unknown() {
        let line = json(&Report { clickstack_storage: None, ..sample() }, &Rates::built_in());
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(value["month"]["clickstack_storage_usd"].is_null());
        assert_eq!(value["assumptions"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn money_has_as_many_digits_as_it_deserves() {
        assert_eq!([0.0, 0.004, 0.5, 99.0, 12_500.4].map(dollars).join(" "), "$0 <$0.01 $0.50 $99.00 $12 500");
    }
}
