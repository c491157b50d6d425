//! Log records on their way: the bytes of their fields, one record behind the other.
//!
//! A record is encoded when its line is read and its fields are never looked at again. What is learned of it later (its
//! trace) and what it shares with others (its invocation, its stream) are fields too, and protobuf takes fields in any
//! order: they are encoded once and put behind those of each record.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use super::{
    attributes::{attribute, text},
    invocation::Link,
};

/// Some records, oldest first.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Of each record the length of its fields, in a [`Length`], and its fields.
    bytes: Vec<u8>,
    count: usize,
}

type Length = u32;
const FIXED: usize = size_of::<Length>();

impl Records {
    /// Adds a record, and `shared` fields behind its own. Gives back how many bytes that took.
    pub(super) fn push(&mut self, record: &LogRecord, shared: [&[u8]; 2]) -> usize {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&Length::default().to_le_bytes());
        record.encode_raw(&mut self.bytes);
        shared.into_iter().for_each(|fields| self.bytes.extend_from_slice(fields));
        let added = self.bytes.len() - before;
        let length = Length::try_from(added - FIXED).expect("a record is far below 4 GiB");
        self.bytes[before..before + FIXED].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
        added
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Each record's fields.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk()?;
        let (fields, next) = behind.split_at(Length::from_le_bytes(*length) as usize);
        rest = next;
        Some(fields)
    })
}

/// Records that wait no longer.
#[derive(Debug, Default)]
pub(super) struct Released {
    /// Records, and the fields that tie each of them to its trace.
    parts: Vec<(Records, Vec<u8>)>,
    /// The room of records that have gone, for the next.
    spare: Vec<u8>,
}

/// Room of this size is kept: to have it anew for each invocation, page by page from the system, costs more than to fill it.
const SPARE_BYTES: usize = 512 << 10;

impl Released {
    /// Adds a record that is tied already, or never will be.
    pub(super) fn push(&mut self, record: &LogRecord, shared: [&[u8]; 2]) {
        if self.parts.last().is_none_or(|(_, tie)| !tie.is_empty()) {
            let records = self.room();
            self.parts.push((records, Vec::new()));
        }
        if let Some((records, _)) = self.parts.last_mut() {
            records.push(record, shared);
        }
    }

    /// Adds records that are to be tied to `link`.
    pub(super) fn append(&mut self, records: Records, link: Option<Link>) {
        if !records.is_empty() {
            let mut tie = LogRecord::default();
            link.into_iter().for_each(|link| link.write(&mut tie));
            self.parts.push((records, tie.encode_to_vec()));
        }
    }

    /// No records, with room for some.
    pub(super) fn room(&mut self) -> Records {
        Records { bytes: std::mem::take(&mut self.spare), count: 0 }
    }

    /// At least as many bytes as all of them will be, each with its length before it.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|(records, tie)| records.bytes.len() + records.count * tie.len()).sum()
    }

    /// Hands over every record's fields, in two parts, and forgets them.
    pub(super) fn drain(&mut self, mut take: impl FnMut([&[u8]; 2])) {
        for (Records { mut bytes, .. }, tie) in self.parts.drain(..) {
            fields(&bytes).for_each(|fields| take([fields, &tie]));
            if (self.spare.capacity()..=SPARE_BYTES).contains(&bytes.capacity()) {
                bytes.clear();
                self.spare = bytes;
            }
        }
    }
}

/// An attribute that is a text, as the field of a record.
pub(super) fn text_field(key: &str, value: &str) -> Vec<u8> {
    LogRecord { attributes: vec![attribute(key, text(value))], ..LogRecord::default() }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::trace::{SpanId, TraceId};
    use proptest::prelude::*;

    fn record(body: &str, key: &str, severity: i32) -> LogRecord {
        LogRecord {
            time_unix_nano: 7,
            severity_number: severity,
            body: Some(text(body)),
            attributes: vec![attribute(key, text(body))],
            ..LogRecord::default()
        }
    }

    fn decoded(mut released: Released) -> Vec<LogRecord> {
        let mut all = Vec::new();
        released.drain(|parts| all.push(LogRecord::decode(&parts.concat()[..]).unwrap()));
        all
    }

    proptest! {
        #[test]
        fn records_are_decoded_as_they_were_with_what_was_put_behind_them(
            all in prop::collection::vec((".{0,200}", "[a-z.]{0,9}", 0..25i32), 0..20),
            id in "[0-9a-f]{36}",
            tied in any::<bool>(),
        ) {
            let link = Link {
                trace_id: TraceId::from_bytes(&[1; 16]).unwrap(),
                span_id: SpanId::from_bytes(&[2; 8]).unwrap(),
                flags: 1,
            };
            let mut held = Records::default();
            let mut expected = Vec::new();
            let shared = [&text_field("faas.invocation_id", &id)[..], &text_field("type", "function")];
            for (body, key, severity) in &all {
                let mut record = record(body, key, *severity);
                held.push(&record, shared);
                let pairs = [("faas.invocation_id", id.as_str()), ("type", "function")];
                record.attributes.extend(pairs.map(|(key, value)| attribute(key, text(value))));
                if tied {
                    link.write(&mut record);
                }
                expected.push(record);
            }
            prop_assert_eq!(held.len(), all.len());
            let mut released = Released::default();
            released.append(Records::default(), None);
            released.append(held, tied.then_some(link));
            let last = record("last", "k", 1);
            released.push(&last, [&[], &[]]);
            expected.push(last);
            prop_assert_eq!(decoded(released), expected);
        }
    }

    #[test]
    fn a_record_is_weighed_by_its_bytes() {
        let mut records = Records::default();
        let record = record("body", "key", 9);
        assert_eq!(records.push(&record, [&[], &[]]), record.encoded_len() + size_of::<Length>());
        assert!(!records.is_empty());
    }
}
