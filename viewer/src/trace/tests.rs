//! What the layout of a trace holds to.

use lambdaview_queries::questions::lines::Line;

use super::{sample::*, *};

fn items(trace: &Trace) -> Vec<(usize, Item)> {
    Layout::of(trace).nodes.into_iter().map(|node| (node.depth, node.item)).collect()
}

fn trace(spans: Vec<Span>) -> Trace {
    Trace { spans, ..Trace::default() }
}

fn internal(id: &str, parent: &str, at: (i64, i64)) -> Span {
    span(id, parent, "Internal", id, at)
}

#[test]
fn lines_stand_among_the_children_of_their_span_by_time() {
    let spans = vec![internal("a", "", (0, 30)), internal("b", "a", (10, 5))];
    let lines = vec![line("a", 5, 9, ""), line("b", 12, 9, ""), line("a", 20, 9, "")];
    assert_eq!(
        items(&Trace { spans, lines, ..Trace::default() }),
        [(0, Item::Span(0)), (1, Item::Line(0)), (1, Item::Span(1)), (2, Item::Line(1)), (1, Item::Line(2))]
    );
}

#[test]
fn every_row_knows_where_what_stands_below_it_ends() {
    let layout = Layout::of(&payment());
    for (at, node) in layout.nodes.iter().enumerate() {
        let below = layout.nodes[at + 1..].iter().take_while(|other| other.depth > node.depth).count();
        assert_eq!(node.end, at + 1 + below, "{at}: {node:?}");
        assert!(node.parent.is_none_or(|parent| layout.nodes[parent].depth + 1 == node.depth), "{node:?}");
    }
}

#[test]
fn a_line_without_a_span_stands_at_its_invocations_entry() {
    let entry = with("faas.invocation_id", "r1", span("b", "a", "Server", "f", (10, 5)));
    // Some SDKs write the request id on every span.
    let inner = with("faas.invocation_id", "r1", internal("a", "", (0, 20)));
    let lines = vec![line_of("r1", 12, "x"), Line { span_id: "nowhere".into(), ..line_of("r1", 13, "y") }];
    let layout = Layout::of(&Trace { spans: vec![inner, entry], lines, ..Trace::default() });
    assert_eq!(layout.nodes[2].item, Item::Line(0));
    assert_eq!((layout.nodes[2].parent, layout.nodes[3].parent), (Some(1), Some(1)));
    assert_eq!((layout.counts.by_invocation, layout.counts.unplaced), (2, 0));
    assert_eq!(layout.invoked, [None, Some(0)]);
}

#[test]
fn lines_of_an_invocation_that_has_no_span_stand_together() {
    let lines = vec![line_of("r1", 1, "a"), line_of("r2", 2, "b"), line_of("r1", 3, "c"), line("", 4, 9, "d")];
    let layout = Layout::of(&Trace { lines, ..Trace::default() });
    let rows: Vec<_> = layout.nodes.iter().map(|node| (node.depth, node.item)).collect();
    assert_eq!(
        rows,
        [
            (0, Item::Invocation(0)),
            (1, Item::Line(0)),
            (1, Item::Line(2)),
            (0, Item::Invocation(1)),
            (1, Item::Line(1)),
            (0, Item::Line(3)),
        ]
    );
    assert_eq!((layout.from, layout.until), (T0 + MS, T0 + 4 * MS));
    assert_eq!(layout.counts.unplaced, 0, "without spans nothing is out of its place");
}

#[test]
fn a_span_whose_parent_is_missing_is_a_root_and_counted() {
    let layout = Layout::of(&trace(vec![internal("a", "gone", (0, 1)), internal("b", "a", (1, 1))]));
    assert_eq!((layout.counts.orphans, layout.nodes[0].depth, layout.nodes[1].depth), (1, 0, 1));
}

#[test]
fn spans_that_are_each_others_parents_are_all_shown_once() {
    let spans = vec![
        internal("d", "a", (0, 1)),
        internal("a", "b", (0, 1)),
        internal("b", "a", (1, 1)),
        internal("c", "c", (2, 1)),
    ];
    let layout = Layout::of(&trace(spans));
    let mut shown: Vec<usize> = layout
        .nodes
        .iter()
        .map(|node| match node.item {
            Item::Span(at) => at,
            other => panic!("{other:?}"),
        })
        .collect();
    shown.sort_unstable();
    assert_eq!(shown, [0, 1, 2, 3]);
    assert_eq!(layout.counts.circular, 1);
}

