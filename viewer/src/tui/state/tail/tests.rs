//! The tail screen as one uses it: what is in view after which keys, what is asked, what is lost (nothing) and what is bounded.

use lambdaview_queries::{
    filter::Filter,
    questions::{
        invocations::{Ending, Invocation},
        lines::Line,
    },
    window::Window,
};

use super::*;
use crate::tui::{
    ask::{Answer, Lines, Mode, Sought, Ticket},
    sample::{NOW, SECOND, Viewer, grouped, line, lines, tail},
    state::{Effect, Screen},
};

fn of(viewer: &Viewer) -> &Tail {
    match viewer.state.screen() {
        Screen::Tail(tail) => tail,
        screen => panic!("{screen:?}"),
    }
}

fn sought(viewer: &Viewer) -> Sought {
    of(viewer).sought()
}

fn body(viewer: &Viewer) -> String {
    of(viewer).line().unwrap().body.to_owned()
}

fn top(viewer: &Viewer) -> String {
    let tail = of(viewer);
    tail.store.get(tail.top).unwrap().body.to_owned()
}

fn arrive(viewer: &mut Viewer, ticket: Ticket, lines: Vec<Line>) {
    viewer.answer(ticket, Answer::Lines(Lines::Arrived(lines)));
}

#[test]
fn following_stays_with_the_newest_line_until_one_scrolls() {
    let (mut viewer, ticket) = tail(80, 12, lines(0..100));
    assert_eq!((body(&viewer).as_str(), top(&viewer).as_str()), ("charging card order=99", "charging card order=90"));
    arrive(&mut viewer, ticket, lines(100..103));
    assert_eq!(body(&viewer), "charging card order=102");
    viewer.press("k");
    arrive(&mut viewer, ticket, lines(103..200));
    assert_eq!((body(&viewer).as_str(), top(&viewer).as_str()), ("charging card order=101", "charging card order=93"));
    assert_eq!((of(&viewer).flow, of(&viewer).unseen), (Flow::Scrolled, 97));
    for key in ["F", "G"] {
        viewer.press("k").press(key);
        assert_eq!((body(&viewer).as_str(), of(&viewer).flow), ("charging card order=199", Flow::Following), "{key}");
    }
}

#[test]
fn a_pause_holds_lines_back_and_loses_none() {
    let (mut viewer, ticket) = tail(80, 12, lines(0..5));
    viewer.press("p");
    arrive(&mut viewer, ticket, lines(5..9));
    assert_eq!((of(&viewer).count(), of(&viewer).unseen), (5, 4));
    viewer.press("gG");
    viewer.press("p");
    viewer.press("p");
    assert_eq!((of(&viewer).count(), body(&viewer).as_str()), (9, "charging card order=8"));
}

#[test]
fn a_line_that_comes_after_newer_ones_is_marked_late_and_shown_where_it_came() {
    let (mut viewer, ticket) = tail(80, 12, lines(0..10));
    arrive(&mut viewer, ticket, vec![line(6, "held back")]);
    assert_eq!(of(&viewer).line().unwrap().late, Some(3 * SECOND.unsigned_abs()));
    assert_eq!((body(&viewer).as_str(), of(&viewer).late), ("held back", 1));
}

#[test]
fn older_lines_are_asked_for_near_the_first_and_the_view_stays_where_it_is() {
    let (mut viewer, _) = tail(80, 12, lines(500..600));
    viewer.press("g");
    let (older, ask) = viewer.asked();
    assert_eq!(ask, Ask::Older { sought: sought(&viewer), until: line(500, "").time, count: 1_000 });
    viewer.press("j");
    assert!(!viewer.effects.iter().any(|effect| matches!(effect, Effect::Ask(..))), "it is not asked twice");
    // The boundary's own line comes again.
    viewer.answer(older, Answer::Lines(Lines::Older { lines: lines(450..501), wanted: 51 }));
    assert_eq!((of(&viewer).count(), body(&viewer).as_str()), (150, "charging card order=501"));
    assert_eq!(top(&viewer), "charging card order=500");
    viewer.event(crate::tui::event::Event::Ended(older)).press("g");
    let (older, _) = viewer.asked();
    viewer.answer(older, Answer::Lines(Lines::Older { lines: lines(440..451), wanted: 1_000 }));
    viewer.press("g");
    assert_eq!(body(&viewer), "charging card order=440");
    assert!(viewer.effects.is_empty(), "there is nothing older: {:?}", viewer.effects);
}

