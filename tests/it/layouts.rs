//! Every question in every layout that ClickStack's tables have had: the answers are the same.

use lambdaview_queries::{
    filter::Filter,
    questions::{
        Session, Text, bytes,
        function::{self, Functions, Missing, Resolved},
        functions,
        lines::{self, Detail, Line, Scope},
        measures::{self, Way},
        trace,
        whole::{self, Which},
    },
    schema::Layout,
    window::Window,
};

use crate::desk::Desk;

const TRACE: &str = "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b";
const REQUEST: &str = "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";

async fn desk(layout: Layout) -> Desk {
    let desk = Desk::new(layout).await;
    let map = |key: &str, value: &str| match layout {
        Layout::Json => format!("'{{\"{key}\":\"{value}\"}}'"),
        _ => format!("map('{key}', '{value}')"),
    };
    for rows in [include_str!("../fixtures/sql/rows/logs.sql"), include_str!("../fixtures/sql/rows/spans.sql")] {
        let rows = rows.replace("{resource}", &map("faas.name", "checkout"));
        desk.execute(&rows.replace("{attributes}", &map("faas.invocation_id", REQUEST))).await;
    }
    desk
}

fn bodies(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| &*line.body).collect()
}

async fn resolved(session: &Session, names: &[&str]) -> Resolved {
    let patterns: Vec<_> = names.iter().map(|name| name.parse().unwrap()).collect();
    function::resolve(session, &patterns).await.unwrap()
}

async fn found(session: &Session, name: &str) -> Functions {
    let Resolved { functions, missing } = resolved(session, &[name]).await;
    assert_eq!(missing, []);
    functions
}

fn all_of<'a>(session: &Session, functions: &'a Functions) -> Scope<'a> {
    let window = Window::all(session.opened_at());
    Scope { functions, window, filter: &Filter::Everything, detail: Detail::default() }
}

#[tokio::test]
async fn a_functions_lines_are_found_by_its_name_and_come_in_order() {
    for layout in Layout::ALL {
        let desk = desk(layout).await;
        let session = desk.session().await;
        let functions = found(&session, "checkout").await;
        let detail = Detail { attributes: true, resource: true };
        let scope = Scope { detail, ..all_of(&session, &functions) };
        let last = lines::last(&session, &scope, 3).await.unwrap();
        assert_eq!(bodies(&last), ["line 1", "line 2", "\u{fffd}\0\u{fffd}"], "{layout}");
        assert_eq!(&*last[0].invocation_id, REQUEST, "{layout}");
        assert_eq!((&*last[0].function, &*last[0].service), ("checkout", "shop"), "{layout}");
        assert!(!last[0].attributes.is_empty() && !last[0].resource.is_empty(), "{layout}");
        let mut all = lines::all(&session, &scope).unwrap();
        let first = all.next().await.unwrap().unwrap();
        assert_eq!(
            (&*first.body, &*first.span_id, first.severity_number),
            ("line 0", "aaaaaaaaaaaaaaaa", 9),
            "{layout}"
        );
    }
}

#[tokio::test]
async fn lines_of_the_same_moment_keep_the_order_in_which_they_came() {
    for layout in [Layout::MapValues, Layout::Compat, Layout::Items] {
        let desk = Desk::new(layout).await;
        for block in [1, 2] {
            let rows = desk.client.query_raw(include_str!("../fixtures/sql/rows/numbered.sql"));
            rows.param("block", block).param("first", block * 50).param("count", 50).execute().await.unwrap();
        }
        let session = desk.session().await;
        let functions = found(&session, "pay").await;
        let scope = all_of(&session, &functions);
        let wanted: Vec<String> = (120..150).map(|number| format!("number {number}")).collect();
        assert_eq!(bodies(&lines::last(&session, &scope, 30).await.unwrap()), wanted, "{layout}");
        let mut all = lines::all(&session, &scope).unwrap();
        for number in 50..150 {
            assert_eq!(&*all.next().await.unwrap().unwrap().body, format!("number {number}"), "{layout}");
        }
    }
}

#[tokio::test]
async fn a_function_without_faas_name_is_found_by_its_service() {
    for layout in Layout::ALL {
        let session = desk(layout).await.session().await;
        let functions = found(&session, "shop").await;
        assert_eq!(lines::last(&session, &all_of(&session, &functions), 10).await.unwrap().len(), 4, "{layout}");
    }
}

