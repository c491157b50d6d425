//! `--group`: lines of an invocation stand together, framed by how it began and how it ended, however many run side by side.
//!
//! An invocation is printed when its end is known and its lines have settled; one that runs on is printed in parts. What is
//! learnt of it afterwards, such as what it was billed, is filled in.

use std::collections::{BTreeMap, HashMap, VecDeque};

use lambdaview_queries::questions::{
    Text,
    invocations::{Ending, Invocation},
};

use super::pipeline::Passing;
use crate::ask::Nanos;

const SECOND: Nanos = 1_000_000_000;
/// Lines of an invocation that has ended may be under way for so long.
const SETTLE: Nanos = SECOND;
/// One that runs for longer is printed in parts.
const HOLD: Nanos = 5 * SECOND;
/// A report that has not come by then does not come.
const REPORT: Nanos = 900 * SECOND;
/// More lines than this are not held: then the oldest invocations are printed in parts.
const MOST: usize = 20_000;
/// So many invocations are remembered whose report is awaited.
const MOST_AWAITED: usize = 10_000;

/// Lines by invocation, in the order in which these began.
#[derive(Debug, Default)]
pub(super) struct Group {
    blocks: HashMap<Text, Block>,
    order: VecDeque<Text>,
    held: usize,
    /// Invocations that were printed without what their report tells; when they ended.
    awaited: BTreeMap<String, Nanos>,
    /// Whether any report was ever seen here: else none is awaited.
    reports: bool,
}

#[derive(Debug, Default)]
struct Block {
    lines: Vec<Passing>,
    since: Nanos,
    last: Nanos,
    /// Whether a part of it was printed.
    begun: bool,
    known: Option<Invocation>,
}

/// What is printed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// An invocation's beginning, or that it goes on.
    Head {
        /// Its first line.
        first: Box<Passing>,
        /// What is known of it.
        known: Option<Box<Invocation>>,
        /// Whether a part of it was printed before.
        again: bool,
    },
    /// One of its lines.
    Line(Box<Passing>),
    /// Its end.
    Foot {
        /// What is known of it.
        known: Box<Invocation>,
        /// Whether a report is awaited.
        awaits: bool,
    },
    /// What its report told later.
    Filled(Box<Invocation>),
}

impl Group {
    /// Takes a line; gives it back if it belongs to no invocation.
    pub(super) fn push(&mut self, passing: Passing, now: Nanos) -> Option<Passing> {
        let id = passing.line.invocation_id.clone();
        if id.is_empty() {
            return Some(passing);
        }
        let block = self.blocks.entry(id.clone()).or_insert_with(|| {
            self.order.push_back(id);
            Block { since: now, ..Block::default() }
        });
        block.last = now;
        block.lines.push(passing);
        self.held += 1;
        None
    }

    /// From when on something is to be learnt of invocations.
    pub(super) fn unknown_since(&self) -> Option<Nanos> {
        let open = self.blocks.values().filter(|block| !is_over(block.known.as_ref()));
        let open = open.filter_map(|block| block.lines.first().map(|passing| passing.line.time));
        open.chain(self.awaited.values().copied()).min()
    }

    /// Learns of an invocation; what is to be filled in at once.
    pub(super) fn learn(&mut self, invocation: Invocation) -> Option<Piece> {
        self.reports |= invocation.billed.is_some();
        if let Some(block) = self.blocks.get_mut(&Text::from(invocation.request_id.as_str())) {
            block.known = Some(invocation);
            return None;
        }
        let is_report = invocation.billed.is_some() && self.awaited.remove(&invocation.request_id).is_some();
        is_report.then(|| Piece::Filled(Box::new(invocation)))
    }

    /// Whether more is held than may be.
    pub(super) const fn is_full(&self) -> bool {
        self.held > MOST
    }

    /// What can be printed.
    pub(super) fn due(&mut self, now: Nanos) -> Vec<Piece> {
        self.awaited.retain(|_, ended| now.saturating_sub(*ended) < REPORT);
        let mut pieces = Vec::new();
        let relief = if self.is_full() { MOST / 2 } else { MOST };
        for id in std::mem::take(&mut self.order) {
            let Some(block) = self.blocks.get(&id) else { continue };
            let is_settled = now.saturating_sub(block.last) >= SETTLE;
            if is_settled && is_over(block.known.as_ref()) {
                self.close(&id, now, &mut pieces);
                continue;
            }
            let is_long = now.saturating_sub(block.since) >= HOLD || self.held > relief;
            if is_long && (block.begun || !block.lines.is_empty()) {
                self.part(&id, &mut pieces);
            }
            let is_forgotten = is_long && now.saturating_sub(block_last(&self.blocks, &id)) >= REPORT;
            if is_forgotten {
                self.blocks.remove(&id);
            } else {
                self.order.push_back(id);
            }
        }
        pieces
    }

