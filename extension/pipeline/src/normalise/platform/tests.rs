//! Invocations through the platform's eyes: every course of events, and what must come of it.

use super::super::{
    Settings,
    attributes::{attribute, text_of},
    tests::{A, B, Out, SECOND, T, World, XRAY, settings, xray},
};
use super::*;
use crate::flow::{
    Signal,
    arrival::{InitReport, InitStart, PlatformSpan, ReportMetrics, RestoreReport, RestoreStart, TelemetrySubscription},
    trace::{SpanId, TraceId},
};
use opentelemetry_proto::tonic::{
    common::v1::any_value::Value,
    metrics::v1::{Metric, metric::Data, number_data_point},
    trace::v1::{Span, span::SpanKind},
};
use proptest::prelude::*;

const MS: UnixNanos = 1_000_000;
const C: &str = "cccccccc-0000-4000-8000-000000000003";
const LAMBDAS: &str = "24cd7d670fa455f0";

fn part(name: &str, start: UnixNanos, duration_ms: f64) -> PlatformSpan {
    PlatformSpan { name: name.into(), start, duration_ms }
}

/// `runtimeDone` as AWS sends it.
fn done(id: &str, status: Status, error_type: Option<&str>) -> Event {
    Event::RuntimeDone(Box::new(RuntimeDone {
        request_id: id.into(),
        status,
        error_type: error_type.map(str::to_owned),
        duration_ms: Some(40.0),
        produced_bytes: Some(8),
        spans: vec![part("responseLatency", T, 39.0), part("responseDuration", T + 39 * MS, 1.0)],
        origin: Origin::default(),
    }))
}

fn ok(id: &str) -> Event {
    done(id, Status::Success, None)
}

/// `report` as AWS sends it.
fn whole_report(id: &str) -> Report {
    Report {
        request_id: id.into(),
        metrics: ReportMetrics {
            duration_ms: 42.5,
            billed_duration_ms: Some(43.0),
            memory_size_mb: Some(128),
            max_memory_used_mb: Some(94),
            ..ReportMetrics::default()
        },
        spans: vec![part("extensionOverhead", T + 40 * MS, 2.5)],
        ..Report::default()
    }
}

fn reported(id: &str) -> Event {
    Event::Report(Box::new(whole_report(id)))
}

fn origin(trace: bool) -> Origin {
    Origin { trace: xray().filter(|_| trace), span_id: SpanId::from_hex(LAMBDAS).filter(|_| trace), tenant_id: None }
}

fn started(id: &str, trace: bool) -> Event {
    Event::Start(Box::new(Start { request_id: id.into(), origin: origin(trace), ..Start::default() }))
}

fn init(phase: &str, kind: &str, status: Status) -> Event {
    Event::InitReport(InitReport {
        phase: phase.into(),
        initialization_type: Some(kind.into()),
        status: Some(status),
        duration_ms: 200.0,
        error_type: None,
    })
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn named<'a>(spans: &[&'a Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).copied().collect()
}

/// The only span of this name.
fn only<'a>(spans: &[&'a Span], name: &str) -> &'a Span {
    let [span] = named(spans, name)[..] else { panic!("not one {name}: {spans:#?}") };
    span
}

fn assert_child(child: &Span, parent: &Span) {
    assert_eq!(
        (&child.parent_span_id, &child.trace_id),
        (&parent.span_id, &parent.trace_id),
        "{child:#?}\n{parent:#?}"
    );
}

fn metrics_of(out: &Out) -> Vec<&Metric> {
    let metrics = out.signals.iter().filter_map(|signal| match signal {
        Signal::Metrics(metrics) => Some(metrics),
        _ => None,
    });
    metrics.flat_map(|metrics| &metrics.scope_metrics).flat_map(|scope| &scope.metrics).collect()
}

/// What the points of a metric add up to.
fn sum(out: &Out, name: &str) -> f64 {
    let metrics = metrics_of(out).into_iter().filter(|metric| metric.name == name);
    metrics
        .map(|metric| match metric.data.as_ref().unwrap() {
            Data::Histogram(histogram) => histogram.data_points.iter().filter_map(|point| point.sum).sum::<f64>(),
            Data::Sum(sum) => sum.data_points.iter().map(number).sum(),
            Data::Gauge(gauge) => gauge.data_points.iter().map(number).sum(),
            other => panic!("{other:?}"),
        })
        .sum()
}

fn number(point: &opentelemetry_proto::tonic::metrics::v1::NumberDataPoint) -> f64 {
    match point.value {
        Some(number_data_point::Value::AsInt(number)) => number as f64,
        other => panic!("{other:?}"),
    }
}

