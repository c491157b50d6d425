//! Which records belong to which invocation, and which trace an invocation belongs to.
//!
//! A text line belongs to the invocation whose `platform.start` came last: on demand they run one at a time and the
//! platform delivers in order. On Managed Instances only what the record says counts. Records wait here until the trace
//! of their invocation is certain (the SDK's own span came), the runtime is done, or a bound is hit; never longer.

use std::collections::VecDeque;

use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{
    attributes::has,
    function_log::{Named, Reading},
    invocation::{Claim, INVOCATION_ID, Invocation, Link, is_tied},
    records::Released,
};
use crate::flow::{
    UnixNanos,
    arrival::{Invoke, Start},
    trace::TraceId,
};

/// Invocations remembered: the report comes an invocation late, and Managed Instances run some dozens at a time.
const REMEMBERED: usize = 256;

/// How long a line of a long invocation, or our span of one that has ended, waits for the SDK's span before a periodic flush
/// takes it along.
pub(super) const PATIENCE: UnixNanos = 5_000_000_000;

/// A span can start this much before the platform says that its invocation did: their clocks are read apart.
const SLACK: UnixNanos = 2_000_000;

/// Whose a line is that came after its time.
#[derive(Debug)]
pub(super) enum Earlier {
    /// Of the invocation that ran then.
    Of(Named),
    /// Of none that is remembered: from an init, or from before a reset.
    Nobodys,
}

/// The invocations of this environment, and the records that wait for their traces.
#[derive(Debug)]
pub(super) struct Invocations {
    /// In the order in which they were first heard of. That is not the order in which they ran: to a process that took the place
    /// of another the platform tells again of what ran before, and `/next` names an invocation before the platform does.
    known: VecDeque<Invocation>,
    /// The latest `platform.start` of all.
    last_start: Option<UnixNanos>,
    /// The invocation whose `platform.start` came last, on demand.
    current: Option<String>,
    managed: bool,
    /// Whether the function's SDK is known to speak: then its trace is worth waiting for.
    sdk_speaks: bool,
    /// Whether it is known to send a span for each invocation: then ours waits for it.
    sdk_spans: bool,
    held_bytes: usize,
    held_limit: usize,
    released: Released,
}

impl Invocations {
    pub(super) fn new(managed: bool, held_limit: usize) -> Self {
        Self {
            known: VecDeque::new(),
            last_start: None,
            current: None,
            managed,
            sdk_speaks: false,
            sdk_spans: false,
            held_bytes: 0,
            held_limit,
            released: Released::default(),
        }
    }

    /// `/next` named an invocation.
    pub(super) fn invoked(&mut self, invoke: &Invoke, now: UnixNanos) {
        let invocation = self.find_or_add(&invoke.request_id, now);
        invocation.ours = true;
        invocation.deadline = Some(invoke.deadline);
        invocation.xray = invocation.xray.or(invoke.trace);
        invocation.invoked_arn.clone_from(&invoke.function_arn);
    }

    /// `platform.start` came: the lines that follow are this invocation's, and the one before is over.
    ///
    /// But for a start of before the last one, which the platform tells again to a process that took the place of the one that
    /// heard it: its invocation is over, and what follows says by its time whose it is.
    pub(super) fn started(&mut self, start: &Start, time: UnixNanos) -> &mut Invocation {
        let before = self.starts().filter(|start| *start > time && !self.managed).min();
        if before.is_none() && !self.managed {
            self.supersede(time);
            self.current = Some(start.request_id.clone());
        }
        self.last_start = self.last_start.max(Some(time));
        let invocation = self.find_or_add(&start.request_id, time);
        invocation.begun = invocation.begun.min(time);
        invocation.ours = true;
        invocation.started = Some(time);
        // One of before is over, though nobody may tell: what is its waits no longer than it takes to be read.
        invocation.superseded = invocation.superseded.or(before);
        invocation.is_of(&start.origin);
        invocation
    }

    /// When those began of which the platform told; in no order.
    fn starts(&self) -> impl Iterator<Item = UnixNanos> {
        self.known.iter().filter_map(|invocation| invocation.started)
    }

    /// The current invocation is over, though nobody told: what it holds waits no longer.
    fn supersede(&mut self, time: UnixNanos) {
        let Some(current) = self.current.take() else { return };
        if let Some(at) = self.position(&current).filter(|at| !self.known[*at].done) {
            self.known[at].superseded = Some(time);
            self.release(at);
        }
    }

    /// The invocation that a start of the environment is for, where one has begun: a process has one that began cold.
    pub(super) fn waiting_for_start(&mut self) -> Option<&mut Invocation> {
        let cold = self.known.iter().rposition(|invocation| invocation.cold);
        let running = || self.position(self.current.as_deref()?).filter(|at| !self.known[*at].done);
        let at = cold.or_else(running)?;
        Some(&mut self.known[at])
    }

    /// Whether our span of an invocation would probably double one that the SDK is about to send.
    pub(super) const fn sdk_span_may_come(&self) -> bool {
        self.sdk_spans
    }

