//! Which records belong to which invocation, and which trace an invocation belongs to.
//!
//! A text line belongs to the invocation whose `platform.start` came last: on demand they run one at a time and the
//! platform delivers in order. On Managed Instances only what the record says counts. Records wait here until the trace
//! of their invocation is certain (the SDK's own span came), the runtime is done, or a bound is hit; never longer.

use std::collections::VecDeque;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use super::{
    attributes::has,
    function_log::{Named, Reading},
    records::{Records, text_field},
};
use crate::flow::{
    UnixNanos,
    arrival::{Invoke, Start, Status},
    trace::{SpanId, TraceContext, TraceId},
};

/// The attribute that ties a record to its invocation.
const INVOCATION_ID: &str = "faas.invocation_id";

/// Invocations remembered: the report comes an invocation late, and Managed Instances run some dozens at a time.
const REMEMBERED: usize = 256;

/// How long a line of a long invocation waits for the SDK's span before a periodic flush takes it along.
const PATIENCE: UnixNanos = 5_000_000_000;

/// A span can start this much before the platform says that its invocation did: their clocks are read apart.
const SLACK: UnixNanos = 2_000_000;

/// The trace and span that records are tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) flags: u32,
}

impl Link {
    pub(super) fn write(self, record: &mut LogRecord) {
        let trace_id = self.trace_id.to_vec();
        if record.trace_id.is_empty() || is_lower_half(&record.trace_id, &trace_id) {
            record.trace_id = trace_id;
        } else if record.trace_id != trace_id {
            return;
        }
        if record.span_id.is_empty() {
            record.span_id = self.span_id.to_vec();
        }
        record.flags |= self.flags;
    }
}

/// Datadog's loggers write the lower 64 bits of a trace id only.
fn is_lower_half(lower: &[u8], whole: &[u8]) -> bool {
    lower.starts_with(&[0; 8]) && lower.get(8..) == whole.get(8..)
}

/// Whether the line said of itself which trace and which span it belongs to.
fn is_tied(record: &LogRecord) -> bool {
    !record.span_id.is_empty() && !record.trace_id.starts_with(&[0; 8])
}

/// How surely a span of the SDK's is the invocation's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// It has no parent.
    Root,
    /// It is of kind SERVER or CONSUMER.
    Entry,
    /// It names the invocation.
    Named,
}

/// What is known of one invocation.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    /// The earliest sign of it.
    pub(super) begun: UnixNanos,
    /// `platform.start`'s time.
    pub(super) started: Option<UnixNanos>,
    /// Whether it runs in this process's time; of one from before a reset, its trace and its span are not ours to make.
    pub(super) ours: bool,
    pub(super) xray: Option<TraceContext>,
    pub(super) invoked_arn: Option<String>,
    pub(super) cold: bool,
    pub(super) done: bool,
    pub(super) reported: bool,
    /// How it failed, if it did, by the first event that told of its end.
    pub(super) failed: Option<Status>,
    lambda_span: Option<SpanId>,
    sdk: Option<(Claim, Link)>,
    /// The request id as the attribute of its records.
    named: Vec<u8>,
    held: Records,
    /// Of those held the few that name a trace themselves, but not all of it: they are completed when it is known.
    half_tied: Vec<LogRecord>,
    held_bytes: usize,
    held_since: UnixNanos,
}

impl Invocation {
    fn new(request_id: &str, begun: UnixNanos) -> Self {
        Self {
            request_id: request_id.to_owned(),
            begun,
            started: None,
            ours: false,
            xray: None,
            invoked_arn: None,
            cold: false,
            done: false,
            reported: false,
            failed: None,
            lambda_span: None,
            sdk: None,
            named: text_field(INVOCATION_ID, request_id),
            held: Records::default(),
            half_tied: Vec::new(),
            held_bytes: 0,
            held_since: 0,
        }
    }

    /// Whether the SDK sends its own span of this invocation, so that ours would double it.
    pub(super) fn has_sdk_span(&self) -> bool {
        self.sdk.is_some()
    }

    /// The trace where one exists: the SDK's, else the one that X-Ray's header names.
    fn known_link(&self) -> Option<Link> {
        let xray = || {
            let xray = self.xray?;
            Some(Link { trace_id: xray.trace_id, span_id: self.own_span_id(), flags: xray.flags() })
        };
        self.sdk.map(|(_, link)| link).or_else(xray)
    }

    /// The trace, made from the request id where the platform names none: our own span of the invocation will have it.
    pub(super) fn link(&self) -> Link {
        self.known_link().unwrap_or_else(|| Link {
            trace_id: self.derived_trace_id(),
            span_id: self.own_span_id(),
            flags: 1,
        })
    }

    /// Keeps a record that `shared` fields belong to, and tells how many bytes that took.
    fn hold_half_tied(&mut self, mut record: LogRecord, shared: [&[u8]; 2]) -> usize {
        shared.into_iter().for_each(|fields| record.merge(fields).expect("these fields were encoded by us"));
        let bytes = record.encoded_len();
        self.half_tied.push(record);
        bytes
    }

