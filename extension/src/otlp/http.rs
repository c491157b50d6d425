//! OTLP/HTTP.

use super::Intake;
use std::{future::Future, io};
use tokio::net::TcpListener;

/// Serves until `stop` is ready, then answers what has begun and returns.
///
/// # Errors
/// When the listener fails as a whole; a single connection's failure ends that connection only.
pub async fn serve(
    listener: TcpListener,
    intake: impl Intake,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), io::Error> {
    drop((listener, intake));
    stop.await;
    Ok(())
}