    /// Those that have ended, and of which it is not yet certain which span is theirs.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &Invocation> {
        self.known.iter().filter(|invocation| invocation.end.is_some() && !invocation.settled)
    }

    pub(super) fn find(&mut self, request_id: &str) -> Option<&mut Invocation> {
        self.known.iter_mut().rev().find(|invocation| invocation.request_id == request_id)
    }

    pub(super) fn find_or_add(&mut self, request_id: &str, now: UnixNanos) -> &mut Invocation {
        let at = self.position_or_add(request_id, now);
        &mut self.known[at]
    }

    fn position(&self, request_id: &str) -> Option<usize> {
        self.known.iter().rposition(|invocation| invocation.request_id == request_id)
    }

    fn position_or_add(&mut self, request_id: &str, now: UnixNanos) -> usize {
        self.position(request_id).unwrap_or_else(|| {
            if self.known.len() == REMEMBERED {
                self.forget_one();
            }
            // Where environments are never reset there is no invocation of a process before this one.
            let ours = self.managed;
            self.known.push_back(Invocation { ours, ..Invocation::new(request_id, now) });
            self.known.len() - 1
        })
    }

    /// The oldest of those that nothing more is expected of; on Managed Instances one may run for an hour beside thousands.
    fn forget_one(&mut self) {
        let finished = self.known.iter().position(|known| known.reported && (known.settled || !known.ours));
        let at = finished.unwrap_or(0);
        self.release(at);
        self.known.remove(at);
    }

    /// The invocation that ran at `time`; none on Managed Instances, where several do.
    pub(super) fn at(&mut self, time: UnixNanos) -> Option<&mut Invocation> {
        let managed = self.managed;
        let begun = self.known.iter_mut().filter(|invocation| !managed && invocation.begun <= time + SLACK);
        begun.max_by_key(|invocation| invocation.begun)
    }

    /// Whose a line is that was written before the last `platform.start`: the platform sent it again, or late.
    pub(super) fn earlier(&self, time: UnixNanos) -> Option<Earlier> {
        // Lines and starts have their times of one clock, the platform's. A time that it did not tell is zero.
        if self.managed || time >= self.last_start? || time == 0 {
            return None;
        }
        let ran = self.known.iter().filter(|invocation| invocation.started.is_some_and(|start| start <= time));
        let named = |invocation: &Invocation| Named { field: None, id: invocation.request_id.clone() };
        let last = ran.max_by_key(|invocation| invocation.started);
        Some(last.map_or(Earlier::Nobodys, |invocation| Earlier::Of(named(invocation))))
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
        self.sdk_spans |= claim != Claim::Root;
        let Some(at) = self.position(request_id) else { return };
        let invocation = &mut self.known[at];
        if invocation.sdk.is_none_or(|(known, _)| known < claim) {
            invocation.sdk = Some((claim, link));
        }
        if claim >= Claim::Entry {
            self.release(at);
        }
    }

    /// Takes a record in: it gets its invocation's id, and its trace now or when it is known. `shared` fields go behind it.
    ///
    /// It is had by reference, as a record is so large that it is felt to be handed on.
    pub(super) fn place(&mut self, Reading { record, request_id }: &mut Reading, shared: &[u8], now: UnixNanos) {
        let owner = self.owner(request_id.as_ref(), now);
        if let Some(Named { field, id }) = request_id
            && owner.is_none_or(|at| self.known[at].request_id != *id)
        {
            record.attributes.extend(field.take());
        }
        match owner {
            Some(at) => self.hold(record, shared, (at, now)),
            None => self.pass(record, shared),
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

    fn hold(&mut self, record: &mut LogRecord, shared: &[u8], (at, now): (usize, UnixNanos)) {
        let invocation = &mut self.known[at];
        if record.span_id.is_empty() && invocation.is_called_in(&record.trace_id) {
            // The line says no more than the invocation's header: its trace is that of its invocation, whichever that is.
            record.trace_id.clear();
            record.flags = 0;
        }
        let over = invocation.done || invocation.superseded.is_some();
        let certain = over || invocation.has_sdk_span() || is_tied(record);
        if certain && let Some(link) = invocation.link_now() {
            link.write(record);
        }
        let named = if has(&record.attributes, INVOCATION_ID) { &[][..] } else { &invocation.shared };
        if certain {
            self.released.push(record, [shared, named]);
            return;
        }
        if invocation.held.is_empty() && invocation.half_tied.is_empty() {
            invocation.held_since = now;
        }
        let bytes = if record.trace_id.is_empty() {
            invocation.held.push(record, [shared, named])
        } else {
            let named = named.to_vec();
            invocation.hold_half_tied(std::mem::take(record), [shared, &named])
        };
        invocation.held_bytes += bytes;
        self.held_bytes += bytes;
        if self.held_bytes > self.held_limit {
            (0..self.known.len()).for_each(|at| self.release(at));
        }
    }

    /// Its runtime is done: what was held goes, tied to whatever trace there is.
    pub(super) fn close(&mut self, request_id: &str) {
        if let Some(at) = self.position(request_id) {
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

    /// Their bytes.
    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The records that wait no longer.
    pub(super) fn released(&mut self) -> &mut Released {
        &mut self.released
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

#[cfg(test)]
mod tests;
