//! Pictures of every screen, at the sizes that people have.

use lambdaview_queries::questions::{
    invocations::{Ending, Invocation},
    lines::Line,
};

use crate::tui::{
    ask::{Answer, Lines, Problem, Slot},
    event::Event,
    sample::{SECOND, Viewer, errors, functions, grouped, line, lines, tail},
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

/// Invocations side by side: one that ended, one whose report is to come, one that said nothing, one that runs.
fn grouped_screen(columns: u16, rows: u16) -> Viewer {
    let of = |n: i64, id: char, function: &str, body: &str, severity_number: u8| Line {
        invocation_id: format!("7f3a91c{id}-3f0e-4a53-9d0c-0a6d6c4f1b11").as_str().into(),
        function: function.into(),
        severity_number,
        ..line(590 + n, body)
    };
    let there = vec![
        Line { invocation_id: "".into(), ..line(590, "a line of no invocation") },
        of(1, 'a', "charge", "charging card order=9912", 9),
        of(1, 'b', "refund", "START RequestId: 7f3a91cb-3f0e-4a53-9d0c-0a6d6c4f1b11", 9),
        of(2, 'c', "charge", "charging card order=9913", 9),
        of(3, 'a', "charge", "StripeError: card_declined\n    at charge (index.js:10)", 17),
        of(4, 'd', "ledger", "slow query", 13),
        of(5, 'c', "charge", "charged", 9),
    ];
    let end = |id: char, n: i64, ending: Ending, billed: Option<u64>| Invocation {
        request_id: format!("7f3a91c{id}-3f0e-4a53-9d0c-0a6d6c4f1b11"),
        start: line(590 + n, "").time,
        duration: Some(3_501_000_000),
        ending,
        billed,
        memory_used: billed.map(|_| 118 << 20),
        memory_size: billed.map(|_| 512 << 20),
        cold: Some(id == 'a'),
        init: (id == 'a').then_some(412_000_000),
        version: "42".to_owned(),
        trace_id: "5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned(),
        ..Invocation::default()
    };
    let (mut viewer, _) = grouped(columns, rows, there);
    let (ticket, _) = viewer.asked_in(Slot::Ends).unwrap();
    let ended = vec![
        end('a', 1, Ending::Failed, Some(3_502_000_000)),
        end('b', 1, Ending::Ok, Some(23_000_000)),
        end('c', 2, Ending::Ok, None),
        end('d', 4, Ending::Unknown, None),
    ];
    viewer.answer(ticket, Answer::Ends(ended)).event(Event::Ended(ticket));
    viewer
}

#[test]
fn lines_by_invocation_at_three_sizes() {
    for (columns, rows) in [(80, 24), (120, 40), (300, 100)] {
        insta::assert_snapshot!(format!("grouped_{columns}x{rows}"), grouped_screen(columns, rows).picture());
    }
    let mut ascii = grouped_screen(100, 20);
    ascii.theme = Theme { name: Name::Mono, ascii: true };
    assert!(ascii.picture().is_ascii(), "{}", ascii.picture());
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
