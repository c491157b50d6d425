//! Errors, a line for each kind.

use lambdaview_queries::questions::errors::Group;

use super::{
    fields::Fields,
    grid::{self, Cell, Column},
    style::{Paint, Role},
};
use crate::{
    ask::Nanos,
    format::{ago, count, inert, plural, short_id},
};

const HEADS: [Column; 9] = [
    Column::number("count", 0),
    Column::number("inv", 1),
    Column::number("first", 3),
    Column::number("last", 0),
    Column::text("functions", 1),
    Column::text("versions", 5),
    Column::text("request", 4),
    Column::text("trace", 6),
    Column::text("error", 0),
];

/// From so many columns on ids stand whole.
const WIDE: usize = 200;

/// A line for each kind, and below them how many kinds were left out.
#[must_use]
pub fn draw(groups: &[Group], left_out: usize, now: Nanos, columns: usize, paint: Paint) -> String {
    let rows: Vec<Vec<Cell>> = groups.iter().map(|group| cells(group, now, columns)).collect();
    let mut text = grid::draw(&HEADS, &rows, columns, paint);
    if left_out > 0 {
        let more = format!("{} more; -n {} shows them", plural(left_out as u64, "kind"), groups.len() + left_out);
        text.push_str(&(paint.paint(Role::Faint, &more) + "\n"));
    }
    text
}

fn cells(group: &Group, now: Nanos, columns: usize) -> Vec<Cell> {
    let id = |id: &str| match id {
        "" => Cell::unknown(),
        id if columns >= WIDE => Cell::new(inert(id)).role(Role::Id),
        id => Cell::new(short_id(id)).role(Role::Id),
    };
    vec![
        Cell::new(count(group.count)),
        Cell::maybe(share(group).map(percent)),
        Cell::new(ago(group.first, now)).role(Role::Faint),
        Cell::new(ago(group.last, now)),
        Cell::new(list(&group.functions)).role(Role::Strong),
        Cell::maybe((!group.versions.is_empty()).then(|| list(&group.versions))),
        id(&group.request_id),
        id(&group.trace_id),
        Cell::new(words(group)).role(Role::Error),
    ]
}

fn words(group: &Group) -> String {
    let message = inert(&group.message);
    if group.kind.is_empty() || group.message.starts_with(&group.kind) {
        return message.into_owned();
    }
    format!("{}: {message}", inert(&group.kind))
}

/// The first name, and how many more there are.
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => inert(one).into_owned(),
        [first, rest @ ..] => format!("{} +{}", inert(first), rest.len()),
    }
}

/// The share of the functions' invocations that it happened to.
fn share(group: &Group) -> Option<f64> {
    let of = group.of.filter(|_| group.invocations > 0)?;
    Some((group.invocations as f64 / of as f64).min(1.0))
}

/// `0.8%`, `21%`.
pub(super) fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    if hundredths > 0.0 && hundredths < 9.95 { format!("{hundredths:.1}%") } else { format!("{hundredths:.0}%") }
}

/// The fields of `errors -o json`.
#[must_use]
pub fn fields(group: &Group) -> Fields {
    Fields::default()
        .text("error_type", &group.kind)
        .text("message", &group.message)
        .with("count", group.count)
        .time("first", group.first)
        .time("last", group.last)
        .with("functions", group.functions.clone())
        .with("versions", group.versions.clone())
        .with("invocations", group.invocations)
        .with("share", share(group))
        .text("sample", &group.sample)
        .text("request_id", &group.request_id)
        .text("trace_id", &group.trace_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = 1_795_356_131_000_000_000;

    fn sample() -> Vec<Group> {
        let stripe = Group {
            kind: "StripeError".to_owned(),
            message: "card_declined: customer c-<*> of <*>".to_owned(),
            count: 1_284,
            first: NOW - 3_000_000_000_000,
            last: NOW - 9_000_000_000,
            functions: vec!["checkout".to_owned(), "refund".to_owned()],
            versions: vec!["41".to_owned(), "42".to_owned()],
            sample: "card_declined: customer c-261327 of \"9912\"".to_owned(),
            request_id: "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11".to_owned(),
            trace_id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned(),
            invocations: 1_200,
            of: Some(57_000),
        };
        let bare = Group {
            message: "cannot \x1b[31mread".to_owned(),
            count: 1,
            first: NOW - 5_000_000_000,
            last: NOW - 5_000_000_000,
            functions: vec!["nightly-export".to_owned()],
            ..Group::default()
        };
        vec![stripe, bare]
    }

    #[test]
    fn a_kind_of_error_is_a_line() {
        insta::assert_snapshot!(draw(&sample(), 0, NOW, 80, Paint::default()), @r"
        count   inv  first  last  functions       error
        1 284  2.1%    50m    9s  checkout +1     StripeError: card_declined: customer …
            1     -     5s    5s  nightly-export  cannot ␛[31mread
        ");
        insta::assert_snapshot!(draw(&sample(), 3, NOW, 160, Paint::default()), @r"
        count   inv  first  last  functions       versions  request   trace     error
        1 284  2.1%    50m    9s  checkout +1     41 +1     7f3a91c2  5f84c7a1  StripeError: card_declined: customer c-<*> of <*>
            1     -     5s    5s  nightly-export  -         -         -         cannot ␛[31mread
        3 kinds more; -n 5 shows them
        ");
    }

    #[test]
    fn what_nobody_tells_is_null_or_empty() {
        insta::assert_snapshot!(super::super::fields::json(&sample().iter().map(fields).collect::<Vec<_>>()), @r#"
        {"error_type":"StripeError","message":"card_declined: customer c-<*> of <*>","count":1284,"first":"2026-11-22T13:12:11.000000000Z","last":"2026-11-22T14:02:02.000000000Z","functions":["checkout","refund"],"versions":["41","42"],"invocations":1200,"share":0.021052631578947368,"sample":"card_declined: customer c-261327 of \"9912\"","request_id":"7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11","trace_id":"5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b"}
        {"error_type":"","message":"cannot \u001b[31mread","count":1,"first":"2026-11-22T14:02:06.000000000Z","last":"2026-11-22T14:02:06.000000000Z","functions":["nightly-export"],"versions":[],"invocations":0,"share":null,"sample":"","request_id":"","trace_id":""}
        "#);
    }
}
