//! One condition on a line: a name, how it compares, and with what. `-w`, `-q` and CloudWatch's patterns share it.

use lambdaview_queries::filter::{Comparison, Field, Filter, Pattern, Test, Words};

use super::{Level, Misread};
use crate::ask::TraceRef;

/// How a name's value is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    /// `=`, `==`
    Equals,
    /// `!=`
    Differs,
    /// `~`, `=~`
    Matches,
    /// `!~`
    MatchesNot,
    /// `<`, `<=`, `>=`, `>`
    Number(Comparison),
}

/// As they are written; the longer ones first.
pub(super) const OPERATORS: [(&str, Operator); 10] = [
    ("!=", Operator::Differs),
    ("!~", Operator::MatchesNot),
    ("=~", Operator::Matches),
    ("==", Operator::Equals),
    (">=", Operator::Number(Comparison::AtLeast)),
    ("<=", Operator::Number(Comparison::AtMost)),
    ("=", Operator::Equals),
    ("~", Operator::Matches),
    ("<", Operator::Number(Comparison::Less)),
    (">", Operator::Number(Comparison::More)),
];

/// The operator that `text` begins with, and what follows it.
pub(super) fn operator(text: &str) -> Option<(Operator, &str)> {
    OPERATORS.iter().find_map(|(written, operator)| text.strip_prefix(written).map(|rest| (*operator, rest)))
}

/// What a name stands for.
enum Subject {
    Level,
    Trace,
    Invocation,
    /// The function: by `faas.name`, else by its service.
    Function,
    /// The deployment environment, which has had two names.
    Environment,
    Field(Field),
}

/// What may be written instead of a name of OpenTelemetry's.
fn subject(name: &str) -> Subject {
    let resource = |name: &str| Subject::Field(Field::Resource(name.to_owned()));
    match name {
        "level" | "severity" => Subject::Level,
        "trace" | "trace_id" => Subject::Trace,
        "request" | "request_id" | "requestId" | "invocation" | "invocation_id" | "faas.invocation_id"
        | "AWSRequestId" => Subject::Invocation,
        "function" => Subject::Function,
        "env" | "environment" => Subject::Environment,
        "body" | "message" | "msg" => Subject::Field(Field::Body),
        "service" => Subject::Field(Field::Service),
        "version" => resource("faas.version"),
        "instance" => resource("faas.instance"),
        "region" => resource("cloud.region"),
        "account" => resource("cloud.account.id"),
        _ => Subject::Field(match (name.strip_prefix("resource."), name.strip_prefix("attributes.")) {
            (Some(name), _) => Field::Resource(name.to_owned()),
            (_, Some(name)) => Field::Attribute(name.to_owned()),
            _ => field_named(name),
        }),
    }
}

fn field_named(name: &str) -> Field {
    match Filter::named(name, Test::Exists) {
        Filter::Field { of, .. } => of,
        _ => Field::Attribute(name.to_owned()),
    }
}

/// The condition that `name` be there.
pub(super) fn exists(name: &str) -> Filter {
    match subject(name) {
        Subject::Level => Filter::Severity(1),
        Subject::Trace => not(Filter::Trace(String::new())),
        Subject::Invocation => not(Filter::Invocation(String::new())),
        Subject::Function => Filter::resource("faas.name", Test::Exists),
        Subject::Environment => {
            Filter::Any(environment_names().map(|name| Filter::resource(name, Test::Exists)).into())
        }
        Subject::Field(of) => Filter::Field { of, test: Test::Exists },
    }
}

/// The condition that `name` compares so with `value`; else why that says nothing.
pub(super) fn compare(name: &str, operator: Operator, value: &str) -> Result<Filter, String> {
    match operator {
        Operator::Differs => return compare(name, Operator::Equals, value).map(not),
        Operator::MatchesNot => return compare(name, Operator::Matches, value).map(not),
        _ => {}
    }
    match subject(name) {
        Subject::Level => level(operator, value),
        Subject::Trace => match (operator, value.parse()) {
            (Operator::Equals, Ok(TraceRef::Trace(id))) => Ok(Filter::Trace(id)),
            _ => Err("a trace is compared by = with the 32 hexadecimal digits of its id".to_owned()),
        },
        Subject::Invocation if operator == Operator::Equals => Ok(Filter::Invocation(value.to_ascii_lowercase())),
        Subject::Invocation => Err("a request is compared by = with its id".to_owned()),
        Subject::Function => {
            let test = test(operator, value)?;
            Ok(Filter::Any(vec![
                Filter::resource("faas.name", test.clone()),
                Filter::Field { of: Field::Service, test },
            ]))
        }
        Subject::Environment => {
            let test = test(operator, value)?;
            Ok(Filter::Any(environment_names().map(|name| Filter::resource(name, test.clone())).into()))
        }
        Subject::Field(of) => Ok(Filter::Field { of, test: test(operator, value)? }),
    }
}

