//! Whether what was attached works: something that the function sent since is in ClickHouse.

use std::time::Duration;

use lambdaview_queries::{
    questions::{Session, function::Functions, health},
    window::Window,
};
use tokio::time::{Instant, sleep};

use super::{Job, hand::Hand};
use crate::{
    connect,
    error::Error,
    format::{duration, inert, plural},
    interrupt::unless_interrupted,
    settings::Target,
};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// Waits until each function that was changed has sent something, for as long as `patience`.
pub(super) async fn arrival(hand: &Hand<'_>, jobs: &[Job], patience: Duration, target: &Target) -> Result<(), Error> {
    let names = jobs.iter().filter(|job| job.outcome.is_ok()).map(|job| job.function.name.as_str());
    unless_interrupted(async {
        let session = connect::open(target, "attach").await?;
        let fault = |fault| Error::ClickHouse { fault, at: target.place.clone() };
        let until = Instant::now() + patience;
        let mut waiting: Vec<&str> = names.collect();
        if waiting.is_empty() {
            return Ok(());
        }
        let told = plural(waiting.len() as u64, "function");
        hand.say(&format!("waiting until something of {told} is in ClickHouse, for {} at most", time(patience)));
        loop {
            let mut silent = Vec::new();
            for name in waiting {
                match newest(&session, name).await.map_err(fault)? {
                    Some(sender) => hand.say(&format!("{}: arrives, from {}", name, inert(&sender))),
                    None => silent.push(name),
                }
            }
            waiting = silent;
            if waiting.is_empty() {
                return Ok(());
            }
            if Instant::now() > until {
                let what = format!(
                    "nothing has arrived of {} within {}: was it invoked since?",
                    waiting.join(", "),
                    time(patience)
                );
                return Err(Error::Unwell { what });
            }
            sleep(LOOK).await;
        }
    })
    .await
}

/// What sent the newest line of a function since the session was opened, if there is one.
async fn newest(session: &Session, name: &str) -> Result<Option<String>, lambdaview_queries::questions::Fault> {
    let from = session.opened_at();
    let lines = health::lines(session, &Functions::named(name), Window::since(from, from)).await?;
    Ok((lines.last >= from).then(|| format!("{} {}", lines.distro, lines.version)))
}

fn time(length: Duration) -> String {
    duration(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
}
