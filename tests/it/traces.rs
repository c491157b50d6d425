//! `lambdaview trace`: whatever a trace is made of, and whatever its id is called.

use lambdaview_queries::{questions::trace, schema::Layout};
use lambdaview_tests::viewer::Ended;
use serde_json::Value;

use crate::desk::Desk;

const TRACE: &str = "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b";
const XRAY: &str = "1-5f84c7a1-d2e34b5f8a9b0c1d2e3f4a5b";
const OTHER: &str = "0af7651916cd43dd8448eb211c80319c";
const REQUEST: &str = "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";

/// A span, by what tells it from others.
#[derive(Clone, Copy, Default)]
struct Span<'a> {
    id: &'a str,
    parent: &'a str,
    kind: &'a str,
    service: &'a str,
    invocation: &'a str,
    link: &'a str,
    /// From when on and how long, in milliseconds.
    at: (i64, i64),
}

async fn add_span(desk: &Desk, span: Span<'_>) {
    let row = desk.client.query_raw(include_str!("../fixtures/sql/rows/span.sql"));
    let row = row.param("trace", TRACE).param("span", span.id).param("parent", span.parent).param("kind", span.kind);
    let row = row.param("name", format!("span {}", &span.id[..1])).param("service", span.service);
    let row = row.param("invocation", span.invocation).param("link", span.link);
    row.param("start", span.at.0).param("milliseconds", span.at.1).execute().await.unwrap();
}

async fn add_line(desk: &Desk, (trace, span, invocation): (&str, &str, &str), time: i64, body: &str) {
    let row = desk.client.query_raw(include_str!("../fixtures/sql/rows/line.sql"));
    let row = row.param("trace", trace).param("span", span).param("invocation", invocation).param("service", "charge");
    row.param("time", time).param("body", body).execute().await.unwrap();
}

async fn add_large(desk: &Desk, spans: u64, lines: u64) {
    let rows = desk.client.query_raw(include_str!("../fixtures/sql/rows/large_spans.sql"));
    rows.param("trace", TRACE).param("invocation", REQUEST).param("spans", spans).execute().await.unwrap();
    let rows = desk.client.query_raw(include_str!("../fixtures/sql/rows/large_lines.sql"));
    rows.param("trace", TRACE).param("invocation", REQUEST).param("lines", lines).execute().await.unwrap();
}

async fn run(desk: &Desk, arguments: &str) -> Ended {
    let ended = desk.viewer().run(&arguments.split(' ').collect::<Vec<_>>()).await;
    assert_eq!(ended.code, Some(0), "{arguments}: {}", ended.stderr);
    ended
}

fn objects(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn ten_thousand_spans_and_twenty_thousand_lines_are_all_there_in_their_places() {
    for layout in [Layout::Items, Layout::TimestampTime] {
        let desk = Desk::new(layout).await;
        add_large(&desk, 10_000, 20_000).await;
        for id in [TRACE, XRAY, REQUEST] {
            let rows = objects(&run(&desk, &format!("trace {id} -o json")).await);
            let of = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).collect::<Vec<_>>();
            let (spans, lines) = (of("span"), of("line"));
            assert_eq!((spans.len(), lines.len()), (10_000, 20_000), "{layout} {id}");
            assert_eq!(spans.iter().map(|span| span["depth"].as_u64().unwrap()).max(), Some(4), "{layout}");
            let critical: f64 = spans.iter().map(|span| span["critical_ms"].as_f64().unwrap()).sum();
            assert!((critical - 60_000.0).abs() < 1e-3, "{layout}: the path is as long as the trace: {critical}");
        }
        let drawn = run(&desk, &format!("trace {TRACE}")).await.stdout;
        assert_eq!(drawn.lines().filter(|row| row.contains(" line ")).count(), 20_000, "{layout}");
        assert!(drawn.contains("10 000 spans  20 000 logs"), "{}", &drawn[..300]);
        assert!(drawn.ends_with("note: 10 000 logs without a span here, placed by request id\n"), "{layout}");
    }
}

#[tokio::test]
async fn of_a_trace_that_is_larger_than_is_shown_it_is_told_that_it_is_cut() {
    let desk = Desk::new(Layout::Items).await;
    let limit = u64::try_from(trace::LIMIT).unwrap();
    add_large(&desk, limit + 1, 10).await;
    let shown = trace::trace(&desk.session().await, TRACE).await.unwrap();
    assert_eq!((shown.spans.len(), shown.spans_cut, shown.lines_cut), (trace::LIMIT, true, false));
    let drawn = run(&desk, &format!("trace {TRACE} --depth 1")).await.stdout;
    assert!(drawn.contains("note: more than 50 000 spans: the later ones are not here"), "{drawn}");
    assert_eq!(drawn.lines().filter(|row| row.contains("span 0") || row.contains("step ")).count(), 2, "{drawn}");
}

