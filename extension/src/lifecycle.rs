//! The pure state machine of an execution environment: events and the time in, effects out.
//!
//! It decides when `/next` is asked, when the buffer is sent and how long that may hold an invocation, and when the process
//! ends. What is sent, and whether a failing backend is worth waiting for, is decided in `dispatch`.
//!
//! `/next` is what lets the platform freeze us: it is asked when there is nothing left that is worth the function's time,
//! and always before the function's own deadline, so that a timeout's SHUTDOWN finds us waiting for it.

mod cadence;

use crate::flow::UnixNanos;
use cadence::{Cadence, Pace};

const MILLISECOND: UnixNanos = 1_000_000;
const SECOND: UnixNanos = 1000 * MILLISECOND;

/// Kept back from an invocation's deadline.
const INVOCATION_RESERVE: UnixNanos = 100 * MILLISECOND;

/// The longest that an invocation is held after its runtime is done, however much time the function had left.
const LONGEST_HOLD: UnixNanos = 2 * SECOND;

/// Kept back from the shutdown's deadline: the platform kills whoever is late.
const SHUTDOWN_RESERVE: UnixNanos = 250 * MILLISECOND;

/// How long a shutdown waits for the last invocation's report, which the platform sends about now.
const REPORT_GRACE: UnixNanos = 300 * MILLISECOND;

/// Between two flushes in a long invocation, and on Managed Instances.
const INTERVAL: UnixNanos = SECOND;

/// So much in the buffer is sent at once, whatever the mode: it makes a full batch.
const EAGER_BYTES: usize = 1 << 20;

/// When the buffer is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As `End` or as `Background`, by how often the function is invoked: `cadence` decides for each invocation.
    Auto,
    /// At the end of every invocation, which waits for it; every second in long ones.
    End,
    /// As `End`, but only when this much time has gone since the last flush.
    Periodic(UnixNanos),
    /// Beside the next invocation: none ever waits.
    Background(UnixNanos),
    /// On Managed Instances, never frozen and without INVOKE: every second.
    Managed,
    /// Where there is no Telemetry API: nothing tells that the runtime is done, so nothing can wait for it.
    Deaf,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Everything is set up.
    Started,
    /// An invocation starts.
    Invoked {
        /// Which.
        request_id: String,
        /// When the function runs into its timeout.
        deadline: UnixNanos,
    },
    /// Signals arrived; so many bytes are waiting.
    Arrived {
        /// In the buffer.
        pending_bytes: usize,
    },
    /// The runtime is done with an invocation, and every line before that has arrived.
    RuntimeDone {
        /// Which.
        request_id: String,
    },
    /// An invocation's report has arrived.
    Reported {
        /// Which.
        request_id: String,
    },
    /// Telemetry was lost on its way here: the end of the invocation that runs may have been in it.
    Missed,
    /// No telemetry comes any more.
    Deafened,
    /// What could be sent has been sent.
    Settled,
    /// The time of the last [`Effect::WakeAt`] has come.
    Woken,
    /// The environment ends.
    ShutDown {
        /// When we are killed.
        deadline: UnixNanos,
        /// Whether what is not delivered by then is kept for the next process of this environment.
        kept: bool,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask `/next`.
    Next,
    /// Let go what need not wait for its trace any longer.
    ReleaseDue,
    /// Let everything go: nothing will come any more.
    ReleaseAll,
    /// Send the buffer, with requests that end before `until`.
    Send {
        /// The end of every request.
        until: UnixNanos,
        /// Whether even a backend that has been failing is tried to the end.
        last_chance: bool,
    },
    /// Try a backend that has been failing, beside the invocation.
    Probe,
    /// Wake at this time instead of any told before.
    WakeAt(UnixNanos),
    /// The end.
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// `/next` is asked; between invocations, or during one that is not waited for.
    Asking,
    /// An invocation runs, and its end will be waited for.
    Running { request_id: String, deadline: UnixNanos },
    /// Its runtime is done; it is held until the buffer is sent, or until then.
    Holding { until: UnixNanos },
    /// The environment ends; the last report may still come.
    AwaitingReport { until: UnixNanos, kept: bool },
    /// The environment ends; the last is sent.
    Leaving { until: UnixNanos },
    /// Ended.
    Gone,
}

