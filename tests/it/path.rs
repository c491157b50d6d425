//! The whole path: from a function's `print` to a row in ClickHouse.

use crate::world::World;
use lambdaview_tests::{
    attach::sample,
    clickhouse::Line,
    function::Sample,
    lambda::{Mode, Request, Status},
    stack::Stack,
    tls::Terminator,
    until::{GENEROUS, until},
};
use serde_json::json;

#[tokio::test]
async fn a_printed_line_is_a_row_with_everything_that_the_guide_promises() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    let before = chrono::Utc::now();
    let invocation = world.lambda.invoke(json!({"order": 17, "items": [{"sku": "espresso"}]})).await;
    let row = world.row("order 17 received").await;
    assert_eq!(row.service, "orders");
    let resource = |name: &str| row.resource.get(name).map_or("", String::as_str);
    assert_eq!(resource("faas.name"), "orders");
    assert_eq!((resource("cloud.provider"), resource("cloud.platform")), ("aws", "aws_lambda"));
    assert_eq!((resource("cloud.region"), resource("cloud.account.id")), ("eu-central-1", "123456789012"));
    assert_eq!(resource("faas.version"), "$LATEST");
    assert_eq!(row.attributes["faas.invocation_id"], invocation.request_id);
    assert_eq!(
        (row.severity_text.as_str(), row.severity_number),
        ("info", 9),
        "ClickStack's collector gives lines without a level this one"
    );
    let (earliest, latest) = (before.timestamp_nanos_opt().unwrap(), chrono::Utc::now().timestamp_nanos_opt().unwrap());
    assert!((earliest - 1_000_000..=latest).contains(&row.time), "the time is that of the print");
    assert_eq!(world.stop().await.of("logs").dropped, 0);
}

#[tokio::test]
async fn a_logged_line_keeps_its_level_and_its_own_time() {
    let world = World::of("orders", sample(Sample::Orders)).await;
    let invocation = world.lambda.invoke(json!({"order": 18})).await;
    let has = |rows: &[Line]| rows.iter().any(|row| row.body.contains("order 18 has no items"));
    let rows = world.rows("the warning", has).await;
    let warning = rows.iter().find(|row| row.body.contains("order 18 has no items")).unwrap();
    assert_eq!((warning.severity_text.as_str(), warning.severity_number), ("warning", 13));
    assert_eq!(warning.attributes["faas.invocation_id"], invocation.request_id);
    let written = world.lambda.events().into_iter().find_map(|event| {
        let text = event.record.as_str()?;
        text.contains("order 18 has no items").then(|| text.split('\t').nth(1).map(str::to_owned))?
    });
    let own = chrono::DateTime::parse_from_rfc3339(&written.unwrap()).unwrap();
    assert_eq!(warning.time, own.timestamp_nanos_opt().unwrap());
}

#[tokio::test]
async fn a_json_log_keeps_every_field_and_plain_prints_beside_it_are_tied_to_the_invocation() {
    let world = World::of("stock", sample(Sample::Stock).json_logs()).await;
    let invocation =
        world.lambda.invoke(json!({"order": 5, "items": [{"sku": "grinder", "count": 2}], "short": "beans-1kg"})).await;
    let reserved = world.row("reserved").await;
    assert_eq!(
        (reserved.severity_text.as_str(), reserved.severity_number),
        ("info", 9),
        "ClickStack's collector writes levels in lower case"
    );
    assert_eq!((reserved.attributes["sku"].as_str(), reserved.attributes["count"].as_str()), ("grinder", "2"));
    let failed = world.row("out of stock").await;
    assert_eq!(failed.severity_number, 17);
    assert_eq!(failed.attributes["exception.type"], "LookupError");
    assert!(failed.attributes["exception.stacktrace"].contains("stock.py"), "{failed:?}");
    let plain = world.row("plain words about order 5").await;
    for row in [&reserved, &failed, &plain] {
        assert_eq!(row.attributes["faas.invocation_id"], invocation.request_id);
    }
}

#[tokio::test]
async fn spans_of_the_sdk_and_plain_prints_share_the_trace_of_their_invocation() {
    for protocol in ["http/protobuf", "grpc"] {
        spans_and_prints_share_a_trace_by(protocol).await;
    }
}

