//! Which of the lines are shown, and in which place each is: as they came, those that rules leave, or those by invocation.

use std::collections::VecDeque;

use super::{
    blocks::{Blocks, Framed},
    rules::Rules,
    store::{Number, Store},
};
use crate::ask::Nanos;

/// The lines shown.
#[derive(Debug, Default)]
pub struct Shown {
    order: Order,
    first: Number,
    /// Where the lines end that were looked at.
    end: Number,
}

#[derive(Debug, Default)]
enum Order {
    /// All lines as they came.
    #[default]
    All,
    /// Those that the rules leave, as they came.
    Left(VecDeque<Number>),
    /// Those that the rules leave, by invocation.
    Blocks(Blocks),
}

impl Shown {
    /// The lines up to `until` that the rules leave.
    #[must_use]
    pub fn of(rules: &Rules, by_invocation: bool, store: &Store, until: Number) -> Self {
        let end = store.end().min(until);
        let order = match (by_invocation, rules.is_empty()) {
            (true, _) => Order::Blocks(Blocks::of(rules, store, end)),
            (false, true) => Order::All,
            (false, false) => Order::Left(left(rules, store, Number::MIN, end).collect()),
        };
        Self { order, first: store.first(), end }
    }

    /// Follows what was added to the store and let go of it since; what was added behind came at `now`, or was there.
    pub fn catch_up(&mut self, rules: &Rules, store: &Store, until: Number, now: Option<Nanos>) {
        let end = store.end().min(until).max(self.end.min(store.end()));
        match &mut self.order {
            Order::All => {}
            Order::Left(numbers) => {
                let older: Vec<Number> = left(rules, store, Number::MIN, self.first).collect();
                older.into_iter().rev().for_each(|number| numbers.push_front(number));
                while numbers.front().is_some_and(|number| *number < store.first()) {
                    numbers.pop_front();
                }
                numbers.extend(left(rules, store, self.end, end));
            }
            Order::Blocks(blocks) => blocks.catch_up(rules, store, end, now),
        }
        (self.first, self.end) = (store.first(), end);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.order {
            Order::All => usize::try_from(self.end - self.first).unwrap_or_default(),
            Order::Left(numbers) => numbers.len(),
            Order::Blocks(blocks) => blocks.count(),
        }
    }

    /// How much memory their order takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.order {
            Order::All => 0,
            Order::Left(numbers) => numbers.capacity() * size_of::<Number>(),
            Order::Blocks(blocks) => blocks.bytes(),
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
        match &self.order {
            Order::All => (place < self.len()).then(|| self.first + place as Number),
            Order::Left(numbers) => numbers.get(place).copied(),
            Order::Blocks(blocks) => blocks.number(place),
        }
    }

    /// The place of a line; of one that is not shown, that of the next that is.
    #[must_use]
    pub fn place(&self, number: Number) -> usize {
        match &self.order {
            Order::All => usize::try_from(number - self.first).unwrap_or_default(),
            Order::Left(numbers) => numbers.partition_point(|shown| *shown < number),
            Order::Blocks(blocks) => blocks.place(number),
        }
        .min(self.len().saturating_sub(1))
    }

    /// What stands around a line.
    #[must_use]
    pub fn framed(&self, number: Number) -> Framed {
        match &self.order {
            Order::Blocks(blocks) => blocks.framed(number),
            _ => Framed::default(),
        }
    }

    /// Whether an invocation has a frame here.
    #[must_use]
    pub fn frames(&self, invocation: &str) -> bool {
        matches!(&self.order, Order::Blocks(blocks) if blocks.has(invocation))
    }
}

/// The lines from one number up to another that the rules leave.
fn left<'a>(rules: &'a Rules, store: &'a Store, from: Number, until: Number) -> impl Iterator<Item = Number> + 'a {
    let lines = store.from(from).take_while(move |(number, _)| *number < until);
    lines.filter(|(_, line)| rules.leave(line)).map(|(number, _)| number)
}
