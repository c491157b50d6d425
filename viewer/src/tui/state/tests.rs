//! What holds on every screen, and the functions screen as one uses it.

use lambdaview_queries::questions::{bytes::Logged, lines::Line, measures::Measures};

use super::{trace::Waterfall, *};
use crate::{
    ask::TraceRef,
    cost::{Measured, rates::Rates, reckon},
    trace::sample::payment,
    tui::{
        ask::Slot,
        event::Mouse,
        sample::{NOW, SECOND, Viewer, errors, functions, lines, tail},
    },
};

fn opened() -> Viewer {
    let mut viewer = Viewer::new(Screen::Functions(Box::default()), 100, 20);
    let (ticket, _) = viewer.asked();
    viewer.answer(ticket, Answer::Functions(functions())).event(Event::Ended(ticket));
    viewer
}

fn names(viewer: &Viewer) -> Vec<String> {
    match viewer.state.screen() {
        Screen::Functions(screen) => screen.in_view(100).map(|(row, _)| row.function.name.clone()).collect(),
        screen => panic!("{screen:?}"),
    }
}

fn function(viewer: &Viewer) -> String {
    viewer.state.screen().page().function().unwrap()
}

#[test]
fn functions_are_sorted_by_any_column_and_the_cursor_stays_on_its_function() {
    let mut viewer = opened();
    assert_eq!(names(&viewer)[..2], ["charge", "refund"]);
    viewer.press("j");
    let cases =
        [("s", "böse-\u{1b}[31m日本語"), ("r", "nightly-export"), ("SS", "böse-\u{1b}[31m日本語"), ("SSS", "charge")];
    for (keys, first) in cases {
        viewer.press(keys);
        assert_eq!((names(&viewer)[0].as_str(), function(&viewer).as_str()), (first, "refund"), "{keys}");
    }
}

#[test]
fn functions_are_filtered_as_one_types_and_searched() {
    let mut viewer = opened();
    assert_eq!(names(viewer.press("&RE")), ["refund"]);
    assert_eq!(names(viewer.press("<Backspace><Backspace>")).len(), 4);
    viewer.press("<Enter>/nig<Enter>");
    assert_eq!(function(&viewer), "nightly-export");
    viewer.press("/e<Enter>n");
    assert_eq!(function(&viewer), "charge", "it goes round");
    viewer.press("N");
    assert_eq!(function(&viewer), "nightly-export");
}

#[test]
fn a_function_opens_and_one_comes_back_to_it() {
    let mut viewer = opened();
    viewer.press("jt");
    let (ticket, ask) = viewer.asked();
    assert!(matches!(&ask, Ask::Tail { sought, until: None, .. } if sought.functions == ["refund"]), "{ask:?}");
    assert_eq!(viewer.press("q").effects, [Effect::Cancel(ticket)]);
    assert_eq!(function(&viewer), "refund");
    assert_eq!(viewer.press("q").effects, [Effect::Quit]);
}

#[test]
fn escape_stops_what_is_running_before_it_leaves_and_never_stops_following() {
    let mut viewer = opened();
    viewer.press("R");
    let (ticket, _) = viewer.asked();
    assert_eq!(viewer.press("<Esc>").effects, [Effect::Cancel(ticket)]);
    viewer.answer(ticket, Answer::Functions(Vec::new()));
    assert_eq!(names(&viewer).len(), 4, "what was stopped is not taken any more");
    viewer.press("t");
    let (ticket, _) = viewer.asked();
    viewer.answer(ticket, Answer::Lines(crate::tui::ask::Lines::There(lines(0..3))));
    let left = &viewer.press("<Esc>").effects;
    assert!(left.contains(&Effect::Cancel(ticket)), "it leaves, and the server is told: {left:?}");
    assert!(matches!(viewer.state.screen(), Screen::Functions(_)));
}

#[test]
fn an_answer_to_a_question_that_was_asked_again_is_left_out() {
    let mut viewer = opened();
    viewer.press("R");
    let (first, _) = viewer.asked();
    viewer.press("R");
    assert_eq!(viewer.effects[0], Effect::Cancel(first));
    let (second, _) = viewer.asked();
    assert_eq!((second.slot, second.screen), (Slot::Main, first.screen));
    viewer.answer(first, Answer::Functions(Vec::new()));
    assert_eq!(names(&viewer).len(), 4);
    viewer.answer(second, Answer::Functions(Vec::new()));
    assert_eq!(names(&viewer).len(), 0);
}

