//! The queue between the receivers and the driver: bounded in bytes, and never a reason to keep a sender waiting.
//!
//! Deliveries of the Telemetry API are queued as their bytes came: that is what bounds them, and the answer does not wait
//! for the reading. A delivery that finds the queue full is counted; the SDK is asked to come again instead, as it keeps
//! what it was not thanked for.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    clock,
    flow::{Signal, UnixNanos},
    lambda::telemetry::Deliveries,
    normalise,
    otlp::{self, Busy},
};

/// What may wait to be read: a quarter of what there is for everything, within these bounds. One delivery may go over it: the
/// smaller bound is the largest that comes as we subscribe.
const LEAST_BYTES: usize = 512 << 10;
const MOST_BYTES: usize = 4 << 20;

/// How many may wait, however small they are.
const LIMIT_DELIVERIES: usize = 1024;

/// One thing that came in, not yet read.
#[derive(Debug)]
pub struct Delivery {
    /// When.
    pub at: UnixNanos,
    /// What.
    pub content: Content,
}

/// What came in.
#[derive(Debug)]
pub enum Content {
    /// The body of a delivery of the Telemetry API.
    Telemetry(Bytes),
    /// Signals of the SDK's.
    Otlp(Vec<Signal>),
}

impl Content {
    fn bytes(&self) -> usize {
        match self {
            Self::Telemetry(body) => body.len(),
            Self::Otlp(signals) => signals.iter().map(Signal::bytes).sum(),
        }
    }
}

#[derive(Debug, Default)]
struct Level {
    limit: usize,
    bytes: AtomicUsize,
    lost: AtomicU64,
}

/// The receivers' end.
#[derive(Clone, Debug)]
pub struct Inlet {
    sender: mpsc::Sender<(Delivery, usize)>,
    level: Arc<Level>,
}

/// The driver's end.
#[derive(Debug)]
pub struct Outlet {
    receiver: mpsc::Receiver<(Delivery, usize)>,
    level: Arc<Level>,
}

/// A queue, where all stages together may have `memory_limit` bytes.
#[must_use]
pub fn queue(memory_limit: usize) -> (Inlet, Outlet) {
    let (sender, receiver) = mpsc::channel(LIMIT_DELIVERIES);
    let level = Arc::new(Level { limit: (memory_limit / 4).clamp(LEAST_BYTES, MOST_BYTES), ..Level::default() });
    (Inlet { sender, level: Arc::clone(&level) }, Outlet { receiver, level })
}

impl Inlet {
    /// Queues `content`, or gives it back when there is no room.
    fn offer(&self, content: Content) -> Result<(), Content> {
        let bytes = content.bytes();
        if self.level.bytes.load(Ordering::Relaxed) >= self.level.limit {
            return Err(content);
        }
        let delivery = Delivery { at: clock::unix_now(), content };
        self.level.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.sender.try_send((delivery, bytes)).map_err(|error| {
            self.level.bytes.fetch_sub(bytes, Ordering::Relaxed);
            error.into_inner().0.content
        })
    }

    fn lose(&self, records: u64) {
        self.level.lost.fetch_add(records, Ordering::Relaxed);
    }
}

impl Deliveries for Inlet {
    fn deliver(&self, body: Bytes) {
        if let Err(Content::Telemetry(body)) = self.offer(Content::Telemetry(body)) {
            self.lose(normalise::count_log_records(&body));
        }
    }

    fn oversized(&self) {
        // How many records it held cannot be told: it is one of something.
        self.lose(1);
    }
}

impl otlp::Intake for Inlet {
    async fn accept(&self, signals: Vec<Signal>) -> Result<(), Busy> {
        self.offer(Content::Otlp(signals)).map_err(|_| Busy::default())
    }
}

impl Outlet {
    /// The next delivery, when there is one. The receivers may come and go: it waits for ever rather than end.
    pub async fn next(&mut self) -> Delivery {
        match self.receiver.recv().await {
            Some(queued) => self.leave(queued),
            None => std::future::pending().await,
        }
    }

    /// The next delivery, if there is one now.
    pub fn take(&mut self) -> Option<Delivery> {
        let queued = self.receiver.try_recv().ok()?;
        Some(self.leave(queued))
    }

    /// Bytes that wait to be read.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.level.bytes.load(Ordering::Relaxed)
    }

    /// Log records that found no room since it was last asked.
    #[must_use]
    pub fn take_lost(&self) -> u64 {
        self.level.lost.swap(0, Ordering::Relaxed)
    }

    fn leave(&self, (delivery, bytes): (Delivery, usize)) -> Delivery {
        self.level.bytes.fetch_sub(bytes, Ordering::Relaxed);
        delivery
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::Intake;

    #[tokio::test]
    async fn a_full_queue_counts_deliveries_and_asks_the_sdk_to_come_again() {
        let (inlet, mut outlet) = queue(8 << 20);
        let line = |length| Bytes::from(format!(r#"[{{"type":"function","record":"{}"}}]"#, "x".repeat(length)));
        inlet.deliver(line(2 << 20));
        inlet.deliver(line(1));
        inlet.deliver(line(1));
        assert!(inlet.accept(Vec::new()).await.is_err());
        assert_eq!((outlet.take_lost(), outlet.take_lost()), (2, 0));
        assert!(matches!(outlet.next().await.content, Content::Telemetry(body) if body.len() > 2 << 20));
        assert!(inlet.accept(Vec::new()).await.is_ok());
        assert!(outlet.take().is_some() && outlet.take().is_none());
        assert_eq!(outlet.bytes(), 0);
    }
}
