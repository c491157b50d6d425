//! What has been seen: by block numbers where the table keeps them, else by content over an overlap.

use std::{future::Future, io, time::Duration};

use lambdaview_queries::{
    filter::Filter,
    questions::{
        Fault, Session,
        function::Functions,
        lines::{Detail, Line, Scope},
        marks::{self, Marks, Part, Reach},
        overlap::{self, Given},
    },
    window::Window,
};
use tokio::time::Instant;

/// Where lines go that have arrived. Who asks waits for it: what takes lines slowly is not flooded.
pub(crate) trait Sink {
    /// A line that has arrived.
    fn take(&mut self, line: Line) -> impl Future<Output = io::Result<()>>;

    /// All lines of a look have arrived: now they must be seen.
    fn rest(&mut self) -> impl Future<Output = io::Result<()>>;
}

/// Rows of new blocks are looked for this far back each time, ...
const HORIZON: i64 = 3_600 * 1_000_000_000;
/// ... and of any age this often.
const SWEEP: Duration = Duration::from_secs(30);
/// Without block numbers: how far back each look reads, ...
const OVERLAP: i64 = 60 * 1_000_000_000;
/// ... and now and then.
const LONG_OVERLAP: i64 = 15 * 60 * 1_000_000_000;

/// What has been seen of a function.
pub(crate) enum Watch {
    /// The table keeps block numbers: exact.
    Blocks {
        /// How far was read.
        marks: Marks,
        /// The parts at the last look: while they stay the same nothing has arrived.
        parts: Vec<Part>,
        /// When rows of any age were last looked for.
        swept: Instant,
    },
    /// It does not: lines are told apart by what is in them.
    Overlap {
        /// What was given out of the stretch that is read again.
        given: Given,
        /// The parts at the last look: while they stay the same nothing has arrived.
        parts: Vec<Part>,
        /// When the long stretch was last read.
        swept: Instant,
    },
}

/// Why a look broke off.
pub(crate) enum LookError {
    Fault(Fault),
    Output(io::Error),
}

impl From<Fault> for LookError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for LookError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Watch {
    /// Takes note of what is there, before the history is read.
    pub(crate) async fn begin(session: &Session, functions: &Functions, filter: &Filter) -> Result<Self, Fault> {
        let swept = Instant::now();
        if session.logs().block_numbers {
            let marks = Marks::at(&marks::parts(session).await?);
            return Ok(Self::Blocks { marks, parts: Vec::new(), swept });
        }
        let now = session.opened_at();
        let scope =
            Scope { functions, window: Window::since(now - LONG_OVERLAP, now), filter, detail: Detail::default() };
        let mut given = Given::default();
        given.look(scope.window.from);
        let mut answer = overlap::recent(session, &scope)?;
        while let Some(line) = answer.next().await? {
            given.take(&line);
        }
        // The history that follows meets these lines again: they count once.
        given.look(scope.window.from);
        Ok(Self::Overlap { given, parts: Vec::new(), swept })
    }

    /// A line of the history: not to be printed again.
    pub(crate) fn note(&mut self, line: &Line) {
        match self {
            Self::Blocks { marks, .. } => {
                marks.take_arrival(line);
            }
            Self::Overlap { given, .. } => {
                given.take(line);
            }
        }
    }

    /// How this way of following is called.
    pub(crate) const fn mode(&self) -> &'static str {
        match self {
            Self::Blocks { .. } => "exactly, by block numbers",
            Self::Overlap { .. } => "by reading the last minutes again and telling lines apart",
        }
    }

    /// What a reader must know of this way of following.
    pub(crate) const fn caveat(&self) -> Option<&'static str> {
        match self {
            Self::Blocks { .. } => None,
            Self::Overlap { .. } => Some("this table keeps no block numbers: lines over 15 minutes late are not seen"),
        }
    }

    /// Hands on what has arrived since the last look.
    pub(crate) async fn look(
        &mut self,
        session: &Session,
        scope: &Scope<'_>,
        sink: &mut impl Sink,
    ) -> Result<(), LookError> {
        match self {
            Self::Blocks { marks, parts, swept } => {
                let now = marks::parts(session).await?;
                let reach = if swept.elapsed() >= SWEEP { Reach::AnyAge } else { Reach::Recent };
                if now != *parts || reach == Reach::AnyAge {
                    arrivals(session, &back(scope, HORIZON), marks, reach, sink).await?;
                    marks.advance(&now, reach);
                    *parts = now;
                }
                if reach == Reach::AnyAge {
                    *swept = Instant::now();
                }
            }
            Self::Overlap { given, parts, swept } => {
                let now = marks::parts(session).await?;
                let long = swept.elapsed() >= SWEEP;
                if now != *parts || long {
                    recent(session, &back(scope, if long { LONG_OVERLAP } else { OVERLAP }), given, sink).await?;
                    *parts = now;
                }
                if long {
                    given.forget(scope.window.from - LONG_OVERLAP);
                    *swept = Instant::now();
                }
            }
        }
        Ok(())
    }
}

async fn arrivals(
    session: &Session,
    scope: &Scope<'_>,
    marks: &mut Marks,
    reach: Reach,
    sink: &mut impl Sink,
) -> Result<(), LookError> {
    let mut answer = marks::arrivals(session, scope, marks, reach)?;
    while let Some(line) = answer.next().await? {
        if marks.take_arrival(&line) {
            sink.take(line).await?;
        }
    }
    Ok(sink.rest().await?)
}

async fn recent(
    session: &Session,
    scope: &Scope<'_>,
    given: &mut Given,
    sink: &mut impl Sink,
) -> Result<(), LookError> {
    let mut answer = overlap::recent(session, scope)?;
    given.look(scope.window.from);
    while let Some(line) = answer.next().await? {
        if given.take(&line) {
            sink.take(line).await?;
        }
    }
    Ok(sink.rest().await?)
}

fn back<'a>(scope: &Scope<'a>, nanos: i64) -> Scope<'a> {
    Scope { window: Window { from: scope.window.from - nanos, ..scope.window }, ..*scope }
}
