//! The lines there are, and then those that arrive, handed to an [`Audience`] one by one; the server may go away and come back.

use std::{collections::HashMap, future::Future, io, time::Duration};

use lambdaview_queries::{
    filter::Filter,
    questions::{
        Fault, FaultKind, Session,
        function::{self, Functions},
        invocations::{self, Invocation, Wanted},
        lines::{self, Line, Scope},
    },
    window::Window,
};
use tokio::time::Instant;

use super::{
    Around, Tail,
    watch::{self, Watch},
};
use crate::{
    ask::{Amount, Nanos},
    error::{Error, Place},
    format::inert,
    similar::similar,
};

/// Whoever takes lines.
pub trait Audience {
    /// A line that was there.
    fn history(&mut self, line: Line);
    /// A line that has arrived.
    fn arrival(&mut self, line: Line, now: Nanos);
    /// All lines of a look have been handed over.
    fn end_of_look(&mut self, now: Nanos);
    /// Whether it wants to hand on what it has before it takes more.
    fn is_full(&self) -> bool;
    /// Whether it wants no more.
    fn is_done(&self) -> bool;
    /// How many lines it has given on.
    fn rows(&self) -> u64;
    /// Something happened that counts.
    fn note(&mut self, note: Note);
    /// Something is to be said beside the lines.
    fn say(&mut self, what: &str);
    /// Something is to be said to those who want to know more.
    fn say_more(&mut self, what: &str);
    /// What is sought is sought from then on; lines before are neighbours at most.
    fn seek_from(&mut self, time: Nanos);
    /// From when on it wants to learn of invocations, if it does.
    fn unknown_since(&self) -> Option<Nanos>;
    /// Learns of an invocation.
    fn learn(&mut self, invocation: Invocation);
    /// Hands on what it has.
    fn drain(&mut self) -> impl Future<Output = io::Result<()>>;
}

/// What counts beside lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// How lines are followed.
    Mode(&'static str),
    /// The server was away.
    Reconnected,
    /// There were more lines than may be printed.
    Truncated,
}

/// While lines come, and while none do.
const BUSY: Duration = Duration::from_millis(250);
const IDLE: Duration = Duration::from_millis(800);
/// Between attempts while the server is away.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A reader who stood still for longer may have cost the rest of an answer.
const PATIENT: Duration = Duration::from_millis(500);
/// Attempts at the lines there are, for those who do not follow.
const ATTEMPTS: u32 = 5;
/// An invocation begins before its first line: by its init, and by what the function does in silence.
const BEFORE: Nanos = 900 * 1_000_000_000;
const MOST_INVOCATIONS: usize = 10_000;
/// The last look of one that ends in time may take so long.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// Hands over the lines there are, and follows if that is wanted.
///
/// # Errors
/// When a function is not there, the server fails for good, or nobody reads on.
pub async fn run(session: &Session, at: &Place, tail: &Tail, sink: &mut impl Audience) -> Result<(), Error> {
    let fault = |fault| Error::ClickHouse { fault, at: at.clone() };
    let resolved = function::resolve(session, &tail.functions).await.map_err(fault)?;
    if let Some(missing) = resolved.missing.first() {
        return Err(unknown(&missing.typed, &missing.others));
    }
    let functions = &resolved.functions;
    let named: Vec<&str> = functions.names().collect();
    if !named.is_empty() {
        sink.say_more(&format!("functions: {}", inert(&named.join(", "))));
    }
    if !session.unserved(&tail.filter).is_empty() {
        sink.say_more("no index leads to what this filter asks for: every line of the time is read");
    }
    let started = Instant::now();
    let watch =
        if tail.follow { Some(Watch::begin(session, functions, &tail.filter).await.map_err(fault)?) } else { None };
    let mut follower = Follower { session, at, functions, tail, watch, started, met: 0, held: Duration::ZERO };
    follower.history(sink).await?;
    if tail.follow && !sink.is_done() { follower.follow(sink).await } else { Ok(()) }
}

struct Follower<'a> {
    session: &'a Session,
    at: &'a Place,
    functions: &'a Functions,
    tail: &'a Tail,
    watch: Option<Watch>,
    started: Instant,
    /// Lines that were there.
    met: u64,
    /// How long they waited for a reader who stood still.
    held: Duration,
}

