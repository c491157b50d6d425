//! The extension's configuration: environment variables, once read, as typed values.
//!
//! [`Config::from_env`] always gives a configuration that can be run with, and beside it every fault at once. Only
//! `environment` reads the process's environment.

mod clickhouse;
mod env_file;
pub mod environment;
mod lambda;
mod otlp;
mod parse;
mod settings;

pub use clickhouse::ClickHouseSettings;
pub use environment::{Environment, ProcessEnvironment};
pub use lambda::{Initialization, LambdaSettings};
pub use otlp::{Compression, Endpoint, Header, Identity, OtlpSettings, Protocol, Route, Tls, Verify};

use settings::Settings;
use std::{fmt, time::Duration};

/// Settings of the specification that this version does not have: named when they are set, rather than passed over.
const NOT_HAD: [&str; 3] = ["LAMBDAVIEW_LOG_EXCLUDE", "LAMBDAVIEW_LOG_REDACT", "LAMBDAVIEW_SPOOL_LIMIT"];

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// What Lambda tells of the function and of itself.
    pub lambda: LambdaSettings,
    /// Where signals go.
    pub exporter: Exporter,
    /// Export by OTLP.
    pub otlp: OtlpSettings,
    /// Export straight into ClickHouse.
    pub clickhouse: ClickHouseSettings,
    /// Where the function's own SDK may send.
    pub receivers: Receivers,
    /// What the user says about the resource.
    pub resource: ResourceSettings,
    /// When signals are sent.
    pub flush: Flush,
    /// Which of Lambda's streams become log records.
    pub streams: Streams,
    /// How much is said on stderr.
    pub log_level: LogLevel,
    /// The bound of the buffer, in bytes.
    pub memory_limit: usize,
}

/// Where signals go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exporter {
    /// To an OTLP endpoint.
    #[default]
    Otlp,
    /// Into ClickHouse.
    ClickHouse,
    /// To both.
    Both,
}

impl Exporter {
    /// Whether OTLP is one of them.
    #[must_use]
    pub const fn to_otlp(self) -> bool {
        matches!(self, Self::Otlp | Self::Both)
    }

    /// Whether ClickHouse is one of them.
    #[must_use]
    pub const fn to_clickhouse(self) -> bool {
        matches!(self, Self::ClickHouse | Self::Both)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts: Vec<&str> = text.split(',').map(str::trim).collect();
        parts.sort_unstable();
        parts.dedup();
        match parts[..] {
            ["otlp"] => Some(Self::Otlp),
            ["clickhouse"] => Some(Self::ClickHouse),
            ["clickhouse", "otlp"] => Some(Self::Both),
            _ => None,
        }
    }
}

/// An address to listen on, as it is written: resolved when it is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port; 0 for a free one.
    pub port: u16,
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Where the function's own SDK may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receivers {
    /// OTLP/gRPC.
    pub grpc: ListenAddress,
    /// OTLP/HTTP.
    pub http: ListenAddress,
}

/// What the user says about the resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceSettings {
    /// Inserted or replaced on every signal (`ROTEL_OTEL_RESOURCE_ATTRIBUTES`).
    pub every_signal: Vec<(String, String)>,
    /// For telemetry that the extension originates (`OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`), below `every_signal`.
    pub originated: Vec<(String, String)>,
}

/// When signals are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flush {
    /// By how often the function is invoked.
    #[default]
    Auto,
    /// At the end of every invocation.
    End,
    /// At the end of an invocation when this much time has gone since the last one.
    Periodic(Duration),
    /// Beside the next invocation, at the latest after this much time.
    Background(Duration),
}

impl Flush {
    const INTERVAL: Duration = Duration::from_secs(10);

    fn parse(text: &str) -> Option<Self> {
        let (mode, interval) = match text.split_once(',') {
            Some((mode, interval)) => (mode.trim(), Some(parse::positive_duration(interval)?)),
            None => (text, None),
        };
        match (mode, interval) {
            ("auto", None) => Some(Self::Auto),
            ("end", None) => Some(Self::End),
            ("periodic", interval) => Some(Self::Periodic(interval.unwrap_or(Self::INTERVAL))),
            ("background", interval) => Some(Self::Background(interval.unwrap_or(Self::INTERVAL))),
            _ => None,
        }
    }
}

/// Which of Lambda's streams become log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    /// What the function writes.
    pub function: bool,
    /// What extensions write.
    pub extension: bool,
    /// Lambda's own START, END, REPORT lines.
    pub platform: bool,
}

impl Default for Streams {
    fn default() -> Self {
        Self { function: true, extension: true, platform: false }
    }
}

