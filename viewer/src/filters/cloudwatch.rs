//! `--filter-pattern`: what people know from CloudWatch, as far as it says something about a record of ClickStack's.
//!
//! Taken: terms, `-term`, `?a ?b`, `"a phrase"`, `%a regular expression%`, and `{ $.k = v && ... }`. CloudWatch looks at the
//! line as it was printed; here a JSON line's fields are attributes. What has no meaning here is refused, with a `-q` that has.

use lambdaview_queries::filter::{Comparison, Filter, Pattern, Test};

use super::{
    Misread,
    condition::{Operator, compare, exists, not},
};

/// Reads a filter pattern.
///
/// # Errors
/// When it is none, or one that is not understood here: where, and the `-q` that says the same.
pub fn pattern(text: &str) -> Result<Filter, Misread> {
    let trimmed = text.trim();
    let start = text.len() - text.trim_start().len();
    if trimmed.starts_with('[') {
        let what = "fields of lines split at spaces are not kept apart here".to_owned();
        let next = r#"-q 'body~"^[^ ]+ +ERROR "', a regular expression on the text"#.to_owned();
        return Err(Misread { what, at: start, next });
    }
    if let Some(inner) = trimmed.strip_prefix('{') {
        return json(text, inner.strip_suffix('}'), start);
    }
    if let Some(regex) = trimmed.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')) {
        return matches(regex).map_err(|what| Misread {
            what,
            at: start + 1,
            next: "-q 'body~\"time.?out\"'".to_owned(),
        });
    }
    terms(text)
}

/// Lines whose text a regular expression is found in.
fn matches(regex: &str) -> Result<Filter, String> {
    Pattern::new(regex).map(|regex| Filter::body(Test::Matches(regex))).map_err(|error| error.to_string())
}

/// Terms, which are whole words in the letters they are written in.
fn terms(text: &str) -> Result<Filter, Misread> {
    let (mut all, mut any): (Vec<Filter>, Vec<Filter>) = (Vec::new(), Vec::new());
    let mut equivalent: (Vec<String>, Vec<String>) = Default::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let sign = rest.chars().next().filter(|c| "-?".contains(*c));
        let word = &rest[sign.map_or(0, char::len_utf8)..];
        let (term, after) = term(word).ok_or_else(|| Misread {
            what: "a term is missing here".to_owned(),
            at,
            next: "--filter-pattern 'ERROR -\"retry later\"', or -q".to_owned(),
        })?;
        let said = format!("body~\"{}\"", whole_word(term));
        match sign {
            Some('?') => {
                any.push(says(term));
                equivalent.1.push(said);
            }
            Some(_) => {
                all.push(not(says(term)));
                equivalent.0.push(format!("not {said}"));
            }
            None => {
                all.push(says(term));
                equivalent.0.push(said);
            }
        }
        rest = after.trim_start();
    }
    if all.is_empty() {
        return Ok(if any.is_empty() { Filter::Everything } else { Filter::Any(any) });
    }
    if !any.is_empty() {
        let (all, any) = (equivalent.0.join(" and "), equivalent.1.join(" or "));
        let what = "CloudWatch ignores ?terms beside others, so this would not say what it seems to".to_owned();
        return Err(Misread { what, at: text.find('?').unwrap_or(0), next: format!("-q '{all} and ({any})'") });
    }
    Ok(all.into_iter().fold(Filter::Everything, Filter::and))
}

/// The term that `text` begins with, and what follows.
fn term(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').filter(|(term, _)| !term.is_empty());
    }
    let end = text.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn says(term: &str) -> Filter {
    let pattern = Pattern::new(&whole_word(term)).expect("a quoted text between boundaries is a regular expression");
    Filter::body(Test::Matches(pattern))
}

/// `ERROR` is not found in `ERRORS`.
fn whole_word(term: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let edge = |is_word: bool| if is_word { r"\b" } else { "" };
    let quoted = Pattern::literal(term);
    format!("{}{}{}", edge(term.starts_with(is_word)), quoted.as_str(), edge(term.ends_with(is_word)))
}

