//! Contexts as people make and use them, and the ways in which a password comes without ever being an argument.

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::{
    until::{GENEROUS, until},
    viewer::{Ended, Viewer},
};
use std::{fs, os::unix::fs::PermissionsExt as _};

const WRONG: &str = "wrong-and-never-shown";

async fn run(viewer: &Viewer, arguments: &str) -> Ended {
    let ended = viewer.run(&arguments.split_whitespace().collect::<Vec<_>>()).await;
    assert!(!format!("{ended:?}").contains(WRONG), "{arguments}: {ended:?}");
    ended
}

async fn add(viewer: &Viewer, desk: &Desk, rest: &str) -> Ended {
    let place = &desk.target.place;
    run(viewer, &format!("context add {rest} --url {} --database {}", place.url, place.database)).await
}

fn config(viewer: &Viewer) -> String {
    fs::read_to_string(viewer.home().join(".config/lambdaview/config.toml")).unwrap_or_default()
}

#[tokio::test]
async fn a_context_is_added_used_listed_and_shown() {
    let desk = Desk::new(Layout::Items).await;
    let viewer = Viewer::new();
    assert_eq!(run(&viewer, "context ls").await.code, Some(0));
    for name in ["prod", "test"] {
        assert_eq!(add(&viewer, &desk, name).await.code, Some(0), "{name}");
    }
    assert_eq!(add(&viewer, &desk, "prod").await.code, Some(2), "a context is not replaced by accident");
    assert_eq!(run(&viewer, "context use nowhere").await.code, Some(2));
    assert_eq!(run(&viewer, "context use test").await.code, Some(0));
    let listed = run(&viewer, "context ls -o json").await.stdout;
    let current = |name: &str, current: bool| format!("{{\"context\":\"{name}\",\"current\":{current},\"url\":");
    assert!(listed.contains(&current("prod", false)) && listed.contains(&current("test", true)), "{listed}");
    let shown = run(&viewer, "context show").await.stdout;
    assert!(shown.contains(&desk.target.place.url) && shown.contains("context test"), "{shown}");
    let shown = run(&viewer, "context show --url http://elsewhere:8123").await.stdout;
    assert!(shown.contains("http://elsewhere:8123") && !shown.contains("context test"), "{shown}");
    for arguments in ["functions", "-c prod functions"] {
        assert_eq!(run(&viewer, arguments).await.code, Some(0), "{arguments}");
    }
}

#[tokio::test]
async fn a_context_says_which_attribute_names_functions() {
    for layout in [Layout::Items, Layout::TimestampTime] {
        let desk = Desk::new(layout).await;
        for rows in [include_str!("../fixtures/sql/rows/logs.sql"), include_str!("../fixtures/sql/rows/spans.sql")] {
            let rows = rows.replace("{resource}", "map('lambda.fn', 'checkout')");
            desk.execute(&rows.replace("{attributes}", "map('faas.invocation_id', 'r1')")).await;
        }
        let viewer = Viewer::new();
        assert_eq!(add(&viewer, &desk, "ours --fn-attr lambda.fn").await.code, Some(0));
        assert_eq!(add(&viewer, &desk, "usual").await.code, Some(0));
        for command in ["functions -o json", "invocations check* -o json", "tail checkout -n 9 --no-follow -o json"] {
            let ended = run(&viewer, &format!("-c ours {command}")).await;
            assert!(ended.stdout.contains("\"function\":\"checkout\""), "{layout}: {command}: {ended:?}");
            let ended = run(&viewer, &format!("-c usual {command}")).await;
            assert!(!ended.stdout.contains("checkout"), "{layout}: {command}: {ended:?}");
        }
        let bad = run(&viewer, "context add bad --url http://x --fn-attr a'b").await;
        assert_eq!((bad.code, bad.stdout.as_str()), (Some(2), ""), "{bad:?}");
        let shown = run(&viewer, "-c ours context show").await.stdout;
        assert!(shown.contains("lambda.fn"), "{shown}");
    }
}

#[tokio::test]
async fn a_password_comes_from_a_file_a_program_or_the_keyring_and_reaches_the_server_alone() {
    let desk = Desk::new(Layout::Items).await;
    let viewer = Viewer::new();
    let file = viewer.home().join("password");
    fs::write(&file, format!("{WRONG}\nsecond line\n")).unwrap();
    let file = file.display();
    add(&viewer, &desk, &format!("by-file --password-file {file}")).await;
    // One word with spaces in it, which only an argument of its own can be.
    let place = &desk.target.place;
    let command = format!("head -1 {file}");
    let added = ["context", "add", "by-program", "--url", &place.url, "--password-command", &command];
    assert_eq!(viewer.run(&added).await.code, Some(0));
    for name in ["by-file", "by-program"] {
        let ended = run(&viewer, &format!("-c {name} functions")).await;
        assert_eq!(ended.code, Some(4), "the server refuses the wrong password from there: {ended:?}");
    }
    fs::write(viewer.home().join("password"), "\n").unwrap();
    assert_eq!(run(&viewer, "-c by-file functions").await.code, Some(0));
    assert!(!config(&viewer).contains(WRONG));
}

