//! The dotenv file of `ROTEL_ENV_FILE`: `export`, comments, `'literal'`, `"escapes"`, `${VAR}`.
//!
//! Pure, and never fails: a line that says nothing readable is named by its number, and the others count.

use std::collections::{BTreeMap, BTreeSet};

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EnvFile {
    pub(super) variables: BTreeMap<String, String>,
    /// Those whose `${NAME}` is meant as it stands: written in single quotes, or with a `\$`. A `${arn:...}` is a secret all
    /// the same: quotes are how other readers of such files are kept from it.
    pub(super) literal: BTreeSet<String>,
    /// Numbers of the lines that are neither a variable nor a comment, from 1.
    pub(super) unreadable: Vec<usize>,
}

/// Reads the whole text; `${VAR}` outside of single quotes is looked up in `outer` first, then in the lines before.
///
/// A `${VAR}` that neither knows, and every `${arn:...}`, stays as it is: the reader of the setting judges it.
pub(super) fn parse(text: &str, outer: &dyn Fn(&str) -> Option<String>) -> EnvFile {
    let mut file = EnvFile::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut number = 1;
    let mut rest = text;
    while !rest.is_empty() {
        let lookup = |name: &str| outer(name).or_else(|| file.variables.get(name).cloned());
        let entry = Entry::read(rest, &lookup);
        match entry.meaning {
            Meaning::Variable { name, value, literal } => {
                if literal {
                    file.literal.insert(name.clone());
                } else {
                    file.literal.remove(&name);
                }
                file.variables.insert(name, value);
            }
            Meaning::Nothing => {}
            Meaning::Unreadable => file.unreadable.push(number),
        }
        number += rest[..entry.length].matches('\n').count();
        rest = &rest[entry.length..];
    }
    file
}

enum Meaning {
    Variable { name: String, value: String, literal: bool },
    Nothing,
    Unreadable,
}

/// One entry: a line, or several when a quoted value goes over line ends. `length` includes the last line end.
struct Entry {
    meaning: Meaning,
    length: usize,
}

impl Entry {
    fn read(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let line_length = text.find('\n').map_or(text.len(), |end| end + 1);
        let line = text[..line_length].trim();
        if line.is_empty() || line.starts_with('#') {
            return Self { meaning: Meaning::Nothing, length: line_length };
        }
        let unreadable = Self { meaning: Meaning::Unreadable, length: line_length };
        let Some(equals) = text[..line_length].find('=') else { return unreadable };
        let Some(name) = name(&text[..equals]) else { return unreadable };
        let after = &text[equals + 1..];
        let start = equals + 1 + (after.len() - after.trim_start_matches([' ', '\t']).len());
        let Some((value, length)) = value(&text[start..], lookup) else { return unreadable };
        let tail = &text[start + length..];
        let tail_length = tail.find('\n').map_or(tail.len(), |end| end + 1);
        if !matches!(tail[..tail_length].trim(), comment if comment.is_empty() || comment.starts_with('#')) {
            return unreadable;
        }
        let written = &text[start..start + length];
        let literal = written.starts_with('\'') || written.contains("\\$");
        Self {
            meaning: Meaning::Variable { name: name.to_owned(), value, literal },
            length: start + length + tail_length,
        }
    }
}

fn name(before_equals: &str) -> Option<&str> {
    let name = before_equals.trim();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).map_or(name, str::trim_start);
    let head = name.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    (head && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))).then_some(name)
}

/// The value at the start of `text`, and how many bytes of it the value takes; `None` for a quote that never closes.
fn value(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Option<(String, usize)> {
    match text.chars().next() {
        Some('\'') => {
            let end = text[1..].find('\'')?;
            Some((text[1..=end].to_owned(), end + 2))
        }
        Some('"') => {
            let end = closing_quote(&text[1..])?;
            Some((unescaped(&expanded(&text[1..=end], lookup)), end + 2))
        }
        _ => {
            let line = text.lines().next().unwrap_or_default();
            let comment =
                line.match_indices('#').map(|(at, _)| at).find(|&at| at == 0 || line[..at].ends_with([' ', '\t']));
            let bare = &line[..comment.unwrap_or(line.len())];
            Some((expanded(bare.trim_end(), lookup), bare.len()))
        }
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at)
    })
}

