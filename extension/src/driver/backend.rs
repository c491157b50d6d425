//! One backend of the driver: its buffer, spool, breaker and account, and whether it has been made yet.
//!
//! With two of them each has its own share of everything: a dead one never holds back the other.

use std::{io, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    buffer::Dropped,
    config::Config,
    dispatch::{Accounted, Cargo, Dispatch, Shipment, Step},
    export::{Destination, Target, retry::backoff},
    flow::{Batch, Outcome, Packed, SignalKind, UnixNanos},
    spool::{Folder, Found},
    startup,
    tally::{Reason, Tally},
};

/// A spool that holds less than this is none.
const LEAST_SPOOL: usize = 1 << 20;

/// What the work takes itself, within the limit, as measured: a delivery while it is read and what is made of it, the compressor's
/// tables, connections, and the holes that an allocator leaves between pieces that came and went.
const WORK: usize = 4 << 20;

/// What of the limit is left for signals.
fn for_signals(limit: usize) -> usize {
    limit - WORK.min(limit / 2)
}

/// What is to be sent, and by whom.
pub(super) struct Departure {
    pub(super) destination: Arc<Destination>,
    pub(super) batch: Batch,
    pub(super) timeout: Duration,
    /// Closed when its answer is not worth waiting for any more.
    pub(super) given_up: oneshot::Receiver<()>,
}

/// One of the backends.
pub(super) struct Backend {
    pub(super) target: Target,
    pub(super) dispatch: Dispatch,
    pub(super) tally: Tally,
    folder: Option<Folder>,
    /// What could not be written, until it has been told.
    trouble: Option<io::Error>,
    told_of_trouble: bool,
    /// Batches of the buffer that are on their way: should the process end, they are not lost.
    on_their_way: [Option<Batch>; 3],
    /// What keeps the requests on their way.
    held: [Option<oneshot::Sender<()>>; 3],
    /// Made once `/next` has been asked.
    destination: Option<Arc<Destination>>,
    /// Kinds that have somewhere to go.
    open: [bool; 3],
    /// Kinds that cannot go there without secrets.
    needs_secrets: [bool; 3],
    /// How often the destination has been made, and as which one each kind's last request left.
    made: u32,
    left_as: [u32; 3],
}

impl Backend {
    /// One for each that the configuration names, with equal shares of the memory.
    pub(super) fn all(config: &Config) -> Vec<Self> {
        let targets = Target::of(config);
        let one = |target: &Target| Self {
            target: *target,
            dispatch: Dispatch::new(for_signals(config.memory_limit) / targets.len(), target.timeout(config)),
            tally: Tally::default(),
            folder: None,
            trouble: None,
            told_of_trouble: false,
            on_their_way: [const { None }; 3],
            held: [const { None }; 3],
            destination: None,
            open: SignalKind::ALL.map(|kind| target.is_open(config, kind)),
            needs_secrets: SignalKind::ALL.map(|kind| target.waits(config, kind)),
            made: 0,
            left_as: [0; 3],
        };
        targets.iter().map(one).collect()
    }

    /// Whether such records have somewhere to go.
    pub(super) const fn takes(&self, kind: SignalKind) -> bool {
        self.open[kind as usize]
    }

    /// Adopts what the process before this one has left in the spool, and goes on with it.
    pub(super) fn adopt(&mut self, config: &Config, share: usize) {
        let folder = Folder::new(&config.spool.folder, self.target.identity(config));
        let limit = folder.room().unwrap_or(0).min(config.spool.limit / share);
        if limit < LEAST_SPOOL {
            return;
        }
        let Found { segments, lost } = folder.open();
        for segment in &segments {
            self.tally.adopted(segment.kind, segment.records);
        }
        for (kind, records) in lost {
            self.tally.lost(kind, Reason::SpoolLost, records);
        }
        self.dispatch.adopt(limit, segments);
        self.folder = Some(folder);
    }

    /// Holds back what waits for secrets.
    pub(super) fn hold_back(&mut self, config: &Config) {
        for kind in SignalKind::ALL.into_iter().filter(|kind| self.target.waits(config, *kind)) {
            self.dispatch.hold_back(kind);
        }
    }

    /// Secrets are known: where any of them was waited for, the destination is made with them, and what can go with it goes.
    pub(super) fn unlock(&mut self, config: &Config) {
        if !self.dispatch.holds_back() {
            return;
        }
        self.ready(config);
        for kind in SignalKind::ALL.into_iter().filter(|kind| !self.target.waits(config, *kind)) {
            self.dispatch.let_go(kind);
        }
    }

    /// Whether a kind goes nowhere without secrets.
    pub(super) const fn needs_secrets(&self, kind: SignalKind) -> bool {
        self.needs_secrets[kind as usize]
    }

    /// Whether there are other secrets by now than those that the kind's last request left with.
    pub(super) const fn left_with_old_secrets(&self, kind: SignalKind) -> bool {
        self.left_as[kind as usize] != self.made
    }

    /// From now on batches can be sent.
    pub(super) fn ready(&mut self, config: &Config) {
        self.destination = Some(Arc::new(Destination::new(self.target, config)));
        self.made += 1;
        self.dispatch.go(self.target.ways(config));
        self.dispatch.ready();
    }

