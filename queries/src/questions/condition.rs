//! A filter, and which functions, in the words of `otel_logs`: fragments of `sql/filters/`, joined, their parameters numbered.
//!
//! A search in bodies is written twice where an index knows tokens: as the tokens that must be there, which the index answers, and
//! as itself, which is exact.

use super::{
    asked::{Asked, Value},
    dialect::Dialect,
    function::Functions,
};
use crate::{
    filter::{Field, Filter, Test, tokens::Tokens},
    schema::{Attributes, BodyIndex},
};

macro_rules! fragment {
    ($name:literal) => {
        include_str!(concat!("../../sql/filters/", $name))
    };
}

/// A condition in SQL, and the values of its parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Condition {
    /// What stands in the question.
    pub(super) sql: String,
    values: Vec<(String, Value)>,
}

impl Condition {
    /// The question with this condition's parameters.
    pub(super) fn bind(&self, asked: Asked) -> Asked {
        self.values.iter().fold(asked, |asked, (name, value)| asked.param(name, value.clone()))
    }
}

/// Writes conditions on one table.
pub(super) struct Writer<'a> {
    dialect: &'a Dialect,
    body_index: BodyIndex,
    /// How the parameters of this condition begin, so that a question can have several.
    prefix: &'static str,
    written: usize,
    values: Vec<(String, Value)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(dialect: &'a Dialect, body_index: BodyIndex, prefix: &'static str) -> Self {
        Self { dialect, body_index, prefix, written: 0, values: Vec::new() }
    }

    /// What `filter` asks for; `None` for everything.
    pub(super) fn filter(mut self, filter: &Filter) -> Option<Condition> {
        if *filter == Filter::Everything {
            return None;
        }
        let sql = self.one(filter, true);
        Some(Condition { sql, values: self.values })
    }

    /// The records of these functions. `live`: those that names will match later as well, under whatever service.
    pub(super) fn functions(mut self, functions: &Functions, live: bool) -> Condition {
        let sql = match functions {
            Functions::All => self.fragment(fragment!("functions_all.sql"), []),
            Functions::These(some) => {
                let mut any = Vec::new();
                if !some.named.is_empty() {
                    let named = self.listed(
                        &some.named,
                        ["function", "functions"],
                        [fragment!("functions_named_one.sql"), fragment!("functions_named.sql")],
                    );
                    let services = if live { &[][..] } else { &some.services };
                    any.push(if services.is_empty() { named } else { both(&self.services(services), &named) });
                }
                if !some.serviced.is_empty() {
                    any.push(self.services(&some.serviced));
                }
                if let Some(pattern) = some.pattern.as_ref().filter(|_| live) {
                    any.push(self.fragment(fragment!("functions_matching.sql"), [("pattern", text(pattern))]));
                }
                joined(any, " OR ", "false")
            }
        };
        Condition { sql, values: self.values }
    }

    fn services(&mut self, services: &[String]) -> String {
        let forms = [fragment!("functions_service_one.sql"), fragment!("functions_services.sql")];
        self.listed(services, ["service", "services"], forms)
    }

    /// One of a list is asked for more cheaply than several.
    fn listed(&mut self, list: &[String], names: [&'static str; 2], forms: [&str; 2]) -> String {
        match list {
            [one] => self.fragment(forms[0], [(names[0], text(one))]),
            several => self.fragment(forms[1], [(names[1], Value::Texts(several.to_vec()))]),
        }
    }

    /// `helped`: whether an index's help is worth asking for; of what is turned around it is none.
    fn one(&mut self, filter: &Filter, helped: bool) -> String {
        match filter {
            Filter::Everything => "true".to_owned(),
            Filter::All(all) => joined(all.iter().map(|one| self.one(one, helped)).collect(), " AND ", "true"),
            Filter::Any(any) => joined(any.iter().map(|one| self.one(one, helped)).collect(), " OR ", "false"),
            Filter::Not(one) => format!("NOT ({})", self.one(one, false)),
            Filter::Severity(least) => {
                self.fragment(fragment!("severity.sql"), [("least", Value::Number(f64::from(*least)))])
            }
            Filter::Trace(id) => self.fragment(fragment!("trace.sql"), [("trace", text(id))]),
            // An empty id is that of no invocation, and what a map says of one that it lacks.
            Filter::Invocation(id) if id.is_empty() => "false".to_owned(),
            Filter::Invocation(id) => self.fragment(fragment!("invocation.sql"), [("invocation", text(id))]),
            Filter::Field { of: Field::Body, test } => {
                let exact = self.test(test, &[], None);
                let tokens = tokens(test).filter(|_| helped).and_then(|tokens| self.tokens(&tokens));
                tokens.map_or(exact.clone(), |tokens| both(&tokens, &exact))
            }
            Filter::Field { of: Field::Service, test } => self.test(test, &[fragment!("on_service.txt")], None),
            Filter::Field { of: Field::Attribute(name), test } => {
                self.attribute(test, &[fragment!("on_attribute.txt")], name, helped)
            }
            Filter::Field { of: Field::Resource(name), test } => {
                self.attribute(test, &[fragment!("on_attribute.txt"), fragment!("on_resource.txt")], name, helped)
            }
        }
    }

    /// A map says of a key that it lacks what it says of one with nothing in it, so that all tests but one ask for the key first;
    /// the items `a=b=c` are those of two keys.
    fn attribute(&mut self, test: &Test, on: &[&str], name: &str, helped: bool) -> String {
        let is_there = self.put(fragment!("attribute_is_there.sql"), on, [("name", text(name))]);
        match test {
            Test::Exists => {
                let is_not_empty = self.test(test, on, Some(name));
                both(&is_there, &is_not_empty)
            }
            Test::Equals(value) => {
                let item = [("name", text(name)), ("value", text(value))];
                let item = self.put(fragment!("attribute_item.sql"), on, item);
                if value.is_empty() || value.contains('=') || name.contains('=') {
                    let exact = self.test(test, on, Some(name));
                    let asked = if helped { both(&item, &is_there) } else { is_there };
                    both(&asked, &exact)
                } else {
                    item
                }
            }
            _ => {
                let exact = self.test(test, on, Some(name));
                both(&is_there, &exact)
            }
        }
    }

    /// A test of the body, or of what stands for it in the rules `on`.
    fn test(&mut self, test: &Test, on: &[&str], name: Option<&str>) -> String {
        let name = || name.map(|name| ("name", text(name)));
        match test {
            Test::Exists => self.put(fragment!("exists.sql"), on, name()),
            Test::Equals(value) => {
                self.put(fragment!("equals.sql"), on, name().into_iter().chain([("value", text(value))]))
            }
            Test::Matches(pattern) => {
                let pattern = text(&server_pattern(pattern.as_str()));
                self.put(fragment!("matches.sql"), on, name().into_iter().chain([("pattern", pattern)]))
            }
            Test::Words(words) => {
                let pattern = text(words.pattern().as_str());
                self.put(fragment!("words.sql"), on, name().into_iter().chain([("pattern", pattern)]))
            }
            Test::Number(comparison, number) => {
                let values = [("comparison", text(comparison.as_str())), ("number", Value::Number(*number))];
                self.put(fragment!("number.sql"), on, name().into_iter().chain(values))
            }
        }
    }

    /// The tokens, as the body's index is asked for them; `None` where it cannot be.
    fn tokens(&mut self, tokens: &Tokens) -> Option<String> {
        if tokens.tokens.is_empty() {
            return None;
        }
        let each = |writer: &mut Self, fragment: &str, tokens: Vec<String>| {
            let each = tokens.iter().map(|token| writer.fragment(fragment, [("token", text(token))])).collect();
            Some(joined(each, " AND ", "true"))
        };
        match self.body_index {
            BodyIndex::Text => {
                Some(self.fragment(fragment!("tokens_in_text.sql"), [("tokens", Value::Texts(tokens.lower()))]))
            }
            BodyIndex::LowerTokens => each(self, fragment!("token_in_lower.sql"), tokens.lower()),
            BodyIndex::Tokens if tokens.exact => each(self, fragment!("token.sql"), tokens.tokens.clone()),
            BodyIndex::Tokens | BodyIndex::Absent => None,
        }
    }

    fn fragment(&mut self, fragment: &str, values: impl IntoIterator<Item = (&'static str, Value)>) -> String {
        self.put(fragment, &[], values)
    }

    /// A fragment about what the rules `on` say, in the table's dialect, its parameters numbered.
    fn put(&mut self, fragment: &str, on: &[&str], values: impl IntoIterator<Item = (&'static str, Value)>) -> String {
        let mut sql = self.dialect.reword(fragment.trim(), on);
        for (name, value) in values {
            let numbered = format!("{}{}_{name}", self.prefix, self.written);
            sql = sql.replace(&format!("{{{name}:"), &format!("{{{numbered}:"));
            self.values.push((numbered, value));
        }
        self.written += 1;
        sql
    }
}

/// Those of the filter's tests that must all be looked at row by row, because no index of the table helps: reading them costs as
/// much as there are rows in the window. None where something else that must hold leads to few rows.
pub(super) fn unserved<'a>(filter: &'a Filter, body_index: BodyIndex, attributes: Attributes) -> Vec<&'a Filter> {
    let of = |some: &'a [Filter]| some.iter().flat_map(|one| unserved(one, body_index, attributes)).collect();
    match filter {
        Filter::All(all) if all.iter().any(|one| leads(one, body_index, attributes)) => Vec::new(),
        Filter::All(some) | Filter::Any(some) => of(some),
        Filter::Not(one) if matches!(**one, Filter::Field { .. }) => vec![filter],
        Filter::Not(one) => unserved(one, body_index, attributes),
        Filter::Field { of: Field::Service, .. } => Vec::new(),
        Filter::Field { .. } if !leads(filter, body_index, attributes) => vec![filter],
        _ => Vec::new(),
    }
}

