//! What processes write, cut into records: plain lines, and the frames of AWS's runtimes. Pure.
//!
//! A frame is `type (4 bytes) | length (4) | microseconds since the epoch (8) | message`, big-endian; the type is
//! `0xa55a00__`, whose lowest bit says text (1) or JSON (0) and whose higher ones the level. A frame is one record however
//! many lines it holds; that is how a stack trace stays whole on AWS.

use chrono::{DateTime, Utc};

/// One record as a process wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The frame's own time, if it was framed.
    pub(super) time: Option<DateTime<Utc>>,
    /// Its text, as the platform hands it on: with the newline it was written with.
    pub(super) text: String,
}

/// Cuts a stream into records.
#[derive(Debug)]
pub(super) enum Decoder {
    /// One record a line.
    Lines(Vec<u8>),
    /// One record a frame.
    Frames(Vec<u8>),
}

const HEADER: usize = 16;
const MAGIC: [u8; 2] = [0xa5, 0x5a];

impl Decoder {
    pub(super) const fn lines() -> Self {
        Self::Lines(Vec::new())
    }

    pub(super) const fn frames() -> Self {
        Self::Frames(Vec::new())
    }

    /// Takes what was read and gives the records that are whole now.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Record> {
        match self {
            Self::Lines(pending) => {
                pending.extend_from_slice(bytes);
                whole_lines(pending)
            }
            Self::Frames(pending) => {
                pending.extend_from_slice(bytes);
                whole_frames(pending)
            }
        }
    }

    /// The stream is at its end: what is left is a record, too.
    pub(super) fn finish(&mut self) -> Option<Record> {
        let (Self::Lines(pending) | Self::Frames(pending)) = self;
        let rest = std::mem::take(pending);
        (!rest.is_empty()).then(|| plain(&rest))
    }
}

fn plain(bytes: &[u8]) -> Record {
    Record { time: None, text: String::from_utf8_lossy(bytes).into_owned() }
}

fn whole_lines(pending: &mut Vec<u8>) -> Vec<Record> {
    let Some(last) = pending.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
    let rest = pending.split_off(last + 1);
    let whole = std::mem::replace(pending, rest);
    whole.split_inclusive(|byte| *byte == b'\n').map(plain).collect()
}

fn whole_frames(pending: &mut Vec<u8>) -> Vec<Record> {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some((record, length)) = frame(&pending[at..]) {
        records.push(record);
        at += length;
    }
    pending.drain(..at);
    records
}

/// The frame at the front of `bytes` and its length; bytes that are no frame are taken whole, as one record.
fn frame(bytes: &[u8]) -> Option<(Record, usize)> {
    if bytes.len() < HEADER {
        return None;
    }
    if bytes[..2] != MAGIC {
        return Some((plain(bytes), bytes.len()));
    }
    let length = u32::from_be_bytes(bytes[4..8].try_into().expect("four bytes")) as usize;
    let micros = i64::from_be_bytes(bytes[8..16].try_into().expect("eight bytes"));
    let message = bytes.get(HEADER..HEADER + length)?;
    let record = Record { time: DateTime::from_timestamp_micros(micros), ..plain(message) };
    Some((record, HEADER + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(micros: i64, message: &str) -> Vec<u8> {
        let mut bytes = 0xa55a_0003_u32.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend(micros.to_be_bytes());
        bytes.extend(message.as_bytes());
        bytes
    }

    fn texts(records: &[Record]) -> Vec<&str> {
        records.iter().map(|record| record.text.as_str()).collect()
    }

    #[test]
    fn a_line_is_a_record_once_its_newline_has_come() {
        let mut lines = Decoder::lines();
        assert!(lines.feed(b"half a").is_empty());
        assert_eq!(texts(&lines.feed(b" line\n\nnext")), ["half a line\n", "\n"]);
        assert_eq!(lines.finish().unwrap().text, "next");
        assert_eq!(lines.finish(), None);
    }

    #[test]
    fn a_frame_is_one_record_with_its_own_time_however_it_was_cut() {
        let bytes = framed(1_795_376_349_674_321, "Traceback\n  line 1\n");
        for cut in 0..bytes.len() {
            let mut frames = Decoder::frames();
            let mut records = frames.feed(&bytes[..cut]);
            records.extend(frames.feed(&bytes[cut..]));
            assert_eq!(texts(&records), ["Traceback\n  line 1\n"], "cut at {cut}");
            assert_eq!(records[0].time.unwrap().timestamp_micros(), 1_795_376_349_674_321);
        }
    }

    #[test]
    fn several_frames_in_one_read_are_several_records() {
        let mut bytes = framed(1, "one");
        bytes.extend(framed(2, "two"));
        assert_eq!(texts(&Decoder::frames().feed(&bytes)), ["one", "two"]);
    }

    #[test]
    fn bytes_that_are_no_text_become_replacement_characters() {
        assert_eq!(Decoder::lines().feed(b"\xff\xfe\n")[0].text, "\u{fffd}\u{fffd}\n");
    }
}
