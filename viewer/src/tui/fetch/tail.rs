//! What the tail screen asks: the newest lines there are, then those that arrive, each exactly once; and older ones.

use std::{io, time::Duration};

use lambdaview_queries::{
    filter::Filter,
    name::{BadName, NamePattern},
    questions::{
        Fault, Session,
        function::{self, Functions},
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
        passes, unknown,
        watch::{LookError, Sink, Watch},
    },
    tui::ask::{Answer, Lines, Mode},
};

/// Between looks, while lines come and while none do.
const BUSY: Duration = Duration::from_millis(400);
const IDLE: Duration = Duration::from_secs(1);
/// Between attempts while the server is away.
const PAUSE: Duration = Duration::from_secs(1);
/// Lines in an answer: a frame is drawn between two of them.
const BATCH: usize = 2_000;

/// What [`crate::tui::ask::Ask::Tail`] wants.
pub(super) struct Wanted {
    pub(super) function: String,
    pub(super) from: Nanos,
    pub(super) until: Option<Nanos>,
    pub(super) count: u64,
}

/// The lines there are, then those that arrive, until it is given up.
pub(super) async fn answer(server: &Server, wanted: &Wanted, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let functions = resolve(server, session, &wanted.function).await?;
    let fault = |fault| server.fault(fault);
    let mut watch = match wanted.until {
        None => Some(Watch::begin(session, &functions, &Filter::Everything).await.map_err(fault)?),
        Some(_) => None,
    };
    let window = match wanted.until {
        Some(until) => Window { from: wanted.from, until },
        None => Window::since(wanted.from, server.now()),
    };
    let lines = lines::last(session, &scope(&functions, window), wanted.count).await.map_err(fault)?;
    if let Some(watch) = &mut watch {
        lines.iter().for_each(|line| watch.note(line));
    }
    answers.send(Answer::Lines(Lines::There(lines))).await?;
    match watch {
        Some(watch) => follow(server, session, &functions, watch, answers).await,
        None => Ok(()),
    }
}

/// Lines further back, up to a moment.
pub(super) async fn older(
    server: &Server,
    name: &str,
    until: Nanos,
    count: u64,
    answers: &Answers,
) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let functions = resolve(server, session, name).await?;
    let window = Window { from: 0, until: until.saturating_add(1) };
    let lines = lines::last(session, &scope(&functions, window), count).await.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Lines(Lines::Older { lines, wanted: count })).await
}

async fn follow(
    server: &Server,
    session: &Session,
    functions: &Functions,
    mut watch: Watch,
    answers: &Answers,
) -> Result<(), Error> {
    let mode = if watch.caveat().is_none() { Mode::Exact } else { Mode::Overlap };
    let mut batches = Batches { answers, lines: Vec::new(), sent: 0 };
    loop {
        answers.send(Answer::Following(mode)).await?;
        let now = server.now();
        let looked = watch.look(session, &scope(functions, Window::since(now, now)), &mut batches).await;
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

/// The functions that a name means.
pub(super) async fn resolve(server: &Server, session: &Session, name: &str) -> Result<Functions, Error> {
    let pattern: NamePattern = name.parse().map_err(|error: BadName| usage(&format!("{name}: {error}"), None))?;
    let resolved = function::resolve(session, &[pattern]).await.map_err(|fault| server.fault(fault))?;
    match resolved.missing.first() {
        Some(missing) => Err(unknown(&missing.typed, &missing.others)),
        None => Ok(resolved.functions),
    }
}

fn scope(functions: &Functions, window: Window) -> Scope<'_> {
    // What a list does not show is not read.
    Scope { functions, window, filter: &Filter::Everything, detail: Detail::default() }
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
