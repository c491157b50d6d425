//! Log lines gathered into patterns, as Drain does it: a tree of fixed depth leads from a line's length and first words to the few
//! patterns that it is compared with, so that a line costs about the same whatever was read before it. Pure, and of bounded memory.
//!
//! The method is that of P. He et al., "Drain: an online log parsing approach with fixed depth tree" (ICWS 2017). Different here:
//! numbers, ids and quoted values are taken for changes before the tree sees them ([`tokens`]), signs between words do not count as
//! likeness, and what no longer fits is counted in one rest instead of forgotten.

mod report;
pub mod tokens;

pub use report::{Column, Report, Row, level, report};

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use tokens::{Token, WILD, tokens};

/// How many first words lead through the tree.
const DEPTH: usize = 3;
/// How much of the words must be the same.
const LIKENESS: f64 = 0.55;
/// How many patterns are kept.
const MOST_PATTERNS: usize = 5_000;
/// How many patterns one way through the tree leads to; more would make a line dear.
const MOST_AT_A_LEAF: usize = 64;
/// How many functions, versions and levels a pattern is told apart by.
const MOST_FACETS: usize = 256;
/// How many names of functions and versions are kept.
const MOST_NAMES: usize = 20_000;
/// What stands for names that are one too many.
const OTHERS: &str = "…";

/// A line, as far as its pattern is concerned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    /// Its text; only the first line of it makes the pattern.
    pub body: &'a str,
    /// What it is billed for, in bytes.
    pub bytes: u64,
    /// Its function.
    pub function: &'a str,
    /// Its function's version.
    pub version: &'a str,
    /// OpenTelemetry's severity number.
    pub severity: u8,
}

/// How often, and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
    }
}

/// What a pattern's lines are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Facet {
    function: u32,
    version: u32,
    severity: u8,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// Nothing for what changes.
    text: Option<Box<str>>,
    spaced: bool,
    is_sign: bool,
}

/// Lines that are alike.
#[derive(Clone, Debug, Default)]
struct Pattern {
    parts: Vec<Part>,
    tally: Tally,
    facets: HashMap<Facet, Tally>,
    /// Whether some of its lines go on after the first.
    goes_on: bool,
}

/// Gathers lines into patterns.
#[derive(Debug, Default)]
pub struct Miner {
    patterns: Vec<Pattern>,
    /// From a line's length and first words, hashed, to patterns.
    leaves: HashMap<u64, Vec<usize>>,
    /// What came when there was no more room.
    rest: Pattern,
    names: Names,
}

/// Names of functions and versions, each kept once: lines carry their numbers.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        // So many functions nobody has: their names are what a program made up.
        let name = if self.names.len() < MOST_NAMES { name } else { OTHERS };
        let next = u32::try_from(self.names.len()).expect("fewer names than MOST_NAMES");
        *self.numbers.entry(name.to_owned()).or_insert_with(|| {
            self.names.push(name.to_owned());
            next
        })
    }

    fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }
}

impl Miner {
    /// Takes a line in.
    pub fn see(&mut self, seen: &Seen<'_>) {
        let mut lines = seen.body.trim_end().lines();
        let first = lines.next().unwrap_or_default();
        let goes_on = lines.next().is_some();
        let tokens = tokens(first);
        let pattern = match self.place(&tokens) {
            Some(at) => &mut self.patterns[at],
            None => &mut self.rest,
        };
        pattern.goes_on |= goes_on;
        let one = Tally { lines: 1, bytes: seen.bytes };
        pattern.tally.add(one);
        let mut facet = |function, version| Facet {
            function: self.names.number(function),
            version: self.names.number(version),
            severity: seen.severity,
        };
        let own = facet(seen.function, seen.version);
        // What is one too many is counted where nobody is named: the sums stay right.
        let has_room = pattern.facets.len() < MOST_FACETS || pattern.facets.contains_key(&own);
        let facet = if has_room { own } else { facet(OTHERS, OTHERS) };
        pattern.facets.entry(facet).or_default().add(one);
    }

    /// The pattern for these tokens, made if need be; `None` when there is no more room.
    fn place(&mut self, tokens: &[Token<'_>]) -> Option<usize> {
        let way = way(tokens);
        let leaf = self.leaves.get(&way).map(Vec::as_slice);
        let near = leaf.into_iter().flatten().map(|at| (*at, likeness(&self.patterns[*at].parts, tokens)));
        let nearest = near.max_by(|one, other| one.1.total_cmp(&other.1));
        if let Some((at, likeness)) = nearest
            && (likeness >= LIKENESS || leaf.is_some_and(|leaf| leaf.len() >= MOST_AT_A_LEAF))
        {
            widen(&mut self.patterns[at].parts, tokens);
            return Some(at);
        }
        if self.patterns.len() >= MOST_PATTERNS {
            return None;
        }
        self.patterns.push(Pattern { parts: tokens.iter().map(part).collect(), ..Pattern::default() });
        let at = self.patterns.len() - 1;
        self.leaves.entry(way).or_default().push(at);
        Some(at)
    }
}

impl Pattern {
    /// As people read it.
    fn text(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            if part.spaced && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(part.text.as_deref().unwrap_or(WILD));
        }
        text
    }
}

