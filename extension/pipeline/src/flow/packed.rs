//! What waits and travels: one resource's records as the bytes that a request of OTLP is made of.
//!
//! A signal is encoded once, when it leaves `normalise`, and cut on the way into pieces of a bounded size. From then on it
//! is counted, kept, spooled and sent as it is: the bounds on memory are exact, and a request is its pieces one behind the
//! other. Only what needs the fields themselves (rows, JSON) decodes it again.

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    logs::v1::ResourceLogs,
    metrics::v1::{Metric, ResourceMetrics, metric::Data},
    trace::v1::ResourceSpans,
};
use prost::{DecodeError, Message, decode_length_delimiter, encode_length_delimiter};
use std::mem::take;

use super::{Signal, SignalKind, data_points};

/// A piece is cut off before it grows beyond this. Making room drops a piece at a time, so it must not be large; each
/// repeats its resource, so it must not be small.
pub const PIECE_BYTES: usize = 32 << 10;

/// Room for the first records of a piece: most have a few.
const FIRST_BYTES: usize = 1 << 10;

/// More than the keys and lengths take that stand before a scope and before one record.
const LENGTHS: usize = 16;

/// The keys of protobuf's fields with a length. All three signals number theirs alike: a resource's share has the resource
/// (1), its scopes (2) and a schema URL (3), a scope has its own name (1), its records (2) and a schema URL (3).
const KEY_HEAD: u8 = 1 << 3 | 2;
const KEY_PART: u8 = 2 << 3 | 2;
const KEY_SCHEMA: u8 = 3 << 3 | 2;

/// Some records of one resource, as OTLP protobuf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Which signal.
    pub kind: SignalKind,
    /// How many records, as the ledger counts.
    pub records: u64,
    /// One encoded `ResourceLogs`, `ResourceSpans` or `ResourceMetrics`, its scopes behind everything else.
    pub bytes: Bytes,
}

impl Packed {
    /// What stands before the scopes: pieces in which it is the same can share it.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        let mut rest = &self.bytes[..];
        while let [KEY_HEAD | KEY_SCHEMA, behind @ ..] = rest {
            let mut value = behind;
            let Some(next) = decode_length_delimiter(&mut value).ok().and_then(|length| value.get(length..)) else {
                break;
            };
            rest = next;
        }
        &self.bytes[..self.bytes.len() - rest.len()]
    }

    /// Decodes it.
    ///
    /// # Errors
    /// When these are not the bytes of such a message.
    pub fn unpack(&self) -> Result<Signal, DecodeError> {
        let bytes = self.bytes.clone();
        match self.kind {
            SignalKind::Logs => ResourceLogs::decode(bytes).map(Signal::Logs),
            SignalKind::Traces => ResourceSpans::decode(bytes).map(Signal::Traces),
            SignalKind::Metrics => ResourceMetrics::decode(bytes).map(Signal::Metrics),
        }
    }
}

/// Encodes a signal, in as many pieces as it takes; none when there is no record in it.
#[must_use]
pub fn pack(signal: Signal) -> Vec<Packed> {
    let kind = signal.kind();
    match signal {
        Signal::Logs(logs) => {
            let mut packer = Packer::new(kind, head(logs.resource.as_ref(), &logs.schema_url));
            for scope in logs.scope_logs {
                packer.enter(head(scope.scope.as_ref(), &scope.schema_url));
                scope.log_records.iter().for_each(|record| packer.add(1, record));
            }
            packer.finish()
        }
        Signal::Traces(spans) => {
            let mut packer = Packer::new(kind, head(spans.resource.as_ref(), &spans.schema_url));
            for scope in spans.scope_spans {
                packer.enter(head(scope.scope.as_ref(), &scope.schema_url));
                scope.spans.iter().for_each(|span| packer.add(1, span));
            }
            packer.finish()
        }
        Signal::Metrics(metrics) => {
            let mut packer = Packer::new(kind, head(metrics.resource.as_ref(), &metrics.schema_url));
            for scope in metrics.scope_metrics {
                packer.enter(head(scope.scope.as_ref(), &scope.schema_url));
                scope.metrics.into_iter().for_each(|metric| packer.add_metric(metric));
            }
            packer.finish()
        }
    }
}

/// Writes the pieces of one resource.
#[derive(Debug)]
pub struct Packer {
    kind: SignalKind,
    /// The resource, as every piece begins.
    head: Bytes,
    /// The present scope, as its part in every piece begins.
    scope: Bytes,
    /// The present piece: its head, its scopes, and the records of the present scope, which still lack what is before them.
    piece: Vec<u8>,
    /// Where those records begin.
    opened: usize,
    records: u64,
    /// Bytes that are known to come.
    expected: usize,
    pieces: Vec<Packed>,
}

impl Packer {
    /// For records of the resource with this [`head`].
    #[must_use]
    pub const fn new(kind: SignalKind, head: Bytes) -> Self {
        Self {
            kind,
            head,
            scope: Bytes::new(),
            piece: Vec::new(),
            opened: 0,
            records: 0,
            expected: 0,
            pieces: Vec::new(),
        }
    }

