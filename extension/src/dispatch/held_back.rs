//! Kinds whose secrets are not known are held back.
//!
//! The first flush waits for them as it would for the backend. Once it has waited in vain, or they could not be had, no
//! invocation waits for them any more, and only the end waits for an attempt that is on its way.

use super::Dispatch;
use crate::flow::SignalKind;

/// Why a lane sends nothing: its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldBack {
    /// They are asked for, and nobody has waited in vain yet.
    Hoping,
    /// They are asked for, again or for too long.
    Asking,
    /// They are not asked for at the moment.
    Pausing,
}

impl Dispatch {
    /// Holds `kind` back: its secrets are being asked for, for the first time.
    pub fn hold_back(&mut self, kind: SignalKind) {
        self.lanes[kind as usize].held_back = Some(HeldBack::Hoping);
    }

    /// Holds `kind` back, whose secrets are old: they are asked for anew, and no invocation waits for them.
    pub fn hold_back_again(&mut self, kind: SignalKind) {
        self.lanes[kind as usize].held_back = Some(HeldBack::Asking);
    }

    /// Lets `kind` go, with what has gathered: its secrets are known.
    pub fn let_go(&mut self, kind: SignalKind) {
        let lane = &mut self.lanes[kind as usize];
        if lane.held_back.take().is_some() {
            // What came of requests with other secrets, or with none, says nothing.
            lane.pardon();
            self.catch_up();
        }
    }

    /// Whether any kind is held back.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.lanes.iter().any(|lane| lane.held_back.is_some())
    }

    /// Secrets are being asked for: the first time there is hope, later the end alone waits for them.
    pub fn asking_for_secrets(&mut self) {
        self.change(|held| if held == HeldBack::Pausing { HeldBack::Asking } else { held });
    }

    /// The secrets of the kinds that are held back could not be had; they are not being asked for at the moment.
    pub fn secrets_are_missing(&mut self) {
        self.change(|_| HeldBack::Pausing);
    }

    /// Somebody waited for secrets as long as anybody may: the next one does not.
    pub(super) fn lose_hope(&mut self) {
        self.change(|held| if held == HeldBack::Hoping { HeldBack::Asking } else { held });
    }

    fn change(&mut self, change: impl Fn(HeldBack) -> HeldBack) {
        for held in self.lanes.iter_mut().filter_map(|lane| lane.held_back.as_mut()) {
            *held = change(*held);
        }
    }
}