fn events(world: &mut World, events: impl IntoIterator<Item = Event>) -> Out {
    events.into_iter().for_each(|event| {
        world.event(event);
    });
    world.out()
}

fn lived(events_of_a_life: impl IntoIterator<Item = Event>) -> Out {
    events(&mut World::new(settings()), events_of_a_life)
}

#[test]
fn an_invocation_has_one_server_span_and_its_parts_below_it_the_reports_too() {
    let mut world = World::new(settings());
    let first = events(&mut world, [started(A, true), ok(A)]);
    let spans = first.spans();
    let server = only(&spans, "orders");
    assert_eq!((hex(&server.trace_id), hex(&server.span_id)), (XRAY.into(), LAMBDAS.into()));
    assert_eq!(server.kind, i32::from(SpanKind::Server));
    for name in ["responseLatency", "responseDuration"] {
        let child = only(&spans, name);
        assert_child(child, server);
        assert_eq!((child.kind, child.flags), (i32::from(SpanKind::Internal), 1));
        assert_eq!(text_of(&child.attributes, "faas.invocation_id"), Some(A));
    }
    assert_eq!(only(&spans, "responseLatency").end_time_unix_nano, T + 39 * MS);
    let late = events(&mut world, [started(B, false), reported(A)]);
    assert_eq!(late.spans().len(), 1, "{:#?}", late.spans());
    assert_child(only(&late.spans(), "extensionOverhead"), server);
}

#[test]
fn below_the_sdks_span_hang_the_parts_that_come_before_and_after_it() {
    let mut world = World::new(settings());
    world.event(started(A, true)).span(SpanKind::Server, Some(A)).event(ok(A)).event(reported(A));
    let out = world.out();
    let spans = out.spans();
    let sdks = spans.iter().find(|span| span.kind == i32::from(SpanKind::Server)).unwrap();
    assert_eq!(spans.len(), 4, "{spans:#?}");
    for name in ["responseLatency", "responseDuration", "extensionOverhead"] {
        assert_child(only(&spans, name), sdks);
    }
}

#[test]
fn where_the_sdk_has_sent_spans_ours_waits_for_one_that_comes_late() {
    let mut world = World::new(settings());
    world.event(started(A, true)).span(SpanKind::Server, Some(A)).event(ok(A)).out();
    world.event(started(B, true)).event(ok(B)).event(started(C, true)).event(reported(B));
    assert!(world.out().spans().is_empty(), "neither ours nor its parts");
    world.span(SpanKind::Server, Some(B));
    let out = world.out();
    let sdks = *out.spans().iter().find(|span| span.kind == i32::from(SpanKind::Server)).unwrap();
    assert_child(only(&out.spans(), "responseLatency"), sdks);
    assert_child(only(&out.spans(), "extensionOverhead"), sdks);
    assert_eq!(out.spans().len(), 4);
}

#[test]
fn where_the_sdk_has_sent_spans_and_sends_none_ours_comes_when_the_next_invocation_ends() {
    let mut world = World::new(settings());
    world.event(started(A, true)).span(SpanKind::Server, Some(A)).event(ok(A)).out();
    world.event(started(B, true)).event(ok(B));
    assert!(world.out().spans().is_empty());
    assert!(events(&mut world, [started(C, true), reported(B)]).spans().is_empty());
    let out = events(&mut world, [ok(C)]);
    let server = only(&out.spans(), "orders");
    assert_eq!(text_of(&server.attributes, "faas.invocation_id"), Some(B));
    assert_child(only(&out.spans(), "responseLatency"), server);
    assert_child(only(&out.spans(), "extensionOverhead"), server);
}

#[test]
fn ours_waits_some_seconds_where_no_report_is_to_come() {
    let mut world = World::new(Settings { managed: true, on_demand: false, ..settings() });
    world.event(started(A, true)).span(SpanKind::Server, Some(A)).event(reported(A)).out();
    world.event(started(B, true)).event(reported(B));
    world.normaliser.release_due(world.now + SECOND);
    assert!(world.out().spans().is_empty());
    world.normaliser.release_due(world.now + 6 * SECOND);
    assert_eq!(named(&world.out().spans(), "orders").len(), 1);
}

#[test]
fn a_trace_that_the_sdk_begins_in_an_invocation_gets_our_server_span() {
    let mut world = World::new(settings());
    world.event(started(A, true)).span(SpanKind::Internal, None).event(ok(A));
    let out = world.out();
    let server = only(&out.spans(), "orders");
    assert_eq!((hex(&server.trace_id), hex(&server.span_id)), ("07".repeat(16), LAMBDAS.into()));
    assert!(server.parent_span_id.is_empty(), "the caller is in another trace");
    assert_child(only(&out.spans(), "responseLatency"), server);
}

