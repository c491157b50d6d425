//! Receivers for the function's own OpenTelemetry SDK: OTLP by gRPC, and by HTTP as protobuf or JSON.
//!
//! They decode and hand on; what becomes of the signals is the [`Intake`]'s affair. One bad request is answered as OTLP says
//! and harms no other.

mod decode;
pub mod grpc;
pub mod http;
mod ids;
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::flow::SignalKind;
    use std::{
        net::SocketAddr,
        sync::{
            Arc, Mutex,
            atomic::{AtomicU32, Ordering},
        },
    };
    use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

    /// An intake that keeps what it is given, after having been busy as often as it was told to.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Kept {
        signals: Arc<Mutex<Vec<Signal>>>,
        busy: Arc<AtomicU32>,
        retry_after: Option<Duration>,
    }

    impl Kept {
        pub(crate) fn busy(times: u32, retry_after: Option<Duration>) -> Self {
            Self { busy: Arc::new(AtomicU32::new(times)), retry_after, ..Self::default() }
        }

        pub(crate) fn signals(&self) -> Vec<Signal> {
            self.signals.lock().unwrap().clone()
        }

        pub(crate) fn records(&self, kind: SignalKind) -> u64 {
            self.signals().iter().filter(|signal| signal.kind() == kind).map(Signal::records).sum()
        }
    }

    impl Intake for Kept {
        async fn accept(&self, signals: Vec<Signal>) -> Result<(), Busy> {
            let is_busy = |times: u32| times.checked_sub(1);
            if self.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, is_busy).is_ok() {
                return Err(Busy { retry_after: self.retry_after });
            }
            self.signals.lock().unwrap().extend(signals);
            Ok(())
        }
    }

    /// A receiver on a free port of the loopback, stopped by [`Served::stop`].
    pub(crate) struct Served {
        pub(crate) address: SocketAddr,
        stop: oneshot::Sender<()>,
        task: JoinHandle<()>,
    }

    impl Served {
        pub(crate) async fn stop(self) {
            self.stop.send(()).expect("the receiver still serves");
            self.task.await.expect("the receiver does not panic");
        }
    }

    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Receiver {
        Grpc,
        Http,
    }

    pub(crate) async fn serve(receiver: Receiver, intake: Kept) -> Served {
        serve_at(receiver, intake, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    pub(crate) async fn serve_at(receiver: Receiver, intake: Kept, address: SocketAddr) -> Served {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap_or_default() };
        #[expect(clippy::disallowed_methods, reason = "`Served` owns the task and joins it")]
        let task = tokio::spawn(async move {
            match receiver {
                Receiver::Grpc => grpc::serve(listener, intake, stopped).await.unwrap(),
                Receiver::Http => http::serve(listener, intake, stopped).await.unwrap(),
            }
        });
        Served { address, stop, task }
    }
}
