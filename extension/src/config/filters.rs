//! The regular expressions that lines are filtered by: `LAMBDAVIEW_LOG_EXCLUDE`, `LAMBDAVIEW_LOG_REDACT`.

use super::settings::Settings;
use regex_lite::Regex;

/// What is done to lines before they are shipped.
#[derive(Clone, Debug, Default)]
pub struct LogFilters {
    /// Lines that match are left out.
    pub exclude: Option<Regex>,
    /// What matches is blacked out.
    pub redact: Option<Regex>,
}

impl LogFilters {
    pub(super) fn read(settings: &mut Settings<'_>) -> Self {
        Self { exclude: regex(settings, "LAMBDAVIEW_LOG_EXCLUDE"), redact: regex(settings, "LAMBDAVIEW_LOG_REDACT") }
    }
}

/// The expression itself is never told: what is to be blacked out may stand in it.
fn regex(settings: &mut Settings<'_>, name: &str) -> Option<Regex> {
    const REMEDY: &str =
        "correct it, and until then nothing is filtered by it; there is no look-around and no back-reference";
    let text = settings.text(name)?;
    match Regex::new(&text) {
        Ok(regex) if regex.is_match("") => {
            settings.fault(name, "ignored: it matches an empty text, and so anywhere", REMEDY);
            None
        }
        Ok(regex) => Some(regex),
        Err(error) => {
            settings.fault(name, format!("ignored: it is no regular expression: {error}"), REMEDY);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, environment::tests::given};

    #[test]
    fn good_expressions_are_read_and_bad_ones_told_without_being_repeated() {
        let environment = given(&[("LAMBDAVIEW_LOG_EXCLUDE", r"^GET /health\b"), ("LAMBDAVIEW_LOG_REDACT", "s3cret(")]);
        let (config, faults) = Config::from_env(&environment);
        assert!(config.filters.exclude.is_some_and(|exclude| exclude.is_match("GET /health 200")));
        assert!(config.filters.redact.is_none());
        let told: Vec<_> =
            faults.iter().map(ToString::to_string).filter(|fault| fault.starts_with("LAMBDAVIEW_LOG_REDACT")).collect();
        assert!(
            told.len() == 1 && told[0].contains("no regular expression") && !told[0].contains("s3cret"),
            "{told:?}"
        );
    }

    #[test]
    fn an_expression_that_matches_everywhere_is_told_and_ignored() {
        for all in ["a*", "x|", "(?i)"] {
            let (config, faults) = Config::from_env(&given(&[("LAMBDAVIEW_LOG_EXCLUDE", all)]));
            assert!(
                config.filters.exclude.is_none() && faults.iter().any(|fault| fault.problem.contains("empty")),
                "{all}"
            );
        }
    }
}
