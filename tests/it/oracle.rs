//! The extension in AWS's own emulator: on Managed Instances with AWS's Telemetry API, and in the standard mode without one.

use lambdaview_tests::{
    ledger::Ledger,
    machine,
    rie::{Rie, Rig},
    stack::Stack,
    until::{GENEROUS, until},
};
use std::collections::BTreeMap;

/// The extension beside a sample function, its telemetry going to `stack`.
fn rig(stack: &Stack, managed: Option<usize>, module: &str, log_format: &str) -> Rig {
    let own = machine::loopback();
    let variable = |name: &str, value: String| (name.to_owned(), value);
    Rig {
        managed,
        extensions: vec![("lambdaview-extension".to_owned(), machine::extension())],
        task: machine::functions(),
        handler: format!("{module}.handler"),
        variables: vec![
            variable("AWS_LAMBDA_LOG_FORMAT", log_format.to_owned()),
            variable("ROTEL_OTLP_EXPORTER_ENDPOINT", format!("http://{}", stack.grpc)),
            variable("ROTEL_OTLP_GRPC_ENDPOINT", format!("{own}:4317")),
            variable("ROTEL_OTLP_HTTP_ENDPOINT", format!("{own}:4318")),
            variable("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{own}:4318")),
            variable("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ],
    }
}

#[tokio::test]
async fn logs_that_awss_telemetry_api_delivers_are_rows_tied_to_their_invocations() {
    let stack = Stack::start().await;
    let mut rie = match Rie::start(&rig(&stack, Some(2), "stock", "JSON")).await {
        Ok(rie) => rie,
        Err(why) => {
            return machine::skipped("logs_that_awss_telemetry_api_delivers_are_rows_tied_to_their_invocations", &why);
        }
    };
    for order in 1..=3 {
        let payload = format!("{{\"order\":{order},\"items\":[{{\"sku\":\"filter\"}}]}}");
        let reply = rie.invoke(&[], &payload).await.unwrap();
        assert_eq!(reply.status, 200, "{}\n{}", reply.text(), rie.output());
    }
    let rows = until("three reservations", GENEROUS, || async {
        let rows = stack.database.lines("myfn").await.map_err(|error| error.to_string())?;
        let reserved: Vec<_> = rows.into_iter().filter(|row| row.body == "reserved").collect();
        if reserved.len() == 3 { Ok(reserved) } else { Err(format!("{reserved:?}\n{}", rie.output())) }
    })
    .await;
    for row in &rows {
        assert_eq!(row.attributes["faas.invocation_id"].len(), 36, "{row:?}");
        assert_eq!((row.attributes["sku"].as_str(), row.severity_number), ("filter", 9));
    }
    rie.stop().await;
    let ledger = Ledger::last(&rie.output());
    assert!(ledger.balanced() && ledger.of("logs").dropped == 0, "{ledger:?}\n{}", rie.output());
}

#[tokio::test]
async fn lines_of_invocations_at_the_same_time_are_kept_apart_at_awss_emulator() {
    let stack = Stack::start().await;
    let mut rie = match Rie::start(&rig(&stack, Some(2), "stock", "JSON")).await {
        Ok(rie) => rie,
        Err(why) => {
            return machine::skipped("lines_of_invocations_at_the_same_time_are_kept_apart_at_awss_emulator", &why);
        }
    };
    let payload = |order: u32| format!("{{\"order\":{order},\"items\":[{{\"sku\":\"filter\"}}],\"milliseconds\":300}}");
    let (first, second) = (payload(1), payload(2));
    let (one, other) = tokio::join!(rie.invoke(&[], &first), rie.invoke(&[], &second));
    for reply in [one.unwrap(), other.unwrap()] {
        assert_eq!(reply.status, 200, "{}\n{}", reply.text(), rie.output());
    }
    rie.stop().await;
    let ledger = Ledger::last(&rie.output());
    assert!(ledger.balanced() && ledger.of("logs").dropped == 0, "{ledger:?}\n{}", rie.output());
    let rows = stack.database.lines("myfn").await.unwrap();
    let reserved: BTreeMap<_, _> = rows
        .iter()
        .filter(|row| row.body == "reserved")
        .map(|row| (row.attributes["order"].clone(), row.attributes["faas.invocation_id"].clone()))
        .collect();
    assert_eq!(rows.iter().filter(|row| row.body == "reserved").count(), 2, "{rows:#?}");
    assert_eq!(reserved.keys().map(String::as_str).collect::<Vec<_>>(), ["1", "2"]);
    assert_ne!(reserved["1"], reserved["2"], "each line has the id of its own invocation");
    assert!(
        rows.iter().all(|row| !row.body.contains("lambdaview ")),
        "what we say ourselves is not shipped: {rows:#?}"
    );
}

#[tokio::test]
async fn spans_pass_where_awss_emulator_has_no_telemetry_api() {
    let stack = Stack::start().await;
    let mut rie = match Rie::start(&rig(&stack, None, "payments", "Text")).await {
        Ok(rie) => rie,
        Err(why) => return machine::skipped("spans_pass_where_awss_emulator_has_no_telemetry_api", &why),
    };
    let reply = rie.invoke(&[], "{\"order\":4,\"amount\":5}").await.unwrap();
    assert_eq!(reply.text(), "{\"order\": 4, \"settled\": true}", "{}", rie.output());
    until("the function's spans", GENEROUS, || async {
        let database = &stack.database;
        let traces = database.traces("myfn").await.map_err(|error| error.to_string())?;
        let trace = traces.first().ok_or_else(|| rie.output())?;
        let spans = database.spans(trace).await.map_err(|error| error.to_string())?;
        let charged = spans.iter().any(|span| span.name == "charge card");
        charged.then_some(()).ok_or_else(|| format!("{spans:?}\n{}", rie.output()))
    })
    .await;
    rie.stop().await;
    assert!(Ledger::last(&rie.output()).balanced(), "{}", rie.output());
}
