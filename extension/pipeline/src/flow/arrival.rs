//! What the receivers hand over: Lambda's telemetry in our own types, and OTLP from the function's SDK.

use super::{Signal, UnixNanos, trace::SpanId, trace::TraceContext};

/// One thing that came in.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrival {
    /// One record of the Telemetry API.
    Telemetry(Telemetry),
    /// One resource's signal from the function's OpenTelemetry SDK.
    Otlp(Signal),
}

/// What the Extensions API's `/next` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextEvent {
    /// An invocation starts.
    Invoke(Invoke),
    /// The environment ends.
    Shutdown(Shutdown),
}

/// An invocation starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoke {
    /// The invocation.
    pub request_id: String,
    /// When the function runs into its timeout.
    pub deadline: UnixNanos,
    /// The ARN that was called, alias and all.
    pub function_arn: Option<String>,
    /// The trace that the caller named.
    pub trace: Option<TraceContext>,
}

/// The environment ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Why, in lower case: `spindown`, `timeout`, `failure`, or a word that is new to us.
    pub reason: String,
    /// When we are killed.
    pub deadline: UnixNanos,
}

/// One record of the Telemetry API.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// When the platform made the record; 0 when it does not say.
    pub time: UnixNanos,
    /// What it says.
    pub event: Event,
}

/// What a record of the Telemetry API says. The large ones are boxed: nearly all are lines, and each is handed on by value.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A line of the function.
    Function(Line),
    /// A line of an extension, ours among them.
    Extension(Line),
    /// The environment starts; its log stream, where the platform names it.
    InitStart(InitStart),
    /// The environment has started; how long that took.
    InitReport(InitReport),
    /// A snapshot of the environment is brought back to life (SnapStart), under a log stream of its own.
    RestoreStart(RestoreStart),
    /// It is alive; how long that took.
    RestoreReport(RestoreReport),
    /// An invocation starts.
    Start(Box<Start>),
    /// The runtime is done with an invocation. Never on Managed Instances.
    RuntimeDone(Box<RuntimeDone>),
    /// An invocation's account, an invocation late.
    Report(Box<Report>),
    /// The platform itself lost records meant for us.
    LogsDropped(LogsDropped),
    /// What an extension registered for, and whether it failed.
    ExtensionState(ExtensionState),
    /// Who subscribed to telemetry.
    Subscription(TelemetrySubscription),
    /// The platform's own words about something that went wrong.
    Fault(String),
    /// Known, and nothing follows from it: phases that the reports repeat.
    Noted {
        /// The event's type.
        event_type: String,
        /// The record's JSON.
        raw: String,
    },
    /// A type we do not know, or a record that is not what its type promises: kept as it came.
    Unknown(Unknown),
}

/// What a program wrote: one record of a log stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A string.
    Text(String),
    /// Any other JSON, as it came.
    Json(String),
}

/// `platform.initStart`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitStart {
    /// The log stream's name.
    pub instance_id: Option<String>,
    /// The runtime's version, as INIT_START words it.
    pub runtime_version: Option<String>,
    /// Its ARN.
    pub runtime_version_arn: Option<String>,
    /// `on-demand`, `provisioned-concurrency`, `snap-start`, `lambda-managed-instances`.
    pub initialization_type: Option<String>,
}

/// `platform.initReport`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InitReport {
    /// `init`, `invoke` (again, at the first invocation) or `snap-start`.
    pub phase: String,
    /// As [`InitStart`] has it.
    pub initialization_type: Option<String>,
    /// `success`, `failure`, ..., where the platform says.
    pub status: Option<Status>,
    /// How long, in milliseconds.
    pub duration_ms: f64,
    /// What went wrong.
    pub error_type: Option<String>,
}

/// `platform.restoreStart`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreStart {
    /// The log stream's name from now on.
    pub instance_id: Option<String>,
    /// The runtime's version, as RESTORE_START words it.
    pub runtime_version: Option<String>,
    /// Its ARN.
    pub runtime_version_arn: Option<String>,
}

/// `platform.restoreReport`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RestoreReport {
    /// `success`, `failure`, ..., where the platform says.
    pub status: Option<Status>,
    /// How long, in milliseconds.
    pub duration_ms: f64,
    /// What went wrong.
    pub error_type: Option<String>,
}

