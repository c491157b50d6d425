//! What screens ask for and what comes back. An answer is data; what becomes of it is the state's business.

use lambdaview_queries::{
    filter::Filter,
    questions::{errors::Group, invocations::Invocation, lines::Line, trace::Trace, whole::Whole},
    window::Window,
};

use crate::{
    ask::{Nanos, TraceRef},
    cost::{Report, rates::Rates},
    render::functions::Row,
};

/// Something wanted from the server.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// To be connected, and nothing else.
    Connect,
    /// What was asked lately, and what it cost: asks the server nothing.
    Heard,
    /// What every function did since then.
    Functions {
        /// Since when.
        from: Nanos,
        /// Until when.
        until: Option<Nanos>,
    },
    /// What went wrong, grouped.
    Errors {
        /// The function whose errors they are; nothing for all.
        function: Option<String>,
        /// Since when.
        from: Nanos,
        /// Until when.
        until: Option<Nanos>,
    },
    /// What logs cost, here and in CloudWatch.
    Cost {
        /// Measured since when.
        from: Nanos,
    },
    /// Lines, then those that arrive.
    Tail {
        /// Which.
        sought: Sought,
        /// Since when.
        from: Nanos,
        /// Until when; then nothing is followed.
        until: Option<Nanos>,
        /// At most so many of those that are there: the newest ...
        count: u64,
        /// ... and those after this moment, where that is further back.
        reach: Option<Nanos>,
    },
    /// Lines further back.
    Older {
        /// Which.
        sought: Sought,
        /// Up to which time, itself included.
        until: Nanos,
        /// At most so many: the newest of them.
        count: u64,
    },
    /// A function's invocations.
    Invocations {
        /// The function, as it was named.
        function: String,
        /// Since when.
        from: Nanos,
        /// Until when; `None` is now.
        until: Option<Nanos>,
    },
    /// How the invocations of some lines began and ended: asked beside something else, and nobody waits for it.
    Ends {
        /// The functions, as they were named.
        functions: Vec<String>,
        /// When the invocations began.
        window: Window,
    },
    /// A trace, or the one of an invocation.
    Trace(TraceRef),
    /// A log line with everything that its row holds.
    Line(LineRef),
    /// A span with everything that its row holds.
    Span {
        /// When it started.
        time: Nanos,
        /// Its trace.
        trace: String,
        /// Its id.
        span: String,
    },
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sought {
    /// Whose: names, globs and the like, as they were typed.
    pub functions: Vec<String>,
    /// Which of theirs.
    pub filter: Filter,
}

/// A log line, as screens name it to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineRef {
    /// When it was written.
    pub time: Nanos,
    /// OpenTelemetry's severity.
    pub severity: u8,
    /// Its function.
    pub function: String,
    /// Its invocation, or nothing.
    pub invocation: String,
    /// Its trace, or nothing.
    pub trace: String,
    /// Its span, or nothing.
    pub span: String,
    /// What was logged.
    pub body: String,
}

impl LineRef {
    /// Whether both are the same line; of a long text, screens may keep the start alone.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let same = (self.time, &self.trace, &self.span) == (other.time, &other.trace, &other.span);
        same && (self.body.starts_with(&other.body) || other.body.starts_with(&self.body))
    }
}

impl Ask {
    /// Whether it is asked beside something else, so that nobody waits for it.
    #[must_use]
    pub const fn is_beside(&self) -> bool {
        matches!(self, Self::Ends { .. })
    }

    /// Whether it goes on until it is given up, as following does.
    #[must_use]
    pub const fn is_endless(&self) -> bool {
        match self {
            Self::Tail { until, .. } => until.is_none(),
            Self::Heard
            | Self::Ends { .. }
            | Self::Invocations { .. }
            | Self::Trace(_)
            | Self::Line(_)
            | Self::Span { .. } => false,
            Self::Connect | Self::Functions { .. } | Self::Cost { .. } | Self::Errors { .. } | Self::Older { .. } => {
                false
            }
        }
    }
}

/// (Part of) an answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// There is a session: told once, before the first other answer.
    Connected(Connected),
    /// To [`Ask::Heard`].
    Heard(Heard),
    /// To [`Ask::Functions`].
    Functions(Vec<Row>),
    /// To [`Ask::Errors`].
    Errors(Vec<Group>),
    /// To [`Ask::Cost`], and the prices it was reckoned by.
    Cost(Box<(Report, Rates)>),
    /// To [`Ask::Tail`] and [`Ask::Older`].
    Lines(Lines),
    /// To [`Ask::Tail`]: the lines that were there have all come, from here on it is followed. Told again at every look.
    Following(Mode),
    /// To [`Ask::Tail`]: the server is away, for this reason, and is asked again.
    Away(String),
    /// To [`Ask::Invocations`], newest first.
    Invocations(Vec<Invocation>),
    /// To [`Ask::Ends`].
    Ends(Vec<Invocation>),
    /// To [`Ask::Trace`]; without spans and lines when nobody knows it.
    Trace(Box<Trace>),
    /// To [`Ask::Line`] and [`Ask::Span`]; nothing when the row is gone.
    Whole(Option<Box<Whole>>),
}

/// Lines, oldest first.
#[derive(Clone, Debug)]
pub enum Lines {
    /// That were there.
    There(Vec<Line>),
    /// That arrived.
    Arrived(Vec<Line>),
    /// Further back.
    Older {
        /// The lines.
        lines: Vec<Line>,
        /// How many were wanted: fewer are all there are.
        wanted: u64,
    },
}

/// How arrivals are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By block numbers: each exactly once, however late.
    Exact,
    /// By reading the last stretch of time again and again: what is later than that is not seen.
    Overlap,
}

/// What was asked lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The questions in SQL, the last one first; one that was asked several times stands once.
    pub sql: Vec<String>,
    /// How many questions were answered.
    pub questions: u64,
    /// What the server read for them: rows ...
    pub rows: u64,
    /// ... and bytes.
    pub bytes: u64,
}

/// What the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Its version.
    pub version: String,
    /// What its clock showed.
    pub now: Nanos,
}

/// Why there is no answer, in the words of [`crate::error::Error`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub next: Option<String>,
}

/// Which of a screen's questions: a new one in the same slot takes the place of the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// What the screen shows.
    Main,
    /// More of it, further back.
    Older,
    /// How what it shows began and ended.
    Ends,
    /// More about the thing under the cursor.
    Detail,
    /// What was asked.
    Heard,
}

/// A question that was asked: an answer comes back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The screen that asked.
    pub screen: u32,
    /// Which of its questions.
    pub slot: Slot,
    /// Tells it from those before it in the same slot.
    pub number: u32,
}
