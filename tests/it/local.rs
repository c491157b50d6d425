//! `lambdaview local` as a user runs it: what its collector writes, what its engine does to it and it to its engine, its errors,
//! and nothing left behind.

use http::Method;
use lambdaview_extension::clock::unix_now;
use lambdaview_tests::{
    attach::{attached, sample},
    function::Sample,
    lambda::Lambda,
    machine,
    until::{GENEROUS, until},
    viewer::{Follower, Viewer},
    wire::{Reply, send},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, path::Path};
use tempfile::TempDir;

const FREE_PORTS: [&str; 8] = ["--http-port", "0", "--tcp-port", "0", "--otlp-grpc-port", "0", "--otlp-http-port", "0"];

/// A stack that listens.
struct Stack {
    process: Follower,
    addresses: Value,
}

impl Stack {
    async fn start(data: &Path) -> Self {
        Self::start_with(&Viewer::new(), data).await
    }

    async fn start_with(viewer: &Viewer, data: &Path) -> Self {
        Self::listening(viewer, &["--data", data.to_str().unwrap()]).await
    }

    /// In the data directory that the other commands look into by themselves.
    async fn at_home(viewer: &Viewer) -> Self {
        Self::listening(viewer, &[]).await
    }

    async fn listening(viewer: &Viewer, flags: &[&str]) -> Self {
        let process = viewer.follow(&[&["local", "-o", "json"][..], flags, &FREE_PORTS].concat());
        let line = until("the stack's addresses", GENEROUS, async || {
            process.lines().first().cloned().ok_or_else(|| process.stderr())
        })
        .await;
        Self { addresses: serde_json::from_str(&line).unwrap(), process }
    }

    fn address(&self, name: &str) -> SocketAddr {
        self.addresses[name].as_str().and_then(|url| url.strip_prefix("http://")?.parse().ok()).unwrap()
    }

    async fn ask(&self, sql: &str) -> String {
        let reply = send(self.address("clickhouse_url"), Method::POST, "/", &[], sql).await.unwrap();
        reply.text().trim_end().to_owned()
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        let headers = [("content-type", "application/json")];
        send(self.address("otlp_http"), Method::POST, path, &headers, &body.to_string()).await.unwrap()
    }
}

fn logs(records: &Value) -> Value {
    let service = json!({"key": "service.name", "value": {"stringValue": "orders"}});
    json!({"resourceLogs": [{
        "resource": {"attributes": [service]},
        "scopeLogs": [{"logRecords": records}],
    }]})
}

#[tokio::test]
async fn what_is_sent_to_it_is_there_at_once_and_still_there_after_a_restart() {
    let data = TempDir::new().unwrap();
    let mut stack = Stack::start(data.path()).await;
    let time = unix_now().to_string();
    let record =
        json!({"timeUnixNano": time, "body": {"stringValue": "ready {\"level\":\"WARN\",\"order\":{\"id\":7}}"}});
    let reply = stack.post("/v1/logs", &logs(&json!([record]))).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    // No waiting: acknowledged means written.
    let row = "SELECT Body, SeverityText, SeverityNumber, ServiceName, LogAttributes['order.id'], toUnixTimestamp64Nano(Timestamp) FROM otel_logs";
    let written = format!("ready {{\"level\":\"WARN\",\"order\":{{\"id\":7}}}}\twarn\t13\torders\t7\t{time}");
    assert_eq!(stack.ask(row).await, written);
    assert!(stack.process.end(Signal::SIGTERM).await.success());

    let mut stack = Stack::start(data.path()).await;
    assert_eq!(stack.ask("SELECT count() FROM otel_logs").await, "1");
    assert_eq!(stack.process.end(Signal::SIGINT).await.code(), Some(130));
}

#[tokio::test]
async fn spans_metrics_and_session_replay_go_to_their_own_tables() {
    let data = TempDir::new().unwrap();
    let stack = Stack::start(data.path()).await;
    let start = unix_now();
    let (time, end) = (start.to_string(), (start + 1000).to_string());
    let span = json!({"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "handler",
        "kind": 2, "startTimeUnixNano": time, "endTimeUnixNano": end, "status": {"code": 2}});
    let spans = json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]});
    assert_eq!(stack.post("/v1/traces", &spans).await.status, 200);
    let point = json!({"timeUnixNano": time, "asDouble": 1.5});
    let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}]}]});
    assert_eq!(stack.post("/v1/metrics", &metrics).await.status, 200);
    let replay = json!({"key": "rr-web.event", "value": {"stringValue": "{}"}});
    let records = json!([{"timeUnixNano": time, "body": {"stringValue": "replay"}, "attributes": [replay]}]);
    assert_eq!(stack.post("/v1/logs", &logs(&records)).await.status, 200);

    assert_eq!(stack.ask("SELECT SpanKind, StatusCode, Duration FROM otel_traces").await, "Server\tError\t1000");
    assert_eq!(stack.ask("SELECT MetricName, Value FROM otel_metrics_gauge").await, "m\t1.5");
    assert_eq!(stack.ask("SELECT count() FROM hyperdx_sessions").await, "1");
    assert_eq!(stack.ask("SELECT count() FROM otel_logs").await, "0");
}

#[tokio::test]
async fn it_serves_clickstacks_own_web_ui() {
    let data = TempDir::new().unwrap();
    let stack = Stack::start(data.path()).await;
    for path in ["/clickstack/", "/play"] {
        let page = send(stack.address("clickhouse_url"), Method::GET, path, &[], "").await.unwrap();
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{path}");
    }
}

