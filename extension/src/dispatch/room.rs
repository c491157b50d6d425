//! How much may be in memory: what waits, what is on its way, and what other stages have at the moment are bounded together.
//!
//! What finds no room goes to the spool, oldest first; where there is none it is dropped, and told.

use super::{Dispatch, Load, Step, spooled};
use crate::{
    buffer::{DEFAULT_BATCH_BYTES, Dropped},
    flow::{Batch, Packed},
    spool::SEGMENT_BYTES,
};

impl Dispatch {
    /// Other stages have so many bytes: what waits makes room for them.
    pub fn leave_room(&mut self, elsewhere: usize) -> Dropped {
        self.elsewhere = elsewhere;
        self.make_room();
        self.buffer.bound(self.room())
    }

    /// What is sent from the spool is in memory from then on.
    pub(super) fn make_room(&mut self) {
        self.spill_beyond(self.room());
    }

    /// Into the buffer.
    pub fn push(&mut self, piece: Packed) -> Dropped {
        let (bytes, room) = (piece.bytes.len(), self.room());
        self.spill_beyond(room.saturating_sub(bytes));
        if bytes > room && self.spool.takes(bytes) {
            let mut batch = Batch::new(piece.kind);
            batch.push(piece);
            self.spill(batch);
            return Dropped::default();
        }
        let dropped = self.buffer.bound(room);
        dropped + self.buffer.push(piece)
    }

    /// A batch that was not delivered waits again. It is older than all in the buffer, and goes to the spool before them.
    pub(super) fn keep(&mut self, batch: Batch, load: Option<Load>) -> Dropped {
        if spooled(load).is_some() {
            return Dropped::default();
        }
        let room = self.room();
        if self.spool.takes(1) && self.pending_bytes() + batch.bytes > room {
            self.spill(batch);
            return Dropped::default();
        }
        let dropped = self.buffer.bound(room);
        dropped + self.buffer.give_back(batch)
    }

    /// The most that is sent at once: one request never takes so much that there is no room for what comes meanwhile.
    pub(super) fn batch_bytes(&self) -> usize {
        DEFAULT_BATCH_BYTES.min(self.limit / 4)
    }

    /// Bytes that wait, or are on their way.
    #[must_use]
    pub fn bytes_in_memory(&self) -> usize {
        self.pending_bytes() + self.bytes_on_their_way()
    }

