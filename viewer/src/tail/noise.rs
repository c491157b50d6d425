//! The noisy-line alarm: one pattern that makes up most of what is printed is told of, once.
//!
//! A pattern is a line's words without those that hold digits. What is kept is bounded: of patterns beyond [`MOST`] only the
//! large ones stay, each with what it may have been counted too high by.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use lambdaview_queries::{filter::Pattern, questions::lines::Line};

use crate::format::{cut, inert};

/// So many patterns are counted side by side.
const MOST: usize = 128;
/// Less than this says nothing yet.
const ENOUGH_LINES: u64 = 500;
const ENOUGH_BYTES: u64 = 64 * 1024;
/// Words of a line that make its pattern.
const WORDS: usize = 12;

/// Counts the bytes of each pattern.
#[derive(Debug, Default)]
pub(super) struct Noise {
    patterns: HashMap<u64, Share>,
    lines: u64,
    bytes: u64,
    told: bool,
}

#[derive(Debug, Default)]
struct Share {
    bytes: u64,
    /// What it took over from the pattern whose place it took.
    unsure: u64,
    example: String,
}

impl Noise {
    /// Counts a line; says so if its pattern is now seen to be most of everything.
    pub(super) fn hear(&mut self, line: &Line) -> Option<String> {
        if self.told || line.body.is_empty() {
            return None;
        }
        let length = line.body.len() as u64;
        self.lines += 1;
        self.bytes += length;
        let fingerprint = fingerprint(&line.body);
        if self.patterns.len() >= MOST && !self.patterns.contains_key(&fingerprint) {
            self.take_smallest_place(fingerprint);
        }
        let share = self.patterns.entry(fingerprint).or_default();
        if share.example.is_empty() {
            share.example.push_str(&cut(line.body.lines().next().unwrap_or_default(), 200));
        }
        share.bytes += length;
        let is_most = (share.bytes - share.unsure) * 2 > self.bytes;
        self.told = is_most && self.lines >= ENOUGH_LINES && self.bytes >= ENOUGH_BYTES;
        self.told.then(|| alarm(share, self.bytes))
    }

    fn take_smallest_place(&mut self, fingerprint: u64) {
        let smallest =
            self.patterns.iter().min_by_key(|(_, share)| share.bytes).map(|(key, share)| (*key, share.bytes));
        if let Some((key, bytes)) = smallest {
            self.patterns.remove(&key);
            self.patterns.insert(fingerprint, Share { bytes, unsure: bytes, example: String::new() });
        }
    }
}

fn alarm(share: &Share, bytes: u64) -> String {
    let percent = share.bytes * 100 / bytes.max(1);
    let hide = Pattern::literal(steady(&share.example));
    let (example, hide) = (inert(cut(&share.example, 60).as_ref()).into_owned(), inert(hide.as_str()).into_owned());
    format!(
        "one pattern is {percent}% of the bytes: {example:?}; -e '{hide}' hides it, `lambdaview patterns` says what it costs"
    )
}

/// What all lines of the pattern begin with, as far as that can be told from one.
fn steady(example: &str) -> &str {
    let first_variable = example.split_inclusive(' ').scan(0, |at, word| {
        let from = *at;
        *at += word.len();
        Some((from, word))
    });
    let mut first_variable = first_variable.filter(|(_, word)| word.bytes().any(|byte| byte.is_ascii_digit()));
    let end = first_variable.next().map_or(example.len(), |(at, _)| at);
    let end = if end == 0 { example.len() } else { end };
    example[..end].trim_end()
}

fn fingerprint(body: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let first = body.lines().next().unwrap_or_default();
    for word in first.split_ascii_whitespace().take(WORDS) {
        if !word.bytes().any(|byte| byte.is_ascii_digit()) {
            word.hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: impl AsRef<str>) -> Line {
        Line { body: body.as_ref().into(), ..Line::default() }
    }

    #[test]
    fn a_pattern_that_is_most_of_everything_is_told_once() {
        let mut noise = Noise::default();
        let heard: Vec<String> = (0..5_000)
            .flat_map(|number| {
                let other =
                    format!("{} did something of its own that is not like the others", "abcdefghij".repeat(number % 7));
                [line(format!("cache miss for key user:{number} in region eu-west-1, fetched anew")), line(other)]
            })
            .filter_map(|line| noise.hear(&line))
            .collect();
        assert!(heard.is_empty(), "half is not most: {heard:?}");
        let mut noise = Noise::default();
        let heard: Vec<String> = (0..5_000)
            .map(|number| {
                if number % 3 == 0 {
                    format!("word{} {number}", number % 1_000)
                } else {
                    format!("cache miss for key user:{number}, fetched anew from its origin")
                }
            })
            .filter_map(|body| noise.hear(&line(body)))
            .collect();
        assert_eq!(heard.len(), 1);
        assert!(heard[0].contains("-e 'cache miss for key' hides it"), "{}", heard[0]);
    }

    #[test]
    fn lines_that_are_all_different_keep_no_more_than_a_bounded_number() {
        let mut noise = Noise::default();
        for number in 0..10_000_u32 {
            let word: String = number.to_string().chars().map(|digit| char::from(b'a' + digit as u8 - b'0')).collect();
            assert_eq!(noise.hear(&line(format!("{word} happened"))), None);
        }
        assert!(noise.patterns.len() <= MOST);
    }
}