impl Streams {
    fn parse(text: &str) -> Option<Self> {
        let mut streams = Self { function: false, extension: false, platform: false };
        for part in text.split(',').map(str::trim) {
            match part {
                "function" => streams.function = true,
                "extension" => streams.extension = true,
                "platform" => streams.platform = true,
                "all" => streams = Self { function: true, extension: true, platform: true },
                "none" => {}
                _ => return None,
            }
        }
        Some(streams)
    }
}

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing but the ledger.
    Off,
    /// What loses data.
    Error,
    /// What may lose data.
    Warn,
    /// What a reader of the log wants to know once.
    #[default]
    Info,
    /// Each export and each event.
    Debug,
}

impl LogLevel {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "off" | "none" => Some(Self::Off),
            "error" => Some(Self::Error),
            "warn" | "warning" => Some(Self::Warn),
            "info" => Some(Self::Info),
            "debug" | "trace" => Some(Self::Debug),
            _ => None,
        }
    }
}

/// One thing that is wrong with the configuration, without any value that could be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable, or several of them.
    pub variable: String,
    /// What is wrong with it.
    pub problem: String,
    /// How to mend it.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.variable, self.problem, self.remedy)
    }
}

impl Config {
    /// Reads everything: a usable configuration, whatever is wrong, and all that is wrong.
    #[must_use]
    pub fn from_env(environment: &impl Environment) -> (Self, Vec<Fault>) {
        let mut settings = Settings::new(environment);
        let lambda = LambdaSettings::read(&mut settings);
        let exporter = settings
            .read("ROTEL_EXPORTER", "otlp, clickhouse, or otlp,clickhouse", Exporter::parse)
            .unwrap_or_default();
        let default_limit = default_memory_limit(lambda.memory_mib);
        let config = Self {
            exporter,
            otlp: OtlpSettings::read(&mut settings, exporter.to_otlp()),
            clickhouse: ClickHouseSettings::read(&mut settings, exporter.to_clickhouse()),
            receivers: receivers(&mut settings),
            resource: resource(&mut settings),
            flush: settings
                .read(
                    "LAMBDAVIEW_FLUSH",
                    "auto, end, periodic or background, the last two with `,10s` or not",
                    Flush::parse,
                )
                .unwrap_or_default(),
            streams: settings
                .read("LAMBDAVIEW_LOGS", "a list of function, extension, platform", Streams::parse)
                .unwrap_or_default(),
            log_level: log_level(&mut settings),
            memory_limit: settings
                .read("LAMBDAVIEW_MEMORY_LIMIT", "a size of at least 64KiB such as 16MiB", |text| {
                    parse::bytes(text).filter(|&bytes| bytes >= 64 << 10)
                })
                .unwrap_or(default_limit),
            lambda,
        };
        for name in NOT_HAD {
            if settings.raw(name).is_some() {
                settings.fault(name, "ignored: this version does not have it", "remove it");
            }
        }
        (config, settings.into_faults())
    }
}

/// A sixteenth of the function's memory: 8 MiB of the smallest function, at most 64 MiB.
fn default_memory_limit(memory_mib: Option<u32>) -> usize {
    const MIB: usize = 1 << 20;
    let memory = memory_mib.and_then(|mib| usize::try_from(mib).ok()).unwrap_or(128);
    (memory.saturating_mul(MIB) / 16).clamp(4 * MIB, 64 * MIB)
}

fn log_level(settings: &mut Settings<'_>) -> LogLevel {
    const EXPECTED: &str = "off, error, warn, info or debug";
    let ours = settings.read("LAMBDAVIEW_LOG_LEVEL", EXPECTED, LogLevel::parse);
    let guides = settings.read("ROTEL_LOG_LEVEL", EXPECTED, LogLevel::parse);
    ours.or(guides).unwrap_or_default()
}

fn receivers(settings: &mut Settings<'_>) -> Receivers {
    let mut address = |name: &str, port: u16| {
        let read = settings.read(name, &format!("host:port such as localhost:{port}"), parse::listen_address);
        read.unwrap_or_else(|| ListenAddress { host: "localhost".to_owned(), port })
    };
    Receivers { grpc: address("ROTEL_OTLP_GRPC_ENDPOINT", 4317), http: address("ROTEL_OTLP_HTTP_ENDPOINT", 4318) }
}

fn resource(settings: &mut Settings<'_>) -> ResourceSettings {
    let every_signal = attributes(settings, "ROTEL_OTEL_RESOURCE_ATTRIBUTES");
    let mut originated = attributes(settings, "OTEL_RESOURCE_ATTRIBUTES");
    if let Some(service) = settings.text("OTEL_SERVICE_NAME") {
        originated.retain(|(key, _)| key != "service.name");
        originated.push(("service.name".to_owned(), service));
    }
    ResourceSettings { every_signal, originated }
}

fn attributes(settings: &mut Settings<'_>, name: &str) -> Vec<(String, String)> {
    let Some(text) = settings.text(name) else { return Vec::new() };
    let (pairs, odd) = parse::attributes(&text);
    if !odd.is_empty() {
        settings.fault(
            name,
            format!("`{}` is no key=value", odd.join(",")),
            "write k=v,k=v and a comma within a value as %2C",
        );
    }
    pairs
}
