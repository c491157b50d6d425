//! Flags that choose lines, shared by the commands that print lines: how each is written, and the one filter they make.

use clap::Args;
use lambdaview_queries::filter::{Filter, Pattern, Test};

use crate::{
    ask::TraceRef,
    error::Error,
    filters::{self, Level, Misread},
    settings::usage,
};

/// Which lines.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct SelectArgs {
    /// Only lines in which the regular expression is found; repeated: in which one of them is.
    #[arg(short, long, value_name = "RE", alias = "grep")]
    pub include: Vec<String>,
    /// No lines in which it is found.
    #[arg(short, long, value_name = "RE", alias = "grepv")]
    pub exclude: Vec<String>,
    /// Mark what it finds; leaves out nothing.
    #[arg(short = 'H', long, value_name = "RE")]
    pub highlight: Vec<String>,
    /// CloudWatch's pattern: terms, -term, ?a ?b, "phrase", %re%, { $.k = v && ... }.
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub filter_pattern: Option<String>,
    /// Only lines of that level or graver: trace, debug, info, warn, error, fatal.
    #[arg(short, long, value_name = "LEVEL")]
    pub level: Option<Level>,
    /// Only lines with that attribute: k=v, k!=v, k~RE, k>5, k; repeated: all of them.
    #[arg(short = 'w', long = "where", value_name = "K=V")]
    pub conditions: Vec<String>,
    /// Only lines for which that is true: 'level>=warn and body~"time.?out" and not order=99'.
    #[arg(short, long, value_name = "EXPR")]
    pub query: Option<String>,
    /// Only that version of the function: 42, $LATEST; or the versions that an alias led to when the command began.
    #[arg(long, value_name = "VERSION|ALIAS")]
    pub qualifier: Option<String>,
    /// Only that AWS region.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Only that AWS account.
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Only that invocation, by Lambda's request id.
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Only that trace.
    #[arg(long, value_name = "ID")]
    pub trace: Option<String>,
    /// Only that deployment environment.
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
}

impl SelectArgs {
    /// The filter they make together.
    ///
    /// # Errors
    /// When one of them cannot be understood.
    pub fn filter(&self) -> Result<Filter, Error> {
        let mut filter = Filter::Everything;
        let mut narrow = |by: Filter| filter = std::mem::take(&mut filter).and(by);
        if !self.include.is_empty() {
            let found: Vec<_> = patterns("-i", &self.include)?.into_iter().map(is_in_body).collect();
            narrow(Filter::Any(found));
        }
        for excluded in patterns("-e", &self.exclude)? {
            narrow(Filter::Not(Box::new(is_in_body(excluded))));
        }
        if let Some(text) = &self.filter_pattern {
            narrow(filters::pattern(text).map_err(|misread| misread_in("--filter-pattern", text, misread))?);
        }
        if let Some(level) = self.level {
            narrow(level.or_graver());
        }
        for text in &self.conditions {
            narrow(filters::condition(text).map_err(|misread| misread_in("-w", text, misread))?);
        }
        if let Some(text) = &self.query {
            narrow(filters::expression(text).map_err(|misread| misread_in("-q", text, misread))?);
        }
        for facet in self.facets()? {
            narrow(facet);
        }
        Ok(filter)
    }

    /// What is marked in a line: what is sought, and what is only to be seen.
    ///
    /// # Errors
    /// When one is no regular expression.
    pub fn marks(&self) -> Result<Vec<Pattern>, Error> {
        let mut marks = patterns("-H", &self.highlight)?;
        marks.extend(patterns("-i", &self.include)?);
        Ok(marks)
    }

    fn facets(&self) -> Result<Vec<Filter>, Error> {
        let mut facets: Vec<Filter> = Vec::new();
        facets.extend(self.qualifier.as_ref().map(Filter::version));
        facets.extend(self.region.as_ref().map(Filter::region));
        facets.extend(self.account.as_ref().map(Filter::account));
        facets.extend(self.env.as_deref().map(Filter::environment));
        facets.extend(self.request.as_ref().map(|id| Filter::Invocation(id.trim().to_ascii_lowercase())));
        if let Some(text) = &self.trace {
            match text.parse() {
                Ok(TraceRef::Trace(id)) => facets.push(Filter::Trace(id)),
                _ => {
                    let what = format!("--trace {text}: not the id of a trace, which has 32 hexadecimal digits");
                    return Err(usage(&what, Some("--request ID for a request's")));
                }
            }
        }
        Ok(facets)
    }
}

fn is_in_body(pattern: Pattern) -> Filter {
    Filter::body(Test::Matches(pattern))
}

fn patterns(flag: &str, texts: &[String]) -> Result<Vec<Pattern>, Error> {
    texts.iter().map(|text| pattern(flag, text)).collect()
}

/// A regular expression that stands behind a flag.
///
/// # Errors
/// When it is none.
pub fn pattern(flag: &str, text: &str) -> Result<Pattern, Error> {
    Pattern::new(text)
        .map_err(|error| usage(&format!("{flag} {text}: {error}"), Some("a quoted one, such as 'time.?out'")))
}

fn misread_in(flag: &str, text: &str, misread: Misread) -> Error {
    let Misread { what, at, next } = misread;
    Error::Misread { what: format!("{flag}: {what}"), text: text.to_owned(), at, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_narrows_the_filter() {
        let args = SelectArgs {
            include: vec!["a".to_owned(), "b".to_owned()],
            exclude: vec!["c".to_owned()],
            filter_pattern: Some("ERROR".to_owned()),
            level: Some(Level(13)),
            conditions: vec!["order=5".to_owned()],
            query: Some("not has x".to_owned()),
            qualifier: Some("42".to_owned()),
            region: Some("eu-west-1".to_owned()),
            account: Some("1".to_owned()),
            request: Some("R".to_owned()),
            trace: Some("1-5759e988-bd862e3fe1be46a994272793".to_owned()),
            env: Some("prod".to_owned()),
            ..SelectArgs::default()
        };
        let Filter::All(all) = args.filter().unwrap() else { panic!() };
        assert_eq!(all.len(), 12);
        assert_eq!(all[11], Filter::Trace("5759e988bd862e3fe1be46a994272793".to_owned()));
        assert_eq!(SelectArgs::default().filter().unwrap(), Filter::Everything);
    }

    #[test]
    fn what_is_sought_is_marked_too() {
        let args =
            SelectArgs { include: vec!["a".to_owned()], highlight: vec!["b".to_owned()], ..SelectArgs::default() };
        assert_eq!(args.marks().unwrap().len(), 2);
    }

    #[test]
    fn the_flag_is_named_that_cannot_be_understood() {
        let bad = |args: SelectArgs| args.filter().unwrap_err().message().unwrap();
        assert!(bad(SelectArgs { include: vec!["(".to_owned()], ..SelectArgs::default() }).starts_with("error: -i (:"));
        let said = bad(SelectArgs { query: Some("level>loud".to_owned()), ..SelectArgs::default() });
        assert!(said.contains("\n  level>loud\n        ^\n"), "{said}");
        assert!(bad(SelectArgs { trace: Some("x".to_owned()), ..SelectArgs::default() }).contains("--request"));
    }
}