const fn environment_names() -> [&'static str; 2] {
    ["deployment.environment.name", "deployment.environment"]
}

fn level(operator: Operator, value: &str) -> Result<Filter, String> {
    let level: Level = value.parse().map_err(|error: super::BadLevel| error.to_string())?;
    match operator {
        Operator::Equals => Ok(level.alone()),
        Operator::Number(Comparison::AtLeast) => Ok(level.or_graver()),
        Operator::Number(Comparison::More) => Ok(level.graver()),
        Operator::Number(Comparison::Less) => Ok(not(level.or_graver())),
        Operator::Number(Comparison::AtMost) => Ok(not(level.graver())),
        _ => Err("a level is compared by = != < <= > >=".to_owned()),
    }
}

fn test(operator: Operator, value: &str) -> Result<Test, String> {
    match operator {
        Operator::Matches => Pattern::new(value).map(Test::Matches).map_err(|error| error.to_string()),
        Operator::Number(comparison) => match value.parse() {
            Ok(number) => Ok(Test::Number(comparison, number)),
            Err(_) => Err(format!("{} compares numbers", comparison.as_str())),
        },
        _ => Ok(Test::Equals(value.to_owned())),
    }
}

/// Lines in whose text `words` stand.
pub(super) fn says(words: &str) -> Filter {
    Filter::body(Test::Words(Words::new(words)))
}

pub(super) fn not(filter: Filter) -> Filter {
    match filter {
        Filter::Not(filter) => *filter,
        filter => Filter::Not(Box::new(filter)),
    }
}

/// Reads `--where`: a name, an operator and a value; or a name alone, that it be there.
///
/// # Errors
/// When it is none.
pub fn condition(text: &str) -> Result<Filter, Misread> {
    let next = || "-w order=9912, code!=402, path~^/pay, duration_ms>500, or order alone: that it be there".to_owned();
    let end = text.find(['=', '!', '~', '<', '>']).unwrap_or(text.len());
    let (name, rest) = (text[..end].trim(), &text[end..]);
    if name.is_empty() {
        return Err(Misread { what: "a condition begins with a name".to_owned(), at: 0, next: next() });
    }
    if rest.is_empty() {
        return Ok(exists(name));
    }
    let Some((operator, value)) = operator(rest) else {
        return Err(Misread { what: "this is no operator".to_owned(), at: end, next: next() });
    };
    let at = text.len() - value.len();
    compare(name, operator, value.trim()).map_err(|what| Misread { what, at, next: next() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_a_name_an_operator_and_a_value() {
        let order = |test| Filter::attribute("order", test);
        assert_eq!(condition("order=9912"), Ok(order(Test::Equals("9912".to_owned()))));
        assert_eq!(condition("order!=a=b"), Ok(not(order(Test::Equals("a=b".to_owned())))));
        assert_eq!(condition("order~^99"), Ok(order(Test::Matches(Pattern::new("^99").unwrap()))));
        assert_eq!(condition("order >= 7.5"), Ok(order(Test::Number(Comparison::AtLeast, 7.5))));
        assert_eq!(condition("order"), Ok(order(Test::Exists)));
        assert_eq!(condition("order="), Ok(order(Test::Equals(String::new()))));
    }

    #[test]
    fn names_mean_what_the_conventions_have() {
        let equals = Test::Equals("7".to_owned());
        assert_eq!(condition("version=7"), Ok(Filter::resource("faas.version", equals.clone())));
        assert_eq!(condition("cloud.region=7"), Ok(Filter::resource("cloud.region", equals.clone())));
        assert_eq!(condition("attributes.version=7"), Ok(Filter::attribute("version", equals.clone())));
        assert_eq!(condition("resource.team=7"), Ok(Filter::resource("team", equals)));
        assert_eq!(condition("request=AB-1"), Ok(Filter::Invocation("ab-1".to_owned())));
    }

    #[test]
    fn levels_compare_by_how_grave_they_are() {
        assert_eq!(condition("level>=warn"), Ok(Filter::Severity(13)));
        assert_eq!(condition("level>warn"), Ok(Filter::Severity(17)));
        assert_eq!(condition("level<warn"), Ok(not(Filter::Severity(13))));
        assert_eq!(condition("level<=warn"), Ok(not(Filter::Severity(17))));
        assert_eq!(condition("level=error"), Ok(Filter::All(vec![Filter::Severity(17), not(Filter::Severity(21))])));
        assert_eq!(condition("level=18"), Ok(Filter::All(vec![Filter::Severity(18), not(Filter::Severity(19))])));
    }

    #[test]
    fn what_says_nothing_is_refused_where_it_stands() {
        let at = |text| condition(text).unwrap_err().at;
        assert_eq!(
            [at("=5"), at("order!5"), at("order>many"), at("level=loud"), at("a~("), at("trace=1")],
            [0, 5, 6, 6, 2, 6]
        );
    }
}
