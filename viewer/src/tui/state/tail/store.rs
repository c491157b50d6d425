//! Lines in little memory: packed in chunks, numbered in the order in which they are shown, the oldest let go first.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use lambdaview_queries::questions::lines::Line;

use crate::ask::Nanos;

/// A line's number: they follow each other without a gap, and older lines read later have lower ones.
pub type Number = i64;

/// Lines in a chunk: letting one go frees memory at once. Each has four words at most, which 16 bits count.
const CHUNK: usize = 4_096;
/// Bodies in a chunk.
const CHUNK_BYTES: usize = 1 << 20;
/// Of a longer body only the start is kept here; the detail of a line reads it whole.
const LONGEST: usize = 256 * 1024;

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored<'a> {
    /// When it was written.
    pub time: Nanos,
    /// OpenTelemetry's severity.
    pub severity: u8,
    /// Its function.
    pub function: &'a str,
    /// Its invocation, or nothing.
    pub invocation: &'a str,
    /// Its trace, or nothing.
    pub trace: &'a str,
    /// Its span, or nothing.
    pub span: &'a str,
    /// What was logged.
    pub body: &'a str,
    /// By how many nanoseconds it came too late for its place.
    pub late: Option<u64>,
}

/// A line in 32 bytes: a million of them is what a screen may have behind it.
#[derive(Clone, Copy, Debug)]
struct Packed {
    time: Nanos,
    identity: u64,
    /// Where its body ends; it begins where that of the line before it ends.
    end: u32,
    function: u16,
    invocation: u16,
    trace: u16,
    span: u16,
    how: How,
}

const _: () = assert!(size_of::<Packed>() == 32);

/// How late a line was, in hundredths of a second and one more (0 is punctual), above its severity.
#[derive(Clone, Copy, Debug)]
struct How(u32);

impl How {
    const UNIT: u64 = 10_000_000;
    const MOST: u64 = (1 << 24) - 2;

    fn new(late: Option<u64>, severity: u8) -> Self {
        let late = late.map_or(0, |nanos| (nanos / Self::UNIT).min(Self::MOST) + 1);
        Self(u32::try_from(late << 8).expect("it was bounded") | u32::from(severity))
    }

    const fn severity(self) -> u8 {
        self.0.to_le_bytes()[0]
    }

    fn late(self) -> Option<u64> {
        (self.0 >> 8).checked_sub(1).map(|late| u64::from(late) * Self::UNIT)
    }
}

#[derive(Debug, Default)]
struct Chunk {
    first: Number,
    rows: Vec<Packed>,
    bodies: String,
    words: Vec<Box<str>>,
    known: HashMap<Box<str>, u16>,
    bytes_of_words: usize,
}

impl Chunk {
    fn has_room(&self) -> bool {
        self.rows.len() < CHUNK && self.bodies.len() < CHUNK_BYTES
    }

    fn push(&mut self, line: &Line, late: Option<u64>) {
        self.bodies.push_str(start_of(&line.body));
        let packed = Packed {
            time: line.time,
            identity: identity(line),
            end: u32::try_from(self.bodies.len()).expect("a chunk's bodies are bounded"),
            function: self.word(&line.function),
            invocation: self.word(&line.invocation_id),
            trace: self.word(&line.trace_id),
            span: self.word(&line.span_id),
            how: How::new(late, line.severity_number),
        };
        self.rows.push(packed);
    }

    /// Ids repeat from line to line: each is kept once.
    fn word(&mut self, word: &str) -> u16 {
        if let Some(at) = self.known.get(word) {
            return *at;
        }
        let at = u16::try_from(self.words.len()).expect("a chunk's words are bounded");
        self.words.push(word.into());
        self.known.insert(word.into(), at);
        // Twice the text, and what a box and an entry of the map take.
        self.bytes_of_words += 2 * word.len() + 64;
        at
    }

