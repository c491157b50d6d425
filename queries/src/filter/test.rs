//! What a text must be.

use super::{Pattern, Words};

/// What a text must be. A text that is not there passes no test.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// That it is there, and in a body or a service's name: that it is not empty.
    Exists,
    /// This, letter for letter.
    Equals(String),
    /// That a regular expression is found in it.
    Matches(Pattern),
    /// That words stand in it.
    Words(Words),
    /// A number that compares so; what is no number does not.
    Number(Comparison, f64),
}

/// How a number compares with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Less than.
    Less,
    /// Less than or the same.
    AtMost,
    /// The same or more.
    AtLeast,
    /// More than.
    More,
}

impl Test {
    /// Whether a text passes.
    #[must_use]
    pub fn holds(&self, text: Option<&str>) -> bool {
        let Some(text) = text else { return false };
        match self {
            Self::Exists => !text.is_empty(),
            Self::Equals(wanted) => text == wanted,
            Self::Matches(pattern) => pattern.is_in(text),
            Self::Words(words) => words.are_in(text),
            Self::Number(comparison, with) => number(text).is_some_and(|number| comparison.holds(number, *with)),
        }
    }
}

impl Comparison {
    /// How it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }

    fn holds(self, number: f64, with: f64) -> bool {
        match self {
            Self::Less => number < with,
            Self::AtMost => number <= with,
            Self::AtLeast => number >= with,
            Self::More => number > with,
        }
    }
}

/// Digits, a point, an exponent: words such as `inf` are no numbers here. `sql/filters/number.sql` says the same.
fn number(text: &str) -> Option<f64> {
    let starts_well = text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit());
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    (starts_well && is_plain).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let more = Test::Number(Comparison::More, 99.0);
        assert!(["100", "99.5", "1e3"].iter().all(|text| more.holds(Some(text))));
        assert!(!["99", "-100", "inf", "", "1e", "abc", "100ms", ".5e9"].iter().any(|text| more.holds(Some(text))));
    }
}
