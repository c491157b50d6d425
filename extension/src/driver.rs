//! The one loop: takes events, asks the lifecycle, carries out its effects.
//!
//! `select!` only picks; what follows is decided in `lifecycle` and `dispatch`, which know no tasks. Every task belongs to a
//! `JoinSet` here; one that panics is counted and told, and the process goes on asking `/next`.

mod secrets;
mod tasks;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tokio::task::{Id, JoinError, JoinSet};

use crate::{
    clock::unix_now,
    config::{self, Config, Environment, Fault, LogLevel},
    console::{self, Console},
    dispatch::{Accounted, Dispatch, Shipment},
    export::{Destination, retry::backoff},
    flow::{
        Packed, SignalKind, UnixNanos,
        arrival::{self, Arrival, NextEvent},
    },
    intake::{self, Content, Delivery, Outlet},
    lambda::{extensions::Client, records},
    lifecycle::{Effect, Event, Lifecycle},
    normalise::Normaliser,
    secrets::Resolution,
    startup::{self, Receivers, Started},
    tally::{Reason, Tally},
};
use secrets::Keys;
use tasks::{Done, Purpose, export, next, sleep_until};

/// Runs the extension until the platform says SHUTDOWN. Faults of the configuration are told and survived; `environment`,
/// where it came from, is read again when its secrets are known.
pub async fn run(
    (config, faults): (Config, Vec<Fault>),
    environment: Box<dyn Environment>,
    runtime_api: &str,
    name: &str,
) -> Tally {
    let (inlet, outlet) = intake::queue();
    let started = startup::start(&config, runtime_api, name, &inlet).await;
    let mut driver = Driver::new(&config, started, outlet);
    driver.act(Event::Started);
    // The platform has been asked for the first event before anything is told or made ready.
    tokio::task::yield_now().await;
    if let Some(told) = config::report(&faults) {
        driver.console.say(LogLevel::Warn, told);
    }
    driver.destination = Some(Arc::new(Destination::new(&config)));
    driver.keys = Keys::new(&config, faults, environment);
    driver.hold_back(&config);
    driver.live().await
}

/// What the loop picked.
enum Picked {
    Delivery(Delivery),
    Task(Result<(Id, Done), JoinError>),
    Receiver(Result<&'static str, JoinError>),
    Woken,
}

struct Driver {
    console: Console,
    outlet: Outlet,
    receivers: Receivers,
    tasks: JoinSet<Done>,
    purposes: HashMap<Id, Purpose>,
    /// The registered client, from which each `/next` gets its own when the last one did not come back.
    client: Client,
    idle_client: Option<Client>,
    normaliser: Normaliser,
    lifecycle: Lifecycle,
    dispatch: Dispatch,
    /// Made once `/next` has been asked.
    destination: Option<Arc<Destination>>,
    /// Kinds that have somewhere to go.
    open: [bool; 3],
    /// Kinds that the function's SDK may send.
    taken: [bool; 3],
    /// The secrets that the destination needs; `None` when it needs none.
    keys: Option<Keys>,
    tally: Tally,
    wake_at: Option<UnixNanos>,
    shutdown_reason: String,
    ended: bool,
}

impl Driver {
    fn new(config: &Config, started: Started, outlet: Outlet) -> Self {
        let mut normaliser = Normaliser::new(startup::normalise_settings(config));
        normaliser.registered(started.registration.account_id);
        Self {
            console: Console::new(config.log_level),
            outlet,
            receivers: started.receivers,
            tasks: JoinSet::new(),
            purposes: HashMap::new(),
            idle_client: Some(started.client.twin()),
            client: started.client,
            normaliser,
            lifecycle: Lifecycle::new(startup::mode(config, started.telemetry)),
            dispatch: Dispatch::new(config.memory_limit, Destination::timeout(config)),
            destination: None,
            open: SignalKind::ALL.map(|kind| Destination::is_open(config, kind)),
            taken: SignalKind::ALL.map(|kind| config.receivers.take(kind)),
            keys: None,
            tally: Tally::default(),
            wake_at: None,
            shutdown_reason: String::new(),
            ended: false,
        }
    }

    async fn live(mut self) -> Tally {
        while !self.ended {
            let picked = self.pick().await;
            let handled = catch_unwind(AssertUnwindSafe(|| {
                self.handle(picked);
                self.ask_for_secrets();
                self.ship();
            }));
            if handled.is_err() {
                self.recover();
            }
            // With deliveries queued the loop would not come to rest for long, and nobody would answer the sockets.
            tokio::task::yield_now().await;
        }
        self.close();
        self.tally
    }

