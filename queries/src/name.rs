//! How people write which function they mean: its name, a glob, `/a regular expression/`, its ARN, or its log group.

use std::{fmt, str::FromStr};

use crate::filter::{BadPattern, Filter, Pattern, Test};

/// Which functions are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    typed: String,
    kind: Kind,
    /// Of an ARN: region, account, version, where it has them.
    region: Option<String>,
    account: Option<String>,
    version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Exact(String),
    Pattern(Pattern),
}

/// A name that cannot be one of a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing was written.
    #[error("a function's name is empty")]
    Empty,
    /// An ARN of something else.
    #[error("not the ARN of a function: arn:aws:lambda:REGION:ACCOUNT:function:NAME")]
    OtherArn,
    /// Between the slashes stands no regular expression.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
}

const LOG_GROUP: &str = "/aws/lambda/";

impl NamePattern {
    /// As it was written.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The one name that is meant; nothing where several may be.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        match &self.kind {
            Kind::Exact(name) => Some(name),
            Kind::Pattern(_) => None,
        }
    }

    /// Whether the function of this name is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.kind {
            Kind::Exact(exact) => exact == name,
            Kind::Pattern(pattern) => pattern.is_in(name),
        }
    }

    /// The regular expression that names must match, where several may be meant.
    pub(crate) fn regex(&self) -> Option<&str> {
        match &self.kind {
            Kind::Exact(_) => None,
            Kind::Pattern(pattern) => Some(pattern.as_str()),
        }
    }

    /// What ARNs among the patterns say beside names: the region, the account and the version, each of its own function.
    #[must_use]
    pub fn narrowing(patterns: &[Self]) -> Filter {
        let narrowed = patterns.iter().filter_map(|pattern| Some((pattern, pattern.narrows()?)));
        narrowed.fold(Filter::Everything, |all, (pattern, narrow)| match patterns {
            [_] => all.and(narrow),
            _ => all.and(Filter::Any(vec![Filter::Not(Box::new(pattern.names())), narrow])),
        })
    }

    fn narrows(&self) -> Option<Filter> {
        let parts = [
            self.region.as_ref().map(Filter::region),
            self.account.as_ref().map(Filter::account),
            self.version.as_ref().map(Filter::version),
        ];
        parts.into_iter().flatten().reduce(Filter::and)
    }

    fn names(&self) -> Filter {
        let test = match &self.kind {
            Kind::Exact(name) => Test::Equals(name.clone()),
            Kind::Pattern(pattern) => Test::Matches(pattern.clone()),
        };
        Filter::resource("faas.name", test)
    }
}

impl FromStr for NamePattern {
    type Err = BadName;

