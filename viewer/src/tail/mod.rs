//! `lambdaview tail`: a function's last lines, then every line that arrives, each exactly once.
//!
//! The order makes the handover whole: first a note of what is there ([`watch::Watch`]), then the history, then whatever was
//! not there and not in the history.

mod printer;
pub(crate) mod watch;

use std::{io::Write, time::Duration};

use lambdaview_queries::{
    filter::Filter,
    name::{BadName, NamePattern},
    questions::{
        Fault, FaultKind, Session,
        function::{self, Functions},
        lines::{self, Detail, Scope},
    },
    window::Window,
};
use tokio::time::Instant;

pub use printer::{Format, Printer, Tally};

use crate::{
    ask::{Amount, Since},
    error::{Error, Place},
    settings::usage,
    similar::similar,
};
use watch::Watch;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Tail {
    /// The function, as it was typed.
    pub function: String,
    /// From when on.
    pub since: Option<Since>,
    /// How many of the last lines.
    pub lines: Option<Amount>,
    /// Whether to go on.
    pub follow: bool,
    /// Whether attributes are printed.
    pub attributes: bool,
}

/// `tail` without --since and --lines.
const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(600));
/// While lines come, and while none do.
const BUSY: Duration = Duration::from_millis(400);
const IDLE: Duration = Duration::from_secs(1);
/// Between attempts while the server is away.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Prints the lines there are, and follows if that is wanted: then it ends only by an error, or by being dropped.
///
/// # Errors
/// When the function is not there, the server fails for good, or nobody reads on.
pub async fn run<W: Write>(session: &Session, at: &Place, tail: &Tail, printer: &mut Printer<W>) -> Result<(), Error> {
    let fault = |fault| Error::ClickHouse { fault, at: at.clone() };
    let pattern: NamePattern =
        tail.function.parse().map_err(|error: BadName| usage(&format!("{}: {error}", tail.function), None))?;
    let resolved = function::resolve(session, &[pattern]).await.map_err(fault)?;
    if let Some(missing) = resolved.missing.first() {
        return Err(unknown(&missing.typed, &missing.others));
    }
    let functions = &resolved.functions;
    let watch = if tail.follow { Some(Watch::begin(session, functions).await.map_err(fault)?) } else { None };
    let detail = Detail { attributes: tail.attributes, resource: false };
    let mut follower = Follower { session, at, functions, detail, watch };
    follower.history(tail, printer).await?;
    if tail.follow { follower.follow(printer).await } else { Ok(()) }
}

struct Follower<'a> {
    session: &'a Session,
    at: &'a Place,
    functions: &'a Functions,
    detail: Detail,
    watch: Option<Watch>,
}

impl Follower<'_> {
    /// The lines that are there.
    async fn history<W: Write>(&mut self, tail: &Tail, printer: &mut Printer<W>) -> Result<(), Error> {
        let now = self.session.opened_at();
        let window = match (tail.since, tail.lines) {
            (Some(since), _) => Window::since(since.at(now), now),
            (None, Some(_)) => Window::all(now),
            (None, None) => Window::since(DEFAULT_SINCE.at(now), now),
        };
        let scope = Scope { functions: self.functions, window, filter: &Filter::Everything, detail: self.detail };
        match tail.lines {
            Some(Amount::Last(count)) => {
                for line in lines::last(self.session, &scope, count).await.map_err(|fault| self.fault(fault))? {
                    self.note(&line);
                    printer.history(&line)?;
                }
            }
            Some(Amount::All) | None => {
                let mut answer = lines::all(self.session, &scope).map_err(|fault| self.fault(fault))?;
                while let Some(line) = answer.next().await.map_err(|fault| self.fault(fault))? {
                    self.note(&line);
                    printer.history(&line)?;
                }
            }
        }
        printer.end_of_history(tail)?;
        Ok(())
    }

    /// The lines that arrive, until an error that does not pass.
    async fn follow<W: Write>(&mut self, printer: &mut Printer<W>) -> Result<(), Error> {
        if let Some(caveat) = self.watch.as_ref().and_then(Watch::caveat) {
            printer.say(caveat)?;
        }
        let started = Instant::now();
        let mut away: Option<Away> = None;
        loop {
            match self.look(started.elapsed(), printer).await {
                Ok(printed) => {
                    if let Some(away) = away.take() {
                        printer.say(&format!("back after {:.0?}, nothing lost", away.since.elapsed()))?;
                    }
                    tokio::time::sleep(if printed > 0 { BUSY } else { IDLE }).await;
                }
                Err(Error::ClickHouse { fault, at }) if passes(&fault) => {
                    let away = match &mut away {
                        Some(away) => away,
                        none => {
                            printer.say(&format!("{} does not answer ({fault}): trying again", at.url))?;
                            none.insert(Away { since: Instant::now(), pause: FIRST_PAUSE })
                        }
                    };
                    tokio::time::sleep(away.pause).await;
                    away.pause = (away.pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One look at what has arrived; how many lines it printed.
    async fn look<W: Write>(&mut self, elapsed: Duration, printer: &mut Printer<W>) -> Result<u64, Error> {
        let now = self.session.opened_at() + i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX / 2);
        let scope = Scope {
            functions: self.functions,
            window: Window::since(now, now),
            filter: &Filter::Everything,
            detail: self.detail,
        };
        let Some(watch) = &mut self.watch else { return Ok(0) };
        let before = printer.tally().rows;
        watch.look(self.session, &scope, printer).await.map_err(|error| match error {
            watch::LookError::Fault(fault) => Error::ClickHouse { fault, at: self.at.clone() },
            watch::LookError::Output(error) => error.into(),
        })?;
        Ok(printer.tally().rows - before)
    }

    fn note(&mut self, line: &lines::Line) {
        if let Some(watch) = &mut self.watch {
            watch.note(line);
        }
    }

    fn fault(&self, fault: Fault) -> Error {
        Error::ClickHouse { fault, at: self.at.clone() }
    }
}

struct Away {
    since: Instant,
    pause: Duration,
}

/// A server that restarts is away, then answers without its tables for a moment.
pub(crate) fn passes(fault: &Fault) -> bool {
    fault.is_passing() || matches!(fault.kind, FaultKind::NoTable | FaultKind::NoDatabase | FaultKind::NotClickHouse)
}

pub(crate) fn unknown(name: &str, others: &[String]) -> Error {
    let next = if others.is_empty() {
        "`lambdaview functions --since 30d`; a function is known by its first line".to_owned()
    } else {
        "`lambdaview functions --since 7d` lists them".to_owned()
    };
    Error::NotFound { what: format!("no function {name} is known here"), similar: similar(name, others), next }
}
