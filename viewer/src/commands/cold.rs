//! `lambdaview cold`.

use std::time::Duration;

use lambdaview_queries::questions::cold;

use super::Desk;
use crate::{
    args::{ColdArgs, Output},
    ask::Since,
    error::Error,
    render::{cold as render, fields},
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));

impl Desk<'_> {
    /// `lambdaview cold`.
    ///
    /// # Errors
    /// When the server fails, or nothing is named so.
    pub async fn cold(&self, args: &ColdArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json, Output::Csv])?;
        let (window, since) = self.window(DEFAULT_SINCE);
        let functions = self.functions_of(&args.functions).await?;
        let starts = cold::starts(self.session, &functions, window).await.map_err(|fault| self.fault(fault))?;
        let prices = self.rates().lambda;
        if starts.is_empty() {
            self.say_nothing_there(since);
        }
        let all = || starts.iter().map(|one| render::fields(one, &prices)).collect::<Vec<_>>();
        match output {
            Output::Json => self.write(&fields::json(&all())),
            Output::Csv => self.write(&fields::csv(&all())),
            _ if starts.is_empty() => Ok(()),
            _ => self.write(&render::draw(&starts, &prices, self.look.columns, self.paint())),
        }
    }
}
