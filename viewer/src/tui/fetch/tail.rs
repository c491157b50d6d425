//! What the tail screen asks: the newest lines there are, then those that arrive, each exactly once; and older ones.

use std::{io, time::Duration};

use lambdaview_queries::{
    filter::Filter,
    name::{BadName, NamePattern},
    questions::{
        Fault, Session,
        function::Functions,
        lines::{self, Detail, Line, Scope},
    },
    window::Window,
};
use tokio::time::sleep;

use super::{Answers, server::Server};
use crate::{
    ask::Nanos,
    error::Error,
    settings::usage,
    tail::{
        passes,
        watch::{LookError, Sink, Watch},
    },
    tui::ask::{Answer, Lines, Mode, Sought},
};

/// Between looks, while lines come and while none do.
const BUSY: Duration = Duration::from_millis(400);
const IDLE: Duration = Duration::from_secs(1);
/// Between attempts while the server is away.
const PAUSE: Duration = Duration::from_secs(1);
/// Lines in an answer: a frame is drawn between two of them.
const BATCH: usize = 2_000;

/// Of what is there, more than this is not read at once, however far back it is to reach.
const MOST: u64 = 100_000;

/// What [`crate::tui::ask::Ask::Tail`] wants.
pub(super) struct Wanted {
    pub(super) sought: Sought,
    pub(super) from: Nanos,
    pub(super) until: Option<Nanos>,
    pub(super) count: u64,
    pub(super) reach: Option<Nanos>,
}

/// Which lines, as the tables know them.
struct Known {
    functions: Functions,
    filter: Filter,
}

impl Known {
    fn scope(&self, window: Window) -> Scope<'_> {
        // What a list does not show is not read.
        Scope { functions: &self.functions, window, filter: &self.filter, detail: Detail::default() }
    }
}

/// The lines there are, then those that arrive, until it is given up.
pub(super) async fn answer(server: &Server, wanted: &Wanted, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let known = known(server, session, &wanted.sought).await?;
    let fault = |fault| server.fault(fault);
    let mut watch = match wanted.until {
        None => Some(Watch::begin(session, &known.functions, &known.filter).await.map_err(fault)?),
        Some(_) => None,
    };
    let window = match wanted.until {
        Some(until) => Window { from: wanted.from, until },
        None => Window::since(wanted.from, server.now()),
    };
    let lines = there(session, &known.scope(window), wanted).await.map_err(fault)?;
    if let Some(watch) = &mut watch {
        lines.iter().for_each(|line| watch.note(line));
    }
    answers.send(Answer::Lines(Lines::There(lines))).await?;
    match watch {
        Some(watch) => follow(server, session, &known, watch, answers).await,
        None => Ok(()),
    }
}

/// The newest lines, as far back as is wanted.
async fn there(session: &Session, scope: &Scope<'_>, wanted: &Wanted) -> Result<Vec<Line>, Fault> {
    let mut count = wanted.count;
    loop {
        let lines = lines::last(session, scope, count).await?;
        let reaches = |reach: Nanos| lines.first().is_none_or(|first| first.time < reach);
        if (lines.len() as u64) < count || count >= MOST || wanted.reach.is_none_or(reaches) {
            return Ok(lines);
        }
        count = (count * 10).min(MOST);
    }
}

/// Lines further back, up to a moment.
pub(super) async fn older(
    server: &Server,
    sought: &Sought,
    until: Nanos,
    count: u64,
    answers: &Answers,
) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let known = known(server, session, sought).await?;
    let window = Window { from: 0, until: until.saturating_add(1) };
    let lines = lines::last(session, &known.scope(window), count).await.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Lines(Lines::Older { lines, wanted: count })).await
}

async fn follow(
    server: &Server,
    session: &Session,
    known: &Known,
    mut watch: Watch,
    answers: &Answers,
) -> Result<(), Error> {
    let mode = if watch.caveat().is_none() { Mode::Exact } else { Mode::Overlap };
    let mut batches = Batches { answers, lines: Vec::new(), sent: 0 };
    loop {
        answers.send(Answer::Following(mode)).await?;
        let now = server.now();
        let looked = watch.look(session, &known.scope(Window::since(now, now)), &mut batches).await;
        match looked {
            Ok(()) => sleep(if batches.sent > 0 { BUSY } else { IDLE }).await,
            Err(LookError::Output(_)) => return Err(Error::Closed),
            Err(LookError::Fault(fault)) if passes(&fault) => away(server, fault, answers).await?,
            Err(LookError::Fault(fault)) => return Err(server.fault(fault)),
        }
        batches.sent = 0;
    }
}

async fn away(server: &Server, fault: Fault, answers: &Answers) -> Result<(), Error> {
    answers.send(Answer::Away(server.fault(fault).to_string())).await?;
    sleep(PAUSE).await;
    Ok(())
}

async fn known(server: &Server, session: &Session, sought: &Sought) -> Result<Known, Error> {
    let patterns = patterns(&sought.functions)?;
    let functions = server.functions(session, &patterns).await?;
    Ok(Known { functions, filter: NamePattern::narrowing(&patterns).and(sought.filter.clone()) })
}

/// The functions that names mean.
pub(super) async fn resolve(server: &Server, session: &Session, names: &[impl AsRef<str>]) -> Result<Functions, Error> {
    server.functions(session, &patterns(names)?).await
}

fn patterns(names: &[impl AsRef<str>]) -> Result<Vec<NamePattern>, Error> {
    let pattern = |name: &str| name.parse().map_err(|error: BadName| usage(&format!("{name}: {error}"), None));
    names.iter().map(|name| pattern(name.as_ref())).collect()
}

/// Lines on their way to the screen, some at a time. The channel is bounded, so a flood waits here and at the server.
struct Batches<'a> {
    answers: &'a Answers,
    lines: Vec<Line>,
    sent: usize,
}

impl Batches<'_> {
    async fn send(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        self.sent += lines.len();
        let sent = self.answers.send(Answer::Lines(Lines::Arrived(lines))).await;
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Sink for Batches<'_> {
    async fn take(&mut self, line: Line) -> io::Result<()> {
        self.lines.push(line);
        if self.lines.len() >= BATCH { self.send().await } else { Ok(()) }
    }

    async fn rest(&mut self) -> io::Result<()> {
        if self.lines.is_empty() { Ok(()) } else { self.send().await }
    }
}
