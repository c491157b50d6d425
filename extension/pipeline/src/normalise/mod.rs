//! From arrivals to signals: pure, the time is an argument.

mod attributes;
mod exception;
mod filter;
mod function_log;
mod ids;
mod invocation;
mod invocations;
mod json;
mod json_line;
mod lines;
mod lost;
mod metrics;
mod own;
mod platform;
mod records;
mod resource;
mod sdk;
mod severity;
mod spans;
mod startup;
mod text_line;
mod time;
mod uid;

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    common::v1::InstrumentationScope, logs::v1::LogRecord, metrics::v1::Metric, trace::v1::Span,
};

use crate::flow::{
    Packed, Packer, Signal, SignalKind, UnixNanos,
    arrival::{Arrival, Event, Invoke, Line, Telemetry},
    head, pack,
};
use attributes::has;
pub use filter::Filters;
use function_log::Times;
use invocations::{Earlier, Invocations};
pub use lost::count_log_records;
use metrics::Intervals;
pub use own::OWN_PREFIX;
use resource::Environment;
use startup::Startup;
use uid::Uids;

/// The attribute that tells from which stream a line came.
const TYPE: &str = "type";

/// The streams that programs write.
#[derive(Clone, Copy)]
enum Stream {
    Function,
    Extension,
}

/// What normalising needs to know of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `faas.name`; `service.name` too, where the user names no other.
    pub function_name: String,
    /// `faas.version`.
    pub function_version: Option<String>,
    /// `faas.max_memory`.
    pub max_memory_bytes: Option<i64>,
    /// `cloud.region`.
    pub region: Option<String>,
    /// `aws.log.group.names`.
    pub log_group: String,
    /// The user's own attributes, on every signal in place of any other of the same name.
    pub every_signal: Vec<(String, String)>,
    /// The user's own attributes for what we originate, below those.
    pub originated: Vec<(String, String)>,
    /// Whether several invocations run at a time and no order ties lines to them.
    pub managed: bool,
    /// Whether the first invocation pays for the start: not where it was paid for before.
    pub on_demand: bool,
    /// Whether START, END, REPORT and INIT lines are wanted.
    pub platform_lines: bool,
    /// Which lines are left out, and what is blacked out in the others.
    pub filters: Filters,
    /// How many bytes of records may wait for their trace.
    pub held_bytes: usize,
    /// This environment's randomness, where each log record is to have an id (`log.record.uid`).
    pub record_ids: Option<u128>,
}

impl Settings {
    /// Those of a function of this name, of which nothing else is known: on demand, one invocation at a time, every line of
    /// programs and none of the platform's, a mebibyte for what waits.
    #[must_use]
    pub fn of(function_name: &str) -> Self {
        Self {
            log_group: format!("/aws/lambda/{function_name}"),
            function_name: function_name.to_owned(),
            function_version: None,
            max_memory_bytes: None,
            region: None,
            every_signal: Vec::new(),
            originated: Vec::new(),
            managed: false,
            on_demand: true,
            platform_lines: false,
            filters: Filters::default(),
            held_bytes: 1 << 20,
            record_ids: None,
        }
    }
}

/// What normalising has made since it was last asked.
#[derive(Debug, Default, PartialEq)]
pub struct Released {
    /// To the buffer.
    pub pieces: Vec<Packed>,
    /// Lines without a character in them: there is nothing in them to ship.
    pub empty: u64,
    /// Lines and the SDK's records that the user's own expression leaves out.
    pub excluded: u64,
    /// Log records that the platform says it lost.
    pub lost_by_platform: u64,
}

/// What was added to a counter of the extension's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The counter's name.
    pub metric: &'static str,
    /// Its unit, in UCUM.
    pub unit: &'static str,
    /// What of it was counted.
    pub attributes: Vec<(&'static str, String)>,
    /// How much.
    pub added: u64,
}

/// What was added to such counters in a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Its beginning.
    pub since: UnixNanos,
    /// Its end.
    pub until: UnixNanos,
    /// What was added.
    pub counts: Vec<Count>,
}

/// The stage between arrival and buffer.
#[derive(Debug)]
pub struct Normaliser {
    settings: Settings,
    environment: Environment,
    invocations: Invocations,
    startup: Startup,
    intervals: Intervals,
    started_before: bool,
    uids: Uids,
    /// Our scope, encoded.
    scope: Bytes,
    /// For each stream the attribute of its lines.
    streams: [Vec<u8>; 2],
    spans: Vec<Span>,
    metrics: Vec<Metric>,
    released: Released,
}

