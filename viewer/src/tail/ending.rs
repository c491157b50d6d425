//! When to stop before being told to, and with what verdict: `--max-lines`, `--exit-on`, `--fail-error-rate`, `--strict`.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    str::FromStr,
};

use lambdaview_queries::{filter::Pattern, questions::lines::Line};

use crate::{
    error::Error,
    format::{count, plural},
};

/// What ends it, and what makes its end a failure.
#[derive(Clone, Debug, Default)]
pub struct Stops {
    /// After so many lines.
    pub max_lines: Option<u64>,
    /// After a line in which that is found.
    pub exit_on: Option<Pattern>,
    /// More errors than that are a failure.
    pub fail_error_rate: Option<Rate>,
    /// No line at all is a failure.
    pub strict: bool,
}

/// A share, such as `1%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(f64);

/// What is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a share: write 1%, 0.5% or 0")]
pub struct BadRate;

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let (number, of) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
        let share = number.trim().parse::<f64>().map_err(|_| BadRate)? / of;
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(BadRate) }
    }
}

/// Watches what is printed.
#[derive(Debug, Default)]
pub struct Ending {
    stops: Stops,
    lines: u64,
    errors: u64,
    /// Invocations that were seen, and whether an error was.
    invocations: HashMap<u64, bool>,
    done: bool,
}

/// The least severity number of an error.
const ERROR: u8 = 17;

impl Ending {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(stops: Stops) -> Self {
        Self { stops, ..Self::default() }
    }

    /// A line has been printed.
    pub(super) fn saw(&mut self, line: &Line) {
        self.lines += 1;
        let is_error = line.severity_number >= ERROR;
        if self.stops.fail_error_rate.is_some() {
            self.errors += u64::from(is_error);
            if !line.invocation_id.is_empty() {
                let mut hasher = DefaultHasher::new();
                line.invocation_id.hash(&mut hasher);
                *self.invocations.entry(hasher.finish()).or_default() |= is_error;
            }
        }
        let is_last = self.stops.max_lines.is_some_and(|most| self.lines >= most);
        self.done |= is_last || self.stops.exit_on.as_ref().is_some_and(|pattern| pattern.is_in(&line.body));
    }

    /// Whether no further line is wanted.
    pub(super) const fn is_done(&self) -> bool {
        self.done
    }

    /// What it comes to, once it has ended.
    ///
    /// # Errors
    /// When there were more errors than may be, or none of the lines that had to be.
    pub fn verdict(&self) -> Result<(), Error> {
        if let Some(Rate(most)) = self.stops.fail_error_rate {
            let (bad, all, of) = self.errors();
            // Nothing seen says nothing of errors: that there be something is what --strict asks for.
            let rate = if all == 0 { 0.0 } else { bad as f64 / all as f64 };
            if rate > most {
                let (rate, most) = (percent(rate), percent(most));
                let what = format!("{} of {} failed: {rate}, more than {most}", count(bad), plural(all, of));
                return Err(Error::Threshold { what });
            }
        }
        if self.stops.strict && self.lines == 0 {
            return Err(Error::NotFound {
                what: "no line matched".to_owned(),
                similar: Vec::new(),
                next: "a longer time with --since or --for, or fewer filters".to_owned(),
            });
        }
        Ok(())
    }

    /// How many failed, of how many of what: invocations where the lines name them, else lines.
    fn errors(&self) -> (u64, u64, &'static str) {
        if self.invocations.is_empty() {
            return (self.errors, self.lines, "line");
        }
        let bad = self.invocations.values().filter(|is_bad| **is_bad).count();
        (bad as u64, self.invocations.len() as u64, "invocation")
    }
}

/// `1%`, `0.25%`
fn percent(share: f64) -> String {
    let shown = format!("{:.2}", share * 100.0);
    format!("{}%", shown.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(invocation: &str, severity_number: u8, body: &str) -> Line {
        Line { invocation_id: invocation.into(), severity_number, body: body.into(), ..Line::default() }
    }

    fn after(stops: Stops, lines: &[Line]) -> Ending {
        let mut ending = Ending::new(stops);
        lines.iter().for_each(|line| ending.saw(line));
        ending
    }

    #[test]
    fn it_ends_after_the_last_line_or_the_one_that_is_waited_for() {
        let two = [line("", 9, "a"), line("", 9, "deployed v42")];
        let most = Stops { max_lines: Some(2), ..Stops::default() };
        assert!(!after(most.clone(), &two[..1]).is_done() && after(most, &two).is_done());
        let exit_on = Stops { exit_on: Some(Pattern::new("v\\d+").unwrap()), ..Stops::default() };
        assert!(!after(exit_on.clone(), &two[..1]).is_done() && after(exit_on, &two).is_done());
    }

    #[test]
    fn errors_are_counted_by_invocation_where_lines_name_theirs() {
        let stops = Stops { fail_error_rate: Some("50%".parse().unwrap()), ..Stops::default() };
        let one = [line("1", 17, "a"), line("1", 17, "b"), line("2", 9, "c")];
        assert!(after(stops.clone(), &one).verdict().is_ok());
        let error = after(stops.clone(), &one[..2]).verdict().unwrap_err();
        assert_eq!(
            (error.exit_code(), error.to_string()),
            (7, "1 of 1 invocation failed: 100%, more than 50%".to_owned())
        );
        let lines = [line("", 17, "a"), line("", 17, "b"), line("", 9, "c")];
        assert_eq!(
            after(stops.clone(), &lines).verdict().unwrap_err().to_string(),
            "2 of 3 lines failed: 66.67%, more than 50%"
        );
        assert!(after(stops, &[]).verdict().is_ok());
    }

    #[test]
    fn no_line_at_all_is_a_failure_only_where_that_was_asked() {
        let strict = Stops { strict: true, ..Stops::default() };
        assert_eq!(after(strict, &[]).verdict().unwrap_err().exit_code(), 3);
        assert!(after(Stops::default(), &[]).verdict().is_ok());
    }

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        assert_eq!("1%".parse(), Ok(Rate(0.01)));
        assert_eq!("0".parse(), Ok(Rate(0.0)));
        for bad in ["", "101%", "-1%", "NaN", "a"] {
            assert_eq!(bad.parse::<Rate>(), Err(BadRate), "{bad}");
        }
    }
}
