//! A request's body, made smaller on the way: part for part, so that the whole is never in memory at once.

use crate::config::Compression;
use flate2::{Compress, Crc, FlushCompress, Status};
use std::cell::Cell;
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective};

/// Takes the parts of a body, one behind the other.
pub(super) enum Body {
    Plain(Vec<u8>),
    Gzip(Gzip),
    Zstd(Zstd),
}

impl Body {
    /// With `frame` before what is compressed, and room for `expected` bytes.
    pub(super) fn new(compression: Compression, frame: &[u8], expected: usize) -> Self {
        match compression {
            Compression::None => Self::Plain(with_room(frame, expected)),
            Compression::Gzip => Self::Gzip(Gzip::new(with_room(frame, expected / 8 + SPARE))),
            Compression::Zstd => Self::Zstd(Zstd::new(with_room(frame, expected / 8 + SPARE))),
        }
    }

    pub(super) fn put(&mut self, part: &[u8]) {
        match self {
            Self::Plain(bytes) => bytes.extend_from_slice(part),
            Self::Gzip(gzip) => gzip.put(part),
            Self::Zstd(zstd) => zstd.put(part),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Gzip(gzip) => gzip.finish(),
            Self::Zstd(zstd) => zstd.finish(),
        }
    }
}

fn with_room(frame: &[u8], expected: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frame.len() + expected);
    bytes.extend_from_slice(frame);
    bytes
}

/// RFC 1952 over RFC 1951.
pub(super) struct Gzip {
    deflate: Box<Compress>,
    check: Crc,
    packed: Vec<u8>,
    /// Bytes that it has in its window.
    seen: usize,
}

/// How hard it is tried. Telemetry repeats itself so much that this level leaves but 5 to 8 in a hundred more than the fourth, at
/// half to two thirds of its instructions, and CPU is the function's too. The first one leaves a fifth more.
const LEVEL: flate2::Compression = flate2::Compression::new(2);

/// The compressor starts anew after so many bytes: as many as its window takes before it has to be slid, for which its tables are
/// gone through number by number. That would cost as much again as the compression.
const WINDOW: usize = 63 << 10;

/// So many of those before are shown to it then: lines are like those just before them.
const SHOWN: usize = 4 << 10;

/// Deflate, no flags, no time, neither the best nor the fastest way, on a system that is not told.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The least room that the compressor is given at a time.
const SPARE: usize = 512;

thread_local! {
    /// One for all requests: its tables take a quarter of a megabyte, which fresh for each of an invocation's three requests
    /// would come from the system and go back to it again, page by page. That cost more than the compression itself.
    static DEFLATE: Cell<Option<Box<Compress>>> = const { Cell::new(None) };
}

impl Gzip {
    fn new(mut packed: Vec<u8>) -> Self {
        packed.extend_from_slice(&HEADER);
        let mut deflate = DEFLATE.take().unwrap_or_else(|| Box::new(Compress::new(LEVEL, false)));
        deflate.reset();
        Self { deflate, check: Crc::new(), packed, seen: 0 }
    }

    fn put(&mut self, part: &[u8]) {
        self.check.update(part);
        let mut at = 0;
        while at < part.len() {
            if self.seen == WINDOW {
                self.start_anew(&part[at.saturating_sub(SHOWN)..at]);
            }
            let end = part.len().min(at + WINDOW - self.seen);
            self.deflate(&part[at..end], FlushCompress::None);
            self.seen += end - at;
            at = end;
        }
    }

    /// Behind a whole byte, where what follows can be put without anyone noticing that it is another compressor's.
    fn start_anew(&mut self, shown: &[u8]) {
        self.deflate(&[], FlushCompress::Sync);
        self.deflate.reset();
        if !shown.is_empty() {
            self.deflate.set_dictionary(shown).expect("it has compressed nothing yet");
        }
        self.seen = shown.len();
    }