#[test]
fn an_end_that_only_the_report_tells_is_where_the_function_stopped() {
    let out = lived([started(A, true), started(B, true), reported(A)]);
    let server = only(&out.spans(), "orders");
    assert_eq!(server.end_time_unix_nano - server.start_time_unix_nano, 20 * MS, "not after the report itself");
    let mut world = World::new(settings());
    world.event(started(A, true));
    world.now += SECOND;
    let out = events(&mut world, [reported(A)]);
    let server = only(&out.spans(), "orders");
    assert_eq!(server.end_time_unix_nano - server.start_time_unix_nano, 42_500_000);
}

#[test]
fn on_managed_instances_the_report_has_all_even_where_the_start_was_lost() {
    let mut world = World::new(Settings { managed: true, on_demand: false, ..settings() });
    let report = |id, trace| {
        let spans = vec![part("responseLatency", T, 39.0), part("responseDuration", T + 39 * MS, 1.0)];
        Event::Report(Box::new(Report { spans, origin: origin(trace), ..whole_report(id) }))
    };
    let out = events(&mut world, [started(A, true), report(A, false), report(B, false), report(C, true)]);
    let spans = out.spans();
    let servers = named(&spans, "orders");
    let traces: Vec<_> = servers.iter().map(|span| hex(&span.trace_id)).collect();
    assert_eq!(traces, [XRAY.to_owned(), B.replace('-', ""), XRAY.to_owned()]);
    assert_eq!(servers[1].end_time_unix_nano - servers[1].start_time_unix_nano, 42_500_000);
    assert_eq!(named(&spans, "responseLatency").len(), 3);
    assert_eq!(sum(&out, "faas.invocations"), 3.0);
}

#[test]
fn an_init_is_part_of_the_invocation_that_waited_for_it() {
    let mut world = World::new(settings());
    let start = InitStart { initialization_type: Some("on-demand".into()), ..InitStart::default() };
    let out = events(
        &mut world,
        [Event::InitStart(start), init("init", "on-demand", Status::Success), started(A, true), ok(A), reported(A)],
    );
    let (server, init) = (only(&out.spans(), "orders"), only(&out.spans(), "init"));
    assert_child(init, server);
    assert_eq!(init.end_time_unix_nano - init.start_time_unix_nano, 200 * MS);
    assert_eq!(text_of(&init.attributes, "aws.lambda.init.phase"), Some("init"));
    assert_eq!((sum(&out, "faas.coldstarts"), sum(&out, "faas.init_duration")), (1.0, 0.2));
    let warm = events(&mut world, [started(B, true), ok(B), reported(B)]);
    assert!(named(&warm.spans(), "init").is_empty());
    assert_eq!((sum(&warm, "faas.coldstarts"), sum(&warm, "faas.init_duration")), (0.0, 0.0));
}

#[test]
fn an_init_that_is_repeated_in_the_invocation_is_part_of_it_beside_the_one_that_failed() {
    let out = lived([
        init("init", "on-demand", Status::Timeout),
        started(A, true),
        init("invoke", "on-demand", Status::Success),
        ok(A),
        reported(A),
    ]);
    let (server, spans) = (only(&out.spans(), "orders"), out.spans());
    let inits = named(&spans, "init");
    assert_eq!(inits.len(), 2);
    inits.iter().for_each(|init| assert_child(init, server));
    let phases: Vec<_> = inits.iter().map(|init| text_of(&init.attributes, "aws.lambda.init.phase")).collect();
    assert_eq!(phases, [Some("init"), Some("invoke")]);
    assert_eq!(text_of(&inits[0].attributes, "error.type"), Some("timeout"));
    assert_eq!(sum(&out, "faas.coldstarts"), 1.0);
}

#[test]
fn an_init_is_counted_once_whoever_tells_of_it_and_however_often() {
    let mut world = World::new(settings());
    let report = |world: &mut World| {
        let event = init("init", "on-demand", Status::Success);
        let telemetry = crate::flow::arrival::Telemetry { time: T, event };
        world.normaliser.accept(crate::flow::arrival::Arrival::Telemetry(telemetry), world.now);
    };
    report(&mut world);
    report(&mut world);
    world.event(started(A, true)).event(ok(A));
    let mut last = whole_report(A);
    last.metrics.init_duration_ms = Some(201.0);
    world.event(Event::Report(Box::new(last)));
    report(&mut world);
    let out = events(&mut world, [started(B, true), ok(B), reported(B)]);
    assert_eq!(named(&out.spans(), "init").len(), 1);
    assert!((sum(&out, "faas.init_duration") - 0.201).abs() < 1e-9, "the report's figure is the billed one");
}

