//! Following exactly: what has arrived since the last look, by the number of the block it was inserted with.
//!
//! Every insert gets the next block number, whatever time its rows carry, and on tables that keep the number through merges a
//! row is told apart for good by partition, block and place. A number is given out a moment before the insert can be seen, so
//! the last [`MARGIN`] blocks are read again, and what was seen is left out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use clickhouse::Row;
use serde::Deserialize;

use super::{
    Fault, Session, Text,
    asked::Value,
    lines::{self, Line, Scope},
    question::Question,
    session::{Answered, Delivery},
};
use crate::window::Window;

/// How many blocks below the highest may still turn up.
const MARGIN: u64 = 64;

/// Which blocks a part of the table covers.
#[derive(Clone, Debug, PartialEq, Eq, Row, Deserialize)]
pub struct Part {
    /// The partition.
    pub partition: Text,
    /// The first block in it.
    pub first_block: u64,
    /// The last block in it.
    pub last_block: u64,
}

/// What has been read of one partition.
#[derive(Debug, Default)]
struct Progress {
    /// The highest block that was there when the last look at recent rows began.
    highest: u64,
    /// The highest block that was there when the last look at rows of any age began.
    swept: u64,
    /// Whether a block came while following; an old partition that rests needs no margin.
    active: bool,
    /// Blocks that were there before following began.
    before: BTreeSet<(u64, u64)>,
    /// The rows given out, of blocks that may be read again: per block, stretches of places.
    given: BTreeMap<u64, Stretches>,
}

/// Which rows of the new blocks a look asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those from the scope's start on: the sorting key leads to them, however large the part they were merged into.
    Recent,
    /// Those of any age: rows that were held back for long. Costs a look into every part that was merged lately.
    AnyAge,
}

/// How far a follower has read, and what it has given out of what it may read again.
#[derive(Debug, Default)]
pub struct Marks {
    partitions: HashMap<Text, Progress>,
}

/// Takes note of the parts there are: asked before each look, so that the look sees at least these.
///
/// # Errors
/// When the server does not answer.
pub async fn parts(session: &Session) -> Result<Vec<Part>, Fault> {
    session.all(session.ask_logs(include_str!("../../sql/questions/parts.sql"))).await
}

/// The lines of blocks above the marks, ordered by time; some of them may have been given out before.
///
/// # Errors
/// When the question cannot be sent.
pub fn arrivals<'a>(
    session: &'a Session,
    scope: &Scope<'_>,
    marks: &Marks,
    reach: Reach,
) -> Result<Answered<'a, Line>, Fault> {
    let from = if reach == Reach::Recent { scope.window.from } else { 0 };
    let scope = Scope { window: Window { from, ..scope.window }, ..*scope };
    let asked = lines::ask(session, Question::new(include_str!("../../sql/questions/arrivals.sql")).live(), &scope);
    session.stream(&asked.param("marks", Value::Counts(marks.above(reach))), Delivery::Whole)
}

impl Marks {
    /// Marks at what is there now: only what comes later is an arrival.
    #[must_use]
    pub fn at(parts: &[Part]) -> Self {
        let mut marks = Self::default();
        for part in parts {
            let progress = marks.partitions.entry(part.partition.clone()).or_default();
            progress.before.insert((part.first_block, part.last_block));
            progress.highest = progress.highest.max(part.last_block);
            progress.swept = progress.highest;
        }
        marks
    }

    /// Whether `line` has not been given out before; from now on it has.
    pub fn take(&mut self, line: &Line) -> bool {
        let progress = self.partitions.entry(line.partition.clone()).or_default();
        progress.given.entry(line.block).or_default().insert(line.offset)
    }

    /// Whether `line` arrived after the marks were first set, and has not been given out; from now on it has.
    pub fn take_arrival(&mut self, line: &Line) -> bool {
        !self.was_before(line) && self.take(line)
    }

    /// Moves up to the parts that were there when a look began, once that look was read to its end.
    pub fn advance(&mut self, parts: &[Part], reach: Reach) {
        let mut highest: HashMap<&Text, u64> = HashMap::new();
        for part in parts {
            let block = highest.entry(&part.partition).or_default();
            *block = part.last_block.max(*block);
        }
        self.forget_what_is_gone(&highest);
        for (partition, highest) in highest {
            let progress = self.partitions.entry(partition.clone()).or_default();
            progress.active |= highest > progress.highest;
            progress.highest = highest;
            if reach == Reach::AnyAge {
                progress.swept = highest;
            }
        }
        self.forget_what_is_settled();
    }

