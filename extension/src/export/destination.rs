//! Where batches go: the backends that the configuration names, each on its own.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use super::{clickhouse::ClickHouseExporter, otlp::OtlpExporter};
use crate::{
    config::{ClickHouseSettings, Config, Endpoint, Exporter, Protocol, Route},
    flow::{Batch, Outcome, SignalKind},
    secrets::Template,
};
use http::uri::{Authority, Scheme};

/// A backend that the configuration names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// By OTLP.
    Otlp,
    /// ClickHouse itself.
    ClickHouse,
}

impl Target {
    /// The backends that the configuration names.
    #[must_use]
    pub const fn of(config: &Config) -> &'static [Self] {
        match config.exporter {
            Exporter::Otlp => &[Self::Otlp],
            Exporter::ClickHouse => &[Self::ClickHouse],
            Exporter::Both => &[Self::Otlp, Self::ClickHouse],
        }
    }

    /// As `ROTEL_EXPORTER` names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Otlp => "otlp",
            Self::ClickHouse => "clickhouse",
        }
    }

    /// Whether signals of `kind` have somewhere to go.
    #[must_use]
    pub fn is_open(self, config: &Config, kind: SignalKind) -> bool {
        match self {
            Self::Otlp => config.otlp.route(kind).is_some(),
            Self::ClickHouse => config.clickhouse.endpoint.is_some(),
        }
    }

    /// Whether signals of `kind` wait for secrets before they can go there.
    #[must_use]
    pub fn waits(self, config: &Config, kind: SignalKind) -> bool {
        match self {
            Self::Otlp => config.otlp.route(kind).is_some_and(|route| route.waits),
            Self::ClickHouse => config.clickhouse.waits,
        }
    }

    /// Where signals of each kind go, told by the first kind that goes there, too: by the same connections.
    #[must_use]
    pub fn ways(self, config: &Config) -> [SignalKind; 3] {
        let place = |kind: SignalKind| match self {
            Self::Otlp => config.otlp.route(kind).map(Place::of),
            Self::ClickHouse => None,
        };
        SignalKind::ALL.map(|kind| {
            let first = SignalKind::ALL.into_iter().find(|other| place(*other) == place(kind));
            first.expect("each kind goes where it goes itself")
        })
    }

    /// What tells this function's signals for this backend from any other's: what one process left for it, another may send.
    #[must_use]
    pub fn identity(self, config: &Config) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.as_str(), &config.lambda.function_name, &config.lambda.function_version).hash(&mut hasher);
        match self {
            Self::Otlp => {
                for route in SignalKind::ALL.into_iter().filter_map(|kind| config.otlp.route(kind)) {
                    match &route.endpoint {
                        Endpoint::Known(uri) => uri.hash(&mut hasher),
                        Endpoint::Waiting(template) => {
                            template.references().for_each(|reference| reference.to_string().hash(&mut hasher));
                        }
                    }
                }
            }
            Self::ClickHouse => {
                let ClickHouseSettings { endpoint, database, table_prefix, .. } = &config.clickhouse;
                match endpoint {
                    // Its query may have a password in it; not even a trace of it is written to disk.
                    Some(Endpoint::Known(uri)) => uri.authority().hash(&mut hasher),
                    Some(Endpoint::Waiting(template)) => {
                        template.references().for_each(|reference| reference.to_string().hash(&mut hasher));
                    }
                    None => {}
                }
                (database, table_prefix).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// The longest that one request may take.
    #[must_use]
    pub fn timeout(self, config: &Config) -> Duration {
        let routes = SignalKind::ALL.into_iter().filter_map(|kind| config.otlp.route(kind));
        match self {
            Self::Otlp => routes.map(|route| route.timeout).max().unwrap_or_default(),
            Self::ClickHouse => config.clickhouse.timeout,
        }
    }
}

/// What two routes have in common that go the same way.
#[derive(PartialEq, Eq)]
enum Place<'a> {
    Known(Option<&'a Scheme>, Option<&'a Authority>, bool),
    Waiting(&'a Template, bool),
}

impl<'a> Place<'a> {
    fn of(route: &'a Route) -> Self {
        let grpc = route.protocol == Protocol::Grpc;
        match &route.endpoint {
            Endpoint::Known(uri) => Self::Known(uri.scheme(), uri.authority(), grpc),
            Endpoint::Waiting(template) => Self::Waiting(template, grpc),
        }
    }
}

/// One backend.
pub enum Destination {
    /// An OTLP endpoint for each kind that has one.
    Otlp(OtlpExporter),
    /// ClickHouse itself.
    ClickHouse(Box<ClickHouseExporter>),
}

impl Destination {
    /// Made in no time: nothing is connected before the first export.
    #[must_use]
    pub fn new(target: Target, config: &Config) -> Self {
        match target {
            Target::Otlp => Self::Otlp(OtlpExporter::new(&config.otlp)),
            Target::ClickHouse => Self::ClickHouse(Box::new(ClickHouseExporter::new(&config.clickhouse))),
        }
    }

    /// Sends `batch` once.
    pub async fn export(&self, batch: &Batch, timeout: Duration) -> Outcome {
        match self {
            Self::Otlp(exporter) => exporter.export(batch, timeout).await,
            Self::ClickHouse(exporter) => exporter.export(batch, timeout).await,
        }
    }

    /// The environment was frozen for long: open connections are not trusted any more.
    pub fn thawed(&self) {
        match self {
            Self::Otlp(exporter) => exporter.reset(),
            Self::ClickHouse(exporter) => exporter.reset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::tests::given;

    fn config(variables: &[(&str, &str)]) -> Config {
        let defaults = [
            ("ROTEL_EXPORTER", "otlp,clickhouse"),
            ("ROTEL_OTLP_EXPORTER_ENDPOINT", "http://collector:4317"),
            ("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", "http://clickhouse:8123"),
            ("AWS_LAMBDA_FUNCTION_NAME", "orders"),
        ];
        let (config, faults) = Config::from_env(&given(&[&defaults[..], variables].concat()));
        assert_eq!(faults, []);
        config
    }

    #[test]
    fn both_backends_are_had_and_each_is_told_from_the_other_and_from_another_functions() {
        let ours = config(&[]);
        assert_eq!(Target::of(&ours), [Target::Otlp, Target::ClickHouse]);
        assert_ne!(Target::Otlp.identity(&ours), Target::ClickHouse.identity(&ours));
        for target in Target::of(&ours) {
            assert_eq!(target.identity(&ours), target.identity(&config(&[])));
            for other in [
                ("AWS_LAMBDA_FUNCTION_NAME", "stock"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
                ("ROTEL_OTLP_EXPORTER_ENDPOINT", "http://elsewhere:4317"),
                ("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", "http://elsewhere:8123"),
            ] {
                let concerned =
                    !other.0.contains("EXPORTER") || other.0.contains("CLICKHOUSE") == (*target == Target::ClickHouse);
                assert_eq!(target.identity(&ours) != target.identity(&config(&[other])), concerned, "{other:?}");
            }
        }
    }
}
