//! What keys, the mouse and pasted text do, where it concerns more than the screen that is shown.

use super::{
    Choice, Effect, Overlay, Screen, State,
    list::List,
    palette::{self, Palette},
    prompt::{Edit, For, Typed},
    times::{self, Times},
};
use crate::{
    format::inert,
    tui::{
        event::{Code, Key, Mouse},
        keys::{self, Command, Meaning, Scope, What},
    },
};

impl State {
    pub(super) fn key(&mut self, key: Key) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Prompt(to, typed)) => {
                let (to, edit, text) = (*to, typed.key(key), typed.text.clone());
                self.typed(to, edit, text)
            }
            Some(Overlay::Palette(palette)) => {
                let edit = palette.key(key);
                self.chosen(edit)
            }
            Some(Overlay::Choose(_)) => self.choose_key(key),
            Some(Overlay::Help(_)) => self.help_key(key),
            None => self.press(key),
        }
    }

    fn press(&mut self, key: Key) -> Vec<Effect> {
        self.pressed.push(key);
        match keys::meaning(self.screen().page().scope(), &self.pressed) {
            Meaning::Unfinished => Vec::new(),
            Meaning::Command(command) => {
                self.pressed.clear();
                self.act(command)
            }
            Meaning::Nothing => {
                self.pressed.clear();
                Vec::new()
            }
        }
    }

    /// Does what a key or an entry of the palette says.
    pub fn act(&mut self, command: Command) -> Vec<Effect> {
        match command {
            Command::Quit => vec![Effect::Quit],
            Command::Back => self.back(),
            Command::Return => self.pop(),
            Command::Help => self.lay(Overlay::Help(List::default())),
            Command::Palette => {
                let functions = self.stack.iter().find_map(|open| open.screen.functions()).unwrap_or_default();
                self.lay(Overlay::Palette(Palette::new(self.screen().page().scope(), &functions)))
            }
            Command::Times => self.lay(Overlay::Choose(Choice::of_times())),
            Command::Earlier | Command::Later => {
                self.times = self.times.shifted(command == Command::Later, self.now());
                self.begin()
            }
            Command::Refresh => self.begin(),
            Command::Copy(what) => self.copy(what),
            Command::Web => self.web(),
            Command::Mouse => {
                self.mouse = !self.mouse;
                self.say(if self.mouse { "mouse on: the wheel scrolls, a click selects" } else { "mouse off" });
                vec![Effect::Mouse(self.mouse)]
            }
            Command::Redraw => vec![Effect::Redraw],
            Command::Suspend => vec![Effect::Suspend],
            Command::Functions => self.home(),
            _ => match Screen::for_command(command, self.screen().page(), &self.around()) {
                Some(screen) => self.push(screen),
                None => {
                    let around = self.around();
                    self.with_top(|page| page.act(command, &around))
                }
            },
        }
    }

    fn lay(&mut self, overlay: Overlay) -> Vec<Effect> {
        self.overlay = Some(overlay);
        Vec::new()
    }

    /// Shows and copies the link to the same place in ClickStack's web UI: on whichever machine its browser is.
    fn web(&mut self) -> Vec<Effect> {
        let Some(base) = &self.hyperdx else {
            self.say("where the web UI is nobody said: `lambdaview context add NAME --hyperdx URL`");
            return Vec::new();
        };
        let Some(place) = self.screen().page().place(&self.around()) else {
            self.say("there is nothing here to look at in the web UI");
            return Vec::new();
        };
        let link = place.link(base);
        self.say(&format!("copied {link}"));
        vec![Effect::Copy(link)]
    }

    fn copy(&mut self, what: What) -> Vec<Effect> {
        let Some(text) = self.screen().page().copied(what, &self.around()) else {
            self.say("there is no such thing to copy here");
            return Vec::new();
        };
        self.say(&format!("copied {}", inert(&text)));
        vec![Effect::Copy(text)]
    }

    fn typed(&mut self, to: For, edit: Edit, text: String) -> Vec<Effect> {
        let (text, done) = match edit {
            Edit::Moved => return Vec::new(),
            Edit::Changed => (text, false),
            Edit::Done => (text, true),
            Edit::Dropped => {
                self.overlay = None;
                return Vec::new();
            }
        };
        if done {
            self.overlay = None;
        }
        if to == For::Times {
            return if done { self.choose_times(&text) } else { Vec::new() };
        }
        let around = self.around();
        self.with_top(|page| page.typed(to, &text, done, &around))
    }

    fn choose_times(&mut self, text: &str) -> Vec<Effect> {
        match Times::parse(text, self.now()) {
            Ok(times) => {
                self.times = times;
                self.begin()
            }
            Err(error) => {
                self.say(&format!("{}: {error}, or FROM..TO", inert(text)));
                Vec::new()
            }
        }
    }

    fn chosen(&mut self, edit: Edit) -> Vec<Effect> {
        let Some(Overlay::Palette(palette)) = &self.overlay else { return Vec::new() };
        match edit {
            Edit::Changed | Edit::Moved => Vec::new(),
            Edit::Dropped => {
                self.overlay = None;
                Vec::new()
            }
            Edit::Done => {
                let chosen = palette.chosen();
                self.overlay = None;
                match chosen {
                    Some(palette::Entry::Command(command)) => self.act(command),
                    Some(palette::Entry::Function(name)) => self.push(Screen::tail(&name)),
                    None => Vec::new(),
                }
            }
        }
    }

    /// A digit chooses at once.
    fn choose_key(&mut self, key: Key) -> Vec<Effect> {
        let Some(Overlay::Choose(choice)) = &mut self.overlay else { return Vec::new() };
        let count = choice.choices.len();
        let digit = match key.code {
            Code::Char(c) => c.to_digit(10).and_then(|digit| (digit as usize).checked_sub(1)),
            _ => None,
        };
        let at = match keys::meaning(Scope::Everywhere, &[key]) {
            _ if digit.is_some_and(|at| at < count) => digit,
            Meaning::Command(Command::Open) => Some(choice.list.at),
            Meaning::Command(command) if choice.list.act(command, count, count) => return Vec::new(),
            _ => None,
        };
        let of_screen = choice.of_screen;
        self.overlay = None;
        if let Some(at) = at.filter(|_| !of_screen) {
            return match times::USUAL.get(at) {
                Some(since) => self.choose_times(since),
                None => self.lay(Overlay::Prompt(For::Times, Typed::default())),
            };
        }
        let around = self.around();
        at.map_or_else(Vec::new, |at| self.with_top(|page| page.chosen(at, &around)))
    }

    fn help_key(&mut self, key: Key) -> Vec<Effect> {
        let scope = self.screen().page().scope();
        let count = keys::rows(scope).count() + HELP_HEADINGS;
        let rows = self.around().rows;
        let Some(Overlay::Help(list)) = &mut self.overlay else { return Vec::new() };
        match keys::meaning(Scope::Everywhere, &[key]) {
            Meaning::Command(Command::Quit) => return vec![Effect::Quit],
            Meaning::Command(Command::Suspend) => return vec![Effect::Suspend],
            Meaning::Command(Command::Redraw) => return vec![Effect::Redraw],
            Meaning::Command(Command::Down) => list.top += 1,
            Meaning::Command(Command::Up) => list.top = list.top.saturating_sub(1),
            Meaning::Command(Command::PageDown | Command::HalfDown) => list.top += rows / 2,
            Meaning::Command(Command::PageUp | Command::HalfUp) => list.top = list.top.saturating_sub(rows / 2),
            Meaning::Command(Command::Top) => list.top = 0,
            Meaning::Command(Command::Bottom) => list.top = count,
            _ => self.overlay = None,
        }
        if let Some(Overlay::Help(list)) = &mut self.overlay {
            list.top = list.top.min(count.saturating_sub(rows.saturating_sub(2)));
        }
        Vec::new()
    }

    /// Pasted text goes where text is typed; anywhere else it would be a row of commands nobody meant.
    pub(super) fn paste(&mut self, text: &str) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Prompt(to, typed)) => {
                let (to, edit, text) = (*to, typed.put(text), typed.text.clone());
                self.typed(to, edit, text)
            }
            Some(Overlay::Palette(palette)) => {
                palette.paste(text);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn mouse(&mut self, mouse: Mouse) -> Vec<Effect> {
        if self.overlay.is_some() {
            let code = match mouse {
                Mouse::Up => Code::Up,
                Mouse::Down => Code::Down,
                Mouse::Click { .. } => return Vec::new(),
            };
            return self.key(Key::plain(code));
        }
        match mouse {
            Mouse::Up => (0..3).flat_map(|_| self.act(Command::Up)).collect(),
            Mouse::Down => (0..3).flat_map(|_| self.act(Command::Down)).collect(),
            Mouse::Click { row } => {
                let around = self.around();
                // The header is the first row.
                let Some(row) = usize::from(row).checked_sub(1) else { return Vec::new() };
                self.with_top(|page| page.clicked(row, &around))
            }
        }
    }
}

/// The headings of the help and the empty line between its two parts.
const HELP_HEADINGS: usize = 3;
