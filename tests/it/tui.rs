//! The viewer on a real terminal: what its keys do, and that the terminal is whole whatever ended it.

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::{
    screen::Screen,
    until::{GENEROUS, until},
    viewer::Viewer,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Without a program on it, the cursor shown, lines wrapped, the mouse its own.
const WHOLE: &str = "0 1 1 0";

/// Says which test did not run, where a machine cannot run it.
fn is_possible(test: &str) -> bool {
    let possible = Screen::is_possible();
    if !possible {
        eprintln!("SKIPPED tui::{test}: this machine has no tmux (apt-get install tmux)");
    }
    possible
}

async fn seeded() -> Desk {
    let desk = Desk::new(Layout::Items).await;
    desk.execute(include_str!("../fixtures/sql/rows/charge_lines.sql")).await;
    desk.execute(include_str!("../fixtures/sql/rows/charge_spans.sql")).await;
    desk
}

/// The viewer on its functions screen.
async fn opened(viewer: &Viewer, columns: u16, rows: u16) -> Screen {
    let screen = viewer.on_screen(columns, rows);
    screen.press(&["lambdaview", "Enter"]);
    screen.shows_that("the function in the table", |shown| shown.contains("charge") && shown.contains("p95")).await;
    screen
}

/// Waits for the shell to listen again: what is typed before goes to the program that ends.
async fn shell_is_back(screen: &Screen) {
    until("the shell's own screen", GENEROUS, || async {
        let modes = screen.modes();
        if modes == WHOLE { Ok(()) } else { Err(modes) }
    })
    .await;
}

/// The shell has its terminal back as it was: what is typed is shown, and read line by line.
async fn is_whole(screen: &Screen, code: i32) {
    shell_is_back(screen).await;
    // The shell itself edits lines in raw mode: it is a command's terminal that counts.
    screen.press(&[
        "echo ended $?; stty -a | tr ' ' '\\n' | grep -xE -- '-?(icanon|echo|isig|opost)' | tr '\\n' ' '; echo",
        "Enter",
    ]);
    // The command that was typed is on the screen as well: what it prints has the names as words of their own.
    let has = |shown: &str, mode: &str| shown.lines().any(|line| line.split(' ').any(|word| word == mode));
    let shown = screen.shows_that("what the shell says of the terminal", |shown| has(shown, "opost")).await;
    assert!(shown.contains(&format!("ended {code}")), "{shown}");
    for mode in ["isig", "icanon", "echo", "opost"] {
        assert!(has(&shown, mode), "{mode}: {shown}");
    }
    assert_eq!(screen.modes(), WHOLE, "{shown}");
}

/// Leaves a screen; once more where the first key only stopped what was still being read.
async fn goes_back(screen: &Screen, to: &str) {
    screen.press(&["q"]);
    let stopped = "stopped; R asks again";
    let shown = screen.shows_that(to, |shown: &str| shown.contains(to) || shown.contains(stopped)).await;
    if !shown.contains(to) {
        screen.press(&["q"]);
        screen.shows(to).await;
    }
}

#[tokio::test]
async fn a_function_is_opened_followed_and_left_and_the_terminal_is_whole() {
    if !is_possible("a_function_is_opened_followed_and_left_and_the_terminal_is_whole") {
        return;
    }
    let desk = seeded().await;
    let viewer = desk.viewer();
    let screen = opened(&viewer, 100, 20).await;
    screen.press(&["t"]);
    screen.shows("LIVE").await;
    screen.shows("charging card order=118").await;
    desk.execute(include_str!("../fixtures/sql/rows/charge_arrives.sql")).await;
    screen.shows("a fresh line").await;
    screen.press(&["g"]);
    screen.shows("SCROLLED").await;
    screen.press(&["/"]);
    screen.types("declined");
    screen.press(&["Enter"]);
    screen.shows("/declined  1/4").await;
    // From this line to its trace, and back to the same line in the same place.
    let found = |shown: &str| shown.contains("/declined  1/4") && shown.ends_with("help");
    let before = screen.shows_that("the line that was searched", found).await;
    screen.press(&["t"]);
    screen.shows("card_declined order=29").await;
    screen.shows("1 span  3 logs").await;
    screen.press(&["BSpace"]);
    let after = screen.shows_that("the same line", found).await;
    let lines = |shown: &str| shown.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&before), lines(&after));
    screen.press(&["F"]);
    screen.shows("LIVE").await;
    goes_back(&screen, "sort: inv").await;
    screen.press(&["q"]);
    is_whole(&screen, 0).await;
}