impl Normaliser {
    /// For an environment that has just started.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            environment: Environment::new(settings.clone()),
            invocations: Invocations::new(settings.managed, settings.held_bytes),
            uids: Uids::new(settings.record_ids),
            settings,
            startup: Startup::default(),
            intervals: Intervals::default(),
            started_before: false,
            scope: head(Some(&scope()), ""),
            streams: ["function", "extension"].map(|stream| records::text_field(TYPE, stream)),
            spans: Vec::new(),
            metrics: Vec::new(),
            released: Released::default(),
        }
    }

    /// The platform told the account at registration.
    pub fn registered(&mut self, account_id: Option<String>) {
        self.environment.set_account(account_id);
    }

    /// `/next` named an invocation.
    pub fn invoked(&mut self, invoke: &Invoke, now: UnixNanos) {
        if let Some(arn) = &invoke.function_arn {
            self.environment.set_invoked(arn);
        }
        // It may be known of a restore before the platform tells of that.
        self.uids.part(|| invoke.request_id.clone());
        self.invocations.invoked(invoke, now);
    }

    /// Something arrived; what comes of it is had from [`Normaliser::drain`].
    pub fn accept(&mut self, arrival: Arrival, now: UnixNanos) {
        match arrival {
            Arrival::Telemetry(telemetry) => self.telemetry(telemetry, now),
            Arrival::Otlp(signal) => self.otlp(signal, now),
        }
    }

    /// A flush in the middle of invocations: what need not wait for its trace goes along.
    pub fn release_due(&mut self, now: UnixNanos) {
        self.invocations.release_due(now);
        self.conclude_due(now);
    }

    /// The end: nothing waits any longer. Invocations of whose end the platform did not tell ended for `reason`.
    pub fn release_all(&mut self, reason: &str, now: UnixNanos) {
        self.end_all(reason, now);
    }

    /// The extension counted something of its own: a data point for each.
    pub fn count(&mut self, counts: &Counts) {
        self.metrics.extend(metrics::of_counts(counts));
    }

    /// Log records that wait for their trace.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.invocations.held() as u64
    }

    /// Their bytes.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.invocations.held_bytes()
    }

    /// Everything that has been made since, encoded.
    pub fn drain(&mut self) -> Released {
        let (mut logs, mut spans, mut metrics) =
            (self.packer(SignalKind::Logs), self.packer(SignalKind::Traces), self.packer(SignalKind::Metrics));
        logs.expect(self.invocations.released().bytes());
        self.invocations.released().drain(|fields| logs.add_encoded(1, fields));
        self.spans.drain(..).for_each(|span| spans.add(1, &span));
        self.metrics.drain(..).for_each(|metric| metrics.add_metric(metric));
        let mut released = std::mem::take(&mut self.released);
        released.pieces.extend([logs, spans, metrics].into_iter().flat_map(Packer::finish));
        released
    }

    /// For what we originate.
    fn packer(&self, kind: SignalKind) -> Packer {
        let mut packer = Packer::new(kind, self.environment.head());
        packer.enter(self.scope.clone());
        packer
    }

    fn telemetry(&mut self, Telemetry { time, event }: Telemetry, now: UnixNanos) {
        let times = Times { event: time, observed: now };
        match event {
            Event::Function(line) => self.line(line, times, Stream::Function),
            Event::Extension(line) if own::is_ours(&line) => {}
            Event::Extension(line) => self.line(line, times, Stream::Extension),
            Event::Unknown(unknown) => {
                self.pass(function_log::unparsed(&unknown.raw, &unknown.why, times), now);
            }
            platform => self.platform_event(platform, times),
        }
    }

    fn line(&mut self, line: Line, times: Times, stream: Stream) {
        self.watch_for_kills(&line);
        if self.settings.filters.excludes(&line) {
            self.released.excluded += 1;
            return;
        }
        let Some(mut reading) = function_log::read(line, times) else {
            self.released.empty += 1;
            return;
        };
        self.settings.filters.redact(&mut reading.record);
        self.uids.mark(&mut reading.record, times.observed);
        reading.request_id.iter_mut().for_each(|named| self.settings.filters.redact_named(named));
        // A field of the program's own with that name wins.
        let stream = if has(&reading.record.attributes, TYPE) { &[][..] } else { &self.streams[stream as usize] };
        if reading.request_id.is_none() {
            match self.invocations.earlier(times.event) {
                Some(Earlier::Of(invocation)) => reading.request_id = Some(invocation),
                Some(Earlier::Nobodys) => return self.invocations.pass(&reading.record, stream),
                None => {}
            }
        }
        self.invocations.place(&mut reading, stream, times.observed);
    }

    /// A record that is no invocation's.
    fn pass(&mut self, mut record: LogRecord, now: UnixNanos) {
        self.settings.filters.redact(&mut record);
        self.uids.mark(&mut record, now);
        self.invocations.pass(&record, &[]);
    }

    fn otlp(&mut self, mut signal: Signal, now: UnixNanos) {
        match &mut signal {
            Signal::Traces(spans) => {
                sdk::link_spans(spans, &mut self.invocations, now);
                self.conclude_spanned();
                self.environment.enrich(&mut spans.resource);
            }
            Signal::Logs(logs) => {
                sdk::complete_logs(logs, &mut self.invocations);
                self.released.excluded += self.settings.filters.apply(logs);
                self.uids.mark_all(logs, now);
                self.environment.enrich(&mut logs.resource);
            }
            Signal::Metrics(metrics) => self.environment.enrich(&mut metrics.resource),
        }
        self.released.pieces.extend(pack(signal));
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "lambdaview".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

#[cfg(test)]
mod tests;