#[test]
fn a_span_that_came_twice_is_shown_once_and_two_that_share_an_id_both() {
    let twice = internal("a", "", (0, 5));
    let other = Span { name: "other".into(), ..twice.clone() };
    let layout = Layout::of(&Trace {
        spans: vec![twice.clone(), twice, other],
        lines: vec![line("a", 1, 9, "")],
        ..Trace::default()
    });
    assert_eq!((layout.counts.doubled, layout.counts.spans, layout.nodes.len()), (1, 2, 3));
}

#[test]
fn a_failure_is_told_once_by_its_exception_or_by_its_status() {
    let told = failed("boom", internal("a", "", (0, 5)));
    assert!(items(&trace(vec![told.clone()])).contains(&(1, Item::Failure(0))));
    let mut with_event = told;
    with_event.event_names = vec!["exception".into()];
    with_event.event_times = vec![T0];
    with_event.event_attributes = vec![vec![("exception.message".into(), "it went boom".into())]];
    assert_eq!(items(&trace(vec![with_event])), [(0, Item::Span(0)), (1, Item::Event(0, 0))]);
}

#[test]
fn an_invocation_waits_from_its_call_to_its_start_or_the_start_of_its_environment() {
    let trace = payment();
    let layout = Layout::of(&trace);
    let handler = trace.spans.iter().position(|span| &*span.name == "charge").unwrap();
    let wait = layout.nodes.iter().position(|node| node.item == Item::Wait(handler)).unwrap();
    assert_eq!(layout.nodes[wait + 1].item, Item::Span(handler), "before the span that was waited for");
    assert_eq!(layout.begun[handler], T0 + 81 * MS, "the start of its INIT");
    let calls = [("charge", true), ("api-gw", false)];
    for (function, waits) in calls {
        let call = of("api-gw", span("a", "", "Client", "call", (0, 50)));
        let entry = with("faas.invocation_id", "r", of(function, span("b", "a", "Server", "x", (10, 20))));
        let has_wait = items(&Trace { spans: vec![call, entry], ..Trace::default() }).contains(&(1, Item::Wait(1)));
        assert_eq!(has_wait, waits, "{function}");
    }
}

#[test]
fn time_alone_is_what_no_child_covers() {
    let spans = vec![
        internal("a", "", (0, 100)),
        internal("b", "a", (10, 30)),
        internal("c", "a", (20, 30)),
        // Outlives its parent.
        internal("d", "a", (90, 50)),
        // The platform's view of the same time.
        internal("responseLatency", "a", (0, 100)),
    ];
    let alone: Vec<u64> = Layout::of(&trace(spans)).spent.iter().map(|spent| spent.alone / 1_000_000).collect();
    assert_eq!(alone, [50, 30, 30, 50, 100]);
}

#[test]
fn the_path_goes_backwards_through_what_ended_last() {
    let spans = vec![
        internal("root", "", (0, 100)),
        internal("first", "root", (0, 30)),
        internal("beside", "root", (5, 20)),
        internal("last", "root", (40, 50)),
        internal("in last", "last", (45, 20)),
        internal("short", "root", (42, 3)),
    ];
    let spent = Layout::of(&trace(spans)).spent;
    let critical: Vec<(bool, u64)> = spent.iter().map(|one| (one.is_critical, one.critical / 1_000_000)).collect();
    assert_eq!(critical, [(true, 20), (true, 30), (false, 0), (true, 30), (true, 20), (false, 0)]);
    let total: u64 = spent.iter().map(|one| one.critical).sum();
    assert_eq!(total, 100_000_000, "the path is as long as the trace");
}

#[test]
fn the_path_goes_through_the_start_of_an_environment_and_not_after_the_response() {
    let trace = payment();
    let layout = Layout::of(&trace);
    let is_critical = |name: &str| {
        let at = trace.spans.iter().position(|span| &*span.name == name).unwrap();
        layout.spent[at].is_critical
    };
    for (name, expected) in [
        ("POST /pay", true),
        ("Invoke charge", true),
        ("charge", true),
        ("init", true),
        ("POST /charges", true),
        ("responseLatency", false),
        ("extensionOverhead", false),
    ] {
        assert_eq!(is_critical(name), expected, "{name}");
    }
}

fn calls(at: [(i64, i64); 2], status: bool) -> Vec<Skew> {
    let mut call = of("api", span("a", "", "Client", "call", at[0]));
    if status {
        call = with("http.response.status_code", "200", call);
    }
    Layout::of(&trace(vec![call, of("ledger", span("b", "a", "Server", "book", at[1]))])).skews
}

#[test]
fn a_clock_is_told_to_be_behind_when_a_call_starts_before_it_was_made() {
    let skews = calls([(100, 50), (90, 40)], false);
    assert_eq!(skews, [Skew { who: "ledger".to_owned(), against: "api".to_owned(), ahead: -15 * MS }]);
    let note = &picture::notes(&Trace::default(), &Layout { skews, ..Layout::default() })[1];
    assert_eq!(note, "clock skew: ledger is about 15.0ms behind api; bars are as sent");
}

