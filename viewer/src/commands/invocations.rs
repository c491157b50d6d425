//! `lambdaview invocations`.

use std::time::Duration;

use lambdaview_queries::questions::{
    function::Functions,
    invocations::{self, Invocation, Wanted},
    trace::{self, Trace},
};

use super::Desk;
use crate::{
    args::{InvocationsArgs, Output},
    ask::{Amount, Since},
    error::Error,
    radar::{self, Sight, death},
    render::{
        fields,
        invocations::{self as render, Row, Style},
    },
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));
/// A request that is named is looked for further back.
const OF_ONE: Since = Since::Ago(Duration::from_secs(30 * 86_400));
const DEFAULT: u64 = 100;
/// What `-n all` means: more than anybody reads, and no more than this program has room for.
const ALL: u64 = 100_000;
/// Each death costs two questions.
const MOST_DEATHS: usize = 20;

impl Desk<'_> {
    /// `lambdaview invocations`.
    ///
    /// # Errors
    /// When the server fails, or there is no such function or request.
    pub async fn invocations(&self, args: &InvocationsArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json, Output::Csv])?;
        let (window, since) = self.window(if args.request.is_some() { OF_ONE } else { DEFAULT_SINCE });
        let wanted = wanted(args, self.functions_of(&args.functions).await?);
        let limit = match args.lines.unwrap_or(Amount::Last(DEFAULT)) {
            Amount::Last(number) => number.min(ALL),
            Amount::All => ALL,
        };
        let found = invocations::newest(self.session, &wanted, window, limit as usize).await;
        let found = found.map_err(|fault| self.fault(fault))?;
        match &args.request {
            Some(id) if found.is_empty() => return Err(no_request(id)),
            None if found.is_empty() => self.say_nothing_there(since),
            _ => {}
        }
        let sights = radar::look(&found, self.session.opened_at());
        let traces = self.traces_of_the_dead(args, &found).await?;
        let deaths: Vec<_> =
            found.iter().zip(&traces).map(|(one, trace)| trace.as_ref().map(|trace| death::of(one, trace))).collect();
        let rows = rows(&found, &sights, &deaths);
        match output {
            Output::Json => self.write(&fields::json(&rows.iter().map(render::fields).collect::<Vec<_>>())),
            Output::Csv => self.write(&fields::csv(&rows.iter().map(render::fields).collect::<Vec<_>>())),
            _ if rows.is_empty() => Ok(()),
            _ => self.write(&render::draw(&rows, self.style())),
        }
    }

    fn style(&self) -> Style {
        let now = self.session.opened_at();
        Style { columns: self.look.columns, zone: self.look.zone, paint: self.paint(), now }
    }

    /// The traces of those that died, where the deaths are wanted.
    async fn traces_of_the_dead(
        &self,
        args: &InvocationsArgs,
        found: &[Invocation],
    ) -> Result<Vec<Option<Trace>>, Error> {
        let wanted = self.look.verbose || args.request.is_some();
        let mut traces = Vec::new();
        let mut left = MOST_DEATHS;
        for invocation in found {
            let tells = wanted && left > 0 && death::died(invocation);
            left -= usize::from(tells);
            traces.push(match tells {
                true => {
                    let trace = trace::of_invocation(self.session, &invocation.request_id).await;
                    Some(trace.map_err(|fault| self.fault(fault))?)
                }
                false => None,
            });
        }
        Ok(traces)
    }
}

fn wanted(args: &InvocationsArgs, functions: Functions) -> Wanted {
    Wanted {
        request_id: args.request.as_ref().map(|id| id.trim().to_ascii_lowercase()),
        failed: args.failed,
        timeout: args.timed_out,
        oom: args.oom,
        cold: args.cold,
        near: args.near,
        slow: args.slow.map(|slow| u64::try_from(slow.as_nanos()).unwrap_or(u64::MAX)),
        ..Wanted::of(functions)
    }
}

fn rows<'a>(found: &'a [Invocation], sights: &[Sight], deaths: &'a [Option<death::Death<'a>>]) -> Vec<Row<'a>> {
    let all = found.iter().zip(sights).zip(deaths);
    all.map(|((invocation, sight), death)| Row { invocation, sight: *sight, death: death.as_ref() }).collect()
}

fn no_request(id: &str) -> Error {
    Error::NotFound {
        what: format!("no invocation has the request id {id}"),
        similar: Vec::new(),
        next: "`lambdaview invocations FUNCTION` shows those there are; a new one takes a few seconds to arrive"
            .to_owned(),
    }
}
