//! What is known of one invocation: its ids, its course, its end, and the records that wait for its trace.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use super::{
    records::{Records, text_field},
    spans::Parts,
    startup::Waits,
};
use crate::flow::{
    UnixNanos,
    arrival::{Origin, Status},
    trace::{SpanId, TraceContext, TraceId},
};

/// The attribute that ties a record to its invocation.
pub(super) const INVOCATION_ID: &str = "faas.invocation_id";

/// The trace and span that records are tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) flags: u32,
}

impl Link {
    /// The record's own ids stay; what it lacks of this very trace it gets.
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
pub(super) fn is_tied(record: &LogRecord) -> bool {
    !record.span_id.is_empty() && !record.trace_id.starts_with(&[0; 8])
}

/// How surely a span of the SDK's is the invocation's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// It has no parent: a trace of its own in the invocation, which the invocation's own span can join.
    Root,
    /// It names the invocation, but stands below another span: some SDKs write the id on every span.
    Mention,
    /// It is of kind SERVER or CONSUMER.
    Entry,
    /// It is an entry or a root, and names the invocation.
    Named,
}

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    pub(super) at: UnixNanos,
    pub(super) status: Status,
    pub(super) error_type: Option<String>,
    /// Milliseconds that the function ran, where the platform told.
    pub(super) duration_ms: Option<f64>,
    /// Whether those are the runtime's alone, without what extensions added.
    pub(super) by_runtime: bool,
    pub(super) produced_bytes: Option<u64>,
}

impl End {
    /// An end of which nobody told.
    pub(super) const fn guessed(at: UnixNanos, status: Status) -> Self {
        Self { at, status, error_type: None, duration_ms: None, by_runtime: false, produced_bytes: None }
    }
}

/// What is known of one invocation.
#[derive(Debug, Default)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    /// The earliest sign of it.
    pub(super) begun: UnixNanos,
    /// `platform.start`'s time.
    pub(super) started: Option<UnixNanos>,
    /// When the next one started, though nobody had told of the end of this one.
    pub(super) superseded: Option<UnixNanos>,
    /// Whether it runs in this process's time; of one from before a reset, its trace and its span are not ours to make.
    pub(super) ours: bool,
    pub(super) xray: Option<TraceContext>,
    pub(super) invoked_arn: Option<String>,
    pub(super) tenant_id: Option<String>,
    /// Whether it waited for the environment's start.
    pub(super) cold: bool,
    /// Milliseconds of the inits that it waited for.
    pub(super) inits_ms: Vec<f64>,
    /// Milliseconds of the restore that it waited for.
    pub(super) restore_ms: Option<f64>,
    pub(super) parts: Parts,
    pub(super) done: bool,
    pub(super) reported: bool,
    /// How it ended, by the first event that told.
    pub(super) end: Option<End>,
    /// Whether something said that its memory ran out.
    pub(super) out_of_memory: bool,
    /// Whether its end has been counted.
    pub(super) counted: bool,
    /// When it runs into its timeout, where `/next` told.
    pub(super) deadline: Option<UnixNanos>,
    /// Whether it is certain which span is the invocation's.
    pub(super) settled: bool,
    pub(super) lambda_span: Option<SpanId>,
    pub(super) sdk: Option<(Claim, Link)>,
    /// The attributes that all its records have: the request id, and the tenant's.
    pub(super) shared: Vec<u8>,
    pub(super) held: Records,
    /// Of those held the few that name a trace themselves, but not all of it: they are completed when it is known.
    pub(super) half_tied: Vec<LogRecord>,
    pub(super) held_bytes: usize,
    pub(super) held_since: UnixNanos,
}

impl Invocation {
    pub(super) fn new(request_id: &str, begun: UnixNanos) -> Self {
        let shared = text_field(INVOCATION_ID, request_id);
        Self { request_id: request_id.to_owned(), begun, shared, ..Self::default() }
    }

    /// Whose it is, as the first event says that tells; its records get the tenant too.
    pub(super) fn is_of(&mut self, origin: &Origin) {
        self.xray = self.xray.or(origin.trace);
        self.lambda_span = self.lambda_span.or(origin.span_id);
        if let Some(tenant_id) = origin.tenant_id.as_deref().filter(|_| self.tenant_id.is_none()) {
            self.tenant_id = Some(tenant_id.to_owned());
            self.shared.extend(text_field("aws.lambda.tenant_id", tenant_id));
        }
    }

