//! What the reader should know besides: how rows were placed, what cannot be right, what is left out.

use lambdaview_queries::questions::trace::{LIMIT, Trace};

use crate::{
    format::{count, duration, inert, plural},
    trace::Layout,
};

/// Traces that are named where spans link to them.
const LINKS: usize = 4;

/// The notes, a sentence each.
#[must_use]
pub fn notes(trace: &Trace, layout: &Layout) -> Vec<String> {
    let counts = &layout.counts;
    let mut notes = Vec::new();
    for (is_cut, what) in [(trace.spans_cut, "spans"), (trace.lines_cut, "logs")] {
        if is_cut {
            notes.push(format!("more than {} {what}: the later ones are not here", count(LIMIT as u64)));
        }
    }
    if trace.spans.is_empty() {
        notes.push("no spans, only logs".to_owned());
    }
    notes.extend(skews(layout));
    let mut note = |number: usize, one: &str, what: &str| {
        if number > 0 {
            notes.push(format!("{} {what}", plural(number as u64, one)));
        }
    };
    note(counts.orphans, "span", "with a parent that is not here, shown at the left");
    note(counts.circular, "span", "below itself, shown at the left");
    note(counts.doubled, "span", "that came twice, shown once");
    note(counts.by_invocation, "log", "without a span here, placed by request id");
    note(counts.unplaced, "log", "of no span and no request, shown at the left");
    notes.extend(links(layout));
    notes
}

fn skews(layout: &Layout) -> impl Iterator<Item = String> + '_ {
    layout.skews.iter().map(|skew| {
        let way = if skew.ahead < 0 { "behind" } else { "ahead of" };
        let (who, against) = (inert(&skew.who), inert(&skew.against));
        format!("clock skew: {who} is about {} {way} {against}; bars are as sent", duration(skew.ahead.unsigned_abs()))
    })
}

fn links(layout: &Layout) -> Option<String> {
    let named: Vec<_> = layout.links.iter().take(LINKS).map(|id| inert(id).into_owned()).collect();
    let rest = layout.links.len().saturating_sub(LINKS);
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    (!named.is_empty()).then(|| {
        format!("spans link to {} {}{rest}", if named.len() == 1 { "trace" } else { "traces" }, named.join(", "))
    })
}