impl Follower<'_> {
    /// The lines that are there.
    async fn history(&mut self, sink: &mut impl Audience) -> Result<(), Error> {
        let window = self.window();
        match (self.tail.lines, &self.tail.context) {
            (Some(Amount::Last(count)), Some((around, sought))) => {
                self.last_with_neighbours(window, count, (*around, sought), sink).await?;
            }
            (Some(Amount::Last(count)), None) => {
                let last = lines::last(self.session, &self.scope(window), count).await;
                for line in last.map_err(|fault| self.fault(fault))? {
                    self.give(line, sink).await?;
                }
            }
            (Some(Amount::All) | None, _) => self.all(window, sink).await?,
        }
        self.invocations(sink).await?;
        sink.end_of_look(self.now());
        sink.drain().await?;
        if self.met == 0 {
            sink.say(&self.nothing());
        }
        Ok(())
    }

    fn window(&self) -> Window {
        let Tail { since, until, lines, default_since, .. } = self.tail;
        let now = self.session.opened_at();
        let default = now.saturating_sub(i64::try_from(default_since.as_nanos()).unwrap_or(i64::MAX));
        let window = match (since, lines) {
            (Some(since), _) => Window::since(since.at(now), now),
            (None, Some(_)) => Window::all(now),
            (None, None) => Window::since(default, now),
        };
        until.map_or(window, |until| Window { until: until.at(now), ..window })
    }

    /// The last lines that are sought, and the neighbours of each.
    async fn last_with_neighbours(
        &mut self,
        window: Window,
        count: u64,
        (around, sought): (Around, &Filter),
        sink: &mut impl Audience,
    ) -> Result<(), Error> {
        let scope = Scope { filter: sought, ..self.scope(window) };
        let last = lines::last(self.session, &scope, count).await.map_err(|fault| self.fault(fault))?;
        let Some(first) = last.first() else { return Ok(()) };
        sink.seek_from(first.time);
        let from = match around {
            Around::Invocation => first.time.saturating_sub(BEFORE),
            Around::Lines { before, .. } => self.neighbours_from(&last, before as u64).await?,
        };
        self.all(Window { from, ..window }, sink).await
    }

    /// From when on the neighbours before each of these lines are read: `before` lines of its own function.
    async fn neighbours_from(&self, sought: &[Line], before: u64) -> Result<Nanos, Error> {
        let mut firsts: HashMap<&str, Nanos> = HashMap::new();
        for line in sought.iter().rev() {
            firsts.insert(&line.function, line.time);
        }
        let mut from = sought.first().map_or(Nanos::MAX, |line| line.time);
        for (function, until) in firsts.into_iter().filter(|_| before > 0) {
            let functions = self.functions.only(function);
            let scope = Scope { functions: &functions, ..self.scope(Window { from: 0, until }) };
            let lines = lines::last(self.session, &scope, before).await.map_err(|fault| self.fault(fault))?;
            from = lines.first().map_or(from, |line| from.min(line.time));
        }
        Ok(from)
    }

    /// Every line of a window; where the answer breaks off, it goes on from there.
    async fn all(&mut self, window: Window, sink: &mut impl Audience) -> Result<(), Error> {
        let mut last = Last { time: window.from, given: HashMap::new() };
        let mut failures = 0;
        loop {
            let (before, held) = (sink.rows(), self.held);
            match self.some(Window { from: last.time, ..window }, &mut last, sink).await {
                // The server does not wait for a reader for ever.
                Err(Error::ClickHouse { fault, .. })
                    if passes(&fault) && sink.rows() > before && self.held - held > PATIENT =>
                {
                    sink.say_more(&format!("the reader stood still ({fault}): reading on"));
                }
                Err(Error::ClickHouse { fault, .. }) if passes(&fault) && (sink.rows() > 0 || failures > 0) => {
                    failures = if sink.rows() > before { 1 } else { failures + 1 };
                    if !self.tail.follow && failures > ATTEMPTS {
                        return Err(self.fault(fault));
                    }
                    sink.say(&format!("{} does not answer ({fault}): trying again", self.at.url));
                    sink.note(Note::Reconnected);
                    tokio::time::sleep((FIRST_PAUSE * failures).min(LONGEST_PAUSE)).await;
                }
                done => return done,
            }
        }
    }

    async fn some(&mut self, window: Window, last: &mut Last, sink: &mut impl Audience) -> Result<(), Error> {
        let (session, at) = (self.session, self.at);
        let fault = |fault| Error::ClickHouse { fault, at: at.clone() };
        let scope = self.scope(window);
        let mut answer = lines::all(session, &scope).map_err(fault)?;
        let mut again = last.given.clone();
        while let Some(line) = answer.next().await.map_err(fault)? {
            if line.time == last.time
                && let Some(times) = again.get_mut(&content(&line)).filter(|times| **times > 0)
            {
                *times -= 1;
                continue;
            }
            if self.tail.max_rows.is_some_and(|most| sink.rows() >= most) {
                sink.note(Note::Truncated);
                return Ok(());
            }
            last.gave(&line);
            self.give(line, sink).await?;
            if sink.is_done() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn give(&mut self, line: Line, sink: &mut impl Audience) -> Result<(), Error> {
        if let Some(watch) = &mut self.watch {
            watch.note(&line);
        }
        self.met += 1;
        sink.history(line);
        if sink.is_full() {
            let began = Instant::now();
            sink.drain().await?;
            self.held += began.elapsed();
        }
        Ok(())
    }

    /// The lines that arrive, until the time is over, or an error does not pass.
    async fn follow(&mut self, sink: &mut impl Audience) -> Result<(), Error> {
        if let Some(watch) = &self.watch {
            sink.note(Note::Mode(watch.mode()));
            sink.say_more(&format!("following {}", watch.mode()));
            watch.caveat().into_iter().for_each(|caveat| sink.say(caveat));
        }
        let deadline = self.tail.limit.map(|limit| self.started + limit);
        let mut away: Option<Away> = None;
        loop {
            let is_last = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let look = self.look(sink);
            let looked =
                if is_last { tokio::time::timeout(LAST_LOOK, look).await.unwrap_or(Ok(0)) } else { look.await };
            let pause = match looked {
                Ok(arrived) => {
                    if let Some(away) = away.take() {
                        sink.say(&format!("back after {:.0?}, nothing lost", away.since.elapsed()));
                    }
                    if arrived > 0 { BUSY } else { IDLE }
                }
                Err(Error::ClickHouse { fault, .. }) if passes(&fault) => self.lost(&fault, &mut away, sink),
                Err(error) => return Err(error),
            };
            if is_last || sink.is_done() {
                return Ok(());
            }
            let next = Instant::now() + pause;
            tokio::time::sleep_until(deadline.map_or(next, |deadline| deadline.min(next))).await;
        }
    }

    /// The server does not answer; how long to wait before it is asked again.
    fn lost(&self, fault: &Fault, away: &mut Option<Away>, sink: &mut impl Audience) -> Duration {
        let away = match away {
            Some(away) => away,
            none => {
                sink.say(&format!("{} does not answer ({fault}): trying again", self.at.url));
                sink.note(Note::Reconnected);
                none.insert(Away { since: Instant::now(), pause: FIRST_PAUSE })
            }
        };
        let pause = away.pause;
        away.pause = (away.pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// What is known of the invocations whose lines wait for their end.
    async fn invocations(&self, sink: &mut impl Audience) -> Result<(), Error> {
        let Some(since) = sink.unknown_since() else { return Ok(()) };
        let window = Window::since(since.saturating_sub(BEFORE), self.now());
        let wanted = Wanted::of(self.functions.clone());
        let known = invocations::without_lines(self.session, &wanted, window, MOST_INVOCATIONS).await;
        known.map_err(|fault| self.fault(fault))?.into_iter().for_each(|invocation| sink.learn(invocation));
        Ok(())
    }

    /// One look at what has arrived; how many lines did.
    async fn look(&mut self, sink: &mut impl Audience) -> Result<u64, Error> {
        let now = self.now();
        let Some(watch) = &mut self.watch else { return Ok(0) };
        let Tail { filter, detail, .. } = self.tail;
        let scope = Scope { functions: self.functions, window: Window::since(now, now), filter, detail: *detail };
        let mut hands = Hands { sink, now, given: 0 };
        watch.look(self.session, &scope, &mut hands).await.map_err(|error| match error {
            watch::LookError::Fault(fault) => Error::ClickHouse { fault, at: self.at.clone() },
            watch::LookError::Output(error) => error.into(),
        })?;
        let given = hands.given;
        self.invocations(sink).await?;
        sink.end_of_look(now);
        sink.drain().await?;
        Ok(given)
    }

    fn scope(&self, window: Window) -> Scope<'_> {
        let Tail { filter, detail, .. } = self.tail;
        Scope { functions: self.functions, window, filter, detail: *detail }
    }

    /// The server's clock.
    fn now(&self) -> Nanos {
        let elapsed = i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX / 2);
        self.session.opened_at().saturating_add(elapsed)
    }

    fn nothing(&self) -> String {
        let Tail { functions, lines, follow, filter, .. } = self.tail;
        let of = if functions.is_empty() { String::new() } else { format!(" of {}", typed(functions)) };
        let such = if *filter == Filter::Everything { "lines" } else { "such lines" };
        let then = if *follow { ", waiting for new ones" } else { "" };
        let next = if lines.is_none() { "; -n 20 shows the last lines of any age" } else { "" };
        format!("no {such}{of} in this time{then}{next}")
    }

    fn fault(&self, fault: Fault) -> Error {
        Error::ClickHouse { fault, at: self.at.clone() }
    }
}

/// Hands lines over, and counts them.
struct Hands<'a, A> {
    sink: &'a mut A,
    now: Nanos,
    given: u64,
}

impl<A: Audience> watch::Sink for Hands<'_, A> {
    async fn take(&mut self, line: Line) -> io::Result<()> {
        self.given += 1;
        self.sink.arrival(line, self.now);
        if self.sink.is_full() { self.sink.drain().await } else { Ok(()) }
    }

    async fn rest(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Away {
    since: Instant,
    pause: Duration,
}

/// Where an answer broke off: the time of its last line, and the lines of that time that were given.
struct Last {
    time: Nanos,
    given: HashMap<u64, u32>,
}

impl Last {
    fn gave(&mut self, line: &Line) {
        if line.time != self.time {
            self.time = line.time;
            self.given.clear();
        }
        *self.given.entry(content(line)).or_default() += 1;
    }
}

fn content(line: &Line) -> u64 {
    lambdaview_queries::questions::overlap::content(line)
}

fn typed(functions: &[lambdaview_queries::name::NamePattern]) -> String {
    let typed: Vec<_> = functions.iter().map(|name| inert(name.typed()).into_owned()).collect();
    typed.join(", ")
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
