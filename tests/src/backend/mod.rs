//! A backend that takes OTLP and can be told to fail in every way that one fails.
//!
//! It speaks OTLP/HTTP (protobuf and JSON) and OTLP/gRPC on one port, keeps everything that it was sent by identity
//! ([`Store`]), and behaves as [`Behaviour`] says, from one request to the next. `service` answers requests, `decode` reads
//! bodies; the faults of connections are here.

mod decode;
mod service;
mod store;

pub use decode::Kind;
pub use store::{Copies, Line, Store};

use crate::tls::Certified;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    task::JoinSet,
};

/// Bytes on their way between a connection and who answers on it.
const PASSAGE: usize = 64 << 10;

/// How a backend behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behaviour {
    /// Takes everything and says so at once.
    Healthy,
    /// Nobody listens: connections are refused, and those that were open are reset.
    Refused,
    /// Takes connections and requests and never answers.
    Hanging,
    /// 429 with `Retry-After`, or its gRPC twin.
    TooManyRequests,
    /// 503, or `UNAVAILABLE`.
    Unavailable,
    /// Every third record of a request is rejected.
    PartialSuccess,
    /// Reads a part of the body, then resets the connection.
    ResetMidBody,
    /// Reads a part of the body, then ends the connection in order: with TLS, by TLS's own word for it.
    ClosedMidBody,
    /// Keeps what it was sent, then resets the connection instead of answering: the sender cannot know.
    ResetAfterStoring,
    /// Takes its time to read.
    SlowReads,
    /// Takes its time to answer, having kept what it was sent.
    SlowAnswers,
    /// Closes every connection at the first bytes, as when TLS fails in its handshake.
    ClosedHandshake,
    /// Answers with bytes that are no HTTP.
    Garbage,
}

impl Behaviour {
    /// Every way of failing.
    pub const FAULTS: [Self; 12] = [
        Self::Refused,
        Self::Hanging,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::PartialSuccess,
        Self::ResetMidBody,
        Self::ClosedMidBody,
        Self::ResetAfterStoring,
        Self::SlowReads,
        Self::SlowAnswers,
        Self::ClosedHandshake,
        Self::Garbage,
    ];

    /// Whether whoever waits for it waits in vain.
    #[must_use]
    pub const fn is_dead(self) -> bool {
        !matches!(self, Self::Healthy | Self::PartialSuccess | Self::SlowReads | Self::SlowAnswers)
    }
}

/// What the connections of a backend share.
#[derive(Debug)]
struct Shared {
    behaviour: watch::Sender<Behaviour>,
    listening: watch::Sender<bool>,
    store: Mutex<Store>,
    requests: watch::Sender<Requests>,
    /// With TLS, if with any.
    certified: Option<Certified>,
}

/// Requests that reached a backend, whatever became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// So many since its start; they are numbered from 0.
    pub begun: u64,
    /// Of those, the ones that are neither answered nor given up.
    pub open: BTreeSet<u64>,
}

impl Shared {
    fn behaviour(&self) -> Behaviour {
        *self.behaviour.borrow()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no holder of this lock panics")
    }
}

/// The handle. Dropping it ends the backend.
#[derive(Debug)]
pub struct Backend {
    /// Where it listens, when it does.
    pub address: SocketAddr,
    /// Where it speaks TLS, the authority that its clients have to trust, as PEM.
    pub authority: Option<String>,
    shared: Arc<Shared>,
    _listener: JoinSet<()>,
}

impl Backend {
    /// A healthy backend at an address that nothing else of this machine's tests uses.
    ///
    /// # Panics
    /// When its port cannot be had.
    pub async fn start() -> Self {
        Self::start_at(crate::machine::loopback().into(), |_| None).await
    }

    /// The same with TLS.
    ///
    /// # Panics
    /// When its port cannot be had.
    pub async fn start_with_tls() -> Self {
        Self::start_at(crate::machine::loopback().into(), |address| Some(Certified::at(address))).await
    }

