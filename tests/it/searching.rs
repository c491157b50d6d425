//! `logs` and `tail` as people type them: each filter, each form, neighbours, and the ends that scripts use.

use crate::desk::Desk;
use lambdaview_queries::schema::Layout;
use lambdaview_tests::viewer::{Ended, Viewer};

const SINCE: [&str; 4] = ["--since", "2026-11-22", "--until", "2026-11-23"];

async fn shop(layout: Layout) -> (Desk, Viewer) {
    let desk = Desk::new(layout).await;
    desk.execute(include_str!("../fixtures/sql/rows/shop.sql")).await;
    let viewer = desk.viewer();
    (desk, viewer)
}

async fn run(viewer: &Viewer, command: &str, arguments: &[&str]) -> Ended {
    viewer.run(&[&[command][..], &SINCE[..], arguments].concat()).await
}

/// The texts of the lines that are found.
async fn found(viewer: &Viewer, arguments: &[&str]) -> String {
    let ended = run(viewer, "logs", &[arguments, &["-o", "raw"]].concat()).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    ended.stdout.trim_end().replace('\n', " | ")
}

async fn every_filter_finds_its_lines(layout: Layout) {
    let (_desk, viewer) = shop(layout).await;
    let declined = "card declined: Timeout";
    let slow = "refund is slow";
    for (arguments, lines) in [
        (&["pay", "-i", "(?i)time.?out"][..], declined),
        (&["pay*", "-i", "declined", "-i", "slow"], "card declined: Timeout | refund is slow"),
        (&["pay", "-e", "char", "-e", "RequestId"], declined),
        (&["pay*", "-l", "warn"], "card declined: Timeout | refund is slow"),
        (&["pay", "-w", "order=9912", "-w", "code"], declined),
        (&["pay*", "-w", "ms>1000"], slow),
        (&["pay", "-w", "order=77", "-w", "ms!=640"], "charging card"),
        (&["-q", "level>=warn and not body~declined"], slow),
        (&["pay", "-q", "\"card declined\" or (order=77 and has ms)"], "card declined: Timeout | charged"),
        (&["pay", "--filter-pattern", "charging -Timeout"], "charging card | charging card"),
        (&["pay*", "--filter-pattern", "?Timeout ?slow"], "card declined: Timeout | refund is slow"),
        (&["pay", "--filter-pattern", "{ $.order = 9912 && $.code = 40* }"], declined),
        (&["pay", "--filter-pattern", "%time.?out|declined%"], declined),
        (&["pay", "--qualifier", "42"], "charging card | charged"),
        (&["--request", "cccc"], "refund is slow | refunded"),
        (&["--trace", "1-5759e988-bd862e3fe1be46a994272793", "-i", "charged"], "charged"),
        (&["--region", "eu-west-1", "-l", "error"], declined),
        (&["--region", "us-east-1"], ""),
        (&["/refund$/"], "refund is slow | refunded"),
        (&["arn:aws:lambda:eu-west-1:123456789012:function:pay:42", "--account", "1"], ""),
        (&["/aws/lambda/pay-refund", "-n", "1"], "refunded"),
        (&["pay", "--platform", "hide", "-w", "order!=77"], "charging card | card declined: Timeout"),
        (&["pay", "--platform", "fold", "--request", "aaaa", "-l", "info", "-e", "card"], "REPORT RequestId: aaaa"),
        (&["pay", "--max-lines", "2", "-e", "RequestId"], "charging card | card declined: Timeout"),
        (&["pay", "--exit-on", "declined", "-e", "RequestId"], "charging card | card declined: Timeout"),
        (&["pay", "-i", "declined", "-B", "1"], "charging card | card declined: Timeout"),
        (&["pay", "-i", "charged", "-C", "inv"], "charging card | charged"),
        (&["pay", "-n", "1", "-i", "charging", "-C", "1"], "REPORT RequestId: aaaa | charging card | charged"),
        (&["pay*", "-n", "2", "-i", "charged|slow", "-B", "1"], "charging card | charged | refund is slow"),
        (&["pay", "-n", "1", "-i", "card", "-C", "inv"], "charging card | charged"),
        (&["pay", "-n", "3", "-i", "nowhere", "-C", "1"], ""),
        (&["pay*", "-w", "ms", "-A", "1", "-n", "all"], "charged | refund is slow | refunded"),
    ] {
        let nothing = if lines.is_empty() { run(&viewer, "logs", arguments).await.stdout } else { String::new() };
        assert_eq!(nothing, "", "{layout}: {arguments:?}");
        if !lines.is_empty() {
            assert_eq!(found(&viewer, arguments).await, lines, "{layout}: {arguments:?}");
        }
    }
}

