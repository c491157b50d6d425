//! Which lines are wanted: a condition on a log record, without SQL.
//!
//! [`crate::questions`] puts it into the words of a table, and [`Filter::matches`] says the same of a line that is here already.
//! The two agree on text that is UTF-8, and on `(?i)` within ASCII.

mod pattern;
mod test;
pub(crate) mod tokens;

pub use pattern::{BadPattern, Pattern, Words};
pub use test::{Comparison, Test};

use std::collections::BTreeMap;

use crate::questions::lines::Line;

/// A condition on a log record.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Filter {
    /// Every line.
    #[default]
    Everything,
    /// Lines that meet each of these.
    All(Vec<Self>),
    /// Lines that meet one of these.
    Any(Vec<Self>),
    /// Lines that do not meet this; one that lacks an attribute meets no test of it.
    Not(Box<Self>),
    /// `SeverityNumber` of at least this: 5 is debug, 9 info, 13 warn, 17 error, 21 fatal. A line without a severity has 0.
    Severity(u8),
    /// Lines of this trace, by its 32 lower-case hexadecimal digits.
    Trace(String),
    /// Lines of this invocation, by Lambda's request id.
    Invocation(String),
    /// What a part of the record must be.
    Field {
        /// The part.
        of: Field,
        /// What it must be.
        test: Test,
    },
}

/// A part of a log record that holds text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// What was logged. Always there, if empty.
    Body,
    /// `service.name`. Always there, if empty.
    Service,
    /// An attribute of the record.
    Attribute(String),
    /// An attribute of the resource, which every line of an environment shares.
    Resource(String),
}

impl Filter {
    /// A test of the body.
    #[must_use]
    pub const fn body(test: Test) -> Self {
        Self::Field { of: Field::Body, test }
    }

    /// A test of an attribute of the record.
    #[must_use]
    pub fn attribute(name: impl Into<String>, test: Test) -> Self {
        Self::Field { of: Field::Attribute(name.into()), test }
    }

    /// A test of an attribute of the resource.
    #[must_use]
    pub fn resource(name: impl Into<String>, test: Test) -> Self {
        Self::Field { of: Field::Resource(name.into()), test }
    }

    /// A test of the attribute that the name means: one of the resource where OpenTelemetry's conventions put it there, else one
    /// of the record.
    #[must_use]
    pub fn named(name: &str, test: Test) -> Self {
        if is_of_resource(name) { Self::resource(name, test) } else { Self::attribute(name, test) }
    }

    /// Lines of a version of the function.
    #[must_use]
    pub fn version(version: impl Into<String>) -> Self {
        Self::resource(VERSION, Test::Equals(version.into()))
    }

    /// Lines from an AWS region.
    #[must_use]
    pub fn region(region: impl Into<String>) -> Self {
        Self::resource("cloud.region", Test::Equals(region.into()))
    }

    /// Lines from an AWS account.
    #[must_use]
    pub fn account(account: impl Into<String>) -> Self {
        Self::resource("cloud.account.id", Test::Equals(account.into()))
    }

    /// Lines from a deployment environment, by the attribute's name of today or the one before it.
    #[must_use]
    pub fn environment(environment: &str) -> Self {
        let named = |name| Self::resource(name, Test::Equals(environment.to_owned()));
        Self::Any(vec![named("deployment.environment.name"), named("deployment.environment")])
    }

    /// The versions that are asked for and are none: names that Lambda calls aliases.
    #[must_use]
    pub fn aliases(&self) -> Vec<&str> {
        match self {
            Self::All(some) | Self::Any(some) => some.iter().flat_map(Self::aliases).collect(),
            Self::Not(one) => one.aliases(),
            Self::Field { of: Field::Resource(name), test: Test::Equals(version) } if name == VERSION => {
                if is_version(version) { Vec::new() } else { vec![version] }
            }
            _ => Vec::new(),
        }
    }

    /// The same, with the versions that aliases lead to in their places.
    #[must_use]
    pub fn with_versions(self, of: &BTreeMap<String, Vec<String>>) -> Self {
        let each = |some: Vec<Self>| some.into_iter().map(|one| one.with_versions(of)).collect();
        match self {
            Self::All(some) => Self::All(each(some)),
            Self::Any(some) => Self::Any(each(some)),
            Self::Not(one) => Self::Not(Box::new(one.with_versions(of))),
            Self::Field { of: Field::Resource(ref name), test: Test::Equals(ref alias) } if name == VERSION => {
                of.get(alias).map_or(self.clone(), |versions| Self::Any(versions.iter().map(Self::version).collect()))
            }
            other => other,
        }
    }

