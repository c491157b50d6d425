//! What the terminal reports, as events.

use std::{future::poll_fn, io, pin::Pin};

use crossterm::event::{self as terminal, KeyCode, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use futures_core::Stream as _;

use super::event::{Code, Event, Key, Mouse};

/// Keys, sizes, pasted text.
pub(super) struct Input {
    stream: terminal::EventStream,
}

impl Input {
    /// Listens to the terminal.
    #[must_use]
    pub(super) fn new() -> Self {
        Self { stream: terminal::EventStream::new() }
    }

    /// The next thing that means something.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(super) async fn next(&mut self) -> io::Result<Event> {
        loop {
            let next = poll_fn(|context| Pin::new(&mut self.stream).poll_next(context)).await;
            let reported = next.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))??;
            if let Some(event) = event(reported) {
                return Ok(event);
            }
        }
    }
}

fn event(reported: terminal::Event) -> Option<Event> {
    match reported {
        terminal::Event::Key(key) if key.kind != KeyEventKind::Release => {
            let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
            code(key.code, ctrl).map(|code| Event::Key(Key { code, ctrl }))
        }
        terminal::Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => Some(Event::Mouse(Mouse::Up)),
            MouseEventKind::ScrollDown => Some(Event::Mouse(Mouse::Down)),
            MouseEventKind::Down(MouseButton::Left) => Some(Event::Mouse(Mouse::Click { row: mouse.row })),
            _ => None,
        },
        terminal::Event::Paste(text) => Some(Event::Paste(text)),
        terminal::Event::Resize(columns, rows) => Some(Event::Resize { columns, rows }),
        _ => None,
    }
}

const fn code(code: KeyCode, ctrl: bool) -> Option<Code> {
    Some(match code {
        KeyCode::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        _ => return None,
    })
}
