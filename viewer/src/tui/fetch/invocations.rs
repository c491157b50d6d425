//! What the invocations screen asks.

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
    let wanted = Wanted::of(resolve(server, session, name).await?);
    let found = invocations::newest(session, &wanted, window, MOST).await.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Invocations(found)).await
}
