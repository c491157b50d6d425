//! The extension's configuration: environment variables, once read, as typed values.
//!
//! [`Config::from_env`] always gives a configuration that can be run with, and beside it every fault at once. Only
//! `environment` reads the process's environment.

mod aws;
mod clickhouse;
mod endpoint;
mod env_file;
pub mod environment;
mod fault;
mod filters;
mod foreign;
mod lambda;
mod otlp;
mod parse;
mod receivers;
mod settings;

pub use aws::AwsSettings;
pub use clickhouse::ClickHouseSettings;
pub use environment::{Environment, ProcessEnvironment};
pub use fault::{Fault, report};
pub use filters::LogFilters;
pub use lambda::{Initialization, LambdaSettings};
pub use otlp::{Compression, Endpoint, Header, Identity, OtlpSettings, Protocol, Route, Tls, Verify};
pub use receivers::{ListenAddress, Receivers};

use crate::secrets::{Reference, Secret};
use settings::{Settings, Unknown};
use std::{path::PathBuf, time::Duration};

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
    /// Secrets that it waits for: what needs them is usable once they are known.
    pub secrets: Vec<Reference>,
    /// How secrets are asked for.
    pub aws: AwsSettings,
    /// Where the function's own SDK may send.
    pub receivers: Receivers,
    /// What the user says about the resource.
    pub resource: ResourceSettings,
    /// When signals are sent.
    pub flush: Flush,
    /// Which of Lambda's streams become log records.
    pub streams: Streams,
    /// What is done to lines before they are shipped.
    pub filters: LogFilters,
    /// Whether each log record gets an id by which a resend is recognised.
    pub record_ids: bool,
    /// How much is said on stderr.
    pub log_level: LogLevel,
    /// The bound of everything that is kept in memory, in bytes.
    pub memory_limit: usize,
    /// Where what the buffer cannot hold may lie.
    pub spool: SpoolSettings,
}

/// The spool on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
    /// Its bound, in bytes; 0 for none.
    pub limit: usize,
    /// Where its folder is made.
    pub folder: PathBuf,
}

impl SpoolSettings {
    /// An eighth of the smallest `/tmp` that a function has.
    const LIMIT: usize = 64 << 20;