    /// Lines that meet this and `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, one) | (one, Self::Everything) => one,
            (Self::All(mut all), Self::All(more)) => {
                all.extend(more);
                Self::All(all)
            }
            (Self::All(mut all), one) => {
                all.push(one);
                Self::All(all)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// Whether the line meets the condition. What it asks of attributes can only be told of a line that was read with them.
    #[must_use]
    pub fn matches(&self, line: &Line) -> bool {
        match self {
            Self::Everything => true,
            Self::All(all) => all.iter().all(|one| one.matches(line)),
            Self::Any(any) => any.iter().any(|one| one.matches(line)),
            Self::Not(one) => !one.matches(line),
            Self::Severity(least) => line.severity_number >= *least,
            Self::Trace(id) => *line.trace_id == *id,
            Self::Invocation(id) => !id.is_empty() && *line.invocation_id == *id,
            Self::Field { of, test } => test.holds(of.value(line)),
        }
    }

    /// Whether it asks of an attribute of the record, so that [`Filter::matches`] needs them.
    #[must_use]
    pub fn asks_attributes(&self) -> bool {
        self.asks(&|of| matches!(of, Field::Attribute(_)))
    }

    /// Whether it asks of an attribute of the resource, so that [`Filter::matches`] needs them.
    #[must_use]
    pub fn asks_resource(&self) -> bool {
        self.asks(&|of| matches!(of, Field::Resource(_)))
    }

    fn asks(&self, wanted: &dyn Fn(&Field) -> bool) -> bool {
        match self {
            Self::All(some) | Self::Any(some) => some.iter().any(|one| one.asks(wanted)),
            Self::Not(one) => one.asks(wanted),
            Self::Field { of, .. } => wanted(of),
            Self::Everything | Self::Severity(_) | Self::Trace(_) | Self::Invocation(_) => false,
        }
    }
}

impl Field {
    fn value<'a>(&self, line: &'a Line) -> Option<&'a str> {
        match self {
            Self::Body => Some(&line.body),
            Self::Service => Some(&line.service),
            Self::Attribute(name) => line.attribute(name),
            Self::Resource(name) => line.resource_attribute(name),
        }
    }
}

/// The attribute that holds a function's version.
const VERSION: &str = "faas.version";

/// Lambda's versions are numbers, or `$LATEST`; an alias is neither.
fn is_version(text: &str) -> bool {
    text == "$LATEST" || text.is_empty() || text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The resource's attributes by OpenTelemetry's conventions, as far as they concern functions.
fn is_of_resource(name: &str) -> bool {
    const FAAS: [&str; 4] = ["faas.name", "faas.version", "faas.instance", "faas.max_memory"];
    const NAMESPACES: [&str; 9] =
        ["cloud.", "service.", "deployment.", "telemetry.", "host.", "os.", "process.", "k8s.", "aws.log."];
    FAAS.contains(&name) || NAMESPACES.iter().any(|namespace| name.starts_with(namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line {
            body: "Card DECLINED: order=9912".into(),
            severity_number: 17,
            attributes: vec![("code".into(), "402".into())],
            resource: vec![("faas.version".into(), "7".into())],
            ..Line::default()
        }
    }

    #[test]
    fn conditions_combine() {
        let is = |filter: &Filter| filter.matches(&line());
        let (yes, no) = (Filter::Severity(17), Filter::Severity(21));
        assert!(is(&Filter::All(vec![])) && !is(&Filter::Any(vec![])));
        assert!(is(&Filter::Any(vec![no.clone(), yes.clone()])) && !is(&Filter::All(vec![no.clone(), yes.clone()])));
        assert!(is(&Filter::Not(Box::new(no))) && !is(&Filter::Not(Box::new(yes))));
    }

    #[test]
    fn a_line_without_the_attribute_meets_no_test_of_it_and_so_the_opposite_of_each() {
        for test in [Test::Exists, Test::Equals(String::new()), Test::Matches(Pattern::new(".*").unwrap())] {
            let filter = Filter::attribute("order", test);
            assert!(!filter.matches(&line()));
            assert!(Filter::Not(Box::new(filter)).matches(&line()));
        }
    }

    #[test]
    fn a_name_means_the_attribute_that_the_conventions_have() {
        assert!(Filter::named("faas.version", Test::Equals("7".into())).matches(&line()));
        assert!(Filter::named("code", Test::Equals("402".into())).matches(&line()));
        assert!(Filter::named("faas.invocation_id", Test::Exists).asks_attributes());
        assert!(Filter::environment("prod").asks_resource());
    }

    #[test]
    fn an_alias_stands_for_the_versions_that_it_led_to() {
        let filter = Filter::Severity(9).and(Filter::version("live")).and(Filter::version("7"));
        assert_eq!(filter.aliases(), ["live"]);
        let led = BTreeMap::from([("live".to_owned(), vec!["42".to_owned(), "41".to_owned()])]);
        let versions = Filter::Any(vec![Filter::version("42"), Filter::version("41")]);
        assert_eq!(filter.with_versions(&led), Filter::All(vec![Filter::Severity(9), versions, Filter::version("7")]));
        assert!(Filter::version("$LATEST").aliases().is_empty());
        assert_eq!(Filter::Not(Box::new(Filter::version("blue"))).aliases(), ["blue"]);
    }

    #[test]
    fn conditions_are_added_to_one_another() {
        let both = Filter::Everything.and(Filter::Severity(9)).and(Filter::Severity(17));
        assert_eq!(both, Filter::All(vec![Filter::Severity(9), Filter::Severity(17)]));
        assert_eq!(Filter::Everything.and(Filter::Everything), Filter::Everything);
    }
}