#[test]
fn a_flood_is_held_in_bounded_memory_and_what_was_skipped_is_told_and_read_again() {
    let mut viewer = Viewer::new(Screen::Tail(Box::new(Tail::new("charge").within(1 << 20))), 80, 12);
    let (ticket, _) = viewer.asked();
    viewer.answer(ticket, Answer::Lines(Lines::There(lines(0..100)))).answer(ticket, Answer::Following(Mode::Exact));
    arrive(&mut viewer, ticket, lines(100..50_000));
    assert!(of(&viewer).store.bytes() < 2 << 20, "{}", of(&viewer).store.bytes());
    assert_eq!((of(&viewer).skipped, body(&viewer).as_str()), (0, "charging card order=49999"));
    viewer.press("g");
    let first = body(&viewer);
    for n in 0..20 {
        arrive(&mut viewer, ticket, lines(50_000 + n * 5_000..55_000 + n * 5_000));
    }
    assert_eq!(body(&viewer), first, "what is looked at stays");
    let tail = of(&viewer);
    assert!(tail.store.bytes() < 8 << 20, "{}", tail.store.bytes());
    assert!(tail.skipped > 0);
    let last = tail.store.from(Number::MIN).last().unwrap().1.time;
    assert_eq!(last + i64::try_from(tail.skipped).unwrap() * SECOND, line(149_999, "").time, "told exactly");
    viewer.press("G");
    assert!(matches!(viewer.asked().1, Ask::Tail { .. }), "it is read again");
}

#[test]
fn searching_finds_the_nearest_and_goes_on_both_ways() {
    let mut there = lines(0..50);
    for n in [10, 20, 30] {
        there[n] = line(n as i64, &format!("StripeError: card_DECLINED {n}"));
    }
    let (mut viewer, ticket) = tail(80, 12, there);
    viewer.press("/declined<Enter>");
    assert_eq!(body(&viewer), "StripeError: card_DECLINED 30");
    let steps = [("N", 20), ("N", 10), ("n", 20), ("n", 30), ("n", 30)];
    for (key, at) in steps {
        viewer.press(key);
        assert_eq!(body(&viewer), format!("StripeError: card_DECLINED {at}"), "{key}");
    }
    assert!(viewer.state.said.as_ref().unwrap().contains("no declined below"));
    arrive(&mut viewer, ticket, vec![line(60, "declined again")]);
    viewer.press("n");
    assert_eq!(body(&viewer), "declined again");
    let status = viewer.state.screen().page().status();
    assert_eq!(status.as_deref(), Some("/declined  4/4"));
}

#[test]
fn filters_hide_and_show_without_losing_a_line_or_the_place() {
    let mut there = lines(0..30);
    there[12].severity_number = 17;
    let (mut viewer, _) = tail(80, 12, there.clone());
    viewer.press("E");
    assert_eq!(body(&viewer), "charging card order=12");
    viewer.press("X2");
    assert_eq!((of(&viewer).count(), body(&viewer).as_str()), (1, "charging card order=12"), "at once");
    let (ticket, ask) = viewer.asked();
    let errors = Filter::Severity(17).and(Filter::Not(Box::new(Filter::Severity(21))));
    assert!(
        matches!(&ask, Ask::Tail { sought, reach: Some(reach), .. } if sought.filter == errors && *reach == there[12].time),
        "the server leaves them out, and goes back as far as the cursor: {ask:?}"
    );
    viewer.answer(ticket, Answer::Lines(Lines::There(vec![there[12].clone()])));
    viewer.answer(ticket, Answer::Following(Mode::Exact));
    assert_eq!((of(&viewer).count(), body(&viewer).as_str()), (1, "charging card order=12"));
    let (ticket, ask) = viewer.press("&<Enter>").asked();
    assert!(matches!(&ask, Ask::Tail { sought, .. } if sought.filter == Filter::Everything), "{ask:?}");
    there.extend(lines(30..40));
    viewer.answer(ticket, Answer::Lines(Lines::There(there)));
    assert_eq!((of(&viewer).count(), body(&viewer).as_str()), (40, "charging card order=12"));
    viewer.press("&order=1");
    assert_eq!(of(&viewer).count(), 11);
    assert!(viewer.effects.is_empty(), "nobody is asked by half a word");
    viewer.press("<Esc>");
    assert_eq!((of(&viewer).count(), body(&viewer).as_str()), (40, "charging card order=12"));
    viewer.press("x1");
    assert_eq!(of(&viewer).count(), 0);
}

