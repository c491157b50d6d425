//! `lambdaview cost`.

use std::{path::Path, time::Duration};

use lambdaview_queries::questions::{bytes, functions};

use super::{Desk, write};
use crate::{
    args::{CostArgs, Output},
    ask::Since,
    cost::{
        self, Measured,
        rates::{self, Rates},
    },
    error::Error,
    render,
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
        let measured = tokio::try_join!(
            bytes::logged(self.session, from),
            functions::invoked(self.session, from),
            bytes::stored(self.session),
        );
        let (logged, functions, stored) = measured.map_err(|fault| self.fault(fault))?;
        if functions.is_empty() && logged.is_empty() {
            self.say_nothing_there(since);
        }
        let report = cost::reckon(&Measured { logged, functions, stored, now }, &rates);
        match output {
            Output::Json => self.write(&render::cost::json(&report, &rates)),
            Output::Pretty if report.shares.is_empty() => Ok(()),
            _ => self.write(&render::cost::draw(&report, &rates, self.look.columns, self.paint())),
        }
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

/// `lambdaview cost --show-rates`, which asks nobody.
///
/// # Errors
/// When nobody reads on.
pub fn show_rates() -> Result<(), Error> {
    write(rates::BUILT_IN)
}
