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

impl Records {
    /// Adds a record, and `shared` fields behind its own. Gives back how many bytes that took.
    pub(super) fn push(&mut self, record: &LogRecord, shared: [&[u8]; 2]) -> usize {
        let before = self.bytes.len();
        self.begin();
        record.encode_raw(&mut self.bytes);
        shared.into_iter().for_each(|fields| self.bytes.extend_from_slice(fields));
        self.end(before);
        self.bytes.len() - before
    }

    /// Adds other records, each tied to `link`.
    pub(super) fn append(&mut self, mut others: Self, link: Option<Link>) {
        let Some(link) = link else {
            if self.count == 0 {
                *self = others;
            } else {
                self.count += others.count;
                self.bytes.append(&mut others.bytes);
            }
            return;
        };
        let mut tie = LogRecord::default();
        link.write(&mut tie);
        let tie = tie.encode_to_vec();
        self.bytes.reserve(others.bytes.len() + others.count * tie.len());
        for fields in others.iter() {
            let before = self.bytes.len();
            self.begin();
            self.bytes.extend_from_slice(fields);
            self.bytes.extend_from_slice(&tie);
            self.end(before);
        }
    }

    fn begin(&mut self) {
        self.bytes.extend_from_slice(&Length::default().to_le_bytes());
    }

    fn end(&mut self, begun: usize) {
        const FIXED: usize = size_of::<Length>();
        let length = Length::try_from(self.bytes.len() - begun - FIXED).expect("a record is far below 4 GiB");
        self.bytes[begun..begun + FIXED].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
    }

    /// Each record's fields.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let (length, behind) = rest.split_first_chunk()?;
            let (fields, next) = behind.split_at(Length::from_le_bytes(*length) as usize);
            rest = next;
            Some(fields)
        })
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
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

    fn decoded(records: &Records) -> Vec<LogRecord> {
        records.iter().map(|fields| LogRecord::decode(fields).unwrap()).collect()
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
            let mut released = Records::default();
            released.append(Records::default(), None);
            released.append(held, tied.then_some(link));
            prop_assert_eq!(decoded(&released), expected);
            prop_assert_eq!(released.len(), all.len());
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
