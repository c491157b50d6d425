//! What must hold from arrival to signal.

use super::*;
use crate::flow::{
    arrival::{LogsDropped, Origin, Report, ReportMetrics, RuntimeDone, Start, Status, Unknown},
    trace::{SpanId, TraceContext, TraceId},
};
use attributes::{attribute, text, text_of};
use opentelemetry_proto::tonic::{
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    trace::v1::{ResourceSpans, ScopeSpans, span::SpanKind},
};

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const T: u64 = 1_715_817_560 * SECOND;
pub(super) const A: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub(super) const B: &str = "bbbbbbbb-0000-4000-8000-000000000002";
pub(super) const XRAY: &str = "5bef4de7ad49b0e87f6ef6c87fc2e700";

pub(super) fn settings() -> Settings {
    Settings {
        function_version: Some("$LATEST".into()),
        max_memory_bytes: Some(128 << 20),
        region: Some("eu-west-1".into()),
        ..Settings::of("orders")
    }
}

/// A normaliser and what has come out of it.
pub(super) struct World {
    pub(super) normaliser: Normaliser,
    pub(super) now: u64,
}

impl World {
    pub(super) fn new(settings: Settings) -> Self {
        Self { normaliser: Normaliser::new(settings), now: T }
    }

    pub(super) fn event(&mut self, event: Event) -> &mut Self {
        self.now += SECOND / 100;
        self.normaliser.accept(Arrival::Telemetry(Telemetry { time: self.now, event }), self.now);
        self
    }

    pub(super) fn start(&mut self, id: &str, trace: Option<TraceContext>) -> &mut Self {
        let span_id = trace.and(SpanId::from_hex("24cd7d670fa455f0"));
        let origin = Origin { trace, span_id, tenant_id: None };
        self.event(Event::Start(Start { request_id: id.into(), origin, ..Start::default() }.into()))
    }

    pub(super) fn print(&mut self, line: &str) -> &mut Self {
        self.event(Event::Function(Line::Text(line.into())))
    }

    pub(super) fn done(&mut self, id: &str, status: Status) -> &mut Self {
        self.event(Event::RuntimeDone(RuntimeDone { request_id: id.into(), status, ..RuntimeDone::default() }.into()))
    }

    pub(super) fn report(&mut self, id: &str, status: Status) -> &mut Self {
        let metrics = ReportMetrics { duration_ms: 10.0, init_duration_ms: Some(200.0), ..ReportMetrics::default() };
        self.event(Event::Report(Report { request_id: id.into(), status, metrics, ..Report::default() }.into()))
    }

    pub(super) fn span(&mut self, kind: SpanKind, invocation: Option<&str>) -> &mut Self {
        let attributes = invocation.map(|id| attribute("faas.invocation_id", text(id))).into_iter().collect();
        let span = Span {
            trace_id: vec![7; 16],
            span_id: vec![8; 8],
            kind: kind.into(),
            start_time_unix_nano: self.now,
            attributes,
            flags: 1,
            ..Span::default()
        };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        let spans = ResourceSpans { scope_spans, ..ResourceSpans::default() };
        self.normaliser.accept(Arrival::Otlp(Signal::Traces(spans)), self.now);
        self
    }

    pub(super) fn out(&mut self) -> Out {
        let released = self.normaliser.drain();
        let signals = released.pieces.iter().map(|piece| piece.unpack().unwrap()).collect();
        Out { released, signals }
    }
}

pub(super) struct Out {
    pub(super) released: Released,
    pub(super) signals: Vec<Signal>,
}

impl Out {
    pub(super) fn logs(&self) -> Vec<&LogRecord> {
        let logs = self.signals.iter().filter_map(|signal| match signal {
            Signal::Logs(logs) => Some(logs),
            _ => None,
        });
        logs.flat_map(|logs| &logs.scope_logs).flat_map(|scope| &scope.log_records).collect()
    }

    pub(super) fn spans(&self) -> Vec<&Span> {
        let spans = self.signals.iter().filter_map(|signal| match signal {
            Signal::Traces(spans) => Some(spans),
            _ => None,
        });
        spans.flat_map(|spans| &spans.scope_spans).flat_map(|scope| &scope.spans).collect()
    }

