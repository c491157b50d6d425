//! Traces for unit tests: a payment as the contract draws it, and the parts to build others from.

use lambdaview_queries::questions::{
    lines::Line,
    trace::{Span, Trace},
};

use crate::ask::Nanos;

/// 2026-11-22 14:02:11 UTC.
pub(crate) const T0: Nanos = 1_795_356_131_000_000_000;
/// The request id of the payment's function.
pub(crate) const REQUEST: &str = "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11";
pub(crate) const MS: Nanos = 1_000_000;

/// A span from so many milliseconds on, for so many.
pub(crate) fn span(id: &str, parent: &str, kind: &str, name: &str, at: (i64, i64)) -> Span {
    Span {
        span_id: id.into(),
        parent_span_id: parent.into(),
        kind: kind.into(),
        name: name.into(),
        service: "charge".into(),
        function: "charge".into(),
        start: T0 + at.0 * MS,
        duration: (at.1 * MS).unsigned_abs(),
        ..Span::default()
    }
}

/// The same of another function.
pub(crate) fn of(function: &str, span: Span) -> Span {
    Span { function: function.into(), service: function.into(), ..span }
}

/// The same with an attribute.
pub(crate) fn with(key: &str, value: &str, mut span: Span) -> Span {
    span.attributes.push((key.into(), value.into()));
    span
}

/// The same, failed.
pub(crate) fn failed(message: &str, span: Span) -> Span {
    Span { status: "Error".into(), status_message: message.into(), ..span }
}

/// A line of a span at so many milliseconds.
pub(crate) fn line(span: &str, ms: i64, severity_number: u8, body: &str) -> Line {
    Line {
        span_id: span.into(),
        time: T0 + ms * MS,
        severity_number,
        service: "charge".into(),
        function: "charge".into(),
        body: body.into(),
        ..Line::default()
    }
}

/// A line that names only its invocation.
pub(crate) fn line_of(invocation: &str, ms: i64, body: &str) -> Line {
    Line { invocation_id: invocation.into(), ..line("", ms, 9, body) }
}

/// A payment that was refused, in a cold environment.
pub(crate) fn payment() -> Trace {
    let request = |span| with("faas.invocation_id", REQUEST, span);
    let part = |id: &str, name: &str, at| request(span(id, "b", "Internal", name, at));
    let invoke = of("api-gw", span("i", "a", "Client", "Invoke charge", (40, 1190)));
    let handler = with("faas.coldstart", "true", request(span("b", "i", "Server", "charge", (500, 650))));
    let mut init = with("aws.lambda.init.phase", "init", part("n", "init", (81, 412)));
    init.version = "42".into();
    let stripe = failed("402 Payment Required", span("c", "b", "Client", "POST /charges", (520, 455)));
    let spans = vec![
        of("api-gw", span("a", "", "Server", "POST /pay", (0, 1284))),
        invoke,
        init,
        handler,
        part("l", "responseLatency", (500, 630)),
        with("http.response.status_code", "402", stripe),
        of("ledger", span("g", "missing", "Server", "book", (990, 60))),
        part("x", "extensionOverhead", (1150, 38)),
    ];
    let lines = vec![
        line_of(REQUEST, 505, "START RequestId: 7f3a91c2"),
        line("b", 510, 9, "charging card order=9912 amount=42.10"),
        line("c", 970, 17, "StripeError: card_declined\n  File \"app.py\", line 12\n    raise"),
        line("", 1000, 13, "nobody's line"),
    ];
    Trace { id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned(), spans, lines, ..Trace::default() }
}

/// A trace as large as one is drawn: `spans` in a tree of ten children each, two lines to a span.
pub(crate) fn large(spans: usize) -> Trace {
    let id = |at: usize| format!("{at:016x}");
    let spans: Vec<Span> = (0..spans)
        .map(|at| {
            let (parent, kind) = if at == 0 { (String::new(), "Server") } else { (id((at - 1) / 10), "Internal") };
            let at_ms = i64::try_from(at).unwrap();
            span(&id(at), &parent, kind, &format!("step {at}"), (at_ms, 20_000 - at_ms))
        })
        .collect();
    let lines = (0..spans.len() * 2)
        .map(|at| line(&id(at / 2), i64::try_from(at / 2).unwrap() + 1, 9, &format!("line {at}")))
        .collect();
    Trace { id: "0af7651916cd43dd8448eb211c80319c".to_owned(), spans, lines, ..Trace::default() }
}
