//! A list of which some are shown, in some order: filtered, searched, with a cursor that stays on what it was on.

use super::{
    list::List,
    page::{Around, Step},
    prompt::For,
};
use crate::{
    format::inert,
    tui::{keys::Command, text::find},
};

/// Which of a list's items are shown.
#[derive(Clone, Debug)]
pub struct Narrowed {
    /// What each item is found by.
    texts: Vec<String>,
    /// All items in the order in which they stand.
    ordered: Vec<usize>,
    /// The items shown, in their order.
    shown: Vec<usize>,
    /// The cursor.
    pub list: List,
    /// What an item's text must contain.
    pub filter: String,
    /// What is searched.
    pub search: String,
    /// The filter that held before the one that is being typed.
    before: Option<String>,
    /// Rows above the items.
    headings: usize,
}

impl Default for Narrowed {
    fn default() -> Self {
        Self {
            texts: Vec::new(),
            ordered: Vec::new(),
            shown: Vec::new(),
            list: List::default(),
            filter: String::new(),
            search: String::new(),
            before: None,
            headings: 1,
        }
    }
}

impl Narrowed {
    /// One that has the whole of the screen's body.
    #[must_use]
    pub fn without_headings() -> Self {
        Self { headings: 0, ..Self::default() }
    }

    /// How many are shown.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.shown.len()
    }

    /// How many rows of items there is room for.
    #[must_use]
    pub const fn height(&self, around: &Around) -> usize {
        around.rows.saturating_sub(self.headings)
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

    /// Other items, found by these texts, in this order, with the cursor on the item `stays` if that is among them.
    pub fn set(&mut self, texts: Vec<String>, ordered: Vec<usize>, stays: Option<usize>, around: &Around) {
        self.texts = texts;
        self.ordered = ordered;
        self.show(stays, around);
    }

    /// The same items in another order; the cursor stays on its item.
    pub fn order(&mut self, ordered: Vec<usize>, around: &Around) {
        self.ordered = ordered;
        self.show(self.item(), around);
    }

    fn show(&mut self, stays: Option<usize>, around: &Around) {
        let (texts, filter) = (&self.texts, &self.filter);
        let matches = |item: &usize| filter.is_empty() || find(&texts[*item], filter).is_some();
        self.shown = self.ordered.iter().copied().filter(matches).collect();
        let at = stays.and_then(|stays| self.shown.iter().position(|item| *item == stays));
        self.list.go(at.unwrap_or(self.list.at), self.shown.len(), self.height(around));
    }

    /// Moves, searches and filters as `command` says; nothing if it says something else.
    pub fn act(&mut self, command: Command, around: &Around) -> Option<Vec<Step>> {
        if self.list.act(command, self.shown.len(), self.height(around)) {
            return Some(Vec::new());
        }
        match command {
            Command::Search => Some(vec![Step::Prompt(For::Search, String::new())]),
            Command::Filter => {
                self.before = Some(self.filter.clone());
                Some(vec![Step::Prompt(For::Filter, self.filter.clone())])
            }
            Command::Next => Some(self.find((1, 1), around)),
            Command::Previous => Some(self.find((-1, -1), around)),
            _ => None,
        }
    }

    /// Takes what is typed to be searched, or that items must contain.
    pub fn typed(&mut self, to: For, text: &str, done: bool, around: &Around) -> Vec<Step> {
        match to {
            For::Search if done => {
                text.clone_into(&mut self.search);
                if text.is_empty() { Vec::new() } else { self.find((0, 1), around) }
            }
            For::Filter => {
                text.clone_into(&mut self.filter);
                self.show(self.item(), around);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// What was being typed is not wanted: what held before holds again.
    pub fn dropped(&mut self, to: For, around: &Around) {
        if let (For::Filter, Some(before)) = (to, self.before.take()) {
            self.typed(For::Filter, &before, true, around);
        }
    }

    /// To the next item that contains what is searched, `first` steps from the cursor on.
    fn find(&mut self, steps: (isize, isize), around: &Around) -> Vec<Step> {
        if self.search.is_empty() {
            return vec![Step::Say("nothing is searched; / does".to_owned())];
        }
        let none = format!("nothing here contains {}", inert(&self.search));
        let wanted = std::mem::take(&mut self.search);
        let is_here: Vec<bool> = self.texts.iter().map(|text| find(text, &wanted).is_some()).collect();
        self.search = wanted;
        self.seek(steps, |item| is_here[item], &none, around)
    }

    /// To the next item that is like that, `first` steps from the cursor on; at the end, round to the other.
    pub fn seek(
        &mut self,
        (first, step): (isize, isize),
        is_it: impl Fn(usize) -> bool,
        none: &str,
        around: &Around,
    ) -> Vec<Step> {
        let (count, from) = (self.shown.len() as isize, self.list.at as isize);
        let mut places = (0..count).map(|n| (from + first + n * step).rem_euclid(count) as usize);
        match places.find(|at| is_it(self.shown[*at])) {
            Some(at) => {
                self.list.go(at, self.shown.len(), self.height(around));
                Vec::new()
            }
            None => vec![Step::Say(none.to_owned())],
        }
    }

    /// Puts the cursor on the item in a row of the screen's body.
    pub fn click(&mut self, row: usize, around: &Around) {
        if let Some(row) = row.checked_sub(self.headings) {
            self.list.go(self.list.top + row, self.shown.len(), self.height(around));
        }
    }

    /// The terminal has another size.
    pub fn resized(&mut self, around: &Around) {
        self.list.settle(self.shown.len(), self.height(around));
    }
}
