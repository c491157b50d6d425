//! Log records on their way: the bytes of their fields, one record behind the other.
//!
//! A record is encoded when its line is read and its fields are never looked at again. What is learned of it later (its
//! trace) and what it shares with others (its invocation, its stream) are fields too, and protobuf takes fields in any
//! order: they are encoded once and put behind those of each record.

use opentelemetry_proto::tonic::{common::v1::any_value::Value as Any, logs::v1::LogRecord};
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, fixed64, int32},
};

use super::{
    attributes::{self, attribute},
    invocation::Link,
};
use crate::flow::PIECE_BYTES;

/// Some records, oldest first.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Of each record the length of its fields, in a [`Length`], and its fields. In chunks of the size of what is made of them: the
    /// memory of one that has been emptied is what the next piece takes.
    chunks: Vec<Vec<u8>>,
    count: usize,
}

type Length = u32;
const FIXED: usize = size_of::<Length>();

/// Room for the first records: most invocations have a few.
const FIRST_BYTES: usize = 4 << 10;

impl Records {
    /// Adds a record, and `shared` fields behind its own. Gives back how many bytes that took.
    pub(super) fn push(&mut self, record: &LogRecord, shared: [&[u8]; 2]) -> usize {
        let bytes = self.room(FIXED + most_bytes(record) + shared.map(<[u8]>::len).iter().sum::<usize>());
        let before = bytes.len();
        bytes.extend_from_slice(&Length::default().to_le_bytes());
        encode(record, bytes);
        shared.into_iter().for_each(|fields| bytes.extend_from_slice(fields));
        let added = bytes.len() - before;
        let length = Length::try_from(added - FIXED).expect("a record is far below 4 GiB");
        bytes[before..before + FIXED].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
        added
    }

    /// The chunk that the next record goes to.
    fn room(&mut self, most: usize) -> &mut Vec<u8> {
        match self.chunks.last() {
            None => self.chunks.push(Vec::with_capacity(most.max(FIRST_BYTES))),
            Some(last) if last.len() + most > PIECE_BYTES => {
                self.chunks.push(Vec::with_capacity(most.max(PIECE_BYTES)));
            }
            Some(_) => {}
        }
        self.chunks.last_mut().expect("one was there or has been put there")
    }