    /// The environment was frozen for long.
    pub(super) fn thawed(&self) {
        if let Some(destination) = &self.destination {
            destination.thawed();
        }
    }

    /// Sends what waits until the time is up.
    pub(super) fn send(&mut self, until: UnixNanos, last_chance: bool, now: UnixNanos) {
        if last_chance {
            self.dispatch.last_chance_begins(now);
        }
        self.dispatch.send(until, last_chance);
    }

    /// Gives up requests for which another one on a fresh connection is worth more.
    fn give_up_stale(&mut self, now: UnixNanos) {
        for kind in self.dispatch.give_up_stale(now) {
            if self.held[kind as usize].take().is_some() {
                self.thawed();
            }
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
        self.dropped(dropped);
        self.carry_out();
    }

    /// So many bytes of its share are other stages' at the moment.
    pub(super) fn leave_room(&mut self, elsewhere: usize) {
        let dropped = self.dispatch.leave_room(elsewhere);
        self.dropped(dropped);
        self.carry_out();
    }

    fn dropped(&mut self, dropped: Dropped) {
        for kind in SignalKind::ALL {
            self.tally.dropped(kind, Reason::BufferFull, dropped.of(kind));
        }
    }

    /// Does in the spool what was decided. A segment is small enough to be written between two events: it goes no further
    /// than the page cache.
    fn carry_out(&mut self) {
        let Some(folder) = &self.folder else { return };
        for step in self.dispatch.take_steps() {
            match step {
                Step::Write(segment, batch) => {
                    if let Err(error) = folder.write(segment, &batch) {
                        self.dispatch.forget(segment);
                        self.tally.dropped(segment.kind, Reason::SpoolLost, segment.records);
                        self.trouble = Some(error);
                    }
                }
                Step::Remove(segment) => folder.remove(segment),
                Step::Evict(segment) => {
                    folder.remove(segment);
                    self.tally.dropped(segment.kind, Reason::SpoolFull, segment.records);
                }
                Step::Lose(batch) => self.tally.dropped(batch.kind, Reason::SpoolFull, batch.records),
            }
        }
    }

    /// Why the spool could not be written, the first time it could not.
    pub(super) fn trouble(&mut self) -> Option<io::Error> {
        let trouble = self.trouble.take().filter(|_| !self.told_of_trouble);
        self.told_of_trouble |= trouble.is_some();
        trouble
    }

    /// The next batch that may go.
    pub(super) fn depart(&mut self, now: UnixNanos) -> Option<Departure> {
        let destination = self.destination.clone()?;
        self.give_up_stale(now);
        loop {
            let Shipment { cargo, timeout } = self.dispatch.ship(now)?;
            self.carry_out();
            let batch = match cargo {
                Cargo::Batch(batch) => {
                    self.on_their_way[batch.kind as usize] = Some(batch.clone());
                    Some(batch)
                }
                Cargo::Spooled(segment) => {
                    let batch = self.folder.as_ref().and_then(|folder| folder.read(segment));
                    if batch.is_none() {
                        self.dispatch.forget(segment);
                        self.tally.dropped(segment.kind, Reason::SpoolLost, segment.records);
                    }
                    batch
                }
            };
            if let Some(batch) = batch {
                self.left_as[batch.kind as usize] = self.made;
                let (held, given_up) = oneshot::channel();
                self.held[batch.kind as usize] = Some(held);
                return Some(Departure { destination, batch, timeout, given_up });
            }
        }
    }

    /// What became of a batch; gives back what is to be told of it.
    pub(super) fn shipped(&mut self, batch: Batch, outcome: Outcome, now: UnixNanos) -> Option<String> {
        let kind = batch.kind;
        self.on_their_way[kind as usize] = None;
        let backoff = |failures, longest| backoff(failures, longest, startup::random());
        let Accounted { delivered, rejected, refused, dropped, news } =
            self.dispatch.shipped(batch, outcome, now, backoff);
        self.tally.delivered(kind, delivered);
        self.tally.dropped(kind, Reason::Rejected, rejected);
        self.tally.dropped(kind, Reason::Refused, refused);
        self.dropped(dropped);
        self.carry_out();
        news.map(|news| format!("{} export: {news}", kind.as_str()))
    }

    /// The task that had a batch panicked.
    pub(super) fn lost(&mut self, kind: SignalKind, records: u64) {
        self.on_their_way[kind as usize] = None;
        self.dispatch.lost(kind);
        self.tally.dropped(kind, Reason::Panic, records);
        self.carry_out();
    }

    /// The end: whatever was not delivered is `kept` for the next process of this environment, or counted as lost.
    pub(super) fn close(&mut self, kept: bool) {
        if kept && self.folder.is_some() {
            self.dispatch.spill_all(self.on_their_way.iter_mut().filter_map(Option::take).collect());
            self.carry_out();
        } else {
            for kind in SignalKind::ALL {
                let abandoned = self.dispatch.abandon(kind);
                self.tally.dropped(kind, Reason::Shutdown, abandoned);
            }
            self.carry_out();
        }
        for kind in SignalKind::ALL {
            self.tally.pending(kind, self.dispatch.pending(kind));
            self.tally.spooled(kind, self.dispatch.spooled(kind));
        }
    }
}
