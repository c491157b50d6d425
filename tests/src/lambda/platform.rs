//! The handle: start an environment, invoke, look at what happened, stop.

use super::{
    environment::Environment,
    event::Event,
    extensions_api,
    invocation::{Invocation, Request},
    invoke::ColdStart,
    lifecycle::Shutdown,
    runtime_api,
    settings::{Mode, Settings},
    snapshot, telemetry_api,
};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::Value;
use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// One execution environment of one function. Dropping it kills whatever of it still runs.
#[derive(Debug)]
pub struct Lambda {
    environment: Arc<Environment>,
    /// Held by the invocation that runs, on demand.
    turn: tokio::sync::Mutex<()>,
    /// How it came to be, until a report has told it.
    start: Mutex<Option<ColdStart>>,
}

/// How quick an extension was.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    /// From the start of its process to its first `next`.
    pub first_next: Duration,
}

impl Lambda {
    /// Starts the environment and its init phase. An init that fails is tried again by the first invocation, as on AWS.
    ///
    /// # Errors
    /// When the machine gives no port, shell or temporary folder.
    pub async fn start(settings: Settings) -> std::io::Result<Self> {
        let lambda = Self::prepare(settings).await?;
        lambda.initialise().await;
        Ok(lambda)
    }

    /// The init phase; only for who has called [`Lambda::prepare`].
    pub async fn initialise(&self) {
        let began = Instant::now();
        let environment = &self.environment;
        let mode = environment.settings.mode;
        let phase = if mode == Mode::SnapStart { "snap-start" } else { "init" };
        match environment.initialise(phase, environment.settings.init_timeout).await {
            Ok(()) if mode == Mode::OnDemand => self.started_by(ColdStart::Init(began.elapsed())),
            Ok(()) => {}
            Err(fault) => {
                environment.note(&format!("init failed: {} {}", fault.error_type, fault.message));
                environment.shut_down(if fault.status == "timeout" { "timeout" } else { "failure" }).await;
            }
        }
    }

    /// An environment whose APIs answer and in which nothing runs yet.
    ///
    /// # Errors
    /// When the machine gives no port, shell or temporary folder.
    pub async fn prepare(settings: Settings) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let environment = Environment::new(settings, listener.local_addr()?)?;
        let routes = runtime_api::routes().merge(extensions_api::routes()).merge(telemetry_api::routes());
        let service = routes.merge(snapshot::routes()).with_state(environment.clone());
        environment.run(async move {
            let _never_ends = axum::serve(listener, service).await;
        });
        Ok(Self { environment, turn: tokio::sync::Mutex::default(), start: Mutex::default() })
    }

    fn started_by(&self, start: ColdStart) {
        *self.start.lock().expect("no holder of this lock panics") = Some(start);
    }

    /// SnapStart: what has been initialised is restored from its snapshot, `asleep` later, as an environment of its own.
    pub async fn restore(&self, asleep: Duration) {
        let _turn = self.turn.lock().await;
        let took = self.environment.restore(asleep).await;
        self.started_by(ColdStart::Restore(took));
    }

    /// Invokes the function and waits until the environment is free again.
    pub async fn invoke(&self, request: impl Into<Request>) -> Invocation {
        if self.environment.settings.managed() {
            return self.environment.invoke_beside(request.into()).await;
        }
        let _turn = self.turn.lock().await;
        let start = self.start.lock().expect("no holder of this lock panics").take();
        self.environment.invoke_alone(request.into(), start).await
    }

    /// Ends the environment as AWS does when it is no longer needed.
    pub async fn stop(&self) -> Shutdown {
        let _turn = self.turn.lock().await;
        self.environment.shut_down("spindown").await
    }

    /// Everything the platform said to its subscribers, including what functions and extensions wrote.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.environment.events()
    }

    /// Every end of the environment's processes so far: resets after faults, and the last.
    #[must_use]
    pub fn shutdowns(&self) -> Vec<Shutdown> {
        self.environment.shutdowns()
    }

    /// The events that the platform had to send again though a subscriber may have taken them.
    #[must_use]
    pub fn repeated(&self) -> Vec<Event> {
        self.environment.repeated()
    }

    /// Says something of the test's choosing to every subscriber.
    pub fn inject(&self, kind: &str, record: Value) {
        self.environment.emit(Event::platform(chrono::Utc::now(), kind, record));
    }

    /// Kills the extensions' processes at once, as the kernel does when memory runs out.
    pub fn kill_extensions(&self) {
        let groups = self
            .environment
            .change(|state| state.extensions.iter().map(|extension| extension.group).collect::<Vec<_>>());
        // 0 is an extension within the function's process, and to the kernel our own group.
        for group in groups.into_iter().filter(|group| *group > 0) {
            let _ended = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }

    /// The process ids of the extensions, in the order in which they were given.
    #[must_use]
    pub fn extension_pids(&self) -> Vec<i32> {
        self.environment.change(|state| {
            state.extensions.iter().filter(|extension| extension.external).map(|extension| extension.group).collect()
        })
    }

    /// How quick each extension was, in the order in which they were given; nothing for one that has not asked yet.
    #[must_use]
    pub fn readiness(&self) -> Vec<Option<Readiness>> {
        self.environment.change(|state| {
            let quick = |extension: &super::state::Extension| {
                let first_next = extension.first_next?.duration_since(extension.started);
                Some(Readiness { first_next })
            };
            state.extensions.iter().filter(|extension| extension.external).map(quick).collect()
        })
    }

    /// The address of its APIs, for tests that speak to them themselves.
    #[must_use]
    pub fn address(&self) -> std::net::SocketAddr {
        self.environment.address
    }

    /// What extensions wrote to their own output.
    #[must_use]
    pub fn extension_output(&self) -> String {
        let written = self.events().into_iter().filter(|event| event.kind == "extension");
        written.filter_map(|event| event.record.as_str().map(str::to_owned)).collect()
    }

    /// What happened, for the message of a failed test: the platform's events and remarks, one a line.
    #[must_use]
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for event in self.events() {
            let mut record = event.record.to_string();
            if record.len() > 400 {
                let cut = record.floor_char_boundary(400);
                record.truncate(cut);
                record.push('…');
            }
            writeln!(text, "{} {:<22} {record}", super::event::stamp(event.time), event.kind)
                .expect("writing to a string cannot fail");
        }
        for note in self.environment.notes() {
            writeln!(text, "{note}").expect("writing to a string cannot fail");
        }
        text
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        for process in self.environment.processes() {
            process.signal(Signal::SIGKILL);
        }
        self.environment.abort();
    }
}