    fn from_str(typed: &str) -> Result<Self, BadName> {
        let whole = Self {
            typed: typed.to_owned(),
            kind: Kind::Exact(String::new()),
            region: None,
            account: None,
            version: None,
        };
        if typed.starts_with("arn:") {
            return of_arn(&whole);
        }
        if let Some(name) = typed.strip_prefix(LOG_GROUP) {
            return Ok(Self { kind: kind(name)?, ..whole });
        }
        let between = typed.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let kind = match between.filter(|pattern| !pattern.is_empty()) {
            Some(pattern) => Kind::Pattern(Pattern::new(pattern)?),
            None => kind(typed)?,
        };
        Ok(Self { kind, ..whole })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

/// `arn:aws:lambda:eu-west-1:123456789012:function:NAME:QUALIFIER`, or that of the log group.
fn of_arn(whole: &NamePattern) -> Result<NamePattern, BadName> {
    let parts: Vec<&str> = whole.typed.split(':').collect();
    let (name, version) = match parts[..] {
        ["arn", _, "lambda", _, _, "function", name] => (name, None),
        ["arn", _, "lambda", _, _, "function", name, version] => (name, Some(version)),
        ["arn", _, "logs", _, _, "log-group", group] | ["arn", _, "logs", _, _, "log-group", group, "*"] => {
            (group.strip_prefix(LOG_GROUP).ok_or(BadName::OtherArn)?, None)
        }
        _ => return Err(BadName::OtherArn),
    };
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (region, account) = (given(parts[3]), given(parts[4]));
    Ok(NamePattern { kind: kind(name)?, region, account, version: version.and_then(given), ..whole.clone() })
}

fn kind(name: &str) -> Result<Kind, BadName> {
    match name {
        "" => Err(BadName::Empty),
        _ if name.contains(['*', '?', '[']) => Ok(Kind::Pattern(Pattern::new(&of_glob(name))?)),
        _ => Ok(Kind::Exact(name.to_owned())),
    }
}

/// `*` is any text, `?` any letter, `[a-c]` one of these, `[!a-c]` none of these.
fn of_glob(glob: &str) -> String {
    let mut regex = String::from("^");
    let mut rest = glob;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' if class_end(rest).is_some() => {
                let end = class_end(rest).expect("it was just seen");
                let inner = &rest[..end];
                let (not, inner) = inner.strip_prefix('!').map_or(("", inner), |inner| ("^", inner));
                regex.push_str(&format!("[{not}{}]", inner.replace('\\', r"\\").replace('[', r"\[")));
                rest = &rest[end + 1..];
            }
            plain => regex.push_str(&regex_lite::escape(plain.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    regex
}

/// Where the class that starts before `rest` ends: it holds one letter at least.
fn class_end(rest: &str) -> Option<usize> {
    let first = rest.chars().next()?.len_utf8();
    Some(first + rest[first..].find(']')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(typed: &str) -> NamePattern {
        typed.parse().unwrap()
    }

    #[test]
    fn a_name_is_that_function_however_it_is_written() {
        for typed in [
            "checkout",
            "/aws/lambda/checkout",
            "arn:aws:lambda:eu-west-1:123456789012:function:checkout",
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:checkout:7",
            "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/checkout:*",
        ] {
            assert_eq!(of(typed).exact(), Some("checkout"), "{typed}");
        }
    }

    #[test]
    fn a_glob_is_about_the_whole_name() {
        for (glob, yes, no) in [
            ("pay-*", "pay-api", "repay-api"),
            ("*-api", "pay-api", "pay-api-2"),
            ("pay-?", "pay-1", "pay-10"),
            ("pay-[ab]", "pay-a", "pay-c"),
            ("pay-[!ab]", "pay-c", "pay-a"),
            ("pay.*", "pay.x", "payx"),
            ("/aws/lambda/pay-*", "pay-1", "checkout"),
            ("[", "[", "x"),
            ("[é", "[é", "é"),
        ] {
            assert!(of(glob).matches(yes) && !of(glob).matches(no), "{glob}");
        }
    }

    #[test]
    fn a_regular_expression_is_found_anywhere() {
        assert!(of("/^pay|refund/").matches("pay-api") && of("/^pay|refund/").matches("do-refund"));
        assert!("/(/".parse::<NamePattern>().is_err());
    }

    #[test]
    fn an_arn_narrows_its_own_function_only() {
        let arn = of("arn:aws:lambda:eu-west-1:123456789012:function:checkout:7");
        let (region, account) = (Filter::region("eu-west-1"), Filter::account("123456789012"));
        let narrow = Filter::All(vec![region, account, Filter::version("7")]);
        assert_eq!(NamePattern::narrowing(std::slice::from_ref(&arn)), narrow);
        let is_other = Filter::Not(Box::new(Filter::resource("faas.name", Test::Equals("checkout".to_owned()))));
        assert_eq!(NamePattern::narrowing(&[arn, of("pay")]), Filter::Any(vec![is_other, narrow]));
        assert_eq!(NamePattern::narrowing(&[of("pay")]), Filter::Everything);
    }

    #[test]
    fn what_is_no_function_is_refused() {
        for typed in ["", "arn:aws:s3:::bucket", "arn:aws:logs:r:a:log-group:/ecs/x:*", "/aws/lambda/"] {
            assert!(typed.parse::<NamePattern>().is_err(), "{typed}");
        }
    }
}
