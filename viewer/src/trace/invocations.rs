//! Which invocations a trace has: by the request ids that its spans and lines name.

use std::collections::HashMap;

use lambdaview_queries::questions::trace::{Span, Trace};

use super::Phase;
use crate::ask::Nanos;

/// An invocation that a span or a line of the trace names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// Its request id.
    pub id: String,
    /// Its own span, by its place in the trace.
    pub span: Option<usize>,
    /// Whose it is: the function of its first line, where there is no span.
    pub function: String,
    /// Its first line; where there is none, 0.
    pub first: Nanos,
    /// Its last line; where there is none, 0.
    pub last: Nanos,
    /// How many lines name it.
    pub lines: usize,
}

/// The invocations, in the order in which the trace names them.
pub(super) fn of(trace: &Trace) -> Vec<Invocation> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut invocations: Vec<Invocation> = Vec::new();
    for (at, span) in trace.spans.iter().enumerate() {
        let Some(id) = span.attribute("faas.invocation_id").filter(|id| !id.is_empty()) else { continue };
        let place = place(id, &mut places, &mut invocations);
        let rival = invocations[place].span;
        if rival.is_none_or(|rival| rank(span) > rank(&trace.spans[rival])) {
            invocations[place].span = Some(at);
        }
    }
    for line in trace.lines.iter().filter(|line| !line.invocation_id.is_empty()) {
        let place = place(&line.invocation_id, &mut places, &mut invocations);
        add(&mut invocations[place], line.time, &line.function);
    }
    invocations
}

/// For each of so many spans the invocation that it stands for.
pub(super) fn by_span(invocations: &[Invocation], spans: usize) -> Vec<Option<usize>> {
    let mut by_span = vec![None; spans];
    for (place, span) in invocations.iter().enumerate().filter_map(|(place, one)| Some((place, one.span?))) {
        by_span[span] = Some(place);
    }
    by_span
}

fn place<'a>(id: &'a str, places: &mut HashMap<&'a str, usize>, invocations: &mut Vec<Invocation>) -> usize {
    *places.entry(id).or_insert_with(|| {
        invocations.push(Invocation { id: id.to_owned(), ..Invocation::default() });
        invocations.len() - 1
    })
}

fn add(invocation: &mut Invocation, time: Nanos, function: &str) {
    if invocation.lines == 0 {
        invocation.function = function.to_owned();
        (invocation.first, invocation.last) = (time, time);
    }
    invocation.lines += 1;
    invocation.first = invocation.first.min(time);
    invocation.last = invocation.last.max(time);
}

/// How well a span stands for its invocation: some SDKs write the request id on every span.
fn rank(span: &Span) -> u8 {
    match &*span.kind {
        "Server" => 3,
        "Consumer" => 2,
        _ if Phase::of(span).is_some() => 0,
        _ => 1,
    }
}