#[tokio::test]
async fn other_commands_can_read_where_it_listens_for_as_long_as_it_runs() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("local.json");
    let mut stack = Stack::start(data.path()).await;
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written, stack.addresses);
    stack.process.end(Signal::SIGTERM).await;
    assert!(!file.exists());
}

#[tokio::test]
async fn killed_it_takes_its_engine_along_and_the_data_can_be_used_again() {
    let data = TempDir::new().unwrap();
    let mut stack = Stack::start(data.path()).await;
    let clickhouse = stack.address("clickhouse_url");
    stack.process.end(Signal::SIGKILL).await;
    until("the engine's end", GENEROUS, async || match send(clickhouse, Method::GET, "/ping", &[], "").await {
        Ok(_) => Err("it still answers"),
        Err(_) => Ok(()),
    })
    .await;
    let mut stack = Stack::start(data.path()).await;
    assert!(stack.process.end(Signal::SIGTERM).await.success());
}

#[tokio::test]
async fn an_engine_that_ends_by_itself_ends_the_stack_with_a_reason() {
    let data = TempDir::new().unwrap();
    let mut stack = Stack::start(data.path()).await;
    let parent = stack.process.pid();
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    let engine = children.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("the engine runs");
    kill(Pid::from_raw(engine), Signal::SIGKILL).unwrap();
    assert_eq!(stack.process.ended().await.code(), Some(1));
    assert!(stack.process.stderr().contains("ClickHouse has ended by itself"), "{}", stack.process.stderr());
    assert!(!data.path().join("local.json").exists());
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_flag_that_changes_it() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (at, flag) in FREE_PORTS.iter().enumerate().step_by(2) {
        let data = TempDir::new().unwrap();
        let mut ports = FREE_PORTS;
        ports[at + 1] = &port;
        let arguments = [&["local", "--data", data.path().to_str().unwrap()][..], &ports].concat();
        let ended = Viewer::new().run(&arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{flag}: {}", ended.stderr);
        assert!(ended.stderr.contains(&format!("port {port} ")) && ended.stderr.contains(flag), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_data_directory_in_use_is_said_to_be_so() {
    let data = TempDir::new().unwrap();
    let _stack = Stack::start(data.path()).await;
    let arguments = [&["local", "--data", data.path().to_str().unwrap()][..], &FREE_PORTS].concat();
    let ended = Viewer::new().run(&arguments).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("already uses the data directory"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_named_binary_that_is_not_there_is_said_not_to_be() {
    let data = TempDir::new().unwrap();
    let viewer = Viewer::new().variable("CLICKHOUSE_BINARY", "/no/such/clickhouse");
    let arguments = [&["local", "--data", data.path().to_str().unwrap()][..], &FREE_PORTS].concat();
    let ended = viewer.run(&arguments).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("CLICKHOUSE_BINARY is /no/such/clickhouse, which is not a file"), "{}", ended.stderr);
}

/// Not the official binary, which this machine need not have: the same engine under the arguments that a binary is given.
#[tokio::test]
async fn a_named_clickhouse_binary_is_used_in_place_of_the_library() {
    let folder = TempDir::new().unwrap();
    let (binary, library) = (folder.path().join("clickhouse"), machine::cache().join("engine"));
    let script = format!(
        "#!/bin/sh\ntest \"$1\" = local && shift && touch {}/used && exec {} engine-child {}/*/libchdb.so \"$@\"\n",
        folder.path().display(),
        machine::viewer().display(),
        library.display(),
    );
    std::fs::write(&binary, script).unwrap();
    std::fs::set_permissions(&binary, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let viewer = Viewer::new().variable("CLICKHOUSE_BINARY", binary.to_str().unwrap());
    let mut stack = Stack::start_with(&viewer, &folder.path().join("data")).await;
    assert_eq!(stack.ask("SELECT 1").await, "1");
    assert!(folder.path().join("used").exists());
    assert!(stack.process.end(Signal::SIGTERM).await.success());
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
    let mut stack = Stack::at_home(&viewer).await;
    let settings =
        attached(sample(Sample::Orders).timeout(GENEROUS).init_timeout(GENEROUS), stack.address("otlp_grpc"));
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
    assert_eq!(stack.process.end(Signal::SIGINT).await.code(), Some(130), "{}", stack.process.stderr());
    // What was written stays: the next run has it.
    let mut again = Stack::at_home(&viewer).await;
    let shown = viewer.run(&["tail", "orders", "--no-follow"]).await;
    assert!(shown.stdout.contains("order 77 received"), "{shown:?}");
    assert!(again.process.end(Signal::SIGTERM).await.success());
}

#[tokio::test]
async fn stopping_the_local_stack_leaves_no_process_and_no_address_behind() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let viewer = Viewer::new();
        let mut stack = Stack::at_home(&viewer).await;
        let processes = descendants(stack.process.pid());
        assert!(!processes.is_empty(), "the engine is a process of its own");
        stack.process.end(signal).await;
        for pid in processes {
            assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{pid} lives after {signal}");
        }
        for name in ["clickhouse_url", "otlp_grpc", "otlp_http"] {
            let answer = tokio::net::TcpStream::connect(stack.address(name)).await;
            assert!(answer.is_err(), "{name} is still listened on after {signal}");
        }
        let ended = viewer.run(&["functions"]).await;
        assert_eq!(ended.code, Some(5), "no address is left for the other commands: {ended:?}");
    }
}
