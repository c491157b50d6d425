//! Receivers for the function's own OpenTelemetry SDK: OTLP by gRPC, and by HTTP as protobuf or JSON.
//!
//! They decode and hand on; what becomes of the signals is the [`Intake`]'s affair. One bad request is answered as OTLP says
//! and harms no other.

mod decode;
pub mod grpc;
pub mod http;
mod json;

use crate::flow::Signal;
use std::{future::Future, time::Duration};

/// The largest request that is taken, in bytes as protobuf or JSON after decompression.
pub const MAX_REQUEST_BYTES: usize = 16 << 20;

/// Takes signals over from a receiver.
pub trait Intake: Clone + Send + Sync + 'static {
    /// Takes responsibility for `signals`: once this is `Ok` the sender is told that they have arrived.
    ///
    /// # Errors
    /// [`Busy`] when they cannot be taken now; the sender still has them and is asked to come again.
    fn accept(&self, signals: Vec<Signal>) -> impl Future<Output = Result<(), Busy>> + Send;
}

/// Not now: the sender keeps its signals and tries again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("busy, try again")]
pub struct Busy {
    /// When it makes sense to try again, if that is known.
    pub retry_after: Option<Duration>,
}