    fn row(&self, at: usize) -> Stored<'_> {
        let row = &self.rows[at];
        let word = |at: u16| &*self.words[usize::from(at)];
        let start = at.checked_sub(1).map_or(0, |before| self.rows[before].end);
        Stored {
            time: row.time,
            severity: row.how.severity(),
            function: word(row.function),
            invocation: word(row.invocation),
            trace: word(row.trace),
            span: word(row.span),
            body: &self.bodies[start as usize..row.end as usize],
            late: row.how.late(),
        }
    }

    fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Packed>() + self.bodies.capacity() + self.bytes_of_words
    }

    /// No more lines come: what was kept ready for them goes.
    fn close(&mut self) {
        self.rows.shrink_to_fit();
        self.bodies.shrink_to_fit();
        self.known = HashMap::new();
    }
}

/// The lines that are here.
#[derive(Debug, Default)]
pub struct Store {
    chunks: VecDeque<Chunk>,
    /// The time of the newest line that was let go: older ones are read again up to here.
    gone: Nanos,
}

impl Store {
    /// The number of the first line.
    #[must_use]
    pub fn first(&self) -> Number {
        self.chunks.front().map_or(0, |chunk| chunk.first)
    }

    /// The number after the last line.
    #[must_use]
    pub fn end(&self) -> Number {
        self.chunks.back().map_or(0, |chunk| chunk.first + chunk.rows.len() as Number)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.end() - self.first()).unwrap_or_default()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much memory they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(Chunk::bytes).sum()
    }

    /// A line.
    #[must_use]
    pub fn get(&self, number: Number) -> Option<Stored<'_>> {
        let chunk = self.chunks.partition_point(|chunk| chunk.first <= number).checked_sub(1)?;
        let chunk = &self.chunks[chunk];
        let at = usize::try_from(number - chunk.first).ok()?;
        (at < chunk.rows.len()).then(|| chunk.row(at))
    }

    /// Lines from one number on, and their numbers.
    pub fn from(&self, number: Number) -> impl Iterator<Item = (Number, Stored<'_>)> {
        (number.max(self.first())..self.end()).filter_map(|number| Some((number, self.get(number)?)))
    }

    /// Adds a line at the end.
    pub fn push(&mut self, line: &Line, late: Option<u64>) {
        if !self.chunks.back().is_some_and(Chunk::has_room) {
            let first = self.end();
            if let Some(chunk) = self.chunks.back_mut() {
                chunk.close();
            }
            self.chunks.push_back(Chunk { first, ..Chunk::default() });
        }
        self.chunks.back_mut().expect("there is a chunk with room").push(line, late);
    }

    /// Adds lines before the first, oldest first; those that are here already are left out. How many were added.
    pub fn prepend(&mut self, lines: &[Line]) -> usize {
        let mut here = self.identities_until(self.boundary());
        // Lines that are alike in all are legal: as many of them are left out as are here.
        let mut is_here = |line: &Line| {
            let left = here.get_mut(&identity(line)).filter(|left| **left > 0);
            left.map(|left| *left -= 1).is_some()
        };
        let mut chunks = vec![Chunk::default()];
        for line in lines.iter().filter(|line| !is_here(line)) {
            if !chunks.last().is_some_and(Chunk::has_room) {
                chunks.push(Chunk::default());
            }
            chunks.last_mut().expect("there is a chunk with room").push(line, None);
        }
        let added = chunks.iter().map(|chunk| chunk.rows.len()).sum();
        let mut first = self.first();
        for mut chunk in chunks.into_iter().rev().filter(|chunk| !chunk.rows.is_empty()) {
            first -= chunk.rows.len() as Number;
            chunk.first = first;
            chunk.close();
            self.chunks.push_front(chunk);
        }
        self.gone = 0;
        added
    }

    /// Up to which time, itself included, older lines are to be read.
    #[must_use]
    pub fn boundary(&self) -> Nanos {
        self.get(self.first()).map_or(0, |line| line.time).max(self.gone)
    }

    /// Lets go of the oldest lines until the rest takes at most `bytes`; of none from `keep` on.
    pub fn shrink(&mut self, bytes: usize, keep: Number) {
        while self.bytes() > bytes && self.chunks.len() > 1 && self.chunks[1].first <= keep {
            let chunk = self.chunks.pop_front().expect("there are two");
            let newest = chunk.rows.iter().map(|row| row.time).max().unwrap_or_default();
            self.gone = self.gone.max(newest);
        }
    }

    fn identities_until(&self, time: Nanos) -> HashMap<u64, u32> {
        let mut times = HashMap::new();
        for row in self.chunks.iter().flat_map(|chunk| &chunk.rows).filter(|row| row.time <= time) {
            *times.entry(row.identity).or_default() += 1;
        }
        times
    }
}

