//! The emulated platform itself: what a function and an extension live through in it.

use crate::recorder::Recorder;
use lambdaview_tests::{
    function::Sample,
    lambda::{Faults, Lambda, Mode, Settings, Status},
    until::{GENEROUS, until},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
};

fn settings(sample: Sample) -> Settings {
    let program = sample.program().unwrap_or_else(|error| panic!("{error}"));
    Settings::new(sample.module(), program).timeout(GENEROUS).init_timeout(GENEROUS)
}

/// The letter by which the kernel tells a process's state: `T` is stopped, `Z` dead, none gone.
fn state(pid: i32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Texts of the function's records, in order.
fn printed(recorder: &Recorder) -> Vec<String> {
    recorder.of_type("function").iter().filter_map(Value::as_str).map(|line| line.trim_end().to_owned()).collect()
}

#[tokio::test]
async fn a_function_answers_and_what_it_prints_and_logs_becomes_records() {
    let lambda = Lambda::start(settings(Sample::Orders)).await.unwrap();
    let invocation = lambda.invoke(json!({"order": 17, "items": [{"sku": "espresso", "count": 2}]})).await;
    assert_eq!(invocation.status, Status::Success, "{}", lambda.transcript());
    assert_eq!(invocation.payload, json!({"order": 17, "price": 4.8, "requestId": invocation.request_id}));
    let records: Vec<Value> =
        lambda.events().into_iter().filter(|event| event.kind == "function").map(|event| event.record).collect();
    assert!(records.contains(&json!("order 17 received\n")), "{records:?}");
    let logged = records.iter().filter_map(Value::as_str).find(|line| line.starts_with("[INFO]\t")).unwrap();
    assert!(logged.ends_with(&format!("\t{}\torder 17 priced at 4.80 EUR\n", invocation.request_id)), "{logged}");
}

#[tokio::test]
async fn a_stack_trace_is_one_record_and_its_function_answers_with_the_error() {
    let lambda = Lambda::start(settings(Sample::Misbehaving)).await.unwrap();
    let invocation = lambda.invoke(json!({"do": "raise"})).await;
    assert_eq!(invocation.status, Status::Error);
    assert_eq!(invocation.payload["errorType"], "ValueError");
    let records = lambda.events().into_iter().filter(|event| event.kind == "function");
    let trace = records
        .filter_map(|event| event.record.as_str().map(str::to_owned))
        .find(|text| text.contains("Traceback"))
        .unwrap();
    assert!(trace.starts_with("[ERROR] ValueError: boom\n") && trace.contains("misbehaving.py"), "{trace}");
}

#[tokio::test]
async fn json_logs_are_objects_and_plain_prints_beside_them_are_text() {
    let recorder = Recorder::beside(settings(Sample::Stock).json_logs().without_freeze()).await;
    let invocation = recorder.lambda.invoke(json!({"order": 3, "items": [{"sku": "filter"}]})).await;
    recorder.until("function", |record| record == "plain words about order 3\n").await;
    let object = recorder.of_type("function").into_iter().find(Value::is_object).unwrap();
    assert_eq!(
        (&object["message"], &object["sku"], &object["requestId"]),
        (&json!("reserved"), &json!("filter"), &json!(invocation.request_id))
    );
}

#[tokio::test]
async fn the_report_of_an_invocation_comes_with_the_next_one_or_at_shutdown() {
    let recorder = Recorder::beside(settings(Sample::Orders)).await;
    let first = recorder.lambda.invoke(json!({})).await;
    assert!(!recorder.has("platform.report", &first.request_id), "the environment is frozen before it");
    let second = recorder.lambda.invoke(json!({"milliseconds": 100})).await;
    assert!(recorder.has("platform.report", &first.request_id), "{}", recorder.lambda.transcript());
    assert!(!recorder.has("platform.report", &second.request_id));
    recorder.lambda.stop().await;
    assert!(recorder.has("platform.report", &second.request_id), "{}", recorder.lambda.transcript());
}

#[tokio::test]
async fn every_process_is_stopped_between_invocations_and_goes_on_with_the_next() {
    let recorder = Recorder::beside(settings(Sample::Orders)).await;
    recorder.lambda.invoke(json!({})).await;
    let pid = recorder.lambda.extension_pids()[0];
    until("the extension is stopped", GENEROUS, || async {
        if state(pid) == Some('T') { Ok(()) } else { Err(format!("{:?}", state(pid))) }
    })
    .await;
    assert_eq!(recorder.lambda.invoke(json!({})).await.status, Status::Success);
}

#[tokio::test]
async fn a_batch_that_is_refused_comes_again_as_it_was_and_before_all_later_ones() {
    let recorder = Recorder::beside(settings(Sample::Misbehaving).without_freeze()).await;
    recorder.refuse(2);
    recorder.lambda.invoke(json!({"do": "lines", "count": 3000})).await;
    recorder.until("function", |record| record == "after lines\n").await;
    let (taken, refused) = recorder.batches();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|batch| taken.contains(batch)), "a refused batch is sent again unchanged");
    let numbered: Vec<String> = printed(&recorder).into_iter().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(numbered, (0..3000).map(|number| format!("line {number}")).collect::<Vec<_>>());
    assert!(taken.iter().all(|batch| batch.len() <= 1000));
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_comes_twice() {
    let faults = Faults { lose_every_nth_answer: Some(2), ..Faults::default() };
    let recorder = Recorder::beside(settings(Sample::Misbehaving).without_freeze().faults(faults)).await;
    recorder.lambda.invoke(json!({"do": "lines", "count": 5000})).await;
    recorder.until("function", |record| record == "after lines\n").await;
    let (taken, _) = recorder.batches();
    assert!(taken.windows(2).any(|pair| pair[0] == pair[1]), "no batch came twice");
}

