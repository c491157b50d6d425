//! `lambdaview cost`.

use std::{path::Path, time::Duration};

use lambdaview_queries::questions::{
    bytes,
    measures::{self, Measures, Reading},
};

use super::{Desk, write};
use crate::{
    args::{CostArgs, Output},
    ask::{Nanos, Since},
    cost::{
        self, Measured,
        rates::{self, Rates},
    },
    error::Error,
    format, render,
    settings::usage,
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(86_400));

impl Desk<'_> {
    /// `lambdaview cost`.
    ///
    /// # Errors
    /// When the prices cannot be read, or the server fails.
    pub async fn cost(&self, args: &CostArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json])?;
        let rates = self.prices(args.rates.as_deref())?;
        let now = self.session.opened_at();
        let (from, since) = self.since(DEFAULT_SINCE);
        let measures = self.measures(args.exact, from).await?;
        let stored = bytes::stored(self.session).await.map_err(|fault| self.fault(fault))?;
        if measures.functions.is_empty() && measures.logged.is_empty() {
            self.say_nothing_there(since);
        }
        let report = cost::reckon(&Measured { measures, stored, now }, &rates);
        match output {
            Output::Json => self.write(&render::cost::json(&report, &rates)),
            Output::Pretty if report.shares.is_empty() => Ok(()),
            _ => self.write(&render::cost::draw(&report, &rates, self.look.columns, self.paint())),
        }
    }

    /// Every record where that is asked for, else what is cheapest to read. What reading all of many comes to is said before it is done.
    async fn measures(&self, exact: bool, from: Nanos) -> Result<Measures, Error> {
        let announce = |reading: &Reading| {
            if !self.look.quiet {
                self.say(&announced(reading));
            }
        };
        let measures = if exact {
            announce(&measures::reading(self.session).await.map_err(|fault| self.fault(fault))?);
            measures::exact(self.session, from).await
        } else {
            measures::cheapest(self.session, from, announce).await
        };
        measures.map_err(|fault| self.fault(fault))
    }

    /// The prices of a file, else of the configuration, else the built-in ones.
    pub(super) fn prices(&self, file: Option<&Path>) -> Result<Rates, Error> {
        let Some(file) = file else { return Ok(self.rates()) };
        let shown = file.display();
        let next = Some("`lambdaview cost --show-rates` prints the form");
        let text = std::fs::read_to_string(file)
            .map_err(|error| usage(&format!("the prices in {shown} cannot be read: {error}"), next))?;
        Rates::parse(&text)
            .map_err(|error| usage(&format!("the prices in {shown} cannot be understood: {error}"), next))
    }
}

/// What is going to be read of tables of this size.
fn announced(reading: &Reading) -> String {
    let size = match reading.bytes {
        0 => "the server does not tell how many bytes".to_owned(),
        bytes => format!("{} and more", format::bytes(bytes)),
    };
    match (reading.records, reading.spans) {
        (0, 0) => "reading every log record and span of that time; the server does not tell how many".to_owned(),
        (records, spans) => format!(
            "reading every record of that time; the tables hold {} and {}, {size}",
            format::plural(records, "log record"),
            format::plural(spans, "span"),
        ),
    }
}

/// `lambdaview cost --show-rates`, which asks nobody.
///
/// # Errors
/// When nobody reads on.
pub fn show_rates() -> Result<(), Error> {
    write(rates::BUILT_IN)
}
