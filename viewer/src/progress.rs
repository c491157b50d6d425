//! A sign on stderr that something slow is going on. It appears late, and only where a person looks.

use std::{
    cell::Cell,
    future::Future,
    io::{self, IsTerminal as _, Write as _},
    rc::Rc,
    time::Duration,
};

use tokio::time::Instant;

/// What is done sooner needs no sign.
const PATIENCE: Duration = Duration::from_millis(300);
const TURN: Duration = Duration::from_millis(120);
const FRAMES: [&str; 8] = ["⣾", "⣽", "⣻", "⢿", "⡿", "⣟", "⣯", "⣷"];
const ASCII_FRAMES: [&str; 4] = ["|", "/", "-", "\\"];

/// A sign that turns while work goes on. Its copies are one and the same sign.
#[derive(Clone, Debug)]
pub struct Spinner {
    what: &'static str,
    ascii: bool,
    /// Whether it may be drawn at all, and whether it is.
    state: Rc<Cell<State>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Off,
    Waiting,
    Drawn,
}

impl Spinner {
    /// One that says what is going on, such as `reading`. Off where stderr is no terminal, or `quiet`.
    #[must_use]
    pub fn new(what: &'static str, quiet: bool, ascii: bool) -> Self {
        let is_on = !quiet && io::stderr().is_terminal();
        let state = if is_on { State::Waiting } else { State::Off };
        Self { what, ascii, state: Rc::new(Cell::new(state)) }
    }

    /// Removes it for good: something else is written from now on.
    pub fn stop(&self) {
        self.clear();
        self.state.set(State::Off);
    }

    /// Makes room for something that is said beside it.
    pub fn clear(&self) {
        if self.state.get() == State::Drawn {
            self.state.set(State::Waiting);
            // A terminal that is gone shows nothing anyway.
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }

    /// Does `work`, turning meanwhile, and saying how far it is.
    pub async fn during<T>(&self, work: impl Future<Output = T>, how_far: &dyn Fn() -> String) -> T {
        let began = Instant::now();
        let turn = async {
            tokio::time::sleep(PATIENCE).await;
            for number in 0_usize.. {
                if self.state.get() == State::Off {
                    break;
                }
                self.draw(number, began.elapsed(), &how_far());
                tokio::time::sleep(TURN).await;
            }
            std::future::pending::<()>().await;
        };
        let done = tokio::select! {
            biased;
            done = work => done,
            () = turn => unreachable!("it never ends"),
        };
        self.clear();
        done
    }

    fn draw(&self, number: usize, elapsed: Duration, how_far: &str) {
        if self.state.get() != State::Off {
            self.state.set(State::Drawn);
            let frames: &[&str] = if self.ascii { &ASCII_FRAMES } else { &FRAMES };
            let frame = frames[number % frames.len()];
            let (what, seconds) = (self.what, elapsed.as_secs());
            // A terminal that is gone shows nothing anyway.
            let _ = write!(io::stderr(), "\r\x1b[K{frame} {what} {seconds}s{how_far}, Ctrl-C stops it");
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if Rc::strong_count(&self.state) == 1 {
            self.stop();
        }
    }
}
