//! Cold starts, a line for each function, version, memory size and architecture.

use lambdaview_queries::questions::cold::Starts;

use super::{
    errors::percent,
    fields::Fields,
    grid::{self, Cell, Column},
    style::{Paint, Role},
};
use crate::{
    cost::rates::Lambda,
    format::{count, duration, inert},
};

const HEADS: [Column; 14] = [
    Column::text("function", 0),
    Column::text("version", 2),
    Column::number("memory", 3),
    Column::text("arch", 4),
    Column::number("inv", 1),
    Column::number("cold", 0),
    Column::number("share", 0),
    Column::number("init p50", 1),
    Column::number("p95", 0),
    Column::number("p99", 2),
    Column::number("unseen", 5),
    Column::number("restores", 3),
    Column::number("restore p95", 4),
    Column::number("$ init*", 2),
];

/// The starts in columns, and what the price is of.
#[must_use]
pub fn draw(starts: &[Starts], prices: &Lambda, columns: usize, paint: Paint) -> String {
    let rows: Vec<Vec<Cell>> = starts.iter().map(|one| cells(one, prices)).collect();
    let text = grid::draw(&HEADS, &rows, columns, paint);
    if !text.lines().next().is_some_and(|heading| heading.contains("$ init*")) {
        return text;
    }
    let note = "* init time x memory x Lambda's price, billed since August 2025; x86_64's where nobody tells";
    text + &paint.paint(Role::Faint, note) + "\n"
}

fn cells(one: &Starts, prices: &Lambda) -> Vec<Cell> {
    let text = |text: &str| if text.is_empty() { Cell::unknown() } else { Cell::new(inert(text)) };
    let time = |quantiles: Option<[f64; 3]>, at: usize| {
        Cell::maybe(quantiles.map(|all| duration((all[at] * 1e6).round() as u64)))
    };
    let some = |number: u64| Cell::maybe((number > 0).then(|| count(number)));
    let share = share(one);
    vec![
        Cell::new(inert(&one.function)).role(Role::Strong),
        text(&one.version),
        Cell::maybe(one.memory_size.map(|bytes| format!("{}MB", bytes >> 20))),
        text(&one.arch),
        Cell::new(count(one.invocations)),
        Cell::new(count(one.cold)),
        Cell::maybe(share.map(percent)).role_if(share.is_some_and(|share| share > 0.05), Role::Warning),
        time(one.init, 0),
        time(one.init, 1),
        time(one.init, 2),
        some(one.unseen),
        some(one.restores),
        time(one.restore, 1),
        Cell::maybe(dollars(one, prices).map(|dollars| format!("{dollars:.4}"))),
    ]
}

/// The share of invocations that waited.
fn share(one: &Starts) -> Option<f64> {
    (one.invocations > 0).then(|| (one.cold as f64 / one.invocations as f64).min(1.0))
}

/// What its inits cost.
fn dollars(one: &Starts, prices: &Lambda) -> Option<f64> {
    const GIBIBYTE: f64 = (1_u64 << 30) as f64;
    let memory = one.memory_size? as f64 / GIBIBYTE;
    Some(one.init_ms / 1e3 * memory * prices.gb_second(&one.arch))
}

/// The fields of `cold -o json`.
#[must_use]
pub fn fields(one: &Starts, prices: &Lambda) -> Fields {
    let of = |quantiles: Option<[f64; 3]>, at: usize| quantiles.map(|all| all[at]);
    Fields::default()
        .text("function", &one.function)
        .text("version", &one.version)
        .with("memory_size_bytes", one.memory_size)
        .text("architecture", &one.arch)
        .with("invocations", one.invocations)
        .with("cold", one.cold)
        .with("share", share(one))
        .with("inits", one.inits)
        .with("unseen_inits", one.unseen)
        .with("init_total_ms", one.init_ms)
        .with("init_p50_ms", of(one.init, 0))
        .with("init_p95_ms", of(one.init, 1))
        .with("init_p99_ms", of(one.init, 2))
        .with("restores", one.restores)
        .with("restore_p50_ms", of(one.restore, 0))
        .with("restore_p95_ms", of(one.restore, 1))
        .with("restore_p99_ms", of(one.restore, 2))
        .with("init_dollars", dollars(one, prices))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::rates::Rates;

    fn sample() -> Vec<Starts> {
        let checkout = Starts {
            function: "checkout".to_owned(),
            version: "42".to_owned(),
            memory_size: Some(512 << 20),
            arch: "arm64".to_owned(),
            invocations: 57_000,
            cold: 456,
            inits: 460,
            unseen: 4,
            init_ms: 189_520.0,
            init: Some([412.0, 655.5, 1_204.0]),
            ..Starts::default()
        };
        let refund = Starts { function: "refund".to_owned(), invocations: 10, cold: 1, ..Starts::default() };
        vec![checkout, refund]
    }

    #[test]
    fn a_version_and_size_is_a_line() {
        let prices = Rates::built_in().lambda;
        insta::assert_snapshot!(draw(&sample(), &prices, 80, Paint::default()), @r"
        function  version  memory     inv  cold  share  init p50    p95     p99  $ init*
        checkout  42        512MB  57 000   456   0.8%     412ms  656ms  1.204s   0.0013
        refund    -             -      10     1    10%         -      -       -        -
        * init time x memory x Lambda's price, billed since August 2025; x86_64's where nobody tells
        ");
        insta::assert_snapshot!(draw(&sample(), &prices, 160, Paint::default()), @r"
        function  version  memory  arch      inv  cold  share  init p50    p95     p99  unseen  $ init*
        checkout  42        512MB  arm64  57 000   456   0.8%     412ms  656ms  1.204s       4   0.0013
        refund    -             -  -          10     1    10%         -      -       -       -        -
        * init time x memory x Lambda's price, billed since August 2025; x86_64's where nobody tells
        ");
    }

    #[test]
    fn an_init_costs_its_time_times_the_memory_at_the_architectures_price() {
        let prices = Rates::built_in().lambda;
        let arm = dollars(&sample()[0], &prices).unwrap();
        assert!((arm - 189.52 * 0.5 * 0.000_013_333_4).abs() < 1e-9, "{arm}");
        assert_eq!(dollars(&sample()[1], &prices), None, "the memory is not told");
    }
}
