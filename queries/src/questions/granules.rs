//! A sample of a table: the same number of rows from the starts of some granules, which are spread evenly over the parts.
//!
//! What is read of it does not grow with the table, but for the primary index, which has an entry for some thousands of rows.

use clickhouse::Row;
use serde::Deserialize;

use super::{Asked, Fault, Session};
use crate::window::Nanos;

/// Where to begin, and how much to read of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Granules.
    pub(super) granules: u64,
    /// Rows of each.
    pub(super) rows: u64,
}

/// Rows of a table that stand for all those of the days since a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    starts: Vec<u64>,
    length: u64,
    /// Rows in it.
    pub(super) rows: u64,
    /// Rows that it stands for.
    pub(super) of: u64,
}

#[derive(Row, Deserialize)]
struct Granule {
    start: u64,
    rows: u64,
    all: u64,
}

/// Chooses the rows; `None` where nothing tells of the granules: a table over several servers, or an old server.
///
/// # Errors
/// When the server does not answer.
pub(super) async fn sample(session: &Session, table: &str, from: Nanos, size: Size) -> Result<Option<Sample>, Fault> {
    let query = session.ask(include_str!("../../sql/questions/granules.sql"));
    let query = query.param("table", table).param("from", from).param("samples", size.granules);
    let granules = unless_refused(session.all::<Granule>(query).await)?;
    Ok(granules.map(|granules| of(&granules, size.rows)))
}

/// The answer, where the server has one: an older one lacks the words, and a table over several servers its granules.
pub(super) fn unless_refused<T>(answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.is_passing() => Err(fault),
        Err(_) => Ok(None),
    }
}

fn of(granules: &[Granule], length: u64) -> Sample {
    Sample {
        starts: granules.iter().map(|granule| granule.start).collect(),
        length,
        rows: granules.iter().map(|granule| granule.rows.min(length)).sum(),
        of: granules.first().map_or(0, |granule| granule.all),
    }
}

impl Sample {
    /// Stretches of `length` rows from these starts on, of `of` rows.
    #[cfg(test)]
    pub(super) fn of_starts(starts: Vec<u64>, length: u64, of: u64) -> Self {
        let rows = starts.len() as u64 * length;
        Self { starts, length, rows, of }
    }

    /// A question about these rows.
    pub(super) fn bind(&self, question: Asked) -> Asked {
        question.param("starts", &self.starts[..]).param("length", self.length)
    }

    /// Whether what lies in the `nth` stretch between these rows goes on neither before nor after it.
    pub(super) fn is_inside(&self, nth: u64, first_row: u64, last_row: u64) -> bool {
        let start = usize::try_from(nth).ok().and_then(|nth| self.starts.get(nth));
        start.is_some_and(|start| *start < first_row && last_row + 1 < start + self.length)
    }

    /// For how many rows each stands.
    pub(super) fn weight(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.of as f64 / self.rows as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stands_for_as_many_as_there_are_for_each_that_is_read() {
        let granule = |start, rows| Granule { start, rows, all: 20_000 };
        let sample = of(&[granule(0, 8_192), granule(16_384, 100)], 256);
        assert_eq!((sample.rows, sample.starts.clone()), (356, vec![0, 16_384]));
        assert!((sample.weight() - 20_000.0 / 356.0).abs() < 1e-9);
        assert_eq!(of(&[], 256).weight(), 0.0);
        assert!(sample.is_inside(1, 16_385, 16_400) && !sample.is_inside(1, 16_384, 16_400));
        assert!(!sample.is_inside(0, 1, 255) && !sample.is_inside(2, 1, 2));
    }
}