#[tokio::test]
async fn it_fits_any_size_and_comes_back_from_the_shell() {
    if !is_possible("it_fits_any_size_and_comes_back_from_the_shell") {
        return;
    }
    let desk = seeded().await;
    let viewer = desk.viewer();
    let screen = opened(&viewer, 80, 24).await;
    for (columns, rows) in [(120, 40), (40, 10), (12, 3), (100, 30)] {
        screen.resize(columns, rows);
        let last = if columns == 12 { "too small" } else { "help" };
        screen
            .shows_that(last, |shown| {
                shown.lines().all(|line| line.chars().count() <= usize::from(columns)) && shown.contains(last)
            })
            .await;
    }
    screen.press(&["C-z"]);
    screen.shows("Stopped").await;
    assert_eq!(screen.modes(), WHOLE);
    screen.press(&["fg", "Enter"]);
    screen.shows_that("the viewer again", |shown| shown.contains("p95") && !shown.contains("Stopped")).await;
    screen.press(&["C-c"]);
    is_whole(&screen, 0).await;
}

#[tokio::test]
async fn a_signal_ends_it_and_leaves_the_terminal_whole() {
    if !is_possible("a_signal_ends_it_and_leaves_the_terminal_whole") {
        return;
    }
    let desk = seeded().await;
    let viewer = desk.viewer();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let screen = viewer.on_screen(80, 24);
        screen.press(&["cd; sh -c 'echo $$ > pid; exec lambdaview'", "Enter"]);
        screen.shows_that("the function in the table", |shown| shown.contains("charge") && shown.contains("p95")).await;
        let pid = std::fs::read_to_string(viewer.home().join("pid")).unwrap();
        kill(Pid::from_raw(pid.trim().parse().unwrap()), signal).unwrap();
        is_whole(&screen, 128 + signal as i32).await;
    }
}

#[tokio::test]
async fn the_first_frame_waits_for_no_server() {
    if !is_possible("the_first_frame_waits_for_no_server") {
        return;
    }
    // It can be connected to, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let viewer = Viewer::new().variable("CLICKHOUSE_URL", &format!("http://{}", silent.local_addr().unwrap()));
    let screen = viewer.on_screen(80, 24);
    screen.press(&["lambdaview", "Enter"]);
    screen.shows("functions  0").await;
    screen.shows("Esc stops").await;
    screen.press(&["Escape"]);
    screen.shows("stopped; R asks again").await;
    screen.press(&["q"]);
    is_whole(&screen, 0).await;
}

#[tokio::test]
async fn the_prices_are_those_of_the_configuration() {
    if !is_possible("the_prices_are_those_of_the_configuration") {
        return;
    }
    let desk = seeded().await;
    let viewer = desk.viewer();
    let rates = include_str!("../../viewer/src/cost/rates.toml").replace("us-east-1", "mars-1");
    let rates = ["cloudwatch", "clickhouse", "lambda"]
        .into_iter()
        .fold(rates, |text, part| text.replace(&format!("[{part}]"), &format!("[rates.{part}]")));
    let folder = viewer.home().join(".config/lambdaview");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), format!("[rates]\n{rates}")).unwrap();
    let screen = opened(&viewer, 120, 30).await;
    screen.press(&["5"]);
    screen.shows("mars-1").await;
    screen.press(&["q", "q"]);
    is_whole(&screen, 0).await;
}

