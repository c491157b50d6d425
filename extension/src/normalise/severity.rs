//! Severity, from the words and numbers in which programs write it.

use std::borrow::Cow;

use opentelemetry_proto::tonic::logs::v1::SeverityNumber;

/// A number of OpenTelemetry's and the program's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Severity {
    pub(super) number: SeverityNumber,
    pub(super) text: String,
}

impl Severity {
    pub(super) fn new(number: SeverityNumber, text: impl Into<String>) -> Self {
        Self { number, text: text.into() }
    }

    /// What a line without any level is: the collector would guess otherwise, and take "traceId" for a trace.
    pub(super) fn info() -> Self {
        Self::new(SeverityNumber::Info, "INFO")
    }

    pub(super) fn error() -> Self {
        Self::new(SeverityNumber::Error, "ERROR")
    }

    /// A word without the colours of a terminal.
    pub(super) fn plain(word: &str) -> Cow<'_, str> {
        let word = word.trim();
        if word.contains(ESCAPE) { Cow::Owned(without_colours(word).trim().to_owned()) } else { Cow::Borrowed(word) }
    }

    /// Of a word, with the word kept; `None` for words that are no level.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        number_of(word).or_else(|| shifted(word)).map(|number| Self::new(number, word))
    }

    /// Of the number in a `level` field: pino's and bunyan's 10 to 60, or syslog's 0 to 7.
    pub(super) fn from_level(level: f64) -> Option<Self> {
        use SeverityNumber::{Debug, Error, Fatal, Info, Info2, Trace, Warn};
        let (number, text) = match level {
            0.0 | 1.0 | 2.0 => (Fatal, "FATAL"),
            3.0 => (Error, "ERROR"),
            4.0 => (Warn, "WARN"),
            5.0 => (Info2, "NOTICE"),
            6.0 => (Info, "INFO"),
            7.0 => (Debug, "DEBUG"),
            level if (10.0..20.0).contains(&level) => (Trace, "TRACE"),
            level if (20.0..30.0).contains(&level) => (Debug, "DEBUG"),
            level if (30.0..40.0).contains(&level) => (Info, "INFO"),
            level if (40.0..50.0).contains(&level) => (Warn, "WARN"),
            level if (50.0..60.0).contains(&level) => (Error, "ERROR"),
            level if (60.0..=100.0).contains(&level) => (Fatal, "FATAL"),
            _ => return None,
        };
        Some(Self::new(number, text))
    }

    /// Of a text line: the first level word among its first characters, when it stands there as a level.
    ///
    /// As a level means: in capitals (`2024-05-15 ERROR x`), or in any case at the line's start (`error: x`, `[warn] x`)
    /// or behind `level=`. "0 errors" and "ErrorHandler" are none.
    pub(super) fn from_text(line: &str) -> Option<Self> {
        // No text has more characters than bytes, and most lines are shorter than what is looked at.
        let end = if line.len() <= SCANNED { None } else { line.char_indices().nth(SCANNED) };
        let scanned = end.map_or(line, |(at, _)| &line[..at]);
        // Nearly every line is ASCII, which is cut into words several times faster byte by byte.
        if scanned.is_ascii() {
            return Self::from_words(line, ascii_words(scanned));
        }
        Self::from_words(line, scanned.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()))
    }

    fn from_words<'a>(line: &str, words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut before = "";
        for (nth, word) in words.enumerate() {
            let stands_alone = || nth == 0 && is_mark(line, word);
            let is_level = is_capitals(word) || LEVEL_KEYS.contains(&before) || stands_alone();
            if is_level && let Some(severity) = Self::from_word(word) {
                return Some(severity);
            }
            before = word;
        }
        None
    }
}

fn ascii_words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = &rest[rest.bytes().position(|c| c.is_ascii_alphanumeric())?..];
        let end = word.bytes().position(|c| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
        rest = &word[end..];
        Some(&word[..end])
    })
}

fn is_capitals(word: &str) -> bool {
    word.bytes().all(|c| c.is_ascii_uppercase())
}

/// How many characters are looked at: as many as the collector's own rule does.
const SCANNED: usize = 256;

const LEVEL_KEYS: [&str; 3] = ["level", "lvl", "severity"];

/// Whether the line's first word ends like a level: `error:`, `[error]`, `error|`, `error -`. None does in a line that starts
/// with a number.
fn is_mark(line: &str, first_word: &str) -> bool {
    if line.trim_start().starts_with(char::is_numeric) {
        return false;
    }
    let at = line.find(char::is_alphanumeric).expect("the line has a word");
    let behind = &line[at + first_word.len()..];
    matches!(behind.bytes().next(), Some(b':' | b']' | b'|' | b')' | b'>')) || behind.starts_with(" - ")
}

const ESCAPE: char = '\u{1b}';

/// A text without the sequences (`ESC [ 32 m`) that colour it in a terminal.
pub(super) fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(ESCAPE) {
        plain.push_str(before);
        let is_colour = |code: &str| code.bytes().all(|c| c.is_ascii_digit() || c == b';');
        let code = behind.strip_prefix('[').and_then(|code| code.split_once('m')).filter(|(code, _)| is_colour(code));
        rest = code.map_or(behind, |(_, behind)| behind);
        plain.extend(code.is_none().then_some(ESCAPE));
    }
    plain + rest
}

