//! `lambdaview functions`.

use std::time::Duration;

use lambdaview_queries::questions::functions;

use super::{Desk, say_nothing_there, write};
use crate::{
    args::{FunctionsArgs, Output},
    ask::Since,
    error::Error,
    render,
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));

impl Desk<'_> {
    /// `lambdaview functions`.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn functions(&self, _args: &FunctionsArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json])?;
        let (from, since) = self.since(DEFAULT_SINCE);
        let functions = functions::functions(self.session, from).await.map_err(|fault| self.fault(fault))?;
        if functions.is_empty() {
            say_nothing_there(since);
        }
        match output {
            Output::Json => write(&functions.iter().map(render::json::function).collect::<String>()),
            Output::Pretty if functions.is_empty() => Ok(()),
            _ => {
                let now = self.session.opened_at();
                write(&render::table::functions(&functions, now, self.look.columns, self.paint()))
            }
        }
    }
}
