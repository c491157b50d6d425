//! `log.record.uid`: an id that each log record has for itself, and keeps however often it is sent.
//!
//! It is put on before the record is encoded, so that a retry and the spool carry the same. It is a ULID: the time in
//! milliseconds, and 80 bits that begin at random and count up.

use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs};

use super::{
    attributes::{add_if_missing, text},
    invocation::fnv1a,
};
use crate::flow::UnixNanos;

const UID: &str = "log.record.uid";

const RANDOM_BITS: u32 = 80;

/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Gives ids out, where they are wanted.
#[derive(Debug)]
pub(super) struct Uids(Option<u128>);

impl Uids {
    /// `random` is this environment's; without it no record gets an id.
    pub(super) const fn new(random: Option<u128>) -> Self {
        Self(random)
    }

    /// Every environment that is restored from a snapshot has the same randomness and the same count: what is known to be
    /// only one's own parts them.
    pub(super) fn part(&mut self, own: impl FnOnce() -> String) {
        if let Some(last) = &mut self.0 {
            let own = own();
            let hash = [fnv1a(&own, 4), fnv1a(&own, 5)].map(u128::from);
            *last ^= hash[0] << 64 | hash[1];
        }
    }

    /// An id for a record that has none.
    pub(super) fn mark(&mut self, record: &mut LogRecord, now: UnixNanos) {
        if let Some(last) = &mut self.0 {
            add_if_missing(&mut record.attributes, UID, || {
                *last = last.wrapping_add(1);
                text(ulid(now, *last))
            });
        }
    }

    /// The same for all of the SDK's.
    pub(super) fn mark_all(&mut self, logs: &mut ResourceLogs, now: UnixNanos) {
        if self.0.is_some() {
            let records = logs.scope_logs.iter_mut().flat_map(|scope| &mut scope.log_records);
            records.for_each(|record| self.mark(record, now));
        }
    }
}

fn ulid(now: UnixNanos, random: u128) -> String {
    let bits = u128::from(now / 1_000_000) << RANDOM_BITS | random & ((1 << RANDOM_BITS) - 1);
    (0..26).rev().map(|place| char::from(DIGITS[(bits >> (5 * place) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flow::Signal,
        flow::arrival::{Arrival, Event, Line, RestoreStart},
        normalise::{
            Settings,
            attributes::{attribute, text_of},
            tests::{A, Out, World, settings},
        },
    };
    use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
    use std::collections::BTreeSet;

    fn world() -> World {
        World::new(Settings { record_ids: Some(7), platform_lines: true, ..settings() })
    }

    fn uids(out: &Out) -> Vec<Option<String>> {
        out.logs().into_iter().map(|record| text_of(&record.attributes, UID).map(str::to_owned)).collect()
    }

    fn sdk(world: &mut World, attributes: Vec<opentelemetry_proto::tonic::common::v1::KeyValue>) {
        let record = LogRecord { attributes, ..LogRecord::default() };
        let scope_logs = vec![ScopeLogs { log_records: vec![record], ..ScopeLogs::default() }];
        let logs = ResourceLogs { scope_logs, ..ResourceLogs::default() };
        world.normaliser.accept(Arrival::Otlp(Signal::Logs(logs)), world.now);
    }

    fn of_every_kind(world: &mut World) -> Out {
        world.start(A, None).print("x").print("x").event(Event::Extension(Line::Text("other".into())));
        world.event(Event::Fault("unheard of".into()));
        sdk(world, Vec::new());
        world.normaliser.release_all("spindown", world.now);
        world.out()
    }

    #[test]
    fn every_log_record_has_an_id_of_its_own() {
        let found = uids(&of_every_kind(&mut world()));
        let distinct: BTreeSet<_> = found.iter().flatten().collect();
        assert!(found.len() >= 6 && distinct.len() == found.len(), "{found:?}");
        assert!(distinct.iter().all(|uid| uid.len() == 26), "{found:?}");
    }

    #[test]
    fn nobody_has_one_who_did_not_ask_for_it() {
        let out = of_every_kind(&mut World::new(Settings { platform_lines: true, ..settings() }));
        assert!(uids(&out).iter().all(Option::is_none));
    }

    #[test]
    fn an_id_of_the_programs_own_stays() {
        let mut world = world();
        world.event(Event::Function(Line::Json(format!(r#"{{"message":"m","{UID}":"mine"}}"#))));
        sdk(&mut world, vec![attribute(UID, text("the SDK's"))]);
        let found = uids(&world.out());
        let found: BTreeSet<_> = found.iter().flatten().map(String::as_str).collect();
        assert_eq!(found, ["mine", "the SDK's"].into());
    }

    #[test]
    fn environments_of_one_snapshot_part_with_their_restore() {
        let restored = |instance: &str| {
            let mut world = world();
            let start = RestoreStart { instance_id: Some(instance.into()), ..RestoreStart::default() };
            world.event(Event::RestoreStart(start)).print("x");
            uids(&world.out()).into_iter().flatten().collect::<BTreeSet<_>>()
        };
        let (one, other) = (restored("one"), restored("other"));
        assert!(!one.is_empty() && one.is_disjoint(&other), "{one:?} {other:?}");
    }

    #[test]
    fn an_id_is_written_as_ulids_are() {
        assert_eq!(ulid(1_469_918_176_385_000_000, 0), "01ARYZ6S410000000000000000");
        assert_eq!(ulid(0, 33), "00000000000000000000000011");
    }
}
