//! `-A`, `-B`, `-C`: the lines around those that are sought. The server is then asked for all lines, and what is sought is
//! told apart here. Neighbours are lines of the same function; with `-C inv`, those of the same invocation.

use std::collections::{HashMap, VecDeque};

use lambdaview_queries::{filter::Filter, questions::Text};

use super::pipeline::Passing;
use crate::ask::Nanos;

/// How many lines around each that is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// So many before and after.
    Lines {
        /// Before.
        before: usize,
        /// After.
        after: usize,
    },
    /// All of the same invocation.
    Invocation,
}

/// Lines kept for an invocation in which something may yet be sought, and for all invocations together.
const MOST_OF_ONE: usize = 1_000;
const MOST_OF_ALL: usize = 20_000;

/// Finds lines and their neighbours.
#[derive(Debug)]
pub(super) struct Context {
    around: Around,
    sought: Filter,
    /// What comes before is not sought.
    from: Nanos,
    by_function: HashMap<Text, Near>,
    by_invocation: HashMap<Text, Kept>,
    /// Invocations in the order in which they were first seen.
    order: VecDeque<Text>,
    kept: usize,
    /// Lines that were let go before it was known whether they were wanted.
    cut: u64,
}

/// Lines of a function near the present one.
#[derive(Debug, Default)]
struct Near {
    before: VecDeque<Passing>,
    /// How many more lines are wanted after the last one that was sought.
    after: usize,
    /// Whether lines were left out since the last one that was given.
    gap: bool,
    given: bool,
}

#[derive(Debug, Default)]
struct Kept {
    found: bool,
    lines: Vec<Passing>,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A line that is sought.
    Sought(Passing),
    /// A neighbour of one.
    Near(Passing),
    /// Lines between these were left out.
    Gap,
}

impl Context {
    pub(super) fn new(around: Around, sought: Filter) -> Self {
        let (by_function, by_invocation, order) = Default::default();
        Self { around, sought, from: Nanos::MIN, by_function, by_invocation, order, kept: 0, cut: 0 }
    }

    /// Lines before `time` are neighbours at most.
    pub(super) const fn seek_from(&mut self, time: Nanos) {
        self.from = time;
    }

    /// Takes the next line; what it brings to light.
    pub(super) fn push(&mut self, line: Passing) -> Vec<Found> {
        let is_sought = line.line.time >= self.from && self.sought.matches(&line.line);
        match self.around {
            Around::Lines { before, after } => self.near(line, is_sought, before, after),
            Around::Invocation if line.line.invocation_id.is_empty() => {
                if is_sought {
                    vec![Found::Sought(line)]
                } else {
                    Vec::new()
                }
            }
            Around::Invocation => self.of_invocation(line, is_sought),
        }
    }

    /// Lines that were let go before it was known whether they were wanted.
    pub(super) const fn cut(&self) -> u64 {
        self.cut
    }

    fn near(&mut self, line: Passing, is_sought: bool, before: usize, after: usize) -> Vec<Found> {
        let near = self.by_function.entry(line.line.function.clone()).or_default();
        if is_sought {
            let gap = near.gap && near.given;
            let neighbours = near.before.drain(..).map(Found::Near);
            let found = gap.then_some(Found::Gap).into_iter().chain(neighbours).chain([Found::Sought(line)]).collect();
            *near = Near { before: VecDeque::new(), after, gap: false, given: true };
            return found;
        }
        if near.after > 0 {
            near.after -= 1;
            return vec![Found::Near(line)];
        }
        near.before.push_back(line);
        if near.before.len() > before {
            near.before.pop_front();
            near.gap = true;
        }
        Vec::new()
    }

    fn of_invocation(&mut self, line: Passing, is_sought: bool) -> Vec<Found> {
        let id = line.line.invocation_id.clone();
        let is_new = !self.by_invocation.contains_key(&id);
        let kept = self.by_invocation.entry(id.clone()).or_default();
        let mut found = Vec::new();
        if is_sought || kept.found {
            kept.found = true;
            self.kept -= kept.lines.len();
            found.extend(kept.lines.drain(..).map(Found::Near));
            found.push(if is_sought { Found::Sought(line) } else { Found::Near(line) });
        } else if kept.lines.len() < MOST_OF_ONE {
            kept.lines.push(line);
            self.kept += 1;
        } else {
            self.cut += 1;
        }
        if is_new {
            self.order.push_back(id);
        }
        self.let_go();
        found
    }

    fn let_go(&mut self) {
        while self.kept > MOST_OF_ALL || self.order.len() > MOST_OF_ALL {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(kept) = self.by_invocation.remove(&oldest) {
                self.kept -= kept.lines.len();
                self.cut += kept.lines.len() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::questions::lines::Line;

    use super::*;

    fn context(around: Around) -> Context {
        Context::new(around, Filter::Severity(17))
    }

    fn line(function: &str, invocation: &str, body: &str) -> Passing {
        let line = Line {
            function: function.into(),
            invocation_id: invocation.into(),
            severity_number: if body.starts_with('!') { 17 } else { 9 },
            body: body.into(),
            ..Line::default()
        };
        Passing { line, late: None }
    }

    fn shown(context: &mut Context, lines: impl IntoIterator<Item = Passing>) -> String {
        let found = lines.into_iter().flat_map(|line| context.push(line));
        let shown = found.map(|found| match found {
            Found::Sought(line) => format!("[{}]", &*line.line.body),
            Found::Near(line) => line.line.body.to_string(),
            Found::Gap => "--".to_owned(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn neighbours_are_given_once_and_gaps_are_told() {
        let mut context = context(Around::Lines { before: 1, after: 2 });
        let bodies = ["a", "b", "!c", "!d", "e", "f", "g", "h", "!i"];
        assert_eq!(shown(&mut context, bodies.map(|body| line("f", "", body))), "b [!c] [!d] e f -- h [!i]");
    }

    #[test]
    fn lines_without_a_gap_between_them_are_not_parted() {
        let mut context = context(Around::Lines { before: 1, after: 1 });
        let bodies = ["!a", "b", "c", "!d"];
        assert_eq!(shown(&mut context, bodies.map(|body| line("f", "", body))), "[!a] b c [!d]");
    }

    #[test]
    fn each_function_has_its_own_neighbours() {
        let mut context = context(Around::Lines { before: 1, after: 0 });
        let lines = [line("f", "", "a"), line("g", "", "b"), line("f", "", "!c")];
        assert_eq!(shown(&mut context, lines), "a [!c]");
    }

    #[test]
    fn all_of_an_invocation_is_given_once_something_in_it_is_sought() {
        let mut context = context(Around::Invocation);
        let lines = [
            line("f", "1", "a"),
            line("f", "2", "b"),
            line("f", "1", "!c"),
            line("f", "1", "d"),
            line("f", "", "e"),
            line("f", "", "!g"),
        ];
        assert_eq!(shown(&mut context, lines), "a [!c] d [!g]");
    }

    #[test]
    fn what_is_kept_of_invocations_is_bounded_and_what_is_let_go_is_counted() {
        let mut context = context(Around::Invocation);
        for number in 0..MOST_OF_ALL + 10 {
            assert!(context.push(line("f", &number.to_string(), "a")).is_empty());
        }
        assert_eq!(context.cut(), 10);
        assert_eq!(shown(&mut context, [line("f", "0", "!z")]), "[!z]");
    }
}
