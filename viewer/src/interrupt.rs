//! What ends a command from outside: Ctrl-C, a request to end, a reader who leaves.

use std::{future::Future, io, os::fd::AsFd as _};

use tokio::{
    io::{Interest, unix::AsyncFd},
    signal::unix::{SignalKind, signal},
};

use crate::error::Error;

/// `work`, unless it is ended from outside. Dropping it closes its connections, which ends its questions on the server too.
///
/// # Errors
/// Those of `work`; [`Error::Interrupted`], [`Error::Closed`].
pub async fn unless_interrupted<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        _ = interrupt.recv() => Err(Error::Interrupted { signal: 2 }),
        _ = terminate.recv() => Err(Error::Interrupted { signal: 15 }),
        () = reader_left() => Err(Error::Closed),
        done = work => done,
    }
}

/// Ends when nobody can read stdout any more; never, where that cannot be known, as with a file.
async fn reader_left() {
    let Ok(stdout) = io::stdout().as_fd().try_clone_to_owned() else {
        return std::future::pending().await;
    };
    // SAFETY: the descriptor is our own duplicate: it stays open and the same until the `AsyncFd` drops it.
    #[expect(
        unsafe_code,
        reason = "the safe form is deprecated, and tokio's pipes would make stdout non-blocking for everyone"
    )]
    let stdout = unsafe { AsyncFd::register_with_interest(stdout, Interest::WRITABLE) };
    let Ok(stdout) = stdout else {
        return std::future::pending().await;
    };
    loop {
        let Ok(mut ready) = stdout.writable().await else {
            return std::future::pending().await;
        };
        if ready.ready().is_write_closed() {
            return;
        }
        ready.clear_ready();
    }
}