#[test]
fn provisioned_concurrency_is_no_cold_start_and_its_init_stands_alone() {
    let mut world = World::new(Settings { on_demand: false, ..settings() });
    let mut report = whole_report(A);
    report.metrics.init_duration_ms = Some(200.0);
    let report = Event::Report(Box::new(report));
    let init_report = init("init", "provisioned-concurrency", Status::Success);
    let out = events(&mut world, [init_report, started(A, true), ok(A), report]);
    let (server, init) = (only(&out.spans(), "orders"), only(&out.spans(), "init"));
    assert_ne!(init.trace_id, server.trace_id);
    assert!(init.parent_span_id.is_empty());
    assert_eq!(text_of(&server.attributes, "aws.lambda.initialization_type"), Some("provisioned-concurrency"));
    let cold = server.attributes.iter().find(|attribute| attribute.key == "faas.coldstart").unwrap();
    assert_eq!(cold.value.as_ref().unwrap().value, Some(Value::BoolValue(false)));
    assert_eq!((sum(&out, "faas.coldstarts"), sum(&out, "faas.init_duration")), (0.0, 0.2));
}

fn restored_environment() -> [Event; 4] {
    let stream = |name: &str| Some(name.to_owned());
    [
        Event::InitStart(InitStart { instance_id: stream("snapshot"), ..InitStart::default() }),
        init("init", "snap-start", Status::Success),
        Event::RestoreStart(RestoreStart { instance_id: stream("restored"), ..RestoreStart::default() }),
        Event::RestoreReport(RestoreReport { duration_ms: 5.0, ..RestoreReport::default() }),
    ]
}

#[test]
fn a_restore_is_part_of_the_invocation_that_waited_for_it_and_the_snapshots_init_of_none() {
    let mut world = World::new(Settings { on_demand: false, platform_lines: true, ..settings() });
    let [init_start, init_report, restore_start, restore_report] = restored_environment();
    let [again_start, again_report, ..] = restored_environment();
    let out = events(
        &mut world,
        [init_start, init_report, restore_start, again_start, again_report, restore_report, started(A, true), ok(A)],
    );
    let (server, restore) = (only(&out.spans(), "orders"), only(&out.spans(), "restore"));
    assert_child(restore, server);
    assert_eq!(text_of(&server.attributes, "aws.lambda.initialization_type"), Some("snap-start"));
    assert!(named(&out.spans(), "init").is_empty(), "every environment of the snapshot would tell of it");
    let Signal::Logs(logs) = &out.signals[0] else { panic!("{:?}", out.signals) };
    let resource = &logs.resource.as_ref().unwrap().attributes;
    assert_eq!(
        text_of(resource, "faas.instance"),
        Some("restored"),
        "a replayed init does not bring the old stream back"
    );
    let report = events(&mut world, [reported(A), started(B, true), ok(B), reported(B)]);
    assert_eq!(sum(&out, "faas.coldstarts") + sum(&report, "faas.coldstarts"), 1.0);
    assert_eq!((sum(&report, "aws.lambda.restore_duration"), sum(&report, "faas.init_duration")), (0.005, 0.0));
}

#[test]
fn a_start_that_no_invocation_needed_is_told_at_the_end() {
    let mut world = World::new(settings());
    world.event(init("init", "on-demand", Status::Timeout));
    assert!(world.out().spans().is_empty());
    world.normaliser.release_all("failure", world.now);
    let out = world.out();
    assert_eq!(text_of(&only(&out.spans(), "init").attributes, "error.type"), Some("timeout"));
    assert_eq!((sum(&out, "faas.init_duration"), sum(&out, "faas.coldstarts")), (0.2, 0.0));
}

#[test]
fn how_it_ended_is_counted_under_the_conventions_names() {
    for (status, error_type, metric, kind) in [
        (Status::Success, None, "faas.invocations", None),
        (Status::Timeout, Some("Sandbox.Timedout"), "faas.timeouts", Some("Sandbox.Timedout")),
        (Status::Error, Some("ValueError"), "faas.errors", Some("ValueError")),
        (Status::Error, None, "faas.errors", Some("error")),
        (Status::Failure, Some("Extension.Crash"), "faas.errors", Some("Extension.Crash")),
        (Status::Other("novel".into()), None, "faas.errors", Some("novel")),
    ] {
        let out = lived([started(A, true), done(A, status.clone(), error_type)]);
        for name in ["faas.invocations", "faas.errors", "faas.timeouts"] {
            assert_eq!(sum(&out, name), if name == metric { 1.0 } else { 0.0 }, "{status:?}: {name}");
        }
        let server = only(&out.spans(), "orders");
        assert_eq!(text_of(&server.attributes, "error.type"), kind, "{status:?}");
        assert_eq!(server.status.is_some(), kind.is_some());
    }
}

