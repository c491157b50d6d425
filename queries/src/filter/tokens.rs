//! Which whole tokens every text holds that a search finds: what an index on tokens can be asked for beforehand.
//!
//! A token counts only where it is bounded on both sides within what must be there: of `a card_b c` that is `card` and `b`,
//! but of `card` alone nothing, because `card` is found in `discard` as well.

use super::{Pattern, Words, pattern::is_token};

/// More of them make no search quicker.
const MOST: usize = 16;

/// Tokens of which each must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    /// In the letters in which they were written.
    pub(crate) tokens: Vec<String>,
    /// Whether they must be there in these very letters.
    pub(crate) exact: bool,
}

impl Tokens {
    /// Of a text that is the whole of what is looked at.
    pub(crate) fn of_text(text: &str) -> Self {
        let mut run = Run { text: text.to_owned(), starts: true, ..Run::default() };
        run.end(true);
        Self { tokens: longest(run.tokens), exact: true }
    }

    pub(crate) fn of_words(words: &Words) -> Self {
        Self { exact: false, ..Self::of_text(words.as_str()) }
    }

    pub(crate) fn of_pattern(pattern: &Pattern) -> Self {
        let text = pattern.as_str();
        let (text, exact) = text.strip_prefix("(?i)").map_or((text, true), |rest| (rest, false));
        let mut tokens = required(text).unwrap_or_default();
        if !exact {
            // Beyond ASCII there are a sign for Kelvin and a long s that `(?i)` takes for these letters.
            tokens.retain(|token| !token.contains(['k', 'K', 's', 'S']));
        }
        Self { tokens: longest(tokens), exact }
    }

    /// In small letters, for an index that holds them so.
    pub(crate) fn lower(&self) -> Vec<String> {
        self.tokens.iter().map(|token| token.to_ascii_lowercase()).collect()
    }
}

fn longest(mut tokens: Vec<String>) -> Vec<String> {
    tokens.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    tokens.dedup();
    tokens.truncate(MOST);
    tokens
}

/// Letters that must follow one another.
#[derive(Debug, Default)]
struct Run {
    text: String,
    /// Whether no token reaches into it from before.
    starts: bool,
    tokens: Vec<String>,
}

impl Run {
    /// What follows is not known, except whether a token can reach into it.
    fn end(&mut self, bounded: bool) {
        let text = std::mem::take(&mut self.text);
        let inner = if self.starts { &text[..] } else { text.trim_start_matches(is_token) };
        let inner = if bounded { inner } else { inner.trim_end_matches(is_token) };
        self.tokens.extend(inner.split(|c| !is_token(c)).filter(|token| !token.is_empty()).map(str::to_owned));
        // What comes next is bounded if the last letter was no part of a token.
        self.starts = text.chars().next_back().is_some_and(|c| !is_token(c));
    }

    fn unknown(&mut self) {
        self.end(false);
        self.starts = false;
    }
}

/// The tokens that a regular expression requires; `None` where it is not simple enough to say.
fn required(pattern: &str) -> Option<Vec<String>> {
    let mut run = Run::default();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let mut after = &rest[c.len_utf8()..];
        let letter = match c {
            '|' => return None,
            '^' if run.text.is_empty() => {
                run.starts = true;
                rest = after;
                continue;
            }
            '$' => {
                run.end(true);
                rest = after;
                continue;
            }
            '^' | '*' | '+' | '?' | '{' | ')' => return None,
            '(' => {
                after = past_group(rest)?;
                None
            }
            '[' => {
                after = past_class(rest)?;
                None
            }
            '.' => None,
            '\\' => {
                let escaped = after.chars().next()?;
                after = &after[escaped.len_utf8()..];
                match escaped {
                    'b' | 'B' => {
                        rest = after;
                        continue;
                    }
                    // What `\s` stands for is never part of a token.
                    's' => Some(' '),
                    'n' => Some('\n'),
                    't' => Some('\t'),
                    'd' | 'D' | 'S' | 'w' | 'W' => None,
                    punctuation if punctuation.is_ascii_punctuation() => Some(punctuation),
                    _ => return None,
                }
            }
            plain => Some(plain),
        };
        let (repeat, then) = repeat(after)?;
        match (letter, repeat) {
            (Some(letter), Repeat::Once) => run.text.push(letter),
            (Some(letter), Repeat::More) => {
                run.text.push(letter);
                run.end(!is_token(letter));
            }
            (None, _) | (_, Repeat::Perhaps) => run.unknown(),
        }
        rest = then;
    }
    run.end(false);
    Some(run.tokens)
}

