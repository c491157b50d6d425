//! How long the viewer takes for a frame: `cargo bench -p lambdaview --bench frame`, part of `make bench`.
//!
//! A tail screen holds a million lines; it is scrolled, searched and drawn on a terminal of 200 by 60 that is memory only.

use std::time::{Duration, Instant};

use lambdaview::tui::{
    ask::{Answer, Lines, Mode, Ticket},
    event::{Event, Key},
    state::{Beginning, Effect, Screen, State},
    theme::Theme,
    view,
};
use lambdaview_queries::questions::lines::Line;
use ratatui::{Terminal, backend::TestBackend};

const LINES: i64 = 1_000_000;
const FRAMES: usize = 400;
const AIM: Duration = Duration::from_millis(8);
const SECOND: i64 = 1_000_000_000;
const NOW: i64 = 1_795_356_131 * SECOND;

fn main() {
    let mut state = followed();
    let frames = |state: &mut State, keys: &str| {
        let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a terminal in memory");
        let mut took: Vec<Duration> =
            keys.chars().cycle().take(FRAMES).map(|key| frame(state, &mut terminal, key)).collect();
        took.sort_unstable();
        (took[FRAMES / 2], took[FRAMES * 99 / 100])
    };
    println!("a frame of the viewer at 200x60, key to picture, {LINES} lines behind it (aim {AIM:?})");
    for (what, prepare, keys) in [
        ("following", "", "G"),
        ("scrolling", "", "bbbb  kkkj"),
        ("from error to error", "", "EEEe"),
        ("with a search of 37,000 hits", "/order=27\n", "nNNn"),
        ("with long lines wrapped", "Z", "bb kj"),
    ] {
        press(&mut state, prepare);
        let (median, p99) = frames(&mut state, keys);
        println!("  {what:<30} median {median:>9.1?}  p99 {p99:>9.1?}");
    }
    let began = Instant::now();
    press(&mut state, "/no such thing\n");
    println!("  a search through all of them, once {:>9.1?}", began.elapsed());
    let began = Instant::now();
    press(&mut state, "&order=1\n");
    println!("  a filter over all of them, a letter {:>8.1?}", began.elapsed() / 8);
}

/// A viewer that follows a function whose lines have all come.
fn followed() -> State {
    let beginning = Beginning { server: "bench".to_owned(), columns: 200, rows: 60, ..Beginning::default() };
    let (mut state, effects) = State::new(beginning, Screen::tail("charge"), NOW);
    let ticket = effects.iter().find_map(|effect| match effect {
        Effect::Ask(ticket, _) => Some(*ticket),
        _ => None,
    });
    let ticket: Ticket = ticket.expect("a tail asks for lines");
    state.update(Event::Answer(ticket, Answer::Following(Mode::Exact)), NOW);
    for first in (0..LINES).step_by(2_000) {
        let lines = Lines::Arrived((first..first + 2_000).map(line).collect());
        state.update(Event::Answer(ticket, Answer::Lines(lines)), NOW);
    }
    state
}

fn line(n: i64) -> Line {
    let body = match n % 50 {
        7 => format!("{{\"level\":\"info\",\"order\":{n},\"amount\":42.10}}"),
        11 => format!("StripeError: card_declined order={n}\n    at charge (index.js:10)\n    at run (index.js:3)"),
        _ => format!("charging card order={n}"),
    };
    Line {
        time: NOW - (LINES - n) * 1_000_000,
        severity_number: if n % 50 == 11 { 17 } else { 9 },
        function: "charge".into(),
        invocation_id: format!("{:08x}-3f0e-4a53-9d0c-0a6d6c4f1b11", n / 40).as_str().into(),
        offset: n.unsigned_abs(),
        body: body.as_str().into(),
        ..Line::default()
    }
}

fn frame(state: &mut State, terminal: &mut Terminal<TestBackend>, key: char) -> Duration {
    let began = Instant::now();
    state.update(Event::Key(Key::char(key)), NOW);
    terminal.draw(|frame| view::draw(state, Theme::default(), frame)).expect("a terminal in memory");
    began.elapsed()
}

fn press(state: &mut State, keys: &str) {
    for key in keys.chars() {
        let key = if key == '\n' { Key::plain(lambdaview::tui::event::Code::Enter) } else { Key::char(key) };
        state.update(Event::Key(key), NOW);
    }
}
