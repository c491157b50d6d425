//! What the functions screen asks.

use lambdaview_queries::questions::functions;

use super::{Answers, server::Server};
use crate::{ask::Nanos, error::Error, tui::ask::Answer};

pub(super) async fn answer(server: &Server, from: Nanos, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let functions = functions::functions(session, from).await.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Functions(functions)).await
}
