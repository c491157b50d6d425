//! How the invocations began and ended whose lines are here: asked for beside the lines, and again while a report is to come.

use std::collections::{BTreeMap, HashMap, VecDeque};

use lambdaview_queries::{
    questions::{
        invocations::{Ending, Invocation},
        lines::Line,
    },
    window::Window,
};

use crate::{
    ask::Nanos,
    render::{block, style::Role},
};

const SECOND: Nanos = 1_000_000_000;
/// An invocation begins before its first line: by its init, and by what the function does in silence.
const BEFORE: Nanos = 900 * SECOND;
/// What has not come by then does not come.
const PATIENCE: Nanos = 900 * SECOND;
/// How often is asked while an end is to come, and while only reports are.
const OFTEN: Nanos = 2 * SECOND;
const SELDOM: Nanos = 15 * SECOND;
const LONGEST: Nanos = 60 * SECOND;
/// So many lines are more than a few.
const MANY: usize = 500;
/// So many invocations are waited for.
const MOST: usize = 10_000;

/// What is known of an invocation.
#[derive(Clone, Debug)]
pub struct End {
    /// How it began.
    pub head: Box<str>,
    /// When it did.
    pub start: Nanos,
    /// How it ended, once that is known.
    pub foot: Option<Foot>,
}

/// How an invocation ended.
#[derive(Clone, Debug)]
pub struct Foot {
    /// In words.
    pub said: Box<str>,
    /// When.
    pub time: Nanos,
    /// Its colour.
    pub role: Role,
    /// Whether what its report tells is missing.
    is_unreported: bool,
}

/// How invocations began and ended.
#[derive(Debug, Default)]
pub struct Ends {
    known: HashMap<Box<str>, End>,
    /// Those that are waited for, and when their lines came.
    awaited: BTreeMap<Box<str>, Awaited>,
    /// Whether any report was ever seen here: else none is awaited.
    reports: bool,
    /// Stretches of lines whose invocations were not asked for yet.
    pages: VecDeque<Window>,
    /// What is being asked.
    asking: Option<Asking>,
    /// When was last asked for those that are waited for, ...
    asked_at: Nanos,
    /// ... and how many times in a row that told of no end.
    in_vain: u32,
}

#[derive(Clone, Copy, Debug)]
struct Awaited {
    time: Nanos,
    has_ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    Page,
    Awaited,
}

impl Ends {
    /// What is known of an invocation.
    #[must_use]
    pub fn of(&self, invocation: &str) -> Option<&End> {
        self.known.get(invocation)
    }

    /// Whether a report is to come yet.
    #[must_use]
    pub fn is_pending(&self, foot: &Foot, now: Nanos) -> bool {
        self.reports && foot.is_unreported && now - foot.time < PATIENCE
    }

    /// Lines of invocations are here that were there before: how these began and ended is to be asked.
    pub fn page(&mut self, lines: &[Line], now: Nanos) {
        let of_invocations = || lines.iter().filter(|line| !line.invocation_id.is_empty()).map(|line| line.time);
        let (Some(first), Some(last)) = (of_invocations().min(), of_invocations().max()) else { return };
        // Of a busy function only so many are told, the newest first: what is far beside its lines would take their place.
        let beside = if lines.len() < MANY { BEFORE } else { (last - first).clamp(60 * SECOND, BEFORE) };
        self.pages.push_back(Window { from: first - beside, until: last + beside });
        lines.iter().for_each(|line| self.arrived(line, now));
    }

    /// A line of an invocation has arrived.
    pub fn arrived(&mut self, line: &Line, now: Nanos) {
        let id: &str = &line.invocation_id;
        let is_over = || self.known.get(id).is_some_and(|end| end.foot.is_some());
        if id.is_empty() || now - line.time > PATIENCE || self.awaited.contains_key(id) || is_over() {
            return;
        }
        if self.awaited.len() < MOST {
            self.awaited.insert(id.into(), Awaited { time: line.time, has_ended: false });
        }
    }

    /// The stretch of time whose invocations are to be asked for now, if any are.
    pub fn wanted(&mut self, now: Nanos) -> Option<Window> {
        if self.asking.is_some() {
            return None;
        }
        if let Some(page) = self.pages.front() {
            self.asking = Some(Asking::Page);
            return Some(*page);
        }
        self.awaited.retain(|_, awaited| now - awaited.time < PATIENCE);
        let waits = |one: &Awaited| !one.has_ended || self.reports;
        let since = self.awaited.values().filter(|one| waits(one)).map(|one| one.time).min()?;
        let pause = if self.awaited.values().any(|one| !one.has_ended) { OFTEN } else { SELDOM };
        // Where nobody tells how invocations end, it is not asked for ever.
        if now - self.asked_at < (pause << self.in_vain.min(5)).min(LONGEST) {
            return None;
        }
        (self.asking, self.asked_at) = (Some(Asking::Awaited), now);
        Some(Window::since(since - BEFORE, now))
    }

    /// The answer to what was asked.
    pub fn learn(&mut self, invocations: Vec<Invocation>, has: impl Fn(&str) -> bool) {
        if self.asking == Some(Asking::Awaited) {
            self.in_vain += 1;
        }
        self.finish();
        self.reports |= invocations.iter().any(|one| one.billed.is_some());
        for invocation in invocations.into_iter().filter(|one| has(&one.request_id)) {
            let end = End::of(&invocation);
            let id = &*invocation.request_id;
            match (&end.foot, invocation.billed) {
                (Some(_), Some(_)) if self.awaited.remove(id).is_some() => self.in_vain = 0,
                (Some(_), None) => {
                    if let Some(awaited) = self.awaited.get_mut(id).filter(|awaited| !awaited.has_ended) {
                        awaited.has_ended = true;
                        self.in_vain = 0;
                    }
                }
                _ => {}
            }
            self.known.insert(invocation.request_id.into(), end);
        }
    }

    /// What was asked has no (further) answer.
    pub fn finish(&mut self) {
        if self.asking.take() == Some(Asking::Page) {
            self.pages.pop_front();
        }
    }

    /// Forgets what has no lines here any more.
    pub fn forget(&mut self, has: impl Fn(&str) -> bool) {
        self.known.retain(|id, _| has(id));
    }

    /// How much memory that takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // An id and two texts of some 50 bytes each, and what the map takes.
        self.known.len() * (size_of::<End>() + 200)
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

impl End {
    fn of(invocation: &Invocation) -> Self {
        let took = invocation.duration.and_then(|took| i64::try_from(took).ok()).unwrap_or_default();
        let foot = (invocation.ending != Ending::Unknown).then(|| Foot {
            said: block::foot(invocation, false).into(),
            time: invocation.start.saturating_add(took),
            role: block::role(invocation),
            is_unreported: invocation.billed.is_none(),
        });
        Self { head: block::head(&invocation.request_id, Some(invocation)).into(), start: invocation.start, foot }
    }
}
