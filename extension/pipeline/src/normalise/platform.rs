//! What follows from the platform's events: which invocation begins, ends and is accounted for, exactly once each.
//!
//! An invocation ends with the first event that tells so: `runtimeDone`, on Managed Instances the report, else the shutdown.
//! From then on it is *counted* (its metrics) and *settled* (its span: the SDK's where the SDK sends one, else ours), each
//! once, whatever is told again, in another order, or never. Settling waits for the SDK's span where the SDK is known to send
//! one for each invocation; both wait for the report of a runtime that died, which alone tells whether memory ran out.
//!
//! Before the first span of the SDK's nothing tells that it sends any. An SDK that does not even flush at the end of the
//! first invocation has that one spanned twice: waiting there would keep the span of every rarely called function for hours.

use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::{
    Normaliser,
    function_log::{Named, Reading, Times},
    invocation::{End, Invocation},
    invocations::PATIENCE,
    lines, metrics,
    spans::{self, Part},
    text_line::is_request_id,
};
use crate::flow::{
    UnixNanos,
    arrival::{Event, ExtensionState, Line, Origin, Report, RuntimeDone, Start, Status},
};

/// What the platform says of a runtime that died; the kernel's killing it for its memory is one of the reasons.
const DIED: &str = "Runtime.ExitError";

impl Normaliser {
    pub(super) fn platform_event(&mut self, event: Event, times: Times) {
        match event {
            Event::InitStart(start) => self.init_start(&start, times),
            Event::InitReport(report) => self.init_report(&report, times),
            Event::RestoreStart(start) => self.restore_start(&start, times),
            Event::RestoreReport(report) => self.restore_report(&report, times),
            Event::Start(start) => self.start(&start, times),
            Event::RuntimeDone(done) => self.runtime_done(*done, times),
            Event::Report(report) => self.report(&report, times),
            Event::LogsDropped(dropped) => {
                self.released.lost_by_platform += dropped.records;
                self.pass(stamped(lines::logs_dropped(&dropped), times), times.observed);
            }
            Event::ExtensionState(extension) => self.extension(&extension, times),
            Event::Subscription(subscription) => self.platform_line(|| Some(lines::subscription(&subscription)), times),
            Event::Fault(words) => self.fault(&words, times),
            Event::Noted { .. } | Event::Function(_) | Event::Extension(_) | Event::Unknown(_) => {}
        }
    }

    fn start(&mut self, start: &Start, times: Times) {
        let told = |invocation: &mut Invocation| invocation.started.is_some();
        if self.invocations.find(&start.request_id).is_some_and(told) {
            return;
        }
        if let Some(arn) = &start.function_arn {
            self.environment.set_invoked(arn);
        }
        let first = self.settings.on_demand && !std::mem::replace(&mut self.started_before, true);
        let waits = self.startup.take_waits();
        let invocation = self.invocations.started(start, times.best());
        invocation.cold |= first;
        invocation.invoked_arn = invocation.invoked_arn.take().or_else(|| start.function_arn.clone());
        invocation.waited_for(waits);
        self.invocation_line(&start.request_id, || lines::start(start), times);
        // Its end may have been told before.
        self.conclude(&start.request_id, false);
    }

    fn runtime_done(&mut self, done: RuntimeDone, times: Times) {
        let end = End {
            at: times.best(),
            status: done.status,
            error_type: done.error_type,
            duration_ms: done.duration_ms,
            by_runtime: true,
            produced_bytes: done.produced_bytes,
        };
        let parts = done.spans.into_iter().map(Part::of_invocation).collect();
        self.told(&done.request_id, parts, &done.origin, end.at);
        if self.end(&done.request_id, end) {
            self.invocation_line(&done.request_id, || lines::end(&done.request_id), times);
        }
        self.conclude(&done.request_id, false);
        self.conclude_earlier(&done.request_id);
    }

    /// An SDK that does not flush at the end of an invocation is frozen with its spans, and sends them during the next one:
    /// for so long ours of an invocation before waits.
    fn conclude_earlier(&mut self, than: &str) {
        let is_earlier = |invocation: &&Invocation| invocation.reported && invocation.request_id != than;
        for request_id in ids(self.invocations.unsettled().filter(is_earlier)) {
            self.conclude(&request_id, true);
        }
    }

