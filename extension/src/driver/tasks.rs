//! What the driver leaves to tasks: waiting for `/next`, and for the backend.

use std::time::Duration;

use tokio::sync::oneshot;

use super::backend::Departure;
use crate::{
    clock::unix_now,
    console::Console,
    flow::{Batch, Outcome, SignalKind, UnixNanos, arrival::NextEvent},
    lambda::extensions::Client,
    secrets::Resolution,
    startup,
};

/// What an answer that lies ready takes to be read.
const MOMENT: Duration = Duration::from_millis(50);

/// What a task came back with.
pub(super) enum Done {
    Next(Box<Client>, NextEvent),
    /// By which backend, what, and what became of it.
    Exported(usize, Batch, Outcome),
    /// What asking for secrets brought.
    Resolved(Resolution),
}

/// What a task was for, in case it does not come back.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Next,
    Export { backend: usize, kind: SignalKind, records: u64 },
    Secrets,
}

/// Asks `/next` until it is answered: on no fault does the process end.
pub(super) async fn next(mut client: Client, console: Console) -> Done {
    let mut failures = 0;
    loop {
        match client.next().await {
            Ok(event) => return Done::Next(Box::new(client), event),
            Err(error) => startup::tell_and_wait(console, "no next event", &error, &mut failures).await,
        }
    }
}

pub(super) async fn export(backend: usize, departure: Departure) -> Done {
    let Departure { destination, batch, timeout, given_up } = departure;
    let outcome = tokio::select! {
        outcome = destination.export(&batch, timeout) => outcome,
        () = moment_after(given_up) => Outcome::NoAnswer { frozen: true, why: "given up for a fresh connection".to_owned() },
    };
    Done::Exported(backend, batch, outcome)
}

/// After a freeze an answer may lie ready that nobody has read yet.
async fn moment_after(given_up: oneshot::Receiver<()>) {
    // It is closed, never sent to.
    let _ = given_up.await;
    tokio::time::sleep(MOMENT).await;
}

/// For ever where there is nothing to wake for.
pub(super) async fn sleep_until(wake: Option<UnixNanos>) {
    match wake {
        Some(at) => tokio::time::sleep(Duration::from_nanos(at.saturating_sub(unix_now()))).await,
        None => std::future::pending().await,
    }
}
