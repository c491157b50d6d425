//! `-q EXPR`: conditions joined by `and`, `or`, `not` and parentheses; a word alone is sought in the text.

use lambdaview_queries::filter::Filter;

use super::{
    Misread,
    condition::{Operator, compare, exists, not, operator, says},
};

/// Reads an expression.
///
/// # Errors
/// When it is none: where, and what to write instead.
pub fn expression(text: &str) -> Result<Filter, Misread> {
    let mut reader = Reader { text, at: 0 };
    let filter = reader.alternatives(0)?;
    match reader.peek() {
        None => Ok(filter),
        Some(_) => Err(reader.misread("`and` or `or` is missing")),
    }
}

const NEXT: &str = "-q 'level>=warn and body~\"time.?out\" and not order=99'; `lambdaview help filters` has it all";

/// Deeper than anybody nests, shallower than a stack is deep.
const DEEPEST: usize = 100;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// A piece of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Open,
    Close,
    Operator(Operator),
    /// `!` before a condition.
    Not,
    And,
    Or,
    Word(&'a str),
    Quoted(&'a str),
}

impl<'a> Reader<'a> {
    fn alternatives(&mut self, depth: usize) -> Result<Filter, Misread> {
        let mut any = vec![self.conjunction(depth)?];
        while self.take(Token::Or) {
            any.push(self.conjunction(depth)?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Filter::Any(any) })
    }

    fn conjunction(&mut self, depth: usize) -> Result<Filter, Misread> {
        let mut all = self.term(depth)?;
        while self.take(Token::And) {
            all = all.and(self.term(depth)?);
        }
        Ok(all)
    }

    fn term(&mut self, depth: usize) -> Result<Filter, Misread> {
        if depth > DEEPEST {
            return Err(self.misread("it is nested too deeply"));
        }
        if self.take(Token::Not) {
            return Ok(not(self.term(depth + 1)?));
        }
        if self.take(Token::Open) {
            let inner = self.alternatives(depth + 1)?;
            return if self.take(Token::Close) { Ok(inner) } else { Err(self.misread("a `)` is missing")) };
        }
        match self.next() {
            Some((_, Token::Word("has"))) if matches!(self.peek(), Some(Token::Word(_))) => {
                let (_, name) = self.next().expect("it was looked at");
                Ok(exists(name.text()))
            }
            Some((from, Token::Word("\"" | "'"))) => {
                Err(Misread { at: from, ..self.misread("this quote is not closed") })
            }
            Some((from, Token::Word(word) | Token::Quoted(word))) => self.comparison(from, word),
            Some((from, _)) => Err(Misread { at: from, ..self.misread("a condition is missing here") }),
            None => Err(self.misread("a condition is missing at the end")),
        }
    }

    /// What follows a name or a word.
    fn comparison(&mut self, from: usize, word: &str) -> Result<Filter, Misread> {
        let Some(Token::Operator(operator)) = self.peek() else { return Ok(says(word)) };
        self.next();
        let value_at = self.text.len() - self.rest().len();
        match self.next() {
            Some((at, Token::Word(value) | Token::Quoted(value))) => {
                let bad_name = word.is_empty();
                compare(word, operator, value).map_err(|what| {
                    let at = if bad_name { from } else { at };
                    Misread { at, ..self.misread(&what) }
                })
            }
            _ => Err(Misread { at: value_at, ..self.misread("a value is missing here") }),
        }
    }

    fn misread(&self, what: &str) -> Misread {
        Misread { what: what.to_owned(), at: self.text.len() - self.rest().len(), next: NEXT.to_owned() }
    }

    /// What comes next, without white space before it.
    fn rest(&self) -> &'a str {
        self.text[self.at..].trim_start()
    }

    fn peek(&self) -> Option<Token<'a>> {
        token(self.rest()).map(|(token, _)| token)
    }

    /// The next piece and where it starts.
    fn next(&mut self) -> Option<(usize, Token<'a>)> {
        let rest = self.rest();
        let (token, length) = token(rest)?;
        let from = self.text.len() - rest.len();
        self.at = from + length;
        Some((from, token))
    }

    fn take(&mut self, wanted: Token<'_>) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }
}

