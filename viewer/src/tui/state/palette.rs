//! Everything there is to do, found by a few letters of its name.

use super::{
    list::List,
    prompt::{Edit, Typed},
};
use crate::tui::{
    event::{Code, Key},
    keys::{self, Command, Scope},
};

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// What a key does.
    Command(Command),
    /// The lines of a function.
    Function(String),
}

/// A row: what is done, and how it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is done.
    pub entry: Entry,
    /// Its name.
    pub name: String,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// Its keys.
    pub keys: String,
}

/// The palette.
#[derive(Debug)]
pub struct Palette {
    /// The letters so far.
    pub typed: Typed,
    /// The cursor.
    pub list: List,
    all: Vec<Row>,
    shown: Vec<usize>,
}

/// How many rows are shown.
pub const HEIGHT: usize = 12;

impl Palette {
    /// What there is to do on a screen of that scope, with these functions known.
    #[must_use]
    pub fn new(scope: Scope, functions: &[String]) -> Self {
        let commands = keys::rows(scope).filter(|row| !row.keys.iter().any(|keys| keys.ends_with('*')));
        let commands = commands.map(|row| Row {
            entry: Entry::Command(row.command),
            name: row.name.to_owned(),
            help: row.help,
            keys: keys::shown(row.keys),
        });
        let functions = functions.iter().map(|name| Row {
            entry: Entry::Function(name.clone()),
            name: format!("tail {name}"),
            help: "its lines",
            keys: String::new(),
        });
        let all: Vec<Row> = commands.chain(functions).collect();
        Self { typed: Typed::default(), list: List::default(), shown: (0..all.len()).collect(), all }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Edit {
        let command = match (key.code, key.ctrl) {
            (Code::Down, _) | (Code::Char('n'), true) => Command::Down,
            (Code::Up, _) | (Code::Char('p'), true) => Command::Up,
            (Code::PageDown, _) => Command::PageDown,
            (Code::PageUp, _) => Command::PageUp,
            _ => {
                let edit = self.typed.key(key);
                if edit == Edit::Changed {
                    self.narrow();
                }
                return edit;
            }
        };
        self.list.act(command, self.shown.len(), HEIGHT);
        Edit::Moved
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        self.typed.put(text);
        self.narrow();
    }

    fn narrow(&mut self) {
        let mut scored: Vec<(u32, usize)> = (0..self.all.len())
            .filter_map(|at| score(&self.all[at].name, &self.typed.text).map(|score| (score, at)))
            .collect();
        scored.sort_unstable();
        self.shown = scored.into_iter().map(|(_, at)| at).collect();
        self.list = List::default();
    }

    /// The rows shown, and whether each is under the cursor.
    pub fn rows(&self) -> impl Iterator<Item = (&Row, bool)> {
        let shown = self.list.shown(self.shown.len(), HEIGHT);
        shown.map(|at| (&self.all[self.shown[at]], at == self.list.at))
    }

    /// How many there are that match.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.shown.len()
    }

    /// What is under the cursor.
    #[must_use]
    pub fn chosen(&self) -> Option<Entry> {
        self.shown.get(self.list.at).map(|at| self.all[*at].entry.clone())
    }
}

/// How badly `typed` matches `name`, letter after letter; `None` when it does not. Letters that stand together and begin words
/// count as better.
fn score(name: &str, typed: &str) -> Option<u32> {
    let mut score = 0;
    let mut last: Option<usize> = None;
    let name: Vec<char> = name.to_lowercase().chars().collect();
    for letter in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let from = last.map_or(0, |at| at + 1);
        let begins = |at: &usize| *at == 0 || !name[*at - 1].is_alphanumeric();
        let next = name.get(from).filter(|c| **c == letter).map(|_| from);
        let word = (from..name.len()).find(|at| name[*at] == letter && begins(at));
        let any = (from..name.len()).find(|at| name[*at] == letter);
        let at = next.or(word).or(any)?;
        score += if Some(at) == next && last.is_some() {
            0
        } else if begins(&at) {
            1
        } else {
            4
        };
        score += u32::try_from(at - from).unwrap_or(u32::MAX).min(8);
        last = Some(at);
    }
    Some(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(typed: &str) -> Option<Entry> {
        let mut palette = Palette::new(Scope::Functions, &["checkout-api".to_owned(), "charge".to_owned()]);
        palette.paste(typed);
        palette.chosen()
    }

    #[test]
    fn a_few_letters_find_what_is_meant() {
        let cases = [
            ("rev", Entry::Command(Command::SortReverse)),
            ("copy j", Entry::Command(Command::Copy(keys::What::Json))),
            ("time", Entry::Command(Command::Times)),
            ("hpd", Entry::Command(Command::HalfDown)),
            ("tcharge", Entry::Function("charge".to_owned())),
            ("tail check", Entry::Function("checkout-api".to_owned())),
        ];
        for (typed, entry) in cases {
            assert_eq!(best(typed), Some(entry), "{typed}");
        }
        assert_eq!(best("zzzz"), None);
    }
}