#[tokio::test]
async fn what_the_platform_cannot_keep_is_counted_in_logs_dropped() {
    let recorder = Recorder::beside(settings(Sample::Misbehaving).without_freeze().telemetry_queue(20_000)).await;
    recorder.refuse(5);
    recorder.lambda.invoke(json!({"do": "lines", "count": 3000})).await;
    recorder.until("platform.logsDropped", |_| true).await;
    let sent = || recorder.lambda.events().iter().filter(|event| event.kind != "platform.logsDropped").count() as u64;
    until("every event was taken or counted as dropped", GENEROUS, || async {
        let dropped: u64 = recorder
            .of_type("platform.logsDropped")
            .iter()
            .filter_map(|record| record["droppedRecords"].as_u64())
            .sum();
        let taken = recorder.taken().iter().filter(|event| event["type"] != "platform.logsDropped").count() as u64;
        if taken + dropped == sent() {
            Ok(())
        } else {
            Err(format!("{taken} taken + {dropped} dropped != {} sent", sent()))
        }
    })
    .await;
}

#[tokio::test]
async fn a_timeout_resets_the_environment_and_the_next_invocation_starts_a_new_one() {
    // Frozen right after its short second invocation, the environment would keep that one's telemetry to itself.
    let settings = settings(Sample::Misbehaving).timeout(Duration::from_secs(1)).without_freeze();
    let recorder = Recorder::beside(settings).await;
    let before = recorder.lambda.extension_pids();
    let invocation = recorder.lambda.invoke(json!({"do": "sleep"})).await;
    assert_eq!((invocation.status, &invocation.payload["errorType"]), (Status::Timeout, &json!("Sandbox.Timedout")));
    let last = recorder.told().pop().unwrap();
    assert_eq!((&last["eventType"], &last["shutdownReason"]), (&json!("SHUTDOWN"), &json!("timeout")));
    assert_eq!(state(before[0]), None, "an extension that stays is killed");
    let again = recorder.lambda.invoke(json!({"do": "nothing"})).await;
    assert_eq!(again.status, Status::Success, "{}", recorder.lambda.transcript());
    assert_ne!(recorder.lambda.extension_pids(), before);
    recorder.until("platform.telemetrySubscription", |record| record["state"] == "Already subscribed").await;
    recorder.until("platform.initStart", |record| record["phase"] == "invoke").await;
}

#[tokio::test]
async fn a_function_that_exits_fails_its_invocation_only() {
    let recorder = Recorder::beside(settings(Sample::Misbehaving)).await;
    let invocation = recorder.lambda.invoke(json!({"do": "exit", "code": 3})).await;
    assert_eq!((invocation.status, &invocation.payload["errorType"]), (Status::Failure, &json!("Runtime.ExitError")));
    assert!(invocation.payload["errorMessage"].as_str().unwrap().ends_with("Runtime exited with error: exit status 3"));
    assert_eq!(recorder.told().pop().unwrap()["shutdownReason"], "failure");
    assert_eq!(recorder.lambda.invoke(json!({})).await.status, Status::Success);
}

