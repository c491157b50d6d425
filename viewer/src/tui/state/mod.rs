//! What the viewer knows and shows. It changes only by [`State::update`], which says what is to be done and does nothing itself.

mod act;
pub mod asked;
pub mod cost;
pub mod detail;
pub mod errors;
pub mod functions;
pub mod invocations;
pub mod link;
pub mod list;
pub mod narrowed;
mod overlay;
pub mod page;
pub mod palette;
pub mod prompt;
mod screen;
pub mod tail;
#[cfg(test)]
mod tests;
pub mod times;
pub mod trace;

use asked::Asked;
use detail::{Detail, Thing};
use page::{Around, Step};
use prompt::Typed;
use tail::Tail;
use times::Times;

pub use overlay::{Choice, Overlay};
pub use screen::Screen;

use super::{
    ask::{Answer, Ask, Connected, LineRef, Problem, Slot, Ticket},
    event::{Event, Key},
};
use crate::{ask::Nanos, format::Zone};

/// Something to be done outside the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the server; answers come with the ticket.
    Ask(Ticket, Ask),
    /// Give that question up.
    Cancel(Ticket),
    /// Put text into the clipboard.
    Copy(String),
    /// Write text to a file.
    Save {
        /// Its path.
        path: String,
        /// What is written.
        text: String,
    },
    /// Tell the terminal whether to report the mouse.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
    /// Go to the shell until it calls back.
    Suspend,
    /// End.
    Quit,
}

/// A screen on the stack.
#[derive(Debug)]
struct Open {
    id: u32,
    screen: Screen,
}

/// How the viewer begins.
#[derive(Clone, Debug, Default)]
pub struct Beginning {
    /// How the header names the server.
    pub server: String,
    /// The address of ClickStack's web UI.
    pub hyperdx: Option<String>,
    /// In which zone times are shown.
    pub zone: Zone,
    /// The stretch of time.
    pub times: Times,
    /// How many columns the terminal has.
    pub columns: u16,
    /// How many rows.
    pub rows: u16,
}

/// All of it.
#[derive(Debug)]
pub struct State {
    /// How the header names the server.
    pub server: String,
    /// The address of ClickStack's web UI.
    pub hyperdx: Option<String>,
    /// The server, once it has answered.
    pub connected: Option<Connected>,
    /// In which zone times are shown.
    pub zone: Zone,
    /// The stretch of time.
    pub times: Times,
    /// How many columns the terminal has.
    pub columns: u16,
    /// How many rows.
    pub rows: u16,
    /// What lies over the screen.
    pub overlay: Option<Overlay>,
    /// What the bottom line says, until the next key.
    pub said: Option<String>,
    /// The keys of a sequence that is not whole yet.
    pub pressed: Vec<Key>,
    /// The questions that are running.
    pub asked: Asked,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Whether the SQL that was asked for is to be copied, and not shown.
    copies_sql: bool,
    stack: Vec<Open>,
    opened: u32,
    /// This machine's clock at the last event.
    clock: Nanos,
    /// How much further the server's clock is.
    ahead: Nanos,
}

impl State {
    /// The viewer with its first screen, and what that needs.
    #[must_use]
    pub fn new(beginning: Beginning, first: Screen, clock: Nanos) -> (Self, Vec<Effect>) {
        let Beginning { server, hyperdx, zone, times, columns, rows } = beginning;
        let mut state = Self {
            server,
            hyperdx,
            connected: None,
            zone,
            times,
            columns,
            rows,
            overlay: None,
            said: None,
            pressed: Vec::new(),
            asked: Asked::default(),
            mouse: false,
            copies_sql: false,
            stack: Vec::new(),
            opened: 0,
            clock,
            ahead: 0,
        };
        let effects = state.push(first);
        (state, effects)
    }

