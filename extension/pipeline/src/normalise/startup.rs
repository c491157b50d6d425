//! How this environment came to be: its init, repeated or not, and SnapStart's restore of it.
//!
//! What the first invocation waited for becomes a part of that invocation. An init that was paid for before (provisioned
//! concurrency, Managed Instances) stands alone; one that lies in a snapshot is nobody's here, for every environment that
//! is restored from it would tell of it again.

use super::{
    Normaliser,
    function_log::Times,
    lines, metrics,
    spans::{self, Part},
};
use crate::flow::{
    UnixNanos,
    arrival::{InitReport, InitStart, RestoreReport, RestoreStart},
};

/// Events of the start that are remembered: what is told again, after a restore or a reset, is passed over.
const REMEMBERED: usize = 16;

/// What is known of the environment's start.
#[derive(Debug, Default)]
pub(super) struct Startup {
    initialization_type: Option<String>,
    init_begun: Option<UnixNanos>,
    restore_begun: Option<UnixNanos>,
    init_is_counted: bool,
    told: Vec<(&'static str, UnixNanos)>,
    waiting: Waits,
}

/// What the next invocation will have waited for.
#[derive(Debug, Default)]
pub(super) struct Waits {
    pub(super) parts: Vec<Part>,
    pub(super) inits_ms: Vec<f64>,
    pub(super) restore_ms: Option<f64>,
}

impl Waits {
    pub(super) const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }
}

/// To whom an init belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// To the invocation that waited for it.
    Invocation,
    /// To the environment: it was over before anybody asked.
    Environment,
    /// To a snapshot.
    Snapshot,
}

impl Startup {
    /// Whether this is the first time that an event of this type and time is told.
    pub(super) fn is_news(&mut self, event: &'static str, time: UnixNanos) -> bool {
        let known = self.told.contains(&(event, time));
        if !known {
            if self.told.len() == REMEMBERED {
                self.told.remove(0);
            }
            self.told.push((event, time));
        }
        !known
    }

    pub(super) fn init_begins(&mut self, kind: Option<&str>, time: UnixNanos) {
        self.init_begun = Some(time);
        self.learn(kind);
    }

    pub(super) fn restore_begins(&mut self, time: UnixNanos) {
        self.restore_begun = Some(time);
        self.learn(Some("snap-start"));
    }

    fn learn(&mut self, kind: Option<&str>) {
        if let Some(kind) = kind {
            // Both words are in use.
            let kind = if kind == "SnapStart" { "snap-start" } else { kind };
            self.initialization_type = Some(kind.to_owned());
        }
    }

    pub(super) fn init_begun(&self) -> Option<UnixNanos> {
        self.init_begun
    }

    pub(super) fn restore_begun(&self) -> Option<UnixNanos> {
        self.restore_begun
    }

    /// Whether its init has been counted for itself; a report may repeat its duration.
    pub(super) const fn init_is_counted(&self) -> bool {
        self.init_is_counted
    }

    /// Whether the environment comes from a snapshot: then its log stream is the restored one's.
    pub(super) const fn is_restored(&self) -> bool {
        self.restore_begun.is_some()
    }

    /// How it was initialised, unless as nearly all are: by the invocation that needed it.
    pub(super) fn unusual(&self) -> Option<&str> {
        self.initialization_type.as_deref().filter(|kind| *kind != "on-demand")
    }

    /// Whose an init is.
    pub(super) fn owner(&mut self, report: &InitReport) -> Owner {
        self.learn(report.initialization_type.as_deref());
        let owner = match self.unusual() {
            // An init that failed is repeated by the invocation, whoever paid for the first.
            _ if report.phase == "invoke" => Owner::Invocation,
            None => Owner::Invocation,
            Some("snap-start") => Owner::Snapshot,
            Some(_) => Owner::Environment,
        };
        self.init_is_counted |= owner == Owner::Environment;
        owner
    }

    /// The next invocation will have waited for this too.
    pub(super) fn wait_for(&mut self, waits: Waits) {
        let waiting = &mut self.waiting;
        waiting.parts.extend(waits.parts);
        waiting.inits_ms.extend(waits.inits_ms);
        waiting.restore_ms = waits.restore_ms.or(waiting.restore_ms);
        // Starts that fail again and again, and no invocation to have waited for them: the last ones are what it waits for.
        let surplus = waiting.parts.len().saturating_sub(REMEMBERED);
        waiting.parts.drain(..surplus);
        waiting.inits_ms.drain(..surplus.min(waiting.inits_ms.len()));
    }

    /// What the invocation that starts now has waited for.
    pub(super) fn take_waits(&mut self) -> Waits {
        std::mem::take(&mut self.waiting)
    }
}