#[test]
fn the_stretch_of_time_is_chosen_typed_and_shifted() {
    let mut viewer = opened();
    let from = |viewer: &Viewer| match viewer.asked().1 {
        Ask::Functions { from, .. } => (NOW - from) / SECOND,
        ask => panic!("{ask:?}"),
    };
    assert_eq!(from(viewer.press("T2")), 900);
    assert_eq!(from(viewer.press("Tj<Enter>")), 900);
    assert_eq!(from(viewer.press("T990m<Enter>")), 5_400);
    assert_eq!(from(viewer.press("{")), 8_100);
    assert_eq!(from(viewer.press("}")), 5_400);
    viewer.press("T9never<Enter>");
    assert!(viewer.effects.is_empty() && viewer.state.said.as_ref().unwrap().contains("not a time"));
}

#[test]
fn the_palette_does_what_a_key_does_and_opens_functions_by_name() {
    let mut viewer = opened();
    viewer.press(":tail ref<Enter>");
    assert!(matches!(viewer.asked().1, Ask::Tail { sought, .. } if sought.functions == ["refund"]));
    viewer.press(":functions<Enter>");
    assert!(matches!(viewer.state.screen(), Screen::Functions(_)));
    assert_eq!(viewer.press(":quit<Enter>").effects, [Effect::Quit]);
}

#[test]
fn pasted_text_is_text_and_never_commands() {
    let mut viewer = opened();
    assert!(viewer.event(Event::Paste("qqQ".to_owned())).effects.is_empty());
    viewer.press("&").event(Event::Paste("ref\nund".to_owned()));
    assert_eq!(names(&viewer), ["refund"]);
}

#[test]
fn nothing_wakes_the_viewer_while_nothing_changes() {
    let viewer = opened();
    assert_eq!(viewer.state.wakes_after(), None);
    let (viewer, _) = tail(80, 12, lines(0..10));
    assert_eq!(viewer.state.wakes_after(), None, "what follows wakes it by its answers");
    let waiting = Viewer::new(Screen::Functions(Box::default()), 100, 20);
    assert!(waiting.state.wakes_after().is_some());
}

#[test]
fn the_same_place_in_the_web_ui_is_copied() {
    let mut viewer = opened();
    assert!(viewer.press("v").effects.is_empty() && viewer.state.said.is_some());
    viewer.state.hyperdx = Some("https://hdx.example".to_owned());
    match &viewer.press("v").effects[..] {
        [Effect::Copy(link)] => {
            assert!(
                link.starts_with("https://hdx.example/search?where=ResourceAttributes.faas.name%3A%22charge%22"),
                "{link}"
            );
        }
        effects => panic!("{effects:?}"),
    }
}

#[test]
fn errors_open_from_any_screen_and_lead_to_the_trace_of_the_newest() {
    let mut viewer = opened();
    viewer.press("4");
    let (ticket, ask) = viewer.asked();
    assert!(matches!(ask, Ask::Errors { function: None, .. }), "of all functions: {ask:?}");
    viewer.answer(ticket, Answer::Errors(errors())).event(Event::Ended(ticket));
    viewer.press("/timeout<Enter>");
    match viewer.press("yj").effects.pop() {
        Some(Effect::Copy(json)) => assert!(json.contains("Sandbox.Timedout"), "{json}"),
        effect => panic!("{effect:?}"),
    }
    viewer.press("t");
    let (_, ask) = viewer.asked();
    assert_eq!(ask, Ask::Trace(TraceRef::Trace("5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b".to_owned())));
    viewer.press("<Backspace>&stripe<Enter>");
    let Screen::Errors(screen) = viewer.state.screen() else { panic!("back to the errors") };
    assert_eq!(screen.shown.count(), 1);
    viewer.press("q<Enter>4");
    assert!(matches!(viewer.asked().1, Ask::Errors { function: Some(name), .. } if name == "charge"));
}

#[test]
fn what_was_asked_is_shown_and_copied_as_sql() {
    use crate::tui::ask::Heard;
    let mut viewer = opened();
    let heard = Heard { sql: vec!["select 1".to_owned()], questions: 3, rows: 1_200, bytes: 4_800 };
    viewer.press("D");
    let (ticket, ask) = viewer.asked();
    assert_eq!(ask, Ask::Heard);
    viewer.answer(ticket, Answer::Heard(heard.clone()));
    let picture = viewer.picture();
    assert!(picture.contains("3 questions so far: the server read 1 200 rows") && picture.contains("select 1"));
    viewer.press("qys");
    let (ticket, _) = viewer.asked();
    assert_eq!(viewer.answer(ticket, Answer::Heard(heard)).effects, [Effect::Copy("select 1".to_owned())]);
}

