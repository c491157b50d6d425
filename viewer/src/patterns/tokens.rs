//! A line cut into what may stay and what changes from line to line: numbers, ids, times, quoted values.

/// What stands for a part that changes.
pub const WILD: &str = "<*>";

/// Lines are told apart by so many tokens; what comes after them is one more change.
const MOST: usize = 80;

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// Its text; [`WILD`] for what changes.
    pub text: &'a str,
    /// Whether white space stands before it.
    pub spaced: bool,
    /// Whether it is a sign between words: what makes lines alike are words.
    pub is_sign: bool,
}

/// The tokens of a line. A value in quotes is one part that changes; a key in quotes is a word.
#[must_use]
pub fn tokens(line: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut rest = line;
    while tokens.len() < MOST {
        let trimmed = rest.trim_start();
        let spaced = trimmed.len() < rest.len();
        let Some(first) = trimmed.chars().next() else { return tokens };
        let (token, after) = match first {
            '"' | '\'' if starts_value(&tokens) => quoted(trimmed, first),
            sign if is_sign(sign) => (text(&trimmed[..sign.len_utf8()], true), &trimmed[sign.len_utf8()..]),
            _ => word(trimmed),
        };
        tokens.push(Token { spaced, ..token });
        rest = after;
    }
    if !rest.trim().is_empty() {
        tokens.push(Token { spaced: true, ..text(WILD, false) });
    }
    tokens
}

const fn text(text: &str, is_sign: bool) -> Token<'_> {
    Token { text, spaced: false, is_sign }
}

const fn is_sign(c: char) -> bool {
    matches!(
        c,
        '=' | ':' | ',' | ';' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | '<' | '>' | '|' | '?' | '&' | '!'
    )
}

/// After `=` or `:` stands a value.
fn starts_value(tokens: &[Token<'_>]) -> bool {
    tokens.last().is_some_and(|token| token.is_sign && matches!(token.text, "=" | ":"))
}

fn quoted(text_from: &str, quote: char) -> (Token<'_>, &str) {
    let mut escaped = false;
    for (at, c) in text_from.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            c if c == quote && !escaped => {
                let inner = &text_from[1..at];
                // One word in quotes is often a name, such as a level; more than one is what somebody said.
                let kept = if varies(inner) || inner.contains(char::is_whitespace) { WILD } else { inner };
                return (text(if kept.is_empty() { "\"\"" } else { kept }, false), &text_from[at + 1..]);
            }
            _ => escaped = false,
        }
    }
    // The quotes are never closed: a sign like others.
    (text(&text_from[..1], true), &text_from[1..])
}

fn word(text_from: &str) -> (Token<'_>, &str) {
    let end = text_from.find(|c: char| c.is_whitespace() || is_sign(c)).unwrap_or(text_from.len());
    let word = &text_from[..end];
    let (core, tail) = without_tail(word);
    if !varies(core) {
        return (text(word, false), &text_from[end..]);
    }
    let end = if tail == 0 { end + continued(&text_from[end..]) } else { end - tail };
    (text(WILD, false), &text_from[end..])
}

/// How far a number goes on behind `:`, as a time of day, an address with a port and IPv6 do.
fn continued(after: &str) -> usize {
    let mut end = 0;
    while let Some(rest) = after[end..].strip_prefix(':') {
        let part = rest.find(|c: char| !c.is_ascii_hexdigit() && !matches!(c, '.' | 'Z' | '+')).unwrap_or(rest.len());
        if part == 0 {
            break;
        }
        end += 1 + part;
    }
    end
}

/// A point or a comma at the end of a number ends a sentence.
fn without_tail(word: &str) -> (&str, usize) {
    let core = word.trim_end_matches(['.', '…']);
    if core.is_empty() { (word, 0) } else { (core, word.len() - core.len()) }
}

/// Whether a word by itself says that it is another one on the next line: a number with or without unit, a time, an id.
#[must_use]
pub fn varies(word: &str) -> bool {
    let bytes = word.as_bytes();
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return is_long_hex(word);
    }
    is_number(word)
        || is_long_hex(word)
        || is_time(word)
        || (word.len() >= 16 && digits >= 3 && is_one_id(word))
        || is_version_of_address(word)
}

/// `42`, `-3.5`, `0x1f`, `12ms`, `3.10€`, `98%`, `1,024`: digits first, a short unit after.
fn is_number(word: &str) -> bool {
    let word = word.trim_start_matches(['-', '+', '#', '$', '€', '~']);
    if word.strip_prefix("0x").is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return true;
    }
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '/' | '_' | 'e' | '-'));
    word.starts_with(|c: char| c.is_ascii_digit())
        && unit.chars().count() <= 3
        && !unit.contains(|c: char| c.is_ascii_digit())
}

/// Eight hexadecimal digits and more, with or without the dashes of a UUID.
fn is_long_hex(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    digits >= 8
        && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        // `feedface` is a word, and so is `decade-facade`.
        && (word.bytes().any(|byte| byte.is_ascii_digit()) || digits >= 24)
}

/// `2026-11-22T14:02:11.204Z` as far as a word reaches: `2026-11-22T14`.
fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[..4].iter().all(u8::is_ascii_digit)
}

/// Letters and digits in one run, as in a random id; a path or a sentence with dashes is none.
fn is_one_id(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/' | b'.'))
        && word
            .split(['-', '_', '/', '.'])
            .any(|part| part.len() >= 8 && part.bytes().any(|byte| byte.is_ascii_digit()))
}

/// `10.0.3.17`, `10.0.3.17/32`.
fn is_version_of_address(word: &str) -> bool {
    word.split(['.', '/']).count() >= 4 && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(line: &str) -> String {
        let parts =
            tokens(line).into_iter().map(|token| format!("{}{}", if token.spaced { " " } else { "" }, token.text));
        parts.collect::<String>()
    }

    #[test]
    fn what_changes_is_wild_and_words_stay() {
        for (line, pattern) in [
            ("order 9912 priced at 64.00 EUR", "order <*> priced at <*> EUR"),
            ("cache miss for key user:7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11", "cache miss for key user:<*>"),
            ("took 12ms, 98% of 3.5s.", "took <*>, <*> of <*>."),
            (
                "GET https://api.example/v2/items?id=42 in us-east-1",
                "GET https://api.example/v2/items?id=<*> in us-east-1",
            ),
            ("2026-11-22T14:02:11.204Z started on 10.0.3.17:8080", "<*> started on <*>"),
            ("at 14:02:11.204 from fe80:1", "at <*> from fe80:<*>"),
            ("{\"level\":\"info\",\"msg\":\"card 1 ok\",\"n\":3}", "{\"level\":info,\"msg\":<*>,\"n\":<*>}"),
            ("it's 5 o'clock", "it's <*> o'clock"),
            ("RequestId: 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11 Version: $LATEST", "RequestId: <*> Version: $LATEST"),
            ("checksum 5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b of decade", "checksum <*> of decade"),
            ("", ""),
        ] {
            assert_eq!(masked(line).trim_start(), pattern.trim_start(), "{line}");
        }
    }

    #[test]
    fn a_line_without_end_has_a_last_token() {
        let line = "a ".repeat(10_000);
        let tokens = tokens(&line);
        assert_eq!((tokens.len(), tokens[MOST].text), (MOST + 1, WILD));
    }

    proptest::proptest! {
        #[test]
        fn any_line_has_tokens_that_are_not_empty(line: String) {
            for token in tokens(&line) {
                proptest::prop_assert!(!token.text.is_empty());
            }
        }
    }
}
