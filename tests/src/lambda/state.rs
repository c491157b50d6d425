//! What the platform knows of its extensions and its runtime at a moment, and what it therefore grants or refuses. Pure: the
//! time is an argument, and nobody is woken here.

use super::{
    answer::Refusal,
    identity::{is_uuid, uuid},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

/// Extensions allowed for one function.
const EXTENSION_LIMIT: usize = 10;

/// Where the environment is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing runs: before the first init, and after a reset.
    Absent,
    /// Extensions and runtime start.
    Init,
    /// Invocations are taken.
    Serving,
    /// Everything is asked to stop.
    ShuttingDown,
}

/// What an extension may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subscription {
    Invoke,
    Shutdown,
}

impl Subscription {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Invoke => "INVOKE",
            Self::Shutdown => "SHUTDOWN",
        }
    }
}

/// Where an extension is in its life, in the platform's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Started,
    Registered,
    Ready,
    Running,
    InitError,
    ExitError,
    Exited,
}

#[derive(Debug)]
pub(super) struct Extension {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) external: bool,
    pub(super) events: Vec<Subscription>,
    pub(super) step: Step,
    pub(super) queue: VecDeque<Value>,
    pub(super) error_type: Option<String>,
    pub(super) group: i32,
    pub(super) started: Instant,
    pub(super) first_next: Option<Instant>,
    pub(super) last_next: Option<Instant>,
}

impl Extension {
    pub(super) fn new(name: String, external: bool, now: Instant) -> Self {
        Self {
            name,
            id: String::new(),
            external,
            events: Vec::new(),
            step: Step::Started,
            queue: VecDeque::new(),
            error_type: None,
            group: 0,
            started: now,
            first_next: None,
            last_next: None,
        }
    }

    /// Why the platform gives up on it, as the error type of the invocation or init.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self.step {
            Step::InitError => Some("Extension.InitError"),
            Step::ExitError => Some("Extension.ExitError"),
            Step::Exited => Some("Extension.Crash"),
            _ => None,
        }
    }

    fn moved(&mut self, to: Step, allowed: &[Step]) -> Result<(), Refusal> {
        if allowed.contains(&self.step) {
            self.step = to;
            return Ok(());
        }
        let message = format!(
            "State transition from {:?} to {to:?} failed for extension {}. Error: State transition is not allowed",
            self.step, self.name
        );
        Err(Refusal::forbidden("Extension.InvalidExtensionState", message))
    }
}

/// An invocation on its way to the runtime.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) request_id: String,
    pub(super) payload: String,
    pub(super) trace: String,
    pub(super) deadline_ms: i64,
    pub(super) tenant: Option<String>,
}

/// What a runtime said about a request.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) body: bytes::Bytes,
    /// The type of the error, if it was one.
    pub(super) error_type: Option<String>,
    /// When its first byte came.
    pub(super) began: Instant,
    /// When its last byte came.
    pub(super) ended: Instant,
}

/// A request that a runtime has, or had.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    pub(super) response: Option<Response>,
    /// When the runtime asked for the next one after having answered.
    pub(super) done: Option<Instant>,
}

/// The function's side.
#[derive(Debug, Default)]
pub(super) struct Runtime {
    pub(super) group: i32,
    /// Calls of `next` that wait now.
    pub(super) waiting: usize,
    /// Whether it waits to be restored from its snapshot.
    pub(super) awaits_restore: bool,
    pub(super) init_error: Option<(String, Value)>,
    pub(super) exited: Option<String>,
    pub(super) jobs: VecDeque<Job>,
    pub(super) in_flight: BTreeMap<String, InFlight>,
}

/// Everything that requests can change.
#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) managed: bool,
    pub(super) extensions: Vec<Extension>,
    pub(super) runtime: Runtime,
    /// The last request of whose end a subscriber is told, and since when.
    pub(super) told: Option<(String, Instant)>,
}

impl State {
    pub(super) fn new(managed: bool) -> Self {
        Self { phase: Phase::Absent, managed, extensions: Vec::new(), runtime: Runtime::default(), told: None }
    }