#[test]
fn what_was_given_with_the_functions_holds_beside_what_is_typed() {
    let given = Given { filter: Filter::Severity(13), shown: "-l 13".to_owned() };
    let names = vec!["charge".to_owned(), "pay-*".to_owned()];
    let mut viewer = Viewer::new(Screen::Tail(Box::new(Tail::of(names.clone(), given))), 100, 12);
    let (ticket, ask) = viewer.asked();
    assert!(
        matches!(&ask, Ask::Tail { sought, .. } if sought.functions == names && sought.filter == Filter::Severity(13)),
        "{ask:?}"
    );
    viewer.answer(ticket, Answer::Lines(Lines::There(lines(0..3)))).answer(ticket, Answer::Following(Mode::Exact));
    assert!(viewer.picture().contains("tail charge pay-*") && viewer.picture().contains("-l 13"));
    let (_, ask) = viewer.press("&ord<Enter>").asked();
    let Ask::Tail { sought, .. } = ask else { panic!("{ask:?}") };
    assert!(
        matches!(&sought.filter, Filter::All(all) if all.len() == 2 && all[0] == Filter::Severity(13)),
        "{sought:?}"
    );
}

#[test]
fn a_mark_outlives_a_filter_that_leaves_its_line_out() {
    let (mut viewer, _) = tail(80, 12, lines(0..30));
    viewer.press("kkkma");
    assert_eq!(body(&viewer), "charging card order=26");
    let (ticket, _) = viewer.press("&order=1<Enter>").asked();
    viewer.answer(ticket, Answer::Lines(Lines::There(lines(10..20)))).press("'a");
    assert!(viewer.state.said.as_ref().unwrap().contains("not among those here"));
    let (ticket, _) = viewer.press("&<^u><Enter>").asked();
    viewer.answer(ticket, Answer::Lines(Lines::There(lines(0..30)))).press("'a");
    assert_eq!(body(&viewer), "charging card order=26");
}

#[test]
fn errors_invocations_and_marks_are_gone_to() {
    let mut there = lines(0..90);
    there[40].severity_number = 17;
    there[70].severity_number = 13;
    let (mut viewer, _) = tail(80, 12, there);
    let steps = [("E", 40), ("e", 40), ("ma", 40), ("w", 70), ("o", 71), ("o", 71), ("O", 70), ("O", 69), ("'a", 40)];
    for (keys, at) in steps {
        viewer.press(keys);
        assert_eq!(body(&viewer), format!("charging card order={at}"), "{keys}");
    }
    viewer.press("i");
    assert_eq!(of(&viewer).count(), 3);
    viewer.press("i");
    assert_eq!((of(&viewer).count(), body(&viewer).as_str()), (90, "charging card order=40"));
}