/// `{ $.k = v && ($.n > 5 || $.x NOT EXISTS) }`
fn json(text: &str, inner: Option<&str>, start: usize) -> Result<Filter, Misread> {
    let next = r#"--filter-pattern '{ $.order = 9912 && $.code != 402 }', or -q 'order=9912 and code!=402'"#;
    let misread = |at: usize, what: &str| Misread { what: what.to_owned(), at, next: next.to_owned() };
    let Some(inner) = inner else { return Err(misread(text.trim_end().len(), "a `}` is missing")) };
    let mut reader = Reader { text: inner, at: 0 };
    let read = reader.alternatives(0).and_then(|filter| match reader.rest() {
        "" => Ok(filter),
        _ => Err("`&&` or `||` is missing".to_owned()),
    });
    read.map_err(|what| misread(start + 1 + inner.len() - reader.rest().len(), &what))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

const DEEPEST: usize = 100;

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text[self.at..].trim_start()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let rest = self.rest();
        let found = rest.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
        if found {
            self.at = self.text.len() - rest.len() + wanted.len();
        }
        found
    }

    fn alternatives(&mut self, depth: usize) -> Result<Filter, String> {
        let mut any = vec![self.conjunction(depth)?];
        while self.take("||") {
            any.push(self.conjunction(depth)?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Filter::Any(any) })
    }

    fn conjunction(&mut self, depth: usize) -> Result<Filter, String> {
        let mut all = self.term(depth)?;
        while self.take("&&") {
            all = all.and(self.term(depth)?);
        }
        Ok(all)
    }

    fn term(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        if self.take("(") {
            let inner = self.alternatives(depth + 1)?;
            return if self.take(")") { Ok(inner) } else { Err("a `)` is missing".to_owned()) };
        }
        let name = self.name()?;
        if self.take("NOT EXISTS") {
            return Ok(not(exists(name)));
        }
        if self.take("IS NULL") {
            return Err(format!("a null is not kept apart from a field that is not there: -q 'not has {name}'"));
        }
        for truth in ["true", "false"] {
            if self.take(&format!("IS {truth}")) {
                return compare(name, Operator::Equals, truth);
            }
        }
        let operator = self.operator()?;
        let before = self.at;
        self.value(name, operator).inspect_err(|_| self.at = before)
    }

    fn name(&mut self) -> Result<&'a str, String> {
        if !self.take("$.") {
            return Err("a field is missing, such as $.order".to_owned());
        }
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| c.is_whitespace() || "=!<>()&|[".contains(c)).unwrap_or(rest.len());
        if rest[end..].starts_with('[') {
            return Err("an element of an array has no name here: -q 'body~\"...\"' searches the text".to_owned());
        }
        self.at += end;
        if end == 0 { Err("a field's name is missing".to_owned()) } else { Ok(&rest[..end]) }
    }

    fn operator(&mut self) -> Result<Operator, String> {
        let operators = [
            ("!=", Operator::Differs),
            (">=", Operator::Number(Comparison::AtLeast)),
            ("<=", Operator::Number(Comparison::AtMost)),
            ("=", Operator::Equals),
            (">", Operator::Number(Comparison::More)),
            ("<", Operator::Number(Comparison::Less)),
        ];
        let found = operators.into_iter().find(|(written, _)| self.take(written));
        found.map(|(_, operator)| operator).ok_or_else(|| "an operator is missing: = != < <= > >=".to_owned())
    }

    /// A word, a quoted text, either with `*` for anything, or a regular expression between `%`.
    fn value(&mut self, name: &str, operator: Operator) -> Result<Filter, String> {
        let rest = self.rest();
        let start = self.text.len() - rest.len();
        let (value, length) = match rest.chars().next() {
            Some(quote @ ('"' | '%')) => {
                let end = rest[1..].find(quote).ok_or_else(|| format!("a closing {quote} is missing"))?;
                (&rest[1..=end], end + 2)
            }
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "()&|".contains(c)).unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        if length == 0 {
            return Err("a value is missing".to_owned());
        }
        let is_regex = rest.starts_with('%');
        let filter = match operator {
            Operator::Equals if is_regex => compare(name, Operator::Matches, value),
            Operator::Differs if is_regex => compare(name, Operator::MatchesNot, value),
            Operator::Equals if value.contains('*') => compare(name, Operator::Matches, &wild(value)),
            Operator::Differs if value.contains('*') => compare(name, Operator::MatchesNot, &wild(value)),
            _ => compare(name, operator, value),
        }?;
        self.at = start + length;
        Ok(filter)
    }
}