/// Stands in for the system's keyring: keeps what it is given on its standard input in a file.
const SECRET_TOOL: &str = r#"#!/bin/sh
echo "$*" >> "$HOME/asked"
case "$1" in
    store) cat > "$HOME/kept" ;;
    lookup) cat "$HOME/kept" ;;
esac
"#;

#[tokio::test]
async fn the_keyrings_own_tool_asks_for_a_password_and_gives_it_back() {
    let desk = Desk::new(Layout::Items).await;
    let viewer = Viewer::new();
    let tools = viewer.home().join("bin");
    fs::create_dir(&tools).unwrap();
    fs::write(tools.join("secret-tool"), SECRET_TOOL).unwrap();
    fs::set_permissions(tools.join("secret-tool"), fs::Permissions::from_mode(0o755)).unwrap();
    let viewer = viewer.variable("PATH", &format!("{}:/usr/bin:/bin", tools.display()));
    let place = &desk.target.place;
    let arguments = ["context", "add", "prod", "--url", &place.url, "--database", &place.database, "--keyring"];
    let mut terminal = viewer.on_terminal(&arguments);
    terminal.types(&format!("{WRONG}\n\u{4}"));
    assert!(terminal.ended().await.success(), "{}", terminal.shown());
    assert_eq!(run(&viewer, "-c prod functions").await.code, Some(4), "the wrong password was asked of the keyring");
    fs::write(viewer.home().join("kept"), "").unwrap();
    let ended = run(&viewer, "-c prod functions").await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("lambdaview/prod") && ended.stderr.contains("secret-tool store"), "{ended:?}");
    let asked = fs::read_to_string(viewer.home().join("asked")).unwrap();
    let lookup = "lookup service lambdaview username prod";
    assert_eq!(
        asked.lines().collect::<Vec<_>>(),
        ["store --label lambdaview/prod service lambdaview username prod", lookup, lookup]
    );
}

#[tokio::test]
async fn a_password_that_is_typed_is_not_shown() {
    let desk = Desk::new(Layout::Items).await;
    let viewer = desk.viewer();
    for (typed, code) in [(WRONG, 4), ("", 0), ("x\u{15}", 0), ("x\u{7f}", 0)] {
        let mut terminal = viewer.on_terminal(&["functions", "--ask-password"]);
        until("the question", GENEROUS, || async {
            terminal.shown().contains("password of default at").then_some(()).ok_or_else(|| terminal.shown())
        })
        .await;
        terminal.types(&format!("{typed}\r"));
        assert_eq!(terminal.ended().await.code(), Some(code), "{typed:?}: {}", terminal.shown());
        assert!(!terminal.shown().contains(WRONG), "{}", terminal.shown());
    }
}

#[tokio::test]
async fn ctrl_c_at_the_question_for_a_password_ends_it() {
    let viewer = Desk::new(Layout::Items).await.viewer();
    let mut terminal = viewer.on_terminal(&["functions", "--ask-password"]);
    until("the question", GENEROUS, || async {
        terminal.shown().contains("password of").then_some(()).ok_or_else(|| terminal.shown())
    })
    .await;
    terminal.types("\u{3}");
    assert_eq!(terminal.ended().await.code(), Some(130), "{}", terminal.shown());
}

#[tokio::test]
async fn without_a_terminal_or_where_nothing_may_be_asked_a_prompt_is_a_fault_of_usage() {
    let desk = Desk::new(Layout::Items).await;
    let viewer = Viewer::new();
    add(&viewer, &desk, "asks --ask-password").await;
    for arguments in ["-c asks functions", "-c asks functions --no-input"] {
        assert_eq!(run(&viewer, arguments).await.code, Some(2), "{arguments}");
    }
}

#[tokio::test]
async fn the_configuration_is_found_edited_and_its_faults_are_told() {
    let viewer = Viewer::new().variable("EDITOR", "sed -i 's/^#: //'");
    let path = viewer.home().join(".config/lambdaview/config.toml");
    assert_eq!(run(&viewer, "config path").await.stdout, format!("{}\n", path.display()));
    assert_eq!(run(&viewer, "config show").await.stdout, "");
    assert_eq!(run(&viewer, "config edit").await.code, Some(0));
    assert_eq!(run(&viewer, "config show").await.stdout, config(&viewer));
    assert!(config(&viewer).contains("\n[contexts.prod]\n"));
    fs::write(&path, format!("[contexts.prod]\npassword = \"{WRONG}\"\n")).unwrap();
    let ended = run(&viewer, "functions").await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("config.toml:2 cannot be understood: a password does not stand in this file"),
        "{ended:?}"
    );
}
