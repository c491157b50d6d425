//! A trace for programs: its spans and lines in order of time, with what was found out about each.

use std::collections::BTreeMap;

use lambdaview_queries::questions::{
    lines::Line,
    trace::{Span, Trace},
};
use serde::Serialize;

use super::{
    fields::{self, Fields},
    json::{as_line, map, trace_line},
};
use crate::{
    format::rfc3339,
    trace::{Folds, Item, Layout, Phase, Shown, Spent, rows, who},
};

/// A span.
#[derive(Serialize)]
struct JsonSpan<'a> {
    kind: &'static str,
    time: String,
    duration_ns: u64,
    duration_ms: f64,
    self_ms: f64,
    critical_ms: f64,
    depth: usize,
    name: &'a str,
    span_kind: &'a str,
    service: &'a str,
    function: &'a str,
    version: &'a str,
    instance: &'a str,
    trace_id: &'a str,
    span_id: &'a str,
    parent_span_id: &'a str,
    status: &'a str,
    status_message: &'a str,
    phase: Option<&'static str>,
    attributes: BTreeMap<&'a str, &'a str>,
    events: Vec<JsonEvent<'a>>,
    links: Vec<JsonLink<'a>>,
}

#[derive(Serialize)]
struct JsonEvent<'a> {
    time: String,
    name: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct JsonLink<'a> {
    trace_id: &'a str,
    span_id: &'a str,
}

/// `trace -o json`: the spans and lines that are shown, by their time.
#[must_use]
pub fn json(trace: &Trace, shown: Shown) -> String {
    let layout = Layout::of(trace);
    let rows = rows(trace, &layout, &Shown { flat: true, ..shown }, &Folds::default());
    let object = |node: usize| match layout.nodes[node].item {
        Item::Span(at) => span(trace, &layout, at, layout.nodes[node].depth),
        Item::Line(at) => trace_line(&trace.lines[at]),
        // Events are part of their spans; the rest says nothing that spans and lines do not.
        _ => String::new(),
    };
    rows.into_iter().map(|row| object(row.node)).collect()
}

/// `trace -o csv`: the same rows, with the same columns for spans and lines.
#[must_use]
pub fn csv(trace: &Trace, shown: Shown) -> String {
    let layout = Layout::of(trace);
    let rows = rows(trace, &layout, &Shown { flat: true, ..shown }, &Folds::default());
    let fields = |node: usize| match layout.nodes[node].item {
        Item::Span(at) => Some(span_fields(&trace.spans[at], layout.spent[at], layout.nodes[node].depth)),
        Item::Line(at) => Some(line_fields(&trace.lines[at], layout.nodes[node].depth)),
        _ => None,
    };
    fields::csv(&rows.into_iter().filter_map(|row| fields(row.node)).collect::<Vec<_>>())
}

fn span_fields(span: &Span, spent: Spent, depth: usize) -> Fields {
    Fields::default()
        .with("kind", "span")
        .time("time", span.start)
        .with("depth", depth)
        .millis("duration_ms", Some(span.duration))
        .millis("self_ms", Some(spent.alone))
        .millis("critical_ms", Some(spent.critical))
        .text("function", who(span))
        .text("severity", &span.status)
        .text("text", &span.name)
        .text("trace_id", &span.trace_id)
        .text("span_id", &span.span_id)
        .text("parent_span_id", &span.parent_span_id)
        .text("invocation_id", span.attribute("faas.invocation_id").unwrap_or_default())
}

fn line_fields(line: &Line, depth: usize) -> Fields {
    Fields::default()
        .with("kind", "line")
        .time("time", line.time)
        .with("depth", depth)
        .millis("duration_ms", None)
        .millis("self_ms", None)
        .millis("critical_ms", None)
        .text("function", &line.function)
        .text("severity", &line.severity)
        .text("text", &line.body)
        .text("trace_id", &line.trace_id)
        .text("span_id", &line.span_id)
        .text("parent_span_id", "")
        .text("invocation_id", &line.invocation_id)
}

fn span(trace: &Trace, layout: &Layout, at: usize, depth: usize) -> String {
    let span = &trace.spans[at];
    let spent = layout.spent[at];
    as_line(&JsonSpan {
        kind: "span",
        time: rfc3339(span.start),
        duration_ns: span.duration,
        duration_ms: millis(span.duration),
        self_ms: millis(spent.alone),
        critical_ms: millis(spent.critical),
        depth,
        name: &span.name,
        span_kind: &span.kind,
        service: &span.service,
        function: &span.function,
        version: &span.version,
        instance: &span.instance,
        trace_id: &span.trace_id,
        span_id: &span.span_id,
        parent_span_id: &span.parent_span_id,
        status: &span.status,
        status_message: &span.status_message,
        phase: Phase::of(span).map(Phase::name),
        attributes: map(&span.attributes),
        events: events(span),
        links: links(span),
    })
}

fn events(span: &Span) -> Vec<JsonEvent<'_>> {
    let events = span.event_times.iter().zip(&span.event_names).zip(&span.event_attributes);
    events
        .map(|((time, name), attributes)| JsonEvent { time: rfc3339(*time), name, attributes: map(attributes) })
        .collect()
}

fn links(span: &Span) -> Vec<JsonLink<'_>> {
    let links = span.link_trace_ids.iter().zip(&span.link_span_ids);
    links.map(|(trace_id, span_id)| JsonLink { trace_id, span_id }).collect()
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sample::payment;

    #[test]
    fn a_span_tells_what_was_found_out_about_it() {
        let printed = json(&payment(), Shown::default());
        let stripe = printed.lines().find(|line| line.contains("POST /charges")).unwrap();
        insta::assert_snapshot!(stripe);
    }

    #[test]
    fn as_a_table_spans_and_lines_have_the_same_columns() {
        let printed = csv(&payment(), Shown { errors: true, ..Shown::default() });
        insta::assert_snapshot!(printed);
    }

    #[test]
    fn spans_and_lines_come_by_their_time_each_once() {
        let trace = payment();
        let printed = json(&trace, Shown::default());
        let rows: Vec<serde_json::Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let times: Vec<&str> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        let count = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).count();
        assert_eq!((count("span"), count("line")), (trace.spans.len(), trace.lines.len()));
        let logs = json(&trace, Shown { spans: false, ..Shown::default() });
        assert_eq!(logs.lines().count(), trace.lines.len());
    }
}