    async fn start_at(address: IpAddr, certified: impl FnOnce(IpAddr) -> Option<Certified>) -> Self {
        crate::watchdog::watch();
        let certified = certified(address);
        let authority = certified.as_ref().map(|certified| certified.authority.clone());
        let address = SocketAddr::new(address, 4319);
        let shared = Arc::new(Shared {
            behaviour: watch::Sender::new(Behaviour::Healthy),
            listening: watch::Sender::new(false),
            store: Mutex::default(),
            requests: watch::Sender::default(),
            certified,
        });
        let mut listener = JoinSet::new();
        listener.spawn(listen(address, shared.clone()));
        let backend = Self { address, authority, shared, _listener: listener };
        backend.behave(Behaviour::Healthy).await;
        backend
    }

    /// From now on it behaves like this; it listens, or does not, when this returns.
    ///
    /// # Panics
    /// When its port is not to be had again.
    pub async fn behave(&self, behaviour: Behaviour) {
        self.shared.behaviour.send_replace(behaviour);
        let mut listening = self.shared.listening.subscribe();
        let settled = listening.wait_for(|now| *now == (behaviour != Behaviour::Refused));
        let settled = tokio::time::timeout(crate::until::GENEROUS, settled).await;
        settled.expect("the backend's port is there for the taking").expect("the listener lives as long as its handle");
    }

    /// How it behaves now.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.shared.behaviour()
    }

    /// The requests that have reached it.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.shared.requests.borrow().clone()
    }

    /// Looks at what it has been sent.
    pub fn look<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.shared.store())
    }
}

/// Listens for as long as the behaviour allows.
async fn listen(address: SocketAddr, shared: Arc<Shared>) {
    let mut behaviour = shared.behaviour.subscribe();
    loop {
        let listener = bind(address).await;
        shared.listening.send_replace(true);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        connections.spawn(connection(stream, shared.clone()));
                    }
                }
                Some(_) = connections.join_next() => {}
                _ = behaviour.wait_for(|now| *now == Behaviour::Refused) => break,
            }
        }
        drop(listener);
        connections.shutdown().await;
        shared.listening.send_replace(false);
        let _lives = behaviour.wait_for(|now| *now != Behaviour::Refused).await;
    }
}

/// The port was ours and will be again; what is left of old connections may hold it for a moment.
async fn bind(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    // Whatever ends a connection here ends it with a reset.
    let _as_good = stream.set_zero_linger();
    let mut first = [0; 512];
    match shared.behaviour() {
        Behaviour::ClosedHandshake => {
            let _read = stream.read(&mut first).await;
            return;
        }
        Behaviour::Garbage => return garbage(stream).await,
        _ => {}
    }
    match &shared.certified {
        None => serve(stream, &shared).await,
        Some(certified) => {
            if let Ok(stream) = certified.accept(stream).await {
                serve(stream, &shared).await;
            }
        }
    }
}

/// What a connection comes to that is not left to its other end.
#[derive(Debug, Default)]
struct Fate {
    reset: Notify,
    closed: Notify,
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Arc<Shared>) {
    let fate = Arc::new(Fate::default());
    let unread = Arc::new(service::Unread::new(shared.clone()));
    let service = service_fn(|request| service::answer(unread.clone(), fate.clone(), request));
    let server = auto::Builder::new(TokioExecutor::new());
    // hyper keeps its end for good; the connection stays ours to end.
    let (near, far) = tokio::io::duplex(PASSAGE);
    let served = server.serve_connection(TokioIo::new(near), service);
    let closed = tokio::select! {
        _its_other_end_had_enough = async { tokio::join!(served, carry(&mut stream, far)) } => {
            unread.forget();
            false
        }
        () = fate.reset.notified() => false,
        () = fate.closed.notified() => true,
    };
    if closed {
        let _as_good = stream.shutdown().await;
    }
}

/// Carries bytes until either end has had enough; `far` then hears of it.
async fn carry(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), mut far: DuplexStream) {
    let _ended = tokio::io::copy_bidirectional(stream, &mut far).await;
}