    fn report(&mut self, report: &Report, times: Times) {
        let at = times.best();
        let id = &report.request_id;
        let limit = self.invocations.find(id).and_then(|invocation| invocation.time_limit());
        self.told(id, Part::of_report(report, limit), &report.origin, at);
        let invocation = self.invocations.find_or_add(id, at);
        if std::mem::replace(&mut invocation.reported, true) {
            return;
        }
        // After a reset, and on Managed Instances always, the report is the first to tell of the end, and may be late itself.
        let ran = spans::nanos(report.metrics.duration_ms);
        let end = End {
            at: invocation.started.map_or(at, |started| at.min(started.saturating_add(ran))),
            status: report.status.clone(),
            error_type: report.error_type.clone(),
            duration_ms: Some(report.metrics.duration_ms),
            by_runtime: false,
            produced_bytes: None,
        };
        if invocation.started.is_none() && self.settings.managed {
            invocation.begun = invocation.begun.min(at.saturating_sub(ran));
        }
        self.end(id, end);
        self.account(report, at);
        self.conclude(id, false);
        self.invocation_line(id, || lines::report(report), times);
    }

    /// What every event of an invocation's end may tell besides.
    fn told(&mut self, request_id: &str, parts: Vec<Part>, origin: &Origin, at: UnixNanos) {
        let invocation = self.invocations.find_or_add(request_id, at);
        parts.into_iter().for_each(|part| invocation.parts.add(part));
        invocation.is_of(origin);
    }

    /// What the report alone tells.
    fn account(&mut self, report: &Report, at: UnixNanos) {
        let Some(invocation) = self.invocations.find(&report.request_id) else { return };
        invocation.out_of_memory |= ran_out_of_memory(report);
        let interval = self.intervals.up_to(at, invocation.started.unwrap_or(invocation.begun));
        self.metrics.extend(metrics::of_report(report, invocation, interval, self.startup.init_is_counted()));
    }

    /// An invocation ended: the lines that waited for it go. Only the first end counts; whether this was it.
    fn end(&mut self, request_id: &str, end: End) -> bool {
        let Some(invocation) = self.invocations.find(request_id).filter(|invocation| invocation.end.is_none()) else {
            return false;
        };
        invocation.end = Some(end);
        self.invocations.close(request_id);
        true
    }

    /// Counts and settles an invocation that has ended, as far as that can be done now; all of it when this is the `last`
    /// chance.
    pub(super) fn conclude(&mut self, request_id: &str, last: bool) {
        let span_may_come = self.invocations.sdk_span_may_come() && !last;
        let Some(invocation) = self.invocations.find(request_id) else { return };
        let Some(end) = &invocation.end else { return };
        let (at, died) = (end.at, end.error_type.as_deref() == Some(DIED));
        if died && !last && !invocation.reported && !invocation.out_of_memory {
            return;
        }
        let initialization = self.startup.unusual();
        if invocation.ours && !std::mem::replace(&mut invocation.counted, true) {
            let interval = self.intervals.up_to(at, invocation.started.unwrap_or(invocation.begun));
            self.metrics.extend(metrics::of_end(invocation, interval, initialization));
        }
        if !invocation.settled && !invocation.is_spanned_by_sdk() {
            if invocation.ours && span_may_come {
                return;
            }
            let name = &self.settings.function_name;
            self.spans.extend(invocation.ours.then(|| spans::server(invocation, name, initialization)).flatten());
        }
        // Of one that is not ours nothing is made; but its start may yet be told, late.
        invocation.settled = invocation.ours;
        if invocation.settled {
            let (parent, parts) = (invocation.parent(), invocation.parts.take());
            self.spans.extend(parts.into_iter().map(|part| part.child(request_id, parent)));
        }
    }

    /// The SDK sent spans: what waited for them waits no longer.
    pub(super) fn conclude_spanned(&mut self) {
        let spanned = self.invocations.unsettled().filter(|invocation| invocation.is_spanned_by_sdk());
        for request_id in ids(spanned) {
            self.conclude(&request_id, false);
        }
    }