/// `a*` as a regular expression on the whole value.
fn wild(value: &str) -> String {
    let parts: Vec<_> = value.split('*').map(|part| Pattern::literal(part).as_str().to_owned()).collect();
    format!("^(?s:{})$", parts.join(".*"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::filters::{expression, level::Level};

    fn order(value: &str) -> Filter {
        Filter::attribute("order", Test::Equals(value.to_owned()))
    }

    #[test]
    fn terms_must_all_be_there_and_those_with_a_minus_must_not() {
        let wanted = Filter::All(vec![says("ERROR"), says("a phrase, quoted"), not(says("retry"))]);
        assert_eq!(pattern("ERROR \"a phrase, quoted\" -retry"), Ok(wanted));
    }

    #[test]
    fn of_terms_with_a_question_mark_one_is_enough() {
        assert_eq!(pattern("?ERROR ?\"WARN: x\""), Ok(Filter::Any(vec![says("ERROR"), says("WARN: x")])));
    }

    #[test]
    fn terms_are_whole_words_in_their_own_letters() {
        let Filter::Field { test: Test::Matches(pattern), .. } = says("ERROR") else { panic!() };
        assert!(pattern.is_in("[ERROR 401]") && !pattern.is_in("ERRORS") && !pattern.is_in("error"));
    }

    #[test]
    fn between_percent_signs_stands_a_regular_expression() {
        assert_eq!(pattern("%time.?out%"), Ok(matches("time.?out").unwrap()));
    }

    #[test]
    fn fields_of_json_are_attributes() {
        let both = Filter::All(vec![order("9912"), not(Filter::attribute("user.id", Test::Equals("5".to_owned())))]);
        assert_eq!(pattern("{ $.order = 9912 && $.user.id != \"5\" }"), Ok(both));
        assert_eq!(pattern("{$.order=1||($.order=2)}"), Ok(Filter::Any(vec![order("1"), order("2")])));
        assert_eq!(pattern("{ $.level = \"ERROR\" }"), Ok(Level(17).alone()));
        assert_eq!(pattern("{ $.order NOT EXISTS }"), Ok(not(exists("order"))));
        assert_eq!(pattern("{ $.order IS TRUE }"), Ok(order("true")));
        let wild = Filter::attribute("order", Test::Matches(Pattern::new("^(?s:a\\.b.*)$").unwrap()));
        assert_eq!(pattern("{ $.order = \"a.b*\" }"), Ok(wild));
        let more = Filter::attribute("ms", Test::Number(Comparison::AtLeast, 500.0));
        assert_eq!(pattern("{ $.ms >= 500 }"), Ok(more));
    }

    #[test]
    fn what_is_not_understood_is_told_with_a_query_that_is() {
        let said = [
            "[a, b = ERROR]",
            "ERROR ?a ?b",
            "{ $.a[0] = 5 }",
            "{ $.a = 5",
            "{ $.a }",
            "{ $.a IS NULL }",
            "{ $.a > b }",
            "{ a = 5 }",
            "{ $.a = 5 $.b = 6 }",
            "\"open",
            "%(%",
        ]
        .map(|text| {
            let Misread { what, at, next } = pattern(text).unwrap_err();
            format!("{text}\n{:at$}^ {what}\n  try: {next}", "")
        });
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn the_query_named_instead_says_the_same() {
        let Misread { next, .. } = pattern("ERROR -\"try again\" ?a ?b").unwrap_err();
        let query = next.strip_prefix("-q '").unwrap().strip_suffix('\'').unwrap();
        let wanted = Filter::All(vec![says("ERROR"), not(says("try again")), Filter::Any(vec![says("a"), says("b")])]);
        assert_eq!(format!("{:?}", expression(query)), format!("{:?}", Ok::<_, Misread>(wanted)));
    }

    proptest! {
        #[test]
        fn nothing_typed_breaks_the_reader(text in "[{\\[%\"?$.a =!<>&|()*-]{0,20}|.{0,12}") {
            if let Err(misread) = pattern(&text) {
                prop_assert!(text.is_char_boundary(misread.at), "{:?}", misread);
            }
        }
    }
}
