//! `lambdaview local`: the stack on this machine as a user runs it, from start to nothing left behind.

use lambdaview_tests::{
    attach::{attached, sample},
    function::Sample,
    lambda::Lambda,
    until::{GENEROUS, until},
    viewer::{Follower, Viewer},
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::net::SocketAddr;

const FREE_PORTS: [&str; 11] =
    ["local", "--http-port", "0", "--tcp-port", "0", "--otlp-grpc-port", "0", "--otlp-http-port", "0", "-o", "json"];

async fn started(viewer: &Viewer) -> (Follower, Value) {
    let local = viewer.follow(&FREE_PORTS);
    let addresses = until("the local stack says where it listens", GENEROUS, || async {
        let line = local.lines().into_iter().next().ok_or_else(|| local.stderr())?;
        serde_json::from_str::<Value>(&line).map_err(|error| format!("{error}: {line}"))
    })
    .await;
    (local, addresses)
}

fn address(url: &Value) -> SocketAddr {
    let url = url.as_str().expect("an address is text");
    url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap_or_else(|error| panic!("{error}: {url}"))
}

/// The processes whose parent this is, and theirs.
fn descendants(pid: i32) -> Vec<i32> {
    let children = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten().flat_map(|thread| {
        let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.split_whitespace().filter_map(|child| child.parse().ok()).collect::<Vec<i32>>()
    });
    children.flat_map(|child| [vec![child], descendants(child)].concat()).collect()
}

#[tokio::test]
async fn the_other_commands_find_the_local_stack_by_themselves_and_show_what_a_function_printed() {
    let viewer = Viewer::new();
    let (mut local, addresses) = started(&viewer).await;
    let settings =
        attached(sample(Sample::Orders).timeout(GENEROUS).init_timeout(GENEROUS), address(&addresses["otlp_grpc"]));
    let lambda = Lambda::start(settings).await.unwrap();
    lambda.invoke(json!({"order": 77})).await;
    lambda.stop().await;
    let shown = until("the function is known", GENEROUS, || async {
        let shown = viewer.run(&["tail", "orders", "--no-follow"]).await;
        if shown.stdout.contains("order 77 received") {
            Ok(shown)
        } else {
            Err(format!("{shown:?}\n{}", lambda.transcript()))
        }
    })
    .await;
    assert_eq!(shown.code, Some(0));
    assert_eq!(local.end(Signal::SIGINT).await.code(), Some(130), "{}", local.stderr());
    // What was written stays: the next run has it.
    let (mut again, _) = started(&viewer).await;
    let shown = viewer.run(&["tail", "orders", "--no-follow"]).await;
    assert!(shown.stdout.contains("order 77 received"), "{shown:?}");
    again.end(Signal::SIGTERM).await;
}

#[tokio::test]
async fn stopping_the_local_stack_leaves_no_process_and_no_address_behind() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let viewer = Viewer::new();
        let (mut local, addresses) = started(&viewer).await;
        let processes = descendants(local.pid());
        assert!(!processes.is_empty(), "the engine is a process of its own");
        local.end(signal).await;
        for pid in processes {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} lives after {signal}");
        }
        for name in ["clickhouse_url", "otlp_grpc", "otlp_http"] {
            let answer = tokio::net::TcpStream::connect(address(&addresses[name])).await;
            assert!(answer.is_err(), "{name} is still listened on after {signal}");
        }
        let ended = viewer.run(&["functions"]).await;
        assert_eq!(ended.code, Some(5), "no address is left for the other commands: {ended:?}");
    }
}