/// Whether an index leads to the rows that meet it.
fn leads(filter: &Filter, body_index: BodyIndex, attributes: Attributes) -> bool {
    match filter {
        Filter::Trace(_) => attributes != Attributes::Json,
        Filter::Invocation(_) => attributes != Attributes::Json,
        Filter::All(all) => all.iter().any(|one| leads(one, body_index, attributes)),
        Filter::Any(any) => any.iter().all(|one| leads(one, body_index, attributes)),
        Filter::Field { of: Field::Body, test } => tokens(test).is_some_and(|tokens| {
            !tokens.tokens.is_empty()
                && match body_index {
                    BodyIndex::Text | BodyIndex::LowerTokens => true,
                    BodyIndex::Tokens => tokens.exact,
                    BodyIndex::Absent => false,
                }
        }),
        Filter::Field { of: Field::Attribute(_) | Field::Resource(_), .. } => attributes != Attributes::Json,
        Filter::Everything | Filter::Not(_) | Filter::Severity(_) | Filter::Field { .. } => false,
    }
}

fn tokens(test: &Test) -> Option<Tokens> {
    match test {
        Test::Equals(text) => Some(Tokens::of_text(text)),
        Test::Matches(pattern) => Some(Tokens::of_pattern(pattern)),
        Test::Words(words) => Some(Tokens::of_words(words)),
        Test::Exists | Test::Number(..) => None,
    }
}

/// ClickHouse lets `.` be a line break unless it is told otherwise.
fn server_pattern(pattern: &str) -> String {
    if pattern.contains('.') { format!("(?-s){pattern}") } else { pattern.to_owned() }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn both(one: &str, other: &str) -> String {
    format!("({one} AND {other})")
}

fn joined(mut conditions: Vec<String>, with: &str, none: &str) -> String {
    match conditions.len() {
        0 => none.to_owned(),
        1 => conditions.remove(0),
        _ => format!("({})", conditions.join(with)),
    }
}