#[tokio::test]
async fn an_unknown_function_is_answered_with_those_there_are() {
    for layout in Layout::ALL {
        let session = desk(layout).await.session().await;
        let missing = resolved(&session, &["chekcout"]).await.missing;
        let others = vec!["checkout".to_owned()];
        assert_eq!(missing, [Missing { typed: "chekcout".to_owned(), others }], "{layout}");
    }
}

#[tokio::test]
async fn a_trace_has_its_spans_its_lines_and_those_of_its_invocation() {
    for layout in Layout::ALL {
        let session = desk(layout).await.session().await;
        for trace in
            [trace::trace(&session, TRACE).await.unwrap(), trace::of_invocation(&session, REQUEST).await.unwrap()]
        {
            assert_eq!(trace.id, TRACE, "{layout}");
            assert_eq!(
                trace.spans.iter().map(|span| &*span.name).collect::<Vec<_>>(),
                ["checkout", "POST /charges"],
                "{layout}"
            );
            assert_eq!(trace.spans[0].attribute("faas.invocation_id"), Some(REQUEST), "{layout}");
            let wanted: &[&str] = &["line 0", "line 1", "line 2", "\u{fffd}\0\u{fffd}"];
            assert_eq!(bodies(&trace.lines), wanted, "{layout}");
        }
    }
}

#[tokio::test]
async fn one_row_is_read_with_everything_that_it_holds() {
    for layout in Layout::ALL {
        let session = desk(layout).await.session().await;
        let trace = trace::trace(&session, TRACE).await.unwrap();
        for (at, line) in trace.lines.iter().enumerate().take(3) {
            let which = Which { time: line.time, trace: &line.trace_id, span: &line.span_id };
            let row = whole::line(&session, which, &line.body).await.unwrap().unwrap();
            assert_eq!(
                (row.body, row.service, row.time),
                (line.body.clone(), "shop".into(), line.time),
                "{layout} {at}"
            );
            let holds = |attributes: &[(Text, Text)], name: &str| attributes.iter().any(|(key, _)| **key == *name);
            assert!(holds(&row.resource, "faas.name"), "{layout}: {:?}", row.resource);
            assert!(holds(&row.attributes, "faas.invocation_id"), "{layout}");
            assert_eq!(whole::line(&session, which, "another text").await.unwrap(), None, "{layout}");
        }
        let span = &trace.spans[1];
        let which = Which { time: span.start, trace: &span.trace_id, span: &span.span_id };
        let row = whole::span(&session, which).await.unwrap().unwrap();
        assert_eq!((&*row.body, &*row.severity), ("402 Payment Required", "Error"), "{layout}");
    }
}

#[tokio::test]
async fn spans_are_looked_for_on_their_trace_s_days_where_a_table_tells_them() {
    let desk = desk(Layout::TimestampTime).await;
    let session = desk.session().await;
    let asked = std::rc::Rc::new(std::cell::RefCell::new(String::new()));
    let heard = std::rc::Rc::clone(&asked);
    session.listen(move |asked| heard.borrow_mut().push_str(&asked.statement()));
    let trace = trace::trace(&session, TRACE).await.unwrap();
    assert_eq!((trace.spans.len(), trace.lines.len()), (2, 4));
    let asked = asked.take();
    let spans = asked.split("-- The spans of a trace").nth(1).unwrap();
    assert!(asked.contains("FROM otel_traces_trace_id_ts") && spans.contains("AND Timestamp < "), "{asked}");
    // Without what tells it, or with a table that knows nothing of this trace, all days are looked at.
    desk.execute("TRUNCATE TABLE otel_traces_trace_id_ts").await;
    assert_eq!(trace::trace(&session, TRACE).await.unwrap().spans.len(), 2);
    desk.execute("DROP TABLE otel_traces_trace_id_ts").await;
    assert_eq!(trace::trace(&session, TRACE).await.unwrap().spans.len(), 2);
}

#[tokio::test]
async fn what_nobody_knows_is_an_empty_trace() {
    let session = desk(Layout::Items).await.session().await;
    let trace = trace::trace(&session, "00000000000000000000000000000001").await.unwrap();
    assert!(trace.spans.is_empty() && trace.lines.is_empty());
}