#[tokio::test]
async fn filters_are_the_servers_and_lines_stand_by_invocation_with_how_they_ended() {
    if !is_possible("filters_are_the_servers_and_lines_stand_by_invocation_with_how_they_ended") {
        return;
    }
    let desk = seeded().await;
    let viewer = desk.viewer();
    let screen = viewer.on_screen(120, 30);
    screen.press(&["lambdaview tail charge 'no-*' -I", "Enter"]);
    screen.shows("no function no-* is known here; did you mean: charge").await;
    screen.press(&["q"]);
    shell_is_back(&screen).await;
    screen.press(&["lambdaview tail charge '/^ch/' --tui -e declined", "Enter"]);
    screen.shows("-e declined").await;
    let shown = screen.shows("└ 00000038 OK").await;
    assert!(shown.contains("┌ 00000038") && shown.contains("│ charging card order=114"), "{shown}");
    assert!(!shown.contains("declined order"), "{shown}");
    // The table keeps far more lines than were read at first: only the server can find this one.
    desk.execute(include_str!("../fixtures/sql/rows/charge_many.sql")).await;
    screen.press(&["R"]);
    screen.shows("one of many 2999").await;
    screen.press(&["&"]);
    screen.types("one of many 3 ");
    screen.press(&["Enter"]);
    screen.shows("one of many 3 of 3000").await;
    desk.execute(include_str!("../fixtures/sql/rows/charge_arrives.sql")).await;
    screen.press(&["&", "C-u"]);
    screen.types("fresh");
    screen.press(&["Enter"]);
    screen.shows("a fresh line").await;
    screen.press(&["Q"]);
    is_whole(&screen, 0).await;
}

#[tokio::test]
async fn a_slow_question_shows_that_it_runs_and_is_ended_on_the_server_when_it_is_stopped() {
    if !is_possible("a_slow_question_shows_that_it_runs_and_is_ended_on_the_server_when_it_is_stopped") {
        return;
    }
    let desk = seeded().await;
    let viewer = desk.viewer();
    let screen = viewer.on_screen(80, 24);
    screen.press(&["lambdaview --timeout 10m", "Enter"]);
    screen.shows_that("the function in the table", |shown| shown.contains("charge") && shown.contains("p95")).await;
    // From now on the lines are so many, and each takes the server so long, that no question about them ends in this test.
    desk.execute("RENAME TABLE otel_logs TO lines").await;
    desk.execute(include_str!("../fixtures/sql/slow_lines.sql")).await;
    screen.press(&["R"]);
    screen.shows("Esc stops").await;
    let running = || async {
        let question = "SELECT count() FROM system.processes WHERE current_database = currentDatabase() AND query_id LIKE 'lambdaview-%'";
        desk.client.query_raw(question).fetch_one::<u64>().await.unwrap()
    };
    until("the question on the server", GENEROUS, || async { if running().await > 0 { Ok(()) } else { Err(0) } }).await;
    screen.press(&["Escape"]);
    screen.shows("stopped; R asks again").await;
    until("no question on the server", GENEROUS, || async {
        match running().await {
            0 => Ok(()),
            left => Err(left),
        }
    })
    .await;
    assert!(screen.shown().contains("charge"), "what was there is there: {}", screen.shown());
    screen.press(&["q"]);
    is_whole(&screen, 0).await;
}

#[tokio::test]
async fn a_panic_leaves_the_terminal_whole_and_its_words_to_be_read() {
    if !is_possible("a_panic_leaves_the_terminal_whole_and_its_words_to_be_read") {
        return;
    }
    let viewer = Viewer::new();
    let screen = viewer.on_screen(120, 24);
    let this = std::env::current_exe().unwrap();
    screen.types(&format!("{} --exact tui::it_panics_on_a_terminal --ignored --nocapture", this.display()));
    screen.press(&["Enter"]);
    let shown = screen.shows_that("the panic's words", |shown| shown.contains("all of a sudden")).await;
    assert!(shown.contains("--exact"), "the shell's own screen is back: {shown}");
    is_whole(&screen, 101).await;
}

#[test]
#[ignore = "it is run on a terminal of its own by the test above"]
fn it_panics_on_a_terminal() {
    let mut guard = lambdaview::tui::terminal::Guard::enter().unwrap();
    guard.mouse(true).unwrap();
    panic!("all of a sudden");
}
