//! What the cost screen asks.

use lambdaview_queries::questions::{bytes, measures};

use super::{Answers, server::Server};
use crate::{
    ask::Nanos,
    cost::{Measured, reckon},
    error::Error,
    tui::ask::Answer,
};

pub(super) async fn answer(server: &Server, from: Nanos, answers: &Answers) -> Result<(), Error> {
    let session = server.session(answers).await?;
    let measured = tokio::try_join!(measures::cheapest(session, from, |_| {}), bytes::stored(session));
    let (measures, stored) = measured.map_err(|fault| server.fault(fault))?;
    let report = reckon(&Measured { measures, stored, now: server.now() }, &server.rates);
    answers.send(Answer::Cost(Box::new((report, server.rates.clone())))).await
}
