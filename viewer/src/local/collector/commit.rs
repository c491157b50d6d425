//! The queues before ClickHouse, one a signal, and the tasks that empty them insert by insert.

use std::sync::Arc;

use lambdaview_extension::{
    export::{clickhouse::ClickHouseExporter, rows::Rows},
    flow::{Outcome, Signal, SignalKind},
    otlp::{Busy, Intake},
};
use lambdaview_queries::schema::TimePrecision;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinSet,
};

use super::rules;

/// Requests that wait for one signal's insert at most; beyond them a sender is told to come again.
const QUEUED_REQUESTS: usize = 1024;
/// Bytes of all waiting requests together at most, in KiB: with their rows, some 300 MB of memory in the worst case.
const QUEUED_KIB: usize = 64 << 10;
/// Requests in one insert at most: keeps the rows that are built at a time within reason.
const REQUESTS_AN_INSERT: usize = 256;

/// Requests on their way into ClickHouse.
#[derive(Clone)]
pub(super) struct Queues {
    queues: [mpsc::Sender<Request>; SignalKind::ALL.len()],
    room: Arc<Semaphore>,
}

/// A request that is not answered yet.
struct Request {
    signals: Vec<Signal>,
    _room: OwnedSemaphorePermit,
    written: oneshot::Sender<Result<(), Busy>>,
}

impl Queues {
    /// One task for each signal in `commits`; each ends when the last clone of the queues is gone and its own is empty.
    pub(super) fn start(exporter: &ClickHouseExporter, metrics: TimePrecision, commits: &mut JoinSet<()>) -> Self {
        let queues = SignalKind::ALL.map(|_| {
            let (sender, receiver) = mpsc::channel(QUEUED_REQUESTS);
            commits.spawn(commit(exporter.clone(), metrics, receiver));
            sender
        });
        Self { queues, room: Arc::new(Semaphore::new(QUEUED_KIB)) }
    }
}

impl Intake for Queues {
    async fn accept(&self, signals: Vec<Signal>) -> Result<(), Busy> {
        // A request of OTLP is of one kind.
        let Some(kind) = signals.first().map(Signal::kind) else { return Ok(()) };
        let kib = signals.iter().map(Signal::bytes).sum::<usize>() / 1024 + 1;
        let room = u32::try_from(kib).ok().and_then(|kib| Arc::clone(&self.room).try_acquire_many_owned(kib).ok());
        let _room = room.ok_or_else(Busy::default)?;
        let (written, answer) = oneshot::channel();
        let request = Request { signals, _room, written };
        self.queues[kind as usize].try_send(request).map_err(|_| Busy::default())?;
        answer.await.unwrap_or_else(|_| Err(Busy::default()))
    }
}

/// Inserts what waits, again and again: everything that came during one insert goes into the next.
async fn commit(exporter: ClickHouseExporter, metrics: TimePrecision, mut queue: mpsc::Receiver<Request>) {
    let mut group = Vec::with_capacity(REQUESTS_AN_INSERT);
    while queue.recv_many(&mut group, REQUESTS_AN_INSERT).await > 0 {
        let mut rows = Rows::default();
        for signal in group.iter_mut().flat_map(|request| request.signals.drain(..)) {
            add(&mut rows, signal, metrics);
        }
        let result = match exporter.insert(&rows).await {
            Outcome::Delivered { .. } => Ok(()),
            Outcome::Retry { after, why } => Err((after, why)),
            Outcome::Refused { why } => Err((None, why)),
        };
        if let Err((_, why)) = &result {
            eprintln!("lambdaview: rows were not written, their senders are asked to come again: {why}");
        }
        let answer = result.map_err(|(retry_after, _)| Busy { retry_after });
        for request in group.drain(..) {
            // Nobody hears it when the sender hung up meanwhile: it will send again.
            request.written.send(answer).ok();
        }
    }
}

fn add(rows: &mut Rows, mut signal: Signal, metrics: TimePrecision) {
    if let Signal::Logs(logs) = &mut signal {
        if let Some(sessions) = rules::take_sessions(logs) {
            rows.add_sessions(&sessions);
        }
        rules::apply(logs);
    }
    rows.add(&signal, metrics);
}
