//! One execution environment: what its parts share, and how they wake each other.

use super::{
    delivery::{self, Subscription},
    event::Event,
    lifecycle::Shutdown,
    process::Process,
    reaper::Reaper,
    settings::Settings,
    state::State,
    telemetry_api::Wish,
};
use crate::watchdog;
use std::{
    future::Future,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, Weak},
};
use tempfile::TempDir;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

/// What the APIs, the lifecycle, the processes and the deliveries share.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) settings: Settings,
    /// `AWS_LAMBDA_RUNTIME_API`.
    pub(super) address: SocketAddr,
    log_stream: Mutex<String>,
    pub(super) reaper: Reaper,
    tmp: TempDir,
    state: Mutex<State>,
    changed: Notify,
    processes: Mutex<Vec<Process>>,
    frozen: watch::Sender<Frozen>,
    telemetry: Mutex<Telemetry>,
    tasks: Mutex<JoinSet<()>>,
    this: Weak<Environment>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Frozen {
    now: bool,
    times: u64,
}

#[derive(Debug, Default)]
struct Telemetry {
    /// Everything the platform ever said here, for tests and for messages about failures.
    events: Vec<Event>,
    /// Where in `events` the current init began: a subscriber gets everything from there on.
    init: usize,
    subscriptions: Vec<Arc<Subscription>>,
    /// What was sent to a subscriber that may have taken it, and is therefore sent again.
    repeated: Vec<Event>,
    shutdowns: Vec<Shutdown>,
    notes: Vec<String>,
}

impl Telemetry {
    /// Forgets half of what is older than needed, once there is twice as much; what extensions wrote stays.
    fn forget(&mut self, history: usize) {
        if self.events.len() < history.saturating_mul(2) {
            return;
        }
        let old = self.events.len() - history;
        let recent = self.events.split_off(old);
        self.events.retain(|event| event.kind == "extension");
        self.init = (self.init + self.events.len()).saturating_sub(old).max(self.events.len());
        self.events.extend(recent);
    }
}

impl Environment {
    pub(super) fn new(settings: Settings, address: SocketAddr) -> std::io::Result<Arc<Self>> {
        watchdog::watch();
        let managed = settings.managed();
        let (reaper, tmp) = (Reaper::start()?, TempDir::with_prefix("lambdaview-tmp-")?);
        let log_stream = Mutex::new(new_log_stream(&settings));
        Ok(Arc::new_cyclic(|this| Self {
            settings,
            address,
            log_stream,
            reaper,
            tmp,
            state: Mutex::new(State::new(managed)),
            changed: Notify::new(),
            processes: Mutex::default(),
            frozen: watch::Sender::new(Frozen::default()),
            telemetry: Mutex::default(),
            tasks: Mutex::default(),
            this: this.clone(),
        }))
    }

    /// The name of its log stream, which is also its instance id.
    pub(super) fn log_stream(&self) -> String {
        self.log_stream.lock().expect("no holder of this lock panics").clone()
    }

    /// What was one environment goes on as another.
    pub(super) fn rename(&self) {
        *self.log_stream.lock().expect("no holder of this lock panics") = new_log_stream(&self.settings);
    }

    /// The environment's own `/tmp`, kept for as long as it lives.
    pub(super) fn tmp(&self) -> &Path {
        self.tmp.path()
    }