#[tokio::test]
async fn functions_are_counted_by_logs_and_spans_together() {
    for layout in Layout::ALL {
        let session = desk(layout).await.session().await;
        let functions = functions::functions(&session, session.opened_at() - 3_600_000_000_000).await.unwrap();
        assert_eq!(functions.len(), 1, "{layout}");
        let checkout = &functions[0];
        assert_eq!(
            (checkout.name.as_str(), checkout.invocations, checkout.failed),
            ("checkout", 1, Some(0)),
            "{layout}"
        );
        assert_eq!((checkout.lines, checkout.error_lines, checkout.bytes), (4, Some(1), 21), "{layout}");
        assert_eq!(checkout.p50, Some(5e9), "{layout}");
    }
}

#[tokio::test]
async fn bytes_are_counted_and_the_table_weighed() {
    for layout in Layout::ALL {
        let session = desk(layout).await.session().await;
        let logged = bytes::logged(&session, session.opened_at() - 3_600_000_000_000).await.unwrap();
        assert_eq!((logged[0].events, logged[0].body_bytes, logged[0].invocations), (4, 21, 1), "{layout}");
        let stored = bytes::stored(&session).await.unwrap();
        assert_eq!(stored.rows, 4, "{layout}");
        assert!(stored.bytes > 0, "{layout}");
    }
}

#[tokio::test]
async fn a_sample_that_takes_in_all_there_is_tells_what_every_record_tells() {
    for layout in [Layout::MapValues, Layout::Compat, Layout::Items] {
        let session = desk(layout).await.session().await;
        let from = session.opened_at() - 3_600_000_000_000;
        let exact = measures::exact(&session, from).await.unwrap();
        let sampled = measures::sampled(&session, from).await.unwrap().expect("a table of one server has granules");
        let told =
            |logged: &bytes::Logged| (logged.name.to_string(), logged.events, logged.body_bytes + logged.field_bytes);
        assert_eq!(
            sampled.logged.iter().map(told).collect::<Vec<_>>(),
            exact.logged.iter().map(told).collect::<Vec<_>>(),
            "{layout}"
        );
        assert_eq!(sampled.functions[0].invocations, 1, "{layout}");
        assert!(matches!(sampled.way, Way::Sampled(sampled) if sampled.read == 4 && sampled.of == 4), "{layout}");
    }
}

#[tokio::test]
async fn a_sample_is_as_far_off_as_it_says_and_reads_less() {
    const ROWS: u64 = 120_000;
    for layout in [Layout::Compat, Layout::Items] {
        let desk = Desk::new(layout).await;
        for (sql, count) in [
            (include_str!("../fixtures/sql/scale/logs.sql"), ROWS),
            (include_str!("../fixtures/sql/scale/spans.sql"), ROWS / 4),
        ] {
            let insert = desk.client.query_raw(sql).param("prefix", "fn-").param("functions", 20).param("first", 0);
            let insert = insert.param("count", count).param("rows", count).param("invocations", ROWS / 5);
            insert.param("until", lambdaview::clock::now()).execute().await.unwrap();
        }
        let session = desk.session().await;
        let from = session.opened_at() - 7 * 24 * 3_600_000_000_000;
        let exact = measures::exact(&session, from).await.unwrap();
        let before = session.cost();
        let sampled = measures::sampled(&session, from).await.unwrap().expect("a table of one server has granules");
        let read = session.cost().bytes - before.bytes;
        let Way::Sampled(way) = sampled.way else { panic!("{layout}: {:?}", sampled.way) };
        let bytes = |measures: &measures::Measures| -> f64 {
            measures.logged.iter().map(|logged| (logged.body_bytes + logged.field_bytes) as f64).sum()
        };
        let off = (bytes(&sampled) / bytes(&exact) - 1.0).abs();
        assert!(off <= way.margin.max(0.01), "{layout}: {off} off, said {}", way.margin);
        assert!(way.margin < 0.2 && way.read < ROWS / 4, "{layout}: {way:?}");
        assert_eq!(sampled.logged.len(), 20, "{layout}");
        assert!(read < before.bytes / 2, "{layout}: {read} bytes of {}", before.bytes);
    }
}

#[tokio::test]
async fn no_sample_is_taken_where_functions_lie_apart() {
    for layout in [Layout::SeverityFirst, Layout::TimestampTime, Layout::Json] {
        let session = desk(layout).await.session().await;
        let from = session.opened_at() - 3_600_000_000_000;
        assert!(measures::sampled(&session, from).await.unwrap().is_none(), "{layout}");
        assert_eq!(measures::cheapest(&session, from, |_| {}).await.unwrap().way, Way::Exact, "{layout}");
    }
}
