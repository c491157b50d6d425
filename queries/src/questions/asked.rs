//! A question as it is asked: its words, and what its parameters are. The server gets both apart from one another; a person may
//! have them in one, to paste elsewhere.

use std::fmt::Write as _;

use clickhouse::query::Query;

use crate::macros;

/// A question in ClickHouse's words, and what its parameters are.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    words: String,
    parameters: Vec<(String, Value)>,
}

/// What a parameter is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// A whole number.
    Whole(i128),
    /// Whole numbers.
    Wholes(Vec<u64>),
    /// Any other number.
    Number(f64),
    /// Whole numbers by name.
    Counts(Vec<(String, u64)>),
}

impl Asked {
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), parameters: Vec::new() }
    }

    /// With what one more of its parameters is.
    pub(super) fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.parameters.push((name.to_owned(), value.into()));
        self
    }

    /// Its words: the same whatever its parameters are.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// The query with what the parameters are.
    pub(super) fn bind(&self, query: Query) -> Query {
        self.parameters.iter().fold(query, |query, (name, value)| match value {
            Value::Text(text) => query.param(name, text),
            Value::Texts(texts) => query.param(name, texts),
            Value::Whole(number) => query.param(name, number),
            Value::Wholes(numbers) => query.param(name, numbers),
            Value::Number(number) => query.param(name, number),
            Value::Counts(counts) => query.with_setting(format!("param_{name}"), map(counts)),
        })
    }

    /// The question with each parameter in its place: what `clickhouse client` takes as it is.
    #[must_use]
    pub fn statement(&self) -> String {
        macros::fill(&self.words, &|inner| {
            let (name, kind) = inner.split_once(':')?;
            let (_, value) = self.parameters.iter().rev().find(|(known, _)| known == name.trim())?;
            Some(value.literal(kind.trim()))
        })
    }
}

impl Value {
    /// As an expression of that type.
    fn literal(&self, kind: &str) -> String {
        let (written, is_of_kind) = match self {
            Self::Text(text) => (quoted(text), kind == "String"),
            Self::Texts(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                (format!("[{}]", texts.join(", ")), kind == "Array(String)" && !texts.is_empty())
            }
            Self::Counts(counts) => {
                let pairs: Vec<String> =
                    counts.iter().map(|(name, count)| format!("{}, {count}", quoted(name))).collect();
                (format!("map({})", pairs.join(", ")), false)
            }
            Self::Whole(number) => (number.to_string(), false),
            Self::Wholes(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
                (format!("[{}]", numbers.join(", ")), false)
            }
            Self::Number(number) => (number.to_string(), false),
        };
        if is_of_kind { written } else { format!("CAST({written}, {})", quoted(kind)) }
    }
}

/// `{'20261123':7,'20261122':4}`, as the server reads a parameter of type Map.
pub(super) fn map(counts: &[(String, u64)]) -> String {
    let pairs: Vec<String> = counts.iter().map(|(name, count)| format!("{}:{count}", quoted(name))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// A text as ClickHouse reads it between quotes; what a terminal would obey is written as its number.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&[String]> for Value {
    fn from(texts: &[String]) -> Self {
        Self::Texts(texts.to_vec())
    }
}

impl From<Vec<&str>> for Value {
    fn from(texts: Vec<&str>) -> Self {
        Self::Texts(texts.into_iter().map(str::to_owned).collect())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Whole(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(number.into())
    }
}

impl From<&[u64]> for Value {
    fn from(numbers: &[u64]) -> Self {
        Self::Wholes(numbers.to_vec())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_each_value_in_its_place() {
        let asked = Asked::new("SELECT {a:String}, {b:Int64}, {c:Array(String)}, {d:Float64}, {m:Map(String, UInt64)}")
            .param("a", "it's")
            .param("b", -5_i64)
            .param("c", vec!["x", "y\\z"])
            .param("d", Value::Number(1.5))
            .param("m", Value::Counts(vec![("p".to_owned(), 7)]));
        assert_eq!(
            asked.statement(),
            r"SELECT 'it\'s', CAST(-5, 'Int64'), ['x', 'y\\z'], CAST(1.5, 'Float64'), CAST(map('p', 7), 'Map(String, UInt64)')"
        );
    }

    #[test]
    fn what_looks_like_a_parameter_in_a_text_or_a_value_stays() {
        let asked = Asked::new("SELECT '{a:String}', {a:String}, {b:String} -- {a:String}").param("a", "{b:String}");
        assert_eq!(asked.statement(), "SELECT '{a:String}', '{b:String}', {b:String} -- {a:String}");
    }

    #[test]
    fn no_value_ends_its_quotes_or_acts_on_a_terminal() {
        let asked = Asked::new("{a:String}").param("a", "'; DROP\\' \x1b[2J\0\n");
        assert_eq!(asked.statement(), r"'\'; DROP\\\' \x1b[2J\x00\n'");
    }

    #[test]
    fn no_text_at_all_still_has_a_type() {
        let asked = Asked::new("{a:Array(String)}").param("a", Vec::<&str>::new());
        assert_eq!(asked.statement(), "CAST([], 'Array(String)')");
    }
}
