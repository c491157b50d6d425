//! A terminal that a program runs on: what it shows is kept, what is typed reaches it.

use crate::until::{GENEROUS, ended, until};
use nix::pty::{Winsize, openpty};
use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd as _, OwnedFd},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};
use tokio::process::{Child, Command};

/// A program on a terminal of its own. Dropping it kills the program.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: thread::JoinHandle<()>,
}

impl Terminal {
    /// Starts `command` with its standard streams on a terminal of `columns` by `rows`.
    ///
    /// # Panics
    /// When there is no terminal to be had, or the program cannot be run.
    #[must_use]
    pub fn start(command: &mut Command, columns: u16, rows: u16) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).expect("a terminal can be made");
        let end = || Stdio::from(pair.slave.as_fd().try_clone_to_owned().expect("a descriptor can be copied"));
        let child = command.stdin(end()).stdout(end()).stderr(end()).kill_on_drop(true).spawn();
        let child = child.expect("the program can be run");
        // The command keeps its copies: reading ends only when nobody holds the other end.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        drop(pair.slave);
        let keyboard = File::from(pair.master.try_clone().expect("a descriptor can be copied"));
        let shown = Arc::default();
        let reader = read(pair.master, Arc::clone(&shown));
        Self { child, keyboard, shown, reader }
    }

    /// Everything that it has shown so far.
    ///
    /// # Panics
    /// Never: nobody who holds the lock panics.
    #[must_use]
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("no holder of this lock panics")).into_owned()
    }

    /// Whether it has shown `text`, letter by letter as it was sent.
    ///
    /// # Panics
    /// Never: nobody who holds the lock panics.
    #[must_use]
    pub fn has_shown(&self, text: &str) -> bool {
        let shown = self.shown.lock().expect("no holder of this lock panics");
        shown.windows(text.len()).any(|part| part == text.as_bytes())
    }

    /// The program's process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> i32 {
        let id = self.child.id().expect("the program runs");
        i32::try_from(id).expect("Linux has no higher ids")
    }

    /// Types `keys`.
    ///
    /// # Panics
    /// When the terminal is gone.
    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes what is typed");
    }

    /// Waits for the program's end, and until everything that it showed has been kept.
    ///
    /// # Panics
    /// When it does not end, or somebody else keeps its terminal.
    pub async fn ended(&mut self) -> ExitStatus {
        let status = ended("the end of a program on a terminal", self.child.wait()).await;
        until("the end of what a terminal shows", GENEROUS, || async {
            self.reader.is_finished().then_some(()).ok_or_else(|| self.shown())
        })
        .await;
        status.expect("our own child can be waited for")
    }
}

/// Reads until nobody holds the terminal's other end, which Linux tells by an error.
fn read(master: OwnedFd, shown: Arc<Mutex<Vec<u8>>>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut screen = File::from(master);
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut bytes) {
            shown.lock().expect("no holder of this lock panics").extend_from_slice(&bytes[..count]);
        }
    })
}
