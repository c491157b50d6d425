//! The ids of trace and span that a line carries itself, in every form that tracers and loggers write.
//!
//! An id that is none (zeros, a wrong length, a UUID of the program's own) is not believed: its field stays as it was.

use std::borrow::Cow;

use opentelemetry_proto::tonic::logs::v1::LogRecord;

use crate::flow::trace::{SpanId, TraceContext, TraceId};

/// The names of one tracer's two fields, and how it writes what is in them.
struct Form {
    trace: &'static str,
    span: &'static str,
    notation: Notation,
}

#[derive(Clone, Copy)]
enum Notation {
    /// 32 and 16 hexadecimal digits, or X-Ray's `1-5bef4de7-ad49b0e87f6ef6c87fc2e700`.
    Hex,
    /// Datadog's: decimal, of which the trace's has the lower 64 bits; 32 hexadecimal digits where 128-bit ids are on.
    Decimal,
    /// `projects/p/traces/<32 digits>`.
    Resource,
}

const fn hex(trace: &'static str, span: &'static str) -> Form {
    Form { trace, span, notation: Notation::Hex }
}

const FORMS: [Form; 10] = [
    hex("trace_id", "span_id"),
    hex("traceId", "spanId"),
    hex("otelTraceID", "otelSpanID"),
    hex("TraceId", "SpanId"),
    hex("traceID", "spanID"),
    hex("trace.id", "span.id"),
    hex("@tr", "@sp"),
    Form { trace: "dd.trace_id", span: "dd.span_id", notation: Notation::Decimal },
    Form { trace: "logging.googleapis.com/trace", span: "logging.googleapis.com/spanId", notation: Notation::Resource },
    // Without a span of its own, what Elastic calls the transaction is the span.
    hex("trace.id", "transaction.id"),
];

const TRACEPARENT: &str = "traceparent";

const XRAY: [&str; 6] =
    ["xray_trace_id", "xrayTraceId", "xray_trace", "xrayTraceID", "span.xrayTraceId", "AWS-XRAY-TRACE-ID"];

const SAMPLED: [&str; 6] = [
    "otelTraceSampled",
    "trace_flags",
    "traceFlags",
    "TraceFlags",
    "trace_sampled",
    "logging.googleapis.com/trace_sampled",
];

/// The ids of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    trace: TraceId,
    span: Option<SpanId>,
    sampled: bool,
}

/// The ids of a line, and the names of the fields that say nothing beyond them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) ids: Ids,
    pub(super) spent: Vec<&'static str>,
}

impl Ids {
    /// Looks for them by `field`, which tells the text of the field of a name.
    pub(super) fn find<'a>(field: impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<Found> {
        in_pairs(&field).or_else(|| in_traceparent(&field)).or_else(|| in_xray(&field))
    }

    pub(super) fn write(self, record: &mut LogRecord) {
        record.trace_id = self.trace.to_vec();
        record.span_id = self.span.map(SpanId::to_vec).unwrap_or_default();
        record.flags = u32::from(self.sampled);
    }
}

/// Whether a field of this name may hold an id: a line of text has other names by the dozen.
pub(super) fn is_name(name: &str) -> bool {
    let form = |form: &Form| form.trace == name || form.span == name;
    FORMS.iter().any(form) || name == TRACEPARENT || XRAY.contains(&name) || SAMPLED.contains(&name)
}

/// Whether a name that ends so may be that of a trace, without which a line has no ids.
pub(super) const fn ends_like_a_trace(name: &[u8]) -> bool {
    matches!(name, [.., b'i' | b'I', b'd'] | [.., b'I', b'D'] | [.., b'c', b'e'] | [.., b'n', b't'] | [.., b't', b'r'])
}

fn in_pairs<'a>(field: &impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<Found> {
    let (form, trace) = FORMS.iter().find_map(|form| Some((form, form.notation.trace(&field(form.trace)?)?)))?;
    let span = |form: &Form| Some((form.span, form.notation.span(&field(form.span)?)?));
    let same_trace = FORMS.iter().filter(|other| other.trace == form.trace).find_map(span);
    let span = same_trace.or_else(|| FORMS.iter().find_map(span));
    let sampled = SAMPLED.into_iter().find_map(|name| Some((name, flag(&field(name)?)?)));
    let is_xray = field(form.trace).is_some_and(|text| text.contains('-'));
    // X-Ray's form is what its console is asked by: it stays. So does a trace without a span, which may yet give way to the
    // invocation's own.
    let is_spent = span.is_some() && !is_xray;
    let spent = [is_spent.then_some(form.trace), span.map(|(name, _)| name), sampled.map(|(name, _)| name)];
    let ids = Ids { trace, span: span.map(|(_, id)| id), sampled: sampled.is_some_and(|(_, sampled)| sampled) };
    Some(Found { ids, spent: spent.into_iter().flatten().collect() })
}