/// What tells a line from others: where its row lies, and on tables that do not keep that, what is in it.
fn identity(line: &Line) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line.time, &line.partition, line.block, line.offset).hash(&mut hasher);
    (&line.invocation_id, &line.span_id, &line.body).hash(&mut hasher);
    hasher.finish()
}

fn start_of(body: &str) -> &str {
    let end = (0..=LONGEST.min(body.len())).rev().find(|at| body.is_char_boundary(*at)).unwrap_or_default();
    &body[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: i64) -> Line {
        Line { time: n, body: format!("line {n}").as_str().into(), offset: n.unsigned_abs(), ..Line::default() }
    }

    fn bodies(store: &Store) -> Vec<String> {
        store.from(Number::MIN).map(|(_, line)| line.body.to_owned()).collect()
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let mut store = Store::default();
        let mut put = line(7);
        (put.severity_number, put.function, put.trace_id) = (17, "charge".into(), "abc".into());
        store.push(&put, Some(3_200_000_000));
        let got = store.get(0).unwrap();
        assert_eq!((got.time, got.severity, got.function, got.trace, got.body), (7, 17, "charge", "abc", "line 7"));
        assert_eq!((got.late, got.invocation), (Some(3_200_000_000), ""));
        assert_eq!((store.get(1), store.get(-1)), (None, None));
    }

    #[test]
    fn what_was_let_go_is_read_again_without_a_gap_and_without_a_double() {
        let mut store = Store::default();
        let all: Vec<Line> = (0..40_000).map(line).collect();
        all.iter().for_each(|line| store.push(line, None));
        store.shrink(1 << 20, Number::MAX);
        let first = store.first();
        assert!(first > 0 && store.bytes() <= 1 << 20);
        // As the server answers: the last lines up to the boundary, which are here in part.
        let boundary = store.boundary();
        let older: Vec<Line> =
            all.iter().filter(|line| line.time <= boundary && line.time > boundary - 9).cloned().collect();
        assert_eq!(store.prepend(&older), 8);
        assert_eq!(store.first(), first - 8);
        let times: Vec<_> = store.from(Number::MIN).map(|(_, line)| line.time).collect();
        assert!(times.windows(2).all(|two| two[0] + 1 == two[1]));
    }

    #[test]
    fn a_late_line_that_is_here_is_not_read_a_second_time() {
        let mut store = Store::default();
        store.push(&line(100), None);
        store.push(&line(50), Some(50));
        assert_eq!(store.prepend(&[line(49), line(50), line(51)]), 2);
        assert_eq!(bodies(&store), ["line 49", "line 51", "line 100", "line 50"]);
    }

    #[test]
    fn what_is_looked_at_is_not_let_go() {
        let mut store = Store::default();
        (0..20_000).map(line).for_each(|line| store.push(&line, None));
        store.shrink(0, 5_000);
        assert!(store.get(5_000).is_some() && store.get(4_095).is_none());
    }

    #[test]
    fn a_million_short_lines_take_less_than_the_viewer_may_have() {
        let mut store = Store::default();
        let mut line = line(0);
        for n in 0..100_000_i64 {
            (line.time, line.offset) = (n, n.unsigned_abs());
            line.invocation_id = format!("{:08}-3f0e-4a53-9d0c-0a6d6c4f1b11", n / 10).as_str().into();
            store.push(&line, None);
        }
        assert!(store.bytes() * 10 < 128 << 20, "{}", store.bytes());
    }
}
