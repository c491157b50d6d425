//! The one loop: takes events, asks the lifecycle, carries out its effects.
//!
//! `select!` only picks; what follows is decided in `lifecycle` and `dispatch`, which know no tasks. Every task belongs to a
//! `JoinSet` here; one that panics is counted and told, and the process goes on asking `/next`.

mod backend;
mod secrets;
mod tasks;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tokio::task::{Id, JoinError, JoinSet};

use crate::{
    clock::unix_now,
    config::{self, Config, Environment, Fault, LogLevel},
    console::{self, Console},
    flow::{
        Batch, Packed, SignalKind, UnixNanos,
        arrival::{self, Arrival, NextEvent},
    },
    intake::{self, Content, Delivery, Outlet},
    lambda::{extensions::Client, records},
    ledger::Ledger,
    lifecycle::{Effect, Event, Lifecycle},
    normalise::{self, Normaliser},
    secrets::Resolution,
    startup::{self, Receivers, Started, TELEMETRY},
    tally::Reason,
};
use backend::Backend;
use secrets::Keys;
use tasks::{Done, Purpose, export, next, sleep_until};

/// Between two events of the platform, a pause that long was a freeze, after which open connections are not trusted any more:
/// whoever is at their other end may have given up on us, and the word of it been lost.
const LONG_FREEZE: UnixNanos = 20_000_000_000;

