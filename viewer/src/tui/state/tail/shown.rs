//! Which of the lines are shown, and in which place each is: all of them, or those that rules leave.

use std::collections::VecDeque;

use super::{
    rules::Rules,
    store::{Number, Store},
};

/// The lines shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// The numbers of those that the rules leave; nothing while there are no rules.
    left: Option<VecDeque<Number>>,
    /// Where the lines end that were looked at.
    end: Number,
    first: Number,
}

impl Shown {
    /// Applies rules to all lines anew.
    pub fn apply(&mut self, rules: &Rules, store: &Store) {
        self.left = (!rules.is_empty())
            .then(|| store.from(Number::MIN).filter(|(_, line)| rules.leave(line)).map(|(number, _)| number).collect());
        (self.first, self.end) = (store.first(), store.end());
    }

    /// Follows what was added to the store and let go of it since.
    pub fn catch_up(&mut self, rules: &Rules, store: &Store) {
        if let Some(left) = &mut self.left {
            let older = (store.first()..self.first.min(store.end())).rev();
            for number in older.filter(|number| store.get(*number).is_some_and(|line| rules.leave(&line))) {
                left.push_front(number);
            }
            while left.front().is_some_and(|number| *number < store.first()) {
                left.pop_front();
            }
            for (number, _) in store.from(self.end).filter(|(_, line)| rules.leave(line)) {
                left.push_back(number);
            }
        }
        (self.first, self.end) = (store.first(), store.end());
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.left {
            Some(left) => left.len(),
            None => usize::try_from(self.end - self.first).unwrap_or_default(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the line in a place.
    #[must_use]
    pub fn number(&self, place: usize) -> Option<Number> {
        match &self.left {
            Some(left) => left.get(place).copied(),
            None => (place < self.len()).then(|| self.first + place as Number),
        }
    }

    /// The place of a line; of one that is not shown, that of the next that is.
    #[must_use]
    pub fn place(&self, number: Number) -> usize {
        match &self.left {
            Some(left) => left.partition_point(|shown| *shown < number),
            None => usize::try_from(number - self.first).unwrap_or_default(),
        }
        .min(self.len().saturating_sub(1))
    }
}