    /// What has waited long enough for the SDK's span gets ours; where processes are frozen time tells nothing.
    pub(super) fn conclude_due(&mut self, now: UnixNanos) {
        if !self.settings.managed {
            return;
        }
        let is_due = |invocation: &&Invocation| {
            invocation.ours && invocation.end.as_ref().is_some_and(|end| now.saturating_sub(end.at) >= PATIENCE)
        };
        for request_id in ids(self.invocations.unsettled().filter(is_due)) {
            self.conclude(&request_id, true);
        }
    }

    /// Nothing will come any more.
    pub(super) fn end_all(&mut self, reason: &str, now: UnixNanos) {
        let status = match reason {
            "timeout" => Status::Timeout,
            "failure" => Status::Failure,
            _ => Status::Success,
        };
        for request_id in self.invocations.open() {
            match self.invocations.find(&request_id) {
                Some(invocation) if invocation.started.is_some() => {
                    let at = invocation.superseded.unwrap_or(now);
                    let status = if invocation.superseded.is_some() { Status::Success } else { status.clone() };
                    self.end(&request_id, End::guessed(at, status));
                }
                // Without a Telemetry API nobody tells of starts and ends: a span of it would be a guess.
                _ => self.invocations.close(&request_id),
            }
        }
        for request_id in ids(self.invocations.unsettled()) {
            self.conclude(&request_id, true);
        }
        self.end_of_waiting(now);
    }

    fn extension(&mut self, extension: &ExtensionState, times: Times) {
        if extension.error_type.is_some() {
            self.pass(stamped(lines::extension(extension), times), times.observed);
        } else {
            self.platform_line(|| Some(lines::extension(extension)), times);
        }
    }

    fn fault(&mut self, words: &str, times: Times) {
        self.watch_for_kills(&Line::Text(words.to_owned()));
        let named = words.split_once("RequestId: ").and_then(|(_, rest)| rest.split_whitespace().next());
        let named = named.filter(|id| is_request_id(id)).map(|id| Named { field: None, id: id.to_owned() });
        self.place(lines::fault(words), named, times);
    }

    /// `RequestId: ... Error: Runtime exited with error: signal: killed`: nobody but the kernel kills a runtime in the middle of
    /// an invocation, and it does so for want of memory.
    pub(super) fn watch_for_kills(&mut self, line: &Line) {
        let Line::Text(words) = line else { return };
        let Some((id, words)) = words.strip_prefix("RequestId: ").and_then(|rest| rest.split_once(' ')) else { return };
        if !words.contains("Runtime exited with error: signal: killed") {
            return;
        }
        let id = id.to_owned();
        if let Some(invocation) = self.invocations.find(&id) {
            invocation.out_of_memory = true;
            self.conclude(&id, false);
        }
    }

    fn invocation_line(&mut self, request_id: &str, line: impl FnOnce() -> LogRecord, times: Times) {
        if self.settings.platform_lines {
            let named = Named { field: None, id: request_id.to_owned() };
            self.place(line(), Some(named), times);
        }
    }

    fn place(&mut self, line: LogRecord, request_id: Option<Named>, times: Times) {
        let mut record = stamped(line, times);
        self.settings.filters.redact(&mut record);
        self.uids.mark(&mut record, times.observed);
        self.invocations.place(&mut Reading { record, request_id }, &[], times.observed);
    }

    pub(super) fn platform_line(&mut self, line: impl FnOnce() -> Option<LogRecord>, times: Times) {
        if let Some(line) = self.settings.platform_lines.then(line).flatten() {
            self.pass(stamped(line, times), times.observed);
        }
    }
}

fn ids<'a>(invocations: impl Iterator<Item = &'a Invocation>) -> Vec<String> {
    invocations.map(|invocation| invocation.request_id.clone()).collect()
}

/// A runtime that died with all of its memory in use.
fn ran_out_of_memory(report: &Report) -> bool {
    let numbers = &report.metrics;
    let full = numbers.memory_size_mb.is_some_and(|size| numbers.max_memory_used_mb >= Some(size));
    full && report.error_type.as_deref() == Some(DIED)
}

fn stamped(record: LogRecord, times: Times) -> LogRecord {
    LogRecord { time_unix_nano: times.best(), observed_time_unix_nano: times.observed, ..record }
}

#[cfg(test)]
mod tests;