#[test]
fn a_clock_is_told_to_be_ahead_only_when_the_caller_has_an_answer() {
    assert_eq!(calls([(100, 50), (130, 40)], true)[0].ahead, 25 * MS);
    assert_eq!(calls([(100, 50), (130, 40)], false), [], "it may have been asynchronous");
    assert_eq!(calls([(100, 50), (130, 90)], true), [], "the caller gave up");
}

#[test]
fn rounding_and_calls_that_fit_are_no_skew() {
    assert_eq!(calls([(100, 50), (110, 30)], true), []);
    assert_eq!(calls([(100, 50), (99, 40)], false), []);
}

#[test]
fn filters_keep_what_an_error_stands_under() {
    let trace = payment();
    let layout = Layout::of(&trace);
    let shown = |shown: Shown| -> Vec<Item> {
        rows(&trace, &layout, &shown, &Folds::default()).iter().map(|row| layout.nodes[row.node].item).collect()
    };
    let errors = shown(Shown { errors: true, ..Shown::default() });
    assert_eq!(errors, [Item::Span(0), Item::Span(1), Item::Span(3), Item::Span(5), Item::Failure(5), Item::Line(2)]);
    let spans = shown(Shown { logs: false, depth: Some(2), ..Shown::default() });
    assert_eq!(spans, [Item::Span(0), Item::Span(1), Item::Span(6)]);
    let logs = shown(Shown { spans: false, ..Shown::default() });
    assert_eq!(logs, [0, 1, 2, 3].map(Item::Line));
    let flat = shown(Shown { flat: true, logs: false, ..Shown::default() });
    assert_eq!(flat.len(), trace.spans.len() + 1, "the spans and a failure, without waits");
}

#[test]
fn folds_hide_what_stands_below_and_are_revealed() {
    let trace = payment();
    let layout = Layout::of(&trace);
    let mut folds = Folds::default();
    folds.fold_from(&layout, Some(0));
    let count = |folds: &Folds| rows(&trace, &layout, &Shown::default(), folds).len();
    assert_eq!(count(&folds), 3, "the roots");
    let deep = layout.nodes.iter().position(|node| node.item == Item::Line(2)).unwrap();
    folds.reveal(&layout, deep);
    let visible = rows(&trace, &layout, &Shown::default(), &folds);
    assert!(visible.iter().any(|row| row.node == deep));
    folds.fold_from(&layout, None);
    assert_eq!(count(&folds), layout.nodes.len());
}

#[test]
fn a_row_that_stands_for_the_root_is_shown_at_the_left_with_what_is_below_it() {
    let trace = payment();
    let layout = Layout::of(&trace);
    let root = layout.nodes.iter().position(|node| node.item == Item::Span(3)).unwrap();
    let visible = rows(&trace, &layout, &Shown { root: Some(root), ..Shown::default() }, &Folds::default());
    assert_eq!(visible[0], RowAt { node: root, depth: 0 });
    assert_eq!(visible.len(), layout.nodes[root].end - root);
}

#[test]
fn a_trace_of_ten_thousand_spans_and_twenty_thousand_lines_has_them_all_in_their_places() {
    let trace = large(10_000);
    let layout = Layout::of(&trace);
    assert_eq!(layout.nodes.len(), 30_000);
    let deepest = layout.nodes.iter().map(|node| node.depth).max().unwrap();
    assert_eq!(deepest, 5, "ten children each: four levels below the root, and their lines");
    let total: u64 = layout.spent.iter().map(|spent| spent.critical).sum();
    assert_eq!(total, layout.length(), "the path is as long as the trace");
    let path = layout.spent.iter().filter(|spent| spent.is_critical).count();
    assert!((2..10_000).contains(&path), "{path}");
}

#[test]
fn a_trace_as_deep_as_it_likes_is_laid_out() {
    let spans = (0..20_000).map(|n: i64| internal(&n.to_string(), &(n - 1).to_string(), (n, 30_000 - n))).collect();
    let layout = Layout::of(&trace(spans));
    assert_eq!((layout.nodes.len(), layout.nodes[19_999].depth), (20_000, 19_999));
}

#[test]
fn what_came_after_the_response_does_not_stretch_the_trace() {
    let handler = with("faas.invocation_id", "r", span("a", "", "Server", "f", (0, 100)));
    let after = with("faas.invocation_id", "r", internal("extensionOverhead", "a", (100, 2_000)));
    let layout = Layout::of(&trace(vec![handler, after]));
    assert_eq!((layout.length(), layout.last - layout.from), (100_000_000, 2_100 * MS));
}
