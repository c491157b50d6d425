//! What keys do to a trace.

use super::*;
use crate::{
    ask::Since,
    trace::sample::{MS, REQUEST, T0, payment},
    tui::{
        ask::{Answer, Ask, LineRef, Slot},
        event::{Code, Event, Key},
        keys::{self, Command, Meaning, Scope, What},
        state::{
            detail::Entry,
            page::{Page, Step},
            prompt::For,
            screen::Screen,
            times::Times,
        },
    },
};

fn around() -> Around {
    let times = Times { since: Since::At(T0), until: None };
    Around { now: T0, zone: crate::format::Zone::Utc, times, columns: 120, rows: 30 }
}

fn open() -> Waterfall {
    let mut screen = Waterfall::of(TraceRef::Trace(payment().id));
    screen.answer(Slot::Main, Answer::Trace(Box::new(payment())), &around());
    screen
}

/// Presses keys, and gives what the last of them wanted.
fn press(screen: &mut Waterfall, keys: &str) -> Vec<Step> {
    let mut pressed = Vec::new();
    let mut steps = Vec::new();
    for key in keys.chars() {
        pressed.push(match key {
            '\t' => Key::plain(Code::Tab),
            '\n' => Key::plain(Code::Enter),
            key => Key::char(key),
        });
        if let Meaning::Command(command) = keys::meaning(Scope::Trace, &pressed) {
            steps = screen.act(command, &around());
            pressed.clear();
        }
    }
    assert!(pressed.is_empty(), "{keys} says nothing");
    steps
}

fn shown(screen: &Waterfall) -> Vec<Item> {
    let drawn = screen.drawn.as_ref().unwrap();
    screen.rows.iter().map(|row| drawn.layout.nodes[row.node].item).collect()
}

fn current(screen: &Waterfall) -> Item {
    shown(screen)[screen.list.at]
}

fn go(screen: &mut Waterfall, item: Item) {
    let at = shown(screen).iter().position(|other| *other == item).unwrap();
    screen.list.go(at, screen.rows.len(), 26);
}

#[test]
fn a_filter_leaves_the_rows_that_contain_it_and_what_they_stand_under() {
    let mut screen = open();
    let all = shown(&screen);
    press(&mut screen, "&");
    screen.typed(For::Filter, "DECLINED", false, &around());
    let left = shown(&screen);
    let is_it = |item: &Item| matches!(item, Item::Line(at) if screen.drawn.as_ref().unwrap().trace.lines[*at].body.contains("declined"));
    assert!(left.len() < all.len() && left.iter().any(is_it), "{left:?}");
    assert!(matches!(left[0], Item::Span(_)), "what it stands under is there: {left:?}");
    screen.dropped(For::Filter, &around());
    assert_eq!(shown(&screen), all);
    press(&mut screen, "f&");
    screen.typed(For::Filter, "declined", true, &around());
    let left = shown(&screen);
    assert!(
        left.len() < all.len() && left.iter().all(|item| !matches!(item, Item::Span(0))),
        "flat, it stands alone: {left:?}"
    );
    screen.typed(For::Filter, "no such thing", true, &around());
    assert!(shown(&screen).is_empty());
}

#[test]
fn what_is_searched_and_filtered_in_the_detail_is_the_details() {
    let mut screen = open();
    press(&mut screen, "e\t\t&");
    let rows = screen.rows.len();
    screen.typed(For::Filter, "status", true, &around());
    let detail = screen.detail.as_ref().unwrap();
    assert!(detail.shown.count() < detail.rows.len() && detail.shown.count() > 0);
    assert_eq!(screen.rows.len(), rows);
}

