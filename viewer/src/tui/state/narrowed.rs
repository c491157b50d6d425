//! A list of which some are shown, in some order: filtered, searched, with a cursor that stays on what it was on.

use super::{
    list::List,
    page::{Around, Step},
};
use crate::{
    format::inert,
    tui::{keys::Command, text::find},
};

/// Which of a list's items are shown.
#[derive(Debug, Default)]
pub struct Narrowed {
    /// The items shown, in their order.
    shown: Vec<usize>,
    /// The cursor.
    pub list: List,
    /// What an item's text must contain.
    pub filter: String,
    /// What is searched.
    pub search: String,
}

impl Narrowed {
    /// How many are shown.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.shown.len()
    }

    /// How many rows of items there is room for: the headings take one.
    #[must_use]
    pub const fn height(around: &Around) -> usize {
        around.rows.saturating_sub(1)
    }

    /// The item under the cursor.
    #[must_use]
    pub fn item(&self) -> Option<usize> {
        self.shown.get(self.list.at).copied()
    }

    /// The items in view, each with whether it is under the cursor.
    pub fn in_view(&self, height: usize) -> impl Iterator<Item = (usize, bool)> {
        self.list.shown(self.shown.len(), height).map(|at| (self.shown[at], at == self.list.at))
    }

    /// Shows those of `ordered` that the filter leaves, with the cursor on the item `stays` if that is among them.
    pub fn show<'a>(
        &mut self,
        ordered: Vec<usize>,
        text: impl Fn(usize) -> &'a str,
        stays: Option<usize>,
        around: &Around,
    ) {
        let matches = |item: &usize| self.filter.is_empty() || find(text(*item), &self.filter).is_some();
        self.shown = ordered.into_iter().filter(matches).collect();
        let at = stays.and_then(|stays| self.shown.iter().position(|item| *item == stays));
        self.list.go(at.unwrap_or(self.list.at), self.shown.len(), Self::height(around));
    }

    /// Moves the cursor as `command` says; whether it was such a command.
    pub fn act(&mut self, command: Command, around: &Around) -> bool {
        self.list.act(command, self.shown.len(), Self::height(around))
    }

    /// To the next item that contains what is searched, `first` steps from the cursor on.
    pub fn find<'a>(
        &mut self,
        (first, step): (isize, isize),
        text: impl Fn(usize) -> &'a str,
        around: &Around,
    ) -> Vec<Step> {
        let (count, from) = (self.shown.len() as isize, self.list.at as isize);
        if self.search.is_empty() {
            return Vec::new();
        }
        let mut places = (0..count).map(|n| (from + first + n * step).rem_euclid(count) as usize);
        match places.find(|at| find(text(self.shown[*at]), &self.search).is_some()) {
            Some(at) => {
                self.list.go(at, self.shown.len(), Self::height(around));
                Vec::new()
            }
            None => vec![Step::Say(format!("nothing here contains {}", inert(&self.search)))],
        }
    }

    /// Puts the cursor on the item in a row of the screen's body.
    pub fn click(&mut self, row: usize, around: &Around) {
        if let Some(row) = row.checked_sub(1) {
            self.list.go(self.list.top + row, self.shown.len(), Self::height(around));
        }
    }
}
