//! What the errors screen asks.

use lambdaview_queries::{
    questions::{errors, function::Functions},
    window::Window,
};

use super::{Answers, server::Server, tail::resolve};
use crate::{ask::Nanos, error::Error, tui::ask::Answer};

pub(super) async fn answer(
    server: &Server,
    function: Option<&str>,
    (from, until): (Nanos, Option<Nanos>),
    answers: &Answers,
) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let functions = match function {
        Some(name) => resolve(server, session, &[name]).await?,
        None => Functions::All,
    };
    let window = until.map_or_else(|| Window::since(from, server.now()), |until| Window { from, until });
    let groups = errors::groups(session, &functions, window).await.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Errors(groups)).await
}