    /// Everything that is held.
    pub(super) fn rest(&mut self, now: Nanos) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for id in std::mem::take(&mut self.order) {
            self.close(&id, now, &mut pieces);
        }
        pieces
    }

    fn close(&mut self, id: &Text, now: Nanos, pieces: &mut Vec<Piece>) {
        self.part(id, pieces);
        let Some(known) = self.blocks.remove(id).and_then(|block| block.known) else { return };
        if !is_over(Some(&known)) {
            return;
        }
        let awaits = self.reports && known.billed.is_none();
        if awaits && self.awaited.len() < MOST_AWAITED {
            self.awaited.insert(known.request_id.clone(), now);
        }
        pieces.push(Piece::Foot { known: Box::new(known), awaits });
    }

    /// The lines of an invocation so far.
    fn part(&mut self, id: &Text, pieces: &mut Vec<Piece>) {
        let Some(block) = self.blocks.get_mut(id) else { return };
        let lines = std::mem::take(&mut block.lines);
        self.held -= lines.len();
        let Some(first) = lines.first().cloned() else { return };
        let again = std::mem::replace(&mut block.begun, true);
        let (first, known) = (Box::new(first), block.known.clone().map(Box::new));
        pieces.push(Piece::Head { first, known, again });
        pieces.extend(lines.into_iter().map(|passing| Piece::Line(Box::new(passing))));
    }
}

fn block_last(blocks: &HashMap<Text, Block>, id: &Text) -> Nanos {
    blocks.get(id).map_or(Nanos::MIN, |block| block.last)
}

/// Whether it is known how it ended.
fn is_over(known: Option<&Invocation>) -> bool {
    known.is_some_and(|known| known.ending != Ending::Unknown)
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::questions::lines::Line;

    use super::*;

    fn passing(id: &str, body: &str) -> Passing {
        Passing { line: Line { invocation_id: id.into(), body: body.into(), ..Line::default() }, late: None }
    }

    fn ended(id: &str, billed: Option<u64>) -> Invocation {
        Invocation { request_id: id.to_owned(), ending: Ending::Ok, billed, ..Invocation::default() }
    }

    fn shown(pieces: &[Piece]) -> String {
        let shown = pieces.iter().map(|piece| match piece {
            Piece::Head { first, again, .. } => {
                format!("{}{}", if *again { "|-" } else { "[" }, &*first.line.invocation_id)
            }
            Piece::Line(passing) => passing.line.body.to_string(),
            Piece::Foot { known, awaits } => format!("{}{}]", known.request_id, if *awaits { " awaits" } else { "" }),
            Piece::Filled(known) => format!("({})", known.request_id),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    fn with(lines: &[(&str, &str)]) -> Group {
        let mut group = Group::default();
        for (id, body) in lines {
            assert_eq!(group.push(passing(id, body), 0), None);
        }
        group
    }

    #[test]
    fn lines_of_invocations_side_by_side_stand_together_once_they_have_ended() {
        let mut group = with(&[("1", "a"), ("2", "b"), ("1", "c")]);
        assert!(group.due(2 * SECOND).is_empty(), "nobody told how they ended");
        group.learn(ended("1", Some(1)));
        group.learn(ended("2", Some(1)));
        assert!(group.due(SETTLE - 1).is_empty(), "more lines may be under way");
        assert_eq!(shown(&group.due(SETTLE)), "[1 a c 1] [2 b 2]");
        assert!(group.rest(SETTLE).is_empty());
    }

    #[test]
    fn a_line_of_no_invocation_is_given_back() {
        assert!(Group::default().push(passing("", "a"), 0).is_some());
    }

    #[test]
    fn an_invocation_that_runs_on_is_printed_in_parts() {
        let mut group = with(&[("1", "a")]);
        assert_eq!(shown(&group.due(HOLD)), "[1 a");
        group.push(passing("1", "b"), HOLD + 1);
        assert_eq!(shown(&group.due(HOLD + 1)), "|-1 b");
        group.learn(ended("1", Some(1)));
        assert_eq!(shown(&group.due(HOLD + 1 + SETTLE)), "1]");
    }

    #[test]
    fn what_the_report_tells_later_is_filled_in() {
        let mut group = with(&[("1", "a"), ("2", "b")]);
        group.learn(ended("1", Some(1)));
        group.learn(ended("2", None));
        assert_eq!(shown(&group.due(SETTLE)), "[1 a 1] [2 b 2 awaits]");
        assert_eq!(group.unknown_since(), Some(SETTLE));
        assert_eq!(group.learn(ended("2", None)), None);
        assert_eq!(shown(&[group.learn(ended("2", Some(1))).unwrap()]), "(2)");
        assert_eq!(group.unknown_since(), None);
    }

    #[test]
    fn where_no_report_was_ever_seen_none_is_awaited() {
        let mut group = with(&[("1", "a")]);
        group.learn(ended("1", None));
        assert_eq!(shown(&group.due(SETTLE)), "[1 a 1]");
    }

    #[test]
    fn at_the_end_everything_that_is_held_is_printed() {
        let mut group = with(&[("1", "a"), ("2", "b")]);
        group.learn(ended("2", None));
        assert_eq!(shown(&group.rest(0)), "[1 a [2 b 2]");
    }
}