/// How many tokens there are, and the first words, hashed: what has a digit in it leads nowhere, as it may change.
fn way(tokens: &[Token<'_>]) -> u64 {
    let mut way = DefaultHasher::new();
    tokens.len().hash(&mut way);
    for word in tokens.iter().filter(|token| !token.is_sign).take(DEPTH) {
        let leads = !word.text.bytes().any(|byte| byte.is_ascii_digit());
        if leads { word.text } else { WILD }.hash(&mut way);
    }
    way.finish()
}

fn part(token: &Token<'_>) -> Part {
    let text = (token.text != WILD).then(|| token.text.into());
    Part { text, spaced: token.spaced, is_sign: token.is_sign }
}

/// The share of words that are the same; of two lines without words, of signs.
fn likeness(parts: &[Part], tokens: &[Token<'_>]) -> f64 {
    let (mut same, mut all) = (0_u32, 0_u32);
    let only_signs = parts.iter().all(|part| part.is_sign);
    for (part, token) in parts.iter().zip(tokens) {
        let is_same = part.text.as_deref().unwrap_or(WILD) == token.text;
        if part.is_sign && token.is_sign && !only_signs {
            if !is_same {
                // Another sign at the same place is another form of line.
                return 0.0;
            }
            continue;
        }
        all += 1;
        same += u32::from(is_same);
    }
    if all == 0 { 1.0 } else { f64::from(same) / f64::from(all) }
}

fn widen(parts: &mut [Part], tokens: &[Token<'_>]) {
    for (part, token) in parts.iter_mut().zip(tokens) {
        if part.text.as_deref() != Some(token.text) {
            part.text = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mined<'a>(bodies: impl IntoIterator<Item = &'a str>) -> Vec<(String, u64)> {
        let mut miner = Miner::default();
        for body in bodies {
            miner.see(&Seen { body, bytes: body.len() as u64, ..Seen::default() });
        }
        let mut patterns: Vec<_> = miner.patterns.iter().map(|pattern| (pattern.text(), pattern.tally.lines)).collect();
        patterns.sort();
        patterns
    }

    #[test]
    fn lines_that_differ_in_a_word_or_a_number_are_one_pattern() {
        let patterns = mined([
            "cache miss for key alice",
            "cache miss for key bob",
            "cache miss for key carol",
            "order 1 received",
            "order 22 received",
            "order 3 has no items",
        ]);
        let patterns: Vec<_> = patterns.iter().map(|(text, lines)| (text.as_str(), *lines)).collect();
        assert_eq!(patterns, [("cache miss for key <*>", 3), ("order <*> has no items", 1), ("order <*> received", 2)]);
    }

    #[test]
    fn lines_of_other_forms_stay_apart() {
        let patterns = mined(["a = 1", "a : 1", "connected", "disconnected", "{\"a\":1}", "[1]"]);
        assert_eq!(patterns.len(), 6, "{patterns:?}");
    }

    #[test]
    fn a_stack_trace_is_the_pattern_of_its_first_line() {
        let patterns = mined(["ValueError: no 1\n  at a\n  at b", "ValueError: no 2\n  at c"]);
        assert_eq!(patterns, [("ValueError: no <*>".to_owned(), 2)]);
    }

    #[test]
    fn a_flood_of_different_lines_takes_bounded_memory_and_loses_no_count() {
        let mut miner = Miner::default();
        let word = |mut number: u32| {
            let mut word = String::new();
            while number > 0 {
                word.push(char::from(b'a' + (number % 26) as u8));
                number /= 26;
            }
            word
        };
        for number in 0..20_000_u32 {
            let body = format!("{} {} {}", word(number), word(number * 7 + 1), word(number * 3 + 2));
            miner.see(&Seen { body: &body, bytes: 1, function: &word(number), ..Seen::default() });
        }
        assert!(miner.patterns.len() <= MOST_PATTERNS);
        let lines: u64 = miner.patterns.iter().chain([&miner.rest]).map(|pattern| pattern.tally.lines).sum();
        assert_eq!(lines, 20_000);
        assert!(miner.rest.facets.len() <= MOST_FACETS + 1 && miner.names.names.len() <= MOST_NAMES + 1);
        assert_eq!(miner.rest.facets.values().map(|tally| tally.lines).sum::<u64>(), miner.rest.tally.lines);
    }

    proptest::proptest! {
        #[test]
        fn every_line_is_counted_once(bodies: Vec<String>) {
            let patterns = mined(bodies.iter().map(String::as_str));
            proptest::prop_assert_eq!(patterns.iter().map(|(_, lines)| *lines).sum::<u64>(), bodies.len() as u64);
        }
    }
}
