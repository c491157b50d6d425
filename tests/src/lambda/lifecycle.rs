//! What happens when: init, freeze and thaw, reset, shutdown. An invocation's own course is in `invoke`.

use super::{
    environment::Environment,
    event::{Event, Stream},
    settings::file_name,
    state::{Extension, Phase, Runtime, State, Step, Subscription},
};
use crate::until::ended;
use chrono::Utc;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout_at;

/// What an external extension has for its shutdown, everything included.
const SHUTDOWN: Duration = Duration::from_secs(2);
/// What of it is kept for the runtime, and for telemetry that is still on its way.
const RESERVED: Duration = Duration::from_millis(300);

/// Something that ended an init or an invocation before its time.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) status: &'static str,
    pub(super) error_type: String,
    pub(super) message: String,
    /// The function's own words, when it had any.
    pub(super) body: Option<Value>,
}

impl Fault {
    pub(super) fn new(status: &'static str, error_type: &str, message: impl Into<String>) -> Self {
        Self { status, error_type: error_type.to_owned(), message: message.into(), body: None }
    }

    /// What a caller gets.
    pub(super) fn payload(&self, request_id: &str) -> Value {
        let message = format!("RequestId: {request_id} Error: {}", self.message);
        self.body.clone().unwrap_or_else(|| json!({ "errorType": self.error_type, "errorMessage": message }))
    }
}

/// How an environment ended.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// `spindown`, `timeout` or `failure`.
    pub reason: String,
    /// From the first signal to the last exit.
    pub took: Duration,
    /// The extensions that had to be killed.
    pub killed: Vec<String>,
}

impl Environment {
    /// Starts extensions and runtime, and waits until all of them wait for work.
    pub(super) async fn initialise(self: &Arc<Self>, phase: &str, limit: Duration) -> Result<(), Fault> {
        let (began, deadline) = (Instant::now(), tokio::time::Instant::now() + limit);
        self.init_begins();
        self.emit_init_start(phase);
        self.change(|state| {
            state.phase = Phase::Init;
            state.runtime = Runtime::default();
            state.extensions.clear();
        });
        let timed_out = || {
            Fault::new(
                "timeout",
                "Sandbox.Timedout",
                format!("Init timed out after {:.2} seconds", limit.as_secs_f64()),
            )
        };
        let ended = match timeout_at(deadline, self.start_up()).await {
            Ok(ended) => ended,
            Err(_) => Err(timed_out()),
        };
        self.drain(Stream::Function).await;
        self.emit_init_done(phase, began.elapsed(), ended.as_ref().err());
        self.change(|state| state.phase = Phase::Serving);
        ended
    }

    async fn start_up(self: &Arc<Self>) -> Result<(), Fault> {
        for executable in &self.settings.extensions {
            let name = file_name(executable);
            let started = Instant::now();
            self.change(|state| state.extensions.push(Extension::new(name.clone(), true, started)));
            let group = self
                .start_extension(executable)
                .map_err(|error| Fault::new("failure", "Extension.LaunchError", error.to_string()))?;
            self.change(|state| {
                if let Some(extension) = state.extensions.iter_mut().find(|extension| extension.name == name) {
                    extension.group = group;
                }
            });
        }
        self.all_extensions(|extension| extension.step != Step::Started).await?;
        let group = self
            .start_runtime()
            .map_err(|error| Fault::new("failure", "Runtime.InvalidEntrypoint", error.to_string()))?;
        self.change(|state| state.runtime.group = group);
        self.runtime_ready().await?;
        self.all_extensions(|extension| extension.step == Step::Ready).await
    }

    /// Waits until every extension is where `there` wants it, or one has failed.
    async fn all_extensions(&self, there: impl Fn(&Extension) -> bool) -> Result<(), Fault> {
        self.when(|state| match state.extension_fault() {
            Some((extension, fault)) => Some(Err(extension_fault(extension, fault))),
            None => state.extensions.iter().all(&there).then_some(Ok(())),
        })
        .await
    }

    pub(super) async fn runtime_ready(&self) -> Result<(), Fault> {
        self.when(|state| {
            let runtime = &state.runtime;
            if let Some((error_type, body)) = &runtime.init_error {
                return Some(Err(Fault { body: Some(body.clone()), ..Fault::new("error", error_type, "init failed") }));
            }
            if let Some(how) = &runtime.exited {
                return Some(Err(Fault::new(
                    "failure",
                    "Runtime.ExitError",
                    format!("Runtime exited with error: {how}"),
                )));
            }
            if let Some((extension, fault)) = state.extension_fault() {
                return Some(Err(extension_fault(extension, fault)));
            }
            (runtime.waiting > 0 || runtime.awaits_restore).then_some(Ok(()))
        })
        .await
    }

    fn emit_init_start(&self, phase: &str) {
        let settings = &self.settings;
        let record = json!({
            "initializationType": settings.initialization_type(),
            "phase": phase,
            "runtimeVersion": "python:3.11.v30",
            "runtimeVersionArn": format!("arn:aws:lambda:{}::runtime:0000", settings.region),
            "functionName": settings.name,
            "functionVersion": settings.version,
            "instanceId": self.log_stream(),
            "instanceMaxMemory": u64::from(settings.memory_mb) << 20,
        });
        self.emit(Event::platform(Utc::now(), "platform.initStart", record));
    }

