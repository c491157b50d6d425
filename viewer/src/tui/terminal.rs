//! The terminal, taken over and given back: whatever ends the viewer, it is left as it was found.

use std::{
    io::{self, BufWriter, Stdout, Write},
    panic,
    sync::atomic::{AtomicBool, Ordering},
};

use crossterm::{
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute, queue,
    terminal::{
        BeginSynchronizedUpdate, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate, EnterAlternateScreen,
        LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    },
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};

/// Whether the terminal is ours right now: what a panic has to give back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Dropping it gives the terminal back.
pub struct Guard {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
}

impl Guard {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When stdout is no terminal.
    pub fn enter() -> io::Result<Self> {
        give_back_on_panic();
        take(&mut io::stdout(), enable_raw_mode)?;
        let out = BufWriter::with_capacity(BUFFER, io::stdout());
        // From here on the drop of the guard gives it back.
        Ok(Self { terminal: Terminal::new(CrosstermBackend::new(out))?, mouse: false })
    }

    /// Draws a frame, of which only what differs from the last one is sent.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        // The terminal shows it whole or not yet.
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(picture)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Sends the next frame whole.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Whether the terminal reports the mouse.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        let out = self.terminal.backend_mut();
        if on { execute!(out, EnableMouseCapture) } else { execute!(out, DisableMouseCapture) }
    }

    /// Hands the text to the terminal's clipboard, which also works over ssh (OSC 52).
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        write!(out, "\x1b]52;c;{}\x07", base64(text.as_bytes()))?;
        out.flush()
    }

    /// Gives the terminal back, stops the process as ^Z does, and takes it again once the shell calls back.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back(&mut io::stdout())?;
        // The whole group, as the terminal's own ^Z: who runs us in a pipe or a script stops too.
        kill(Pid::from_raw(0), Signal::SIGTSTP)?;
        self.resume()
    }

    /// Takes the terminal again after someone else had it.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resume(&mut self) -> io::Result<()> {
        take(&mut io::stdout(), enable_raw_mode)?;
        if self.mouse {
            self.mouse(true)?;
        }
        self.redraw()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A terminal that is gone cannot be put right.
        let _ = give_back(&mut io::stdout());
    }
}

/// Large enough that a frame is one write.
const BUFFER: usize = 64 * 1024;

fn take(out: &mut impl Write, raw: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    raw()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, DisableLineWrap, Hide)
}

/// Everything that [`take`] and the mouse switched on, off again; nothing if that was done.
fn give_back(out: &mut impl Write) -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let shown = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        EnableLineWrap,
        LeaveAlternateScreen,
        Show
    );
    disable_raw_mode()?;
    shown
}

/// So that what a panic says can be read, where it belongs.
fn give_back_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            let _ = give_back(&mut io::stdout());
            before(panicked);
        }));
    });
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sign = |bits: u32| char::from(SIGNS[(bits & 63) as usize]);
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.extend([sign(bits >> 18), sign(bits >> 12)]);
        text.push(if group.len() > 1 { sign(bits >> 6) } else { '=' });
        text.push(if group.len() > 2 { sign(bits) } else { '=' });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_switched_on_is_switched_off_once() {
        let (mut on, mut off, mut again) = (Vec::new(), Vec::new(), Vec::new());
        take(&mut on, || Ok(())).unwrap();
        give_back(&mut off).unwrap();
        give_back(&mut again).unwrap();
        let (on, off) = (String::from_utf8(on).unwrap(), String::from_utf8(off).unwrap());
        for mode in ["?1049", "?2004"] {
            assert!(on.contains(&format!("{mode}h")) && off.contains(&format!("{mode}l")), "{mode}: {on:?} {off:?}");
        }
        for mode in ["?7", "?25"] {
            assert!(on.contains(&format!("{mode}l")) && off.contains(&format!("{mode}h")), "{mode}: {on:?} {off:?}");
        }
        assert!(off.contains("?1000l"), "{off:?}");
        assert!(again.is_empty());
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let cases = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("ü?", "w7w/")];
        for (text, coded) in cases {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
