//! A line that is being typed: what for, and the text so far.

use crate::tui::event::{Code, Key};

/// What is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A text to search.
    Search,
    /// A text that lines must contain.
    Filter,
    /// A stretch of time.
    Times,
    /// The name of a file.
    Save,
}

impl For {
    /// What stands before the text.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Search => "/",
            Self::Filter => "&",
            Self::Times => "since: ",
            Self::Save => "save to: ",
        }
    }
}

/// A line that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The text so far.
    pub text: String,
    /// The cursor, in bytes.
    pub at: usize,
}

/// What a key did to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It changed the text.
    Changed,
    /// It moved the cursor, or did nothing.
    Moved,
    /// The text is done.
    Done,
    /// The text is not wanted any more.
    Dropped,
}

impl Typed {
    /// A line that already says something.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self { text: text.to_owned(), at: text.len() }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Edit {
        match (key.code, key.ctrl) {
            (Code::Enter, _) => Edit::Done,
            (Code::Esc, _) | (Code::Char('c' | 'g'), true) => Edit::Dropped,
            // As in less: with nothing left to take away, the prompt goes.
            (Code::Backspace, _) if self.text.is_empty() => Edit::Dropped,
            (Code::Backspace, _) | (Code::Char('h'), true) => self.remove(self.before()),
            (Code::Delete, _) => self.remove_after(),
            (Code::Char('u'), true) => self.remove(0),
            (Code::Char('w'), true) => self.remove(self.word()),
            (Code::Left, _) | (Code::Char('b'), true) => self.go(self.before()),
            (Code::Right, _) | (Code::Char('f'), true) => self.go(self.after()),
            (Code::Home, _) | (Code::Char('a'), true) => self.go(0),
            (Code::End, _) | (Code::Char('e'), true) => self.go(self.text.len()),
            (Code::Char(c), false) => self.put(&c.to_string()),
            _ => Edit::Moved,
        }
    }

    /// Takes text as a whole; of several lines, the first.
    pub fn put(&mut self, text: &str) -> Edit {
        let text: String = text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
        self.text.insert_str(self.at, &text);
        self.at += text.len();
        Edit::Changed
    }

    fn before(&self) -> usize {
        self.text[..self.at].char_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.at..].chars().next().map_or(self.at, |c| self.at + c.len_utf8())
    }

    fn word(&self) -> usize {
        let head = self.text[..self.at].trim_end();
        head.rfind(char::is_whitespace).map_or(0, |at| at + 1)
    }

    fn go(&mut self, at: usize) -> Edit {
        self.at = at;
        Edit::Moved
    }

    fn remove(&mut self, from: usize) -> Edit {
        self.text.replace_range(from..self.at, "");
        self.at = from;
        Edit::Changed
    }

    fn remove_after(&mut self) -> Edit {
        self.text.replace_range(self.at..self.after(), "");
        Edit::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut typed = Typed::default();
        for c in "größe über".chars() {
            typed.key(Key::char(c));
        }
        typed.key(Key::ctrl('w'));
        assert_eq!(typed.text, "größe ");
        typed.key(Key::plain(Code::Left));
        typed.key(Key::plain(Code::Backspace));
        typed.key(Key::plain(Code::Left));
        typed.key(Key::plain(Code::Delete));
        assert_eq!(typed.text, "grö ");
        typed.key(Key::plain(Code::Home));
        typed.put("sehr \nnicht");
        assert_eq!(typed.text, "sehr grö ");
        typed.key(Key::plain(Code::End));
        typed.key(Key::ctrl('u'));
        assert_eq!((typed.text.as_str(), typed.at), ("", 0));
        assert_eq!(typed.key(Key::plain(Code::Backspace)), Edit::Dropped);
    }
}
