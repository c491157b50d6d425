//! What the trace screen and the detail ask.

use lambdaview_queries::questions::{
    trace,
    whole::{self, Which},
};

use super::{Answers, server::Server};
use crate::{
    ask::TraceRef,
    error::Error,
    tui::ask::{Answer, LineRef},
};

pub(super) async fn answer(server: &Server, id: &TraceRef, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let found = match id {
        TraceRef::Trace(id) => trace::trace(session, id).await,
        TraceRef::Invocation(id) => trace::of_invocation(session, id).await,
    };
    let trace = found.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Trace(Box::new(trace))).await
}

pub(super) async fn line(server: &Server, line: &LineRef, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let which = Which { time: line.time, trace: &line.trace, span: &line.span };
    let row = whole::line(session, which, &line.body).await.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Whole(row.map(Box::new))).await
}

pub(super) async fn span(server: &Server, which: Which<'_>, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let row = whole::span(session, which).await.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Whole(row.map(Box::new))).await
}
