//! The server: connected to when the first question needs it, and then shared by all.

use std::{cell::RefCell, rc::Rc, time::Duration};

use lambdaview_queries::{
    name::NamePattern,
    questions::{
        Asked, Cost, Fault, Session,
        function::{self, Functions},
    },
};
use tokio::{sync::OnceCell, time::Instant};

use super::Answers;
use crate::{
    ask::Nanos,
    connect,
    cost::rates::Rates,
    error::Error,
    settings::Target,
    tail::unknown,
    tui::ask::{Answer, Connected, Heard},
};

/// Where questions go.
pub(crate) struct Server {
    target: Target,
    /// What things cost.
    pub(super) rates: Rates,
    session: OnceCell<(Session, Instant)>,
    /// The questions that were asked lately, the last one last.
    heard: Rc<RefCell<Vec<Asked>>>,
    /// Which functions names meant, and when that was asked.
    functions: RefCell<Vec<Resolved>>,
}

/// Which functions names meant at a time.
struct Resolved {
    names: Vec<NamePattern>,
    at: Instant,
    functions: Functions,
}

/// For so long it is not asked again which functions names mean.
const KNOWN_FOR: Duration = Duration::from_secs(60);

/// Questions that are remembered.
const HEARD: usize = 12;

impl Server {
    pub(super) fn new(target: Target, rates: Rates) -> Self {
        Self { target, rates, session: OnceCell::new(), heard: Rc::default(), functions: RefCell::default() }
    }

    /// The session; who asks first opens it, the others wait. What failed is tried again by the next question.
    pub(super) async fn session(&self, answers: &Answers) -> Result<&Session, Error> {
        let fresh = !self.session.initialized();
        let open = || async { Ok::<_, Error>((connect::open(&self.target, "ui").await?, Instant::now())) };
        let (session, _) = self.session.get_or_try_init(open).await?;
        if fresh {
            let heard = Rc::clone(&self.heard);
            session.listen(move |asked| hear(&mut heard.borrow_mut(), asked));
            let connected = Connected { version: session.version().to_owned(), now: session.opened_at() };
            answers.send(Answer::Connected(connected)).await?;
        }
        Ok(session)
    }

    /// What was asked lately, and what all questions made the server read.
    pub(super) fn heard(&self) -> Heard {
        let Cost { questions, rows, bytes } = self.session.get().map(|(session, _)| session.cost()).unwrap_or_default();
        Heard {
            sql: self.heard.borrow().iter().rev().map(|asked| asked.statement().trim_end().to_owned()).collect(),
            questions,
            rows,
            bytes,
        }
    }

    /// The time by the server's clock.
    pub(super) fn now(&self) -> Nanos {
        match self.session.get() {
            Some((session, opened)) => {
                let since = i64::try_from(opened.elapsed().as_nanos()).unwrap_or(i64::MAX);
                session.opened_at().saturating_add(since)
            }
            None => crate::clock::now(),
        }
    }

    /// The functions that names mean; asked once in a while, as every page and every look would ask it.
    pub(super) async fn functions(&self, session: &Session, names: &[NamePattern]) -> Result<Functions, Error> {
        let is_fresh = |known: &Resolved| known.at.elapsed() < KNOWN_FOR;
        let known = self
            .functions
            .borrow()
            .iter()
            .find(|known| known.names == names && is_fresh(known))
            .map(|known| known.functions.clone());
        if let Some(functions) = known {
            return Ok(functions);
        }
        let resolved = function::resolve(session, names).await.map_err(|fault| self.fault(fault))?;
        if let Some(missing) = resolved.missing.first() {
            return Err(unknown(&missing.typed, &missing.others));
        }
        let mut known = self.functions.borrow_mut();
        known.retain(|known| known.names != names && is_fresh(known));
        known.push(Resolved { names: names.to_vec(), at: Instant::now(), functions: resolved.functions.clone() });
        Ok(resolved.functions)
    }

    /// A fault of this server, as an error that names it.
    pub(super) fn fault(&self, fault: Fault) -> Error {
        Error::ClickHouse { fault, at: self.target.place.clone() }
    }
}

/// A question that is asked again and again, about a later time, is remembered once.
fn hear(heard: &mut Vec<Asked>, asked: &Asked) {
    heard.retain(|known| known.words() != asked.words());
    heard.push(asked.clone());
    if heard.len() > HEARD {
        heard.remove(0);
    }
}
