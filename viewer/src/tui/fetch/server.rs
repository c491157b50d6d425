//! The server: connected to when the first question needs it, and then shared by all.

use lambdaview_queries::questions::{Fault, Session};
use tokio::{sync::OnceCell, time::Instant};

use super::Answers;
use crate::{
    ask::Nanos,
    connect,
    error::Error,
    settings::Target,
    tui::ask::{Answer, Connected},
};

/// Where questions go.
pub(crate) struct Server {
    target: Target,
    session: OnceCell<(Session, Instant)>,
}

impl Server {
    pub(super) fn new(target: Target) -> Self {
        Self { target, session: OnceCell::new() }
    }

    /// The session; who asks first opens it, the others wait. What failed is tried again by the next question.
    pub(super) async fn session(&self, answers: &Answers) -> Result<&Session, Error> {
        let fresh = !self.session.initialized();
        let open = || async { Ok::<_, Error>((connect::open(&self.target, "ui").await?, Instant::now())) };
        let (session, _) = self.session.get_or_try_init(open).await?;
        if fresh {
            let connected = Connected { version: session.version().to_owned(), now: session.opened_at() };
            answers.send(Answer::Connected(connected)).await?;
        }
        Ok(session)
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