    /// The block of each partition above which all are read.
    fn above(&self, reach: Reach) -> Vec<(String, u64)> {
        let tops = self.tops();
        let marks = self.partitions.iter();
        marks
            .map(|(partition, progress)| (partition.to_string(), progress.mark(reach, tops[shard(partition)])))
            .collect()
    }

    fn was_before(&self, line: &Line) -> bool {
        self.partitions.get(&line.partition).is_some_and(|progress| {
            progress.before.range(..=(line.block, u64::MAX)).next_back().is_some_and(|(_, last)| line.block <= *last)
        })
    }

    /// Block numbers start anew after the newest rows were dropped and the server restarted: what comes then has numbers
    /// that were given out once.
    fn forget_what_is_gone(&mut self, highest: &HashMap<&Text, u64>) {
        for (partition, progress) in &mut self.partitions {
            let now = highest.get(partition).copied().unwrap_or(0);
            if now < progress.highest {
                progress.highest = now;
                progress.swept = progress.swept.min(now);
                progress.given.retain(|block, _| *block <= now);
                progress.before.retain(|(_, last)| *last <= now);
            }
        }
    }

    fn forget_what_is_settled(&mut self) {
        let tops: HashMap<String, u64> = self.tops().into_iter().map(|(shard, top)| (shard.to_owned(), top)).collect();
        for (partition, progress) in &mut self.partitions {
            let mark = progress.mark(Reach::AnyAge, tops[shard(partition)]);
            progress.given.retain(|block, _| *block > mark);
            progress.before.retain(|(_, last)| *last > mark);
        }
    }

    /// The highest block of each server.
    fn tops(&self) -> HashMap<&str, u64> {
        let mut tops = HashMap::new();
        for (partition, progress) in &self.partitions {
            let top: &mut u64 = tops.entry(shard(partition)).or_default();
            *top = progress.highest.max(*top);
        }
        tops
    }
}

/// Which server a partition lies on, by its name in a table over several (`sql/layouts/distributed.txt`).
fn shard(partition: &str) -> &str {
    partition.split_once('/').map_or("", |(shard, _)| shard)
}

impl Progress {
    /// Blocks above this are read. `MergeTree` numbers blocks across partitions, `ReplicatedMergeTree` within each.
    fn mark(&self, reach: Reach, top: u64) -> u64 {
        let read = if reach == Reach::Recent { self.highest } else { self.swept };
        let unsettled = self.active || self.highest + MARGIN > top;
        if unsettled { read.saturating_sub(MARGIN) } else { read }
    }
}

/// Whole numbers as stretches: a function's rows lie side by side in a block.
#[derive(Debug, Default)]
struct Stretches(BTreeMap<u64, u64>);

