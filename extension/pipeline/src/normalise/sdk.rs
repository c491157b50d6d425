//! What the function's own SDK sends: tied to its invocation and to this environment, otherwise as it came.

use opentelemetry_proto::tonic::{
    logs::v1::{LogRecord, ResourceLogs, SeverityNumber},
    trace::v1::{ResourceSpans, Span, span::SpanKind},
};

use super::{
    attributes::{add_if_missing, text, text_of},
    invocation::{Claim, Invocation, Link},
    invocations::Invocations,
    severity::Severity,
};
use crate::flow::{
    UnixNanos,
    trace::{SpanId, TraceId},
};

/// Today's name of the attribute, and the one before 2023 that older layers still send.
const INVOCATION_ID: [&str; 2] = ["faas.invocation_id", "faas.execution"];

/// Looks for the spans that are an invocation's own: from them on, its lines have that trace.
pub(super) fn link_spans(spans: &mut ResourceSpans, invocations: &mut Invocations, now: UnixNanos) {
    for span in spans.scope_spans.iter_mut().flat_map(|scope| &mut scope.spans) {
        if let (Some(claim), Some(link)) = (claim(span), link(span)) {
            link_span(span, claim, link, (invocations, now));
        }
    }
}

fn link_span(span: &mut Span, claim: Claim, link: Link, (invocations, now): (&mut Invocations, UnixNanos)) {
    if let Some(request_id) = named(span) {
        // The span may come before the platform's own word of its invocation.
        let request_id = invocations.find_or_add(&request_id, now.min(span.start_time_unix_nano)).request_id.clone();
        return invocations.link_sdk(&request_id, claim, link);
    }
    let Some(invocation) = invocations.at(span.start_time_unix_nano) else { return };
    let request_id = invocation.request_id.clone();
    add_if_missing(&mut span.attributes, INVOCATION_ID[0], || text(&request_id));
    invocations.link_sdk(&request_id, claim, link);
}

fn named(span: &Span) -> Option<String> {
    INVOCATION_ID.into_iter().find_map(|key| text_of(&span.attributes, key)).map(str::to_owned)
}

fn claim(span: &Span) -> Option<Claim> {
    let entry = span.kind == i32::from(SpanKind::Server) || span.kind == i32::from(SpanKind::Consumer);
    let root = span.parent_span_id.is_empty();
    match (named(span).is_some(), entry, root) {
        (true, true, _) | (true, _, true) => Some(Claim::Named),
        (false, true, _) => Some(Claim::Entry),
        (true, false, false) => Some(Claim::Mention),
        (false, false, true) => Some(Claim::Root),
        (false, false, false) => None,
    }
}

fn link(span: &Span) -> Option<Link> {
    let (trace_id, span_id) = (TraceId::from_bytes(&span.trace_id)?, SpanId::from_bytes(&span.span_id)?);
    Some(Link { trace_id, span_id, flags: span.flags & 0xff })
}

/// Gives the SDK's log records their invocation's id, its trace where it is known and they have none, and a severity.
pub(super) fn complete_logs(logs: &mut ResourceLogs, invocations: &mut Invocations) {
    for record in logs.scope_logs.iter_mut().flat_map(|scope| &mut scope.log_records) {
        let time = if record.time_unix_nano == 0 { record.observed_time_unix_nano } else { record.time_unix_nano };
        if let Some(invocation) = invocation_of(record, time, invocations) {
            add_if_missing(&mut record.attributes, INVOCATION_ID[0], || text(&invocation.request_id));
            if let Some(link) = invocation.link_now() {
                link.write(record);
            }
        }
        complete_severity(record);
    }
}

fn invocation_of<'a>(record: &LogRecord, time: UnixNanos, invocations: &'a mut Invocations) -> Option<&'a Invocation> {
    if invocations.of_trace(&record.trace_id).is_some() {
        return invocations.of_trace(&record.trace_id).map(|invocation| &*invocation);
    }
    invocations.at(time).map(|invocation| &*invocation)
}

/// A record without one would be guessed at by the collector, from the words of its body.
fn complete_severity(record: &mut LogRecord) {
    if record.severity_number == 0 {
        let known = Severity::from_word(&record.severity_text).unwrap_or_else(Severity::info);
        record.severity_number = known.number.into();
    }
    if record.severity_text.is_empty() {
        let number = SeverityNumber::try_from(record.severity_number).unwrap_or(SeverityNumber::Info);
        let name = number.as_str_name().trim_start_matches("SEVERITY_NUMBER_");
        name.trim_end_matches(|c: char| c.is_ascii_digit()).clone_into(&mut record.severity_text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::attributes::attribute;

    #[test]
    fn a_records_severity_is_completed_from_its_other_half() {
        let completed = |number: i32, text: &str| {
            let mut record = LogRecord { severity_number: number, severity_text: text.into(), ..LogRecord::default() };
            complete_severity(&mut record);
            (record.severity_number, record.severity_text)
        };
        assert_eq!(completed(0, ""), (9, "INFO".into()));
        assert_eq!(completed(0, "WARNING"), (13, "WARNING".into()));
        assert_eq!(completed(18, ""), (18, "ERROR".into()));
        assert_eq!(completed(17, "Bad"), (17, "Bad".into()));
    }

    #[test]
    fn only_entries_and_roots_claim_an_invocation() {
        let span = |kind: SpanKind, parent: &[u8]| Span {
            kind: kind.into(),
            parent_span_id: parent.into(),
            ..Span::default()
        };
        assert_eq!(claim(&span(SpanKind::Server, &[1; 8])), Some(Claim::Entry));
        assert_eq!(claim(&span(SpanKind::Internal, &[])), Some(Claim::Root));
        assert_eq!(claim(&span(SpanKind::Client, &[1; 8])), None);
    }

    #[test]
    fn a_span_that_names_an_invocation_is_its_own_only_where_it_begins() {
        let named = |kind: SpanKind, parent: &[u8]| {
            let attributes = vec![attribute("faas.invocation_id", text("r"))];
            claim(&Span { kind: kind.into(), parent_span_id: parent.into(), attributes, ..Span::default() })
        };
        assert_eq!(named(SpanKind::Server, &[1; 8]), Some(Claim::Named));
        assert_eq!(named(SpanKind::Internal, &[]), Some(Claim::Named));
        assert_eq!(named(SpanKind::Client, &[1; 8]), Some(Claim::Mention));
    }
}
