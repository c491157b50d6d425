//! From the cursor to another line: the next match, error, warning, line of the same invocation.

use super::{
    Tail,
    store::{Number, Stored},
};
use crate::tui::state::page::{Around, Step};

impl Tail {
    /// To the next match after the cursor, or the one before it.
    pub(super) fn next_match(&mut self, forward: bool, around: &Around) -> Vec<Step> {
        if self.search.is_empty() {
            return vec![Step::Say("nothing is searched; / does".to_owned())];
        }
        let wanted = crate::format::inert(&self.search).into_owned();
        match (self.match_from_here(forward), forward) {
            (Some(number), _) => self.jump(number, around),
            (None, true) => vec![Step::Say(format!("no {wanted} below; N looks above"))],
            (None, false) if self.at_beginning => vec![Step::Say(format!("no {wanted} above; n looks below"))],
            (None, false) => {
                let mut steps = self.go(0, around);
                steps.push(Step::Say(format!("no {wanted} above; older lines are being read: press it again")));
                steps
            }
        }
    }

    /// Whether a line is among those shown.
    pub(super) fn shows(&self, number: Number) -> bool {
        self.shown.number(self.shown.place(number)) == Some(number)
    }

    /// The nearest match below the cursor, or above it.
    pub(super) fn match_from_here(&self, forward: bool) -> Option<Number> {
        let is_shown = |number: &&Number| self.shows(**number);
        let here = self.matches.partition_point(|number| *number < self.cursor);
        let below = self.matches.partition_point(|number| *number <= self.cursor);
        if forward {
            self.matches.range(below..).find(is_shown).copied()
        } else {
            self.matches.range(..here).rev().find(is_shown).copied()
        }
    }

    /// To the nearest line that is like that, after the cursor or before it.
    pub(super) fn seek(
        &mut self,
        forward: bool,
        what: &str,
        is_it: impl Fn(&Stored<'_>) -> bool,
        around: &Around,
    ) -> Vec<Step> {
        let place = self.shown.place(self.cursor);
        let wanted = |place: &usize| {
            self.shown.number(*place).and_then(|number| self.store.get(number)).is_some_and(|line| is_it(&line))
        };
        let found = if forward { (place + 1..self.count()).find(wanted) } else { (0..place).rev().find(wanted) };
        match found.and_then(|place| self.shown.number(place)) {
            Some(number) => self.jump(number, around),
            None => {
                let mut steps = vec![Step::Say(format!("no {what} {}", if forward { "below" } else { "above" }))];
                if !forward && !self.at_beginning {
                    steps = vec![Step::Say(format!("no {what} above; older lines are being read: press it again"))];
                    steps.extend(self.go(0, around));
                }
                steps
            }
        }
    }

    /// Puts the cursor on a line, with some lines of context around it.
    pub(super) fn jump(&mut self, number: Number, around: &Around) -> Vec<Step> {
        self.stop_following();
        let place = self.shown.place(number);
        let top = self.shown.place(self.top);
        let is_near = place >= top && place < top + around.rows;
        if !is_near {
            let centred = self.window_up(place, around.rows / 2, around);
            self.top = self.shown.number(centred).unwrap_or(number);
        }
        self.go(place, around)
    }
}