fn in_traceparent<'a>(field: &impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<Found> {
    let context = TraceContext::from_traceparent(&field(TRACEPARENT)?)?;
    let ids = Ids { trace: context.trace_id, span: context.parent, sampled: context.sampled };
    Some(Found { ids, spent: vec![TRACEPARENT] })
}

/// X-Ray's own id, its whole header, or `trace@span` as its SDK for Java writes it.
fn in_xray<'a>(field: &impl Fn(&str) -> Option<Cow<'a, str>>) -> Option<Found> {
    let ids = XRAY.into_iter().find_map(|name| xray(&field(name)?))?;
    Some(Found { ids, spent: Vec::new() })
}

fn xray(text: &str) -> Option<Ids> {
    if let Some(context) = TraceContext::from_xray(text) {
        // The header's parent is the caller's span: the line was not written in it.
        return Some(Ids { trace: context.trace_id, span: None, sampled: context.sampled });
    }
    let (trace, span) = text.split_once('@').unwrap_or((text, ""));
    Some(Ids { trace: TraceId::from_xray(trace)?, span: SpanId::from_hex(span), sampled: false })
}

impl Notation {
    fn trace(self, text: &str) -> Option<TraceId> {
        match self {
            Self::Hex if text.contains('-') => TraceId::from_xray(text),
            Self::Hex => TraceId::from_hex(text),
            Self::Decimal if text.len() == 32 && text.bytes().any(|c| c.is_ascii_alphabetic()) => {
                TraceId::from_hex(text)
            }
            Self::Decimal if text.len() == 32 && text.starts_with('0') => TraceId::from_hex(text),
            Self::Decimal => TraceId::from_bytes(&decimal::<u128>(text)?.to_be_bytes()),
            Self::Resource => TraceId::from_hex(text.rsplit('/').next()?),
        }
    }

    fn span(self, text: &str) -> Option<SpanId> {
        match self {
            Self::Hex | Self::Resource => SpanId::from_hex(Some(text).filter(|text| !text.contains('-'))?),
            Self::Decimal => SpanId::from_bytes(&decimal::<u64>(text)?.to_be_bytes()),
        }
    }
}

/// Digits and nothing else: the standard library would take a sign.
fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok())?
}

