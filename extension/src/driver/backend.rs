//! One backend of the driver: its buffer, breaker and account, and whether it has been made yet.
//!
//! With two of them each has its own share of everything: a dead one never holds back the other.

use std::sync::Arc;

use crate::{
    config::Config,
    dispatch::{Accounted, Dispatch, Shipment},
    export::{Destination, Target, retry::backoff},
    flow::{Batch, Outcome, Packed, SignalKind, UnixNanos},
    startup,
    tally::{Reason, Tally},
};

/// What is to be sent, and by whom.
pub(super) struct Departure {
    pub(super) destination: Arc<Destination>,
    pub(super) shipment: Shipment,
}

/// One of the backends.
pub(super) struct Backend {
    pub(super) target: Target,
    pub(super) dispatch: Dispatch,
    pub(super) tally: Tally,
    /// Made once `/next` has been asked.
    destination: Option<Arc<Destination>>,
    /// Kinds that have somewhere to go.
    open: [bool; 3],
}

impl Backend {
    /// One for each that the configuration names, with equal shares of the memory.
    pub(super) fn all(config: &Config) -> Vec<Self> {
        let targets = Target::of(config);
        let one = |target: &Target| Self {
            target: *target,
            dispatch: Dispatch::new(config.memory_limit / targets.len(), target.timeout(config)),
            tally: Tally::default(),
            destination: None,
            open: SignalKind::ALL.map(|kind| target.is_open(config, kind)),
        };
        targets.iter().map(one).collect()
    }

    /// From now on batches can be sent.
    pub(super) fn ready(&mut self, destination: Destination) {
        self.destination = Some(Arc::new(destination));
        self.dispatch.ready();
    }

    /// The environment was frozen for long.
    pub(super) fn thawed(&self) {
        if let Some(destination) = &self.destination {
            destination.thawed();
        }
    }

    /// Takes in a piece: each record counts once as received.
    pub(super) fn push(&mut self, piece: Packed) {
        let (kind, records) = (piece.kind, piece.records);
        self.tally.received(kind, records);
        if !self.open[kind as usize] {
            self.tally.dropped(kind, Reason::NoEndpoint, records);
            return;
        }
        let dropped = self.dispatch.push(piece);
        for kind in SignalKind::ALL {
            self.tally.dropped(kind, Reason::BufferFull, dropped.of(kind));
        }
    }

    /// The next batch that may go.
    pub(super) fn depart(&mut self, now: UnixNanos) -> Option<Departure> {
        let destination = self.destination.clone()?;
        let shipment = self.dispatch.ship(now)?;
        Some(Departure { destination, shipment })
    }

    /// What became of a batch; gives back what is to be told of it.
    pub(super) fn shipped(&mut self, batch: Batch, outcome: Outcome, now: UnixNanos) -> Option<String> {
        let kind = batch.kind;
        let backoff = |failures, longest| backoff(failures, longest, startup::random());
        let Accounted { delivered, rejected, refused, dropped, news } =
            self.dispatch.shipped(batch, outcome, now, backoff);
        self.tally.delivered(kind, delivered);
        self.tally.dropped(kind, Reason::Rejected, rejected);
        self.tally.dropped(kind, Reason::Refused, refused);
        for kind in SignalKind::ALL {
            self.tally.dropped(kind, Reason::BufferFull, dropped.of(kind));
        }
        news.map(|news| format!("{} export: {news}", kind.as_str()))
    }

    /// The task that had a batch panicked.
    pub(super) fn lost(&mut self, kind: SignalKind, records: u64) {
        self.dispatch.lost(kind);
        self.tally.dropped(kind, Reason::Panic, records);
    }

    /// The end: whatever was not delivered is counted.
    pub(super) fn close(&mut self) {
        for kind in SignalKind::ALL {
            let abandoned = self.dispatch.abandon(kind);
            self.tally.dropped(kind, Reason::Shutdown, abandoned);
            self.tally.pending(kind, self.dispatch.pending(kind));
        }
    }
}
