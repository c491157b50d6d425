//! Pictures of every screen, at the sizes that people have.

use crate::tui::{
    ask::{Answer, Lines, Problem},
    event::Event,
    sample::{SECOND, Viewer, errors, functions, line, lines, tail},
    state::Screen,
    theme::{Name, Theme},
};

fn functions_screen(columns: u16, rows: u16) -> Viewer {
    let mut viewer = Viewer::new(Screen::Functions(Box::default()), columns, rows);
    let (ticket, _) = viewer.asked();
    viewer.answer(ticket, Answer::Functions(functions()));
    viewer.event(Event::Ended(ticket));
    viewer
}

fn tail_screen(columns: u16, rows: u16) -> Viewer {
    let mut there = lines(500..560);
    there[53] = line(553, "StripeError: card_declined\n    at charge (index.js:10)\n    at run (index.js:3)");
    there[53].severity_number = 17;
    there[54] = line(554, "\u{1b}[31mhostile\u{1b}[0m \u{202e}日本語 wide");
    there[55].severity_number = 13;
    there[56] = line(556, &"a long line ".repeat(40));
    let (mut viewer, ticket) = tail(columns, rows, there);
    let mut late = vec![line(557, "held back for a while")];
    late.extend(lines(590..596));
    viewer.answer(ticket, Answer::Lines(Lines::Arrived(late)));
    viewer
}

#[test]
fn functions_at_three_sizes() {
    for (columns, rows) in [(80, 24), (120, 40), (300, 100)] {
        insta::assert_snapshot!(format!("functions_{columns}x{rows}"), functions_screen(columns, rows).picture());
    }
}

#[test]
fn tail_at_three_sizes() {
    for (columns, rows) in [(80, 24), (120, 40), (300, 100)] {
        insta::assert_snapshot!(format!("tail_{columns}x{rows}"), tail_screen(columns, rows).picture());
    }
}

#[test]
fn errors_at_three_sizes() {
    for (columns, rows) in [(80, 24), (120, 40), (300, 100)] {
        let mut viewer = Viewer::new(Screen::Errors(Box::default()), columns, rows);
        let (ticket, _) = viewer.asked();
        viewer.answer(ticket, Answer::Errors(errors())).event(Event::Ended(ticket));
        insta::assert_snapshot!(format!("errors_{columns}x{rows}"), viewer.picture());
    }
}

#[test]
fn a_small_terminal_still_shows_what_matters() {
    insta::assert_snapshot!("tail_40x10", tail_screen(40, 10).picture());
    insta::assert_snapshot!("functions_40x10", functions_screen(40, 10).picture());
    let mut tiny = tail_screen(10, 3);
    assert!(tiny.picture().contains("too small"));
    tiny.press("kjG?q:x");
}

#[test]
fn the_first_frame_says_that_something_is_asked() {
    let viewer = Viewer::new(Screen::Functions(Box::default()), 80, 8);
    insta::assert_snapshot!("first_frame", viewer.picture());
}

#[test]
fn a_wait_is_shown_and_can_be_stopped() {
    let mut viewer = Viewer::new(Screen::Functions(Box::default()), 80, 8);
    viewer.now += 2 * SECOND;
    viewer.event(Event::Tick);
    assert!(viewer.picture().contains("2.000s  Esc stops"), "{}", viewer.picture());
    viewer.press("<Esc>");
    assert!(viewer.picture().contains("stopped; R asks again"));
}

#[test]
fn a_problem_is_shown_with_what_to_do() {
    let mut viewer = Viewer::new(Screen::Functions(Box::default()), 80, 12);
    let (ticket, _) = viewer.asked();
    let what = "cannot reach ClickHouse at http://127.0.0.1:8123: Connection refused (os error 111)".to_owned();
    let next =
        "start the local stack with `lambdaview local`, or name a server with --url or CLICKHOUSE_URL".to_owned();
    viewer.event(Event::Failed(ticket, Problem { what, next: Some(next) }));
    insta::assert_snapshot!("problem", viewer.picture());
}

#[test]
fn what_lies_over_the_screen() {
    let mut viewer = tail_screen(80, 24);
    insta::assert_snapshot!("help", viewer.press("?").picture());
    insta::assert_snapshot!("palette", viewer.press("q:copy").picture());
    insta::assert_snapshot!("choose", viewer.press("<Esc>kkkkkx").picture());
    insta::assert_snapshot!("prompt", viewer.press("<Esc>/card").picture());
}

#[test]
fn ascii_and_no_colours_do_without_either() {
    let mut viewer = tail_screen(80, 24);
    viewer.theme = Theme { name: Name::Mono, ascii: true };
    viewer.press("k?");
    let picture = viewer.picture();
    let ours: String = picture.lines().filter(|line| !line.contains("hostile")).collect();
    assert!(ours.is_ascii(), "{picture}");
}

#[test]
fn nothing_hostile_reaches_the_screen() {
    let body: String = (0..=0x9f).chain(0x2028..=0x202e).chain(0x2066..=0x2069).filter_map(char::from_u32).collect();
    let mut hostile = line(1, &format!("{body}\x1b]52;c;aGk=\x07 \x1b[2J \u{9b}31m"));
    hostile.function = "f\u{1b}]0;t\u{7}".into();
    hostile.invocation_id = "\u{1b}[31m\u{202e}".into();
    let (mut viewer, _) = tail(200, 30, vec![line(0, "before"), hostile]);
    for keys in ["", "f", "Z", "X", "<Esc>/\u{1b}<Enter>", "yy"] {
        let picture = viewer.press(keys).picture();
        let found: Vec<char> = picture
            .chars()
            .filter(|c| *c != '\n' && (c.is_control() || "\u{202e}\u{2028}\u{2066}".contains(*c)))
            .collect();
        assert!(found.is_empty(), "{keys}: {found:?}");
    }
}
