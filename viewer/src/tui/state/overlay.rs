//! What lies over the screen, and takes the keys while it does: a line that is typed, the palette, a choice, the help, SQL.

use super::{
    Effect, Screen, State,
    list::List,
    palette::{self, Palette},
    prompt::{Edit, For, Typed},
    times,
};
use crate::tui::{
    event::{Code, Key},
    keys::{self, Command, Meaning, Scope},
};

/// What lies over the screen.
#[derive(Debug)]
pub enum Overlay {
    /// The keys; the list is how far it was scrolled.
    Help(List),
    /// A line that is typed.
    Prompt(For, Typed),
    /// Everything there is to do.
    Palette(Palette),
    /// One of a few things to choose.
    Choose(Choice),
    /// What was asked lately, in SQL, and what it cost; the list is how far it was scrolled.
    Sql(Vec<String>, List),
}

/// One of a few things to choose.
#[derive(Debug)]
pub struct Choice {
    /// What is chosen.
    pub title: &'static str,
    /// The choices.
    pub choices: Vec<String>,
    /// The cursor.
    pub list: List,
    /// Whether the screen asked, and not the viewer for its stretch of time.
    of_screen: bool,
}

impl Choice {
    pub(super) const fn new(title: &'static str, choices: Vec<String>) -> Self {
        Self { title, choices, list: List { at: 0, top: 0 }, of_screen: true }
    }

    /// The usual stretches of time, and that one is typed.
    pub(super) fn of_times() -> Self {
        let typed = "other…  30s, 90m, 2026-11-22T14:00:00Z, FROM..TO";
        let choices = times::USUAL.iter().map(|since| format!("last {since}")).chain([typed.to_owned()]);
        Self { of_screen: false, ..Self::new(" stretch of time ", choices.collect()) }
    }
}

impl State {
    pub(super) fn key(&mut self, key: Key) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Prompt(to, typed)) => {
                let (to, edit, text) = (*to, typed.key(key), typed.text.clone());
                self.typed(to, edit, text)
            }
            Some(Overlay::Palette(palette)) => {
                let edit = palette.key(key);
                self.chosen(edit)
            }
            Some(Overlay::Choose(_)) => self.choose_key(key),
            Some(Overlay::Help(_) | Overlay::Sql(..)) => self.scroll_key(key),
            None => self.press(key),
        }
    }

    fn typed(&mut self, to: For, edit: Edit, text: String) -> Vec<Effect> {
        let (text, done) = match edit {
            Edit::Moved => return Vec::new(),
            Edit::Changed => (text, false),
            Edit::Done => (text, true),
            Edit::Dropped => {
                self.overlay = None;
                let around = self.around();
                return self.with_top(|page| page.dropped(to, &around));
            }
        };
        if done {
            self.overlay = None;
        }
        if to == For::Times {
            return if done { self.choose_times(&text) } else { Vec::new() };
        }
        let around = self.around();
        self.with_top(|page| page.typed(to, &text, done, &around))
    }

    fn chosen(&mut self, edit: Edit) -> Vec<Effect> {
        let Some(Overlay::Palette(palette)) = &self.overlay else { return Vec::new() };
        match edit {
            Edit::Changed | Edit::Moved => Vec::new(),
            Edit::Dropped => {
                self.overlay = None;
                Vec::new()
            }
            Edit::Done => {
                let chosen = palette.chosen();
                self.overlay = None;
                match chosen {
                    Some(palette::Entry::Command(command)) => self.act(command),
                    Some(palette::Entry::Function(name)) => self.push(Screen::tail(&name)),
                    None => Vec::new(),
                }
            }
        }
    }

    /// A digit chooses at once.
    fn choose_key(&mut self, key: Key) -> Vec<Effect> {
        let Some(Overlay::Choose(choice)) = &mut self.overlay else { return Vec::new() };
        let count = choice.choices.len();
        let digit = match key.code {
            Code::Char(c) => c.to_digit(10).and_then(|digit| (digit as usize).checked_sub(1)),
            _ => None,
        };
        let at = match keys::meaning(Scope::Everywhere, &[key]) {
            _ if digit.is_some_and(|at| at < count) => digit,
            Meaning::Command(Command::Open) => Some(choice.list.at),
            Meaning::Command(command) if choice.list.act(command, count, count) => return Vec::new(),
            _ => None,
        };
        let of_screen = choice.of_screen;
        self.overlay = None;
        if let Some(at) = at.filter(|_| !of_screen) {
            return match times::USUAL.get(at) {
                Some(since) => self.choose_times(since),
                None => self.lay(Overlay::Prompt(For::Times, Typed::default())),
            };
        }
        let around = self.around();
        at.map_or_else(Vec::new, |at| self.with_top(|page| page.chosen(at, &around)))
    }

    /// What is only read is scrolled; any other key closes it.
    fn scroll_key(&mut self, key: Key) -> Vec<Effect> {
        let scope = self.screen().page().scope();
        let rows = self.around().rows;
        let (count, list) = match &mut self.overlay {
            Some(Overlay::Help(list)) => (keys::rows(scope).count() + HELP_HEADINGS, list),
            Some(Overlay::Sql(lines, list)) => (lines.len(), list),
            _ => return Vec::new(),
        };
        let last = count.saturating_sub(rows.saturating_sub(2));
        list.top = match keys::meaning(Scope::Everywhere, &[key]) {
            Meaning::Command(Command::Quit) => return vec![Effect::Quit],
            Meaning::Command(Command::Suspend) => return vec![Effect::Suspend],
            Meaning::Command(Command::Redraw) => return vec![Effect::Redraw],
            Meaning::Command(Command::Down) => list.top + 1,
            Meaning::Command(Command::Up) => list.top.saturating_sub(1),
            Meaning::Command(Command::PageDown | Command::HalfDown) => list.top + rows / 2,
            Meaning::Command(Command::PageUp | Command::HalfUp) => list.top.saturating_sub(rows / 2),
            Meaning::Command(Command::Top) => 0,
            Meaning::Command(Command::Bottom) => last,
            _ => {
                self.overlay = None;
                return Vec::new();
            }
        }
        .min(last);
        Vec::new()
    }

    /// Pasted text goes where text is typed; anywhere else it would be a row of commands nobody meant.
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Prompt(to, typed)) => {
                let (to, edit, text) = (*to, typed.put(text), typed.text.clone());
                self.typed(to, edit, text)
            }
            Some(Overlay::Palette(palette)) => {
                palette.paste(text);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }
}

/// The headings of the help and the empty line between its two parts.
const HELP_HEADINGS: usize = 3;
