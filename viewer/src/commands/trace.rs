//! `lambdaview trace`.

use lambdaview_queries::questions::trace;

use super::{Desk, write};
use crate::{
    args::{Output, TraceArgs},
    ask::{BadId, TraceRef},
    error::Error,
    render::{self, waterfall::WaterfallStyle},
    settings::{Look, usage},
};

impl Desk<'_> {
    /// `lambdaview trace`.
    ///
    /// # Errors
    /// When the id cannot be understood or is nowhere, or the server fails.
    pub async fn trace(&self, args: &TraceArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json])?;
        let id: TraceRef = args.id.parse().map_err(|error: BadId| usage(&format!("{}: {error}", args.id), None))?;
        let found = match &id {
            TraceRef::Trace(id) => trace::trace(self.session, id).await,
            TraceRef::Invocation(id) => trace::of_invocation(self.session, id).await,
        };
        let trace = found.map_err(|fault| self.fault(fault))?;
        if trace.spans.is_empty() && trace.lines.is_empty() {
            return Err(nowhere(&id));
        }
        match output {
            Output::Json => write(&render::json::trace(&trace)),
            _ => {
                let Look { columns, zone, terminal, .. } = self.look;
                let style = WaterfallStyle { columns, zone, paint: self.paint(), cut: terminal, full: args.full };
                write(&render::waterfall::draw(&trace, style))
            }
        }
    }
}

fn nowhere(id: &TraceRef) -> Error {
    let (what, next) = match id {
        TraceRef::Trace(id) => (
            format!("no span and no log line has the trace id {id}"),
            "again in a moment if it is new: the collector batches for up to five seconds",
        ),
        TraceRef::Invocation(id) => (
            format!("no span and no log line has the request id {id}"),
            "`lambdaview tail FUNCTION` shows the request ids there are; a new one takes a few seconds to arrive",
        ),
    };
    Error::NotFound { what, similar: Vec::new(), next: next.to_owned() }
}
