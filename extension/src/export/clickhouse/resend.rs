//! What is sent again after a failure: the same parts under the same token, and of these only the tables that lack their rows. Pure.
//!
//! A batch that comes back may come again with newer pieces behind it. Sent as one, it would be a new insert to ClickHouse,
//! and the rows of the first, if they got there after all, would be doubled. So each batch that failed is remembered as a
//! part by what its pieces are, and goes again as a part of its own.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use super::tables::Table;

/// The tables that have their rows. All clones are one: what was written is known although the rest was cut off.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Arc<AtomicU8>);

impl Marks {
    const fn bit(table: Table) -> u8 {
        const { assert!(Table::ALL.len() <= 8, "a bit for each table") };
        1 << table as u8
    }

    /// Marks a table as having its rows.
    pub(super) fn mark(&self, table: Table) {
        self.0.fetch_or(Self::bit(table), Ordering::Relaxed);
    }

    /// Whether the table has its rows.
    pub(super) fn has(&self, table: Table) -> bool {
        self.0.load(Ordering::Relaxed) & Self::bit(table) != 0
    }
}

/// What is inserted at once, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// What its pieces are.
    pieces: Vec<u64>,
    /// The tables that have its rows.
    pub(super) written: Marks,
    /// Rows that no table took.
    pub(super) rejected: u64,
    /// Whether nothing of it is to be sent again.
    pub(super) done: bool,
}

impl Part {
    fn new(pieces: &[u64]) -> Self {
        Self { pieces: pieces.to_vec(), written: Marks::default(), rejected: 0, done: false }
    }

    /// How many pieces it has.
    pub(super) const fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The token by which ClickHouse knows its rows again.
    pub(super) fn token(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.pieces.hash(&mut hasher);
        hasher.finish()
    }
}

/// What a piece is, from its bytes: the same in every process of this build.
pub(super) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// The parts of a batch of `pieces`: those `known` from its last attempt, as far as it begins with them, then the rest.
pub(super) fn parts(known: Vec<Part>, pieces: &[u64]) -> Vec<Part> {
    let mut rest = pieces;
    let mut parts = Vec::new();
    for part in known {
        let Some(after) = rest.strip_prefix(&*part.pieces) else { break };
        rest = after;
        parts.push(part);
    }
    if !rest.is_empty() {
        parts.push(Part::new(rest));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(parts: &[Part]) -> Vec<u64> {
        parts.iter().map(Part::token).collect()
    }

    #[test]
    fn a_batch_that_comes_again_alone_is_the_same_part() {
        let first = parts(Vec::new(), &[1, 2]);
        assert_eq!(tokens(&first), tokens(&parts(Vec::new(), &[1, 2])));
        assert_eq!(tokens(&first), tokens(&parts(first.clone(), &[1, 2])));
    }

    #[test]
    fn newer_pieces_behind_it_are_a_part_of_their_own() {
        let first = parts(Vec::new(), &[1, 2]);
        let second = parts(first.clone(), &[1, 2, 3]);
        assert_eq!((second.len(), second[0].token(), second[1].len()), (2, first[0].token(), 1));
        assert_ne!(second[0].token(), second[1].token());
        let third = parts(second.clone(), &[1, 2, 3, 4]);
        assert_eq!((third.len(), tokens(&third[..2])), (3, tokens(&second)));
    }

    #[test]
    fn what_was_written_is_known_to_every_clone() {
        let first = parts(Vec::new(), &[1]);
        let kept = first.clone();
        first[0].written.mark(Table::Summary);
        let again = parts(kept, &[1]);
        assert!(again[0].written.has(Table::Summary) && !again[0].written.has(Table::Logs));
    }

    #[test]
    fn what_begins_otherwise_is_new() {
        let first = parts(Vec::new(), &[1, 2]);
        for pieces in [&[2, 3][..], &[1], &[3, 1, 2]] {
            let again = parts(first.clone(), pieces);
            assert_eq!((again.len(), again[0].len()), (1, pieces.len()));
            assert_ne!(again[0].token(), first[0].token());
        }
    }

    #[test]
    fn a_digest_tells_bytes_apart() {
        assert_ne!(digest(b"a"), digest(b"b"));
        assert_eq!(digest(b"a"), digest(b"a"));
    }
}