/// Runs the extension until the platform says SHUTDOWN. Faults of the configuration are told and survived; `environment`,
/// where it came from, is read again when its secrets are known.
pub async fn run(
    (config, faults): (Config, Vec<Fault>),
    environment: Box<dyn Environment + Send>,
    runtime_api: &str,
    name: &str,
) {
    let (inlet, outlet) = intake::queue(config.memory_limit);
    let started = startup::start(&config, runtime_api, name, &inlet).await;
    let mut driver = Driver::new(&config, started, outlet);
    driver.act(Event::Started);
    // The platform has been asked for the first event before anything is told or made ready.
    tokio::task::yield_now().await;
    if let Some(told) = config::report(&faults) {
        driver.console.say(LogLevel::Warn, told);
    }
    let share = driver.backends.len();
    for backend in &mut driver.backends {
        backend.adopt(&config, share);
        backend.hold_back(&config);
        backend.ready(&config);
    }
    driver.keys = Keys::new(&config, faults, environment);
    driver.ask_for_secrets();
    driver.live().await;
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
    backends: Vec<Backend>,
    ledger: Ledger,
    /// Kinds that the function's SDK may send.
    taken: [bool; 3],
    /// The secrets that the backends need; `None` when they need none.
    keys: Option<Keys>,
    /// When the loop last took a turn.
    seen: UnixNanos,
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
            backends: Backend::all(config),
            ledger: Ledger::new(unix_now()),
            taken: SignalKind::ALL.map(|kind| config.receivers.take(kind)),
            keys: None,
            seen: unix_now(),
            wake_at: None,
            shutdown_reason: String::new(),
            ended: false,
        }
    }

    async fn live(mut self) {
        while !self.ended {
            let picked = self.pick().await;
            let is_delivery = matches!(picked, Picked::Delivery(_));
            self.thaw();
            let handled = catch_unwind(AssertUnwindSafe(|| {
                self.handle(picked);
                self.ask_for_secrets();
                self.ship();
            }));
            if handled.is_err() {
                self.recover();
            }
            // With deliveries queued the loop would not come to rest for long, and nobody would answer the sockets.
            if is_delivery {
                tokio::task::yield_now().await;
            }
        }
        self.close();
    }

    /// Notices a long freeze: nothing runs between two turns but what the platform lets run. On Managed Instances a quiet
    /// time is no freeze, but a connection that was idle for that long is no more worth there.
    fn thaw(&mut self) {
        let now = unix_now();
        if now.saturating_sub(std::mem::replace(&mut self.seen, now)) >= LONG_FREEZE {
            self.backends.iter().for_each(Backend::thawed);
        }
    }

    /// A fault of ours must not keep the platform waiting for us: whatever was decided, `/next` is asked.
    fn recover(&mut self) {
        if !self.purposes.values().any(|purpose| matches!(purpose, Purpose::Next)) {
            self.ask_next();
        }
    }

    async fn pick(&mut self) -> Picked {
        let retries = self.backends.iter().filter_map(|backend| backend.dispatch.wake_at());
        let secrets = self.keys.as_ref().and_then(Keys::wake_at);
        let wake = self.wake_at.into_iter().chain(retries).chain(secrets).min();
        // A time that has passed is no reason to skip the rest: should it stay, nothing else would ever be picked.
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
                if which == TELEMETRY {
                    self.act(Event::Deafened);
                }
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
            Done::Exported(backend, batch, outcome) => {
                let outcome = self.renew_what_was_denied(backend, batch.kind, outcome);
                if let Some(news) = self.backends[backend].shipped(batch, outcome, unix_now()) {
                    self.console.say(LogLevel::Error, news);
                }
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
                self.act(Event::ShutDown { deadline: shutdown.deadline, kept: self.is_kept() });
            }
        }
    }

    /// Whether this is the end of the process only: after a timeout or a crash the environment lives on, and its `/tmp`.
    fn is_kept(&self) -> bool {
        let reset = ["timeout", "failure"].iter().any(|reason| self.shutdown_reason.eq_ignore_ascii_case(reason));
        reset && self.backends.iter().all(|backend| backend.dispatch.has_spool())
    }

    /// A task panicked: what it had is lost, what it was for goes on.
    fn failed(&mut self, error: &JoinError) {
        match self.purposes.remove(&error.id()) {
            Some(Purpose::Export { backend, kind, records }) => self.backends[backend].lost(kind, records),
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
        if self.collect() {
            self.act(Event::Missed);
        }
        for milestone in milestones {
            self.act(milestone);
        }
        self.tell_troubles();
        let pending = self.backends.iter().map(|backend| backend.dispatch.pending_bytes());
        self.act(Event::Arrived { pending_bytes: pending.max().unwrap_or_default() });
    }

    /// A fault of ours over one record costs that record.
    fn normalise(&mut self, arrival: Arrival, at: UnixNanos) {
        let (kind, records) = match &arrival {
            Arrival::Telemetry(_) => (SignalKind::Logs, 1),
            Arrival::Otlp(signal) => (signal.kind(), signal.records()),
        };
        if matches!(arrival, Arrival::Otlp(_)) && !self.taken[kind as usize] {
            self.lost(kind, Reason::Disabled, records);
            return;
        }
        if catch_unwind(AssertUnwindSafe(|| self.normaliser.accept(arrival, at))).is_err() {
            self.lost(kind, Reason::Panic, records);
        }
    }

    /// From the normaliser to the buffers. Says whether telemetry was lost on its way here.
    fn collect(&mut self) -> bool {
        let (released, overflowed) = (self.normaliser.drain(), self.outlet.take_lost());
        self.lost(SignalKind::Logs, Reason::Empty, released.empty);
        self.lost(SignalKind::Logs, Reason::Excluded, released.excluded);
        self.lost(SignalKind::Logs, Reason::Platform, released.lost_by_platform);
        self.lost(SignalKind::Logs, Reason::IntakeFull, overflowed);
        self.leave_room();
        for piece in released.pieces {
            self.push(piece);
        }
        overflowed > 0 || released.lost_by_platform > 0
    }

    /// What the stages before the buffers have counts within the limit, too.
    fn leave_room(&mut self) {
        let elsewhere = (self.outlet.bytes() + self.normaliser.held_bytes()) / self.backends.len();
        self.backends.iter_mut().for_each(|backend| backend.leave_room(elsewhere));
    }

    /// To every backend.
    fn push(&mut self, piece: Packed) {
        let Some((last, others)) = self.backends.split_last_mut() else { return };
        others.iter_mut().for_each(|backend| backend.push(piece.clone()));
        last.push(piece);
    }

    /// Records were lost before they could come in.
    fn lost(&mut self, kind: SignalKind, reason: Reason, records: u64) {
        self.backends.iter_mut().for_each(|backend| backend.tally.lost(kind, reason, records));
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
                    self.tell_ledger(now, true);
                }
                Effect::Send { until, last_chance } => {
                    self.tell_ledger(now, false);
                    self.backends.iter_mut().for_each(|backend| backend.send(until, last_chance, now));
                    self.hurry(last_chance);
                }
                Effect::Probe => self.backends.iter_mut().for_each(|backend| backend.dispatch.probe()),
                Effect::WakeAt(at) => self.wake_at = Some(at),
                Effect::End => self.ended = true,
            }
        }
    }

    /// The ledger goes along with a flush that happens anyway, now and then.
    fn tell_ledger(&mut self, now: UnixNanos, last: bool) {
        if self.backends.iter().any(|backend| backend.takes(SignalKind::Metrics)) {
            let accounts: Vec<_> = self.backends.iter().map(|one| (one.target.as_str(), &one.tally)).collect();
            self.normaliser.count(&self.ledger.tell(&accounts, now, last));
            self.collect();
        }
    }

    fn ask_next(&mut self) {
        let client = self.idle_client.take().unwrap_or_else(|| self.client.twin());
        let task = self.tasks.spawn(next(client, self.console));
        self.purposes.insert(task.id(), Purpose::Next);
    }

    /// Hands out what may go, and tells the lifecycle when there is nothing left to wait for.
    fn ship(&mut self) {
        loop {
            for backend in 0..self.backends.len() {
                while let Some(departure) = self.backends[backend].depart(unix_now()) {
                    let Batch { kind, records, .. } = departure.batch;
                    let task = self.tasks.spawn(export(backend, departure));
                    self.purposes.insert(task.id(), Purpose::Export { backend, kind, records });
                }
            }
            let now = unix_now();
            // Each is asked: with two of them the one must not keep the other from learning that its drive is over.
            let settled =
                self.backends.iter_mut().map(|backend| u8::from(backend.dispatch.has_settled(now))).sum::<u8>();
            if settled == 0 || self.backends.iter().any(|backend| backend.dispatch.is_driving()) {
                return;
            }
            self.act(Event::Settled);
        }
    }

    fn tell_troubles(&mut self) {
        for trouble in self.backends.iter_mut().filter_map(Backend::trouble) {
            self.console
                .say(LogLevel::Error, format_args!("the spool cannot be written, so what it had is lost: {trouble}"));
        }
    }

    /// The end: whatever was not delivered is counted, and the ledger is told.
    fn close(&mut self) {
        while let Some(delivery) = self.outlet.take() {
            match delivery.content {
                Content::Telemetry(body) => {
                    self.lost(SignalKind::Logs, Reason::Shutdown, normalise::count_log_records(&body));
                }
                Content::Otlp(signals) => {
                    signals.iter().for_each(|s| self.lost(s.kind(), Reason::Shutdown, s.records()));
                }
            }
        }
        self.collect();
        let kept = self.is_kept();
        for backend in &mut self.backends {
            backend.close(kept);
        }
        self.tell_troubles();
        match &self.backends[..] {
            [backend] => console::say(format_args!("ledger {}", backend.tally)),
            backends => {
                for Backend { target, tally, .. } in backends {
                    console::say(format_args!("ledger to {}: {tally}", target.as_str()));
                }
            }
        }
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
    matches!(telemetry.event, arrival::Event::RestoreStart(_))
}
