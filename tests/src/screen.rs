//! A terminal with a shell on it, as people have one: tmux, so that what a program leaves behind can be seen as well.

use crate::until::{GENEROUS, until};
use std::{
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

static SCREENS: AtomicU32 = AtomicU32::new(0);

/// A shell in a tmux of its own. Dropping it ends both.
#[derive(Debug)]
pub struct Screen {
    socket: String,
}

impl Screen {
    /// Whether this machine has tmux.
    #[must_use]
    pub fn is_possible() -> bool {
        Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success())
    }

    /// A shell on a terminal of `columns` by `rows`, with these variables and in this home.
    ///
    /// # Panics
    /// When tmux does not start.
    #[must_use]
    pub fn new(columns: u16, rows: u16, home: &Path, variables: &[(String, String)]) -> Self {
        let number = SCREENS.fetch_add(1, Ordering::Relaxed);
        let screen = Self { socket: format!("lambdaview-test-{}-{number}", std::process::id()) };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let home = format!("HOME={}", home.display());
        let variables: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut arguments = vec!["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows];
        // By `env` and not by tmux, which gives the shell its own PATH whatever it is told.
        arguments.extend(["env", home.as_str(), "PS1=$ ", "TZ=UTC"]);
        arguments.extend(variables.iter().map(String::as_str));
        arguments.extend(["bash", "--norc", "--noprofile"]);
        let started = screen.tmux(&arguments);
        assert!(started.status.success(), "tmux: {}", String::from_utf8_lossy(&started.stderr));
        screen
    }

    /// Presses keys, in tmux's words: `j`, `Enter`, `C-z`.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn press(&self, keys: &[&str]) {
        let mut arguments = vec!["send-keys"];
        arguments.extend(keys);
        assert!(self.tmux(&arguments).status.success(), "the terminal takes keys");
    }

    /// Types text.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn types(&self, text: &str) {
        assert!(self.tmux(&["send-keys", "-l", text]).status.success(), "the terminal takes text");
    }

    /// Gives it another size.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        assert!(self.tmux(&["resize-window", "-x", &columns, "-y", &rows]).status.success(), "it can be resized");
    }

    /// What it shows.
    #[must_use]
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).trim_end().to_owned()
    }

    /// Waits until it shows something that `wanted` is content with.
    ///
    /// # Panics
    /// When that does not come.
    pub async fn shows_that(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        until(what, GENEROUS, || async {
            let shown = self.shown();
            if wanted(&shown) { Ok(shown) } else { Err(shown) }
        })
        .await
    }

    /// Waits until it shows `text`.
    ///
    /// # Panics
    /// When that does not come.
    pub async fn shows(&self, text: &str) -> String {
        self.shows_that(text, |shown| shown.contains(text)).await
    }

    /// Whether a program has it for itself (the alternate screen), and whether the cursor, pasting in brackets and the mouse are
    /// as a shell has them.
    ///
    /// # Panics
    /// When the terminal is gone.
    #[must_use]
    pub fn modes(&self) -> String {
        let modes = "#{alternate_on} #{cursor_flag} #{wrap_flag} #{mouse_any_flag}";
        String::from_utf8_lossy(&self.tmux(&["display-message", "-p", modes]).stdout).trim().to_owned()
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        Command::new("tmux").args(["-L", &self.socket]).args(arguments).output().expect("tmux can be run")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}