    /// A fault of ours must not keep the platform waiting for us: whatever was decided, `/next` is asked.
    fn recover(&mut self) {
        if !self.purposes.values().any(|purpose| matches!(purpose, Purpose::Next)) {
            self.ask_next();
        }
    }

    async fn pick(&mut self) -> Picked {
        let secrets = self.keys.as_ref().and_then(Keys::wake_at);
        let wake = self.wake_at.into_iter().chain(self.dispatch.wake_at()).chain(secrets).min();
        if wake.is_some_and(|at| at <= unix_now()) {
            return Picked::Woken;
        }
        tokio::select! {
            delivery = self.outlet.next() => Picked::Delivery(delivery),
            Some(done) = self.tasks.join_next_with_id() => Picked::Task(done),
            Some(ended) = self.receivers.join_next() => Picked::Receiver(ended),
            () = sleep_until(wake) => Picked::Woken,
        }
    }

    fn handle(&mut self, picked: Picked) {
        match picked {
            Picked::Delivery(delivery) => self.take_in(delivery),
            Picked::Task(Ok((id, done))) => {
                self.purposes.remove(&id);
                self.done(done);
            }
            Picked::Task(Err(error)) => self.failed(&error),
            Picked::Receiver(ended) => {
                let which = ended.unwrap_or("a receiver, after a panic");
                self.console.say(LogLevel::Error, format_args!("no longer receiving: {which}"));
            }
            Picked::Woken => {
                if self.wake_at.is_some_and(|at| at <= unix_now()) {
                    self.wake_at = None;
                    self.act(Event::Woken);
                }
            }
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Next(client, event) => {
                self.idle_client = Some(*client);
                self.next_event(event);
            }
            Done::Resolved(resolution) => self.resolved(resolution),
            Done::Exported(batch, outcome) => {
                let (kind, backoff) = (batch.kind, |failures| backoff(failures, startup::random()));
                let accounted = self.dispatch.shipped(batch, outcome, unix_now(), backoff);
                self.account(kind, accounted);
            }
        }
    }

    fn next_event(&mut self, event: NextEvent) {
        match event {
            NextEvent::Invoke(invoke) => {
                self.normaliser.invoked(&invoke, unix_now());
                self.act(Event::Invoked { request_id: invoke.request_id, deadline: invoke.deadline });
            }
            NextEvent::Shutdown(shutdown) => {
                self.shutdown_reason = shutdown.reason;
                self.act(Event::ShutDown { deadline: shutdown.deadline });
            }
        }
    }

    fn account(&mut self, kind: SignalKind, accounted: Accounted) {
        self.tally.delivered(kind, accounted.delivered);
        self.tally.dropped(kind, Reason::Rejected, accounted.rejected);
        self.tally.dropped(kind, Reason::Refused, accounted.refused);
        for kind in SignalKind::ALL {
            self.tally.dropped(kind, Reason::BufferFull, accounted.dropped.of(kind));
        }
        if let Some(news) = accounted.news {
            self.console.say(LogLevel::Error, format_args!("{} export: {news}", kind.as_str()));
        }
    }

    /// A task panicked: what it had is lost, what it was for goes on.
    fn failed(&mut self, error: &JoinError) {
        match self.purposes.remove(&error.id()) {
            Some(Purpose::Export { kind, records }) => {
                self.dispatch.lost(kind);
                self.tally.dropped(kind, Reason::Panic, records);
            }
            Some(Purpose::Next) => self.ask_next(),
            Some(Purpose::Secrets) => self.resolved(Resolution::default()),
            None => {}
        }
    }

    fn take_in(&mut self, delivery: Delivery) {
        let (mut milestones, mut restored) = (Vec::new(), false);
        let mut take = |arrival: Arrival| {
            restored |= is_restore(&arrival);
            milestones.extend(milestone(&arrival));
            self.normalise(arrival, delivery.at);
        };
        match delivery.content {
            Content::Telemetry(body) => records::read(&body, |telemetry| take(Arrival::Telemetry(telemetry))),
            Content::Otlp(signals) => signals.into_iter().map(Arrival::Otlp).for_each(take),
        }
        if restored {
            self.renew_secrets();
        }
        self.collect();
        for milestone in milestones {
            self.act(milestone);
        }
        self.act(Event::Arrived { pending_bytes: self.dispatch.pending_bytes() });
    }

