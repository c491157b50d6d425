//! `lambdaview tail`: from what was typed to [`crate::tail`].

use std::{io, time::Duration};

use lambdaview_queries::{filter::Filter, name::NamePattern, questions::lines::Detail};

use super::Desk;
use crate::{
    args::{ContextArg, LinesArgs, Output, Platform, TailArgs, pattern},
    ask::Since,
    error::Error,
    interrupt,
    render::{block::Frame, line::LineStyle},
    settings::usage,
    tail::{self, Around, Audience as _, Outlet, Pipeline, Steps, Stops, Tail},
};

/// Every form that lines have.
pub(super) const FORMS: [Output; 8] = [
    Output::Pretty,
    Output::Short,
    Output::Raw,
    Output::Json,
    Output::Logfmt,
    Output::Csv,
    Output::Detailed,
    Output::None,
];

const DEFAULT_SINCE: Duration = Duration::from_secs(600);
/// How long a reader may take for what is left after Ctrl-C.
const FAREWELL: Duration = Duration::from_millis(300);

impl Desk<'_> {
    /// `lambdaview tail`.
    ///
    /// # Errors
    /// Those of [`tail::run`] and of the verdict on what was seen.
    pub async fn tail(&self, args: &TailArgs) -> Result<(), Error> {
        let follow = args.follows() && (self.span.until.is_none() || args.follow);
        let (tail, steps) = self.lines(&args.functions, &args.lines, DEFAULT_SINCE).await?;
        let tail = Tail { follow, limit: args.limit(), ..tail };
        let stops = Stops { fail_error_rate: args.fail_error_rate, ..steps.stops };
        let reorder = args.reorder.map(|hold| hold.0).unwrap_or_default();
        let steps = Steps { reorder, stops, alarm: follow, ..steps };
        let outlet = Outlet::new(io::stdout())?;
        let mut pipeline = Pipeline::new(steps, outlet, Box::new(io::stderr()));
        let run = tail::run(self.session, self.at, &tail, &mut pipeline);
        let ended = interrupt::unless_interrupted(self.spinner.during(run, &|| self.how_far())).await;
        match ended {
            Ok(()) => self.end(pipeline, follow, args.lines.strict).await,
            Err(error @ Error::Interrupted { .. }) if follow => {
                // Whatever the reader has not taken by then was not wanted.
                let verdict = tokio::time::timeout(FAREWELL, self.end(pipeline, true, false)).await;
                verdict.unwrap_or(Ok(())).and(Err(error))
            }
            Err(error @ (Error::Closed | Error::NotFound { .. } | Error::Usage { .. })) => Err(error),
            Err(error) => {
                let _ = tokio::time::timeout(FAREWELL, pipeline.finish(follow)).await;
                Err(error)
            }
        }
    }

    /// What is asked for, and what happens to it, as far as `tail` and `logs` share that.
    pub(super) async fn lines(
        &self,
        functions: &[NamePattern],
        args: &LinesArgs,
        default_since: Duration,
    ) -> Result<(Tail, Steps), Error> {
        let output = self.output_of(&FORMS)?;
        let sought = args.select.filter()?.and(NamePattern::narrowing(functions));
        let sought = self.versioned(sought, functions, Since::Ago(default_since)).await?;
        let around = around(args);
        let has_attributes = matches!(output, Output::Json | Output::Logfmt | Output::Csv | Output::Detailed);
        let attributes = has_attributes || args.attributes || (around.is_some() && sought.asks_attributes());
        let detail = Detail { attributes, resource: around.is_some() && sought.asks_resource() };
        let tail = Tail {
            functions: functions.to_vec(),
            since: self.span.since,
            until: self.span.until,
            lines: args.lines,
            max_rows: Some(self.max_rows.unwrap_or(MAX_ROWS)),
            filter: if around.is_some() { Filter::Everything } else { sought.clone() },
            detail,
            context: around.map(|around| (around, sought.clone())),
            default_since,
            ..Tail::default()
        };
        let stops = Stops {
            max_lines: args.max_lines,
            exit_on: args.exit_on.as_ref().map(|text| pattern("--exit-on", text)).transpose()?,
            strict: args.strict,
            ..Stops::default()
        };
        let style = LineStyle {
            zone: self.look.zone,
            paint: self.paint(),
            now: self.session.opened_at(),
            timestamps: self.look.timestamps,
            functions: column_of_functions(functions),
            attributes: args.attributes,
        };
        let (quiet, verbose) = (self.look.quiet, self.look.verbose);
        let around = around.map(|around| (around, sought));
        let marks = args.select.marks()?;
        if args.group && output != Output::Pretty {
            return Err(usage(
                "--group is for people, and not for -o json and its like",
                Some("without --group or without -o"),
            ));
        }
        let group = args.group.then(|| Frame::new(self.look.ascii));
        let platform = match (args.platform, group) {
            (Some(Platform::Fold) | None, Some(_)) => Platform::Hide,
            (platform, _) => platform.unwrap_or_default(),
        };
        let spinner = Some(self.spinner.clone());
        Ok((
            tail,
            Steps { output, style, marks, platform, group, spinner, around, stops, quiet, verbose, ..Steps::default() },
        ))
    }

    /// The end that was meant: what is left is printed, and what it comes to is said.
    pub(super) async fn end(&self, mut pipeline: Pipeline, account: bool, strict: bool) -> Result<(), Error> {
        let cut = pipeline.tally().truncated.then(|| pipeline.tally().rows);
        let what = cut.map(|rows| format!("stopped after {}, there are more", crate::format::plural(rows, "row")));
        let next = "--max-rows N for more of them, or a shorter --since and --until";
        if let Some(what) = &what
            && !strict
        {
            pipeline.say(&format!("{what}; {next}"));
        }
        pipeline.finish(account).await?;
        match what {
            Some(what) if strict => Err(Error::Truncated { what, next: next.to_owned() }),
            _ => Ok(()),
        }
    }
}

/// A bound for those who typed none.
const MAX_ROWS: u64 = 1_000_000;

/// No column where one name was typed that can only be one function's.
fn column_of_functions(functions: &[NamePattern]) -> usize {
    match functions {
        [one] if one.exact().is_some() => 0,
        several => {
            let longest = several.iter().filter_map(NamePattern::exact).map(crate::format::width).max();
            longest.unwrap_or(8).clamp(8, 24)
        }
    }
}

fn around(args: &LinesArgs) -> Option<Around> {
    let lines = match args.around {
        Some(ContextArg::Invocation) => return Some(Around::Invocation),
        Some(ContextArg::Lines(lines)) => Some(lines),
        None => None,
    };
    let (before, after) = (args.before_context.or(lines), args.after_context.or(lines));
    if before.is_none() && after.is_none() {
        return None;
    }
    Some(Around::Lines { before: before.unwrap_or_default(), after: after.unwrap_or_default() })
}