    /// Whether this is the trace that X-Ray's header names.
    fn is_called_in(&self, trace_id: &[u8]) -> bool {
        self.xray.is_some_and(|xray| TraceId::from_bytes(trace_id) == Some(xray.trace_id))
    }

    /// What its records are tied to now. Before its end, a trace that nobody named would be a guess; at its end our own
    /// span makes it true.
    fn link_now(&self) -> Option<Link> {
        if self.done && self.ours { Some(self.link()) } else { self.known_link() }
    }

    /// The id of our span of this invocation: Lambda's own where it says so.
    fn own_span_id(&self) -> SpanId {
        let derived = || SpanId::from_bytes(&fnv1a(&self.request_id, 0).to_be_bytes());
        self.lambda_span.or_else(derived).expect("a hash of zero is as good as impossible")
    }

    /// A request id is a UUID, whose 16 bytes make a trace id that can be told from it.
    fn derived_trace_id(&self) -> TraceId {
        let hashed = || {
            let halves = [fnv1a(&self.request_id, 1), fnv1a(&self.request_id, 2)].map(u64::to_be_bytes);
            TraceId::from_bytes(&halves.concat())
        };
        TraceId::from_hex(&self.request_id).or_else(hashed).expect("a hash of zero is as good as impossible")
    }
}