async fn spans_and_prints_share_a_trace_by(protocol: &str) {
    let settings = sample(Sample::Payments).variable("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    let world = World::of("payments", settings).await;
    let invocation = world.lambda.invoke(Request::new(json!({"order": 9, "items": [{"sku": "filter"}]}))).await;
    assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
    let spans = until("the spans", GENEROUS, || async {
        let spans = world.stack.database.spans(&invocation.trace_id).await.map_err(|error| error.to_string())?;
        let names: Vec<_> = spans.iter().map(|span| span.name.clone()).collect();
        let whole =
            ["payments", "read order", "charge card"].iter().all(|name| names.iter().any(|found| found == name));
        if whole { Ok(spans) } else { Err(format!("{names:?}\n{}", world.lambda.transcript())) }
    })
    .await;
    let named = |name: &str| spans.iter().filter(|span| span.name == name).collect::<Vec<_>>();
    let server = named("payments");
    assert_eq!((server.len(), server[0].kind.as_str()), (1, "Server"));
    assert_eq!(server[0].attributes["faas.invocation_id"], invocation.request_id);
    assert_eq!(named("charge card")[0].parent_span_id, server[0].span_id);
    assert_eq!(
        spans.iter().filter(|span| span.kind == "Server").count(),
        1,
        "the extension's own span does not double the SDK's: {spans:#?}"
    );
    let charging = world.row("charging 3.10 EUR for order 9").await;
    assert_eq!(charging.trace_id, invocation.trace_id);
    let of_the_trace = |id: &str| spans.iter().any(|span| span.span_id == id);
    assert!(of_the_trace(&charging.span_id), "a line without a span of its own gets its invocation's: {charging:?}");
    until("the metric", GENEROUS, || async {
        let sum = world.stack.database.sum("shop.charged", "payments").await.map_err(|error| error.to_string())?;
        if (sum - 3.1).abs() < 1e-9 { Ok(()) } else { Err(format!("charged {sum}")) }
    })
    .await;
    assert!(world.stop().await.balanced());
}

#[tokio::test]
async fn every_invocation_is_counted_once_the_last_by_the_report_that_comes_at_shutdown() {
    let world = World::of("misbehaving", sample(Sample::Misbehaving)).await;
    for what in ["nothing", "nothing", "raise", "nothing"] {
        world.lambda.invoke(json!({"do": what})).await;
    }
    world.stop().await;
    for (metric, expected) in [("faas.invocations", 3.0), ("faas.errors", 1.0), ("faas.coldstarts", 1.0)] {
        until(metric, GENEROUS, || async {
            let sum = world.stack.database.sum(metric, "misbehaving").await.map_err(|error| error.to_string())?;
            if (sum - expected).abs() < 1e-9 {
                Ok(())
            } else {
                Err(format!("{sum}, not {expected}\n{}", world.lambda.transcript()))
            }
        })
        .await;
    }
}

#[tokio::test]
async fn on_managed_instances_lines_of_concurrent_invocations_are_kept_apart() {
    let settings = sample(Sample::Stock).json_logs().mode(Mode::ManagedInstances { concurrency: 2 });
    let world = World::of("stock", settings).await;
    let event = |order: u32| json!({"order": order, "items": [{"sku": "filter"}], "milliseconds": 300});
    let (one, other) = tokio::join!(world.lambda.invoke(event(1)), world.lambda.invoke(event(2)));
    assert_eq!((one.status, other.status), (Status::Success, Status::Success), "{}", world.lambda.transcript());
    let both = |rows: &[Line]| rows.iter().filter(|row| row.body == "reserved").count() == 2;
    let rows = world.rows("both reservations", both).await;
    for (order, invocation) in [("1", &one), ("2", &other)] {
        let row = rows.iter().find(|row| row.body == "reserved" && row.attributes["order"] == order).unwrap();
        assert_eq!(row.attributes["faas.invocation_id"], invocation.request_id);
        assert_eq!(row.trace_id, invocation.trace_id);
    }
    assert_eq!(world.stop().await.of("logs").dropped, 0);
}

#[tokio::test]
async fn the_extension_writes_straight_into_clickstacks_tables_when_it_is_told_to() {
    let stack = Stack::without_collector().await;
    let settings = sample(Sample::Payments)
        .variable("ROTEL_EXPORTER", "clickhouse")
        .variable("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", &stack.database.url)
        .variable("ROTEL_CLICKHOUSE_EXPORTER_DATABASE", &stack.database.name);
    let world = World::on(stack, "payments", settings).await;
    let invocation = world.lambda.invoke(json!({"order": 9, "items": [{"sku": "filter"}]})).await;
    let line = world.row("charging 3.10 EUR for order 9").await;
    assert_eq!(line.trace_id, invocation.trace_id);
    assert_eq!(line.attributes["faas.invocation_id"], invocation.request_id);
    let ledger = world.stop().await;
    assert_eq!((ledger.of("logs").dropped, ledger.of("logs").pending), (0, 0), "{ledger:?}");
    let spans = world.stack.database.spans(&invocation.trace_id).await.unwrap();
    assert!(spans.iter().any(|span| span.name == "charge card"), "{spans:#?}");
}

#[tokio::test]
async fn the_extension_writes_into_clickhouse_over_tls_by_a_certificate_that_it_is_told_to_trust() {
    let stack = Stack::without_collector().await;
    let plain = stack.database.url.strip_prefix("http://").unwrap().parse().unwrap();
    let tls = Terminator::before(plain).await;
    let settings = sample(Sample::Orders)
        .variable("ROTEL_EXPORTER", "clickhouse")
        .variable("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", format!("https://{}", tls.address))
        .variable("ROTEL_CLICKHOUSE_EXPORTER_TLS_CA_PEM", &tls.authority)
        .variable("ROTEL_CLICKHOUSE_EXPORTER_DATABASE", &stack.database.name);
    let world = World::on(stack, "orders", settings).await;
    world.lambda.invoke(json!({"order": 9})).await;
    world.row("order 9 received").await;
    let ledger = world.stop().await;
    assert_eq!((ledger.of("logs").dropped, ledger.of("logs").pending), (0, 0), "{ledger:?}");
}
