//! The questions, each a task of its own: answers come back as events, and giving one up ends it on the server too.

mod cost;
mod errors;
mod functions;
mod invocations;
mod server;
mod tail;
mod trace;

use std::{collections::HashMap, rc::Rc};

use lambdaview_queries::{questions::whole::Which, window::Window};
use tokio::{
    sync::mpsc::Sender,
    task::{AbortHandle, JoinError, JoinSet},
};

use super::{
    ask::{Answer, Ask, Problem, Ticket},
    event::Event,
};
use crate::{cost::rates::Rates, error::Error, settings::Target};
use server::Server;

/// Runs questions.
pub struct Fetcher {
    server: Rc<Server>,
    events: Sender<Event>,
    tasks: JoinSet<Ticket>,
    running: HashMap<Ticket, AbortHandle>,
}

impl Fetcher {
    /// Asks the server at `target`, once something is asked, and reckons by `rates`; answers go to `events`.
    #[must_use]
    pub fn new(target: Target, rates: Rates, events: Sender<Event>) -> Self {
        Self { server: Rc::new(Server::new(target, rates)), events, tasks: JoinSet::new(), running: HashMap::new() }
    }

    /// Asks. Must be called within a `LocalSet`.
    pub fn ask(&mut self, ticket: Ticket, ask: Ask) {
        let (server, answers) = (Rc::clone(&self.server), Answers { ticket, events: self.events.clone() });
        let task = self.tasks.spawn_local(async move {
            let end = match answer(&server, ask, &answers).await {
                Ok(()) | Err(Error::Closed) => Event::Ended(ticket),
                Err(error) => Event::Failed(ticket, problem(&error)),
            };
            // Only a viewer that is about to end does not listen.
            let _ = answers.events.send(end).await;
            ticket
        });
        self.running.insert(ticket, task);
    }

    /// Gives a question up: its connection closes, and with it ClickHouse ends the query.
    pub fn cancel(&mut self, ticket: Ticket) {
        if let Some(task) = self.running.remove(&ticket) {
            task.abort();
        }
    }

    /// Waits for a task to end, and ends with its panic if it had one. Never ends while nothing runs.
    pub async fn join(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(ticket)) => {
                self.running.remove(&ticket);
            }
            Some(Err(error)) => resume(error),
            None => std::future::pending().await,
        }
    }
}

/// What was given up ends as cancelled, which is as it should be; a panic is everyone's.
fn resume(error: JoinError) {
    if let Ok(panic) = error.try_into_panic() {
        std::panic::resume_unwind(panic);
    }
}

/// Where a question's answers go. The channel is bounded: who asks faster than is drawn waits here.
pub(super) struct Answers {
    ticket: Ticket,
    events: Sender<Event>,
}

impl Answers {
    /// Sends (part of) the answer.
    async fn send(&self, answer: Answer) -> Result<(), Error> {
        self.events.send(Event::Answer(self.ticket, answer)).await.map_err(|_| Error::Closed)
    }
}

async fn answer(server: &Server, ask: Ask, answers: &Answers) -> Result<(), Error> {
    match ask {
        Ask::Heard => answers.send(Answer::Heard(server.heard())).await,
        Ask::Connect => server.session(answers).await.map(|_| ()),
        Ask::Cost { from } => cost::answer(server, from, answers).await,
        Ask::Errors { function, from, until } => {
            errors::answer(server, function.as_deref(), (from, until), answers).await
        }
        Ask::Functions { from, until } => functions::answer(server, (from, until), answers).await,
        Ask::Tail { sought, from, until, count, reach } => {
            tail::answer(server, &tail::Wanted { sought, from, until, count, reach }, answers).await
        }
        Ask::Older { sought, until, count } => tail::older(server, &sought, until, count, answers).await,
        Ask::Invocations { function, from, until } => {
            let window = until.map_or_else(|| Window::since(from, server.now()), |until| Window { from, until });
            invocations::answer(server, &function, window, answers).await
        }
        Ask::Ends { functions, window } => invocations::ends(server, &functions, window, answers).await,
        Ask::Trace(id) => trace::answer(server, &id, answers).await,
        Ask::Line(line) => trace::line(server, &line, answers).await,
        Ask::Span { time, trace, span } => {
            let which = Which { time, trace: &trace, span: &span };
            trace::span(server, which, answers).await
        }
    }
}

fn problem(error: &Error) -> Problem {
    let message = error.message().unwrap_or_default();
    let mut lines = message.lines();
    let what = lines.next().map(|line| line.strip_prefix("error: ").unwrap_or(line)).unwrap_or_default();
    let next = lines.next_back().and_then(|line| line.trim().strip_prefix("try: "));
    let between = lines.map(|line| format!("; {}", line.trim())).collect::<String>();
    Problem { what: format!("{what}{between}"), next: next.map(str::to_owned) }
}