impl Stretches {
    /// Adds `n`; says whether it was missing.
    fn insert(&mut self, n: u64) -> bool {
        let below = self.0.range(..=n).next_back().map(|(start, end)| (*start, *end));
        if below.is_some_and(|(_, end)| n <= end) {
            return false;
        }
        let end = n.checked_add(1).and_then(|next| self.0.remove(&next)).unwrap_or(n);
        match below {
            Some((start, last)) if last + 1 == n => self.0.insert(start, end),
            _ => self.0.insert(n, end),
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{super::asked, *};

    /// The marks as the server gets them.
    fn sent(marks: &Marks, reach: Reach) -> String {
        asked::map(&marks.above(reach))
    }

    fn part(partition: &str, first_block: u64, last_block: u64) -> Part {
        Part { partition: partition.into(), first_block, last_block }
    }

    fn line(partition: &str, block: u64, offset: u64) -> Line {
        Line { partition: partition.into(), block, offset, ..Line::default() }
    }

    #[test]
    fn what_was_there_before_is_no_arrival() {
        let mut marks = Marks::at(&[part("a", 1, 5), part("a", 7, 7)]);
        assert!(!marks.take_arrival(&line("a", 3, 0)));
        assert!(!marks.take_arrival(&line("a", 7, 0)));
    }

    #[test]
    fn a_lower_block_that_turns_up_later_is_an_arrival_once() {
        let mut marks = Marks::at(&[part("a", 1, 5), part("a", 7, 7)]);
        assert!(marks.take_arrival(&line("a", 6, 0)));
        assert!(!marks.take_arrival(&line("a", 6, 0)));
        assert!(marks.take_arrival(&line("a", 6, 1)));
    }

    #[test]
    fn a_line_of_the_history_is_not_given_out_again() {
        let mut marks = Marks::at(&[part("a", 1, 5)]);
        assert!(marks.take(&line("a", 6, 3)));
        assert!(!marks.take_arrival(&line("a", 6, 3)));
    }

    #[test]
    fn a_merge_changes_nothing() {
        let mut marks = Marks::at(&[part("a", 1, 100)]);
        assert!(marks.take_arrival(&line("a", 101, 0)));
        marks.advance(&[part("a", 1, 101)], Reach::AnyAge);
        assert!(!marks.take_arrival(&line("a", 101, 0)));
        assert!(!marks.take_arrival(&line("a", 90, 0)));
        assert!(marks.take_arrival(&line("a", 102, 0)));
    }

    #[test]
    fn a_new_partition_is_read_from_its_start() {
        let mut marks = Marks::at(&[part("a", 1, 500)]);
        assert_eq!(sent(&marks, Reach::Recent), "{'a':436}");
        assert!(marks.take_arrival(&line("b", 501, 0)));
    }

    #[test]
    fn an_old_partition_that_rests_is_not_read_again() {
        let mut marks = Marks::at(&[part("old", 1, 90), part("new", 91, 500)]);
        marks.partitions.remove(&Text::from("new"));
        marks.advance(&[part("old", 1, 90), part("new", 91, 500)], Reach::AnyAge);
        let parameter = sent(&marks, Reach::Recent);
        assert!(parameter.contains("'old':90") && parameter.contains("'new':436"), "{parameter}");
    }

    #[test]
    fn each_server_numbers_its_blocks_itself() {
        let marks = Marks::at(&[part("1/a", 1, 5_000), part("2/a", 1, 90)]);
        let parameter = sent(&marks, Reach::Recent);
        assert!(parameter.contains("'1/a':4936") && parameter.contains("'2/a':26"), "{parameter}");
    }

    #[test]
    fn numbers_that_start_anew_are_arrivals_again() {
        let mut marks = Marks::at(&[part("a", 1, 100)]);
        assert!(marks.take_arrival(&line("a", 101, 0)));
        marks.advance(&[part("a", 1, 101)], Reach::AnyAge);
        marks.advance(&[], Reach::AnyAge);
        assert_eq!(sent(&marks, Reach::Recent), "{'a':0}");
        assert!(marks.take_arrival(&line("a", 1, 0)));
    }

    #[test]
    fn rows_of_any_age_are_read_from_where_they_were_read_last() {
        let mut marks = Marks::at(&[part("a", 1, 100)]);
        marks.advance(&[part("a", 1, 300)], Reach::Recent);
        assert_eq!(sent(&marks, Reach::Recent), "{'a':236}");
        assert_eq!(sent(&marks, Reach::AnyAge), "{'a':36}");
        assert!(marks.take_arrival(&line("a", 150, 0)), "an old row of a block that only its recent rows were read of");
        marks.advance(&[part("a", 1, 300)], Reach::AnyAge);
        assert_eq!(sent(&marks, Reach::AnyAge), "{'a':236}");
    }

    #[test]
    fn what_cannot_be_read_again_is_not_kept() {
        let mut marks = Marks::at(&[part("a", 1, 1)]);
        for block in 2..1_000 {
            assert!(marks.take_arrival(&line("a", block, 0)));
            marks.advance(&[part("a", 1, block)], Reach::AnyAge);
        }
        assert!(marks.partitions[&Text::from("a")].given.len() as u64 <= MARGIN);
    }

    #[test]
    fn stretches_join() {
        let mut stretches = Stretches::default();
        for n in [5, 3, 4, 9, 0] {
            assert!(stretches.insert(n));
            assert!(!stretches.insert(n));
        }
        assert_eq!(stretches.0, BTreeMap::from([(0, 0), (3, 5), (9, 9)]));
    }
}