#[tokio::test]
async fn a_trace_of_which_only_logs_are_here_is_drawn_by_its_invocations() {
    let desk = Desk::new(Layout::Items).await;
    add_line(&desk, (TRACE, "", REQUEST), 0, "first").await;
    add_line(&desk, ("", "", REQUEST), 300, "of the same request").await;
    add_line(&desk, (TRACE, "", ""), 400, "nobody's").await;
    for id in [TRACE, XRAY, REQUEST] {
        insta::assert_snapshot!("only_logs", run(&desk, &format!("trace {id} --utc")).await.stdout);
    }
}

#[tokio::test]
async fn an_invocation_without_a_trace_is_its_lines() {
    let desk = Desk::new(Layout::Items).await;
    add_line(&desk, ("", "", REQUEST), 0, "first").await;
    add_line(&desk, ("", "", REQUEST), 300, "second").await;
    let drawn = run(&desk, &format!("trace {REQUEST} --utc")).await.stdout;
    assert!(drawn.starts_with("invocation without a trace  300ms  2 logs\n"), "{drawn}");
}

#[tokio::test]
async fn missing_parents_skewed_clocks_and_other_traces_are_told_and_drawn_as_they_are() {
    let desk = Desk::new(Layout::Items).await;
    let span = Span { service: "shop", kind: "Internal", ..Span::default() };
    let call = Span { id: "aaaaaaaaaaaaaaaa", kind: "Client", at: (0, 900), ..span };
    let behind = Span { service: "charge", kind: "Server", invocation: REQUEST, ..span };
    add_span(&desk, call).await;
    add_span(&desk, Span { id: "bbbbbbbbbbbbbbbb", parent: call.id, at: (-40, 900), ..behind }).await;
    add_span(&desk, Span { id: "cccccccccccccccc", parent: "9999999999999999", at: (500, 100), link: OTHER, ..span })
        .await;
    add_line(&desk, (TRACE, "8888888888888888", REQUEST), 20, "of a span that is not here").await;
    insta::assert_snapshot!("odd_parts", run(&desk, &format!("trace {TRACE} --utc")).await.stdout);
}

#[tokio::test]
async fn filters_choose_what_is_drawn() {
    let desk = Desk::new(Layout::Items).await;
    let span = Span { service: "shop", kind: "Server", ..Span::default() };
    add_span(&desk, Span { id: "aaaaaaaaaaaaaaaa", at: (0, 900), ..span }).await;
    add_span(&desk, Span { id: "bbbbbbbbbbbbbbbb", parent: "aaaaaaaaaaaaaaaa", at: (10, 500), ..span }).await;
    add_line(&desk, (TRACE, "bbbbbbbbbbbbbbbb", ""), 20, "a line").await;
    for (flags, wanted) in [
        ("--static", [true, true, true]),
        ("--no-logs", [true, true, false]),
        ("--depth 1", [true, false, false]),
        ("--errors", [false, false, false]),
        ("--flat", [true, true, true]),
    ] {
        let drawn = run(&desk, &format!("trace {TRACE} {flags}")).await.stdout;
        // The heading names the root, too: rows come after the axis.
        let rows: Vec<&str> = drawn.lines().skip(3).collect();
        let has = |part: &str| rows.iter().any(|row| row.contains(part));
        assert_eq!(["span a", "span b", "a line"].map(has), wanted, "{flags}:\n{drawn}");
        assert_eq!(rows.iter().any(|row| row.starts_with("  ")), wanted[1] && flags != "--flat", "{flags}:\n{drawn}");
    }
}

#[tokio::test]
async fn an_id_that_is_nowhere_is_one_sentence_and_exit_code_3() {
    let desk = Desk::new(Layout::Items).await;
    add_large(&desk, 20_000, 20_000).await;
    let session = desk.session().await;
    for (id, what) in [(OTHER, "trace id"), ("00000000-3f0e-4a53-9d0c-0a6d6c4f1b11", "request id")] {
        let ended = desk.viewer().run(&["trace", id]).await;
        assert_eq!((ended.code, &*ended.stdout), (Some(3), ""));
        assert!(ended.stderr.contains(&format!("no span and no log line has the {what} {id}")), "{}", ended.stderr);
    }
    trace::trace(&session, OTHER).await.unwrap();
    // The indexes answer: of 40,000 rows none, or a few granules where a bloom filter errs.
    assert!(session.cost().rows < 20_000, "{:?}", session.cost());
}
