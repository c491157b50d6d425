//! Words that mean something else behind one command than behind all others, spelt as that command has them.

use std::ffi::{OsStr, OsString};

use crate::ask::duration;

/// A flag of one command that has the name of another, which every command has.
struct Homonym {
    commands: &'static [&'static str],
    typed: &'static str,
    /// Whether, with that word behind it, the command's own is meant.
    is_meant: fn(Option<&str>) -> bool,
    meant: &'static str,
}

const HOMONYMS: [Homonym; 2] = [
    // Everywhere else how long the server may work, which is a time.
    Homonym {
        commands: &["invocations", "inv"],
        typed: "--timeout",
        is_meant: |next| next.is_none_or(|next| duration(next).is_err()),
        meant: "--timed-out",
    },
    // Everywhere else one of our own forms of output.
    Homonym { commands: &["sql"], typed: "--format", is_meant: |_| true, meant: "--in-format" },
];

/// The command line with these words as their command has them.
pub(super) fn spelt(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    for homonym in &HOMONYMS {
        let is_command = |word: &OsString| homonym.commands.iter().any(|command| word == command);
        // The first word is the program's.
        let Some(command) = words.iter().skip(1).position(is_command) else { continue };
        for at in command + 2..words.len() {
            let next = words.get(at + 1).and_then(|next| next.to_str());
            if let Some(word) = words[at].to_str().and_then(|word| homonym.meant_by(word, next)) {
                words[at] = OsString::from(word);
            }
            if words[at] == OsStr::new("--") {
                break;
            }
        }
    }
    words
}

impl Homonym {
    fn meant_by(&self, word: &str, next: Option<&str>) -> Option<String> {
        let rest = word.strip_prefix(self.typed)?;
        let is_whole = rest.is_empty() && (self.is_meant)(next);
        let has_value = rest.strip_prefix('=').is_some_and(|value| (self.is_meant)(Some(value)));
        (is_whole || has_value).then(|| format!("{}{rest}", self.meant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(typed: &str) -> String {
        let words = spelt(std::iter::once("lambdaview").chain(typed.split(' ')).map(OsString::from));
        words[1..].iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_timeout_without_a_time_asks_for_invocations_that_ran_into_theirs() {
        for (typed, meant) in [
            ("invocations pay --timeout", "invocations pay --timed-out"),
            ("inv --timeout pay", "inv --timed-out pay"),
            ("inv pay --timeout --failed", "inv pay --timed-out --failed"),
            ("inv pay --timeout 5s", "inv pay --timeout 5s"),
            ("inv pay --timeout=5s --timeout", "inv pay --timeout=5s --timed-out"),
            ("--timeout 5s inv pay", "--timeout 5s inv pay"),
            ("functions --timeout", "functions --timeout"),
        ] {
            assert_eq!(of(typed), meant);
        }
    }

    #[test]
    fn a_format_behind_sql_is_clickhouses() {
        assert_eq!(of("sql x --format Parquet"), "sql x --in-format Parquet");
        assert_eq!(of("sql x --format=Parquet"), "sql x --in-format=Parquet");
        assert_eq!(of("tail x --format json"), "tail x --format json");
        assert_eq!(of("sql -- --format"), "sql -- --format");
    }
}
