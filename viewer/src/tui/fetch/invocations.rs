//! What the invocations screen asks, and how the invocations of some lines began and ended.

use lambdaview_queries::{
    questions::invocations::{self, Wanted},
    window::Window,
};

use super::{Answers, server::Server, tail::resolve};
use crate::{error::Error, tui::ask::Answer};

/// So many are shown at most: the newest.
const MOST: usize = 1_000;

pub(super) async fn answer(server: &Server, name: &str, window: Window, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let wanted = Wanted::of(resolve(server, session, &[name]).await?);
    let found = invocations::newest(session, &wanted, window, MOST).await.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Invocations(found)).await
}

/// More are not told of beside their lines.
const MOST_ENDS: usize = 10_000;

pub(super) async fn ends(server: &Server, names: &[String], window: Window, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let wanted = Wanted::of(resolve(server, session, names).await?);
    let found = invocations::without_lines(session, &wanted, window, MOST_ENDS).await;
    answers.send(Answer::Ends(found.map_err(|fault| server.fault(fault))?)).await
}
