//! `lambdaview tail`: from what was typed to [`crate::tail`].

use std::io::{self, BufWriter};

use super::Desk;
use crate::{
    args::{Output, TailArgs},
    error::Error,
    render::line::LineStyle,
    tail::{self, Format, Printer, Tail},
};

/// Large enough that a flood of lines is not a flood of system calls.
const BUFFER: usize = 64 * 1024;

impl Desk<'_> {
    /// `lambdaview tail`.
    ///
    /// # Errors
    /// Those of [`tail::run`].
    pub async fn tail(&self, args: &TailArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json])?;
        let tail = Tail {
            function: args.function.clone(),
            since: self.span.since,
            lines: args.lines,
            follow: !args.no_follow,
            attributes: output == Output::Json,
        };
        let format = match output {
            Output::Json => Format::Json,
            _ => Format::Pretty(LineStyle { zone: self.look.zone, paint: self.paint(), now: self.session.opened_at() }),
        };
        let out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        let mut printer = Printer::new(out, Box::new(io::stderr()), format, &tail.function);
        let ended = crate::interrupt::unless_interrupted(tail::run(self.session, self.at, &tail, &mut printer)).await;
        if tail.follow && !matches!(ended, Err(Error::Closed | Error::NotFound { .. })) {
            printer.account()?;
        }
        ended
    }
}