    /// `register`: the extension's place and its new identifier, or why not.
    pub(super) fn register(&mut self, name: &str, events: &[String], now: Instant) -> Result<&Extension, Refusal> {
        let external = self.extensions.iter().position(|extension| extension.external && extension.name == name);
        let wanted = self.subscriptions(events, external.is_some())?;
        let at = match external {
            Some(at) => at,
            None => self.internal(name, now)?,
        };
        let extension = &mut self.extensions[at];
        extension.moved(Step::Registered, &[Step::Started])?;
        extension.events = wanted;
        extension.id = uuid();
        Ok(extension)
    }

    fn subscriptions(&self, events: &[String], external: bool) -> Result<Vec<Subscription>, Refusal> {
        let refused =
            |event: &str, why: &str| Err(Refusal::forbidden("Extension.InvalidEventType", format!("{event}: {why}")));
        if self.managed && !external && !events.is_empty() {
            return Err(Refusal::forbidden("Extension.InvalidEventType", "No events allowed for internal extensions"));
        }
        let each = events.iter().map(|event| match event.as_str() {
            "INVOKE" if !self.managed => Ok(Subscription::Invoke),
            "SHUTDOWN" if external => Ok(Subscription::Shutdown),
            "SHUTDOWN" => refused(event, "ShutdownEventNotSupportedForInternalExtension"),
            _ => refused(event, "ErrorInvalidEventType"),
        });
        each.collect()
    }

    fn internal(&mut self, name: &str, now: Instant) -> Result<usize, Refusal> {
        if self.phase != Phase::Init {
            return Err(Refusal::forbidden("Extension.RegistrationClosed", "Extension registration closed already"));
        }
        if self.extensions.iter().any(|extension| extension.name == name) {
            return Err(Refusal::forbidden(
                "Extension.AlreadyRegistered",
                format!("Extension with this name already registered: {name}"),
            ));
        }
        if self.extensions.len() >= EXTENSION_LIMIT {
            return Err(Refusal::forbidden(
                "Extension.TooManyExtensions",
                format!("Extension limit ({EXTENSION_LIMIT}) reached"),
            ));
        }
        self.extensions.push(Extension::new(name.to_owned(), false, now));
        Ok(self.extensions.len() - 1)
    }

    /// The extension with this identifier, or why there is none.
    pub(super) fn identified(&mut self, id: Option<&str>) -> Result<&mut Extension, Refusal> {
        let Some(id) = id else {
            return Err(Refusal::forbidden(
                "Extension.MissingExtensionIdentifier",
                "Missing Lambda-Extension-Identifier header",
            ));
        };
        if !is_uuid(id) {
            return Err(Refusal::forbidden(
                "Extension.InvalidExtensionIdentifier",
                "Invalid Lambda-Extension-Identifier",
            ));
        }
        let unknown = || Refusal::forbidden("Extension.UnknownExtensionIdentifier", format!("Unknown extension {id}"));
        self.extensions.iter_mut().find(|extension| extension.id == id).ok_or_else(unknown)
    }

    /// `event/next`: the extension is ready for the next event.
    pub(super) fn next(&mut self, id: Option<&str>, now: Instant) -> Result<(), Refusal> {
        let extension = self.identified(id)?;
        extension.moved(Step::Ready, &[Step::Registered, Step::Running])?;
        extension.first_next.get_or_insert(now);
        extension.last_next = Some(now);
        Ok(())
    }

    /// The event for an extension that is ready, if there is one.
    pub(super) fn take_event(&mut self, id: &str) -> Option<Value> {
        let extension =
            self.extensions.iter_mut().find(|extension| extension.id == id && extension.step == Step::Ready)?;
        let event = extension.queue.pop_front()?;
        extension.step = Step::Running;
        Some(event)
    }

    /// `init/error` and `exit/error`.
    pub(super) fn report_error(
        &mut self,
        id: Option<&str>,
        step: Step,
        error_type: Option<&str>,
    ) -> Result<(), Refusal> {
        let extension = self.identified(id)?;
        let Some(error_type) = error_type.filter(|text| !text.is_empty()) else {
            return Err(Refusal::forbidden(
                "Extension.MissingHeader",
                "Lambda-Extension-Function-Error-Type not found",
            ));
        };
        let allowed: &[Step] = match step {
            Step::InitError => &[Step::Registered, Step::InitError],
            _ => &[Step::Registered, Step::Ready, Step::Running, Step::ExitError],
        };
        extension.moved(step, allowed)?;
        extension.error_type = Some(error_type.to_owned());
        Ok(())
    }