    pub(super) fn metrics(&self) -> Vec<&str> {
        let metrics = self.signals.iter().filter_map(|signal| match signal {
            Signal::Metrics(metrics) => Some(metrics),
            _ => None,
        });
        metrics
            .flat_map(|m| &m.scope_metrics)
            .flat_map(|scope| &scope.metrics)
            .map(|metric| metric.name.as_str())
            .collect()
    }

    /// Of each line: whose it is, and its trace in hexadecimal.
    pub(super) fn ties(&self) -> Vec<(&str, String)> {
        let tie = |record: &&LogRecord| format!("{:?}", TraceId::from_bytes(&record.trace_id));
        self.logs()
            .into_iter()
            .map(|r| (text_of(&r.attributes, "faas.invocation_id").unwrap_or("-"), tie(&r)))
            .collect()
    }
}

pub(super) fn xray() -> Option<TraceContext> {
    TraceContext::from_xray("Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1")
}

fn some(id: &str) -> String {
    format!("Some({id})")
}

#[test]
fn a_printed_line_belongs_to_the_invocation_that_started_last_and_to_its_xray_trace() {
    let mut world = World::new(settings());
    world
        .print("init")
        .start(A, xray())
        .print("one")
        .done(A, Status::Success)
        .print("late")
        .start(B, None)
        .print("two");
    let out = world.done(B, Status::Success).out();
    let derived = B.replace('-', "");
    let expected = [("-", "None".into()), (A, some(XRAY)), (A, some(XRAY)), (B, some(&derived))];
    assert_eq!(out.ties(), expected);
}

#[test]
fn our_span_of_an_invocation_has_lambdas_ids_and_its_error() {
    let mut world = World::new(settings());
    let out = world.start(A, xray()).done(A, Status::Timeout).out();
    let [span] = out.spans()[..] else { panic!("{:?}", out.spans()) };
    assert_eq!(format!("{:?}", SpanId::from_bytes(&span.span_id).unwrap()), "24cd7d670fa455f0");
    assert_eq!(format!("{:?}", SpanId::from_bytes(&span.parent_span_id).unwrap()), "9a9197af755a6419");
    assert_eq!(text_of(&span.attributes, "error.type"), Some("timeout"));
    assert_eq!(span.end_time_unix_nano - span.start_time_unix_nano, SECOND / 100);
}

#[test]
fn records_wait_for_the_runtime_to_be_done_and_no_longer() {
    let mut world = World::new(settings());
    assert!(world.start(A, None).print("one").out().logs().is_empty());
    assert_eq!(world.normaliser.held(), 1);
    assert_eq!(world.done(A, Status::Success).out().logs().len(), 1);
    assert_eq!(world.normaliser.held(), 0);
}

#[test]
fn the_sdks_trace_wins_over_xrays_and_its_span_is_not_doubled() {
    let mut world = World::new(settings());
    world.start(A, xray()).print("before").span(SpanKind::Server, Some(A)).print("after");
    let out = world.out();
    assert_eq!(out.ties(), [(A, some(&"07".repeat(16))), (A, some(&"07".repeat(16)))]);
    assert_eq!(out.spans().len(), 1);
    assert!(world.done(A, Status::Success).out().spans().is_empty());
}

#[test]
fn an_entry_span_that_names_no_invocation_belongs_to_the_one_that_runs() {
    let mut world = World::new(settings());
    let out = world.start(A, xray()).span(SpanKind::Server, None).print("x").out();
    assert_eq!(text_of(&out.spans()[0].attributes, "faas.invocation_id"), Some(A));
    assert_eq!(out.ties(), [(A, some(&"07".repeat(16)))]);
}

#[test]
fn a_span_that_comes_before_the_platforms_start_is_not_forgotten() {
    let mut world = World::new(settings());
    let out = world.span(SpanKind::Server, Some(A)).start(A, xray()).print("x").done(A, Status::Success).out();
    assert_eq!(out.ties(), [(A, some(&"07".repeat(16)))]);
    assert_eq!(out.spans().len(), 1);
}

#[test]
fn an_sdks_log_record_gets_its_invocation_and_the_environments_resource() {
    let mut world = World::new(settings());
    world.start(A, None);
    let log_records = vec![LogRecord { time_unix_nano: world.now, ..LogRecord::default() }];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let logs = ResourceLogs { scope_logs, ..ResourceLogs::default() };
    world.normaliser.accept(Arrival::Otlp(Signal::Logs(logs)), world.now);
    let out = world.out();
    assert_eq!(out.ties(), [(A, "None".into())]);
    let Signal::Logs(logs) = &out.signals[0] else { panic!("{:?}", out.signals) };
    assert_eq!(text_of(&logs.resource.as_ref().unwrap().attributes, "faas.name"), Some("orders"));
}