impl<'a> Token<'a> {
    const fn text(self) -> &'a str {
        match self {
            Self::Word(text) | Self::Quoted(text) => text,
            _ => "",
        }
    }
}

/// The piece that `text` begins with, and how long it is.
fn token(text: &str) -> Option<(Token<'_>, usize)> {
    let first = text.chars().next()?;
    for (written, token) in [("(", Token::Open), (")", Token::Close), ("&&", Token::And), ("||", Token::Or)] {
        if text.starts_with(written) {
            return Some((token, written.len()));
        }
    }
    if let Some((operator, rest)) = operator(text) {
        return Some((Token::Operator(operator), text.len() - rest.len()));
    }
    if first == '!' {
        return Some((Token::Not, 1));
    }
    if let '"' | '\'' = first
        && let Some(end) = text[1..].find(first)
    {
        return Some((Token::Quoted(&text[1..=end]), end + 2));
    }
    // Brackets and slashes are part of values; what has a meaning here ends a word, and so does white space.
    let end = text.find(|c: char| c.is_whitespace() || "()=!~<>\"'".contains(c)).filter(|end| *end > 0);
    let word = &text[..end.unwrap_or(if "\"'".contains(first) { first.len_utf8() } else { text.len() })];
    let token = match word.to_ascii_lowercase().as_str() {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        _ => Token::Word(word),
    };
    Some((token, word.len()))
}

#[cfg(test)]
mod tests {
    use lambdaview_queries::filter::{Comparison, Pattern, Test};
    use proptest::prelude::*;

    use super::*;

    fn body(pattern: &str) -> Filter {
        Filter::body(Test::Matches(Pattern::new(pattern).unwrap()))
    }

    fn order(value: &str) -> Filter {
        Filter::attribute("order", Test::Equals(value.to_owned()))
    }

    #[test]
    fn conditions_are_joined() {
        assert_eq!(
            expression("level>=warn and body~\"time.?out\" and not order=99"),
            Ok(Filter::All(vec![Filter::Severity(13), body("time.?out"), not(order("99"))]))
        );
    }

    #[test]
    fn and_binds_closer_than_or_and_parentheses_closer_still() {
        let [a, b, c] = ["a", "b", "c"].map(order);
        assert_eq!(
            expression("order=a or order=b && order=c"),
            Ok(Filter::Any(vec![a.clone(), Filter::All(vec![b.clone(), c.clone()])]))
        );
        assert_eq!(expression("(order=a || order=b) and order=c"), Ok(Filter::All(vec![Filter::Any(vec![a, b]), c])));
    }

    #[test]
    fn a_word_or_a_phrase_alone_is_sought_in_the_text() {
        assert_eq!(expression("timeout"), Ok(says("timeout")));
        assert_eq!(
            expression("\"card declined\" and !retry"),
            Ok(Filter::All(vec![says("card declined"), not(says("retry"))]))
        );
    }

    #[test]
    fn values_may_be_quoted_and_spaced() {
        assert_eq!(expression("order = 'a and b'"), Ok(order("a and b")));
        assert_eq!(expression("order==\"\""), Ok(order("")));
        assert_eq!(expression("ms>1.5e3"), Ok(Filter::attribute("ms", Test::Number(Comparison::More, 1_500.0))));
        assert_eq!(expression("body~/pay/[0-9]+"), Ok(body("/pay/[0-9]+")));
        assert_eq!(expression("has order and not has x"), Ok(Filter::All(vec![exists("order"), not(exists("x"))])));
    }

    #[test]
    fn what_cannot_be_understood_is_told_where_it_stands() {
        let said =
            ["", "level>=", "level>=loud", "a b", "(a", "a and", "a)", "not", "\"open", "=5", "order>x", "a and or b"]
                .map(|text| {
                    let Misread { what, at, .. } = expression(text).unwrap_err();
                    format!("{text}\n{:at$}^ {what}", "")
                });
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(expression(&"(".repeat(100_000)).is_err());
        assert!(expression(&"not ".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn nothing_typed_breaks_the_reader(text: String) {
            if let Err(misread) = expression(&text) {
                prop_assert!(text.is_char_boundary(misread.at));
            }
        }
    }
}
