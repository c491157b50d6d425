//! The course of one invocation, on demand and on Managed Instances, and what the platform says about it.

use super::{
    environment::Environment,
    event::{Event, Stream, stamp},
    identity,
    invocation::{Invocation, Request, Status},
    lifecycle::{Fault, extension_fault, millis},
    state::{Job, Phase, Response, State, Subscription},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout_at;

/// What the first invocation's report tells of how the environment came to be, and how long that took.
#[derive(Clone, Copy, Debug)]
pub(super) enum ColdStart {
    Init(Duration),
    Restore(Duration),
}

/// What is known of an invocation before it begins.
struct Course {
    job: Job,
    /// The header as the caller gave it.
    header: String,
    /// Lambda's own segment of the trace, on demand.
    segment: String,
    at: DateTime<Utc>,
    began: Instant,
    deadline: tokio::time::Instant,
}

/// How it ended, on the platform's side.
struct Ending {
    fault: Option<Fault>,
    response: Option<Response>,
    done: Instant,
    /// When a subscriber had learnt that the runtime was done.
    told: Option<Instant>,
    /// When the last extension asked for its next event.
    asked: Option<Instant>,
}

impl Ending {
    const fn at(done: Instant, response: Option<Response>, fault: Option<Fault>) -> Self {
        Self { fault, response, done, told: None, asked: None }
    }
}

impl Environment {
    fn course(&self, request: Request) -> Course {
        let at = Utc::now();
        let root = identity::xray_root(at.timestamp());
        let header = request.trace.unwrap_or_else(|| format!("Root={root};Parent={};Sampled=1", identity::hex(8)));
        let segment = identity::hex(8);
        let trace = if self.settings.managed() { header.clone() } else { with_parent(&header, &segment) };
        let deadline_ms = (at + self.settings.timeout).timestamp_millis();
        let job = Job {
            request_id: identity::uuid(),
            payload: request.payload.to_string(),
            trace,
            deadline_ms,
            tenant: request.tenant,
        };
        Course {
            job,
            header,
            segment,
            at,
            began: Instant::now(),
            deadline: tokio::time::Instant::now() + self.settings.timeout,
        }
    }

    /// One invocation of an environment that does one at a time.
    pub(super) async fn invoke_alone(self: &Arc<Self>, request: Request, start: Option<ColdStart>) -> Invocation {
        self.thaw();
        let course = self.course(request);
        self.emit_start(&course);
        let ready = if self.change(|state| state.phase == Phase::Absent) {
            self.initialise("invoke", self.settings.timeout).await
        } else {
            Ok(())
        };
        let mut ending = match ready {
            Ok(()) => self.hand_over(&course).await,
            Err(fault) => Ending::at(Instant::now(), None, Some(fault)),
        };
        self.drain(Stream::Function).await;
        self.emit_runtime_done(&course, &ending);
        if ending.fault.is_none() {
            ending.fault = self.extensions_done(&course).await.err();
            self.look_at_extensions(&course, &mut ending);
        }
        let held = ending.done.elapsed();
        self.emit_report(&course, &ending, start, held);
        match &ending.fault {
            None => self.freeze(),
            Some(fault) => drop(self.shut_down(if fault.status == "timeout" { "timeout" } else { "failure" }).await),
        }
        outcome(course, &ending, held)
    }

    /// Gives the event to runtime and extensions, and waits until the runtime is done or something breaks.
    async fn hand_over(&self, course: &Course) -> Ending {
        let id = course.job.request_id.clone();
        let event = self.invoke_event(course);
        self.change(|state| {
            state.tell(Subscription::Invoke, &event);
            state.runtime.jobs.push_back(course.job.clone());
        });
        let ended = timeout_at(course.deadline, self.when(|state| ended(state, &id))).await;
        let response = self.change(|state| state.runtime.in_flight.remove(&id)).and_then(|request| request.response);
        match ended {
            Ok(Ok(done)) => Ending::at(done, response, None),
            Ok(Err(fault)) => Ending::at(Instant::now(), response, Some(fault)),
            Err(_) => Ending::at(Instant::now(), response, Some(self.timed_out())),
        }
    }

    fn timed_out(&self) -> Fault {
        Fault::new(
            "timeout",
            "Sandbox.Timedout",
            format!("Task timed out after {:.2} seconds", self.settings.timeout.as_secs_f64()),
        )
    }

    async fn extensions_done(&self, course: &Course) -> Result<(), Fault> {
        let done = self.when(|state| match state.extension_fault() {
            Some((extension, fault)) => Some(Err(extension_fault(extension, fault))),
            None => state.extensions_ready().then_some(Ok(())),
        });
        timeout_at(course.deadline, done).await.unwrap_or_else(|_| Err(self.timed_out()))
    }

    fn look_at_extensions(&self, course: &Course, ending: &mut Ending) {
        self.change(|state| {
            let told = state.told.as_ref().filter(|(id, _)| *id == course.job.request_id);
            (ending.told, ending.asked) = (told.map(|(_, at)| *at), state.last_asked());
        });
    }

    /// One of several invocations at once.
    pub(super) async fn invoke_beside(&self, request: Request) -> Invocation {
        let course = self.course(request);
        let id = course.job.request_id.clone();
        self.emit_start(&course);
        self.change(|state| state.runtime.jobs.push_back(course.job.clone()));
        let answered = self.when(|state| match (state.runtime.in_flight.get(&id), &state.runtime.exited) {
            (Some(request), _) if request.response.is_some() => Some(Ok(Instant::now())),
            (_, Some(how)) => {
                Some(Err(Fault::new("failure", "Runtime.ExitError", format!("Runtime exited with error: {how}"))))
            }
            _ => state.extension_fault().map(|(extension, fault)| Err(extension_fault(extension, fault))),
        });
        let ended = timeout_at(course.deadline, answered).await;
        let response = self.change(|state| state.runtime.in_flight.remove(&id)).and_then(|request| request.response);
        let fault = match ended {
            Ok(ended) => ended.err(),
            Err(_) => Some(self.timed_out()),
        };
        self.drain(Stream::Function).await;
        let ending = Ending::at(Instant::now(), response, fault);
        self.emit_report(&course, &ending, None, Duration::ZERO);
        outcome(course, &ending, Duration::ZERO)
    }

    fn invoke_event(&self, course: &Course) -> Value {
        json!({
            "eventType": "INVOKE",
            "deadlineMs": course.job.deadline_ms,
            "requestId": course.job.request_id,
            "invokedFunctionArn": self.settings.arn(),
            "tracing": { "type": "X-Amzn-Trace-Id", "value": course.header },
        })
    }

    fn emit_start(&self, course: &Course) {
        let mut record = json!({ "requestId": course.job.request_id, "version": self.settings.version, "tracing": self.tracing(course) });
        if self.settings.managed() {
            record["functionArn"] = json!(self.settings.arn());
        }
        if let Some(tenant) = &course.job.tenant {
            record["tenantId"] = json!(tenant);
        }
        self.emit(Event::platform(course.at, "platform.start", record));
    }

    fn tracing(&self, course: &Course) -> Value {
        let mut tracing = json!({ "type": "X-Amzn-Trace-Id", "value": course.header });
        if !self.settings.managed() {
            tracing["spanId"] = json!(course.segment);
        }
        tracing
    }

    fn emit_runtime_done(&self, course: &Course, ending: &Ending) {
        let mut metrics = json!({ "durationMs": millis(ending.done.duration_since(course.began)) });
        if let Some(response) = &ending.response {
            metrics["producedBytes"] = json!(response.body.len());
        }
        let mut record = self.about(course, ending);
        record["metrics"] = metrics;
        record["spans"] = json!(spans(course, ending));
        self.emit(Event::platform(Utc::now(), "platform.runtimeDone", record));
    }

    fn emit_report(&self, course: &Course, ending: &Ending, start: Option<ColdStart>, held: Duration) {
        let lasted = course.began.elapsed();
        let mut record = self.about(course, ending);
        let mut spans = if self.settings.managed() { spans(course, ending) } else { Vec::new() };
        let mut metrics = json!({ "durationMs": millis(lasted) });
        if !self.settings.managed() {
            let billed =
                lasted + start.map_or(Duration::ZERO, |(ColdStart::Init(took) | ColdStart::Restore(took))| took);
            metrics["billedDurationMs"] = json!(billed.as_micros().div_ceil(1000));
            metrics["memorySizeMB"] = json!(self.settings.memory_mb);
            metrics["maxMemoryUsedMB"] = json!(self.memory_used_mb());
            match start {
                Some(ColdStart::Init(took)) => metrics["initDurationMs"] = json!(millis(took)),
                Some(ColdStart::Restore(took)) => metrics["restoreDurationMs"] = json!(millis(took)),
                None => {}
            }
            let from = Utc::now() - held;
            spans.push(json!({ "name": "extensionOverhead", "start": stamp(from), "durationMs": millis(held) }));
        }
        record["metrics"] = metrics;
        record["spans"] = json!(spans);
        self.emit(Event::platform(Utc::now(), "platform.report", record));
    }

    /// What `runtimeDone` and `report` both say.
    fn about(&self, course: &Course, ending: &Ending) -> Value {
        let (status, error_type) = status(ending);
        let mut record =
            json!({ "requestId": course.job.request_id, "status": status.as_str(), "tracing": self.tracing(course) });
        if let Some(error_type) = error_type {
            record["errorType"] = json!(error_type);
        }
        if let Some(tenant) = &course.job.tenant {
            record["tenantId"] = json!(tenant);
        }
        record
    }

    /// What the processes have had resident at most, as the kernel counts.
    fn memory_used_mb(&self) -> u64 {
        let peak = |group: i32| {
            let status = std::fs::read_to_string(format!("/proc/{group}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        self.processes().iter().filter_map(|process| peak(process.group)).sum::<u64>() / 1024
    }
}

/// Whether the runtime is done with a request, or something broke meanwhile.
fn ended(state: &State, id: &str) -> Option<Result<Instant, Fault>> {
    if let Some(done) = state.runtime.in_flight.get(id).and_then(|request| request.done) {
        return Some(Ok(done));
    }
    if let Some(how) = &state.runtime.exited {
        return Some(Err(Fault::new("failure", "Runtime.ExitError", format!("Runtime exited with error: {how}"))));
    }
    state.extension_fault().map(|(extension, fault)| Err(extension_fault(extension, fault)))
}

fn status(ending: &Ending) -> (Status, Option<String>) {
    match (&ending.fault, ending.response.as_ref().and_then(|response| response.error_type.clone())) {
        (Some(fault), _) if fault.status == "timeout" => (Status::Timeout, Some(fault.error_type.clone())),
        (Some(fault), _) if fault.status == "error" => (Status::Error, Some(fault.error_type.clone())),
        (Some(fault), _) => (Status::Failure, Some(fault.error_type.clone())),
        (None, Some(error_type)) => (Status::Error, Some(error_type)),
        (None, None) => (Status::Success, None),
    }
}

fn spans(course: &Course, ending: &Ending) -> Vec<Value> {
    let Some(response) = &ending.response else { return Vec::new() };
    let span = |name: &str, from: Instant, to: Instant| {
        let start = course.at + from.duration_since(course.began);
        json!({ "name": name, "start": stamp(start), "durationMs": millis(to.duration_since(from)) })
    };
    vec![
        span("responseLatency", course.began, response.began),
        span("responseDuration", response.began, response.ended),
        span("runtimeOverhead", response.ended, ending.done.max(response.ended)),
    ]
}

fn outcome(course: Course, ending: &Ending, held: Duration) -> Invocation {
    let (mut status, _) = status(ending);
    // The answer reached its caller before an extension could overrun the timeout; a crash of one takes it away again.
    let crashed = ending.fault.as_ref().is_some_and(|fault| fault.error_type.starts_with("Extension."));
    let payload = match (&ending.response, &ending.fault) {
        (Some(response), fault) if !crashed => {
            if fault.is_some() {
                status = if response.error_type.is_some() { Status::Error } else { Status::Success };
            }
            serde_json::from_slice(&response.body).unwrap_or(Value::Null)
        }
        (_, Some(fault)) => fault.payload(&course.job.request_id),
        (_, None) => Value::Null,
    };
    let answered = ending.response.as_ref().map_or(ending.done, |response| response.ended);
    Invocation {
        trace_id: trace_id(&course.job.trace),
        request_id: course.job.request_id,
        trace: course.job.trace,
        status,
        payload,
        latency: answered.duration_since(course.began),
        held,
        told: ending.told.map(|at| at.saturating_duration_since(ending.done)),
        asked: ending.asked.map(|at| at.saturating_duration_since(ending.done)),
    }
}

/// The header that the function sees: its parent is Lambda's own segment.
fn with_parent(header: &str, segment: &str) -> String {
    let parts = header
        .split(';')
        .map(|part| if part.starts_with("Parent=") { format!("Parent={segment}") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join(";")
}

/// `Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700` as OpenTelemetry writes it.
fn trace_id(header: &str) -> String {
    let root = header.split(';').find_map(|part| part.strip_prefix("Root=")).unwrap_or_default();
    root.strip_prefix("1-").unwrap_or(root).replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1";

    #[test]
    fn the_function_sees_lambdas_segment_as_its_parent() {
        assert_eq!(
            with_parent(HEADER, "24cd7d670fa455f0"),
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=24cd7d670fa455f0;Sampled=1"
        );
    }

    #[test]
    fn a_root_is_a_trace_id_with_dashes() {
        assert_eq!(trace_id(HEADER), "5bef4de7ad49b0e87f6ef6c87fc2e700");
    }
}
