//! The questions that are running: which answers are still wanted, for how long they have been waited for, what can be stopped.

use crate::{
    ask::Nanos,
    tui::ask::{Ask, Slot, Ticket},
};

/// A question that is running.
#[derive(Clone, Copy, Debug)]
struct Running {
    ticket: Ticket,
    since: Nanos,
    /// Whether it goes on until it is given up, as following does.
    endless: bool,
    /// Whether nobody waits for it.
    beside: bool,
    /// Whether some of its answer has come.
    answered: bool,
}

/// The questions that are running.
#[derive(Debug, Default)]
pub struct Asked {
    running: Vec<Running>,
    number: u32,
}

/// A wait is worth showing after this long, ...
const PATIENCE: Nanos = 300_000_000;
/// ... and what shows it moves this often.
const BEAT: Nanos = 100_000_000;

impl Asked {
    /// Takes note of a question; the one whose place it takes is to be cancelled.
    pub fn ask(&mut self, screen: u32, slot: Slot, ask: &Ask, now: Nanos) -> (Ticket, Option<Ticket>) {
        self.number += 1;
        let ticket = Ticket { screen, slot, number: self.number };
        let instead_of = self.take(screen, slot);
        let (endless, beside) = (ask.is_endless(), ask.is_beside());
        self.running.push(Running { ticket, since: now, endless, beside, answered: false });
        (ticket, instead_of)
    }

    /// Whether answers to `ticket` are still wanted.
    #[must_use]
    pub fn is_current(&self, ticket: Ticket) -> bool {
        self.running.iter().any(|running| running.ticket == ticket)
    }

    /// Whether a question of that slot of a screen runs.
    #[must_use]
    pub fn runs(&self, screen: u32, slot: Slot) -> bool {
        self.running.iter().any(|running| running.ticket.screen == screen && running.ticket.slot == slot)
    }

    /// Some of the answer has come.
    pub fn answered(&mut self, ticket: Ticket) {
        for running in self.running.iter_mut().filter(|running| running.ticket == ticket) {
            running.answered = true;
        }
    }

    /// The question is done; whether it was still wanted.
    pub fn finish(&mut self, ticket: Ticket) -> bool {
        let before = self.running.len();
        self.running.retain(|running| running.ticket != ticket);
        self.running.len() < before
    }

    /// Gives up the question of a slot.
    pub fn take(&mut self, screen: u32, slot: Slot) -> Option<Ticket> {
        self.take_if(|running| running.ticket.screen == screen && running.ticket.slot == slot).pop()
    }

    /// Gives up a screen's questions that have an end.
    pub fn take_finite(&mut self, screen: u32) -> Vec<Ticket> {
        self.take_if(|running| running.ticket.screen == screen && !running.endless && !running.beside)
    }

    /// Gives up all of a screen's questions.
    pub fn take_all(&mut self, screen: u32) -> Vec<Ticket> {
        self.take_if(|running| running.ticket.screen == screen)
    }

    fn take_if(&mut self, wanted: impl Fn(&Running) -> bool) -> Vec<Ticket> {
        self.running.extract_if(.., |running| wanted(running)).map(|running| running.ticket).collect()
    }

    /// For how long the first answer has been waited for, once that is worth showing.
    #[must_use]
    pub fn waited(&self, now: Nanos) -> Option<Nanos> {
        self.waiting().map(|since| now - since).filter(|waited| *waited >= PATIENCE)
    }

    /// After how many nanoseconds what shows the wait changes.
    #[must_use]
    pub fn wakes_after(&self, now: Nanos) -> Option<u64> {
        let waited = now - self.waiting()?;
        Some(if waited < PATIENCE { PATIENCE - waited } else { BEAT }.unsigned_abs())
    }

    fn waiting(&self) -> Option<Nanos> {
        let waited_for = |running: &&Running| !running.beside && (!running.answered || !running.endless);
        self.running.iter().filter(waited_for).map(|running| running.since).min()
    }
}