#[test]
fn rows_are_folded_and_unfolded_and_the_cursor_stays() {
    let mut screen = open();
    let all = screen.rows.len();
    let cases: [(&str, Item, usize); 9] = [
        ("l", Item::Span(1), all),
        ("h", Item::Span(1), 4),
        ("h", Item::Span(0), 4),
        ("l", Item::Span(1), 4),
        ("l", Item::Span(1), all),
        ("zM", Item::Span(0), 3),
        ("zR", Item::Span(0), all),
        ("[", Item::Span(0), all - 2),
        ("]", Item::Span(0), all),
    ];
    for (keys, under_cursor, rows) in cases {
        press(&mut screen, keys);
        assert_eq!((current(&screen), screen.rows.len()), (under_cursor, rows), "{keys}");
    }
    go(&mut screen, Item::Line(2));
    press(&mut screen, "zM");
    assert_eq!(current(&screen), Item::Span(0), "what the row stood under");
}

#[test]
fn errors_are_found_below_what_is_folded_and_round_the_end() {
    let mut screen = open();
    press(&mut screen, "zM");
    for expected in [Item::Span(5), Item::Failure(5), Item::Line(2), Item::Span(5)] {
        press(&mut screen, "e");
        assert_eq!(current(&screen), expected);
    }
    press(&mut screen, "E");
    assert_eq!(current(&screen), Item::Line(2));
}

#[test]
fn what_is_searched_is_found_in_names_texts_and_attributes() {
    let mut screen = open();
    for (wanted, expected) in [("STRIPEERROR", Item::Line(2)), ("book", Item::Span(6)), ("402", Item::Span(5))] {
        press(&mut screen, "g");
        screen.typed(For::Search, wanted, true, &around());
        assert_eq!(current(&screen), expected, "{wanted}");
    }
    press(&mut screen, "n");
    assert_eq!(current(&screen), Item::Failure(5), "its status says 402 as well");
    press(&mut screen, "N");
    assert_eq!(current(&screen), Item::Span(5));
    let steps = screen.typed(For::Search, "nowhere", true, &around());
    assert!(matches!(&steps[..], [Step::Say(said)] if said == "no row here contains nowhere"), "{steps:?}");
}

#[test]
fn zooming_keeps_the_cursors_row_in_sight_and_ends_at_the_ends() {
    let mut screen = open();
    let whole = (T0, T0 + 1284 * MS);
    assert_eq!(screen.window, whole);
    go(&mut screen, Item::Line(2));
    press(&mut screen, "+++");
    let (from, until) = screen.window;
    assert!(from <= T0 + 970 * MS && T0 + 970 * MS <= until, "{:?}", screen.window);
    assert_eq!((until - from) / MS, 1284 / 8);
    press(&mut screen, "HHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHHH");
    assert_eq!(screen.window.0, T0);
    press(&mut screen, "L");
    assert!(screen.window.0 > T0);
    press(&mut screen, "---");
    assert_eq!(screen.window, whole);
    press(&mut screen, "++0");
    assert_eq!(screen.window, whole);
    press(&mut screen, "++++++++++++++++++++++++++++++++++++++++");
    assert!(screen.window.1 > screen.window.0);
}

#[test]
fn a_span_stands_for_the_whole_until_that_is_undone() {
    let mut screen = open();
    go(&mut screen, Item::Line(1));
    press(&mut screen, ".");
    let drawn = screen.drawn.as_ref().unwrap();
    assert_eq!(drawn.layout.nodes[screen.rows[0].node].item, Item::Span(3), "the span that the line stands under");
    assert_eq!(screen.window, (T0 + 81 * MS, T0 + 1150 * MS), "from the start of its INIT");
    assert_eq!(current(&screen), Item::Line(1));
    press(&mut screen, ",");
    assert_eq!((screen.rows.len(), screen.window), (open().rows.len(), open().window));
    assert!(matches!(&press(&mut screen, ",")[..], [Step::Say(said)] if said == "this is the whole trace"));
}

