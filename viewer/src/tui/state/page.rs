//! What a screen is to the rest: it begins, acts on commands, takes answers, and says what is to be done about them.

use super::{Screen, link::Place, narrowed::Narrowed, prompt::For, times::Times};
use crate::{
    ask::{Nanos, TraceRef},
    format::Zone,
    tui::{
        ask::{Answer, Ask, LineRef, Problem, Slot},
        keys::{Command, Scope, What},
    },
};

/// What a screen may look at beside itself.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// The time, by the server's clock once that is known.
    pub now: Nanos,
    /// In which zone times are shown.
    pub zone: Zone,
    /// The stretch of time chosen.
    pub times: Times,
    /// How many columns the screen's body has.
    pub columns: usize,
    /// How many rows.
    pub rows: usize,
}

/// What a screen wants done.
#[derive(Debug)]
pub enum Step {
    /// A question asked; it takes the place of the one in its slot.
    Ask(Slot, Ask),
    /// A question asked unless one of its slot runs already.
    AskOnce(Slot, Ask),
    /// The question of a slot given up.
    Drop(Slot),
    /// Another screen opened on top.
    Push(Box<Screen>),
    /// The screen left.
    Pop,
    /// Something said on the bottom line.
    Say(String),
    /// A line typed: for what, and the text to begin with.
    Prompt(For, String),
    /// One of these chosen: a title, and the choices.
    Choose(&'static str, Vec<String>),
    /// Back to the screen that has this line, with the cursor on it.
    ToLine(Box<LineRef>),
    /// Text written to a file.
    Save(String, String),
}

/// A screen.
pub trait Page {
    /// Its keys.
    fn scope(&self) -> Scope;

    /// What it is, as the palette and the way back name it.
    fn name(&self) -> String;

    /// Asks for what it shows: when it is opened, when the stretch of time changed, when it is to be read again.
    fn begin(&mut self, around: &Around) -> Vec<Step>;

    /// Does what a key said.
    fn act(&mut self, command: Command, around: &Around) -> Vec<Step>;

    /// Takes (part of) an answer.
    fn answer(&mut self, slot: Slot, answer: Answer, around: &Around) -> Vec<Step>;

    /// A question has no answer.
    fn failed(&mut self, slot: Slot, problem: Problem, around: &Around) -> Vec<Step>;

    /// A question is done.
    fn ended(&mut self, _slot: Slot, _around: &Around) -> Vec<Step> {
        Vec::new()
    }

    /// The list that it shows, where that is all it shows: what is typed, clicked and resized is the list's business then.
    fn narrowed(&mut self) -> Option<&mut Narrowed> {
        None
    }

    /// Takes what was typed, or is being typed: `done` says which.
    fn typed(&mut self, to: For, text: &str, done: bool, around: &Around) -> Vec<Step> {
        self.narrowed().map_or_else(Vec::new, |list| list.typed(to, text, done, around))
    }

    /// What was being typed is not wanted.
    fn dropped(&mut self, to: For, around: &Around) -> Vec<Step> {
        self.narrowed().into_iter().for_each(|list| list.dropped(to, around));
        Vec::new()
    }

    /// Takes which of the choices was made.
    fn chosen(&mut self, _at: usize, _around: &Around) -> Vec<Step> {
        Vec::new()
    }

    /// What is copied when that is asked for.
    fn copied(&self, _what: What, _around: &Around) -> Option<String> {
        None
    }

    /// A row of the screen's body was clicked.
    fn clicked(&mut self, row: usize, around: &Around) -> Vec<Step> {
        self.narrowed().into_iter().for_each(|list| list.click(row, around));
        Vec::new()
    }

    /// The terminal has another size.
    fn resized(&mut self, around: &Around) {
        self.narrowed().into_iter().for_each(|list| list.resized(around));
    }

    /// After how many nanoseconds it wants a tick, if nothing else happens.
    fn wakes_after(&self, _now: Nanos) -> Option<u64> {
        None
    }

    /// Time has passed.
    fn tick(&mut self, _around: &Around) -> Vec<Step> {
        Vec::new()
    }

    /// The log line under its cursor.
    fn line_ref(&self) -> Option<LineRef> {
        None
    }

    /// Puts the cursor on that line; whether it has it.
    fn go_to(&mut self, _line: &LineRef, _around: &Around) -> bool {
        false
    }

    /// The function that it is about, or that is under its cursor.
    fn function(&self) -> Option<String> {
        None
    }

    /// The trace, or the invocation without one, of what is under its cursor.
    fn trace(&self) -> Option<TraceRef> {
        None
    }

    /// Where the same is to be seen in ClickStack's web UI.
    fn place(&self, _around: &Around) -> Option<Place> {
        None
    }

    /// What the bottom line says of it while nothing else is to be said.
    fn status(&self) -> Option<String> {
        None
    }

    /// Another screen is opened over it: what is under the cursor must be there when one comes back.
    fn covered(&mut self) {}
}