/// Bytes that are neither HTTP/1 nor HTTP/2, and the connection until its other end has had enough of it.
async fn garbage(mut stream: TcpStream) {
    let mut first = [0; 512];
    let _read = stream.read(&mut first).await;
    let _written = stream.write_all(b"\x16\x03\x01 220 this is not the server you are looking for\r\n\r\n").await;
    while stream.read(&mut first).await.is_ok_and(|read| read > 0) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        until::{GENEROUS, until},
        wire::{self, Reply},
    };
    use Behaviour::{PartialSuccess, ResetAfterStoring, SlowAnswers, SlowReads};
    use http::Method;

    /// One line as OTLP/JSON, and what came back for it.
    async fn send(backend: &Backend, body: &str, patience: Duration) -> Result<Reply, String> {
        let json = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{body}"}}}}]}}]}}]}}"#
        );
        let headers = [("content-type", "application/json")];
        let sent = wire::send(backend.address, Method::POST, "/v1/logs", &headers, &json);
        tokio::time::timeout(patience, sent).await.unwrap_or_else(|_| Err("no answer".to_owned()))
    }

    fn copies(backend: &Backend, body: &str) -> Copies {
        backend.look(|store| store.lines().get(body).map(|line| line.copies).unwrap_or_default())
    }

    #[tokio::test]
    async fn it_fails_in_the_way_it_is_told_to_and_is_well_again_afterwards() {
        let backend = Backend::start().await;
        for behaviour in Behaviour::FAULTS {
            backend.behave(behaviour).await;
            let patience = if behaviour == Behaviour::Hanging { Duration::from_millis(200) } else { GENEROUS };
            let answer = send(&backend, &format!("{behaviour:?}"), patience).await;
            let status = answer.as_ref().map(|reply| reply.status.as_u16()).unwrap_or_default();
            let expected = match behaviour {
                Behaviour::TooManyRequests => 429,
                Behaviour::Unavailable => 503,
                PartialSuccess | SlowReads | SlowAnswers => 200,
                _ => 0,
            };
            assert_eq!(status, expected, "{behaviour:?}: {answer:?}");
            backend.behave(Behaviour::Healthy).await;
            assert_eq!(send(&backend, "well", GENEROUS).await.unwrap().status, 200, "after {behaviour:?}");
        }
        let kept: Vec<_> =
            Behaviour::FAULTS.into_iter().filter(|fault| copies(&backend, &format!("{fault:?}")).kept > 0).collect();
        assert_eq!(kept, [PartialSuccess, ResetAfterStoring, SlowReads, SlowAnswers]);
        assert_eq!(copies(&backend, "ResetAfterStoring").unanswered, 1);
        assert_eq!(copies(&backend, "well").unanswered, 0);
    }

    #[tokio::test]
    async fn an_answer_that_its_sender_did_not_wait_for_is_a_lost_one() {
        let backend = Backend::start().await;
        backend.behave(SlowAnswers).await;
        let seen = |wanted: Copies| {
            let backend = &backend;
            until("the line", GENEROUS, move || async move {
                let copies = copies(backend, "slow");
                if copies == wanted { Ok(()) } else { Err(format!("{copies:?}")) }
            })
        };
        tokio::select! {
            answer = send(&backend, "slow", GENEROUS) => panic!("answered before it was seen: {answer:?}"),
            () = seen(Copies { kept: 1, unanswered: 0, rejected: 0, requests: [1, 0, 0, 0, 0, 0, 0, 0] }) => {}
        }
        seen(Copies { kept: 1, unanswered: 1, rejected: 0, requests: [1, 0, 0, 0, 0, 0, 0, 0] }).await;
        assert_eq!(backend.requests().begun, 1);
        until("the end of the request", GENEROUS, || async {
            let open = backend.requests().open;
            if open.is_empty() { Ok(()) } else { Err(format!("{open:?}")) }
        })
        .await;
    }
}