    fn read(settings: &mut Settings<'_>) -> Self {
        let limit = settings.read("LAMBDAVIEW_SPOOL_LIMIT", "0, or a size of at least 2MiB such as 64MiB", |text| {
            parse::bytes(text).filter(|&bytes| bytes == 0 || bytes >= 2 << 20)
        });
        let folder = settings.raw("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
        Self { limit: limit.unwrap_or(Self::LIMIT), folder: folder.into() }
    }
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

impl Config {
    /// Reads everything: a usable configuration, whatever is wrong, and all that is wrong.
    #[must_use]
    pub fn from_env(environment: &impl Environment) -> (Self, Vec<Fault>) {
        Self::with_secrets(environment, &|_| None)
    }

    /// As [`Config::from_env`], once secrets are known: it is the whole text of a setting that says what the setting means.
    #[must_use]
    pub fn with_secrets(
        environment: &dyn Environment,
        known: &dyn Fn(&Reference) -> Option<Secret>,
    ) -> (Self, Vec<Fault>) {
        let mut settings = Settings::new(environment, known);
        let lambda = LambdaSettings::read(&mut settings);
        let exporter = settings
            .read("ROTEL_EXPORTER", "otlp, clickhouse, or otlp,clickhouse", Exporter::parse)
            .unwrap_or_default();
        let default_limit = default_memory_limit(lambda.memory_mib);
        let may_wait = |wanted: bool| if wanted { Unknown::Waits } else { Unknown::PassedOver };
        settings.when_unknown(may_wait(exporter.to_otlp()));
        let otlp = OtlpSettings::read(&mut settings, exporter.to_otlp());
        settings.when_unknown(may_wait(exporter.to_clickhouse()));
        let clickhouse = ClickHouseSettings::read(&mut settings, exporter.to_clickhouse());
        settings.when_unknown(Unknown::IsFault);
        let config = Self {
            exporter,
            otlp,
            clickhouse,
            secrets: settings.wanted(),
            aws: AwsSettings::read(&mut settings),
            receivers: Receivers::read(&mut settings),
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
            filters: LogFilters::read(&mut settings),
            record_ids: settings.read("LAMBDAVIEW_RECORD_IDS", "true or false", parse::switch).unwrap_or_default(),
            log_level: log_level(&mut settings),
            memory_limit: settings
                .read("LAMBDAVIEW_MEMORY_LIMIT", "a size of at least 64KiB such as 16MiB", |text| {
                    parse::bytes(text).filter(|&bytes| bytes >= 64 << 10)
                })
                .unwrap_or(default_limit),
            spool: SpoolSettings::read(&mut settings),
            lambda,
        };
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
        // What `${...}` stands for may be a secret: it is not shown.
        let written = settings.raw(name).is_some_and(|written| !written.contains("${"));
        let shown = if written { format!("`{}`", odd.join(",")) } else { "a part of it".to_owned() };
        settings.fault(name, format!("{shown} is no key=value"), "write k=v,k=v and a comma within a value as %2C");
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::{
        environment::tests::{Given, given},
        *,
    };
    use crate::flow::SignalKind;
    use proptest::prelude::*;

    const ENDPOINT: &str = "ROTEL_OTLP_EXPORTER_ENDPOINT";
    const HEADERS: &str = "ROTEL_OTLP_EXPORTER_CUSTOM_HEADERS";
    const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key-AbCdEf";

    fn config(variables: &[(&str, &str)]) -> Config {
        let (config, faults) = Config::from_env(&given(variables));
        assert_eq!(faults, [], "{variables:?}");
        config
    }

    fn faults(environment: &Given) -> Vec<String> {
        Config::from_env(environment).1.iter().map(ToString::to_string).collect()
    }

    fn logs(config: &Config) -> &Route {
        config.otlp.route(SignalKind::Logs).expect("logs have an endpoint")
    }

    fn uri(config: &Config, kind: SignalKind) -> String {
        match &config.otlp.route(kind).expect("it has an endpoint").endpoint {
            Endpoint::Known(uri) => uri.to_string(),
            Endpoint::Waiting(template) => panic!("{template:?} waits"),
        }
    }

    fn headers(value: &str) -> Vec<(String, String)> {
        let config = config(&[(ENDPOINT, "http://c:4317"), (HEADERS, value)]);
        let known = logs(&config).headers.iter().map(|header| match header {
            Header::Known(name, value) => (name.to_string(), value.to_str().unwrap().to_owned()),
            Header::Waiting(..) => panic!("{header:?} waits"),
        });
        known.collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn without_any_variable_the_defaults_hold_and_the_missing_endpoint_is_the_only_fault() {
        let (config, faults) = Config::from_env(&given(&[]));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].to_string().starts_with("ROTEL_OTLP_EXPORTER_ENDPOINT: no endpoint"), "{}", faults[0]);
        assert_eq!((config.flush, config.exporter, config.log_level), (Flush::Auto, Exporter::Otlp, LogLevel::Info));
        assert_eq!(
            (config.receivers.grpc.to_string(), config.receivers.http.port),
            ("localhost:4317".to_owned(), 4318)
        );
        assert_eq!((config.streams, config.memory_limit), (Streams::default(), 8 << 20));
        assert!(!config.record_ids);
        assert_eq!(config.spool, SpoolSettings { limit: 64 << 20, folder: "/tmp".into() });
    }

    #[test]
    fn every_fault_is_told_at_once_and_the_rest_is_usable() {
        let environment = given(&[
            (ENDPOINT, "ftp://c:21"),
            ("ROTEL_OTLP_EXPORTER_PROTOCOL", "carrier-pigeon"),
            ("ROTEL_OTLP_EXPORTER_COMPRESSION", "brotli"),
            ("ROTEL_OTLP_EXPORTER_REQUEST_TIMEOUT", "soon"),
            ("LAMBDAVIEW_FLUSH", "sometimes"),
            ("LAMBDAVIEW_LOGS", "function,platform"),
            ("LAMBDAVIEW_SPOOL_LIMIT", "much"),
            ("LAMBDAVIEW_RECORD_IDS", "perhaps"),
            ("ROTEL_BATCH_MAX_SIZE", "8192"),
            ("ROTEL_OLTP_EXPORTER_ENDPOINT", "typo"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
        ]);
        let told = faults(&environment);
        let expected = [
            "ROTEL_OTLP_EXPORTER_PROTOCOL: `carrier-pigeon` is not understood; write grpc, http or http/json",
            "ROTEL_OTLP_EXPORTER_COMPRESSION: `brotli` is not had here, gzip is used instead; write gzip, zstd or none",
            "ROTEL_OTLP_EXPORTER_REQUEST_TIMEOUT: `soon` is not understood; write a duration such as 5s",
            "ROTEL_OTLP_EXPORTER_ENDPOINT: its scheme is neither http nor https; write a URL such as https://host:4317",
        ];
        assert_eq!(told[..4], expected);
        let ignored = "ROTEL_OLTP_EXPORTER_ENDPOINT: ignored: unknown here";
        assert!(told.iter().any(|fault| fault.starts_with("LAMBDAVIEW_SPOOL_LIMIT: `much`")), "{told:#?}");
        let ids = "LAMBDAVIEW_RECORD_IDS: `perhaps` is not understood; write true or false";
        assert!(told.iter().any(|fault| fault == ids), "{told:#?}");
        assert!(told.last().unwrap().starts_with(ignored), "{told:#?}");
        let config = Config::from_env(&environment).0;
        assert_eq!(config.streams, Streams { function: true, extension: false, platform: true });
        assert_eq!((config.memory_limit, config.lambda.memory_mib), (64 << 20, Some(1024)));
    }

    #[test]
    fn the_protocol_follows_the_endpoint_when_it_is_not_set() {
        let protocol = |endpoint| logs(&config(&[(ENDPOINT, endpoint)])).protocol;
        assert_eq!(protocol("https://in.example.com:4317"), Protocol::Grpc);
        assert_eq!(protocol("collector:4317"), Protocol::Grpc);
        assert_eq!(protocol("http://collector:4318"), Protocol::Http);
        assert_eq!(protocol("https://example.com/otlp"), Protocol::Http);
        assert_eq!(protocol("grpcs://example.com:4318"), Protocol::Grpc);
    }

    #[test]
    fn http_adds_the_signals_path_to_the_base_and_keeps_a_signals_own_endpoint_verbatim() {
        let config = config(&[
            (ENDPOINT, "https://example.com/otlp/?tenant=1"),
            ("ROTEL_OTLP_EXPORTER_PROTOCOL", "http"),
            ("ROTEL_OTLP_EXPORTER_METRICS_ENDPOINT", "https://other.example.com/write"),
        ]);
        assert_eq!(uri(&config, SignalKind::Logs), "https://example.com/otlp/v1/logs?tenant=1");
        assert_eq!(uri(&config, SignalKind::Metrics), "https://other.example.com/write");
    }

    #[test]
    fn a_base_endpoint_that_already_names_a_signal_is_understood() {
        let config = config(&[(ENDPOINT, "http://c:4318/v1/logs")]);
        assert_eq!(uri(&config, SignalKind::Traces), "http://c:4318/v1/traces");
    }

    #[test]
    fn a_user_in_the_endpoint_is_a_fault_and_is_neither_kept_nor_printed() {
        let environment = given(&[(ENDPOINT, "https://me:s3cr3t@example.com:4317")]);
        let (config, faults) = Config::from_env(&environment);
        assert_eq!(uri(&config, SignalKind::Logs), "https://example.com:4317/");
        assert!(faults.len() == 1 && !format!("{faults:?} {config:?}").contains("s3cr3t"), "{faults:?}");
    }

    #[test]
    fn headers_are_pairs_whose_values_may_be_raw_quoted_or_percent_encoded() {
        assert_eq!(headers("authorization=6f1c-key"), [pair("authorization", "6f1c-key")]);
        assert_eq!(headers("Authorization=Bearer abc=="), [pair("authorization", "Bearer abc==")]);
        assert_eq!(
            headers("a=\"x,y\\\"\" , b = p%2Cq,c='%2C'"),
            [pair("a", "x,y\""), pair("b", "p,q"), pair("c", "%2C")]
        );
        assert_eq!(headers("a=p${-}q${,b=1"), [pair("a", "p${-}q${"), pair("b", "1")]);
        assert_eq!(headers("a=x,y=z"), [pair("a", "x"), pair("y", "z")]);
    }

    #[test]
    fn headers_expand_variables_one_by_one_or_as_a_whole_list() {
        let environment =
            |headers| given(&[(ENDPOINT, "http://c:4317"), (HEADERS, headers), ("KEY", "a,b%2C"), ("LIST", "x=1,y=2")]);
        let known = |headers| {
            let (config, faults) = Config::from_env(&environment(headers));
            assert_eq!(faults, []);
            format!(
                "{:?}",
                logs(&config)
                    .headers
                    .iter()
                    .map(|h| match h {
                        Header::Known(name, value) => format!("{name}={}", value.to_str().unwrap()),
                        Header::Waiting(..) => "waiting".to_owned(),
                    })
                    .collect::<Vec<_>>()
            )
        };
        assert_eq!(known("authorization=${KEY}"), r#"["authorization=a,b%2C"]"#);
        assert_eq!(known("${LIST}"), r#"["x=1", "y=2"]"#);
        assert_eq!(
            faults(&environment("a=${NOT_SET}")),
            [format!(
                "{HEADERS}: ${{NOT_SET}} is not set; write ${{NAME}} of a variable that is set, or ${{arn:...}} of a secret"
            )]
        );
    }

    #[test]
    fn a_broken_header_is_told_without_its_value_and_costs_no_other() {
        let environment = given(&[(ENDPOINT, "http://c:4317"), (HEADERS, "a b=s3cr3t,ok=1,s3cr3t")]);
        let (config, faults) = Config::from_env(&environment);
        assert_eq!((logs(&config).headers.len(), faults.len()), (1, 2));
        assert!(!format!("{config:?} {faults:?}").contains("s3cr3t"), "{faults:?}");
    }

    #[test]
    fn secrets_wait_by_name_and_are_never_sent_as_they_stand() {
        let config = config(&[
            (ENDPOINT, &format!("secret://{SECRET}#endpoint")),
            (HEADERS, &format!("authorization=Bearer ${{{SECRET}#key}},${{{SECRET}}}")),
        ]);
        let route = logs(&config);
        assert!(matches!(&route.endpoint, Endpoint::Waiting(_)) && logs(&config).waits);
        let [Header::Waiting(Some(name), template), Header::Waiting(None, _)] = &route.headers[..] else {
            panic!("{:?}", route.headers)
        };
        assert_eq!(name, "authorization");
        assert_eq!(template.references().map(ToString::to_string).collect::<Vec<_>>(), [format!("{SECRET}#key")]);
        let wanted: Vec<String> = config.secrets.iter().map(ToString::to_string).collect();
        assert_eq!(wanted, [SECRET.to_owned(), format!("{SECRET}#endpoint"), format!("{SECRET}#key")]);
    }

    /// Every reference has the value that `known` has under its `#key`.
    fn with_secrets(variables: &[(&str, &str)], known: &[(&str, &str)]) -> (Config, Vec<Fault>) {
        let value = |reference: &Reference| {
            let key = reference.key.as_deref().unwrap_or_default();
            known.iter().find(|(name, _)| *name == key).map(|(_, value)| Secret::new(*value))
        };
        Config::with_secrets(&given(variables), &value)
    }

    #[test]
    fn known_secrets_stand_wherever_their_references_stood() {
        let (config, faults) = with_secrets(
            &[
                (ENDPOINT, &format!("secret://{SECRET}#endpoint")),
                (HEADERS, &format!("authorization=\"Bearer ${{{SECRET}#key}}\",${{{SECRET}#more}}")),
                ("ROTEL_OTLP_EXPORTER_REQUEST_TIMEOUT", &format!("${{{SECRET}#timeout}}")),
                ("ROTEL_OTLP_EXPORTER_TLS_CA_PEM", &format!("${{{SECRET}#ca}}")),
            ],
            &[
                ("endpoint", "https://c:4318"),
                ("key", "a,b%2C${HOME}"),
                ("more", "x=1,y=2"),
                ("timeout", "7s"),
                ("ca", "PEM"),
            ],
        );
        assert_eq!(
            (faults, config.secrets.len(), config.otlp.route(SignalKind::Traces).unwrap().waits),
            (Vec::new(), 0, false)
        );
        let route = config.otlp.route(SignalKind::Traces).unwrap();
        let headers: Vec<String> = route
            .headers
            .iter()
            .map(|header| match header {
                Header::Known(name, value) => format!("{name}={}", value.to_str().unwrap()),
                Header::Waiting(..) => panic!("{header:?} waits"),
            })
            .collect();
        assert_eq!(headers, ["authorization=Bearer a,b%2C${HOME}", "x=1", "y=2"]);
        assert_eq!((route.protocol, route.timeout), (Protocol::Http, Duration::from_secs(7)));
        assert_eq!(uri(&config, SignalKind::Traces), "https://c:4318/v1/traces");
    }

    #[test]
    fn only_the_signals_that_need_a_missing_secret_wait() {
        let (config, faults) = with_secrets(
            &[
                (ENDPOINT, "http://c:4317"),
                ("ROTEL_OTLP_EXPORTER_TRACES_CUSTOM_HEADERS", &format!("k=${{{SECRET}#a}}")),
                ("ROTEL_OTLP_EXPORTER_METRICS_COMPRESSION", &format!("${{{SECRET}#b}}")),
            ],
            &[("b", "none")],
        );
        assert_eq!(faults, []);
        assert_eq!(SignalKind::ALL.map(|kind| config.otlp.route(kind).unwrap().waits), [false, true, false]);
        assert_eq!(config.secrets.len(), 1);
    }

    #[test]
    fn what_a_secret_holds_is_in_no_fault() {
        let held = [("a", "s3cr3t is no endpoint://"), ("b", "s3cr3t"), ("c", "s3cr3t\n"), ("d", "s3cr3t")];
        let (config, faults) = with_secrets(
            &[
                (ENDPOINT, &format!("${{{SECRET}#a}}")),
                (HEADERS, &format!("${{{SECRET}#b}},k=\"x${{{SECRET}#c}}y\"")),
                ("ROTEL_OTLP_EXPORTER_REQUEST_TIMEOUT", &format!("${{{SECRET}#d}}")),
                ("ROTEL_OTEL_RESOURCE_ATTRIBUTES", &format!("${{{SECRET}#d}}")),
                ("LAMBDAVIEW_FLUSH", &format!("${{{SECRET}#d}}")),
            ],
            &held,
        );
        assert_eq!(faults.len(), 7, "{faults:#?}");
        assert!(!format!("{faults:?} {config:?}").contains("s3cr3t"), "{faults:#?}");
    }

    #[test]
    fn a_secret_where_it_comes_too_late_is_a_fault_and_is_not_fetched() {
        let (config, faults) = Config::from_env(&given(&[
            (ENDPOINT, "http://c:4317"),
            ("LAMBDAVIEW_FLUSH", &format!("${{{SECRET}}}")),
            ("ROTEL_CLICKHOUSE_EXPORTER_PASSWORD", &format!("${{{SECRET}}}")),
        ]));
        assert_eq!((config.secrets.len(), config.flush), (0, Flush::Auto));
        assert!(
            faults.len() == 1 && faults[0].to_string().starts_with("LAMBDAVIEW_FLUSH: needed before"),
            "{faults:?}"
        );
    }

    #[test]
    fn clickhouses_settings_wait_only_when_it_is_written_to() {
        let variables = |exporter| {
            [
                ("ROTEL_EXPORTER", exporter),
                (ENDPOINT, "http://c:4317"),
                ("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", "http://c:8123"),
                ("ROTEL_CLICKHOUSE_EXPORTER_PASSWORD", "secret://arn:aws:ssm:r:1:parameter/p:3"),
            ]
        };
        assert!(config(&variables("clickhouse")).clickhouse.waits);
        assert_eq!(config(&variables("otlp")).secrets, []);
    }

    #[test]
    fn aws_endpoints_are_a_services_own_before_the_one_for_all_unless_they_are_to_be_ignored() {
        let own =
            [("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_SSM", "http://ssm"), (ENDPOINT, "http://c:4317")];
        let aws = config(&own).aws;
        assert_eq!(aws.secrets_manager_url.as_deref(), Some("http://all"));
        assert_eq!(aws.parameter_store_url.as_deref(), Some("http://ssm"));
        let ignored = config(
            &[&own[..], &[("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"), ("AWS_USE_FIPS_ENDPOINT", "TRUE")]].concat(),
        )
        .aws;
        assert_eq!(ignored, AwsSettings { fips: true, ..AwsSettings::default() });
    }

    #[test]
    fn a_receiver_may_be_disabled_for_each_signal() {
        let receivers = config(&[(ENDPOINT, "http://c:4317"), ("ROTEL_OTLP_RECEIVER_LOGS_DISABLED", "true")]).receivers;
        assert!(!receivers.take(SignalKind::Logs) && receivers.take(SignalKind::Traces) && receivers.take_any());
    }

    #[test]
    fn all_faults_are_one_line_and_names_that_mean_nothing_here_are_told_once() {
        assert_eq!(report(&[]), None);
        let told = Config::from_env(&given(&[
            (ENDPOINT, "http://c:4317"),
            ("ROTEL_BATCH_MAX_SIZE", "8192"),
            ("ROTEL_LOGS_BATCH_TIMEOUT", "1s"),
            ("ROTEL_OLTP_EXPORTER_ENDPOINT", "typo"),
            ("LAMBDAVIEW_FLUSH", "sometimes"),
        ]))
        .1;
        let line = report(&told).unwrap();
        assert_eq!(
            line,
            "configuration, 3 faults: (1) LAMBDAVIEW_FLUSH: `sometimes` is not understood; write auto, end, periodic or \
             background, the last two with `,10s` or not (2) ROTEL_BATCH_MAX_SIZE, ROTEL_LOGS_BATCH_TIMEOUT: ignored: \
             batches are bounded in bytes and sent at the end of an invocation; nothing needs to be done (3) \
             ROTEL_OLTP_EXPORTER_ENDPOINT: ignored: unknown here; remove it, or compare the spelling with the README's table"
        );
        assert!(report(&told[..1]).unwrap().starts_with("configuration: LAMBDAVIEW_FLUSH"));
    }

    #[test]
    fn the_functions_own_variables_win_over_the_file() {
        let environment = given(&[("ROTEL_ENV_FILE", "/var/task/rotel.env"), ("LAMBDAVIEW_FLUSH", "end")]).file(
            "/var/task/rotel.env",
            "export ROTEL_OTLP_EXPORTER_ENDPOINT=https://c:4317 # ours\nLAMBDAVIEW_FLUSH=auto\nnonsense\n",
        );
        let (config, faults) = Config::from_env(&environment);
        assert_eq!((uri(&config, SignalKind::Logs).as_str(), config.flush), ("https://c:4317/", Flush::End));
        assert_eq!(faults.len(), 1);
        assert!(faults[0].problem.starts_with("line 3 of /var/task/rotel.env"), "{faults:?}");
    }

    #[test]
    fn a_literal_of_the_file_stays_as_it_stands_but_a_secret_in_it_is_one() {
        let text = format!(
            "{ENDPOINT}=http://c:4317\n{HEADERS}='a=p${{HOME}}q,b=${{{SECRET}}}'\nROTEL_OTEL_RESOURCE_ATTRIBUTES=\"k=\\${{HOME}}\"\n"
        );
        let environment = given(&[("ROTEL_ENV_FILE", "/var/task/${STAGE}.env"), ("STAGE", "prod"), ("HOME", "/root")])
            .file("/var/task/prod.env", &text);
        let (config, faults) = Config::from_env(&environment);
        assert_eq!(faults, []);
        let [Header::Known(_, value), Header::Waiting(Some(_), _)] = &logs(&config).headers[..] else {
            panic!("{:?}", logs(&config).headers)
        };
        assert_eq!(value.to_str().unwrap(), "p${HOME}q");
        assert_eq!(config.resource.every_signal, [pair("k", "${HOME}")]);
    }

    #[test]
    fn a_missing_file_is_told_and_survived() {
        let told = faults(&given(&[("ROTEL_ENV_FILE", "/nowhere.env"), (ENDPOINT, "http://c:4317")]));
        assert!(told.len() == 1 && told[0].starts_with("ROTEL_ENV_FILE: /nowhere.env cannot be read"), "{told:?}");
    }

    #[test]
    fn flush_modes_have_an_interval_where_it_has_a_meaning() {
        assert_eq!(Flush::parse("periodic,30s"), Some(Flush::Periodic(Duration::from_secs(30))));
        assert_eq!(Flush::parse("background"), Some(Flush::Background(Duration::from_secs(10))));
        assert_eq!(["end,5s", "periodic,0s", "periodic,", ""].map(Flush::parse), [None; 4]);
    }

    #[test]
    fn the_service_name_wins_over_the_attributes_of_its_own_kind() {
        let config = config(&[
            (ENDPOINT, "http://c:4317"),
            ("OTEL_SERVICE_NAME", "orders"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=x,team=a%20b"),
            ("ROTEL_OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod"),
        ]);
        assert_eq!(config.resource.originated, [pair("team", "a b"), pair("service.name", "orders")]);
        assert_eq!(config.resource.every_signal, [pair("deployment.environment", "prod")]);
    }

    #[test]
    fn a_signals_own_setting_wins_over_the_one_for_all() {
        let config = config(&[
            (ENDPOINT, "http://c:4318"),
            ("ROTEL_OTLP_EXPORTER_TRACES_COMPRESSION", "zstd"),
            ("ROTEL_OTLP_EXPORTER_TRACES_REQUEST_TIMEOUT", "500ms"),
        ]);
        let traces = config.otlp.route(SignalKind::Traces).unwrap();
        assert_eq!((traces.compression, traces.timeout), (Compression::Zstd, Duration::from_millis(500)));
        assert_eq!(logs(&config).compression, Compression::Gzip);
    }

    #[test]
    fn certificates_come_inline_or_from_a_file_and_half_an_identity_is_a_fault() {
        let environment = given(&[
            (ENDPOINT, "https://c:4317"),
            ("ROTEL_OTLP_EXPORTER_TLS_CA_FILE", "/var/task/ca.pem"),
            ("ROTEL_OTLP_EXPORTER_TLS_CERT_PEM", "cert"),
            ("ROTEL_OTLP_EXPORTER_TLS_SKIP_VERIFY", "true"),
        ])
        .file("/var/task/ca.pem", "the ca");
        let (config, faults) = Config::from_env(&environment);
        assert!(faults.len() == 1 && faults[0].variable.contains("TLS_KEY"), "{faults:?}");
        assert_eq!(config.otlp.tls.verify, Verify::Skip);
        assert_eq!(config.otlp.tls.ca, Some(crate::secrets::Value::Plain(Secret::new("the ca"))));
    }

    #[test]
    fn a_list_of_headers_is_expanded_once() {
        let variables = [(ENDPOINT, "http://c:4317"), (HEADERS, "${A}"), ("A", "${DOLLAR}{A}="), ("DOLLAR", "$")];
        assert!(faults(&given(&variables))[0].contains("a header's name"));
    }

    #[test]
    fn variables_that_lead_back_to_themselves_are_a_fault() {
        let told = faults(&given(&[(ENDPOINT, "${A}"), ("A", "${B}"), ("B", "${A}")]));
        assert!(told[0].contains("leads back to itself"), "{told:?}");
    }

    proptest! {
        #[test]
        fn no_value_makes_the_configuration_panic(value in "(?s).{0,60}") {
            for name in [ENDPOINT, HEADERS, "LAMBDAVIEW_FLUSH", "ROTEL_OTEL_RESOURCE_ATTRIBUTES", "ROTEL_OTLP_GRPC_ENDPOINT"] {
                let _ = Config::from_env(&given(&[(name, &value)]));
            }
        }

        #[test]
        fn no_endpoint_of_a_urls_own_characters_makes_it_panic(value in "(https?://|grpc://)?[a-z:@/?#%\\[\\]\\$\\{\\}0-9.=, é]{0,40}") {
            for name in [ENDPOINT, HEADERS, "ROTEL_OTLP_EXPORTER_LOGS_ENDPOINT"] {
                let _ = Config::from_env(&given(&[(name, &value), ("ROTEL_OTLP_EXPORTER_PROTOCOL", "http")]));
            }
        }

        #[test]
        fn a_quoted_header_is_read_back(value in "[ -~]{1,40}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assume!(!value.contains("${") && value.trim() == value && !value.starts_with("secret://"));
            prop_assert_eq!(headers(&format!("a=1,k=\"{quoted}\"")), [pair("a", "1"), pair("k", &value)]);
        }
    }
}
