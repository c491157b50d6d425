//! `lambdaview errors`.

use std::time::Duration;

use lambdaview_queries::questions::errors;

use super::Desk;
use crate::{
    args::{ErrorsArgs, Output},
    ask::Since,
    error::Error,
    format::plural,
    render::{errors as render, fields},
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));

impl Desk<'_> {
    /// `lambdaview errors`.
    ///
    /// # Errors
    /// When the server fails, nothing is named so, or with `--fail` when there are errors.
    pub async fn errors(&self, args: &ErrorsArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json, Output::Csv])?;
        let (window, _) = self.window(DEFAULT_SINCE);
        let functions = self.functions_of(&args.functions).await?;
        let groups = errors::groups(self.session, &functions, window).await.map_err(|fault| self.fault(fault))?;
        let shown = &groups[..groups.len().min(args.lines)];
        let all = || shown.iter().map(render::fields).collect::<Vec<_>>();
        match output {
            Output::Json => self.write(&fields::json(&all()))?,
            Output::Csv => self.write(&fields::csv(&all()))?,
            _ if groups.is_empty() => self.say("no errors in this time"),
            _ => {
                let (left_out, now) = (groups.len() - shown.len(), self.session.opened_at());
                self.write(&render::draw(shown, left_out, now, self.look.columns, self.paint()))?;
            }
        }
        let count: u64 = groups.iter().map(|group| group.count).sum();
        match count {
            1.. if args.fail => Err(Error::Threshold {
                what: format!("{} of {}", plural(count, "error"), plural(groups.len() as u64, "kind")),
            }),
            _ => Ok(()),
        }
    }
}