/// FNV-1a: stable over restarts, which the standard library's hashes are not.
fn fnv1a(text: &str, seed: u8) -> u64 {
    let bytes = text.bytes().chain(std::iter::once(seed));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The invocations of this environment, newest last, and the records that wait for their traces.
#[derive(Debug)]
pub(super) struct Invocations {
    known: VecDeque<Invocation>,
    /// The invocation whose `platform.start` came last, on demand.
    current: Option<String>,
    managed: bool,
    /// Whether the function's SDK is known to speak: then its trace is worth waiting for.
    sdk_speaks: bool,
    held_bytes: usize,
    held_limit: usize,
    released: Records,
}

impl Invocations {
    pub(super) fn new(managed: bool, held_limit: usize) -> Self {
        Self {
            known: VecDeque::new(),
            current: None,
            managed,
            sdk_speaks: false,
            held_bytes: 0,
            held_limit,
            released: Records::default(),
        }
    }

    /// `/next` named an invocation.
    pub(super) fn invoked(&mut self, invoke: &Invoke, now: UnixNanos) {
        let invocation = self.find_or_add(&invoke.request_id, now);
        invocation.ours = true;
        invocation.xray = invocation.xray.or(invoke.trace);
        invocation.invoked_arn.clone_from(&invoke.function_arn);
    }

    /// `platform.start` came: the lines that follow are this invocation's.
    pub(super) fn started(&mut self, start: &Start, time: UnixNanos) -> &mut Invocation {
        if !self.managed {
            self.current = Some(start.request_id.clone());
        }
        let invocation = self.find_or_add(&start.request_id, time);
        invocation.begun = invocation.begun.min(time);
        invocation.ours = true;
        invocation.started = Some(time);
        invocation.xray = start.trace.or(invocation.xray);
        invocation.lambda_span = start.span_id;
        invocation
    }

    pub(super) fn find(&mut self, request_id: &str) -> Option<&mut Invocation> {
        self.known.iter_mut().rev().find(|invocation| invocation.request_id == request_id)
    }

    pub(super) fn find_or_add(&mut self, request_id: &str, now: UnixNanos) -> &mut Invocation {
        let at = self.position_or_add(request_id, now);
        &mut self.known[at]
    }

    fn position_or_add(&mut self, request_id: &str, now: UnixNanos) -> usize {
        let at = self.known.iter().rposition(|invocation| invocation.request_id == request_id);
        at.unwrap_or_else(|| {
            if self.known.len() == REMEMBERED {
                self.release(0);
                self.known.pop_front();
            }
            self.known.push_back(Invocation::new(request_id, now));
            self.known.len() - 1
        })
    }

    /// The invocation that ran at `time`; none on Managed Instances, where several do.
    pub(super) fn at(&mut self, time: UnixNanos) -> Option<&mut Invocation> {
        let managed = self.managed;
        self.known.iter_mut().rev().find(|invocation| !managed && invocation.begun <= time + SLACK)
    }

    /// The invocation of this trace.
    pub(super) fn of_trace(&mut self, trace_id: &[u8]) -> Option<&mut Invocation> {
        let trace_id = TraceId::from_bytes(trace_id)?;
        self.known
            .iter_mut()
            .rev()
            .find(|invocation| invocation.known_link().is_some_and(|link| link.trace_id == trace_id))
    }

    /// The SDK's span of this invocation: its trace wins over every other, and nobody waits any longer.
    pub(super) fn link_sdk(&mut self, request_id: &str, claim: Claim, link: Link) {
        self.sdk_speaks = true;
        let Some(at) = self.known.iter().rposition(|invocation| invocation.request_id == request_id) else { return };
        let invocation = &mut self.known[at];
        if invocation.sdk.is_none_or(|(known, _)| known < claim) {
            invocation.sdk = Some((claim, link));
        }
        if claim > Claim::Root {
            self.release(at);
        }
    }

    /// Takes a record in: it gets its invocation's id, and its trace now or when it is known. `shared` fields go behind it.
    pub(super) fn place(&mut self, reading: Reading, shared: &[u8], now: UnixNanos) {
        let Reading { mut record, request_id } = reading;
        let owner = self.owner(request_id.as_ref(), now);
        if let Some(Named { field: Some(field), id }) = request_id
            && owner.is_none_or(|at| self.known[at].request_id != id)
        {
            record.attributes.push(field);
        }
        match owner {
            Some(at) => self.hold(record, shared, (at, now)),
            None => self.pass(&record, shared),
        }
    }

    /// Takes a record in that is no invocation's.
    pub(super) fn pass(&mut self, record: &LogRecord, shared: &[u8]) {
        self.released.push(record, [shared, &[]]);
    }

    /// Whose record it is: the invocation that it names if that is one of ours, else the current one.
    fn owner(&mut self, named: Option<&Named>, now: UnixNanos) -> Option<usize> {
        let position = |id: &str| self.known.iter().rposition(|invocation| invocation.request_id == id);
        let id = named.map(|named| named.id.as_str());
        let known = id.and_then(position).or_else(|| self.current.as_deref().and_then(position));
        known.or_else(|| {
            // Managed Instances promise no order between a line and its `platform.start`.
            let id = self.current.as_deref().or(id)?.to_owned();
            Some(self.position_or_add(&id, now))
        })
    }

    fn hold(&mut self, mut record: LogRecord, shared: &[u8], (at, now): (usize, UnixNanos)) {
        let invocation = &mut self.known[at];
        if record.span_id.is_empty() && invocation.is_called_in(&record.trace_id) {
            // The line says no more than the invocation's header: its trace is that of its invocation, whichever that is.
            record.trace_id.clear();
            record.flags = 0;
        }
        let certain = invocation.done || invocation.has_sdk_span() || is_tied(&record);
        if let Some(link) = invocation.link_now().filter(|_| certain) {
            link.write(&mut record);
        }
        let named = if has(&record.attributes, INVOCATION_ID) { &[][..] } else { &invocation.named };
        if certain {
            self.released.push(&record, [shared, named]);
            return;
        }
        if invocation.held.is_empty() && invocation.half_tied.is_empty() {
            invocation.held_since = now;
        }
        let bytes = if record.trace_id.is_empty() {
            invocation.held.push(&record, [shared, named])
        } else {
            let named = named.to_vec();
            invocation.hold_half_tied(record, [shared, &named])
        };
        invocation.held_bytes += bytes;
        self.held_bytes += bytes;
        if self.held_bytes > self.held_limit {
            (0..self.known.len()).for_each(|at| self.release(at));
        }
    }

    /// Its runtime is done: what was held goes, tied to whatever trace there is.
    pub(super) fn close(&mut self, request_id: &str) {
        if let Some(at) = self.known.iter().rposition(|invocation| invocation.request_id == request_id) {
            self.known[at].done = true;
            self.release(at);
        }
    }

    /// A periodic flush, in the middle of invocations: takes along what need not wait, or has waited enough.
    pub(super) fn release_due(&mut self, now: UnixNanos) {
        for at in 0..self.known.len() {
            let invocation = &self.known[at];
            let certain = invocation.known_link().is_some() && !self.sdk_speaks;
            if certain || now.saturating_sub(invocation.held_since) >= PATIENCE {
                self.release(at);
            }
        }
    }

    /// Those that have not been closed.
    pub(super) fn open(&self) -> Vec<String> {
        self.known
            .iter()
            .filter(|invocation| !invocation.done)
            .map(|invocation| invocation.request_id.clone())
            .collect()
    }

    /// How many records wait.
    pub(super) fn held(&self) -> usize {
        self.known.iter().map(|invocation| invocation.held.len() + invocation.half_tied.len()).sum()
    }

    /// The records that wait no longer.
    pub(super) fn take_released(&mut self) -> Records {
        std::mem::take(&mut self.released)
    }

    fn release(&mut self, at: usize) {
        let invocation = &mut self.known[at];
        let link = invocation.link_now();
        self.held_bytes -= std::mem::take(&mut invocation.held_bytes);
        self.released.append(std::mem::take(&mut invocation.held), link);
        for mut record in std::mem::take(&mut invocation.half_tied) {
            if let Some(link) = link {
                link.write(&mut record);
            }
            self.released.push(&record, [&[], &[]]);
        }
    }
}