#[tokio::test]
async fn an_extension_that_dies_fails_the_invocation_of_a_function_that_works() {
    let recorder = Recorder::beside(settings(Sample::Misbehaving)).await;
    let kill = async {
        recorder.until("function", |record| record == "before sleep\n").await;
        recorder.lambda.kill_extensions();
    };
    let (invocation, ()) = tokio::join!(recorder.lambda.invoke(json!({"do": "sleep"})), kill);
    assert_eq!((invocation.status, &invocation.payload["errorType"]), (Status::Failure, &json!("Extension.Crash")));
}

#[tokio::test]
async fn an_init_that_fails_is_tried_again_by_the_invocation_which_then_fails() {
    for (how, error_type) in [("crash", "RuntimeError"), ("exit", "Runtime.ExitError")] {
        let recorder = Recorder::beside(settings(Sample::Misbehaving).variable("MISBEHAVE_IN_INIT", how)).await;
        let invocation = recorder.lambda.invoke(json!({})).await;
        assert_eq!(invocation.payload["errorType"], error_type, "{}", recorder.lambda.transcript());
        let phases: Vec<Value> =
            recorder.of_type("platform.initStart").iter().map(|record| record["phase"].clone()).collect();
        assert_eq!(phases, ["init", "invoke"]);
        recorder.until("platform.initReport", |record| record["status"] != "success").await;
    }
}

#[tokio::test]
async fn managed_instances_work_on_several_invocations_at_once_and_tell_no_runtime_done() {
    let lambda = Lambda::start(settings(Sample::Stock).json_logs().mode(Mode::ManagedInstances { concurrency: 2 }))
        .await
        .unwrap();
    let slow = json!({"milliseconds": 300});
    let (one, other) = tokio::join!(lambda.invoke(slow.clone()), lambda.invoke(slow));
    assert_eq!((one.status, other.status), (Status::Success, Status::Success), "{}", lambda.transcript());
    let kinds: Vec<String> =
        lambda.events().into_iter().map(|event| event.kind).filter(|kind| kind.starts_with("platform.")).collect();
    let invocations: Vec<&str> =
        kinds.iter().map(String::as_str).skip_while(|kind| *kind != "platform.start").collect();
    assert_eq!(invocations, ["platform.start", "platform.start", "platform.report", "platform.report"]);
}

#[tokio::test]
async fn nothing_of_an_environment_is_left_when_its_handle_is_dropped() {
    let recorder = Recorder::beside(settings(Sample::Orders)).await;
    recorder.lambda.invoke(json!({})).await;
    let pid = recorder.lambda.extension_pids()[0];
    drop(recorder);
    until("the frozen extension is gone", GENEROUS, || async {
        state(pid).filter(|state| *state != 'Z').map_or(Ok(()), |state| Err(format!("state {state}")))
    })
    .await;
}

#[tokio::test]
async fn at_spindown_the_runtime_is_asked_to_end_and_an_extension_that_stays_is_killed() {
    let recorder = Recorder::beside(settings(Sample::Orders)).await;
    recorder.lambda.invoke(json!({})).await;
    let shutdown = recorder.lambda.stop().await;
    assert_eq!((shutdown.reason.as_str(), shutdown.killed), ("spindown", vec!["recorder".to_owned()]));
    assert_eq!(recorder.told().pop().unwrap()["shutdownReason"], "spindown");
    let transcript = recorder.lambda.transcript();
    assert!(transcript.contains("ended: signal: 15"), "the runtime gets SIGTERM\n{transcript}");
    assert!(transcript.contains("ended: signal: 9"), "the extension gets none, but SIGKILL\n{transcript}");
}

#[tokio::test]
async fn a_subscriber_by_tcp_gets_one_event_a_line() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let wanted = json!({"protocol": "TCP", "port": listener.local_addr().unwrap().port()});
    let recorder = Recorder::subscribed_to(wanted, settings(Sample::Orders).without_freeze()).await;
    let read = async {
        let mut kinds = Vec::new();
        while !kinds.contains(&"platform.report".to_owned()) {
            let (stream, _) = listener.accept().await.unwrap();
            let mut lines = BufReader::new(stream).lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                let event: Value = serde_json::from_str(&line).unwrap();
                kinds.push(event["type"].as_str().unwrap().to_owned());
            }
        }
        kinds
    };
    let (kinds, _) = tokio::join!(tokio::time::timeout(GENEROUS, read), recorder.lambda.invoke(json!({})));
    let kinds = kinds.expect("the report of the invocation comes");
    let order: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| kind.starts_with("platform.")).collect();
    assert_eq!(order.first(), Some(&"platform.initStart"));
    assert!(order.ends_with(&["platform.start", "platform.runtimeDone", "platform.report"]), "{order:?}");
}
