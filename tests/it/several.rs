//! Several functions at once, in every layout: by name, glob, expression, ARN; what they wrote last, and what they write next.

use lambdaview_queries::{
    filter::Filter,
    name::NamePattern,
    questions::{
        Session,
        function::{self, Functions, Resolved},
        lines::{self, Detail, Line, Scope},
        marks::{self, Marks, Reach},
        overlap,
    },
    schema::Layout,
    window::Window,
};

use crate::desk::{Desk, Made};

fn row(function: &str, service: &str, body: &str) -> Made {
    let mut row = Made { service: service.to_owned(), body: body.to_owned(), ..Made::default() };
    if !function.is_empty() {
        row.resource.insert("faas.name".to_owned(), function.to_owned());
        row.resource.insert("cloud.region".to_owned(), "eu-west-1".to_owned());
    }
    row
}

/// The newest first.
fn rows() -> Vec<Made> {
    vec![
        row("pay-worker", "workers", "8"),
        row("", "legacy", "7"),
        row("pay-api", "pay-api", "6"),
        row("refund", "refund", "5"),
        row("pay-worker", "pay-worker", "4"),
        row("pay-api", "pay-api", "3"),
        row("", "web", "2"),
        row("pay-worker", "workers", "1"),
    ]
}

async fn desk(layout: Layout) -> (Desk, Session) {
    let desk = Desk::new(layout).await;
    desk.insert(&rows()).await;
    let session = desk.session().await;
    (desk, session)
}

fn patterns(names: &[&str]) -> Vec<NamePattern> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

async fn found(session: &Session, names: &[&str]) -> Functions {
    let Resolved { functions, missing } = function::resolve(session, &patterns(names)).await.unwrap();
    assert_eq!(missing, []);
    functions
}

fn scope<'a>(session: &Session, functions: &'a Functions, filter: &'a Filter) -> Scope<'a> {
    Scope { functions, window: Window::all(session.opened_at()), filter, detail: Detail::default() }
}

fn told(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| format!("{} {}", line.function, line.body)).collect()
}

async fn last(session: &Session, names: &[&str], count: u64) -> Vec<String> {
    let functions = found(session, names).await;
    let filter = NamePattern::narrowing(&patterns(names));
    told(&lines::last(session, &scope(session, &functions, &filter), count).await.unwrap())
}

#[tokio::test]
async fn the_last_lines_of_several_functions_are_the_newest_of_all_of_them() {
    const ARN: &str = "arn:aws:lambda:eu-west-1:1:function:pay-api";
    const ELSEWHERE: &str = "arn:aws:lambda:us-east-1::function:pay-api";
    for layout in Layout::ALL {
        let (_desk, session) = desk(layout).await;
        let cases: [(&[&str], &[&str]); 9] = [
            (&["pay-*"], &["pay-worker 4", "pay-api 6", "pay-worker 8"]),
            (&["pay-worker"], &["pay-worker 1", "pay-worker 4", "pay-worker 8"]),
            (&["pay-api", "refund"], &["pay-api 3", "refund 5", "pay-api 6"]),
            (&["/^re|api$/"], &["pay-api 3", "refund 5", "pay-api 6"]),
            (&["legacy"], &["legacy 7"]),
            (&["legacy", "pay-worker"], &["pay-worker 4", "legacy 7", "pay-worker 8"]),
            (&["w?b"], &["web 2"]),
            (&[], &["refund 5", "pay-api 6", "pay-worker 8"]),
            (&[ELSEWHERE, "refund"], &["refund 5"]),
        ];
        for (names, wanted) in cases {
            assert_eq!(last(&session, names, 3).await, wanted, "{layout}: {names:?}");
        }
        assert_eq!(last(&session, &[ARN], 3).await, [""; 0], "{layout}: there is no account on these records");
    }
}

#[tokio::test]
async fn what_no_name_matches_is_told_with_what_there_is() {
    for layout in Layout::ALL {
        let (_desk, session) = desk(layout).await;
        let resolved = function::resolve(&session, &patterns(&["refund", "chekcout-*", "pay"])).await.unwrap();
        assert_eq!(resolved.functions.names().collect::<Vec<_>>(), ["refund"], "{layout}");
        let missing: Vec<&str> = resolved.missing.iter().map(|missing| &*missing.typed).collect();
        assert_eq!(missing, ["chekcout-*", "pay"], "{layout}");
        for name in ["pay-worker", "pay-api", "refund"] {
            assert!(resolved.missing[0].others.contains(&name.to_owned()), "{layout}: {:?}", resolved.missing);
        }
    }
}

/// What a follower gets of the rows inserted after its marks.
async fn arrivals(desk: &Desk, session: &Session, functions: &Functions, new: &[Made]) -> Vec<String> {
    let marks = session.logs().block_numbers.then_some(marks::parts(session).await.unwrap());
    desk.insert(new).await;
    let now = session.opened_at();
    let window = Window::since(now - 60_000_000_000, now);
    let scope = Scope { window, ..scope(session, functions, &Filter::Everything) };
    let mut lines = Vec::new();
    if let Some(parts) = marks {
        let mut marks = Marks::at(&parts);
        let mut answer = marks::arrivals(session, &scope, &marks, Reach::Recent).unwrap();
        while let Some(line) = answer.next().await.unwrap() {
            lines.extend(marks.take_arrival(&line).then_some(line));
        }
    } else {
        let mut answer = overlap::recent(session, &scope).unwrap();
        while let Some(line) = answer.next().await.unwrap() {
            lines.extend(line.body.starts_with("new").then_some(line));
        }
    }
    told(&lines)
}

#[tokio::test]
async fn a_function_that_is_first_seen_while_following_is_followed_where_its_name_matches() {
    for layout in Layout::ALL {
        let (desk, session) = desk(layout).await;
        let functions = found(&session, &["pay-*", "legacy"]).await;
        let new = [
            row("refund", "x", "new 4"),
            row("pay-new", "pay-new", "new 3"),
            row("pay-api", "x", "new 2"),
            row("", "legacy", "new 1"),
        ];
        let wanted = ["legacy new 1", "pay-api new 2", "pay-new new 3"];
        assert_eq!(arrivals(&desk, &session, &functions, &new).await, wanted, "{layout}");
    }
}

#[tokio::test]
async fn a_column_of_the_names_own_changes_no_answer_and_makes_it_cheaper() {
    for layout in [Layout::TimestampTime, Layout::MapValues, Layout::Compat] {
        let (desk, before) = desk(layout).await;
        // Of a handful of rows a dictionary costs more than it saves.
        for _ in 0..4 {
            desk.insert(&rows().into_iter().cycle().take(400).collect::<Vec<_>>()).await;
        }
        let names_before = function::names(&before).await.unwrap();
        desk.execute(
            "ALTER TABLE otel_logs ADD COLUMN `__hdx_materialized_faas.name` LowCardinality(String)
             MATERIALIZED ResourceAttributes['faas.name']",
        )
        .await;
        desk.execute(
            "ALTER TABLE otel_logs MATERIALIZE COLUMN `__hdx_materialized_faas.name` SETTINGS mutations_sync = 1",
        )
        .await;
        let after = desk.session().await;
        assert_eq!(function::names(&after).await.unwrap(), names_before, "{layout}");
        assert!(after.cost().bytes < before.cost().bytes, "{layout}: {:?}, before {:?}", after.cost(), before.cost());
        assert_eq!(last(&after, &["pay-*"], 3).await, last(&before, &["pay-*"], 3).await, "{layout}");
        assert_eq!(last(&after, &["pay-api"], 3).await, last(&before, &["pay-api"], 3).await, "{layout}");
    }
}