    /// So many bytes of records will follow: pieces have room for them from the start, and need not be moved as they grow.
    pub const fn expect(&mut self, bytes: usize) {
        self.expected = bytes;
    }

    /// The records that follow are of the scope with this [`head`].
    pub fn enter(&mut self, scope: Bytes) {
        self.close_scope();
        self.scope = scope;
    }

    /// Adds one log record, span or metric, which the ledger counts as `records`.
    pub fn add(&mut self, records: u64, message: &impl Message) {
        self.begin(records, message.encoded_len());
        message.encode_raw(&mut self.piece);
    }

    /// Adds one whose fields are encoded already, in one part and another.
    pub fn add_encoded(&mut self, records: u64, [fields, more]: [&[u8]; 2]) {
        self.begin(records, fields.len() + more.len());
        self.piece.extend_from_slice(fields);
        self.piece.extend_from_slice(more);
    }

    fn begin(&mut self, records: u64, length: usize) {
        if self.piece.len() + self.scope.len() + length > PIECE_BYTES && self.records > 0 {
            self.cut();
        }
        if self.piece.is_empty() {
            let before = self.head.len() + self.scope.len() + LENGTHS;
            let records = self.expected.clamp(FIRST_BYTES, PIECE_BYTES.saturating_sub(before).max(FIRST_BYTES));
            self.piece.reserve_exact(before + records.max(length));
            self.piece.extend_from_slice(&self.head);
            self.opened = self.piece.len();
        }
        self.piece.push(KEY_PART);
        write_length(length, &mut self.piece);
        self.records += records;
        self.expected = self.expected.saturating_sub(length);
    }

    /// Adds a metric, which may have any number of data points: one that is too large for a piece is cut between them.
    pub fn add_metric(&mut self, metric: Metric) {
        let points = data_points(metric.data.as_ref());
        if points > 1 && metric.encoded_len() > PIECE_BYTES {
            let (first, second) = halved(metric, points / 2);
            self.add_metric(first);
            self.add_metric(second);
        } else {
            self.add(points as u64, &metric);
        }
    }

    /// Puts before the records of the present scope what belongs there: it can be told only now how long they are.
    fn close_scope(&mut self) {
        let records = self.piece.len() - self.opened;
        if records > 0 {
            self.piece.push(KEY_PART);
            write_length(self.scope.len() + records, &mut self.piece);
            self.piece.extend_from_slice(&self.scope);
            self.piece[self.opened..].rotate_left(records);
            self.opened = self.piece.len();
        }
    }

    fn cut(&mut self) {
        self.close_scope();
        let (mut piece, records) = (take(&mut self.piece), take(&mut self.records));
        self.opened = 0;
        if records > 0 {
            // What waits is counted by its bytes: it must not take more.
            piece.shrink_to_fit();
            self.pieces.push(Packed { kind: self.kind, records, bytes: piece.into() });
        }
    }

    /// The pieces.
    #[must_use]
    pub fn finish(mut self) -> Vec<Packed> {
        self.cut();
        self.pieces
    }
}

/// What the records of a resource, or of a scope, have before them: it and its schema URL, both where they are.
#[must_use]
pub fn head(message: Option<&impl Message>, schema_url: &str) -> Bytes {
    let mut head = Vec::new();
    if let Some(message) = message {
        head.push(KEY_HEAD);
        write_length(message.encoded_len(), &mut head);
        message.encode_raw(&mut head);
    }
    if !schema_url.is_empty() {
        head.push(KEY_SCHEMA);
        write_length(schema_url.len(), &mut head);
        head.extend_from_slice(schema_url.as_bytes());
    }
    head.into()
}

fn write_length(length: usize, into: &mut Vec<u8>) {
    encode_length_delimiter(length, into).expect("a vector has room for any length");
}

