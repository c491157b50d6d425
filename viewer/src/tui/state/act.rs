//! What keys, the mouse and pasted text do, where it concerns more than the screen that is shown.

use super::{Choice, Effect, Overlay, Screen, State, list::List, palette::Palette, times::Times};
use crate::{
    format::{bytes, inert, plural},
    tui::{
        ask::Heard,
        event::{Code, Key, Mouse},
        keys::{self, Command, Meaning, What},
    },
};

impl State {
    pub(super) fn press(&mut self, key: Key) -> Vec<Effect> {
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
            // A key too many must not end it.
            Command::Return if self.stack.len() == 1 => {
                self.say("this is the first screen; q quits");
                Vec::new()
            }
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
            Command::ShowSql | Command::Copy(What::Sql) => {
                self.copies_sql = command != Command::ShowSql;
                self.ask_heard()
            }
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

    pub(super) fn lay(&mut self, overlay: Overlay) -> Vec<Effect> {
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

    /// Shows or copies what was asked.
    pub(super) fn told(&mut self, heard: Heard) -> Vec<Effect> {
        if self.copies_sql {
            let Some(sql) = heard.sql.into_iter().next() else { return Vec::new() };
            self.say("copied the last question's SQL");
            return vec![Effect::Copy(sql)];
        }
        let (questions, rows) = (plural(heard.questions, "question"), plural(heard.rows, "row"));
        let mut lines = vec![format!("{questions} so far: the server read {rows} and {}", bytes(heard.bytes))];
        for sql in &heard.sql {
            lines.push(String::new());
            lines.extend(sql.lines().map(str::to_owned));
        }
        self.lay(Overlay::Sql(lines, List::default()))
    }

    fn copy(&mut self, what: What) -> Vec<Effect> {
        let Some(text) = self.screen().page().copied(what, &self.around()) else {
            self.say("there is no such thing to copy here");
            return Vec::new();
        };
        self.say(&format!("copied {}", inert(&text)));
        vec![Effect::Copy(text)]
    }

    pub(super) fn choose_times(&mut self, text: &str) -> Vec<Effect> {
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