#[test]
fn a_report_is_counted_once_even_when_it_is_told_twice() {
    let mut world = World::new(settings());
    world.start(A, None).done(A, Status::Error).start(B, None).report(A, Status::Success).report(A, Status::Success);
    let expected = ["faas.invoke_duration", "faas.errors", "faas.coldstarts", "faas.init_duration"];
    assert_eq!(world.out().metrics(), expected);
}

#[test]
fn with_platform_lines_an_invocation_is_told_as_cloudwatch_tells_it() {
    let mut world = World::new(Settings { platform_lines: true, ..settings() });
    let out = world.start(A, None).print("x").done(A, Status::Success).report(A, Status::Success).out();
    let kinds: Vec<_> = out.logs().into_iter().map(|record| text_of(&record.attributes, "type").unwrap()).collect();
    assert_eq!(kinds, ["platform.start", "function", "platform.runtimeDone", "platform.report"]);
    assert!(out.ties().iter().all(|(owner, _)| *owner == A));
}

#[test]
fn our_own_lines_are_dropped_and_those_of_other_extensions_shipped() {
    let mut world = World::new(settings());
    world.event(Event::Extension(Line::Text("lambdaview ledger logs".into())));
    world.event(Event::Extension(Line::Text("other extension".into())));
    assert_eq!(world.out().logs().len(), 1);
}

#[test]
fn empty_lines_and_the_platforms_losses_are_counted() {
    let mut world = World::new(settings());
    world.print("\n").event(Event::LogsDropped(LogsDropped { records: 3, bytes: 9, reason: "busy".into() }));
    let out = world.out();
    assert_eq!((out.released.empty, out.released.lost_by_platform, out.logs().len()), (1, 3, 1));
}

#[test]
fn what_is_not_understood_is_shipped_raw() {
    let mut world = World::new(settings());
    let unknown = Unknown { event_type: "platform.new".into(), raw: "{}".into(), why: "unknown event type".into() };
    let out = world.event(Event::Unknown(unknown)).out();
    assert_eq!(text_of(&out.logs()[0].attributes, "lambdaview.parse_error"), Some("unknown event type"));
}

