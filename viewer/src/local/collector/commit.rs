//! The queues before ClickHouse, one a signal, and the tasks that empty them insert by insert.

use std::sync::Arc;

use lambdaview_extension::{
    export::{clickhouse::ClickHouseExporter, rows::Rows},
    flow::{Outcome, Signal, SignalKind},
    otlp::{Busy, Intake},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinSet,
};

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
    pub(super) fn start(exporter: &Arc<ClickHouseExporter>, commits: &mut JoinSet<()>) -> Self {
        let queues = SignalKind::ALL.map(|_| {
            let (sender, receiver) = mpsc::channel(QUEUED_REQUESTS);
            commits.spawn(commit(exporter.clone(), receiver));
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
async fn commit(exporter: Arc<ClickHouseExporter>, mut queue: mpsc::Receiver<Request>) {
    let mut group = Vec::with_capacity(REQUESTS_AN_INSERT);
    while queue.recv_many(&mut group, REQUESTS_AN_INSERT).await > 0 {
        let mut rows = Rows::default();
        for signal in group.iter_mut().flat_map(|request| request.signals.drain(..)) {
            rows.add(signal);
        }
        let result = match exporter.insert(&rows).await {
            Outcome::Delivered { rejected: 0, .. } => Ok(()),
            // Asking to come again would double what was written.
            Outcome::Delivered { rejected, message } => {
                eprintln!("lambdaview: {rejected} rows were not written and are lost: {message}");
                Ok(())
            }
            Outcome::Retry { after, why } => Err((after, why)),
            Outcome::NoAnswer { why, .. } | Outcome::Denied { why } | Outcome::Refused { why } => Err((None, why)),
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

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, any_value::Value},
        logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    };

    use super::*;

    /// Queues before an address where nobody listens.
    fn queues(commits: &mut JoinSet<()>) -> Queues {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        Queues::start(&Arc::new(crate::local::collector::exporter(&url, "default").unwrap()), commits)
    }

    fn logs(body: String) -> Vec<Signal> {
        let body = Some(AnyValue { value: Some(Value::StringValue(body)) });
        let log_records = vec![LogRecord { body, ..LogRecord::default() }];
        let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
        vec![Signal::Logs(ResourceLogs { scope_logs, ..ResourceLogs::default() })]
    }

    #[tokio::test]
    async fn what_could_not_be_written_stays_with_its_sender() {
        let mut commits = JoinSet::new();
        let queues = queues(&mut commits);
        assert_eq!(queues.accept(logs("x".to_owned())).await, Err(Busy::default()));
        assert_eq!(queues.room.available_permits(), QUEUED_KIB);
    }

    #[tokio::test]
    async fn what_finds_no_room_is_not_queued() {
        let mut commits = JoinSet::new();
        let queues = queues(&mut commits);
        let _others = Arc::clone(&queues.room).try_acquire_many_owned(u32::try_from(QUEUED_KIB).unwrap()).unwrap();
        assert_eq!(queues.accept(logs("x".to_owned())).await, Err(Busy::default()));
        assert_eq!(queues.queues[SignalKind::Logs as usize].capacity(), QUEUED_REQUESTS);
    }

    #[tokio::test]
    async fn the_tasks_end_with_the_last_of_the_queues() {
        let mut commits = JoinSet::new();
        let queues = queues(&mut commits);
        drop(queues.clone());
        drop(queues);
        while let Some(ended) = commits.join_next().await {
            ended.unwrap();
        }
    }
}
