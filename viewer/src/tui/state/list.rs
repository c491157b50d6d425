//! A cursor in a list of which a window is shown.

use crate::tui::keys::Command;

/// Where the cursor is, and which item is the first one shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The item under the cursor.
    pub at: usize,
    /// The first item shown.
    pub top: usize,
}

impl List {
    /// Moves as `command` says, in a list of `count` items of which `height` are shown; whether it was such a command.
    pub fn act(&mut self, command: Command, count: usize, height: usize) -> bool {
        let last = count.saturating_sub(1);
        let half = (height / 2).max(1);
        self.at = match command {
            Command::Down => self.at + 1,
            Command::Up => self.at.saturating_sub(1),
            Command::HalfDown => self.at + half,
            Command::HalfUp => self.at.saturating_sub(half),
            Command::PageDown => self.at + height.max(1),
            Command::PageUp => self.at.saturating_sub(height.max(1)),
            Command::Top => 0,
            Command::Bottom => last,
            _ => return false,
        };
        self.settle(count, height);
        true
    }

    /// Puts the cursor on `at`.
    pub fn go(&mut self, at: usize, count: usize, height: usize) {
        self.at = at;
        self.settle(count, height);
    }

    /// Keeps the cursor in the list, and the window around the cursor.
    pub fn settle(&mut self, count: usize, height: usize) {
        let height = height.max(1);
        self.at = self.at.min(count.saturating_sub(1));
        self.top = self.top.min(count.saturating_sub(height)).clamp((self.at + 1).saturating_sub(height), self.at);
    }

    /// The items shown.
    #[must_use]
    pub fn shown(&self, count: usize, height: usize) -> std::ops::Range<usize> {
        self.top.min(count)..(self.top + height).min(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_list_and_in_the_window() {
        let cases = [
            (List::default(), Command::Down, List { at: 1, top: 0 }),
            (List::default(), Command::Up, List { at: 0, top: 0 }),
            (List { at: 9, top: 0 }, Command::Down, List { at: 10, top: 1 }),
            (List { at: 0, top: 0 }, Command::Bottom, List { at: 99, top: 90 }),
            (List { at: 99, top: 90 }, Command::Down, List { at: 99, top: 90 }),
            (List { at: 99, top: 90 }, Command::PageUp, List { at: 89, top: 89 }),
            (List { at: 50, top: 45 }, Command::HalfDown, List { at: 55, top: 46 }),
        ];
        for (mut list, command, then) in cases {
            assert!(list.act(command, 100, 10));
            assert_eq!(list, then, "{command:?}");
        }
    }

    #[test]
    fn an_empty_list_and_a_window_without_rows_are_no_trouble() {
        for (count, height) in [(0, 10), (10, 0), (0, 0)] {
            let mut list = List { at: 7, top: 3 };
            for command in [Command::Bottom, Command::Down, Command::PageUp, Command::Top] {
                list.act(command, count, height);
                assert!(list.at <= count.saturating_sub(1));
            }
        }
    }
}
