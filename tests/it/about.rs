//! The command line told about itself: help, manual pages, completions.

use lambdaview_tests::viewer::Viewer;

#[tokio::test]
async fn help_knows_topics_commands_and_commands_of_commands() {
    let viewer = Viewer::new();
    for (words, says) in [
        (&["help"][..], "Usage: lambdaview"),
        (&["help", "time"], "--since 10m"),
        (&["help", "exit-codes"], "  8    ClickStack's tables are not there"),
        (&["help", "json"], "# What `-o json` prints"),
        (&["help", "tail"], "Usage: lambdaview tail"),
        (&["help", "context", "add"], "--password-command"),
    ] {
        let ended = viewer.run(words).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{words:?}");
        assert!(ended.stdout.contains(says) && !ended.stdout.contains('\x1b'), "{words:?}: {}", ended.stdout);
    }
    let ended = viewer.run(&["help", "tiem"]).await;
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("did you mean: time"), "{}", ended.stderr);
}

#[tokio::test]
async fn each_command_has_a_manual_page_and_is_completed() {
    let viewer = Viewer::new();
    let dir = viewer.home().join("man1");
    assert_eq!(viewer.run(&["man", dir.to_str().unwrap()]).await.code, Some(0));
    let page = viewer.run(&["man"]).await.stdout;
    let scripts = [viewer.run(&["completions", "bash"]).await, viewer.run(&["completions", "fish"]).await];
    for command in ["tail", "trace", "context"] {
        assert!(dir.join(format!("lambdaview-{command}.1")).exists(), "{command}");
        assert!(page.contains(&format!("lambdaview\\-{command}(1)")), "{page}");
        assert!(scripts.iter().all(|script| script.stdout.contains(command)), "{command}");
    }
}

#[tokio::test]
async fn without_a_terminal_no_command_is_a_fault_of_usage_with_help() {
    let ended = Viewer::new().run(&[]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("Usage: lambdaview"), "{ended:?}");
}

#[tokio::test]
async fn what_is_pasted_becomes_the_command_that_shows_it() {
    let viewer = Viewer::new();
    let group = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fcheckout";
    for (pasted, command) in [
        ("1-5759e988-bd862e3fe1be46a994272793", "lambdaview trace 5759e988bd862e3fe1be46a994272793\n"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:checkout:42", "lambdaview tail checkout\n"),
        ("pay-*", "lambdaview tail 'pay-*'\n"),
        (group, "lambdaview tail checkout\n"),
    ] {
        let ended = viewer.run(&["open", "--print", pasted]).await;
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), command, ""), "{pasted}");
    }
    assert_eq!(viewer.run(&["open", "https://example.com"]).await.code, Some(2));
    assert_eq!(viewer.run(&["open", "--", "--since"]).await.code, Some(2), "a name that would be a flag");
}

#[tokio::test]
async fn what_is_pasted_is_opened_with_the_flags_that_were_typed() {
    let viewer = Viewer::new();
    let ended = viewer.run(&["open", "7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11", "--url", "http://127.0.0.1:1"]).await;
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.stderr.starts_with("lambdaview: a request id: lambdaview trace 7f3a91c2-"), "{ended:?}");
    assert!(ended.stderr.contains("cannot reach ClickHouse at http://127.0.0.1:1"), "{ended:?}");
}