    /// Reads or changes the state, and wakes whoever waits for it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().expect("no holder of this lock panics"));
        self.changed.notify_waiters();
        result
    }

    /// Waits until `look` finds what it looks for; it may take it away.
    pub(super) async fn when<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let found = look(&mut self.state.lock().expect("no holder of this lock panics"));
            if let Some(found) = found {
                self.changed.notify_waiters();
                return found;
            }
            changed.await;
        }
    }

    /// Runs a task for as long as the environment exists.
    pub(super) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().expect("no holder of this lock panics");
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Ends every task: what they hold is let go, so that the environment itself can be.
    pub(super) fn abort(&self) {
        self.tasks.lock().expect("no holder of this lock panics").abort_all();
    }

    /// The processes that live now.
    pub(super) fn processes(&self) -> Vec<Process> {
        self.processes.lock().expect("no holder of this lock panics").clone()
    }

    pub(super) fn add_process(&self, process: Process) {
        self.processes.lock().expect("no holder of this lock panics").push(process);
    }

    /// Whether a process of this group lives; 0 is whoever lives within the function's.
    pub(super) fn lives(&self, group: i32) -> bool {
        group == 0 || self.processes.lock().expect("no holder of this lock panics").iter().any(|p| p.group == group)
    }

    pub(super) fn remove_process(&self, group: i32) {
        self.processes.lock().expect("no holder of this lock panics").retain(|process| process.group != group);
    }

    fn telemetry(&self) -> MutexGuard<'_, Telemetry> {
        self.telemetry.lock().expect("no holder of this lock panics")
    }

    /// Tells every subscriber.
    pub(super) fn emit(&self, event: Event) {
        let mut telemetry = self.telemetry();
        for subscription in &telemetry.subscriptions {
            subscription.push(&event);
        }
        telemetry.events.push(event);
        telemetry.forget(self.settings.history);
        drop(telemetry);
        self.changed.notify_waiters();
    }

    /// Keeps an event for those who ask what happened.
    pub(super) fn remember(&self, event: Event) {
        self.telemetry().events.push(event);
    }

    pub(super) fn ended(&self, shutdown: Shutdown) {
        self.telemetry().shutdowns.push(shutdown);
    }

    pub(super) fn shutdowns(&self) -> Vec<Shutdown> {
        self.telemetry().shutdowns.clone()
    }

    /// Keeps in mind that these may reach a subscriber twice.
    pub(super) fn repeat(&self, events: &[Event]) {
        self.telemetry().repeated.extend_from_slice(events);
    }

    pub(super) fn repeated(&self) -> Vec<Event> {
        self.telemetry().repeated.clone()
    }

    /// Keeps a remark of the platform itself for those who ask what happened.
    pub(super) fn note(&self, note: &str) {
        self.telemetry().notes.push(format!("{} {note}", super::event::stamp(chrono::Utc::now())));
    }

    /// A new init begins: subscribers of it get the events from here on.
    pub(super) fn init_begins(&self) {
        let mut telemetry = self.telemetry();
        telemetry.init = telemetry.events.len();
    }

    /// Begins a subscription, or renews the one that an extension of this name has already; says which.
    pub(super) fn subscribe(&self, name: &str, wish: Wish) -> bool {
        let owner = self.change(|state| state.group_of(name));
        let mut telemetry = self.telemetry();
        if let Some(subscription) = telemetry.subscriptions.iter().find(|subscription| subscription.name == name) {
            subscription.renew(wish, owner);
            return true;
        }
        let subscription = Arc::new(Subscription::new(name, wish, owner, self.settings.telemetry_queue));
        for event in &telemetry.events[telemetry.init..] {
            subscription.push(event);
        }
        telemetry.subscriptions.push(subscription.clone());
        drop(telemetry);
        let environment = self.this.upgrade().expect("the caller holds it");
        self.run(async move { delivery::deliver(&environment, &subscription).await });
        false
    }

    /// The platform's events since the init began.
    pub(super) fn events_of_init(&self) -> Vec<Event> {
        let telemetry = self.telemetry();
        telemetry.events[telemetry.init..].to_vec()
    }

    pub(super) fn subscriptions(&self) -> Vec<Arc<Subscription>> {
        self.telemetry().subscriptions.clone()
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.telemetry().events.clone()
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.telemetry().notes.clone()
    }

    pub(super) fn set_frozen(&self, now: bool) {
        self.frozen.send_modify(|frozen| {
            frozen.times += u64::from(now && !frozen.now);
            frozen.now = now;
        });
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.borrow().now
    }

    /// How often the environment has been frozen.
    pub(super) fn freezes(&self) -> u64 {
        self.frozen.borrow().times
    }

    /// Waits until nothing is frozen.
    pub(super) async fn thawed(&self) {
        let mut frozen = self.frozen.subscribe();
        while frozen.borrow_and_update().now {
            frozen.changed().await.expect("the sender lives in this environment");
        }
    }
}

fn new_log_stream(settings: &Settings) -> String {
    let day = chrono::Utc::now().format("%Y/%m/%d");
    format!("{day}/[{}]{}", settings.version, super::identity::hex(16))
}