    /// Hands `event` to every extension that asked for its kind.
    pub(super) fn tell(&mut self, kind: Subscription, event: &Value) {
        for extension in self.extensions.iter_mut().filter(|extension| extension.events.contains(&kind)) {
            extension.queue.push_back(event.clone());
        }
    }

    /// The process group of the extension with this name; 0 for one within the function's process.
    pub(super) fn group_of(&self, name: &str) -> i32 {
        self.extensions.iter().find(|extension| extension.name == name).map_or(0, |extension| extension.group)
    }

    /// When the last of the extensions asked for its next event.
    pub(super) fn last_asked(&self) -> Option<Instant> {
        self.extensions.iter().filter_map(|extension| extension.last_next).max()
    }

    /// The first extension that failed, and how.
    pub(super) fn extension_fault(&self) -> Option<(&Extension, &'static str)> {
        self.extensions.iter().find_map(|extension| extension.fault().map(|fault| (extension, fault)))
    }

    /// Whether every extension waits for its next event, with none under way to it.
    pub(super) fn extensions_ready(&self) -> bool {
        self.extensions.iter().all(|extension| extension.step == Step::Ready && extension.queue.is_empty())
    }

    /// The process of this group has ended.
    pub(super) fn exited(&mut self, group: i32, how: &str) {
        if self.runtime.group == group {
            self.runtime.exited = Some(how.to_owned());
            self.runtime.waiting = 0;
        }
        for extension in self.extensions.iter_mut().filter(|extension| extension.group == group) {
            if !matches!(extension.step, Step::InitError | Step::ExitError) {
                extension.step = Step::Exited;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(external: &[&str]) -> State {
        let mut state = State::new(false);
        state.phase = Phase::Init;
        state.extensions =
            external.iter().map(|name| Extension::new((*name).to_owned(), true, Instant::now())).collect();
        state
    }

    fn registered(state: &mut State, name: &str, events: &[&str]) -> String {
        let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
        state.register(name, &events, Instant::now()).unwrap().id.clone()
    }

    #[test]
    fn the_eleventh_extension_is_refused() {
        let mut state = state(&["external"]);
        for number in 1..10 {
            registered(&mut state, &format!("internal {number}"), &["INVOKE"]);
        }
        let refusal = state.register("one too many", &[], Instant::now()).unwrap_err();
        assert_eq!(refusal.error_type, "Extension.TooManyExtensions");
    }

    #[test]
    fn an_event_waits_for_next_and_makes_the_extension_busy() {
        let mut state = state(&["one"]);
        let id = registered(&mut state, "one", &["INVOKE"]);
        state.tell(Subscription::Invoke, &json!("event"));
        assert_eq!(state.take_event(&id), None);
        state.next(Some(&id), Instant::now()).unwrap();
        assert!(!state.extensions_ready(), "an event is under way to it");
        assert_eq!(state.take_event(&id), Some(json!("event")));
        assert!(!state.extensions_ready());
        state.next(Some(&id), Instant::now()).unwrap();
        assert!(state.extensions_ready());
    }

    #[test]
    fn who_did_not_ask_for_an_event_is_not_told() {
        let mut state = state(&["one"]);
        let id = registered(&mut state, "one", &["SHUTDOWN"]);
        state.next(Some(&id), Instant::now()).unwrap();
        state.tell(Subscription::Invoke, &json!("event"));
        assert!(state.extensions_ready());
    }

    #[test]
    fn an_exit_is_a_crash_unless_the_extension_has_explained_itself() {
        let mut state = state(&["one", "other"]);
        for (at, name) in ["one", "other"].into_iter().enumerate() {
            registered(&mut state, name, &[]);
            state.extensions[at].group = 100 + i32::try_from(at).unwrap();
        }
        let other = state.extensions[1].id.clone();
        state.report_error(Some(&other), Step::ExitError, Some("Extension.Reason")).unwrap();
        state.exited(100, "exit status 0");
        state.exited(101, "exit status 1");
        let faults: Vec<_> = state.extensions.iter().map(Extension::fault).collect();
        assert_eq!(faults, [Some("Extension.Crash"), Some("Extension.ExitError")]);
    }
}