#[test]
fn on_managed_instances_only_the_records_own_word_counts() {
    let mut world = World::new(Settings { managed: true, on_demand: false, ..settings() });
    world.start(A, xray()).start(B, None).print("whose?");
    world.event(Event::Function(Line::Json(format!(r#"{{"requestId":"{A}","message":"mine"}}"#))));
    let out = world.report(A, Status::Success).out();
    assert_eq!(out.ties(), [("-", "None".into()), (A, some(XRAY))]);
    assert_eq!(out.spans().len(), 1);
}

#[test]
fn an_api_gateways_request_id_is_not_taken_for_lambdas() {
    let mut world = World::new(settings());
    world.start(A, None);
    world.event(Event::Function(Line::Json(format!(r#"{{"requestId":"{B}","message":"x"}}"#))));
    let out = world.done(A, Status::Success).out();
    assert_eq!(text_of(&out.logs()[0].attributes, "faas.invocation_id"), Some(A));
    assert_eq!(text_of(&out.logs()[0].attributes, "requestId"), Some(B));
}

#[test]
fn a_line_that_the_platform_repeats_after_the_next_start_is_still_its_own_invocations() {
    let mut world = World::new(settings());
    world.start(A, xray()).print("x");
    let written = world.now;
    world.done(A, Status::Success).start(B, None).out();
    let again = Event::Function(Line::Text("x".into()));
    world.normaliser.accept(Arrival::Telemetry(Telemetry { time: written, event: again }), world.now);
    let out = world.print("y").done(B, Status::Success).out();
    let whose: Vec<&str> = out.ties().into_iter().map(|(id, _)| id).collect();
    assert_eq!(whose, [A, B]);
}

#[test]
fn an_invocation_of_a_process_before_that_is_told_again_takes_no_line_of_the_one_that_runs() {
    let mut world = World::new(settings());
    world.start(B, xray()).print("b");
    let (before, now) = (T - SECOND, world.now);
    let again = |event| Arrival::Telemetry(Telemetry { time: before, event });
    world.normaliser.accept(again(Event::Start(Start { request_id: A.into(), ..Start::default() }.into())), now);
    world.normaliser.accept(again(Event::Function(Line::Text("a".into()))), now);
    let out = world.print("b").done(B, Status::Success).print("b").out();
    let mut whose: Vec<&str> = out.ties().into_iter().map(|(id, _)| id).collect();
    whose.sort_unstable();
    assert_eq!(whose, [A, B, B, B]);
}

#[test]
fn what_is_told_again_is_its_own_invocations_in_whatever_order_a_process_heard_of_them() {
    const BEFORE: &str = "cccccccc-0000-4000-8000-000000000003";
    let mut world = World::new(settings());
    // A process that took the place of another hears of A and B from `/next`, then of the one that ran before them.
    for id in [A, B] {
        let invoke = Invoke { request_id: id.into(), deadline: T + 60 * SECOND, trace: xray(), function_arn: None };
        world.normaliser.invoked(&invoke, T);
    }
    for _told_again in 0..2 {
        for (id, ran) in [(BEFORE, T - SECOND), (A, T), (B, T + SECOND)] {
            world.now = ran;
            world.start(id, None).print(&id[..1]);
        }
    }
    let out = world.done(B, Status::Success).out();
    let bodies = out.logs().into_iter().map(|record| record.body.clone());
    let whose: Vec<_> = bodies.zip(out.ties().into_iter().map(|(id, _)| Some(text(&id[..1])))).collect();
    assert_eq!(whose.len(), 6);
    assert!(whose.iter().all(|(body, letter)| body == letter), "{whose:#?}");
}

#[test]
fn a_line_from_before_every_known_start_is_nobodys() {
    let mut world = World::new(settings());
    world.print("x").start(A, None);
    let again = Event::Function(Line::Text("x".into()));
    world.normaliser.accept(Arrival::Telemetry(Telemetry { time: T + SECOND / 100, event: again }), world.now);
    let out = world.done(A, Status::Success).out();
    let whose: Vec<&str> = out.ties().into_iter().map(|(id, _)| id).collect();
    assert_eq!(whose, ["-", "-"]);
}

#[test]
fn a_byte_bound_ends_the_waiting() {
    let mut world = World::new(Settings { held_bytes: 2000, ..settings() });
    world.start(A, xray());
    (0..10).for_each(|_| {
        world.print(&"x".repeat(400));
    });
    assert!(world.out().logs().len() >= 4);
}

#[test]
fn a_periodic_flush_takes_what_has_a_trace_and_the_rest_when_it_has_waited() {
    let mut world = World::new(settings());
    world.start(A, xray()).print("x").normaliser.release_due(T + SECOND);
    assert_eq!(world.out().ties(), [(A, some(XRAY))]);
}

#[test]
fn where_the_sdk_speaks_its_trace_is_waited_for_some_seconds() {
    let mut world = World::new(settings());
    world.start(A, xray()).span(SpanKind::Server, Some(A)).done(A, Status::Success).out();
    world.start(B, xray()).print("x").normaliser.release_due(T + SECOND);
    assert!(world.out().logs().is_empty());
    world.normaliser.release_due(T + 6 * SECOND);
    assert_eq!(world.out().ties(), [(B, some(XRAY))]);
}

#[test]
fn at_the_end_nothing_waits_and_an_open_invocation_gets_its_span() {
    let mut world = World::new(settings());
    world.start(A, None).print("x").normaliser.release_all("timeout", T + 3 * SECOND);
    let out = world.out();
    assert_eq!(out.logs().len(), 1);
    assert_eq!(text_of(&out.spans()[0].attributes, "error.type"), Some("timeout"));
}

#[test]
fn of_an_invocation_from_before_a_reset_no_span_and_no_trace_is_made_up() {
    let mut world = World::new(Settings { platform_lines: true, ..settings() });
    let out = world.done(A, Status::Timeout).report(A, Status::Timeout).out();
    assert_eq!(out.ties(), [(A, "None".into()), (A, "None".into())]);
    assert!(out.spans().is_empty());
    assert_eq!(
        out.metrics(),
        ["faas.init_duration"],
        "the process before has counted its end, the report is told to us alone"
    );
}

#[test]
fn without_telemetry_no_span_is_guessed_at_the_end() {
    let mut world = World::new(settings());
    let invoke = Invoke { request_id: A.into(), deadline: T, function_arn: None, trace: xray() };
    world.normaliser.invoked(&invoke, T);
    world.normaliser.release_all("spindown", T + SECOND);
    assert!(world.out().spans().is_empty());
}

#[test]
fn a_line_that_names_no_more_than_xrays_trace_belongs_to_the_trace_of_its_invocation() {
    let line = r#"{"message":"one","xray_trace_id":"1-5bef4de7-ad49b0e87f6ef6c87fc2e700"}"#;
    let mut world = World::new(settings());
    world.start(A, xray()).print(line).span(SpanKind::Server, Some(A));
    let out = world.out();
    let one = out.logs()[0];
    assert_eq!((one.trace_id.as_slice(), one.span_id.as_slice(), one.flags), (&[7; 16][..], &[8; 8][..], 1));
    assert_eq!(text_of(&one.attributes, "xray_trace_id"), Some("1-5bef4de7-ad49b0e87f6ef6c87fc2e700"));
    let mut without_sdk = World::new(settings());
    without_sdk.start(A, xray()).print(line).done(A, Status::Success);
    let out = without_sdk.out();
    assert_eq!(SpanId::from_bytes(&out.logs()[0].span_id), SpanId::from_hex("24cd7d670fa455f0"));
    assert_eq!(out.ties(), [(A, some(XRAY))]);
}

#[test]
fn datadogs_half_of_a_trace_id_is_made_whole_and_a_trace_without_a_span_gets_its_invocations() {
    let half = u64::from_be_bytes([7; 8]);
    let trace = "07".repeat(16);
    for line in [
        format!(r#"{{"dd.trace_id":"{half}","dd.span_id":"17"}}"#),
        format!(r#"{{"trace_id":"{trace}","span_id":"0000000000000011"}}"#),
    ] {
        let mut world = World::new(settings());
        world.start(A, None).print(&line).span(SpanKind::Server, Some(A)).done(A, Status::Success);
        let out = world.out();
        assert_eq!((out.ties(), out.logs()[0].span_id.last()), (vec![(A, some(&trace))], Some(&17)), "{line}");
    }
    let mut world = World::new(settings());
    world.start(A, None).print(&format!(r#"{{"trace_id":"{trace}"}}"#)).span(SpanKind::Server, Some(A));
    assert_eq!(world.out().logs()[0].span_id, [8; 8]);
}

#[test]
fn a_foreign_trace_that_a_line_names_is_left_as_it_is() {
    let line = r#"{"trace_id":"5bef4de7ad49b0e87f6ef6c87fc2e711"}"#;
    let mut world = World::new(settings());
    world.start(A, xray()).print(line).span(SpanKind::Server, Some(A)).done(A, Status::Success);
    let out = world.out();
    assert_eq!(out.ties(), [(A, some("5bef4de7ad49b0e87f6ef6c87fc2e711"))]);
    assert!(out.logs()[0].span_id.is_empty(), "no span of another trace is made up for it");
}

#[test]
fn what_the_user_leaves_out_is_counted_and_what_is_blacked_out_is_so_everywhere() {
    let regex = |text| Some(regex_lite::Regex::new(text).unwrap());
    let filters = Filters::new(regex("^GET /health"), regex("s3cret"));
    let mut world = World::new(Settings { filters, platform_lines: true, ..settings() });
    world
        .print("GET /health")
        .event(Event::Extension(Line::Text("GET /health of another extension".into())))
        .print("s3cret")
        .print(r#"{"a":["s3cret"],"b":{"c":"my s3cret"}}"#)
        .event(Event::Function(Line::Json(r#"{"message":"m","errorType":"E","errorMessage":"s3cret"}"#.into())))
        .event(Event::Unknown(Unknown { event_type: "new".into(), raw: r#"{"x":"s3cret"}"#.into(), why: "new".into() }))
        .start(A, None)
        .done(A, Status::Success);
    let out = world.out();
    assert_eq!((out.released.excluded, out.released.empty), (2, 0));
    assert_eq!(out.logs().len(), 6);
    let shipped = format!("{:?}", out.logs());
    assert!(!shipped.contains("s3cret") && shipped.matches("[REDACTED]").count() == 7, "{shipped}");
}
