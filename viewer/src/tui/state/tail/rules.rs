//! What hides lines from view while they are all here: a text they must contain, values that are wanted or not.

use super::store::Stored;
use crate::{
    format::{severity_letter, short_id},
    tui::text::find,
};

/// Something that a line has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A severity, by its letter.
    Severity(char),
    /// The function.
    Function(String),
    /// The invocation.
    Invocation(String),
    /// The trace.
    Trace(String),
    /// The statement that wrote it: its text with numbers and ids left out.
    Statement(String),
}

impl Value {
    /// What a line has, the most likely to be meant first.
    #[must_use]
    pub fn of(line: &Stored<'_>) -> Vec<Self> {
        let mut values = vec![Self::Statement(statement(line.body)), Self::Severity(severity_letter(line.severity))];
        let known = |text: &str, value: fn(String) -> Self| (!text.is_empty()).then(|| value(text.to_owned()));
        values.extend(known(line.invocation, Self::Invocation));
        values.extend(known(line.trace, Self::Trace));
        values.extend(known(line.function, Self::Function));
        values
    }

    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Severity(letter) => format!("severity {letter}"),
            Self::Function(name) => format!("function {name}"),
            Self::Invocation(id) => format!("invocation {}", short_id(id)),
            Self::Trace(id) => format!("trace {}", short_id(id)),
            Self::Statement(text) => format!("like {text}"),
        }
    }

    fn is_of(&self, line: &Stored<'_>) -> bool {
        match self {
            Self::Severity(letter) => severity_letter(line.severity) == *letter,
            Self::Function(name) => line.function == name,
            Self::Invocation(id) => line.invocation == id,
            Self::Trace(id) => line.trace == id,
            Self::Statement(text) => is_statement(line.body, text),
        }
    }
}

/// The rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What a line must contain.
    pub text: String,
    /// What it must have (true) or must not have.
    pub values: Vec<(Value, bool)>,
}

impl Rules {
    /// Whether everything is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.values.is_empty()
    }

    /// Whether a line is shown.
    #[must_use]
    pub fn leave(&self, line: &Stored<'_>) -> bool {
        let wanted = self.text.is_empty() || find(line.body, &self.text).is_some();
        wanted && self.values.iter().all(|(value, wanted)| value.is_of(line) == *wanted)
    }

    /// As the header shows them.
    #[must_use]
    pub fn shown(&self) -> String {
        let text = (!self.text.is_empty()).then(|| format!("&{}", self.text));
        let sign = |wanted: &bool| if *wanted { "+" } else { "-" };
        let values = self.values.iter().map(|(value, wanted)| format!("{}{}", sign(wanted), value.shown()));
        text.into_iter().chain(values).collect::<Vec<_>>().join("  ")
    }
}

/// How much of a line tells its statement.
const TOLD_BY: usize = 80;

/// The start of a text with every word that holds a digit as `*`.
fn statement(body: &str) -> String {
    words(body).collect::<Vec<_>>().join(" ")
}

fn is_statement(body: &str, statement: &str) -> bool {
    words(body).eq(statement.split(' '))
}

fn words(body: &str) -> impl Iterator<Item = &str> {
    let first = body.lines().next().unwrap_or_default();
    let end = first.char_indices().nth(TOLD_BY).map_or(first.len(), |(at, _)| at);
    let has_digit = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
    let words = first[..end].split_whitespace().map(move |word| if has_digit(word) { "*" } else { word });
    // An empty text splits into one empty word, so it must be one here as well.
    words.chain((first.trim().is_empty()).then_some(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> Stored<'_> {
        Stored { time: 0, severity: 17, function: "f", invocation: "i", trace: "", span: "", body, late: None }
    }

    #[test]
    fn lines_of_one_statement_are_known_by_their_words() {
        let like = Value::Statement(statement("charging card order=9912 amount=42.10"));
        assert!(like.is_of(&line("charging card order=1 amount=7")));
        assert!(!like.is_of(&line("charging card failed")));
        assert!(Value::Statement(statement("")).is_of(&line("")));
    }

    #[test]
    fn every_rule_must_leave_a_line() {
        let rules = Rules { text: "CARD".to_owned(), values: vec![(Value::Severity('E'), true)] };
        assert!(rules.leave(&line("card declined")));
        assert!(!rules.leave(&line("declined")));
        let rules = Rules { text: String::new(), values: vec![(Value::Function("f".to_owned()), false)] };
        assert!(!rules.leave(&line("x")));
        assert_eq!(Value::of(&line("x")).len(), 4);
    }
}
