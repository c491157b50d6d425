//! Regular expressions and words: what both ClickHouse's engine (RE2) and ours understand alike.

use regex_lite::Regex;

/// A regular expression, in the language that RE2 and Rust's engines share: `\w`, `\d` and `\s` are ASCII, `.` is no line break,
/// there are no look-arounds and no `\p{..}`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Words that must stand in a text one after the other, in letters of either case. A word is whole: `card` is not in `discard`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    text: String,
    pattern: Pattern,
}

/// A regular expression that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a regular expression: {0}")]
pub struct BadPattern(String);

impl Pattern {
    /// Understands a regular expression.
    ///
    /// # Errors
    /// When it is none, or one that the server would understand otherwise.
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        if let Some(odd) = odd(text) {
            return Err(BadPattern(format!("`{odd}` is not understood by ClickHouse")));
        }
        let regex = Regex::new(text).map_err(|error| BadPattern(error.to_string()))?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// One that finds `text` itself.
    ///
    /// # Panics
    /// Never: a quoted text is a regular expression.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self::new(&regex_lite::escape(text)).expect("a quoted text is a regular expression")
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is found in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Where it is found in `text`: starts and ends, in bytes.
    pub fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, usize)> {
        self.regex.find_iter(text).map(|found| (found.start(), found.end()))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Words {
    /// Those words.
    ///
    /// # Panics
    /// Never: what is made of a quoted text is a regular expression.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        let starts = if text.starts_with(is_token) { BEFORE } else { "" };
        let ends = if text.ends_with(is_token) { AFTER } else { "" };
        let pattern = format!("{starts}{}{ends}", regex_lite::escape(&text));
        Self { pattern: Pattern::new(&pattern).expect("a quoted text between classes is one"), text }
    }

    /// In small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The regular expression that finds them in a text whose ASCII letters are small.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Whether they stand in `text`.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        self.pattern.is_in(&text.to_ascii_lowercase())
    }
}

/// What ClickHouse's tokens are made of: ASCII letters and digits, and everything that is not ASCII.
pub(super) const fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii()
}

/// The text's edge, or what no token is made of.
const BEFORE: &str = r"(?:^|[^0-9a-z\x{80}-\x{10FFFF}])";
const AFTER: &str = r"(?:$|[^0-9a-z\x{80}-\x{10FFFF}])";

/// What one engine understands and the other does not, or understands otherwise.
fn odd(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '(']) {
        let here = &rest[at..];
        let escape = ["\\<", "\\>", "\\b{"].into_iter().find(|escape| here.starts_with(escape));
        if let Some(escape) = escape {
            return Some(&here[..escape.len()]);
        }
        if let Some(flags) = here.strip_prefix("(?").filter(|flags| !flags.starts_with(['P', '<'])) {
            let end = flags.find([':', ')']).unwrap_or(flags.len());
            if flags[..end].contains(['x', 'R', 'u']) {
                return Some(&here[..end + 2]);
            }
        }
        // An escape is two characters: what follows `\\` starts nothing.
        let escaped = here.strip_prefix('\\').and_then(|after| after.chars().next());
        let skip = 1 + escaped.map_or(0, char::len_utf8);
        rest = &here[skip..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole_and_in_either_case() {
        let words = Words::new("Card declined");
        assert!(["CARD DECLINED", "x: card declined.", "a_card declined_b"].iter().all(|text| words.are_in(text)));
        assert!(
            !["discard declined", "card  declined", "card declinedé", "card"].iter().any(|text| words.are_in(text))
        );
    }

    #[test]
    fn words_may_start_and_end_with_anything() {
        assert!(Words::new("[error]").are_in("x[ERROR]y"));
        assert!(Words::new("").are_in(""));
    }

    #[test]
    fn what_the_engines_do_not_share_is_refused() {
        for odd in [r"\<word", r"word\b{end}", "(?x) a b", "(?ix:a)", r"\p{Greek}", "(?=a)", "a(", r"\1"] {
            assert!(Pattern::new(odd).is_err(), "{odd}");
        }
        for shared in [r"\\<word", "(?i)a", "(?P<x>a)", r"\bword\b", r"\d+\.\d*", r"\(\?x", "(?:x)", "[^a-z]"] {
            assert!(Pattern::new(shared).is_ok(), "{shared}");
        }
    }

    #[test]
    fn a_literal_is_found_as_it_stands() {
        assert!(Pattern::literal("a.b[c]").is_in("xa.b[c]y") && !Pattern::literal("a.b").is_in("axb"));
    }
}