/// Whose an invocation is: each of its events says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The trace that the caller named.
    pub trace: Option<TraceContext>,
    /// Lambda's own span of this invocation.
    pub span_id: Option<SpanId>,
    /// On whose behalf, where tenants are kept apart.
    pub tenant_id: Option<String>,
}

/// `platform.start`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The invocation.
    pub request_id: String,
    /// The function's version.
    pub version: Option<String>,
    /// Whose it is.
    pub origin: Origin,
    /// The ARN that was called: only on Managed Instances, which have no INVOKE event to say it.
    pub function_arn: Option<String>,
}

/// A part of an invocation that the platform measured: `responseLatency`, `runtimeOverhead`, ...
#[derive(Clone, Debug, PartialEq)]
pub struct PlatformSpan {
    /// The platform's word for it.
    pub name: String,
    /// When it began.
    pub start: UnixNanos,
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
}

/// `platform.runtimeDone`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuntimeDone {
    /// The invocation.
    pub request_id: String,
    /// How it ended.
    pub status: Status,
    /// What went wrong.
    pub error_type: Option<String>,
    /// How long the function ran, in milliseconds.
    pub duration_ms: Option<f64>,
    /// Bytes of its answer.
    pub produced_bytes: Option<u64>,
    /// Its parts.
    pub spans: Vec<PlatformSpan>,
    /// Whose it is.
    pub origin: Origin,
}

/// `platform.report`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The invocation.
    pub request_id: String,
    /// How it ended.
    pub status: Status,
    /// What went wrong.
    pub error_type: Option<String>,
    /// Its numbers.
    pub metrics: ReportMetrics,
    /// X-Ray's trace header, as REPORT words it.
    pub xray: Option<XRay>,
    /// Its parts: `extensionOverhead`; on Managed Instances all of them.
    pub spans: Vec<PlatformSpan>,
    /// Whose it is.
    pub origin: Origin,
}

/// X-Ray's part of a record, as it came: REPORT lines repeat it word for word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XRay {
    /// `1-...-...`.
    pub root: String,
    /// Lambda's own segment.
    pub segment_id: Option<String>,
    /// Whether X-Ray records the trace.
    pub sampled: bool,
}

/// The numbers of `platform.report`; Managed Instances give the duration only.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReportMetrics {
    /// Milliseconds the function ran.
    pub duration_ms: f64,
    /// Milliseconds billed.
    pub billed_duration_ms: Option<f64>,
    /// The configured memory, in mebibytes.
    pub memory_size_mb: Option<u64>,
    /// The most memory used, in mebibytes.
    pub max_memory_used_mb: Option<u64>,
    /// Milliseconds of init: this was a cold start.
    pub init_duration_ms: Option<f64>,
    /// Milliseconds of a SnapStart restore.
    pub restore_duration_ms: Option<f64>,
    /// Milliseconds of it that are billed.
    pub billed_restore_duration_ms: Option<f64>,
}

/// How an invocation ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// It answered.
    #[default]
    Success,
    /// The function answered with an error, or threw.
    Error,
    /// The runtime or an extension failed.
    Failure,
    /// It ran into its timeout.
    Timeout,
    /// A word that is new to us.
    Other(String),
}

impl Status {
    /// The platform's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for Status {
    fn from(word: String) -> Self {
        match word.as_str() {
            "success" => Self::Success,
            "error" => Self::Error,
            "failure" => Self::Failure,
            "timeout" => Self::Timeout,
            _ => Self::Other(word),
        }
    }
}

/// `platform.logsDropped`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsDropped {
    /// How many records.
    pub records: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The platform's words.
    pub reason: String,
}

/// `platform.extension`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtensionState {
    /// Its name.
    pub name: String,
    /// `Ready`, ...
    pub state: String,
    /// What it registered for.
    pub events: Vec<String>,
    /// What went wrong.
    pub error_type: Option<String>,
}

/// `platform.telemetrySubscription`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TelemetrySubscription {
    /// The extension.
    pub name: String,
    /// `Subscribed`, `Already subscribed`.
    pub state: String,
    /// The streams.
    pub types: Vec<String>,
}

/// A record kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The event's type; empty when even that could not be read.
    pub event_type: String,
    /// The whole record.
    pub raw: String,
    /// Why it was not understood, in a lowercase fragment.
    pub why: String,
}
