//! `lambdaview trace`.

use lambdaview_queries::questions::trace as question;

use super::Desk;
use crate::{
    args::{Output, TraceArgs},
    ask::{BadId, TraceRef},
    error::Error,
    render::{self, waterfall::WaterfallStyle},
    settings::{Look, usage},
    trace::Shown,
    tui::state::{Screen, trace::Waterfall},
};

/// The viewer's screen of what was typed.
///
/// # Errors
/// When the id cannot be understood.
pub fn screen(args: &TraceArgs) -> Result<Screen, Error> {
    Ok(Screen::Trace(Box::new(Waterfall::of(id(args)?).showing(shown(args)))))
}

fn id(args: &TraceArgs) -> Result<TraceRef, Error> {
    args.id.parse().map_err(|error: BadId| usage(&format!("{}: {error}", args.id), None))
}

impl Desk<'_> {
    /// `lambdaview trace`.
    ///
    /// # Errors
    /// When the id cannot be understood or is nowhere, or the server fails.
    pub async fn trace(&self, args: &TraceArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json, Output::Csv])?;
        let id = id(args)?;
        let found = match &id {
            TraceRef::Trace(id) => question::trace(self.session, id).await,
            TraceRef::Invocation(id) => question::of_invocation(self.session, id).await,
        };
        let trace = found.map_err(|fault| self.fault(fault))?;
        if trace.spans.is_empty() && trace.lines.is_empty() {
            return Err(nowhere(&id));
        }
        match output {
            Output::Json => self.write(&render::trace::json(&trace, shown(args))),
            Output::Csv => self.write(&render::trace::csv(&trace, shown(args))),
            _ => {
                let Look { columns, zone, terminal, ascii, .. } = self.look;
                let style = WaterfallStyle {
                    columns,
                    zone,
                    paint: self.paint(),
                    cut: terminal,
                    full: args.full,
                    ascii,
                    shown: shown(args),
                };
                self.write(&render::waterfall::draw(&trace, style))
            }
        }
    }
}

fn shown(args: &TraceArgs) -> Shown {
    Shown {
        logs: !args.no_logs,
        flat: args.flat,
        errors: args.errors,
        depth: args.depth.map(|depth| usize::try_from(depth).unwrap_or(usize::MAX)),
        ..Shown::default()
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