    /// What may wait.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.elsewhere + self.bytes_on_their_way())
    }

    fn bytes_on_their_way(&self) -> usize {
        self.lanes.iter().filter_map(|lane| lane.in_flight).map(Load::bytes).sum()
    }

    /// To the spool with what waits beyond so many bytes, where there is one.
    fn spill_beyond(&mut self, bytes: usize) {
        while self.spool.takes(1) && self.pending_bytes() > bytes {
            let oldest = self.buffer.take(None, SEGMENT_BYTES.min(self.limit / 4));
            self.spill(oldest.expect("what takes room can be taken"));
        }
    }

    pub(super) fn spill(&mut self, batch: Batch) {
        if !self.spool.takes(batch.bytes) {
            self.steps.push(Step::Lose(batch));
            return;
        }
        let spared: Vec<u64> = self.lanes.iter().filter_map(|lane| Some(spooled(lane.in_flight)?.number)).collect();
        let (segment, evicted) = self.spool.add(batch.kind, batch.records, batch.bytes, &spared);
        self.steps.extend(evicted.into_iter().map(Step::Evict));
        self.steps.push(Step::Write(segment, batch));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dispatch::{Cargo, Shipment},
        flow::{Outcome, SignalKind, UnixNanos},
    };
    use proptest::prelude::*;
    use std::time::Duration;

    const LIMIT: usize = 64 << 10;
    const LOGS: SignalKind = SignalKind::Logs;

    #[derive(Clone, Copy, Debug)]
    enum Happening {
        Push { kind: SignalKind, bytes: usize },
        Elsewhere(usize),
        Ship,
        Delivered,
        Failed,
    }

    fn happening() -> impl Strategy<Value = Happening> {
        let kind = prop::sample::select(SignalKind::ALL.to_vec());
        prop_oneof![
            8 => (kind, 1..8_000_usize).prop_map(|(kind, bytes)| Happening::Push { kind, bytes }),
            1 => (0..LIMIT / 2).prop_map(Happening::Elsewhere),
            3 => Just(Happening::Ship),
            2 => Just(Happening::Delivered),
            1 => Just(Happening::Failed),
        ]
    }

    /// A dispatch, what it has under way, and where every record of it went that is not in it any more.
    struct World {
        dispatch: Dispatch,
        under_way: Vec<Batch>,
        gone: u64,
        now: UnixNanos,
    }

    impl World {
        fn new(spool: usize) -> Self {
            let mut dispatch = Dispatch::new(LIMIT, Duration::from_secs(5));
            dispatch.adopt(spool, Vec::new());
            dispatch.ready();
            Self { dispatch, under_way: Vec::new(), gone: 0, now: 1_000_000_000 }
        }

        fn happens(&mut self, happening: Happening) {
            self.now += 60_000_000_000;
            match happening {
                Happening::Push { kind, bytes } => {
                    let piece = Packed { kind, records: 1, bytes: vec![0; bytes].into() };
                    self.gone += self.dispatch.push(piece).total();
                }
                Happening::Elsewhere(bytes) => self.gone += self.dispatch.leave_room(bytes).total(),
                Happening::Ship => {
                    self.dispatch.send(UnixNanos::MAX, true);
                    if let Some(Shipment { cargo, .. }) = self.dispatch.ship(self.now) {
                        self.under_way.push(match cargo {
                            Cargo::Batch(batch) => batch,
                            Cargo::Spooled(segment) => {
                                let mut batch = Batch::new(segment.kind);
                                (batch.records, batch.bytes) = (segment.records, segment.bytes);
                                batch
                            }
                        });
                    }
                }
                Happening::Delivered => {
                    self.comes_back(Outcome::Delivered { rejected: 0, message: String::new() });
                }
                Happening::Failed => self.comes_back(Outcome::Retry { after: None, why: String::new() }),
            }
            for step in self.dispatch.take_steps() {
                self.gone += match step {
                    Step::Evict(segment) => segment.records,
                    Step::Lose(batch) => batch.records,
                    Step::Write(..) | Step::Remove(_) => 0,
                };
            }
        }

        fn comes_back(&mut self, outcome: Outcome) {
            let Some(batch) = self.under_way.pop() else { return };
            let accounted = self.dispatch.shipped(batch, outcome, self.now, |_, _| Duration::ZERO);
            self.gone += accounted.delivered + accounted.dropped.total();
        }

        fn records(&self) -> u64 {
            let here = |kind| self.dispatch.pending(kind) + self.dispatch.spooled(kind);
            self.gone + SignalKind::ALL.into_iter().map(here).sum::<u64>()
        }
    }

    proptest! {
        #[test]
        fn whatever_happens_memory_stays_within_the_limit_and_every_record_has_its_place(
            happenings in prop::collection::vec(happening(), 1..200),
            spool in prop::sample::select(vec![0, LIMIT, 100 * LIMIT]),
        ) {
            let mut world = World::new(spool);
            let (mut pushed, mut elsewhere) = (0, 0);
            for happening in happenings {
                match happening {
                    Happening::Push { .. } => pushed += 1,
                    Happening::Elsewhere(bytes) => elsewhere = bytes,
                    Happening::Ship | Happening::Delivered | Happening::Failed => {}
                }
                world.happens(happening);
                let room = LIMIT.saturating_sub(elsewhere + world.dispatch.bytes_on_their_way());
                prop_assert!(world.dispatch.pending_bytes() <= room);
                prop_assert_eq!(world.records(), pushed);
            }
        }
    }

    #[test]
    fn what_is_on_its_way_and_what_other_stages_have_leave_less_room() {
        let mut world = World::new(0);
        let push = Happening::Push { kind: LOGS, bytes: 4 << 10 };
        (0..16).for_each(|_| world.happens(push));
        assert_eq!((world.dispatch.bytes_in_memory(), world.gone), (LIMIT, 0));
        world.happens(Happening::Ship);
        assert_eq!(world.dispatch.bytes_on_their_way(), LIMIT / 4);
        world.happens(push);
        assert_eq!((world.dispatch.bytes_in_memory(), world.gone), (LIMIT, 1), "the oldest that waits makes room");
        world.happens(Happening::Elsewhere(LIMIT / 2));
        assert_eq!((world.dispatch.bytes_in_memory(), world.gone), (LIMIT / 2, 9));
    }

    #[test]
    fn a_piece_for_which_memory_has_no_room_at_all_is_spooled() {
        let mut world = World::new(100 * LIMIT);
        world.happens(Happening::Push { kind: LOGS, bytes: 4 << 10 });
        world.happens(Happening::Elsewhere(LIMIT));
        world.happens(Happening::Push { kind: LOGS, bytes: 4 << 10 });
        assert_eq!((world.dispatch.bytes_in_memory(), world.gone, world.dispatch.spooled(LOGS)), (0, 0, 2));
    }
}
