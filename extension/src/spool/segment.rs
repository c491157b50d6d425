//! A batch as the bytes of a file: pure.
//!
//! A head of fixed size (magic, whose it is, kind, how many pieces, how many bytes follow), the pieces one behind the other,
//! each with its records and its length, and a checksum of everything before it. What does not fit in every respect is
//! nothing: half a file, another function's, a flipped bit.

use bytes::{Buf, BufMut, Bytes};
use flate2::Crc;

use crate::flow::{Batch, Packed, SignalKind};

const MAGIC: &[u8; 8] = b"LVSPOOL1";
const CHECKSUM_BYTES: usize = 4;

/// A batch of `owner`'s as it is written, `put` part by part: the whole of it is in memory already, and need not be there twice.
pub(super) fn encode<E>(batch: &Batch, owner: u64, mut put: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut check = Crc::new();
    let mut put_checked = |part: &[u8]| {
        check.update(part);
        put(part)
    };
    let mut head = Vec::with_capacity(MAGIC.len() + 16);
    head.put_slice(MAGIC);
    head.put_u64(owner);
    head.put_u8(batch.kind as u8);
    head.put_u32(u32::try_from(batch.pieces.len()).expect("a batch has far fewer pieces"));
    put_checked(&head)?;
    for piece in &batch.pieces {
        head.clear();
        head.put_u64(piece.records);
        head.put_u32(u32::try_from(piece.bytes.len()).expect("a piece is far below 4 GiB"));
        put_checked(&head)?;
        put_checked(&piece.bytes)?;
    }
    put(&check.sum().to_be_bytes())
}

/// The batch in a file, when it is whole and `owner`'s.
pub(super) fn decode(file: Vec<u8>, owner: u64) -> Option<Batch> {
    let file = Bytes::from(file);
    let end = file.len().checked_sub(CHECKSUM_BYTES)?;
    if file.slice(end..).get_u32() != checksum(&file[..end]) {
        return None;
    }
    let mut rest = file.slice(..end);
    if rest.try_get_u64().ok()? != u64::from_be_bytes(*MAGIC) || rest.try_get_u64().ok()? != owner {
        return None;
    }
    let mark = rest.try_get_u8().ok()?;
    let kind = SignalKind::ALL.into_iter().find(|kind| *kind as u8 == mark)?;
    let mut batch = Batch::new(kind);
    for _ in 0..rest.try_get_u32().ok()? {
        batch.push(piece(kind, &mut rest)?);
    }
    rest.is_empty().then_some(batch)
}

fn piece(kind: SignalKind, rest: &mut Bytes) -> Option<Packed> {
    let records = rest.try_get_u64().ok()?;
    let length = usize::try_from(rest.try_get_u32().ok()?).ok().filter(|length| *length <= rest.len())?;
    Some(Packed { kind, records, bytes: rest.split_to(length) })
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn batch(kind: SignalKind, pieces: Vec<(u64, Vec<u8>)>) -> Batch {
        let mut batch = Batch::new(kind);
        for (records, bytes) in pieces {
            batch.push(Packed { kind, records, bytes: bytes.into() });
        }
        batch
    }

    proptest! {
        #[test]
        fn a_batch_is_read_as_it_was_written_and_not_when_a_byte_is_missing_or_wrong(
            kind in prop::sample::select(SignalKind::ALL.to_vec()),
            pieces in prop::collection::vec((any::<u64>().prop_map(|n| n >> 8), prop::collection::vec(any::<u8>(), 0..50)), 0..5),
            at in any::<prop::sample::Index>(),
        ) {
            let batch = batch(kind, pieces);
            let mut file = Vec::new();
            let Ok(()) = encode(&batch, 7, |part| {
                file.extend_from_slice(part);
                Ok::<_, Infallible>(())
            });
            prop_assert_eq!(decode(file.clone(), 7), Some(batch));
            prop_assert_eq!(decode(file.clone(), 8), None, "another's");
            let at = at.index(file.len());
            prop_assert_eq!(decode(file[..at].to_vec(), 7), None, "half of it");
            let mut flipped = file.clone();
            flipped[at] ^= 0x10;
            prop_assert_eq!(decode(flipped, 7), None, "a flipped bit");
            let more = [file, vec![0]].concat();
            prop_assert_eq!(decode(more, 7), None, "more than it");
        }

        #[test]
        fn whatever_lies_there_is_no_panic(file in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decode(file, 7), None);
        }
    }
}