impl Normaliser {
    pub(super) fn init_start(&mut self, start: &InitStart, times: Times) {
        let time = times.best();
        if !self.startup.is_news("initStart", time) {
            return;
        }
        self.startup.init_begins(start.initialization_type.as_deref(), time);
        if let Some(instance) = start.instance_id.as_ref().filter(|_| !self.startup.is_restored()) {
            self.environment.set_instance(instance);
        }
        self.platform_line(|| lines::init_start(start), times);
    }

    pub(super) fn init_report(&mut self, report: &InitReport, times: Times) {
        let time = times.best();
        if !self.startup.is_news("initReport", time) {
            return;
        }
        let owner = self.startup.owner(report);
        let part = Part::init(report, self.startup.init_begun(), time);
        match owner {
            Owner::Invocation => {
                self.wait_for(Waits { parts: vec![part], inits_ms: vec![report.duration_ms], restore_ms: None });
            }
            Owner::Environment => {
                self.spans.push(part.root(self.environment.log_stream()));
                let begun = time.saturating_sub(spans::nanos(report.duration_ms));
                let at = self.intervals.up_to(time, begun);
                self.metrics.push(metrics::of_init(report.duration_ms, at, self.startup.unusual()));
            }
            Owner::Snapshot => {}
        }
        self.platform_line(|| lines::init_report(report, owner != Owner::Invocation), times);
    }

    pub(super) fn restore_start(&mut self, start: &RestoreStart, times: Times) {
        let time = times.best();
        if !self.startup.is_news("restoreStart", time) {
            return;
        }
        self.startup.restore_begins(time);
        self.uids.part(|| format!("{:?} {time} {}", start.instance_id, times.observed));
        if let Some(instance) = &start.instance_id {
            self.environment.set_instance(instance);
        }
        self.platform_line(|| lines::restore_start(start), times);
    }

    pub(super) fn restore_report(&mut self, report: &RestoreReport, times: Times) {
        let time = times.best();
        if !self.startup.is_news("restoreReport", time) {
            return;
        }
        let part = Part::restore(report, self.startup.restore_begun(), time);
        self.wait_for(Waits { parts: vec![part], inits_ms: Vec::new(), restore_ms: Some(report.duration_ms) });
        self.platform_line(|| Some(lines::restore_report(report)), times);
    }

    /// The invocation that began cold waited for this, even if it is told late; else the one that runs, else the next one.
    fn wait_for(&mut self, waits: Waits) {
        match self.invocations.waiting_for_start() {
            Some(invocation) => {
                invocation.waited_for(waits);
                let request_id = invocation.request_id.clone();
                self.conclude(&request_id, false);
            }
            None => self.startup.wait_for(waits),
        }
    }

    /// A start that no invocation has waited for to the end: it failed, or was made in advance and not needed.
    pub(super) fn end_of_waiting(&mut self, now: UnixNanos) {
        let waits = self.startup.take_waits();
        let stream = self.environment.log_stream();
        self.spans.extend(waits.parts.into_iter().map(|part| part.root(stream)));
        for ms in waits.inits_ms {
            let at = self.intervals.up_to(now, now.saturating_sub(spans::nanos(ms)));
            self.metrics.push(metrics::of_init(ms, at, self.startup.unusual()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(kind: &str, phase: &str) -> InitReport {
        InitReport { initialization_type: Some(kind.into()), phase: phase.into(), ..InitReport::default() }
    }

    #[test]
    fn an_init_belongs_to_whoever_waited_for_it() {
        for (kind, phase, owner) in [
            ("on-demand", "init", Owner::Invocation),
            ("on-demand", "invoke", Owner::Invocation),
            ("provisioned-concurrency", "init", Owner::Environment),
            ("provisioned-concurrency", "invoke", Owner::Invocation),
            ("lambda-managed-instances", "init", Owner::Environment),
            ("snap-start", "init", Owner::Snapshot),
            ("SnapStart", "snap-start", Owner::Snapshot),
            ("brand-new", "init", Owner::Environment),
        ] {
            assert_eq!(Startup::default().owner(&report(kind, phase)), owner, "{kind} {phase}");
        }
        let untold = InitReport { initialization_type: None, ..report("", "init") };
        assert_eq!(Startup::default().owner(&untold), Owner::Invocation);
    }

    #[test]
    fn an_event_is_news_once() {
        let mut startup = Startup::default();
        assert!(
            startup.is_news("initReport", 1) && startup.is_news("initStart", 1) && startup.is_news("initReport", 2)
        );
        assert!(!startup.is_news("initReport", 1) && !startup.is_news("initStart", 1));
    }

    #[test]
    fn only_unusual_initializations_are_told() {
        let mut startup = Startup::default();
        startup.init_begins(Some("on-demand"), 1);
        assert_eq!(startup.unusual(), None);
        startup.restore_begins(2);
        assert_eq!((startup.unusual(), startup.is_restored()), (Some("snap-start"), true));
    }
}