/// `true` of OpenTelemetry's loggers, W3C's `01`, or the bare number.
fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "True" => Some(true),
        "false" | "False" => Some(false),
        _ => u8::from_str_radix(text, 16).ok().map(|flags| flags & 1 == 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "5bef4de7ad49b0e87f6ef6c87fc2e700";
    const SPAN: &str = "9a9197af755a6419";
    const XRAY_ID: &str = "1-5bef4de7-ad49b0e87f6ef6c87fc2e700";

    /// The fields of a line, the span that it names, and whether its trace is sampled.
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>, bool);

    fn found(fields: &[(&str, &str)]) -> Option<Found> {
        Ids::find(|name| fields.iter().find(|(key, _)| *key == name).map(|(_, text)| Cow::Owned((*text).to_owned())))
    }

    fn ids(trace: &str, span: Option<&str>, sampled: bool) -> Ids {
        Ids { trace: TraceId::from_hex(trace).unwrap(), span: span.and_then(SpanId::from_hex), sampled }
    }

    #[test]
    fn ids_are_found_in_every_form() {
        let traceparent = format!("00-{TRACE}-{SPAN}-01");
        let resource = format!("projects/p/traces/{TRACE}");
        let header = format!("Root={XRAY_ID};Parent=35465b3a9e2f7c6a;Sampled=1");
        let java = format!("{XRAY_ID}@{SPAN}");
        let decimal = u64::from_str_radix(SPAN, 16).unwrap().to_string();
        let wide = u128::from_str_radix(TRACE, 16).unwrap().to_string();
        let both = [Some(SPAN), None];
        let [with_span, alone] = both;
        let rows: &[Row<'_>] = &[
            (&[("trace_id", TRACE), ("span_id", SPAN)], with_span, false),
            (&[("trace_id", TRACE), ("span_id", SPAN), ("trace_flags", "01")], with_span, true),
            (&[("traceId", TRACE), ("spanId", SPAN), ("traceFlags", "0")], with_span, false),
            (&[("otelTraceID", TRACE), ("otelSpanID", SPAN), ("otelTraceSampled", "true")], with_span, true),
            (&[("otelTraceID", TRACE), ("otelSpanID", SPAN), ("otelTraceSampled", "False")], with_span, false),
            (&[("TraceId", TRACE), ("SpanId", SPAN)], with_span, false),
            (&[("traceID", TRACE), ("spanID", SPAN)], with_span, false),
            (&[("trace.id", TRACE), ("span.id", SPAN), ("transaction.id", "35465b3a9e2f7c6a")], with_span, false),
            (&[("trace.id", TRACE), ("transaction.id", SPAN)], with_span, false),
            (&[("@tr", TRACE), ("@sp", SPAN)], with_span, false),
            (&[("dd.trace_id", TRACE), ("dd.span_id", &decimal)], with_span, false),
            (&[("dd.trace_id", &wide), ("dd.span_id", &decimal)], with_span, false),
            (
                &[
                    ("logging.googleapis.com/trace", &resource),
                    ("logging.googleapis.com/spanId", SPAN),
                    ("logging.googleapis.com/trace_sampled", "true"),
                ],
                with_span,
                true,
            ),
            (&[("trace_id", TRACE), ("spanId", SPAN)], with_span, false),
            (&[("trace_id", TRACE), ("span_id", "0000000000000000")], alone, false),
            (&[("traceparent", &traceparent)], with_span, true),
            (&[("xray_trace_id", XRAY_ID)], alone, false),
            (&[("xray_trace_id", &header)], alone, true),
            (&[("AWS-XRAY-TRACE-ID", &java)], with_span, false),
            (&[("traceId", XRAY_ID)], alone, false),
        ];
        for (fields, span, sampled) in rows {
            assert_eq!(found(fields).map(|found| found.ids), Some(ids(TRACE, *span, *sampled)), "{fields:?}");
        }
    }

    #[test]
    fn every_traces_name_ends_like_one() {
        let names = FORMS.iter().map(|form| form.trace).chain(XRAY).chain([TRACEPARENT]);
        names.for_each(|name| assert!(ends_like_a_trace(name.as_bytes()), "{name}"));
        assert!(
            !["attempt", "cache", "latency_ms", "d", ""].into_iter().any(|name| ends_like_a_trace(name.as_bytes()))
        );
    }

    #[test]
    fn datadogs_64_bits_are_the_lower_half_of_the_trace_id() {
        let lower = format!("{}{SPAN}", "0".repeat(16));
        let decimal = u64::from_str_radix(SPAN, 16).unwrap().to_string();
        assert_eq!(found(&[("dd.trace_id", &decimal)]).map(|found| found.ids), Some(ids(&lower, None, false)));
        assert_eq!(found(&[("dd.trace_id", &lower)]).map(|found| found.ids), Some(ids(&lower, None, false)));
    }

    #[test]
    fn what_is_no_id_is_not_believed() {
        let zeros = "0".repeat(32);
        let rows: &[&[(&str, &str)]] = &[
            &[("trace_id", &zeros), ("span_id", SPAN)],
            &[("trace_id", "5bef4de7"), ("span_id", SPAN)],
            &[("trace_id", "not hexadecimal, but of length 32"), ("span_id", SPAN)],
            &[("traceId", "5bef4de7-ad49-4b0e-87f6-ef6c87fc2e70")],
            &[("dd.trace_id", "0"), ("dd.span_id", "1")],
            &[("dd.trace_id", "+7")],
            &[("traceparent", "00-00000000000000000000000000000000-9a9197af755a6419-01")],
            &[("xray_trace_id", "")],
            &[("span_id", SPAN)],
            &[],
        ];
        for fields in rows {
            assert_eq!(found(fields), None, "{fields:?}");
        }
    }

    #[test]
    fn only_the_fields_that_say_nothing_more_are_spent() {
        let all =
            [("trace_id", TRACE), ("span_id", SPAN), ("trace_flags", "01"), ("dd.trace_id", "17"), ("traceId", "no")];
        assert_eq!(found(&all).unwrap().spent, ["trace_id", "span_id", "trace_flags"]);
        assert!(found(&[("xray_trace_id", XRAY_ID)]).unwrap().spent.is_empty());
        assert_eq!(found(&[("traceId", XRAY_ID), ("spanId", SPAN)]).unwrap().spent, ["spanId"]);
    }
}