/// The state machine.
#[derive(Debug)]
pub struct Lifecycle {
    mode: Mode,
    cadence: Cadence,
    phase: Phase,
    /// Whether the last invocation is not waited for: the buffer is sent beside it.
    beside: bool,
    last_flush: UnixNanos,
    /// The last invocation, until its report has come: at a shutdown it comes about then.
    unreported: Option<String>,
    /// A runtime that was done before `/next` had told us of its invocation: they travel on two connections.
    done_early: Option<String>,
}

impl Lifecycle {
    /// Before anything.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self {
            mode,
            cadence: Cadence::new(),
            phase: Phase::Asking,
            beside: matches!(mode, Mode::Managed),
            last_flush: 0,
            unreported: None,
            done_early: None,
        }
    }

    /// What follows from `event` at `now`.
    pub fn on(&mut self, event: Event, now: UnixNanos) -> Vec<Effect> {
        match event {
            Event::Started => self.started(now),
            Event::Invoked { request_id, deadline } => self.invoked(request_id, deadline, now),
            Event::Arrived { pending_bytes } => self.arrived(pending_bytes, now),
            Event::RuntimeDone { request_id } => self.runtime_done(request_id, now),
            Event::Reported { request_id } => self.reported(&request_id),
            Event::Missed => self.missed(now),
            Event::Deafened => {
                self.mode = Mode::Deaf;
                self.missed(now)
            }
            Event::Settled => self.settled(),
            Event::Woken => self.woken(now),
            Event::ShutDown { deadline, kept } => self.shut_down(deadline, kept, now),
        }
    }

    fn started(&mut self, now: UnixNanos) -> Vec<Effect> {
        match self.mode {
            Mode::Managed => vec![Effect::Next, Effect::WakeAt(now + INTERVAL)],
            _ => vec![Effect::Next],
        }
    }

    fn invoked(&mut self, request_id: String, deadline: UnixNanos, now: UnixNanos) -> Vec<Effect> {
        self.unreported = Some(request_id.clone()).filter(|_| self.mode != Mode::Deaf);
        self.beside = match self.mode {
            Mode::Auto => self.cadence.arrived(now) == Pace::Background,
            Mode::Background(_) | Mode::Deaf | Mode::Managed => true,
            Mode::End | Mode::Periodic(_) => false,
        };
        if self.beside {
            return vec![Effect::Next, self.send(now), Effect::WakeAt(now + self.interval())];
        }
        let done = self.done_early.take().is_some_and(|early| early == request_id);
        self.phase = Phase::Running { request_id: request_id.clone(), deadline };
        if done {
            return self.runtime_done(request_id, now);
        }
        vec![Effect::Probe, Effect::WakeAt(self.next_wake(deadline, now))]
    }

    fn arrived(&mut self, pending_bytes: usize, now: UnixNanos) -> Vec<Effect> {
        match self.phase {
            Phase::Asking | Phase::Running { .. } if self.mode == Mode::Deaf || pending_bytes >= EAGER_BYTES => {
                vec![self.send(now)]
            }
            _ => Vec::new(),
        }
    }

    fn runtime_done(&mut self, done: String, now: UnixNanos) -> Vec<Effect> {
        let Phase::Running { request_id, deadline } = &self.phase else {
            self.done_early = Some(done);
            return Vec::new();
        };
        if *request_id != done {
            return Vec::new();
        }
        let until = (now + LONGEST_HOLD).min(deadline.saturating_sub(INVOCATION_RESERVE));
        let due = match self.mode {
            Mode::Periodic(interval) => now.saturating_sub(self.last_flush) >= interval,
            _ => true,
        };
        if !due || until <= now {
            self.phase = Phase::Asking;
            return vec![Effect::Next];
        }
        self.last_flush = now;
        self.phase = Phase::Holding { until };
        vec![Effect::Send { until, last_chance: false }, Effect::WakeAt(until)]
    }

    /// Nobody waits for an end that may have been missed.
    fn missed(&mut self, now: UnixNanos) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Running { .. }) {
            return Vec::new();
        }
        (self.phase, self.beside) = (Phase::Asking, true);
        vec![Effect::Next, self.send(now), Effect::WakeAt(now + self.interval())]
    }

    fn reported(&mut self, request_id: &str) -> Vec<Effect> {
        if self.unreported.as_deref() != Some(request_id) {
            return Vec::new();
        }
        self.unreported = None;
        match self.phase {
            Phase::AwaitingReport { until, kept } => self.leave(until, kept),
            _ => Vec::new(),
        }
    }

    fn settled(&mut self) -> Vec<Effect> {
        match self.phase {
            Phase::Holding { .. } => {
                self.phase = Phase::Asking;
                vec![Effect::Next]
            }
            Phase::Leaving { .. } => self.end(),
            _ => Vec::new(),
        }
    }

    fn woken(&mut self, now: UnixNanos) -> Vec<Effect> {
        match self.phase {
            Phase::Asking if self.beside && self.mode != Mode::Deaf => {
                vec![Effect::ReleaseDue, self.send(now), Effect::WakeAt(now + self.interval())]
            }
            Phase::Asking | Phase::Gone => Vec::new(),
            Phase::Running { deadline, .. } if now + INVOCATION_RESERVE >= deadline => {
                // The function is about to run into its timeout; the SHUTDOWN that follows must find us at `/next`.
                self.phase = Phase::Asking;
                vec![Effect::ReleaseDue, self.send(now), Effect::Next]
            }
            Phase::Running { deadline, .. } => {
                let wake = self.next_wake(deadline, now);
                vec![Effect::ReleaseDue, self.send(now), Effect::WakeAt(wake)]
            }
            Phase::Holding { until } if now < until => vec![Effect::WakeAt(until)],
            Phase::Holding { .. } => self.settled(),
            Phase::AwaitingReport { until, kept } => self.leave(until, kept),
            Phase::Leaving { until } if now < until => vec![Effect::WakeAt(until)],
            Phase::Leaving { .. } => self.end(),
        }
    }

    fn shut_down(&mut self, deadline: UnixNanos, kept: bool, now: UnixNanos) -> Vec<Effect> {
        let until = deadline.saturating_sub(SHUTDOWN_RESERVE).max(now);
        if self.unreported.is_none() {
            return self.leave(until, kept);
        }
        self.phase = Phase::AwaitingReport { until, kept };
        let grace = (now + REPORT_GRACE).min(until);
        vec![Effect::Send { until, last_chance: !kept }, Effect::WakeAt(grace)]
    }

    /// Sends the last. A failing backend is not worth the time where the spool keeps what it does not take.
    fn leave(&mut self, until: UnixNanos, kept: bool) -> Vec<Effect> {
        self.phase = Phase::Leaving { until };
        vec![Effect::ReleaseAll, Effect::Send { until, last_chance: !kept }, Effect::WakeAt(until)]
    }

    fn end(&mut self) -> Vec<Effect> {
        self.phase = Phase::Gone;
        vec![Effect::End]
    }

    fn send(&mut self, now: UnixNanos) -> Effect {
        self.last_flush = now;
        let until = match self.phase {
            Phase::Running { deadline, .. } => deadline,
            _ => UnixNanos::MAX,
        };
        Effect::Send { until, last_chance: false }
    }

    fn next_wake(&self, deadline: UnixNanos, now: UnixNanos) -> UnixNanos {
        (now + self.interval()).min(deadline.saturating_sub(INVOCATION_RESERVE)).max(now)
    }

    fn interval(&self) -> UnixNanos {
        match self.mode {
            Mode::Periodic(interval) | Mode::Background(interval) => interval,
            Mode::Auto | Mode::End | Mode::Managed | Mode::Deaf => INTERVAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Effect::{End, Next, Probe, ReleaseAll, ReleaseDue, WakeAt};
    use super::*;

    const T: UnixNanos = 1_000 * SECOND;
    const DEADLINE: UnixNanos = T + 10 * SECOND;

    fn send(until: UnixNanos) -> Effect {
        Effect::Send { until, last_chance: false }
    }

    fn last_send(until: UnixNanos) -> Effect {
        Effect::Send { until, last_chance: true }
    }

    fn invoked(request_id: &str) -> Event {
        Event::Invoked { request_id: request_id.into(), deadline: DEADLINE }
    }

    fn done(request_id: &str) -> Event {
        Event::RuntimeDone { request_id: request_id.into() }
    }

    fn reported(request_id: &str) -> Event {
        Event::Reported { request_id: request_id.into() }
    }

    const SHUT_DOWN: Event = Event::ShutDown { deadline: T + 7 * SECOND, kept: false };
    const LEAVE_BY: UnixNanos = T + 7 * SECOND - SHUTDOWN_RESERVE;

    /// A table of a life: at milliseconds after `T`, an event, and what must follow from it.
    fn live(mode: Mode, table: Vec<(u64, Event, Vec<Effect>)>) {
        let mut lifecycle = Lifecycle::new(mode);
        for (row, (millis, event, expected)) in table.into_iter().enumerate() {
            let effects = lifecycle.on(event.clone(), T + millis * MILLISECOND);
            assert_eq!(effects, expected, "row {row}: {event:?} in {lifecycle:?}");
        }
    }

    #[test]
    fn at_the_end_of_an_invocation_the_buffer_is_sent_and_then_next_is_asked() {
        live(
            Mode::End,
            vec![
                (0, Event::Started, vec![Next]),
                (1, invoked("a"), vec![Probe, WakeAt(T + 1001 * MILLISECOND)]),
                (2, Event::Arrived { pending_bytes: 10 }, vec![]),
                (500, done("a"), vec![send(T + 2500 * MILLISECOND), WakeAt(T + 2500 * MILLISECOND)]),
                (520, Event::Settled, vec![Next]),
                (530, Event::Settled, vec![]),
                (900, invoked("b"), vec![Probe, WakeAt(T + 1900 * MILLISECOND)]),
                (901, reported("a"), vec![]),
            ],
        );
    }

    #[test]
    fn a_backend_that_does_not_answer_holds_an_invocation_two_seconds_at_most() {
        live(
            Mode::End,
            vec![
                (0, invoked("a"), vec![Probe, WakeAt(T + SECOND)]),
                (10, done("a"), vec![send(T + 2010 * MILLISECOND), WakeAt(T + 2010 * MILLISECOND)]),
                (1000, Event::Woken, vec![WakeAt(T + 2010 * MILLISECOND)]),
                (2010, Event::Woken, vec![Next]),
                (2020, Event::Woken, vec![]),
            ],
        );
    }

    #[test]
    fn near_its_deadline_an_invocation_is_not_held_at_all() {
        live(Mode::End, vec![(0, invoked("a"), vec![Probe, WakeAt(T + SECOND)]), (9950, done("a"), vec![Next])]);
    }

    #[test]
    fn a_hold_ends_before_the_deadline() {
        let until = DEADLINE - INVOCATION_RESERVE;
        live(
            Mode::End,
            vec![
                (0, invoked("a"), vec![Probe, WakeAt(T + SECOND)]),
                (9000, done("a"), vec![send(until), WakeAt(until)]),
                (9900, Event::Woken, vec![Next]),
            ],
        );
    }

    #[test]
    fn a_long_invocation_is_flushed_every_second_and_left_before_its_timeout() {
        live(
            Mode::End,
            vec![
                (0, invoked("a"), vec![Probe, WakeAt(T + SECOND)]),
                (1000, Event::Woken, vec![ReleaseDue, send(DEADLINE), WakeAt(T + 2 * SECOND)]),
                (9500, Event::Woken, vec![ReleaseDue, send(DEADLINE), WakeAt(T + 9900 * MILLISECOND)]),
                (9900, Event::Woken, vec![ReleaseDue, send(UnixNanos::MAX), Next]),
                (10_000, done("a"), vec![]),
                (10_001, Event::ShutDown { deadline: T + 12 * SECOND, kept: false }, {
                    let until = T + 12 * SECOND - SHUTDOWN_RESERVE;
                    vec![last_send(until), WakeAt(T + 10_301 * MILLISECOND)]
                }),
            ],
        );
    }

    #[test]
    fn a_runtime_that_is_done_before_next_told_of_it_is_flushed_all_the_same() {
        let until = T + 2005 * MILLISECOND;
        live(
            Mode::End,
            vec![
                (0, done("a"), vec![]),
                (5, invoked("a"), vec![send(until), WakeAt(until)]),
                (6, Event::Settled, vec![Next]),
            ],
        );
    }

    #[test]
    fn the_end_of_another_invocation_changes_nothing() {
        live(
            Mode::End,
            vec![
                (0, invoked("b"), vec![Probe, WakeAt(T + SECOND)]),
                (1, done("a"), vec![]),
                (2, reported("a"), vec![]),
            ],
        );
    }

    #[test]
    fn a_shutdown_waits_for_the_last_report_sends_everything_and_ends() {
        live(
            Mode::End,
            vec![
                (0, invoked("a"), vec![Probe, WakeAt(T + SECOND)]),
                (1, done("a"), vec![send(T + 2001 * MILLISECOND), WakeAt(T + 2001 * MILLISECOND)]),
                (2, Event::Settled, vec![Next]),
                (5000, SHUT_DOWN, vec![last_send(LEAVE_BY), WakeAt(T + 5300 * MILLISECOND)]),
                (5001, Event::Settled, vec![]),
                (5002, reported("a"), vec![ReleaseAll, last_send(LEAVE_BY), WakeAt(LEAVE_BY)]),
                (5003, Event::Settled, vec![End]),
            ],
        );
    }

    #[test]
    fn a_shutdown_does_not_wait_for_a_report_that_does_not_come() {
        live(
            Mode::End,
            vec![
                (0, invoked("a"), vec![Probe, WakeAt(T + SECOND)]),
                (5000, SHUT_DOWN, vec![last_send(LEAVE_BY), WakeAt(T + 5300 * MILLISECOND)]),
                (5300, Event::Woken, vec![ReleaseAll, last_send(LEAVE_BY), WakeAt(LEAVE_BY)]),
                (6750, Event::Woken, vec![End]),
                (6751, Event::Settled, vec![]),
            ],
        );
    }

    #[test]
    fn a_shutdown_without_an_invocation_ends_as_soon_as_everything_is_sent() {
        live(
            Mode::End,
            vec![
                (0, Event::Started, vec![Next]),
                (5000, SHUT_DOWN, vec![ReleaseAll, last_send(LEAVE_BY), WakeAt(LEAVE_BY)]),
                (5001, Event::Settled, vec![End]),
            ],
        );
    }

    #[test]
    fn managed_instances_are_flushed_every_second_and_never_held() {
        live(
            Mode::Managed,
            vec![
                (0, Event::Started, vec![Next, WakeAt(T + SECOND)]),
                (1000, Event::Woken, vec![ReleaseDue, send(UnixNanos::MAX), WakeAt(T + 2 * SECOND)]),
                (1500, reported("a"), vec![]),
                (5000, SHUT_DOWN, vec![ReleaseAll, last_send(LEAVE_BY), WakeAt(LEAVE_BY)]),
            ],
        );
    }

    #[test]
    fn periodic_holds_only_when_its_interval_has_gone() {
        live(
            Mode::Periodic(5 * SECOND),
            vec![
                (0, invoked("a"), vec![Probe, WakeAt(T + 5 * SECOND)]),
                (1, done("a"), vec![send(T + 2001 * MILLISECOND), WakeAt(T + 2001 * MILLISECOND)]),
                (2, Event::Settled, vec![Next]),
                (100, invoked("b"), vec![Probe, WakeAt(T + 5100 * MILLISECOND)]),
                (200, done("b"), vec![Next]),
            ],
        );
    }

    #[test]
    fn in_the_background_and_without_telemetry_no_invocation_waits() {
        for mode in [Mode::Background(SECOND), Mode::Deaf] {
            let expected = vec![Next, send(UnixNanos::MAX), WakeAt(T + SECOND)];
            live(mode, vec![(0, invoked("a"), expected), (1, done("a"), vec![])]);
        }
        let arrived = || Event::Arrived { pending_bytes: 1 };
        live(Mode::Deaf, vec![(0, arrived(), vec![send(UnixNanos::MAX)])]);
        live(Mode::Background(SECOND), vec![(0, arrived(), vec![])]);
    }

    #[test]
    fn auto_flushes_a_rare_function_at_the_end_and_an_often_invoked_one_beside_the_next() {
        let mut lifecycle = Lifecycle::new(Mode::Auto);
        let mut effects = |event, millis| lifecycle.on(event, T + millis * MILLISECOND);
        for nth in 0..7 {
            assert_eq!(effects(invoked("a"), nth * 100)[0], Probe, "invocation {nth}");
            assert!(matches!(effects(done("a"), nth * 100 + 10)[0], Effect::Send { .. }));
            assert_eq!(effects(Event::Settled, nth * 100 + 20), [Next]);
        }
        let beside = [Next, send(UnixNanos::MAX), WakeAt(T + 1700 * MILLISECOND)];
        assert_eq!(effects(invoked("b"), 700), beside);
        assert_eq!(effects(done("b"), 710), []);
        assert_eq!(effects(Event::Woken, 1700)[..2], [ReleaseDue, send(UnixNanos::MAX)]);
        assert_eq!(effects(invoked("c"), 9000)[0], Probe, "after a pause it is waited for again");
        assert!(matches!(effects(done("c"), 9010)[0], Effect::Send { .. }));
    }

    #[test]
    fn an_end_that_may_have_been_missed_is_not_waited_for() {
        for event in [Event::Missed, Event::Deafened] {
            let expected = vec![Next, send(UnixNanos::MAX), WakeAt(T + 1100 * MILLISECOND)];
            live(
                Mode::End,
                vec![
                    (0, invoked("a"), vec![Probe, WakeAt(T + SECOND)]),
                    (100, event.clone(), expected),
                    (200, event.clone(), vec![]),
                    (300, done("a"), vec![]),
                ],
            );
        }
    }

    #[test]
    fn a_reset_whose_rest_is_kept_wastes_no_time_on_a_failing_backend() {
        let shut_down = Event::ShutDown { deadline: T + 7 * SECOND, kept: true };
        live(Mode::End, vec![(5000, shut_down, vec![ReleaseAll, send(LEAVE_BY), WakeAt(LEAVE_BY)])]);
    }

    #[test]
    fn a_full_batch_is_sent_at_once() {
        let event = Event::Arrived { pending_bytes: EAGER_BYTES };
        live(Mode::End, vec![(0, invoked("a"), vec![Probe, WakeAt(T + SECOND)]), (1, event, vec![send(DEADLINE)])]);
    }
}