/// A runtime that died, as the platform tells of it at once.
fn died(id: &str) -> Event {
    done(id, Status::Failure, Some("Runtime.ExitError"))
}

fn report_of_death(id: &str, max_memory_used_mb: u64) -> Event {
    let mut report = whole_report(id);
    report.metrics.max_memory_used_mb = Some(max_memory_used_mb);
    (report.status, report.error_type) = (Status::Failure, Some("Runtime.ExitError".into()));
    Event::Report(Box::new(report))
}

fn killed(id: &str) -> String {
    format!("RequestId: {id} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n")
}

#[test]
fn memory_that_ran_out_is_recognised_by_each_of_its_signs() {
    let error_type = |events_of_a_life: Vec<Event>| {
        let mut world = World::new(settings());
        events_of_a_life.into_iter().for_each(|event| {
            world.event(event);
        });
        world.normaliser.release_all("failure", world.now);
        let out = world.out();
        assert_eq!(sum(&out, "faas.errors"), 1.0);
        text_of(&only(&out.spans(), "orders").attributes, "error.type").unwrap().to_owned()
    };
    let line = |id| Event::Function(Line::Text(killed(id)));
    assert_eq!(
        error_type(vec![started(A, true), done(A, Status::Failure, Some("Runtime.OutOfMemory"))]),
        "Runtime.OutOfMemory"
    );
    assert_eq!(error_type(vec![started(A, true), died(A), report_of_death(A, 128)]), "Runtime.OutOfMemory");
    assert_eq!(error_type(vec![started(A, true), line(A), died(A)]), "Runtime.OutOfMemory");
    assert_eq!(error_type(vec![started(A, true), died(A), line(A)]), "Runtime.OutOfMemory");
    assert_eq!(error_type(vec![started(A, true), died(A), Event::Fault(killed(A))]), "Runtime.OutOfMemory");
    assert_eq!(error_type(vec![started(A, true), died(A), report_of_death(A, 94)]), "Runtime.ExitError");
    assert_eq!(error_type(vec![started(A, true), died(A), line(B)]), "Runtime.ExitError");
    assert_eq!(error_type(vec![started(A, true), died(A)]), "Runtime.ExitError");
}

#[test]
fn a_report_becomes_metrics_with_the_conventions_units() {
    let out = lived([started(A, true), ok(A), reported(A)]);
    let units: Vec<_> = metrics_of(&out).iter().map(|metric| (metric.name.as_str(), metric.unit.as_str())).collect();
    let expected = [
        ("faas.invoke_duration", "s"),
        ("faas.invocations", "{invocation}"),
        ("faas.coldstarts", "{coldstart}"),
        ("aws.lambda.produced_bytes", "By"),
        ("aws.lambda.billed_duration", "s"),
        ("faas.mem_usage", "By"),
        ("aws.lambda.memory_size", "By"),
        ("aws.lambda.post_runtime_extensions_duration", "s"),
    ];
    assert_eq!(units, expected);
    for (name, value) in [
        ("faas.invoke_duration", 0.040),
        ("aws.lambda.produced_bytes", 8.0),
        ("aws.lambda.billed_duration", 0.043),
        ("faas.mem_usage", 98_566_144.0),
        ("aws.lambda.memory_size", 134_217_728.0),
        ("aws.lambda.post_runtime_extensions_duration", 0.0025),
    ] {
        assert!((sum(&out, name) - value).abs() < 1e-9, "{name}: {}", sum(&out, name));
    }
}

#[test]
fn what_the_report_has_beyond_the_runtime_is_the_extensions_where_nothing_measured_it() {
    let mut report = whole_report(A);
    report.spans.clear();
    let out = lived([started(A, true), ok(A), Event::Report(Box::new(report))]);
    assert!((sum(&out, "aws.lambda.post_runtime_extensions_duration") - 0.0025).abs() < 1e-9);
    let managed = lived([started(A, true), reported(A)]);
    assert!((sum(&managed, "aws.lambda.post_runtime_extensions_duration") - 0.0025).abs() < 1e-9);
}