    /// It waited for a start of the environment.
    pub(super) fn waited_for(&mut self, waits: Waits) {
        self.cold |= !waits.is_empty();
        waits.parts.into_iter().for_each(|part| self.parts.add(part));
        self.inits_ms.extend(waits.inits_ms);
        self.restore_ms = waits.restore_ms.or(self.restore_ms);
    }

    /// The function's timeout. It is set in whole seconds; the deadline is reckoned from a moment near the start.
    pub(super) fn time_limit(&self) -> Option<UnixNanos> {
        let limit = self.deadline?.checked_sub(self.started?)?;
        let seconds = limit.saturating_add(500_000_000) / 1_000_000_000;
        (seconds > 0).then_some(seconds * 1_000_000_000)
    }

    /// Whether a span of the SDK's is known that its records belong to: they need not wait any longer.
    pub(super) fn has_sdk_span(&self) -> bool {
        self.sdk.is_some_and(|(claim, _)| claim != Claim::Mention)
    }

    /// The SDK's own span of this invocation, which ours would double.
    fn sdk_invocation_span(&self) -> Option<Link> {
        self.sdk.filter(|(claim, _)| *claim != Claim::Root).map(|(_, link)| link)
    }

    /// Whether the SDK sends its own span of this invocation.
    pub(super) fn is_spanned_by_sdk(&self) -> bool {
        self.sdk_invocation_span().is_some()
    }

    /// What went wrong, if something did.
    pub(super) fn error_type(&self) -> Option<&str> {
        let end = self.end.as_ref().filter(|end| end.status != Status::Success)?;
        let told = || end.error_type.as_deref().unwrap_or(end.status.as_str());
        Some(if self.out_of_memory { "Runtime.OutOfMemory" } else { told() })
    }

    /// The trace where one exists: the SDK's, else the one that X-Ray's header names.
    pub(super) fn known_link(&self) -> Option<Link> {
        let exists = self.xray.is_some() || self.sdk.is_some();
        exists.then(|| self.link())
    }

    /// What its records are tied to: the SDK's span, else ours.
    pub(super) fn link(&self) -> Link {
        self.sdk.map_or_else(|| self.own_link(), |(_, link)| link)
    }

    /// What the parts of it stand below: the SDK's span of the invocation, else ours.
    pub(super) fn parent(&self) -> Link {
        self.sdk_invocation_span().unwrap_or_else(|| self.own_link())
    }

    /// Our span of it: in the trace that the SDK began in it, else in that which X-Ray's header names, else in one made from
    /// the request id.
    pub(super) fn own_link(&self) -> Link {
        let xray = self.xray.map(|xray| (xray.trace_id, xray.flags()));
        let known = self.sdk.map(|(_, link)| (link.trace_id, link.flags)).or(xray);
        let (trace_id, flags) = known.unwrap_or_else(|| (self.derived_trace_id(), 1));
        Link { trace_id, span_id: self.own_span_id(), flags }
    }

    /// The span that called it, where our span is in the caller's trace.
    pub(super) fn caller(&self) -> Option<SpanId> {
        let trace_id = self.own_link().trace_id;
        self.xray.filter(|xray| xray.trace_id == trace_id)?.parent
    }

    /// Keeps a record that `shared` fields belong to, and tells how many bytes that took.
    pub(super) fn hold_half_tied(&mut self, mut record: LogRecord, shared: [&[u8]; 2]) -> usize {
        shared.into_iter().for_each(|fields| record.merge(fields).expect("these fields were encoded by us"));
        let bytes = record.encoded_len();
        self.half_tied.push(record);
        bytes
    }

    /// Whether this is the trace that X-Ray's header names.
    pub(super) fn is_called_in(&self, trace_id: &[u8]) -> bool {
        self.xray.is_some_and(|xray| TraceId::from_bytes(trace_id) == Some(xray.trace_id))
    }

    /// What its records are tied to now. Before its end, a trace that nobody named would be a guess; at its end our own
    /// span makes it true.
    pub(super) fn link_now(&self) -> Option<Link> {
        let over = self.done || self.superseded.is_some();
        if over && self.ours { Some(self.link()) } else { self.known_link() }
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
pub(super) fn fnv1a(text: &str, seed: u8) -> u64 {
    let bytes = text.bytes().chain(std::iter::once(seed));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