/// `\n`, `\r`, `\t` as the characters they mean, every other escaped character as itself.
fn unescaped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => whole.push('\n'),
                Some('r') => whole.push('\r'),
                Some('t') => whole.push('\t'),
                Some(other) => whole.push(other),
                None => whole.push('\\'),
            },
            (c, false) => whole.push(c),
        }
    }
    whole
}

fn expanded(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        let reference = &rest[at..=at + end];
        let escaped = rest[..at].ends_with('\\');
        whole.push_str(&rest[..at]);
        match lookup(&reference[2..reference.len() - 1]).filter(|_| !escaped) {
            Some(value) => whole.push_str(&value),
            None => whole.push_str(reference),
        }
        rest = &rest[at + end + 1..];
    }
    whole.push_str(rest);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> EnvFile {
        parse(text, &|name| (name == "HOME").then(|| "/root".to_owned()))
    }

    fn value_of(text: &str) -> String {
        read(text).variables.remove("A").unwrap_or_else(|| panic!("A is missing in {text:?}"))
    }

    #[test]
    fn values_are_bare_literal_or_escaped() {
        assert_eq!(value_of("A=plain text"), "plain text");
        assert_eq!(value_of("export A = 'it is ${HOME} \\n'"), "it is ${HOME} \\n");
        assert_eq!(value_of("\u{feff}A=\"tab\\tquote\\\" ${HOME}\"  # said\n"), "tab\tquote\" /root");
        assert_eq!(value_of("A="), "");
        assert_eq!(value_of("A=\"two\nlines\"\r\n"), "two\nlines");
    }

    #[test]
    fn what_is_meant_as_it_stands_is_told() {
        let file = read("A='${HOME}'\nB=\"\\${HOME} $ \\n\"\nC=\"${HOME}\"\nD='x'\nD=y\n");
        assert_eq!(file.literal.iter().collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!((file.variables["B"].as_str(), file.variables["C"].as_str()), ("${HOME} $ \n", "/root"));
    }

    #[test]
    fn a_hash_begins_a_comment_only_after_a_space() {
        assert_eq!(value_of("A=x#y # z"), "x#y");
        assert_eq!(read("# A=1\n\n   # B=2\n"), EnvFile::default());
    }

    #[test]
    fn a_variable_refers_to_the_function_and_to_lines_before_it() {
        let file = read("B=${HOME}/b\nA=${B}/a ${LATER}\nLATER=1\n");
        assert_eq!(file.variables["A"], "/root/b/a ${LATER}");
    }

    #[test]
    fn a_secret_reference_is_left_for_the_setting() {
        assert_eq!(
            value_of("A=Authorization=${arn:aws:ssm:r:1:parameter/k}"),
            "Authorization=${arn:aws:ssm:r:1:parameter/k}"
        );
    }

    #[test]
    fn unreadable_lines_are_named_and_cost_nobody_else() {
        let file = read("A=1\nnonsense\nB='open\n2x=3\nC=\"two\nlines\"\nD='x' y\nE=5");
        assert_eq!(file.unreadable, [2, 3, 4, 7]);
        assert_eq!(file.variables.keys().collect::<Vec<_>>(), ["A", "C", "E"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s).{0,200}") {
            read(&text);
        }

        #[test]
        fn any_text_of_the_grammars_own_characters_is_read_without_panic(text in "[A=\"'\\\\$\\{\\}# \nü]{0,60}") {
            read(&text);
        }

        #[test]
        fn what_is_written_in_single_quotes_is_read_back(value in "[^']{0,40}") {
            prop_assert_eq!(value_of(&format!("A='{value}'\nB=2")), value);
        }
    }
}
