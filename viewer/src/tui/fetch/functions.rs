//! What the functions screen asks.

use lambdaview_queries::{
    questions::{function::Functions, functions},
    window::Window,
};

use super::{Answers, server::Server};
use crate::{ask::Nanos, commands::priced, error::Error, tui::ask::Answer};

pub(super) async fn answer(
    server: &Server,
    (from, until): (Nanos, Option<Nanos>),
    answers: &Answers,
) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let now = server.now();
    let window = until.map_or_else(|| Window::since(from, now), |until| Window { from, until });
    let functions = functions::figures(session, &Functions::All, window, now).await;
    let functions = functions.map_err(|fault| server.fault(fault))?;
    answers.send(Answer::Functions(priced(functions, window, now, &server.rates))).await
}