#[test]
fn lines_and_spans_are_hidden_but_never_both() {
    let mut screen = open();
    press(&mut screen, "a");
    assert!(!shown(&screen).iter().any(|item| matches!(item, Item::Line(_))));
    press(&mut screen, "A");
    assert_eq!(shown(&screen), [0, 1, 2, 3].map(Item::Line));
    press(&mut screen, "a");
    assert!(shown(&screen).contains(&Item::Span(0)) && !shown(&screen).contains(&Item::Line(0)));
    press(&mut screen, "af");
    assert!(screen.rows.iter().all(|row| row.depth == 0), "flat");
}

#[test]
fn the_detail_follows_the_cursor_is_gone_into_and_closed() {
    let mut screen = open();
    assert!(press(&mut screen, "\t").is_empty());
    press(&mut screen, "j");
    let title = |screen: &Waterfall| screen.detail.as_ref().map(Detail::title);
    assert_eq!(title(&screen).unwrap(), "span Invoke charge");
    let steps = press(&mut screen, "\t");
    let is_asked = |steps: &[Step]| matches!(steps, [Step::Ask(Slot::Detail, Ask::Span { span, .. })] if span == "i");
    assert!(is_asked(&steps), "{steps:?}");
    press(&mut screen, "j");
    assert_eq!((screen.detail.as_ref().unwrap().shown.list.at, screen.list.at), (1, 1), "the keys go to the detail");
    press(&mut screen, "\t");
    assert_eq!((title(&screen), screen.focus), (None, Focus::Rows));
}

#[test]
fn enter_on_a_line_goes_back_to_it_and_on_a_span_to_all_of_it() {
    let mut screen = open();
    go(&mut screen, Item::Line(2));
    let steps = press(&mut screen, "\n");
    assert!(matches!(&steps[..], [Step::ToLine(line)] if line.body.starts_with("StripeError")), "{steps:?}");
    go(&mut screen, Item::Span(5));
    let steps = press(&mut screen, "\n");
    assert!(matches!(&steps[..], [Step::Push(screen)] if matches!(**screen, Screen::Detail(_))), "{steps:?}");
}

#[test]
fn a_trace_that_was_opened_from_a_line_begins_at_it() {
    let line = line_ref(&payment(), 2);
    let cut = LineRef { body: "StripeErr".to_owned(), ..line };
    let mut screen = Waterfall::of(TraceRef::Trace(payment().id)).beginning_at(cut);
    screen.answer(Slot::Main, Answer::Trace(Box::new(payment())), &around());
    assert_eq!(current(&screen), Item::Line(2));
    press(&mut screen, "gzM");
    screen.answer(Slot::Main, Answer::Trace(Box::new(payment())), &around());
    assert_eq!((current(&screen), screen.rows.len()), (Item::Span(0), 3), "read again, it stays as it was left");
}

#[test]
fn what_is_copied_is_of_the_row_under_the_cursor() {
    let mut screen = open();
    let copied = |screen: &Waterfall, what| screen.copied(what, &around());
    go(&mut screen, Item::Span(3));
    assert_eq!(copied(&screen, What::Request).unwrap(), REQUEST);
    assert_eq!(copied(&screen, What::Line).unwrap(), "charge");
    assert_eq!(copied(&screen, What::Command).unwrap(), format!("lambdaview trace {}", payment().id));
    assert_eq!(copied(&screen, What::Trace).unwrap(), payment().id);
    go(&mut screen, Item::Line(2));
    assert!(copied(&screen, What::Line).unwrap().starts_with("StripeError: card_declined\n"));
    let json: serde_json::Value = serde_json::from_str(&copied(&screen, What::Json).unwrap()).unwrap();
    assert_eq!(json["span id"], "c");
}