#[test]
fn the_mouse_is_ours_only_when_it_was_asked_for() {
    let mut viewer = opened();
    assert_eq!(viewer.press("M").effects, [Effect::Mouse(true)]);
    viewer.event(Event::Mouse(Mouse::Click { row: 3 }));
    assert_eq!(function(&viewer), "refund");
    viewer.event(Event::Mouse(Mouse::Up));
    assert_eq!(function(&viewer), "charge");
    assert_eq!(viewer.press("M").effects, [Effect::Mouse(false)]);
}

#[test]
fn a_filter_that_is_not_wanted_after_all_leaves_what_was_there() {
    let mut viewer = opened();
    viewer.press("&g<Enter>");
    let before = names(&viewer);
    assert_eq!(before.len(), 2);
    assert!(names(viewer.press("&<Backspace>refund")).len() == 1);
    assert_eq!(names(viewer.press("<Esc>")), before);
}

#[test]
fn going_back_to_the_line_one_came_from_does_not_leave_the_first_screen() {
    let mut viewer = opened();
    viewer.press("<Backspace>");
    assert!(viewer.effects.is_empty(), "{:?}", viewer.effects);
    assert!(viewer.state.said.as_ref().unwrap().contains("q quits"));
}

#[test]
fn what_logs_cost_is_shown_by_the_prices_it_was_reckoned_by_and_filtered() {
    let mut viewer = Viewer::new(Screen::Cost(Box::default()), 100, 30);
    let (ticket, _) = viewer.asked();
    let rates = Rates { region: "mars-1".to_owned(), ..Rates::built_in() };
    let logged = Logged { name: "charge".into(), events: 10, body_bytes: 1 << 30, ..Logged::default() };
    let measures = Measures { logged: vec![logged], ..Measures::default() };
    let report = reckon(&Measured { measures, now: NOW, ..Measured::default() }, &rates);
    viewer.answer(ticket, Answer::Cost(Box::new((report, rates)))).event(Event::Ended(ticket));
    let all = viewer.picture();
    assert!(all.contains("mars-1") && all.contains("charge"), "{all}");
    let filtered = viewer.press("&mars<Enter>").picture();
    assert!(filtered.contains("mars-1") && !filtered.contains("charge"), "{filtered}");
    assert!(viewer.press("&<^u>nothing of the kind<Enter>").picture().contains("nothing here contains that"));
}

#[test]
fn a_line_of_a_trace_leads_to_it_among_the_lines_of_its_function() {
    let trace = payment();
    let screen = Screen::Trace(Box::new(Waterfall::of(TraceRef::Trace(trace.id.clone()))));
    let mut viewer = Viewer::new(screen, 100, 30);
    let (ticket, _) = viewer.asked();
    viewer.answer(ticket, Answer::Trace(Box::new(trace))).event(Event::Ended(ticket)).press("/charging card<Enter>");
    let line = viewer.state.screen().page().line_ref().unwrap();
    let (ticket, ask) = viewer.press("<Enter>").asked();
    let Ask::Tail { sought, from, until: Some(until), reach, .. } = ask else { panic!("{ask:?}") };
    assert_eq!((&sought.functions[..], reach), (&[line.function.clone()][..], Some(line.time)));
    assert!(from < line.time && line.time < until);
    let among = |n: i64, body: &str| Line {
        time: line.time + n * SECOND,
        function: line.function.as_str().into(),
        trace_id: line.trace.as_str().into(),
        span_id: line.span.as_str().into(),
        body: body.into(),
        ..Line::default()
    };
    let there = vec![among(-1, "before"), among(0, &line.body), among(1, "after"), among(2, "the last")];
    viewer.answer(ticket, Answer::Lines(crate::tui::ask::Lines::There(there))).event(Event::Ended(ticket));
    assert_eq!(viewer.state.screen().page().line_ref().unwrap().body, line.body, "the cursor is on it");
    let (_, ask) = viewer.press("F").asked();
    assert!(matches!(ask, Ask::Tail { until: None, .. }), "and following leads to what is now: {ask:?}");
    viewer.press("q");
    assert!(matches!(viewer.state.screen(), Screen::Trace(_)));
}
