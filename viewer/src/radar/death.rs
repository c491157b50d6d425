//! What is known of how an invocation died: its last line, where its time went, what it had of its memory.

use lambdaview_queries::questions::{
    invocations::{Ending, Invocation},
    lines::Line,
    trace::{Span, Trace},
};

use crate::ask::Nanos;

/// What is known of an invocation's death.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Death<'a> {
    /// The last thing it logged.
    pub last_line: Option<&'a Line>,
    /// The span in which it was when it died, as far as spans tell, and for how long.
    pub inside: Option<(&'a Span, u64)>,
    /// For how long before its death no span tells what it did.
    pub unknown: Option<u64>,
}

/// Whether there is anything to tell.
#[must_use]
pub fn died(invocation: &Invocation) -> bool {
    matches!(invocation.ending, Ending::Timeout | Ending::OutOfMemory)
        || (invocation.ending == Ending::Failed && invocation.error_type.starts_with("Runtime."))
        || (invocation.ending == Ending::Failed && invocation.error_type.starts_with("Extension."))
}

/// A span that ended so shortly before the death was cut off by it.
const CUT_OFF: Nanos = 50_000_000;

/// Looks into its trace. Spans that were open when a process was killed are never sent, unless somebody closes them; where none
/// reaches the end, the time since the last one is told.
#[must_use]
pub fn of<'a>(invocation: &Invocation, trace: &'a Trace) -> Death<'a> {
    let end = invocation.start + i64::try_from(invocation.duration.unwrap_or_default()).unwrap_or_default();
    let is_its_own = |line: &&Line| *line.invocation_id == *invocation.request_id;
    let said = |line: &&Line| !line.attribute("type").is_some_and(|kind| kind.starts_with("platform."));
    let last_line = trace.lines.iter().filter(is_its_own).filter(said).max_by_key(|line| line.time);
    let inner =
        || trace.spans.iter().filter(|span| is_inner(span) && span.start >= invocation.start && span.start <= end);
    // The deepest of those that were open: the one that began last.
    let open = inner().filter(|span| ended(span) >= end - CUT_OFF).max_by_key(|span| span.start);
    let inside = open.map(|span| (span, u64::try_from(end - span.start).unwrap_or_default()));
    let last_end = inner().map(ended).max().unwrap_or(invocation.start);
    let unknown = u64::try_from(end - last_end).ok().filter(|_| inside.is_none() && !trace.spans.is_empty());
    Death { last_line, inside, unknown: unknown.filter(|nanos| *nanos > 0) }
}

fn ended(span: &Span) -> Nanos {
    span.start.saturating_add(i64::try_from(span.duration).unwrap_or(i64::MAX))
}

/// What the function did, not what the platform measured of it.
fn is_inner(span: &Span) -> bool {
    const PLATFORMS: [&str; 6] =
        ["init", "restore", "responseLatency", "responseDuration", "runtimeOverhead", "extensionOverhead"];
    &*span.kind != "Server" && !PLATFORMS.contains(&&*span.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn span(name: &str, kind: &str, start: i64, duration: u64) -> Span {
        Span {
            name: name.into(),
            kind: kind.into(),
            start: start * 1_000_000,
            duration: duration * MS,
            ..Span::default()
        }
    }

    fn line(body: &str, time: i64) -> Line {
        Line { body: body.into(), invocation_id: "a".into(), time: time * 1_000_000, ..Line::default() }
    }

    fn invocation() -> Invocation {
        let (start, duration) = (0, Some(3_000 * MS));
        Invocation { request_id: "a".to_owned(), start, duration, ending: Ending::Timeout, ..Invocation::default() }
    }

    fn trace(spans: Vec<Span>) -> Trace {
        Trace { spans, lines: vec![line("first", 5), line("charging card", 90)], ..Trace::default() }
    }

    #[test]
    fn it_was_inside_the_span_that_began_last_and_reached_its_end() {
        let spans = vec![
            span("pay", "Server", 0, 3_000),
            span("handler", "Internal", 1, 2_999),
            span("POST /charges", "Client", 100, 2_900),
            span("GET /rates", "Client", 20, 60),
        ];
        let trace = trace(spans);
        let death = of(&invocation(), &trace);
        let (inside, for_so_long) = death.inside.unwrap();
        assert_eq!((&*inside.name, for_so_long, death.unknown), ("POST /charges", 2_900 * MS, None));
        assert_eq!(&*death.last_line.unwrap().body, "charging card");
    }

    #[test]
    fn where_no_span_reaches_the_end_the_time_since_the_last_is_told() {
        let spans = vec![span("pay", "Server", 0, 3_000), span("GET /rates", "Client", 20, 60)];
        let trace = trace(spans);
        let death = of(&invocation(), &trace);
        assert_eq!((death.inside, death.unknown), (None, Some(2_920 * MS)));
    }

    #[test]
    fn without_spans_only_the_last_line_is_known() {
        let trace = trace(Vec::new());
        let death = of(&invocation(), &trace);
        assert!(death.last_line.is_some() && death.inside.is_none() && death.unknown.is_none());
    }
}