/// Go's levels between the named ones: `INFO+2`, `DEBUG-4`. OpenTelemetry's numbers are as far apart as Go's.
fn shifted(word: &str) -> Option<SeverityNumber> {
    let (name, by) = word.split_at(word.find(['+', '-']).filter(|at| *at > 0)?);
    SeverityNumber::try_from(i32::from(number_of(name)?).checked_add(by.parse().ok()?)?).ok()
}

fn number_of(word: &str) -> Option<SeverityNumber> {
    use SeverityNumber::{Debug, Error, Fatal, Info, Info2, Trace, Warn};
    /// `err` and `informational`: whatever is shorter or longer need not be compared.
    const SHORTEST: usize = 3;
    const LONGEST: usize = 13;
    const WORDS: [(SeverityNumber, &[&str]); 7] = [
        (Trace, &["trace", "trce", "verbose", "finest", "finer", "silly", "vrb"]),
        (Debug, &["debug", "dbug", "dbg", "fine", "deb"]),
        (Info, &["info", "information", "informational", "inf", "log", "config", "success", "default"]),
        (Info2, &["notice"]),
        (Warn, &["warn", "warning", "wrn"]),
        (Error, &["error", "err", "fail", "severe", "eror"]),
        (Fatal, &["fatal", "critical", "crit", "emerg", "emergency", "alert", "panic", "dpanic", "ftl"]),
    ];
    if !(SHORTEST..=LONGEST).contains(&word.len()) {
        return None;
    }
    let known = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    WORDS.into_iter().find(|(_, words)| known(words)).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use SeverityNumber::{Debug, Error, Fatal, Info, Trace, Warn};
    use proptest::prelude::*;

    #[test]
    fn words_of_every_runtime_are_known_and_kept_as_written() {
        let words =
            [("INFO", Info), ("warning", Warn), ("dbug", Debug), ("trce", Trace), ("fail", Error), ("crit", Fatal)];
        for (word, number) in words {
            assert_eq!(Severity::from_word(word), Some(Severity::new(number, word)), "{word}");
        }
        for word in ["chatty", "info-", "-4", "info+x", "FATAL+99", "well-known"] {
            assert_eq!(Severity::from_word(word), None, "{word}");
        }
    }

    #[test]
    fn gos_levels_between_the_named_ones_keep_their_distance() {
        for (word, number) in [("INFO+2", SeverityNumber::Info3), ("DEBUG-4", Trace), ("ERROR+4", Fatal)] {
            assert_eq!(Severity::from_word(word), Some(Severity::new(number, word)), "{word}");
        }
    }

    #[test]
    fn a_coloured_word_is_read_without_its_colours() {
        assert_eq!(Severity::plain("\u{1b}[1;32minfo\u{1b}[39m"), "info");
        assert_eq!(Severity::plain(" warn "), "warn");
        assert_eq!(without_colours("\u{1b}[2Kx\u{1b}"), "\u{1b}[2Kx\u{1b}", "what is no colour stays");
    }

    #[test]
    fn numeric_levels_are_pinos_or_syslogs() {
        let levels = [(10.0, Trace), (30.0, Info), (35.0, Info), (60.0, Fatal), (3.0, Error), (7.0, Debug)];
        for (level, number) in levels {
            assert_eq!(Severity::from_level(level).map(|severity| severity.number), Some(number), "{level}");
        }
        assert_eq!(Severity::from_level(1000.0), None);
    }

    #[test]
    fn a_text_line_has_the_level_that_stands_as_one() {
        let lines = [
            ("ERROR:root:no connection", Error),
            ("error: no connection", Error),
            ("[warn] slow", Warn),
            ("2024-05-15 23:59:20,123 DEBUG app - x", Debug),
            ("time=1 level=warn msg=x", Warn),
            ("CRITICAL disk", Fatal),
        ];
        for (line, number) in lines {
            assert_eq!(Severity::from_text(line).map(|severity| severity.number), Some(number), "{line}");
        }
    }

    #[test]
    fn words_in_a_sentence_are_no_level() {
        for line in
            ["0 errors found", "ErrorHandler ok", "traceId=5bef", "an error occurred", "", "log the user in", "é"]
        {
            assert_eq!(Severity::from_text(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn bytes_make_the_same_words_of_ascii_as_characters_do(text in "[ -~\\t\\n]{0,80}") {
            let by_characters = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            prop_assert!(ascii_words(&text).eq(by_characters));
        }

        #[test]
        fn a_level_stands_wherever_characters_or_bytes_are_read(before in "[a-z 0-9\\[]{0,6}", after in "[\\]: |>é-]{0,3}") {
            for word in ["error", "WARN", "level=info"] {
                let ascii = format!("{before}{word}{after}").replace('é', " ");
                // Behind a line break: a space would make ` -` at the end the mark ` - `.
                let other = format!("{ascii}\né");
                prop_assert_eq!(Severity::from_text(&ascii), Severity::from_text(&other), "{}", ascii);
            }
        }
    }

    #[test]
    fn a_level_behind_the_characters_that_are_looked_at_is_not_seen() {
        for padding in ["x", "é"] {
            let seen = format!("{} ERROR", padding.repeat(SCANNED - 6));
            assert_eq!(Severity::from_text(&seen), Some(Severity::error()));
            let unseen = format!("{} ERROR", padding.repeat(SCANNED));
            assert_eq!(Severity::from_text(&unseen), None);
        }
    }
}