#[test]
fn lines_of_several_rows_are_unfolded_and_wrapped_within_the_view() {
    let mut there = lines(0..20);
    there[19] = line(19, "Error: a\n    at b\n    at c");
    there[18] = line(18, r#"{"order":1,"items":[1,2]}"#);
    there[17] = line(17, &"long ".repeat(60));
    let (mut viewer, _) = tail(80, 12, there);
    viewer.press("f");
    assert_eq!((body(&viewer).lines().count(), top(&viewer).as_str()), (3, "charging card order=12"));
    viewer.press("kf");
    let tail_screen = of(&viewer);
    assert_eq!(tail_screen.height(tail_screen.cursor, &viewer.state.around()), 7);
    viewer.press("Zk");
    let tail_screen = of(&viewer);
    assert_eq!(tail_screen.height(tail_screen.cursor, &viewer.state.around()), 6);
    assert_eq!(viewer.picture().lines().count(), 12);
}

#[test]
fn what_is_copied_is_what_is_under_the_cursor() {
    let (mut viewer, _) = tail(80, 12, lines(0..4));
    let copied = |viewer: &Viewer| match &viewer.effects[..] {
        [Effect::Copy(text)] => text.clone(),
        effects => panic!("{effects:?}"),
    };
    assert_eq!(copied(viewer.press("yy")), "charging card order=3");
    assert_eq!(copied(viewer.press("yr")), "00000001-3f0e-4a53-9d0c-0a6d6c4f1b11");
    assert_eq!(copied(viewer.press("yc")), format!("lambdaview trace {:032x}", 1));
    let json: serde_json::Value = serde_json::from_str(&copied(viewer.press("yj"))).unwrap();
    assert_eq!(json["body"], "charging card order=3");
}

#[test]
fn marked_lines_are_saved_else_those_that_are_shown() {
    let (mut viewer, _) = tail(80, 12, lines(0..4));
    let saved = |viewer: &Viewer| match &viewer.effects[..] {
        [Effect::Save { path, text }] => (path.clone(), text.lines().count()),
        effects => panic!("{effects:?}"),
    };
    assert_eq!(saved(viewer.press("s<^u>a.log<Enter>")), ("a.log".to_owned(), 4));
    viewer.press("kma");
    assert_eq!(saved(viewer.press("s<^u>b.json<Enter>")), ("b.json".to_owned(), 1));
}

#[test]
fn a_stretch_of_time_that_is_over_is_read_and_not_followed() {
    let (mut viewer, _) = tail(80, 12, lines(0..4));
    viewer.press("T92h..1h<Enter>");
    let (ticket, ask) = viewer.asked();
    assert!(matches!(ask, Ask::Tail { until: Some(until), .. } if until == NOW - 3_600 * SECOND), "{ask:?}");
    viewer.answer(ticket, Answer::Lines(Lines::There(lines(0..2)))).event(crate::tui::event::Event::Ended(ticket));
    assert_eq!((of(&viewer).link.clone(), of(&viewer).count()), (Link::Ended, 2));
}

/// An invocation that ended well a moment after it began.
fn ended(id: &str, n: i64, billed: Option<u64>) -> Invocation {
    Invocation {
        request_id: id.to_owned(),
        function: "charge".to_owned(),
        start: line(n, "").time,
        duration: Some(501_200_000),
        ending: Ending::Ok,
        billed,
        ..Invocation::default()
    }
}

fn of_invocation(n: i64, id: &str, body: &str) -> Line {
    Line { invocation_id: id.into(), ..line(n, body) }
}

/// The bodies in the order in which they are shown.
fn bodies(viewer: &Viewer) -> Vec<String> {
    let tail = of(viewer);
    let lines = (0..tail.count()).map(|place| tail.store.get(tail.shown.number(place).unwrap()).unwrap());
    lines.map(|line| line.body.to_owned()).collect()
}

fn ends(viewer: &Viewer) -> (Ticket, Window) {
    match viewer.asked() {
        (ticket, Ask::Ends { window, functions }) if functions == ["charge"] => (ticket, window),
        asked => panic!("{asked:?}"),
    }
}

#[test]
fn lines_of_invocations_side_by_side_stand_together_between_how_they_began_and_ended() {
    let there = ["a1", "b1", "a2", "b2"].map(|body| of_invocation(0, &body[..1], body));
    let (mut viewer, lines) = grouped(100, 14, there.to_vec());
    assert_eq!(bodies(&viewer), ["a1", "a2", "b1", "b2"]);
    let (ticket, ask) = viewer.asked_in(Slot::Ends).unwrap();
    let of_page = Window { from: line(-900, "").time, until: line(900, "").time };
    assert_eq!(ask, Ask::Ends { functions: vec!["charge".to_owned()], window: of_page });
    viewer.answer(ticket, Answer::Ends(vec![ended("a", 0, Some(502_000_000)), ended("else", 0, None)]));
    let picture = viewer.picture();
    let rows: Vec<&str> = picture.lines().skip(1).take(7).map(|row| row[14..].trim_end()).collect();
    let expected = ["  ┌ a", "I │ a1", "I │ a2", "  └ a OK 501ms  billed 502ms", "  ┌ b", "I │ b1", "I │ b2"];
    assert_eq!(rows, expected, "{picture}");
    viewer.now += 6 * SECOND;
    arrive(&mut viewer, lines, vec![of_invocation(1, "a", "a3"), of_invocation(1, "c", "c1")]);
    assert_eq!(bodies(&viewer), ["a1", "a2", "b1", "b2", "a3", "c1"], "what was there long ago goes on below");
    assert!(viewer.picture().contains("├ a"), "{}", viewer.picture());
    viewer.press("B");
    assert_eq!(bodies(&viewer), ["a1", "b1", "a2", "b2", "a3", "c1"]);
}

#[test]
fn an_invocation_goes_on_where_it_stands_until_others_have_long_come_after_it() {
    let (mut viewer, lines) = grouped(100, 14, Vec::new());
    let look = |viewer: &mut Viewer, ids: &[(&str, &str)]| {
        let came = ids.iter().map(|(id, body)| of_invocation(590, id, body)).collect();
        arrive(viewer, lines, came);
    };
    look(&mut viewer, &[("a", "a1"), ("b", "b1")]);
    look(&mut viewer, &[("a", "a2")]);
    assert_eq!(bodies(&viewer), ["a1", "a2", "b1"]);
    viewer.now += 6 * SECOND;
    look(&mut viewer, &[("a", "a3"), ("a", "a4"), ("b", "b2")]);
    assert_eq!(bodies(&viewer), ["a1", "a2", "b1", "a3", "a4", "b2"]);
}

#[test]
fn a_report_that_was_pending_is_filled_in_when_it_comes() {
    let (mut viewer, lines) = grouped(120, 14, Vec::new());
    arrive(&mut viewer, lines, vec![of_invocation(595, "a", "a1"), of_invocation(596, "b", "b1")]);
    viewer.answer(lines, Answer::Following(Mode::Exact));
    let (ticket, window) = ends(&viewer);
    assert!(window.from < line(595, "").time && window.until > NOW);
    viewer.answer(ticket, Answer::Ends(vec![ended("a", 595, Some(502_000_000)), ended("b", 596, None)]));
    viewer.event(crate::tui::event::Event::Ended(ticket));
    assert!(viewer.picture().contains("└ b OK 501ms  report pending"), "{}", viewer.picture());
    viewer.answer(lines, Answer::Following(Mode::Exact));
    assert!(viewer.effects.is_empty(), "a report is not asked for at every look");
    viewer.now += 20 * SECOND;
    viewer.answer(lines, Answer::Following(Mode::Exact));
    let (ticket, _) = ends(&viewer);
    viewer.answer(ticket, Answer::Ends(vec![ended("b", 596, Some(600_000_000))]));
    viewer.event(crate::tui::event::Event::Ended(ticket));
    assert!(viewer.picture().contains("└ b OK 501ms  billed 600ms"), "{}", viewer.picture());
    viewer.now += 20 * SECOND;
    viewer.answer(lines, Answer::Following(Mode::Exact));
    assert!(viewer.effects.is_empty(), "nothing is waited for any more: {:?}", viewer.effects);
}

#[test]
fn how_invocations_ended_is_asked_beside_the_lines_and_nobody_waits_for_it() {
    let (mut viewer, lines) = grouped(100, 14, Vec::new());
    arrive(&mut viewer, lines, vec![of_invocation(595, "a", "a1")]);
    viewer.answer(lines, Answer::Following(Mode::Exact));
    let (ticket, _) = ends(&viewer);
    viewer.now += 2 * SECOND;
    viewer.event(crate::tui::event::Event::Tick);
    assert!(!viewer.picture().contains("Esc stops"), "{}", viewer.picture());
    viewer.event(crate::tui::event::Event::Failed(ticket, Problem::default()));
    assert!(matches!(of(&viewer).link, Link::Live(_)), "lines go on without");
}

#[test]
fn what_only_lambda_says_is_said_by_the_frame() {
    let said = |n, id: &str, words: &str| of_invocation(n, id, &format!("{words} RequestId: {id}"));
    let there = vec![
        said(0, "a", "START"),
        of_invocation(0, "a", "a1"),
        said(0, "b", "START"),
        said(1, "b", "END"),
        said(1, "a", "REPORT"),
        said(2, "b", "REPORT"),
        Line { invocation_id: "".into(), ..line(3, "INIT_START Runtime Version: x") },
    ];
    let (mut viewer, _) = grouped(100, 14, there);
    let (ticket, _) = viewer.asked_in(Slot::Ends).unwrap();
    viewer.answer(ticket, Answer::Ends(vec![ended("a", 0, Some(1)), ended("b", 0, Some(502_000_000))]));
    let picture = viewer.picture();
    let rows: Vec<&str> = picture.lines().skip(1).take(5).map(|row| row[14..].trim_end()).collect();
    assert!(rows[0].ends_with("┌ a") && rows[1].ends_with("│ a1") && rows[2].contains("└ a OK"), "{picture}");
    assert!(rows[3].ends_with("─ b OK 501ms  billed 502ms"), "{picture}");
    assert!(rows[4].contains("INIT_START"), "{picture}");
    viewer.press("gjt");
    assert!(matches!(viewer.asked().1, Ask::Trace(_)), "what stands for it has its trace");
}

#[test]
fn every_line_has_one_place_however_lines_come_and_go() {
    let (mut viewer, ticket) = grouped(100, 14, Vec::new());
    let mut seed = 7_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut n = 10_000;
    for round in 0..60 {
        let id = |random: &mut dyn FnMut(u64) -> u64| {
            ["", "a", "b", "c", "d"][random(5) as usize].to_owned() + &(round / 4).to_string()
        };
        let came: Vec<Line> = (0..random(40))
            .map(|_| {
                n += 1;
                let id = id(&mut random);
                of_invocation(
                    n,
                    if id.len() < 2 { "" } else { &id },
                    if random(6) == 0 { "START RequestId: x" } else { "said" },
                )
            })
            .collect();
        match random(8) {
            0 => {
                let older = (0..random(30)).map(|k| of_invocation(k as i64 - 1_000 * round, "old", "older")).collect();
                viewer.press("g");
                let Some((older_ticket, _)) = viewer.asked_in(Slot::Older) else { continue };
                viewer.answer(older_ticket, Answer::Lines(Lines::Older { lines: older, wanted: 1 }));
                viewer.event(crate::tui::event::Event::Ended(older_ticket));
            }
            1 => {
                viewer.press(["&sa<Enter>", "&<^u><Enter>", "B", "k", "F", "p"][random(6) as usize]);
            }
            _ => {
                viewer.now += random(4) as i64 * SECOND;
                viewer.answer(ticket, Answer::Lines(Lines::Arrived(came)));
            }
        }
        let tail = of(&viewer);
        let mut seen = std::collections::HashSet::new();
        for place in 0..tail.count() {
            let number = tail.shown.number(place).unwrap();
            assert_eq!(tail.shown.place(number), place, "round {round}");
            assert!(tail.store.get(number).is_some() && seen.insert(number), "round {round}");
        }
        assert_eq!(tail.shown.number(tail.count()), None);
    }
}

#[test]
fn page_by_page_every_line_comes_into_view_however_many_rows_it_takes() {
    let mut there = lines(0..120);
    for n in (0..120).step_by(7) {
        there[n] = line(n as i64, &"long ".repeat(60));
    }
    for (keys, by) in [("Z", " "), ("Z", "b"), ("", " "), ("", "b")] {
        let (mut viewer, _) = grouped(80, 14, there.clone());
        viewer.press(keys).press(if by == " " { "g" } else { "G" });
        let mut seen = BTreeSet::new();
        for _ in 0..120 {
            let tail = of(&viewer);
            let top = tail.shown.place(tail.top);
            let in_view = tail.window_down(top, &viewer.state.around());
            seen.extend((top..top + in_view).filter_map(|place| tail.shown.number(place)));
            viewer.press(by);
        }
        assert_eq!(seen.len(), 120, "{keys:?} {by:?}");
    }
}
