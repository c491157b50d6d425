//! Spans in OTLP/JSON.

use super::{Fields, Odd, Rejected, attributes};
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status,
    span::{Event, Link, SpanKind},
    status::StatusCode,
};
use serde_json::Value;

pub(super) fn resource(value: Value, rejected: &mut Rejected) -> Result<ResourceSpans, Odd> {
    let mut fields = Fields::of(value, "resourceSpans")?;
    Ok(ResourceSpans {
        resource: fields.optional("resource", super::resource)?,
        scope_spans: fields.list("scopeSpans", |value| scope(value, rejected))?,
        schema_url: fields.text("schemaUrl")?,
    })
}

fn scope(value: Value, rejected: &mut Rejected) -> Result<ScopeSpans, Odd> {
    let mut fields = Fields::of(value, "scopeSpans")?;
    Ok(ScopeSpans {
        scope: fields.optional("scope", super::scope)?,
        spans: rejected.records(fields.values("spans")?, span),
        schema_url: fields.text("schemaUrl")?,
    })
}

fn span(value: Value) -> Result<Span, Odd> {
    let mut fields = Fields::of(value, "span")?;
    Ok(Span {
        trace_id: fields.id("traceId", 16)?,
        span_id: fields.id("spanId", 8)?,
        trace_state: fields.text("traceState")?,
        parent_span_id: fields.id("parentSpanId", 8)?,
        flags: fields.integer("flags")?,
        name: fields.text("name")?,
        kind: fields.enumeration("kind", |name| SpanKind::from_str_name(name).map(i32::from))?,
        start_time_unix_nano: fields.integer("startTimeUnixNano")?,
        end_time_unix_nano: fields.integer("endTimeUnixNano")?,
        attributes: attributes(&mut fields, "attributes")?,
        dropped_attributes_count: fields.integer("droppedAttributesCount")?,
        events: fields.list("events", event)?,
        dropped_events_count: fields.integer("droppedEventsCount")?,
        links: fields.list("links", link)?,
        dropped_links_count: fields.integer("droppedLinksCount")?,
        status: fields.optional("status", status)?,
    })
}

fn event(value: Value) -> Result<Event, Odd> {
    let mut fields = Fields::of(value, "an event")?;
    Ok(Event {
        time_unix_nano: fields.integer("timeUnixNano")?,
        name: fields.text("name")?,
        attributes: attributes(&mut fields, "attributes")?,
        dropped_attributes_count: fields.integer("droppedAttributesCount")?,
    })
}

fn link(value: Value) -> Result<Link, Odd> {
    let mut fields = Fields::of(value, "a link")?;
    Ok(Link {
        trace_id: fields.id("traceId", 16)?,
        span_id: fields.id("spanId", 8)?,
        trace_state: fields.text("traceState")?,
        attributes: attributes(&mut fields, "attributes")?,
        dropped_attributes_count: fields.integer("droppedAttributesCount")?,
        flags: fields.integer("flags")?,
    })
}

fn status(value: Value) -> Result<Status, Odd> {
    let mut fields = Fields::of(value, "status")?;
    let code = fields.enumeration("code", |name| StatusCode::from_str_name(name).map(i32::from))?;
    Ok(Status { message: fields.text("message")?, code })
}
