//! Spans as rows of `otel_traces`.

use lambdaview_queries::tables::span::SpanRow;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span, Status, span::SpanKind, status::StatusCode};

use super::{Source, attributes, date_time, id};

pub(super) fn add(rows: &mut Vec<SpanRow>, spans: &ResourceSpans) {
    let mut source = Source::new(spans.resource.as_ref(), &spans.schema_url);
    for scope in &spans.scope_spans {
        source.enter(scope.scope.as_ref(), &scope.schema_url);
        rows.extend(scope.spans.iter().map(|span| row(&source, span)));
    }
}

fn row(source: &Source, span: &Span) -> SpanRow {
    let no_status = Status::default();
    let status = span.status.as_ref().unwrap_or(&no_status);
    SpanRow {
        timestamp: date_time(span.start_time_unix_nano),
        trace_id: id(&span.trace_id),
        span_id: id(&span.span_id),
        parent_span_id: id(&span.parent_span_id),
        trace_state: span.trace_state.clone(),
        span_name: span.name.clone(),
        span_kind: kind(span.kind()).to_owned(),
        service_name: source.service_name.clone(),
        resource_attributes: source.resource_attributes.clone(),
        scope_name: source.scope_name.clone(),
        scope_version: source.scope_version.clone(),
        span_attributes: attributes(&span.attributes),
        // A span that ends before it starts lasts nothing; the collector would let it wrap to centuries.
        duration: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano),
        status_code: code(status.code()).to_owned(),
        status_message: status.message.clone(),
        event_timestamps: span.events.iter().map(|event| date_time(event.time_unix_nano)).collect(),
        event_names: span.events.iter().map(|event| event.name.clone()).collect(),
        event_attributes: span.events.iter().map(|event| attributes(&event.attributes)).collect(),
        link_trace_ids: span.links.iter().map(|link| id(&link.trace_id)).collect(),
        link_span_ids: span.links.iter().map(|link| id(&link.span_id)).collect(),
        link_trace_states: span.links.iter().map(|link| link.trace_state.clone()).collect(),
        link_attributes: span.links.iter().map(|link| attributes(&link.attributes)).collect(),
    }
}

const fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "Unspecified",
        SpanKind::Internal => "Internal",
        SpanKind::Server => "Server",
        SpanKind::Client => "Client",
        SpanKind::Producer => "Producer",
        SpanKind::Consumer => "Consumer",
    }
}

const fn code(code: StatusCode) -> &'static str {
    match code {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "Ok",
        StatusCode::Error => "Error",
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::{
        ScopeSpans,
        span::{Event, Link},
    };

    use super::*;

    fn rows(span: Span) -> SpanRow {
        let mut rows = Vec::new();
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        add(&mut rows, &ResourceSpans { scope_spans, ..ResourceSpans::default() });
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }

    #[test]
    fn a_span_becomes_a_row_with_its_events_and_links_in_columns() {
        let row = rows(Span {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            parent_span_id: vec![3; 8],
            name: "handler".to_owned(),
            kind: SpanKind::Server as i32,
            start_time_unix_nano: 1_000,
            end_time_unix_nano: 4_500,
            status: Some(Status { code: StatusCode::Error as i32, message: "boom".to_owned() }),
            events: vec![Event { time_unix_nano: 2_000, name: "exception".to_owned(), ..Event::default() }],
            links: vec![Link {
                trace_id: vec![4; 16],
                span_id: vec![5; 8],
                trace_state: "a=b".to_owned(),
                ..Link::default()
            }],
            ..Span::default()
        });
        assert_eq!((row.timestamp, row.duration), (1_000, 3_500));
        assert_eq!(
            (row.span_kind.as_str(), row.status_code.as_str(), row.status_message.as_str()),
            ("Server", "Error", "boom")
        );
        assert_eq!((row.trace_id, row.span_id, row.parent_span_id), ("01".repeat(16), "02".repeat(8), "03".repeat(8)));
        assert_eq!((row.event_timestamps, row.event_names), (vec![2_000], vec!["exception".to_owned()]));
        assert_eq!((row.link_trace_ids, row.link_span_ids), (vec!["04".repeat(16)], vec!["05".repeat(8)]));
        assert_eq!((row.link_trace_states, row.link_attributes.len()), (vec!["a=b".to_owned()], 1));
    }

    #[test]
    fn a_span_without_kind_or_status_says_so_in_the_collectors_words() {
        let row = rows(Span::default());
        assert_eq!((row.span_kind.as_str(), row.status_code.as_str()), ("Unspecified", "Unset"));
    }

    #[test]
    fn a_kind_that_is_not_known_yet_counts_as_unspecified() {
        assert_eq!(rows(Span { kind: 99, ..Span::default() }).span_kind, "Unspecified");
    }

    #[test]
    fn a_span_that_ends_before_it_starts_lasts_nothing() {
        assert_eq!(rows(Span { start_time_unix_nano: 9, end_time_unix_nano: 3, ..Span::default() }).duration, 0);
    }
}