    fn deflate(&mut self, part: &[u8], flush: FlushCompress) {
        let before = self.deflate.total_in();
        loop {
            let taken = usize::try_from(self.deflate.total_in() - before).expect("what was taken is in memory");
            let rest = &part[taken..];
            let status = match flush {
                FlushCompress::None if rest.is_empty() => return,
                flush => self.deflate.compress_vec(rest, &mut self.packed, flush),
            };
            if status.expect("the compressor is not finished yet") == Status::StreamEnd {
                return;
            }
            if self.packed.len() == self.packed.capacity() {
                self.packed.reserve(self.packed.len().max(SPARE));
            } else if matches!(flush, FlushCompress::Sync) {
                return;
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.deflate(&[], FlushCompress::Finish);
        DEFLATE.set(Some(self.deflate));
        self.packed.extend_from_slice(&self.check.sum().to_le_bytes());
        self.packed.extend_from_slice(&self.check.amount().to_le_bytes());
        self.packed
    }
}

/// RFC 8878, at its first level, with which it leaves as little as gzip does and takes half the time.
pub(super) struct Zstd {
    context: CCtx<'static>,
    packed: Vec<u8>,
}

thread_local! {
    /// One for all requests, as for gzip.
    static ZSTD: Cell<Option<CCtx<'static>>> = const { Cell::new(None) };
}

/// zstd's own words are of misuse only.
const ZSTD_WORKS: &str = "a fresh frame takes any bytes";

impl Zstd {
    fn new(packed: Vec<u8>) -> Self {
        let mut context = ZSTD.take().unwrap_or_else(CCtx::create);
        context.reset(ResetDirective::SessionOnly).expect(ZSTD_WORKS);
        context.set_parameter(CParameter::CompressionLevel(1)).expect(ZSTD_WORKS);
        Self { context, packed }
    }

    fn put(&mut self, part: &[u8]) {
        let mut input = InBuffer::around(part);
        while input.pos() < part.len() {
            let (context, mut output) = self.output();
            context.compress_stream(&mut output, &mut input).expect(ZSTD_WORKS);
        }
    }

    fn output(&mut self) -> (&mut CCtx<'static>, OutBuffer<'_, Vec<u8>>) {
        self.packed.reserve(SPARE);
        let taken = self.packed.len();
        (&mut self.context, OutBuffer::around_pos(&mut self.packed, taken))
    }

    fn finish(mut self) -> Vec<u8> {
        loop {
            let (context, mut output) = self.output();
            let left = context.end_stream(&mut output).expect(ZSTD_WORKS);
            if left == 0 {
                break;
            }
        }
        ZSTD.set(Some(self.context));
        self.packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Read, Write};

    proptest! {
        #[test]
        fn zstd_of_one_body_after_another_is_each_for_itself_however_it_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 0..4), 1..4)
        ) {
            for parts in bodies {
                let mut body = Body::new(Compression::Zstd, b"frame", 0);
                parts.iter().for_each(|part| body.put(part));
                let framed = body.finish();
                let packed = framed.strip_prefix(b"frame").expect("the frame stands before it");
                let plain = parts.concat();
                let mut unpacked = Vec::with_capacity(plain.len() + 1);
                zstd_safe::decompress(&mut unpacked, packed).expect("a whole frame");
                prop_assert_eq!(unpacked, plain);
            }
        }

        #[test]
        fn gzip_of_one_body_after_another_is_each_for_itself_however_it_is_cut(
            bodies in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5000), 0..4), 1..4),
            times in 1..40_usize,
        ) {
            for parts in bodies {
                let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.repeat(times)).collect();
                let mut body = Body::new(Compression::Gzip, b"frame", 0);
                parts.iter().for_each(|part| body.put(part));
                let framed = body.finish();
                let packed = framed.strip_prefix(b"frame").expect("the frame stands before it");
                let plain = parts.concat();
                let mut alone = flate2::write::GzEncoder::new(Vec::new(), LEVEL);
                alone.write_all(&plain).unwrap();
                let alone = alone.finish().unwrap();
                prop_assert_eq!(&packed[..10], &alone[..10]);
                prop_assert_eq!(&packed[packed.len() - 8..], &alone[alone.len() - 8..]);
                let mut unpacked = Vec::new();
                flate2::read::GzDecoder::new(packed).read_to_end(&mut unpacked).unwrap();
                prop_assert_eq!(unpacked, plain);
            }
        }
    }

    #[test]
    fn lines_are_hardly_larger_for_the_new_starts() {
        let line =
            |n: u64| format!("charged order {n} customer c-{:05} latency_ms={}\n", n * 7919 % 99_991, n * 31 % 2_000);
        let plain: String = (0..10_000).map(line).collect();
        let mut body = Body::new(Compression::Gzip, &[], plain.len());
        plain.as_bytes().chunks(30_000).for_each(|part| body.put(part));
        let mut alone = flate2::write::GzEncoder::new(Vec::new(), LEVEL);
        alone.write_all(plain.as_bytes()).unwrap();
        let (packed, alone) = (body.finish().len(), alone.finish().unwrap().len());
        assert!(packed < alone + alone / 50, "{packed} instead of {alone}");
    }
}
