//! Text from elsewhere as parts of a line of the screen: inert, and in as many columns as there are.

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use unicode_width::UnicodeWidthChar as _;

use crate::format::{cut, inert, width};

/// A line of the screen that is being put together, no wider than it may be.
#[derive(Debug)]
pub struct Row<'a> {
    spans: Vec<Span<'a>>,
    left: usize,
}

impl<'a> Row<'a> {
    /// An empty line of at most `columns` columns.
    #[must_use]
    pub const fn new(columns: usize) -> Self {
        Self { spans: Vec::new(), left: columns }
    }

    /// How many columns are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.left
    }

    /// Adds text, cut where the line ends. It may come from anywhere: it is made inert here.
    pub fn push(&mut self, text: &str, style: Style) -> &mut Self {
        if self.left > 0 && !text.is_empty() {
            let text = fitting(text, self.left);
            self.left = self.left.saturating_sub(width(&text));
            self.spans.push(Span::styled(text, style));
        }
        self
    }

    /// Adds text in exactly `columns` columns, filled on the right.
    pub fn column(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let text = fitting(text, columns);
        let fill = columns.saturating_sub(width(&text));
        self.push(&format!("{text}{:fill$}", ""), style)
    }

    /// Adds text in exactly `columns` columns, filled on the left.
    pub fn number(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let text = fitting(text, columns);
        let fill = columns.saturating_sub(width(&text));
        self.push(&format!("{:fill$}{text}", ""), style)
    }

    /// Adds text with every place where `wanted` stands in it marked.
    pub fn searched(&mut self, text: &str, wanted: &str, style: Style, found: Style) -> &mut Self {
        if wanted.is_empty() {
            return self.push(text, style);
        }
        let text = fitting(text, self.left);
        let mut rest = &*text;
        while let Some((at, length)) = find(rest, wanted) {
            self.push(&rest[..at], style);
            self.push(&rest[at..at + length], found);
            rest = &rest[at + length..];
        }
        self.push(rest, style)
    }

    /// Adds another line, in exactly `columns` columns.
    pub fn append(&mut self, other: Row<'a>, columns: usize) -> &mut Self {
        let used: usize = other.spans.iter().map(|span| width(&span.content)).sum();
        if columns <= self.left && used <= columns {
            self.left -= used;
            self.spans.extend(other.spans);
            self.push(&" ".repeat(columns - used), Style::new());
        }
        self
    }

    /// Fills up to the end, with as many columns left as `text` needs, and adds it there.
    pub fn at_end(&mut self, text: &str, style: Style) -> &mut Self {
        let text = fitting(text, self.left);
        let fill = self.left.saturating_sub(width(&text));
        self.push(&" ".repeat(fill), style).push(&text, style)
    }

    /// The line.
    #[must_use]
    pub fn line(self) -> Line<'a> {
        Line::from(self.spans)
    }
}

/// `text` made inert, in at most `columns` columns. Of a very long text only as much is looked at as can be shown.
#[must_use]
pub fn fitting(text: &str, columns: usize) -> String {
    // A column takes at least one character, unless they are drawn over each other: more of those than this is a joke.
    let bound = columns.saturating_add(1).saturating_mul(4);
    let end = text.char_indices().nth(bound).map_or(text.len(), |(at, _)| at);
    cut(&inert(&text[..end]), columns).into_owned()
}

/// `text` broken between words into lines of at most `columns` columns, as far as words allow it; what stands between words of a
/// line stays, and the lines after the first begin `indent` columns in.
#[must_use]
pub fn wrapped(text: &str, columns: usize, indent: usize) -> Vec<String> {
    if width(text) <= columns {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    let mut is_new = true;
    for word in words_with_gaps(text) {
        let line = lines.last_mut().expect("there is a line");
        if is_new || width(line) + width(word) <= columns {
            line.push_str(word);
        } else {
            lines.push(format!("{:indent$}{}", "", word.trim_start()));
        }
        is_new = false;
    }
    lines
}

/// Every word with the gap before it.
fn words_with_gaps(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_end();
    std::iter::from_fn(move || {
        let gap = rest.len() - rest.trim_start().len();
        let end = rest[gap..].find(char::is_whitespace).map_or(rest.len(), |end| gap + end);
        let (word, after) = rest.split_at(end);
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

/// `text` in pieces of at most `columns` columns; one character that is wider has a piece of its own.
#[must_use]
pub fn broken(text: &str, columns: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let (mut piece, mut used) = (String::new(), 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or_default();
        if used + wide > columns && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
            used = 0;
        }
        piece.push(c);
        used += wide;
    }
    pieces.push(piece);
    pieces
}

/// Where `wanted` stands in `text`, whatever the case of its letters, and how long that place is.
#[must_use]
pub fn find(text: &str, wanted: &str) -> Option<(usize, usize)> {
    let Some(first) = wanted.bytes().next().filter(|_| wanted.is_ascii()) else {
        return text.find(wanted).map(|at| (at, wanted.len()));
    };
    // Most bytes are told apart by their first one: a letter in either case.
    let (lower, upper, text) = (first.to_ascii_lowercase(), first.to_ascii_uppercase(), text.as_bytes());
    let last = text.len().checked_sub(wanted.len())?;
    let is_here = |at: &usize| {
        (text[*at] == lower || text[*at] == upper)
            && text[*at..*at + wanted.len()].eq_ignore_ascii_case(wanted.as_bytes())
    };
    (0..=last).find(is_here).map(|at| (at, wanted.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(row: Row<'_>) -> String {
        row.line().spans.into_iter().map(|span| span.content.into_owned()).collect()
    }

    #[test]
    fn a_line_is_never_wider_than_it_may_be() {
        for columns in 0..12 {
            let mut row = Row::new(columns);
            row.push("日本語", Style::new()).column("a\u{301}b", 4, Style::new()).at_end("end", Style::new());
            assert!(width(&text(row)) <= columns, "{columns}");
        }
    }

    #[test]
    fn what_comes_from_elsewhere_is_inert() {
        let mut row = Row::new(40);
        row.push("\x1b]0;title\x07", Style::new()).searched("a\x1b[31mb\u{202e}", "b", Style::new(), Style::new());
        assert_eq!(text(row), "␛]0;title␇a␛[31mb<U+202E>");
    }

    #[test]
    fn a_broken_text_is_whole_and_fits() {
        let pieces = broken("ab日本語c", 3);
        assert_eq!(pieces.concat(), "ab日本語c");
        assert_eq!(pieces, ["ab", "日", "本", "語c"]);
    }

    #[test]
    fn words_are_kept_whole_where_a_text_is_wrapped() {
        assert_eq!(wrapped("  one two three four", 10, 4), ["  one two", "    three", "    four"]);
        assert_eq!(wrapped("short  as it is", 20, 4), ["short  as it is"]);
        assert_eq!(wrapped("a    $0.01  518 MB a month", 16, 5), ["a    $0.01  518", "     MB a month"]);
    }

    #[test]
    fn every_place_that_was_searched_is_marked() {
        let mut row = Row::new(40);
        row.searched("Error: no error", "error", Style::new(), Style::new().bold());
        let marked: Vec<_> =
            row.line().spans.into_iter().filter(|span| span.style == Style::new().bold()).map(|s| s.content).collect();
        assert_eq!(marked, ["Error", "error"]);
    }
}