enum Repeat {
    Once,
    More,
    Perhaps,
}

/// How often the atom before `rest` stands there, and what follows that.
fn repeat(rest: &str) -> Option<(Repeat, &str)> {
    let (repeat, then) = match rest.chars().next() {
        Some('+') => (Repeat::More, &rest[1..]),
        Some('*' | '?') => (Repeat::Perhaps, &rest[1..]),
        Some('{') => (Repeat::Perhaps, &rest[rest.find('}')? + 1..]),
        _ => return Some((Repeat::Once, rest)),
    };
    Some((repeat, then.strip_prefix('?').unwrap_or(then)))
}

/// What follows the group at the start of `rest`; `None` for one that sets flags for what follows.
fn past_group(rest: &str) -> Option<&str> {
    let mut depth = 0_u32;
    let mut here = rest;
    while let Some(c) = here.chars().next() {
        here = match c {
            '\\' => &here[1 + here[1..].chars().next()?.len_utf8()..],
            '[' => past_class(here)?,
            _ => &here[c.len_utf8()..],
        };
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let group = &rest[..rest.len() - here.len()];
            let sets_flags = group.starts_with("(?") && !group.contains([':', '<']);
            return (!sets_flags).then_some(here);
        }
    }
    None
}

/// What follows the class at the start of `rest`.
fn past_class(rest: &str) -> Option<&str> {
    let mut here = rest[1..].strip_prefix('^').unwrap_or(&rest[1..]);
    here = here.strip_prefix(']').unwrap_or(here);
    loop {
        let c = here.chars().next()?;
        here = match c {
            '\\' => &here[1 + here[1..].chars().next()?.len_utf8()..],
            '[' if here.starts_with("[:") => &here[here.find(":]")? + 2..],
            ']' => return Some(&here[1..]),
            _ => &here[c.len_utf8()..],
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str) -> Vec<String> {
        Tokens::of_pattern(&Pattern::new(pattern).unwrap()).tokens
    }

    #[test]
    fn only_tokens_that_are_bounded_on_both_sides_count() {
        assert_eq!(of("card"), [""; 0]);
        assert_eq!(of("a card_b c"), ["card", "b"]);
        assert_eq!(of("^timeout after"), ["timeout"]);
        assert_eq!(of("after timeout$"), ["timeout"]);
        assert_eq!(of("^timeout$"), ["timeout"]);
        assert_eq!(of("id=é-17,"), ["17", "é"]);
    }

    #[test]
    fn what_may_be_absent_or_otherwise_does_not_count() {
        assert_eq!(of("(order=5 paid|x) unpaid "), ["unpaid"]);
        assert_eq!(of("=order=|=card="), [""; 0]);
        assert_eq!(of("=order=? paid,"), ["paid"]);
        assert_eq!(of("=orders?=paid,"), ["paid"]);
        assert_eq!(of("=a.b=c="), ["c"]);
        assert_eq!(of("=order{0,1}=paid="), ["paid"]);
        assert_eq!(of("=[ab]x=paid="), ["paid"]);
        assert_eq!(of("=(?:a)b=paid="), ["paid"]);
    }

    #[test]
    fn white_space_bounds_and_repeated_letters_do_not() {
        assert_eq!(of(r"card\s+declined\s"), ["declined"]);
        assert_eq!(of(r"\scard\s*x declined\."), ["declined"]);
        assert_eq!(of("=ab+c=d="), ["d"]);
        assert_eq!(of(r"=\d+ms=slow="), ["slow"]);
        assert_eq!(of(r"=\bcard\b="), ["card"]);
    }

    #[test]
    fn either_case_is_said() {
        let tokens = Tokens::of_pattern(&Pattern::new("(?i)=Order=Paid=sky=").unwrap());
        assert_eq!((tokens.tokens.len(), tokens.exact), (2, false));
        assert_eq!(tokens.lower(), ["order", "paid"]);
        assert!(of("=order(?i)=paid=").is_empty(), "a flag in the middle is not followed");
    }

    #[test]
    fn of_words_and_of_a_whole_text_every_token_counts() {
        assert_eq!(Tokens::of_words(&Words::new("Card-Declined")).tokens, ["declined", "card"]);
        assert_eq!(Tokens::of_text("Card declined").tokens, ["declined", "Card"]);
    }
}