#[test]
fn a_duration_knows_its_invocation_and_whether_it_was_cold() {
    let mut world = World::new(settings());
    let out = events(&mut world, [started(A, true), ok(A), started(B, false), ok(B)]);
    let durations = metrics_of(&out).into_iter().filter(|metric| metric.name == "faas.invoke_duration");
    let points: Vec<_> = durations
        .map(|metric| match &metric.data {
            Some(Data::Histogram(histogram)) => &histogram.data_points[0],
            other => panic!("{other:?}"),
        })
        .collect();
    let cold = |at: usize| points[at].attributes[0].value.as_ref().unwrap().value.clone();
    assert_eq!((cold(0), cold(1)), (Some(Value::BoolValue(true)), Some(Value::BoolValue(false))));
    assert_eq!(
        (hex(&points[0].exemplars[0].trace_id), hex(&points[0].exemplars[0].span_id)),
        (XRAY.into(), LAMBDAS.into())
    );
    assert_eq!(hex(&points[1].exemplars[0].trace_id), B.replace('-', ""), "our own span's");
    assert_eq!(
        points[0].bucket_counts.iter().position(|count| *count == 1),
        Some(3),
        "40 ms are above 25 and below 50"
    );
}

#[test]
fn intervals_of_data_points_follow_each_other_without_overlap() {
    let mut world = World::new(Settings { managed: true, on_demand: false, ..settings() });
    let ids = [A, B, C];
    world.event(started(A, true)).event(started(B, true)).event(started(C, true));
    let out = events(&mut world, [reported(C), reported(A), reported(B)]);
    let mut last = 0;
    let mut seen = 0;
    for metric in metrics_of(&out) {
        let Some(Data::Sum(sum)) = &metric.data else { continue };
        assert_eq!((sum.aggregation_temporality, sum.is_monotonic), (1, true), "{metric:?}");
        let point = &sum.data_points[0];
        assert!(point.start_time_unix_nano >= last && point.time_unix_nano >= point.start_time_unix_nano, "{metric:?}");
        last = point.time_unix_nano;
        seen += 1;
    }
    assert_eq!(seen, ids.len());
}

#[test]
fn lines_of_an_invocation_whose_end_nobody_told_go_when_the_next_one_starts() {
    let mut world = World::new(settings());
    world.event(started(A, false)).print("x");
    assert!(world.out().logs().is_empty());
    let out = events(&mut world, [started(B, false)]);
    assert_eq!(out.ties(), [(A, format!("Some({})", A.replace('-', "")))]);
    world.normaliser.release_all("spindown", world.now + SECOND);
    let out = world.out();
    let servers = named(&out.spans(), "orders");
    assert_eq!(servers.len(), 2);
    assert_eq!(hex(&servers[0].trace_id), A.replace('-', ""), "the trace that its lines were tied to");
    assert_eq!(servers[0].end_time_unix_nano, servers[1].start_time_unix_nano);
}

