//! `lambdaview logs`: the lines that are there, through a pager where a person reads them.

use std::{
    io,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::Desk;
use crate::{
    args::LogsArgs,
    error::Error,
    interrupt,
    settings::usage,
    tail::{self, Outlet, Pipeline},
};

const DEFAULT_SINCE: Duration = Duration::from_secs(3_600);

impl Desk<'_> {
    /// `lambdaview logs`.
    ///
    /// # Errors
    /// Those of [`tail::run`] and of the verdict on what was seen; when the pager cannot be started.
    pub async fn logs(&self, args: &LogsArgs) -> Result<(), Error> {
        let (tail, steps) = self.lines(&args.functions, &args.lines, DEFAULT_SINCE).await?;
        let Some(pager) = self.pager else {
            let mut pipeline = Pipeline::new(steps, Outlet::new(io::stdout())?, Box::new(io::stderr()));
            let run = tail::run(self.session, self.at, &tail, &mut pipeline);
            interrupt::unless_interrupted(self.spinner.during(run, &|| self.how_far())).await?;
            return self.end(pipeline, false, args.lines.strict).await;
        };
        let mut child = start(pager)?;
        let into = child.stdin.take().expect("it is piped");
        let mut pipeline = Pipeline::new(steps, Outlet::new(into)?, Box::new(io::stderr()));
        // Ctrl-C is the pager's: it stops the reading, and what was read stays to be looked at.
        let run = tail::run(self.session, self.at, &tail, &mut pipeline);
        let ended = interrupt::unless_interrupted(self.spinner.during(run, &|| self.how_far())).await;
        let done = match ended {
            Ok(()) | Err(Error::Interrupted { .. }) => self.end(pipeline, false, args.lines.strict).await,
            Err(error) => Err(error),
        };
        child.wait()?;
        // Who leaves a pager before the end has seen what there was to see.
        if matches!(done, Err(Error::Closed)) { Ok(()) } else { done }
    }
}

fn start(pager: &str) -> Result<Child, Error> {
    let child = Command::new("sh").args(["-c", pager]).stdin(Stdio::piped()).spawn();
    child.map_err(|error| {
        usage(&format!("the pager {pager} cannot be started: {error}"), Some("--no-pager, or another $PAGER"))
    })
}
