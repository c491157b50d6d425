//! Asks on the terminal: for a password, without showing it; whether to change something.

use std::io::{self, IsTerminal as _, Write as _};

use crossterm::{
    event::{Event, KeyCode, KeyEventKind, KeyModifiers, read},
    terminal::{disable_raw_mode, enable_raw_mode},
};

use crate::{
    error::{Error, Place},
    format::inert,
    settings::{Secret, usage},
};

/// The terminal as it was, whatever happens.
struct Raw;

impl Raw {
    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone cannot be put right.
        let _ = disable_raw_mode();
    }
}

/// What is typed up to Enter.
///
/// # Errors
/// When there is no terminal, or Ctrl-C is pressed.
pub fn password(place: &Place) -> Result<Secret, Error> {
    if !io::stdin().is_terminal() {
        return Err(usage(
            "there is no terminal to ask for a password on",
            Some("CLICKHOUSE_PASSWORD or --password-file FILE"),
        ));
    }
    let typed = {
        // First: what is typed as soon as the question is seen would be shown by a terminal that is not yet told.
        let _raw = Raw::enter()?;
        let mut stderr = io::stderr();
        write!(stderr, "password of {} at {}: ", inert(place.user.as_deref().unwrap_or("default")), inert(&place.url))?;
        stderr.flush()?;
        typed()
    };
    writeln!(io::stderr())?;
    typed
}

/// Whether to do `what` at a place; anything but yes is no, and an error.
///
/// # Errors
/// When nobody is there to be asked, or nobody agrees.
pub fn agreed(what: &str, place: &str, no_input: bool) -> Result<(), Error> {
    if no_input || !io::stdin().is_terminal() {
        return Err(usage(&format!("nobody is there to be asked whether to {what}"), Some("--yes")));
    }
    let mut stderr = io::stderr();
    write!(stderr, "{} in {}? [y/N] ", inert(what), inert(place))?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(usage("nothing was changed", None)),
    }
}

fn typed() -> Result<Secret, Error> {
    let mut password = String::new();
    loop {
        let Event::Key(key) = read()? else { continue };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        match key.code {
            KeyCode::Enter => return Ok(Secret::new(password)),
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Err(Error::Interrupted { signal: 2 });
            }
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => password.clear(),
            KeyCode::Char(letter) => password.push(letter),
            KeyCode::Backspace => {
                password.pop();
            }
            _ => {}
        }
    }
}
