//! How functions started: their inits and restores, by version and size.

use clickhouse::Row;
use serde::Deserialize;

use super::{Fault, Session, Text, function::Functions, question::Question};
use crate::window::Window;

/// How a function's environments of one version and size started in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Starts {
    /// `faas.name`, else the service.
    pub function: String,
    /// `faas.version`, or nothing.
    pub version: String,
    /// Bytes of memory configured.
    pub memory_size: Option<u64>,
    /// `host.arch`, or nothing.
    pub arch: String,
    /// Its invocations.
    pub invocations: u64,
    /// Those that waited for a start.
    pub cold: u64,
    /// Inits, those too that no request waited for.
    pub inits: u64,
    /// Inits that no request waited for.
    pub unseen: u64,
    /// Milliseconds of all inits together.
    pub init_ms: f64,
    /// The median, the 95th and the 99th percentile of an init, in milliseconds; `None` where there is none.
    pub init: Option<[f64; 3]>,
    /// Restores of snapshots.
    pub restores: u64,
    /// As for inits.
    pub restore: Option<[f64; 3]>,
}

#[derive(Row, Deserialize)]
struct Started {
    function: Text,
    version: Text,
    max_memory: Text,
    arch: Text,
    invocations: u64,
    cold: u64,
    inits: u64,
    unseen: u64,
    init_ms: f64,
    init_quantiles: Vec<f64>,
    restores: u64,
    restore_quantiles: Vec<f64>,
}

/// How functions started in a window, the one with the most cold starts first. What spans tell counts; of a function whose spans tell
/// of no start the platform's reports do, where there are any.
///
/// # Errors
/// When the server does not answer.
pub async fn starts(session: &Session, functions: &Functions, window: Window) -> Result<Vec<Starts>, Fault> {
    let spans = Question::new(include_str!("../../sql/questions/cold_starts_by_spans.sql")).of(functions);
    let spans = session.ask_traces(spans).param("from", window.from).param("until", window.until);
    let reports = Question::new(include_str!("../../sql/questions/cold_starts_by_reports.sql")).of(functions);
    let reports = session.ask_logs(reports).param("from", window.from).param("until", window.until);
    let (spans, reports) = tokio::try_join!(session.all::<Started>(spans), session.all::<Started>(reports))?;
    let all = |rows: Vec<Started>| rows.into_iter().map(Starts::from).collect::<Vec<_>>();
    let mut starts = choose(all(spans), all(reports));
    starts.sort_by(|a, b| {
        b.cold.cmp(&a.cold).then_with(|| a.function.cmp(&b.function)).then_with(|| a.version.cmp(&b.version))
    });
    Ok(starts)
}

fn choose(spans: Vec<Starts>, reports: Vec<Starts>) -> Vec<Starts> {
    let tells =
        |function: &str| spans.iter().any(|one| one.function == function && one.inits + one.restores + one.cold > 0);
    let mut chosen: Vec<Starts> = reports.into_iter().filter(|one| !tells(&one.function)).collect();
    let has_reports: Vec<String> = chosen.iter().map(|one| one.function.clone()).collect();
    chosen.extend(spans.into_iter().filter(|one| !has_reports.contains(&one.function)));
    chosen
}

/// Bytes, of what is bytes as the conventions have it, or megabytes as Lambda's variable has it.
fn memory(text: &str) -> Option<u64> {
    /// Lambda's largest size, in megabytes, is far below its smallest in bytes.
    const MOST_MEGABYTES: u64 = 1 << 20;
    let number: u64 = text.parse().ok().filter(|number| *number > 0)?;
    Some(if number < MOST_MEGABYTES { number << 20 } else { number })
}

fn quantiles(numbers: &[f64]) -> Option<[f64; 3]> {
    let numbers: [f64; 3] = numbers.try_into().ok()?;
    numbers.iter().all(|number| number.is_finite()).then_some(numbers)
}

impl From<Started> for Starts {
    fn from(row: Started) -> Self {
        Self {
            memory_size: memory(&row.max_memory),
            init: quantiles(&row.init_quantiles),
            restore: quantiles(&row.restore_quantiles),
            function: row.function.into(),
            version: row.version.into(),
            arch: row.arch.into(),
            invocations: row.invocations,
            cold: row.cold,
            inits: row.inits,
            unseen: row.unseen,
            init_ms: row.init_ms,
            restores: row.restores,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes_or_in_lambdas_megabytes() {
        assert_eq!(
            ["268435456", "256", "", "0", "x"].map(memory),
            [Some(256 << 20), Some(256 << 20), None, None, None]
        );
    }

    #[test]
    fn reports_tell_of_a_function_whose_spans_do_not() {
        let of = |function: &str, cold| Starts { function: function.to_owned(), cold, ..Starts::default() };
        let chosen = choose(vec![of("a", 1), of("b", 0), of("c", 0)], vec![of("a", 2), of("b", 3)]);
        assert_eq!(chosen, [of("b", 3), of("a", 1), of("c", 0)]);
    }
}
