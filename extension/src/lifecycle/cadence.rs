//! Flush mode `auto`: whether an invocation is held for its flush, decided by when the last invocations arrived.
//!
//! A pure fold over arrival times, asked once at the start of each invocation. A function invoked rarely is flushed at the
//! end of each invocation: one round trip is a small price, and nothing stays behind. A function invoked often is flushed in
//! the background, overlapped with its handler: it is held for nothing, and what an invocation leaves behind goes with the
//! next one, a moment later.
//!
//! What is at risk: the last lines of a burst, when no invocation follows it. The environment is frozen then, and nothing can
//! be sent from it before the next invocation or the SHUTDOWN; they are late, not lost. So the background is entered only on
//! good evidence (eight arrivals within ten seconds), left at the first pause of five seconds (that invocation is flushed at
//! its end, and takes along what lay behind), and left when the rate has more than halved (eight arrivals in over twenty-five
//! seconds). Between the two rates the last decision stands, so that a rate on the edge does not switch back and forth.
//!
//! The table is this file's own test: arrivals in seconds, and how the last of them is flushed.
//!
//! | arrivals | the last one's flush | why |
//! |---|---|---|
//! | 0 | end | nothing is known yet |
//! | 0 1 2 3 4 5 6 | end | seven are no evidence |
//! | 0 1 2 3 4 5 6 7 | background | eight within ten seconds |
//! | 0 0 0 0 0 0 0 0 | background | a burst is the plainest case |
//! | 0 10 20 30 40 50 60 70 80 | end | a steady trickle |
//! | 0 2 4 6 8 10 12 14 | end | eight within fourteen seconds do not suffice to enter |
//! | 0 1 2 3 4 5 6 7 11 15 19 23 27 | background | but they suffice to stay |
//! | 0 1 2 3 4 5 6 7 11 15 19 23 27 31 35 | end | eight within twenty-eight do not |
//! | 0 1 2 3 4 5 6 7 8 13 | end | a pause of five seconds: the burst may be over |
//! | 0 1 2 3 4 5 6 7 8 13 14 15 16 17 | end | after a pause the evidence is gathered anew |
//! | 0 1 2 3 4 5 6 7 8 13 14 15 16 17 18 19 20 | background | and suffices again |
//! | 0 1 2 3 4 5 6 7 600 | end | the environment slept |
//! | 10 11 12 13 14 15 16 17 3 | end | a clock that was set back is no evidence |

use crate::flow::UnixNanos;

const SECOND: UnixNanos = 1_000_000_000;

/// So many arrivals are evidence.
const WINDOW: usize = 8;
/// The background is entered when the window is no longer than this.
const ENTER: UnixNanos = 10 * SECOND;
/// It is left when the window is longer than this.
const LEAVE: UnixNanos = 25 * SECOND;
/// A pause after which nothing that was known counts.
const PAUSE: UnixNanos = 5 * SECOND;

/// How one invocation is flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// At its end, which waits for it.
    End,
    /// Beside it: it waits for nothing.
    Background,
}

/// The last arrivals, and what was decided.
#[derive(Debug)]
pub(super) struct Cadence {
    /// The last of them, oldest first; as many as `known` says.
    arrivals: [UnixNanos; WINDOW],
    known: usize,
    pace: Pace,
}

impl Cadence {
    /// Before anything.
    pub(super) const fn new() -> Self {
        Self { arrivals: [0; WINDOW], known: 0, pace: Pace::End }
    }

    /// An invocation arrives at `now`: how it is flushed.
    pub(super) fn arrived(&mut self, now: UnixNanos) -> Pace {
        let newest = self.arrivals[WINDOW - 1];
        if self.known > 0 && (now < newest || now - newest >= PAUSE) {
            *self = Self::new();
        }
        self.arrivals.rotate_left(1);
        self.arrivals[WINDOW - 1] = now;
        self.known = (self.known + 1).min(WINDOW);
        self.pace = self.decide(now - self.arrivals[0]);
        self.pace
    }

    const fn decide(&self, window: UnixNanos) -> Pace {
        match self.pace {
            _ if self.known < WINDOW => Pace::End,
            _ if window <= ENTER => Pace::Background,
            _ if window > LEAVE => Pace::End,
            pace => pace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table above: arrivals and the last one's pace.
    fn table() -> Vec<(Vec<UnixNanos>, Pace)> {
        let rows = include_str!("cadence.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
        let rows = rows.filter(|row| row.starts_with(|first: char| first.is_ascii_digit()));
        rows.map(|row| {
            let mut cells = row.split('|').map(str::trim);
            let arrivals = cells.next().unwrap().split(' ').map(|second| second.parse::<u64>().unwrap() * SECOND);
            let pace = match cells.next().unwrap() {
                "end" => Pace::End,
                "background" => Pace::Background,
                other => panic!("{other} is no pace"),
            };
            (arrivals.collect(), pace)
        })
        .collect()
    }

    #[test]
    fn every_row_of_the_documented_table_is_decided_as_it_says() {
        let table = table();
        assert_eq!(table.len(), 13);
        for (arrivals, expected) in table {
            let mut cadence = Cadence::new();
            let paces = arrivals.iter().map(|at| cadence.arrived(1_000 * SECOND + at));
            assert_eq!(paces.last(), Some(expected), "{arrivals:?}");
        }
    }

    #[test]
    fn a_rate_on_the_edge_does_not_switch_back_and_forth() {
        let mut cadence = Cadence::new();
        let mut at = 1_000 * SECOND;
        // A second and a half apart, now and then a bit slower: entered once, never left.
        let paces: Vec<Pace> = (0..200)
            .map(|nth| {
                at += if nth % 2 == 0 { 2 * SECOND } else { SECOND };
                cadence.arrived(at)
            })
            .collect();
        let switches = paces.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!((switches, paces.last()), (1, Some(&Pace::Background)));
    }
}