    /// The time, by the server's clock once that is known.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.clock + self.ahead
    }

    /// This machine's clock at the last event.
    #[must_use]
    pub const fn clock(&self) -> Nanos {
        self.clock
    }

    /// The screen that is shown.
    #[must_use]
    pub fn screen(&self) -> &Screen {
        &self.stack.last().expect("there is always a screen").screen
    }

    /// The names of the screens one came through, the first one first.
    pub fn trail(&self) -> impl Iterator<Item = String> {
        self.stack.iter().map(|open| open.screen.page().name())
    }

    /// What screens may look at.
    #[must_use]
    pub fn around(&self) -> Around {
        Around {
            now: self.now(),
            zone: self.zone,
            times: self.times,
            columns: usize::from(self.columns),
            // The header and the bottom line.
            rows: usize::from(self.rows).saturating_sub(2),
        }
    }

    /// After how many nanoseconds a tick is wanted; never, while nothing that is shown changes by time alone.
    #[must_use]
    pub fn wakes_after(&self) -> Option<u64> {
        [self.asked.wakes_after(self.clock), self.screen().page().wakes_after(self.now())].into_iter().flatten().min()
    }

    /// Takes what happened at `clock`, and says what is to be done.
    pub fn update(&mut self, event: Event, clock: Nanos) -> Vec<Effect> {
        self.clock = clock;
        match event {
            Event::Key(key) => {
                self.said = None;
                self.key(key)
            }
            Event::Paste(text) => self.paste(&text),
            Event::Mouse(mouse) => self.mouse(mouse),
            Event::Resize { columns, rows } => {
                (self.columns, self.rows) = (columns, rows);
                let around = self.around();
                for open in &mut self.stack {
                    open.screen.page_mut().resized(&around);
                }
                Vec::new()
            }
            Event::Answer(ticket, answer) => self.answer(ticket, answer),
            Event::Failed(ticket, problem) => self.failed(ticket, problem),
            Event::Ended(ticket) => self.ended(ticket),
            Event::Tick => {
                let around = self.around();
                self.with_top(|page| page.tick(&around))
            }
        }
    }

    /// Stops what is running; else leaves the screen.
    fn back(&mut self) -> Vec<Effect> {
        let id = self.stack.last().expect("there is always a screen").id;
        let stopped = self.asked.take_finite(id);
        if stopped.is_empty() {
            return self.pop();
        }
        self.say("stopped; R asks again");
        stopped.into_iter().map(Effect::Cancel).collect()
    }

    fn pop(&mut self) -> Vec<Effect> {
        if self.stack.len() == 1 {
            return vec![Effect::Quit];
        }
        self.stack.pop().map_or_else(Vec::new, |open| self.leave(&open))
    }

    fn home(&mut self) -> Vec<Effect> {
        if matches!(self.stack[0].screen, Screen::Functions(_)) {
            let left: Vec<Open> = self.stack.drain(1..).collect();
            return left.iter().flat_map(|open| self.leave(open)).collect();
        }
        self.push(Screen::Functions(Box::default()))
    }

    fn leave(&mut self, open: &Open) -> Vec<Effect> {
        self.asked.take_all(open.id).into_iter().map(Effect::Cancel).collect()
    }

    fn push(&mut self, screen: Screen) -> Vec<Effect> {
        if let Some(open) = self.stack.last_mut() {
            open.screen.page_mut().covered();
        }
        self.opened += 1;
        self.stack.push(Open { id: self.opened, screen });
        self.begin()
    }

    fn begin(&mut self) -> Vec<Effect> {
        let around = self.around();
        self.with_top(|page| page.begin(&around))
    }

    /// Asks what was asked.
    fn ask_heard(&mut self) -> Vec<Effect> {
        let id = self.stack.last().expect("there is always a screen").id;
        self.take(id, vec![Step::Ask(Slot::Heard, Ask::Heard)])
    }

    fn with_top(&mut self, act: impl FnOnce(&mut dyn page::Page) -> Vec<Step>) -> Vec<Effect> {
        let open = self.stack.last_mut().expect("there is always a screen");
        let (id, steps) = (open.id, act(open.screen.page_mut()));
        self.take(id, steps)
    }

    fn with(&mut self, id: u32, act: impl FnOnce(&mut dyn page::Page) -> Vec<Step>) -> Vec<Effect> {
        let Some(open) = self.stack.iter_mut().find(|open| open.id == id) else { return Vec::new() };
        let steps = act(open.screen.page_mut());
        self.take(id, steps)
    }

    /// Turns what the screen `id` wants into what is to be done.
    fn take(&mut self, id: u32, steps: Vec<Step>) -> Vec<Effect> {
        let mut effects = Vec::new();
        for step in steps {
            match step {
                Step::Ask(slot, ask) => {
                    let (ticket, instead_of) = self.asked.ask(id, slot, &ask, self.clock);
                    effects.extend(instead_of.map(Effect::Cancel));
                    effects.push(Effect::Ask(ticket, ask));
                }
                Step::AskOnce(slot, _) if self.asked.runs(id, slot) => {}
                Step::AskOnce(slot, ask) => {
                    let (ticket, _) = self.asked.ask(id, slot, &ask, self.clock);
                    effects.push(Effect::Ask(ticket, ask));
                }
                Step::Drop(slot) => effects.extend(self.asked.take(id, slot).map(Effect::Cancel)),
                Step::Push(screen) => effects.extend(self.push(*screen)),
                Step::Pop => effects.extend(self.pop()),
                Step::Say(what) => self.said = Some(what),
                Step::Prompt(to, text) => self.overlay = Some(Overlay::Prompt(to, Typed::of(&text))),
                Step::Choose(title, choices) => self.overlay = Some(Overlay::Choose(Choice::new(title, choices))),
                Step::ToLine(line) => effects.extend(self.back_to(&line)),
                Step::Save(path, text) => effects.push(Effect::Save { path, text }),
            }
        }
        effects
    }

    /// Back to the nearest screen below that has this line, with the cursor on it; where none has, to it among the lines of its
    /// function; of a line that names none, all that is known.
    fn back_to(&mut self, line: &LineRef) -> Vec<Effect> {
        let around = self.around();
        let top = self.stack.len() - 1;
        let Some(at) = self.stack[..top].iter_mut().rposition(|open| open.screen.page_mut().go_to(line, &around))
        else {
            if !line.function.is_empty() {
                return self.push(Screen::Tail(Box::new(Tail::at(line.clone(), self.times))));
            }
            return self.push(Screen::Detail(Box::new(Detail::of(Thing::Line(line.clone()), &around))));
        };
        let left: Vec<Open> = self.stack.drain(at + 1..).collect();
        left.iter().flat_map(|open| self.leave(open)).collect()
    }

    /// Says something on the bottom line, until the next key.
    pub fn say(&mut self, what: &str) {
        self.said = Some(what.to_owned());
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) -> Vec<Effect> {
        if let Answer::Connected(connected) = answer {
            self.ahead = connected.now - self.clock;
            self.connected = Some(connected);
            return Vec::new();
        }
        if !self.asked.is_current(ticket) {
            return Vec::new();
        }
        self.asked.answered(ticket);
        if let Answer::Heard(heard) = answer {
            return self.told(heard);
        }
        let around = self.around();
        self.with(ticket.screen, |page| page.answer(ticket.slot, answer, &around))
    }

    fn failed(&mut self, ticket: Ticket, problem: Problem) -> Vec<Effect> {
        if !self.asked.finish(ticket) {
            return Vec::new();
        }
        let around = self.around();
        self.with(ticket.screen, |page| page.failed(ticket.slot, problem, &around))
    }

    fn ended(&mut self, ticket: Ticket) -> Vec<Effect> {
        if !self.asked.finish(ticket) {
            return Vec::new();
        }
        let around = self.around();
        self.with(ticket.screen, |page| page.ended(ticket.slot, &around))
    }
}