    /// A fault of ours over one record costs that record.
    fn normalise(&mut self, arrival: Arrival, at: UnixNanos) {
        let (kind, records) = match &arrival {
            Arrival::Telemetry(_) => (SignalKind::Logs, 1),
            Arrival::Otlp(signal) => (signal.kind(), signal.records()),
        };
        if matches!(arrival, Arrival::Otlp(_)) && !self.taken[kind as usize] {
            self.tally.lost(kind, Reason::Disabled, records);
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| self.normaliser.accept(arrival, at))).is_err() {
            self.tally.lost(kind, Reason::Panic, records);
        }
    }

    /// From the normaliser to the buffer.
    fn collect(&mut self) {
        let released = self.normaliser.drain();
        self.tally.lost(SignalKind::Logs, Reason::Empty, released.empty);
        self.tally.lost(SignalKind::Logs, Reason::Platform, released.lost_by_platform);
        self.tally.lost(SignalKind::Logs, Reason::IntakeFull, self.outlet.take_lost());
        for piece in released.pieces {
            self.push(piece);
        }
    }

    fn push(&mut self, piece: Packed) {
        let (kind, records) = (piece.kind, piece.records);
        self.tally.received(kind, records);
        if !self.open[kind as usize] {
            self.tally.dropped(kind, Reason::NoEndpoint, records);
            return;
        }
        let dropped = self.dispatch.push(piece);
        for kind in SignalKind::ALL {
            self.tally.dropped(kind, Reason::BufferFull, dropped.of(kind));
        }
    }

    fn act(&mut self, event: Event) {
        let now = unix_now();
        for effect in self.lifecycle.on(event, now) {
            match effect {
                Effect::Next => self.ask_next(),
                Effect::ReleaseDue => {
                    self.normaliser.release_due(now);
                    self.collect();
                }
                Effect::ReleaseAll => {
                    self.normaliser.release_all(&self.shutdown_reason, now);
                    self.collect();
                }
                Effect::Send { until, last_chance } => {
                    self.dispatch.send(until, last_chance);
                    self.hurry(last_chance);
                }
                Effect::Probe => self.dispatch.probe(),
                Effect::WakeAt(at) => self.wake_at = Some(at),
                Effect::End => self.ended = true,
            }
        }
    }

    fn ask_next(&mut self) {
        let client = self.idle_client.take().unwrap_or_else(|| self.client.twin());
        let task = self.tasks.spawn(next(client, self.console));
        self.purposes.insert(task.id(), Purpose::Next);
    }

    /// Hands out what may go, and tells the lifecycle when there is nothing left to wait for.
    fn ship(&mut self) {
        let Some(destination) = self.destination.clone() else { return };
        loop {
            while let Some(Shipment { batch, timeout }) = self.dispatch.ship(unix_now()) {
                let purpose = Purpose::Export { kind: batch.kind, records: batch.records };
                let task = self.tasks.spawn(export(destination.clone(), batch, timeout));
                self.purposes.insert(task.id(), purpose);
            }
            if !self.dispatch.has_settled(unix_now()) {
                return;
            }
            self.act(Event::Settled);
        }
    }

    /// The end: whatever was not delivered is counted, and the ledger is told.
    fn close(&mut self) {
        while let Some(delivery) = self.outlet.take() {
            match delivery.content {
                Content::Telemetry(body) => {
                    self.tally.lost(SignalKind::Logs, Reason::Shutdown, records::count_log_records(&body));
                }
                Content::Otlp(signals) => {
                    signals.iter().for_each(|s| self.tally.lost(s.kind(), Reason::Shutdown, s.records()));
                }
            }
        }
        self.collect();
        for kind in SignalKind::ALL {
            let abandoned = self.dispatch.abandon(kind);
            self.tally.dropped(kind, Reason::Shutdown, abandoned);
            self.tally.pending(kind, self.dispatch.pending(kind));
        }
        console::say(&self.tally);
    }
}

/// What of an arrival the lifecycle must know.
fn milestone(arrival: &Arrival) -> Option<Event> {
    let Arrival::Telemetry(telemetry) = arrival else { return None };
    match &telemetry.event {
        arrival::Event::RuntimeDone(done) => Some(Event::RuntimeDone { request_id: done.request_id.clone() }),
        arrival::Event::Report(report) => Some(Event::Reported { request_id: report.request_id.clone() }),
        _ => None,
    }
}

/// Whether it tells that the environment was restored from a snapshot.
fn is_restore(arrival: &Arrival) -> bool {
    let Arrival::Telemetry(telemetry) = arrival else { return false };
    matches!(&telemetry.event, arrival::Event::Noted { event_type, .. } if event_type == "platform.restoreRuntimeDone")
}