#[tokio::test]
async fn every_filter_finds_its_lines_in_todays_layout() {
    every_filter_finds_its_lines(Layout::Items).await;
}

#[tokio::test]
async fn every_filter_finds_its_lines_in_the_layout_of_most_tables() {
    every_filter_finds_its_lines(Layout::TimestampTime).await;
}

#[tokio::test]
async fn an_alias_stands_for_the_versions_that_it_led_to() {
    for layout in [Layout::Items, Layout::TimestampTime] {
        let (desk, viewer) = shop(layout).await;
        desk.execute(include_str!("../fixtures/sql/rows/shop_spans.sql")).await;
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:pay:live";
        for (arguments, said, lines) in [
            (&["pay", "--qualifier", "live"][..], "alias live led to version 42", "charging card | charged"),
            // An ARN asks for its account too, which these rows do not tell.
            (&[arn], "alias live led to version 42", ""),
            (
                &["pay", "-w", "version=blue", "-i", "card"],
                "led to version 41",
                "charging card | card declined: Timeout",
            ),
            (&["pay", "--qualifier", "42"], "", "charging card | charged"),
        ] {
            let ended = run(&viewer, "logs", &[arguments, &["-o", "raw"]].concat()).await;
            assert_eq!(ended.stdout.trim_end().replace('\n', " | "), lines, "{layout}: {arguments:?}: {ended:?}");
            assert!(ended.stderr.contains(said) && said.is_empty() == ended.stderr.is_empty(), "{}", ended.stderr);
        }
        // The name of the function is no alias, though each ARN has it.
        for unknown in ["green", "pay"] {
            let ended = run(&viewer, "tail", &["pay", "--qualifier", unknown, "--no-follow"]).await;
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{layout}: {ended:?}");
            assert!(ended.stderr.contains("aws.lambda.invoked_arn"), "{}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn every_form_shows_the_same_lines() {
    let (_desk, viewer) = shop(Layout::Items).await;
    let mut shown = String::new();
    for form in ["pretty", "short", "raw", "json", "logfmt", "csv", "detailed", "none"] {
        let ended = run(&viewer, "logs", &["pay*", "-l", "warn", "-o", form, "--utc"]).await;
        shown.push_str(&format!("{form}:\n{}", ended.stdout));
    }
    insta::assert_snapshot!(shown);
}

#[tokio::test]
async fn lines_stand_by_invocation_in_a_frame_that_says_how_it_began_and_ended() {
    for layout in [Layout::Items, Layout::TimestampTime] {
        let (desk, viewer) = shop(layout).await;
        desk.execute(include_str!("../fixtures/sql/rows/shop_spans.sql")).await;
        let boxes = run(&viewer, "logs", &["pay*", "--group", "--utc", "--attributes"]).await;
        let ascii = run(&viewer, "tail", &["pay", "--group", "--no-follow", "--utc", "--ascii", "-l", "error"]).await;
        insta::assert_snapshot!("grouped", format!("{}{}{}", boxes.stdout, boxes.stderr, ascii.stdout));
        let json = run(&viewer, "logs", &["pay", "--group", "-o", "json"]).await;
        assert_eq!(json.code, Some(2), "{}", json.stderr);
    }
}

#[tokio::test]
async fn what_ends_a_search_is_told_to_scripts() {
    let (_desk, viewer) = shop(Layout::Items).await;
    for (command, arguments, code, says) in [
        ("logs", &["pay", "-i", "nowhere", "--strict"][..], 3, "no line matched"),
        ("logs", &["pay", "--max-rows", "2", "--strict"], 6, "stopped after 2 rows"),
        ("logs", &["pay", "--max-rows", "2"], 0, "stopped after 2 rows, there are more"),
        ("logs", &["pay", "--max-rows", "6"], 0, ""),
        ("tail", &["pay*", "--no-follow", "--fail-error-rate", "30%"], 7, "1 of 3 invocations failed: 33.33%"),
        ("tail", &["pay*", "--no-follow", "--fail-error-rate", "50%"], 0, ""),
        ("tail", &["pay", "--follow", "--for", "1ms", "-o", "none"], 0, "6 rows, 0 late; followed exactly"),
        ("logs", &["pay", "-q", "level>=loud"], 2, "  level>=loud\n         ^\n"),
        ("logs", &["pay", "-i", "("], 2, "-i ("),
        ("logs", &["pay-[", "-o", "json"], 3, "no function pay-["),
    ] {
        let ended = run(&viewer, command, arguments).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains(says) && (!says.is_empty() || ended.stderr.is_empty()),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}