#[test]
fn an_id_that_is_nowhere_is_said_and_keys_do_no_harm() {
    let mut screen = Waterfall::of(TraceRef::Trace("0af7651916cd43dd8448eb211c80319c".to_owned()));
    assert_eq!(screen.nothing(), "asking…");
    screen.answer(Slot::Main, Answer::Trace(Box::default()), &around());
    assert_eq!(screen.nothing(), "no span and no log line has the trace id 0af7651916cd43dd8448eb211c80319c");
    for binding in keys::TABLE.iter().filter(|binding| matches!(binding.scope, Scope::Trace | Scope::Everywhere)) {
        screen.act(binding.command, &around());
    }
    assert_eq!(screen.rows, []);
    assert!(screen.act(Command::Open, &around()).is_empty());
}

#[test]
fn every_key_leaves_a_trace_whole_whatever_is_under_the_cursor() {
    for at in 0..open().rows.len() {
        let mut screen = open();
        screen.list.go(at, screen.rows.len(), 26);
        for binding in keys::TABLE.iter().filter(|binding| binding.scope == Scope::Trace) {
            screen.act(binding.command, &around());
            assert!(screen.list.at < screen.rows.len().max(1), "{}", binding.name);
            assert!(screen.window.0 < screen.window.1, "{}", binding.name);
        }
    }
}

#[test]
fn from_a_line_to_its_trace_and_back_the_line_and_the_scroll_are_kept() {
    use crate::tui::sample::{Viewer, lines, tail};
    let on = |viewer: &Viewer| match viewer.state.screen() {
        Screen::Tail(tail) => {
            let top = tail.store.get(tail.top).unwrap().body.to_owned();
            (tail.line().unwrap().body.to_owned(), top)
        }
        other => panic!("{other:?}"),
    };
    let there = lines(0..60);
    let of_trace: Vec<_> = there.iter().filter(|line| line.trace_id == there[30].trace_id).cloned().collect();
    assert_eq!(of_trace.len(), 3);
    let (mut viewer, _) = tail(80, 12, there);
    while on(&viewer).0 != "charging card order=31" {
        viewer.press("k");
    }
    let before = on(&viewer);
    for back in ["<Backspace>", "q", "<Enter>"] {
        viewer.press("t");
        let (ticket, ask) = viewer.asked();
        assert_eq!(ask, Ask::Trace(TraceRef::Trace(of_trace[0].trace_id.to_string())));
        let trace = Trace { id: of_trace[0].trace_id.to_string(), lines: of_trace.clone(), ..Trace::default() };
        viewer.answer(ticket, Answer::Trace(Box::new(trace))).event(Event::Ended(ticket));
        match viewer.state.screen() {
            Screen::Trace(screen) => assert_eq!(screen.line_ref().unwrap().body, "charging card order=31"),
            other => panic!("{other:?}"),
        }
        viewer.press(back);
        assert_eq!(on(&viewer), before, "{back}");
    }
    viewer.press("t");
    let (ticket, _) = viewer.asked();
    let trace = Trace { lines: of_trace, ..Trace::default() };
    viewer.answer(ticket, Answer::Trace(Box::new(trace))).press("j<Enter>");
    assert_eq!(on(&viewer).0, "charging card order=32", "to another line of the trace");
}

#[test]
fn a_long_text_and_a_long_value_are_whole_in_the_detail_however_narrow_it_is() {
    let body = format!("the start {} the end", "long ".repeat(60));
    let line =
        LineRef { trace: "5f84c7a1".repeat(4), function: "f".repeat(90), body: body.clone(), ..LineRef::default() };
    for columns in [20, 80, 300] {
        let around = Around { columns, ..around() };
        let detail = Detail::of(Thing::Line(line.clone()), &around);
        let of = |wanted: fn(&Entry) -> bool| {
            let rows = detail.rows.iter().filter(|row| wanted(&detail.entries[row.entry]));
            rows.map(|row| row.piece.as_str()).collect::<String>()
        };
        assert_eq!(of(|entry| matches!(entry, Entry::Text(_))), body);
        assert_eq!(of(|entry| matches!(entry, Entry::Field(name, _) if name == "function")), line.function);
    }
}
