//! Severity, from the words and numbers in which programs write it.

use std::borrow::Cow;

use memchr::memchr_iter;
use opentelemetry_proto::tonic::logs::v1::SeverityNumber;

use crate::eights::first_capital;

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
        at_start(line, scanned).or_else(|| {
            let capitals = in_capitals(scanned);
            // What stands behind a level is not looked at any more.
            let before = capitals.as_ref().map_or(scanned, |(end, _)| &scanned[..*end]);
            behind_key(before).or(capitals.map(|(_, severity)| severity))
        })
    }
}

/// How many characters are looked at: as many as the collector's own rule does.
const SCANNED: usize = 256;

/// The level that the line's first word is, where it ends like one: `error:`, `[error]`, `error|`, `error -`. None does in a
/// line that starts with a number.
fn at_start(line: &str, scanned: &str) -> Option<Severity> {
    let (start, word) = first_word(scanned)?;
    let behind = &line[start + word.len()..];
    let is_mark = matches!(behind.bytes().next(), Some(b':' | b']' | b'|' | b')' | b'>')) || behind.starts_with(" - ");
    let is_level = is_mark && !line.trim_start().starts_with(char::is_numeric);
    is_level.then(|| Severity::from_word(word))?
}

/// The first level in capitals, and where it ends.
fn in_capitals(text: &str) -> Option<(usize, Severity)> {
    let mut end = 0;
    while let Some(behind) = first_capital(&text.as_bytes()[end..]) {
        let start = end + behind;
        end = start + text[start..].bytes().take_while(u8::is_ascii_uppercase).count();
        if is_whole(text, start, end)
            && let Some(severity) = Severity::from_word(&text[start..end])
        {
            return Some((end, severity));
        }
    }
    None
}

/// The level behind `level=`, `"severity": ` and the like. Each of these keys has a `v`, as hardly another word has.
fn behind_key(text: &str) -> Option<Severity> {
    const KEYS: [(&str, &str); 3] = [("le", "level"), ("l", "lvl"), ("se", "severity")];
    memchr_iter(b'v', text.as_bytes()).find_map(|at| {
        let is_key = |(before, key): &(&str, &str)| {
            let start = at.checked_sub(before.len())?;
            let end = start + key.len();
            (text.get(start..end) == Some(key) && is_whole(text, start, end)).then_some(end)
        };
        let end = KEYS.iter().find_map(is_key)?;
        Severity::from_word(first_word(&text[end..])?.1)
    })
}

/// The first word, and where it begins.
fn first_word(text: &str) -> Option<(usize, &str)> {
    // Nearly every word is ASCII, and told so by its bytes.
    let ascii = text.bytes().take_while(u8::is_ascii_alphanumeric).count();
    if ascii > 0 && text.as_bytes().get(ascii).is_none_or(u8::is_ascii) {
        return Some((0, &text[..ascii]));
    }
    let start = text.find(char::is_alphanumeric)?;
    let word = &text[start..];
    Some((start, word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(word)))
}

/// Whether what stands there is no part of a longer word.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    !text[..start].ends_with(char::is_alphanumeric) && !text[end..].starts_with(char::is_alphanumeric)
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
    /// `informational`
    const LONGEST: usize = 13;
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"trace" | b"trce" | b"verbose" | b"finest" | b"finer" | b"silly" | b"vrb" => Trace,
        b"debug" | b"dbug" | b"dbg" | b"fine" | b"deb" => Debug,
        b"info" | b"information" | b"informational" | b"inf" | b"log" | b"config" | b"success" | b"default" => Info,
        b"notice" => Info2,
        b"warn" | b"warning" | b"wrn" => Warn,
        b"error" | b"err" | b"fail" | b"severe" | b"eror" => Error,
        b"fatal" | b"critical" | b"crit" | b"emerg" | b"emergency" | b"alert" | b"panic" | b"dpanic" | b"ftl" => Fatal,
        _ => return None,
    })
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
        fn a_level_is_found_where_a_walk_from_word_to_word_finds_it(
            parts in prop::collection::vec(prop::sample::select(&PARTS[..]), 0..12), filler in "[ -~é]{0,9}", at in 0..12_usize
        ) {
            let mut parts = parts;
            parts.insert(at.min(parts.len()), &filler);
            let line = parts.concat();
            prop_assert_eq!(Severity::from_text(&line), word_by_word(&line), "{}", line);
        }
    }

    /// What lines are made of as far as levels go.
    const PARTS: [&str; 24] = [
        "ERROR",
        "WARN",
        "EUR",
        "INFO",
        "error",
        "warn",
        "level",
        "lvl",
        "severity",
        "v",
        "x",
        "é",
        "É",
        "7",
        " ",
        "=",
        ": ",
        "]",
        "[",
        "\"",
        " - ",
        "|",
        "\n",
        "a sentence of some length ",
    ];

    /// The rule as it is told, without any of the short cuts.
    fn word_by_word(line: &str) -> Option<Severity> {
        let end = line.char_indices().nth(SCANNED).map_or(line.len(), |(at, _)| at);
        let words = line[..end].split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let mut before = "";
        for (nth, word) in words.enumerate() {
            let behind = &line[line.find(word).unwrap() + word.len()..];
            let is_mark = behind.starts_with([':', ']', '|', ')', '>']) || behind.starts_with(" - ");
            let stands_alone = nth == 0 && is_mark && !line.trim_start().starts_with(char::is_numeric);
            let is_capitals = word.bytes().all(|c| c.is_ascii_uppercase());
            if is_capitals || ["level", "lvl", "severity"].contains(&before) || stands_alone {
                let severity = Severity::from_word(word);
                if severity.is_some() {
                    return severity;
                }
            }
            before = word;
        }
        None
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
