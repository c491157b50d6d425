//! `lambdaview patterns`.

use std::time::Duration;

use lambdaview_queries::questions::samples::{self, Range};

use super::Desk;
use crate::{
    args::{Output, PatternsArgs},
    ask::Since,
    error::Error,
    format::{count, plural},
    patterns::{Miner, Report, Seen, report},
    render,
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));
/// Of more, one in so many is read, unless --max-rows says otherwise.
const MOST_LINES: u64 = 1_000_000;

impl Desk<'_> {
    /// `lambdaview patterns`.
    ///
    /// # Errors
    /// When the prices cannot be read, or the server fails.
    pub async fn patterns(&self, args: &PatternsArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json, Output::Csv])?;
        let rates = self.prices(args.rates.as_deref())?;
        let functions = self.functions_of(&args.functions).await?;
        let (window, since) = self.window(DEFAULT_SINCE);
        let filter = self.versioned(args.select.filter()?, &args.functions, DEFAULT_SINCE).await?;
        let range = Range { functions: &functions, filter: &filter, window };
        let extent = samples::extent(self.session, &range).await.map_err(|fault| self.fault(fault))?;
        let sampled = extent.lines.div_ceil(self.max_rows.unwrap_or(MOST_LINES).max(1)).max(1);
        let miner = self.mined(&range, sampled).await?;
        // From the start that was asked for, or the first line where nobody wrote before it.
        let measured = self.session.opened_at().min(window.until).saturating_sub(window.from.max(extent.first));
        let mut report = report(&miner, &args.by, sampled, measured.max(0).unsigned_abs(), &rates);
        if report.rows.is_empty() {
            self.say_nothing_there(since);
        }
        let left = cut(&mut report, args.lines);
        match output {
            Output::Json => self.write(&report.rows.iter().map(render::patterns::json).collect::<String>())?,
            Output::Csv => self.write(&self.for_eyes(render::patterns::csv(&report)))?,
            _ if report.rows.is_empty() => {}
            _ => self.write(&render::patterns::draw(&report, &args.by, self.look.columns, self.paint()))?,
        }
        self.tell(&report, left);
        Ok(())
    }

    async fn mined(&self, range: &Range<'_>, sampled: u64) -> Result<Miner, Error> {
        let mut miner = Miner::default();
        let mut lines = samples::samples(self.session, range, sampled).map_err(|fault| self.fault(fault))?;
        while let Some(line) = lines.next().await.map_err(|fault| self.fault(fault))? {
            miner.see(&Seen {
                body: &line.body,
                bytes: line.bytes,
                function: &line.function,
                version: &line.version,
                severity: line.severity_number,
            });
        }
        Ok(miner)
    }

    /// What of it is an estimate, and what was left out.
    fn tell(&self, report: &Report, left: usize) {
        let mut said = Vec::new();
        if report.sampled > 1 {
            said.push(format!(
                "one line in {} was read: counts are estimates; --max-rows reads more",
                count(report.sampled)
            ));
        }
        if left > 0 {
            said.push(format!("{} not shown; -n shows more", plural(left as u64, "pattern")));
        }
        said.iter().for_each(|said| self.say(said));
    }
}

/// Keeps the first rows; says how many went.
fn cut(report: &mut Report, most: usize) -> usize {
    let left = report.rows.len().saturating_sub(most);
    report.rows.truncate(most);
    left
}
