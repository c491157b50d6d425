//! `lambdaview environments`.

use std::{cmp::Reverse, time::Duration};

use lambdaview_queries::questions::{
    environments,
    invocations::{self, Wanted},
};

use super::Desk;
use crate::{
    args::{EnvironmentsArgs, Output},
    ask::Since,
    error::Error,
    lanes::{Lane, lanes},
    render::{
        environments::{self as render, Style},
        fields,
    },
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));
/// More than a picture shows, and no more than this program has room for.
const MOST: usize = 50_000;

impl Desk<'_> {
    /// `lambdaview environments`.
    ///
    /// # Errors
    /// When the server fails, nothing is named so, or nobody says which environment is which.
    pub async fn environments(&self, args: &EnvironmentsArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json, Output::Csv])?;
        let (window, since) = self.window(DEFAULT_SINCE);
        let functions = self.functions_of(&args.functions).await?;
        let wanted = Wanted::of(functions.clone());
        let asked = tokio::try_join!(
            invocations::without_lines(self.session, &wanted, window, MOST),
            environments::starts(self.session, &functions, window, MOST as u64),
        );
        let (invocations, starts) = asked.map_err(|fault| self.fault(fault))?;
        if invocations.is_empty() && starts.is_empty() {
            self.say_nothing_there(since);
            return Ok(());
        }
        let lanes = newest(lanes(&invocations, &starts), args.lines);
        if lanes.is_empty() {
            return Err(nameless());
        }
        let all = || lanes.iter().map(render::fields).collect::<Vec<_>>();
        match output {
            Output::Json => self.write(&fields::json(&all())),
            Output::Csv => self.write(&fields::csv(&all())),
            _ => self.write(&render::draw(&lanes, self.lane_style())),
        }
    }

    fn lane_style(&self) -> Style {
        let paint = self.paint();
        Style { columns: self.look.columns, zone: self.look.zone, paint, ascii: self.look.ascii }
    }
}

/// Those that were used last, the first one first.
fn newest(mut lanes: Vec<Lane>, most: usize) -> Vec<Lane> {
    lanes.sort_by_key(|lane| Reverse(lane.until()));
    lanes.truncate(most);
    lanes.sort_by_key(Lane::from);
    lanes
}

fn nameless() -> Error {
    Error::NotFound {
        what: "no record of these invocations names its execution environment".to_owned(),
        similar: Vec::new(),
        next: "a sender that sets the resource attribute faas.instance, as lambdaview's extension does".to_owned(),
    }
}
