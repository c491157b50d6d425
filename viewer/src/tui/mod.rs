//! The viewer: screens on a terminal, kept by keys.
//!
//! What happens is an [`event::Event`]; [`state::State::update`] takes it and says what is to be done; [`view::draw`] shows the
//! state. Only [`run`] and what it holds touch the terminal, the clock and the network.

pub mod ask;
pub mod event;
pub mod fetch;
mod input;
pub mod keys;
#[cfg(test)]
mod sample;
pub mod state;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod view;

use std::time::Duration;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc::{Receiver, channel},
    task::LocalSet,
    time::{Instant, sleep},
};

use crate::{clock, cost::rates::Rates, error::Error, settings::Target};
use event::Event;
use fetch::Fetcher;
use input::Input;
use state::{Beginning, Effect, Screen, State};
use terminal::Guard;
use theme::Theme;

/// Answers that wait to be taken up: enough that a task goes on while a frame is drawn, and no more than a few batches.
const ANSWERS: usize = 8;
/// For so long what has come is taken up before it is drawn.
const BUDGET: Duration = Duration::from_millis(8);

/// Shows the viewer, beginning with the screen `first`, until it is left.
///
/// # Errors
/// When stdout is no terminal, the terminal goes away, or a signal ends it.
pub async fn run(target: Target, rates: Rates, beginning: Beginning, first: Screen, theme: Theme) -> Result<(), Error> {
    let mut guard = Guard::enter()?;
    let (sender, answers) = channel(ANSWERS);
    let fetcher = Fetcher::new(target, rates, sender);
    let (state, effects) = State::new(beginning, first, clock::now());
    let mut viewer = Viewer { state, theme, fetcher, answers, input: Input::new() };
    LocalSet::new().run_until(viewer.run(effects, &mut guard)).await
}

struct Viewer {
    state: State,
    theme: Theme,
    fetcher: Fetcher,
    answers: Receiver<Event>,
    input: Input,
}

/// What woke the viewer.
enum Woken {
    By(Event),
    Continued,
    Ended(u8),
    /// A task is done, which changes nothing that is shown.
    ByTask,
}

struct Signals {
    end: [(Signal, u8); 3],
    resume: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Error> {
        let end = |kind: SignalKind| Ok::<_, Error>((signal(kind)?, u8::try_from(kind.as_raw_value()).unwrap_or(15)));
        Ok(Self {
            end: [end(SignalKind::interrupt())?, end(SignalKind::terminate())?, end(SignalKind::hangup())?],
            resume: signal(SignalKind::from_raw(nix::libc::SIGCONT))?,
        })
    }

    async fn next(&mut self) -> Woken {
        let [(interrupt, a), (terminate, b), (hangup, c)] = &mut self.end;
        tokio::select! {
            _ = interrupt.recv() => Woken::Ended(*a),
            _ = terminate.recv() => Woken::Ended(*b),
            _ = hangup.recv() => Woken::Ended(*c),
            _ = self.resume.recv() => Woken::Continued,
        }
    }
}

impl Viewer {
    async fn run(&mut self, first: Vec<Effect>, guard: &mut Guard) -> Result<(), Error> {
        let mut signals = Signals::listen()?;
        let mut effects = first;
        loop {
            for effect in effects {
                if !self.perform(effect, guard)? {
                    return Ok(());
                }
            }
            guard.draw(|frame| view::draw(&self.state, self.theme, frame))?;
            effects = match self.wait(&mut signals).await? {
                Woken::By(event) => self.take(event),
                Woken::ByTask => Vec::new(),
                Woken::Continued => {
                    guard.resume()?;
                    Vec::new()
                }
                Woken::Ended(signal) => return Err(Error::Interrupted { signal }),
            };
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> Result<Woken, Error> {
        let wakes_after = self.state.wakes_after();
        let tick = async {
            match wakes_after {
                Some(nanos) => sleep(Duration::from_nanos(nanos)).await,
                None => std::future::pending().await,
            }
        };
        Ok(tokio::select! {
            biased;
            woken = signals.next() => woken,
            event = self.input.next() => Woken::By(event?),
            Some(event) = self.answers.recv() => Woken::By(event),
            () = self.fetcher.join() => Woken::ByTask,
            () = tick => Woken::By(Event::Tick),
        })
    }

    /// Takes an event, and the answers that are there beside it, so that a flood of them is one frame.
    fn take(&mut self, event: Event) -> Vec<Effect> {
        let began = Instant::now();
        let mut effects = self.state.update(event, clock::now());
        while effects.is_empty() && began.elapsed() < BUDGET {
            let Ok(event) = self.answers.try_recv() else { break };
            effects = self.state.update(event, clock::now());
        }
        effects
    }

    /// Does what the state wants; whether the viewer goes on.
    fn perform(&mut self, effect: Effect, guard: &mut Guard) -> Result<bool, Error> {
        match effect {
            Effect::Ask(ticket, ask) => self.fetcher.ask(ticket, ask),
            Effect::Cancel(ticket) => self.fetcher.cancel(ticket),
            Effect::Copy(text) => guard.copy(&text)?,
            Effect::Save { path, text } => self.state.say(&save(&path, &text)),
            Effect::Mouse(on) => guard.mouse(on)?,
            Effect::Redraw => guard.redraw()?,
            Effect::Suspend => guard.suspend()?,
            Effect::Quit => return Ok(false),
        }
        Ok(true)
    }
}

/// Writes a file that is not there yet; what there is to say about it.
fn save(path: &str, text: &str) -> String {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => format!("wrote {}", crate::format::inert(path)),
        Err(error) => format!("could not write {}: {error}", crate::format::inert(path)),
    }
}