    fn emit_init_done(&self, phase: &str, took: Duration, fault: Option<&Fault>) {
        let status = fault.map_or("success", |fault| fault.status);
        let mut done =
            json!({ "initializationType": self.settings.initialization_type(), "phase": phase, "status": status });
        if let Some(fault) = fault {
            done["errorType"] = json!(fault.error_type);
        }
        let mut report = done.clone();
        report["metrics"] = json!({ "durationMs": millis(took) });
        if !self.settings.managed() {
            done["spans"] = json!([]);
        }
        self.emit(Event::platform(Utc::now(), "platform.initRuntimeDone", done));
        for record in self.change(|state| state.extensions.iter().map(described).collect::<Vec<_>>()) {
            self.emit(Event::platform(Utc::now(), "platform.extension", record));
        }
        self.emit(Event::platform(Utc::now(), "platform.initReport", report));
    }

    /// Stops every process where it stands.
    pub(super) fn freeze(&self) {
        if !self.settings.freeze || self.settings.managed() {
            return;
        }
        self.set_frozen(true);
        self.signal_all(Signal::SIGSTOP);
    }

    /// Lets every process go on.
    pub(super) fn thaw(&self) {
        self.signal_all(Signal::SIGCONT);
        self.set_frozen(false);
    }

    fn signal_all(&self, signal: Signal) {
        self.processes().iter().for_each(|process| process.signal(signal));
    }

    /// Waits until everything that processes of this kind have written has become events.
    pub(super) async fn drain(&self, stream: Stream) {
        for process in self.processes().iter().filter(|process| process.stream == stream) {
            process.drain().await;
        }
    }

    /// Stops everything in AWS's order: the runtime, then the extensions with what is left of two seconds, then SIGKILL.
    pub(super) async fn shut_down(&self, reason: &str) -> Shutdown {
        let began = Instant::now();
        let deadline = tokio::time::Instant::now() + SHUTDOWN;
        self.change(|state| state.phase = Phase::ShuttingDown);
        self.thaw();
        self.stop_runtime(reason == "spindown").await;
        self.flush_telemetry().await;
        let event = json!({ "eventType": "SHUTDOWN", "deadlineMs": (Utc::now() + SHUTDOWN).timestamp_millis(), "shutdownReason": reason });
        let unasked = self.change(|state| {
            state.tell(Subscription::Shutdown, &event);
            let unasked =
                state.extensions.iter().filter(|extension| !extension.events.contains(&Subscription::Shutdown));
            unasked.map(|extension| extension.group).collect::<Vec<_>>()
        });
        self.kill(|group| unasked.contains(&group));
        let _killed_below = timeout_at(deadline, self.gone(Stream::Extension)).await;
        let alive: Vec<i32> = self.processes().iter().map(|process| process.group).collect();
        let killed = self.change(|state| {
            let names = state.extensions.iter().filter(|extension| alive.contains(&extension.group));
            names.map(|extension| extension.name.clone()).collect()
        });
        self.kill(|_| true);
        self.gone(Stream::Extension).await;
        self.gone(Stream::Function).await;
        self.change(|state| state.phase = Phase::Absent);
        let shutdown = Shutdown { reason: reason.to_owned(), took: began.elapsed(), killed };
        self.ended(shutdown.clone());
        shutdown
    }

    async fn stop_runtime(&self, politely: bool) {
        let runtime = |signal| {
            for process in self.processes().iter().filter(|process| process.stream == Stream::Function) {
                process.signal(signal);
            }
        };
        if politely && !self.settings.extensions.is_empty() {
            runtime(Signal::SIGTERM);
            let _killed_below = tokio::time::timeout(RESERVED, self.gone(Stream::Function)).await;
        }
        runtime(Signal::SIGKILL);
        self.gone(Stream::Function).await;
    }

    /// Gives telemetry that waits for its buffer to fill a moment to be taken.
    async fn flush_telemetry(&self) {
        let subscriptions = self.subscriptions();
        subscriptions.iter().for_each(|subscription| subscription.hurry());
        let empty = async {
            while !subscriptions.iter().all(|subscription| subscription.is_empty()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _late = tokio::time::timeout(RESERVED, empty).await;
    }

    /// Waits until no process of this kind lives.
    async fn gone(&self, stream: Stream) {
        let none_is_left =
            |_: &mut State| (!self.processes().iter().any(|process| process.stream == stream)).then_some(());
        ended("the end of processes that were killed", self.when(none_is_left)).await;
    }

    fn kill(&self, which: impl Fn(i32) -> bool) {
        self.processes()
            .iter()
            .filter(|process| which(process.group))
            .for_each(|process| process.signal(Signal::SIGKILL));
    }
}

pub(super) fn extension_fault(extension: &Extension, fault: &str) -> Fault {
    let error_type = extension.error_type.as_deref().filter(|_| fault != "Extension.Crash").unwrap_or(fault);
    Fault::new("failure", fault, format!("extension {} failed: {error_type}", extension.name))
}

fn described(extension: &Extension) -> Value {
    let events: Vec<_> = extension.events.iter().map(|event| event.as_str()).collect();
    let mut record = json!({ "name": extension.name, "state": format!("{:?}", extension.step), "events": events });
    if let Some(error_type) = &extension.error_type {
        record["errorType"] = json!(error_type);
    }
    record
}

/// Milliseconds with three decimals, as the platform's metrics have them.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