#[test]
fn a_tenant_stands_on_the_span_and_on_every_line() {
    let mut world = World::new(settings());
    let origin = Origin { tenant_id: Some("blue".into()), ..Origin::default() };
    let start = Start { request_id: A.into(), origin, ..Start::default() };
    world.event(Event::Start(Box::new(start))).print("plain");
    world.event(Event::Function(Line::Json(r#"{"message":"json","tenantId":"blue"}"#.into())));
    let out = events(&mut world, [ok(A), started(B, false), ok(B)]);
    let servers = named(&out.spans(), "orders");
    assert_eq!(text_of(&servers[0].attributes, "aws.lambda.tenant_id"), Some("blue"));
    assert_eq!(text_of(&servers[1].attributes, "aws.lambda.tenant_id"), None);
    assert!(out.logs().iter().all(|log| text_of(&log.attributes, "aws.lambda.tenant_id") == Some("blue")));
    assert_eq!(text_of(&out.logs()[1].attributes, "tenantId"), Some("blue"), "what the program wrote stays");
}

#[test]
fn the_platforms_words_about_extensions_and_faults_are_lines() {
    let failed = || ExtensionState {
        name: "other".into(),
        error_type: Some("Extension.Crash".into()),
        ..ExtensionState::default()
    };
    let quiet = || {
        [
            Event::ExtensionState(ExtensionState::default()),
            Event::Subscription(TelemetrySubscription::default()),
            Event::ExtensionState(failed()),
            Event::Fault(format!("RequestId: {A} Process exited before completing request")),
        ]
    };
    let types = |settings: Settings| {
        let mut world = World::new(settings);
        world.event(started(A, true));
        let out = events(&mut world, quiet().into_iter().chain([ok(A)]));
        let types: Vec<_> = out.logs().iter().map(|log| text_of(&log.attributes, "type").unwrap().to_owned()).collect();
        let fault = out
            .logs()
            .into_iter()
            .find(|log| text_of(&log.attributes, "type") == Some("platform.fault"))
            .unwrap()
            .clone();
        assert_eq!(text_of(&fault.attributes, "faas.invocation_id"), Some(A));
        assert_eq!(fault.severity_text, "ERROR");
        types
    };
    assert_eq!(
        types(settings()),
        ["platform.extension", "platform.fault"],
        "what went wrong, whatever streams are chosen"
    );
    let mut all = types(Settings { platform_lines: true, ..settings() });
    all.sort();
    let expected =
        ["platform.extension", "platform.extension", "platform.fault", "platform.runtimeDone", "platform.start"];
    assert_eq!(all[..5], expected);
    assert_eq!(all[5..], ["platform.telemetrySubscription"]);
}

#[test]
fn a_line_that_names_its_trace_only_gets_the_invocations_span_and_one_with_a_span_keeps_it() {
    let mut world = World::new(settings());
    world.event(started(A, true));
    world.event(Event::Function(Line::Json(format!(r#"{{"message":"a","trace_id":"{XRAY}"}}"#))));
    world.event(Event::Function(Line::Json(format!(
        r#"{{"message":"b","trace_id":"{XRAY}","span_id":"00f067aa0ba902b7"}}"#
    ))));
    world.event(Event::Function(Line::Json(format!(r#"{{"message":"c","trace_id":"{}"}}"#, "4b".repeat(16)))));
    let out = events(&mut world, [ok(A)]);
    // Who names no span waits for the invocation's own, and so comes behind the others.
    let ids: Vec<_> = out.logs().iter().map(|log| (hex(&log.trace_id), hex(&log.span_id))).collect();
    // The one with a span of its own waits for nothing.
    let expected = [
        (XRAY.to_owned(), "00f067aa0ba902b7".to_owned()),
        (XRAY.to_owned(), LAMBDAS.to_owned()),
        ("4b".repeat(16), String::new()),
    ];
    assert_eq!(ids, expected);
}

#[test]
fn many_short_invocations_beside_a_long_one_do_not_make_it_forgotten() {
    let mut world = World::new(Settings { managed: true, on_demand: false, ..settings() });
    world.event(started(A, true));
    for number in 0..1000 {
        let id = format!("bbbbbbbb-0000-4000-8000-{number:012}");
        world.event(started(&id, false)).event(reported(&id));
    }
    world.out();
    let out = events(&mut world, [reported(A)]);
    assert_eq!(hex(&only(&out.spans(), "orders").trace_id), XRAY);
}

/// The events of three invocations on demand, as they come on a good day.
fn good_day() -> Vec<Event> {
    vec![
        init("init", "on-demand", Status::Success),
        started(A, true),
        ok(A),
        started(B, false),
        reported(A),
        done(B, Status::Error, Some("ValueError")),
        started(C, true),
        reported(B),
        done(C, Status::Timeout, Some("Sandbox.Timedout")),
        reported(C),
    ]
}

/// What every event is about.
fn invocation_of(event: &Event) -> Option<&str> {
    match event {
        Event::Start(start) => Some(&start.request_id),
        Event::RuntimeDone(done) => Some(&done.request_id),
        Event::Report(report) => Some(&report.request_id),
        _ => None,
    }
}

proptest! {
    #[test]
    fn whatever_is_lost_told_twice_or_out_of_order_each_invocation_is_counted_and_spanned_once(
        lost in prop::collection::vec(any::<bool>(), 10),
        twice in prop::collection::vec(any::<bool>(), 10),
        swapped in prop::collection::vec(any::<bool>(), 20),
        sdk in prop::collection::vec(any::<bool>(), 3),
    ) {
        let mut day: Vec<Event> = Vec::new();
        for ((event, lost), twice) in good_day().into_iter().zip(lost).zip(twice) {
            // A start is what makes an invocation this process's: without any there is nothing to span.
            let lost = lost && !matches!(event, Event::Start(_));
            day.extend((!lost).then(|| event.clone()));
            day.extend((!lost && twice).then_some(event));
        }
        for (at, swap) in swapped.into_iter().enumerate() {
            if swap && at + 1 < day.len() {
                day.swap(at, at + 1);
            }
        }
        let mut world = World::new(settings());
        let mut sent = Vec::new();
        for event in day.clone() {
            let id = invocation_of(&event).map(str::to_owned);
            world.event(event).print("line");
            let sdks = [A, B, C].into_iter().zip(&sdk).filter(|(_, sends)| **sends).map(|(id, _)| id);
            if let Some(id) = sdks.into_iter().find(|sdks| id.as_deref() == Some(sdks)).filter(|id| !sent.contains(id)) {
                world.span(SpanKind::Server, Some(id));
                sent.push(id);
            }
        }
        world.normaliser.release_all("spindown", world.now);
        let out = world.out();
        prop_assert_eq!(world.normaliser.held(), 0);
        let spans = out.spans();
        let servers: Vec<_> = spans.iter().filter(|span| span.kind == i32::from(SpanKind::Server)).collect();
        for id in [A, B, C] {
            let mine: Vec<_> = servers.iter().filter(|span| text_of(&span.attributes, "faas.invocation_id") == Some(id)).collect();
            prop_assert_eq!(mine.len(), 1, "{} in {:#?}", id, day);
            for span in spans.iter().filter(|span| span.kind == i32::from(SpanKind::Internal)) {
                if text_of(&span.attributes, "faas.invocation_id") == Some(id) {
                    prop_assert_eq!((&span.parent_span_id, &span.trace_id), (&mine[0].span_id, &mine[0].trace_id));
                }
            }
        }
        let mut parts: Vec<_> = spans.iter().filter(|span| span.kind == i32::from(SpanKind::Internal)).map(|span| &span.span_id).collect();
        let all = parts.len();
        parts.sort();
        parts.dedup();
        prop_assert_eq!(parts.len(), all, "no part twice");
        prop_assert_eq!(["faas.invocations", "faas.errors", "faas.timeouts"].map(|name| sum(&out, name)).iter().sum::<f64>(), 3.0);
        prop_assert_eq!(sum(&out, "faas.coldstarts"), 1.0);
        let reports = [A, B, C].into_iter().filter(|id| day.iter().any(|event| matches!(event, Event::Report(report) if report.request_id == *id))).count();
        prop_assert!((sum(&out, "aws.lambda.billed_duration") - 0.043 * reports as f64).abs() < 1e-9);
    }
}

proptest! {
    #[test]
    fn on_managed_instances_too_each_invocation_is_counted_and_spanned_once(
        order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
        twice in prop::collection::vec(any::<bool>(), 6),
        sdk in any::<bool>(),
    ) {
        let day = [started(A, true), reported(A), started(B, false), reported(B), started(C, true), reported(C)];
        let mut world = World::new(Settings { managed: true, on_demand: false, ..settings() });
        for (at, twice) in order.into_iter().zip(twice) {
            for _ in 0..=usize::from(twice) {
                world.event(day[at].clone());
            }
            if sdk && at == 1 {
                world.span(SpanKind::Server, Some(A));
            }
            world.normaliser.release_due(world.now);
        }
        world.normaliser.release_all("spindown", world.now);
        let out = world.out();
        let spans = out.spans();
        let own = named(&spans, "orders");
        let of = |id: &str| own.iter().filter(|span| text_of(&span.attributes, "faas.invocation_id") == Some(id)).count();
        prop_assert_eq!((of(B), of(C)), (1, 1));
        // Nothing had told that the SDK sends spans when the first invocation ended.
        prop_assert!(of(A) == 1 || sdk && of(A) == 0);
        prop_assert_eq!(named(&spans, "extensionOverhead").len(), 3);
        prop_assert_eq!(sum(&out, "faas.invocations"), 3.0);
        prop_assert_eq!(world.normaliser.held(), 0);
    }
}

#[test]
fn an_sdks_record_without_a_trace_gets_the_invocations() {
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    let mut world = World::new(settings());
    world.event(started(A, true));
    let traced =
        LogRecord { trace_id: vec![9; 16], span_id: vec![9; 8], time_unix_nano: world.now, ..LogRecord::default() };
    let bare = LogRecord {
        time_unix_nano: world.now,
        attributes: vec![attribute("k", super::super::attributes::text("v"))],
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs { log_records: vec![traced, bare], ..ScopeLogs::default() }];
    let logs = ResourceLogs { scope_logs, ..ResourceLogs::default() };
    world.normaliser.accept(crate::flow::arrival::Arrival::Otlp(Signal::Logs(logs)), world.now);
    let out = world.out();
    let traces: Vec<_> =
        out.logs().iter().map(|log| TraceId::from_bytes(&log.trace_id).map(|id| format!("{id:?}"))).collect();
    assert_eq!(traces, [Some("09".repeat(16)), Some(XRAY.to_owned())]);
}