    fn bytes(&self) -> usize {
        self.chunks.iter().map(Vec::len).sum()
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// What the fields of a record take at the most.
fn most_bytes(record: &LogRecord) -> usize {
    only_text(record)
        .map_or_else(|| record.encoded_len(), |body| body.len() + record.severity_text.len() + MOST_BESIDE_TEXTS)
}

/// The fields of a record, as its message encodes them. That measures each message within a message before it writes it; of a
/// line that says nothing beside its text, as most do, nothing need be measured.
fn encode(record: &LogRecord, bytes: &mut Vec<u8>) {
    let Some(body) = only_text(record) else { return record.encode_raw(bytes) };
    let LogRecord { time_unix_nano, observed_time_unix_nano, severity_number, severity_text, .. } = record;
    if *time_unix_nano != 0 {
        fixed64::encode(1, time_unix_nano, bytes);
    }
    if *severity_number != 0 {
        int32::encode(2, severity_number, bytes);
    }
    if !severity_text.is_empty() {
        text(3, severity_text, bytes);
    }
    encode_key(5, WireType::LengthDelimited, bytes);
    encode_varint((1 + encoded_len_varint(body.len() as u64) + body.len()) as u64, bytes);
    text(1, body, bytes);
    if *observed_time_unix_nano != 0 {
        fixed64::encode(11, observed_time_unix_nano, bytes);
    }
}

/// More than the keys, lengths and numbers take.
const MOST_BESIDE_TEXTS: usize = 64;

fn text(tag: u32, text: &str, bytes: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, bytes);
    encode_varint(text.len() as u64, bytes);
    bytes.extend_from_slice(text.as_bytes());
}

/// The body of a record that has times and a severity beside it, and nothing else.
fn only_text(record: &LogRecord) -> Option<&str> {
    let LogRecord { body, attributes, dropped_attributes_count, flags, trace_id, span_id, event_name, .. } = record;
    let is_alone = attributes.is_empty() && trace_id.is_empty() && span_id.is_empty() && event_name.is_empty();
    match body.as_ref()?.value.as_ref()? {
        Any::StringValue(body) if is_alone && *dropped_attributes_count == 0 && *flags == 0 => Some(body),
        _ => None,
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
}

impl Released {
    /// Adds a record that is tied already, or never will be.
    pub(super) fn push(&mut self, record: &LogRecord, shared: [&[u8]; 2]) {
        if self.parts.last().is_none_or(|(_, tie)| !tie.is_empty()) {
            self.parts.push(<(Records, Vec<u8>)>::default());
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

    /// At least as many bytes as all of them will be, each with its length before it.
    pub(super) fn bytes(&self) -> usize {
        self.parts.iter().map(|(records, tie)| records.bytes() + records.count * tie.len()).sum()
    }

    /// Hands over every record's fields, in two parts, and forgets them.
    pub(super) fn drain(&mut self, mut take: impl FnMut([&[u8]; 2])) {
        for (records, tie) in self.parts.drain(..) {
            for chunk in records.chunks {
                fields(&chunk).for_each(|fields| take([fields, &tie]));
            }
        }
    }
}

/// An attribute that is a text, as the field of a record.
pub(super) fn text_field(key: &str, value: &str) -> Vec<u8> {
    LogRecord { attributes: vec![attribute(key, attributes::text(value))], ..LogRecord::default() }.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flow::trace::{SpanId, TraceId},
        normalise::attributes::text,
    };
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
        fn a_record_that_is_only_a_text_is_encoded_as_its_message_would_encode_it(
            body in ".{0,200}", severity_text in "(|INFO)", times in any::<[u64; 2]>(), severity in 0..25i32, more in any::<bool>()
        ) {
            let record = LogRecord {
                time_unix_nano: times[0],
                observed_time_unix_nano: if more { times[1] } else { 0 },
                severity_number: severity,
                severity_text,
                body: Some(text(body)),
                ..LogRecord::default()
            };
            prop_assert!(only_text(&record).is_some());
            let mut bytes = Vec::new();
            encode(&record, &mut bytes);
            prop_assert_eq!(bytes, record.encode_to_vec());
        }

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
    fn many_records_are_kept_in_chunks_that_are_not_larger_than_pieces() {
        let (mut records, mut weight) = (Records::default(), 0);
        for number in 0..2_000 {
            let alone = LogRecord { body: Some(text("x".repeat(number % 300))), ..LogRecord::default() };
            let other = record("body", "key", 9);
            weight += records.push(if number % 2 == 0 { &alone } else { &other }, [b"", b""]);
        }
        records.push(&record(&"long".repeat(PIECE_BYTES), "key", 9), [b"", b""]);
        let sizes: Vec<usize> = records.chunks.iter().map(Vec::capacity).collect();
        let (last, others) = sizes.split_last().unwrap();
        assert!(others.len() > 3 && others.iter().all(|size| *size <= PIECE_BYTES) && *last > PIECE_BYTES, "{sizes:?}");
        assert_eq!(records.chunks[..others.len()].iter().map(Vec::len).sum::<usize>(), weight);
        let mut released = Released::default();
        released.append(records, None);
        let mut drained = 0;
        released.drain(|_| drained += 1);
        assert_eq!(drained, 2_001);
    }

    #[test]
    fn a_record_is_weighed_by_its_bytes() {
        let mut records = Records::default();
        let record = record("body", "key", 9);
        assert_eq!(records.push(&record, [&[], &[]]), record.encoded_len() + size_of::<Length>());
        assert!(!records.is_empty());
    }
}
