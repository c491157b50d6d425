//! Clocks that cannot agree: no call starts before its caller made it, and none answers after the caller has the answer.
//!
//! The skew is told and never applied: bars stand where the spans say they were.

use std::collections::BTreeMap;

use lambdaview_queries::questions::trace::{Span, Trace};

use super::{end, is_entry, tree::RESOLUTION, who};
use crate::ask::Nanos;

/// How far one clock is from another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skew {
    /// Whose clock.
    pub who: String,
    /// Against whose.
    pub against: String,
    /// How far it is ahead, in nanoseconds; behind when negative. An estimate.
    pub ahead: Nanos,
}

/// Between which bounds the one clock's lead lies, by all calls between the two.
#[derive(Clone, Copy)]
struct Bounds {
    least: Nanos,
    most: Nanos,
}

/// The skews that cannot be explained by rounding, by who has them.
pub(super) fn skews(trace: &Trace, parents: &[Option<usize>]) -> Vec<Skew> {
    let mut clocks: BTreeMap<[&str; 4], Bounds> = BTreeMap::new();
    for (child, parent) in trace.spans.iter().zip(parents) {
        let Some(parent) = parent.map(|parent| &trace.spans[parent]) else { continue };
        if !is_entry(child) || (who(child), &child.instance) == (who(parent), &parent.instance) {
            continue;
        }
        let bounds = clocks
            .entry([who(child), &child.instance, who(parent), &parent.instance])
            .or_insert(Bounds { least: Nanos::MIN, most: Nanos::MAX });
        bounds.most = bounds.most.min(child.start.saturating_sub(parent.start));
        if is_answered(parent, child) {
            bounds.least = bounds.least.max(end(child).saturating_sub(end(parent)));
        }
    }
    let mut skews: Vec<Skew> = Vec::new();
    for ([child, _, parent, _], bounds) in clocks {
        let Some(ahead) = bounds.ahead() else { continue };
        // Several environments of one function: the worst stands for them.
        match skews.iter_mut().find(|skew| skew.who == child && skew.against == parent) {
            Some(skew) if skew.ahead.abs() >= ahead.abs() => {}
            Some(skew) => skew.ahead = ahead,
            None => skews.push(Skew { who: child.to_owned(), against: parent.to_owned(), ahead }),
        }
    }
    skews
}

impl Bounds {
    /// The lead that the calls prove, if they prove one: the middle of what is possible, as if both ways took the same time.
    fn ahead(self) -> Option<Nanos> {
        let Self { least, most } = self;
        if least <= RESOLUTION && most >= -RESOLUTION {
            return None;
        }
        if least == Nanos::MIN || least > most {
            // A caller that gave up has no answer; then only the start tells, and only of a clock that is behind.
            return Some(most).filter(|most| *most < 0);
        }
        Some(least + (most - least) / 2)
    }
}

/// Whether the caller waited for the answer and got it. An answer is proven by its status; a call that took longer than its
/// caller waited is none that it waited for.
fn is_answered(parent: &Span, child: &Span) -> bool {
    const STATUS: [&str; 3] = ["http.response.status_code", "http.status_code", "rpc.grpc.status_code"];
    let has_status = STATUS.iter().any(|key| parent.attribute(key).is_some());
    &*parent.kind == "Client" && child.duration <= parent.duration && (has_status || child.start < parent.start)
}