fn halved(mut metric: Metric, keep: usize) -> (Metric, Metric) {
    macro_rules! cut {
        ($data:ident, $kind:path) => {{
            let mut points = take(&mut $data.data_points);
            let mut tail = $data.clone();
            tail.data_points = points.split_off(keep);
            $data.data_points = points;
            (Some($kind($data)), Some($kind(tail)))
        }};
    }
    let (first, second) = match metric.data.take() {
        None => (None, None),
        Some(Data::Gauge(mut gauge)) => cut!(gauge, Data::Gauge),
        Some(Data::Sum(mut sum)) => cut!(sum, Data::Sum),
        Some(Data::Histogram(mut histogram)) => cut!(histogram, Data::Histogram),
        Some(Data::ExponentialHistogram(mut histogram)) => cut!(histogram, Data::ExponentialHistogram),
        Some(Data::Summary(mut summary)) => cut!(summary, Data::Summary),
    };
    (Metric { data: first, ..metric.clone() }, Metric { data: second, ..metric })
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::{
        common::v1::InstrumentationScope,
        logs::v1::{LogRecord, ScopeLogs},
        metrics::v1::{NumberDataPoint, ScopeMetrics, Sum},
        resource::v1::Resource,
        trace::v1::{ScopeSpans, Span},
    };
    use proptest::prelude::*;

    fn resource(number: u32) -> Option<Resource> {
        Some(Resource { dropped_attributes_count: number, ..Resource::default() })
    }

    fn records(logs: &ResourceLogs) -> Vec<u64> {
        logs.scope_logs.iter().flat_map(|scope| &scope.log_records).map(|record| record.time_unix_nano).collect()
    }

    fn logs_of(packed: &Packed) -> ResourceLogs {
        match packed.unpack().unwrap() {
            Signal::Logs(logs) => logs,
            other => panic!("{other:?} are no logs"),
        }
    }

    fn scope(name: &str, log_records: Vec<LogRecord>) -> ScopeLogs {
        let scope = Some(InstrumentationScope { name: name.into(), ..InstrumentationScope::default() });
        ScopeLogs { scope, log_records, schema_url: name.into() }
    }

    #[test]
    fn what_fits_into_a_piece_is_unpacked_as_it_was() {
        let scopes = vec![scope("a", vec![LogRecord::default(); 2]), scope("", vec![LogRecord::default()])];
        let logs = ResourceLogs { resource: resource(1), scope_logs: scopes, schema_url: "url".into() };
        let [packed] = &pack(Signal::Logs(logs.clone()))[..] else { panic!("one piece") };
        assert_eq!((packed.records, packed.unpack()), (3, Ok(Signal::Logs(logs))));
        let span = Span { name: "s".into(), ..Span::default() };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        let spans = Signal::Traces(ResourceSpans { scope_spans, ..ResourceSpans::default() });
        assert_eq!(pack(spans.clone())[0].unpack(), Ok(spans));
    }

    #[test]
    fn the_head_is_the_resource_and_its_schema() {
        let packed = |number, body: &str| {
            let record = LogRecord { severity_text: body.into(), ..LogRecord::default() };
            let scope_logs = vec![scope("a", vec![record])];
            let logs = ResourceLogs { resource: resource(number), scope_logs, schema_url: "url".into() };
            pack(Signal::Logs(logs)).remove(0)
        };
        assert_eq!(packed(1, "x").head(), packed(1, "yy").head());
        assert_ne!(packed(1, "x").head(), packed(2, "x").head());
        assert_eq!(packed(1, "x").head()[..], head(resource(1).as_ref(), "url"));
        let none = Packed { kind: SignalKind::Logs, records: 1, bytes: Bytes::from_static(&[KEY_HEAD, 0xff]) };
        assert_eq!(none.head(), b"");
        assert!(none.unpack().is_err());
    }

    #[test]
    fn a_signal_without_records_is_nothing() {
        let empty = ResourceLogs { resource: resource(1), scope_logs: vec![scope("a", vec![])], ..Default::default() };
        assert_eq!(pack(Signal::Logs(empty)), []);
        let metrics = vec![Metric { name: "no points".into(), ..Metric::default() }];
        let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
        assert_eq!(pack(Signal::Metrics(ResourceMetrics { scope_metrics, ..Default::default() })), []);
    }

    #[test]
    fn a_metric_is_cut_between_its_data_points() {
        let point = |number| NumberDataPoint { time_unix_nano: number, ..NumberDataPoint::default() };
        let sum = Sum { data_points: (1..=9999).map(point).collect(), aggregation_temporality: 2, is_monotonic: true };
        let metric = Metric { name: "m".into(), data: Some(Data::Sum(sum)), ..Metric::default() };
        let scope = ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() };
        let pieces = pack(Signal::Metrics(ResourceMetrics { scope_metrics: vec![scope], ..Default::default() }));
        assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.bytes.len() <= PIECE_BYTES), "{}", pieces.len());
        assert_eq!(pieces.iter().map(|piece| piece.records).sum::<u64>(), 9999);
        assert!(format!("{:?}", pieces.last().unwrap().unpack()).contains("is_monotonic: true"));
    }

    proptest! {
        #[test]
        fn whatever_is_packed_comes_out_whole_in_order_and_in_pieces_within_the_bound(
            sizes in prop::collection::vec((0..3usize, 0..50_000usize), 0..40)
        ) {
            let names = ["a", "b", "c"];
            let record = |(number, (_, size)): (usize, &(usize, usize))| {
                LogRecord { time_unix_nano: number as u64 + 1, severity_text: "x".repeat(*size), ..LogRecord::default() }
            };
            let scopes = sizes.iter().enumerate().map(|sized| scope(names[sized.1.0], vec![record(sized)])).collect();
            let logs = ResourceLogs { resource: resource(7), scope_logs: scopes, ..ResourceLogs::default() };
            let pieces = pack(Signal::Logs(logs.clone()));
            for piece in &pieces {
                let unpacked = logs_of(piece);
                prop_assert!(piece.bytes.len() <= PIECE_BYTES + 64 || piece.records == 1);
                prop_assert_eq!(piece.records, records(&unpacked).len() as u64);
                prop_assert_eq!(unpacked.resource, resource(7));
            }
            let scopes: Vec<_> = pieces.iter().flat_map(|piece| logs_of(piece).scope_logs).collect();
            prop_assert_eq!(scopes, logs.scope_logs);
        }
    }
}
