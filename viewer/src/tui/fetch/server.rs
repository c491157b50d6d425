//! The server: connected to when the first question needs it, and then shared by all.

use std::{cell::RefCell, rc::Rc};

use lambdaview_queries::questions::{Asked, Cost, Fault, Session};
use tokio::{sync::OnceCell, time::Instant};

use super::Answers;
use crate::{
    ask::Nanos,
    connect,
    cost::rates::Rates,
    error::Error,
    settings::Target,
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
}

/// Questions that are remembered.
const HEARD: usize = 12;

impl Server {
    pub(super) fn new(target: Target, rates: Rates) -> Self {
        Self { target, rates, session: OnceCell::new(), heard: Rc::default() }
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
