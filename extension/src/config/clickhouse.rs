//! The settings of direct writing into ClickHouse: `ROTEL_CLICKHOUSE_EXPORTER_*`.

use super::{
    Tls,
    endpoint::Target,
    otlp::{self, Endpoint},
    parse,
    settings::Settings,
};
use crate::secrets::{Secret, Value};
use std::time::Duration;

const PREFIX: &str = "ROTEL_CLICKHOUSE_EXPORTER_";

/// Where and how rows are written.
#[derive(Clone, Debug)]
pub struct ClickHouseSettings {
    /// The URL of ClickHouse's HTTP interface.
    pub endpoint: Option<Endpoint>,
    /// The database that holds ClickStack's tables.
    pub database: String,
    /// What the tables' names begin with.
    pub table_prefix: String,
    /// The user.
    pub user: Value,
    /// The user's password, empty when none is set.
    pub password: Value,
    /// Whether the server gathers inserts (`async_insert`).
    pub async_insert: bool,
    /// Whether rows are compressed on their way (LZ4).
    pub compress: bool,
    /// The longest that one insert may take.
    pub timeout: Duration,
    /// For an endpoint with `https`.
    pub tls: Tls,
    /// Whether any of it waits for a secret.
    pub waits: bool,
}

impl ClickHouseSettings {
    pub(super) fn read(settings: &mut Settings<'_>, wanted: bool) -> Self {
        let plain = |text: &str| Value::Plain(Secret::new(text));
        let before = settings.waiting();
        let named = |setting: &str| format!("{PREFIX}{setting}");
        let mut this = Self {
            endpoint: endpoint(settings),
            database: settings.text(&named("DATABASE")).unwrap_or_else(|| "default".to_owned()),
            table_prefix: settings.text(&named("TABLE_PREFIX")).unwrap_or_else(|| "otel".to_owned()),
            user: settings.value(&named("USER")).unwrap_or_else(|| plain("default")),
            password: settings.value(&named("PASSWORD")).unwrap_or_else(|| plain("")),
            async_insert: settings.read(&named("ASYNC_INSERT"), "true or false", parse::switch).unwrap_or(true),
            compress: settings.read(&named("COMPRESSION"), "lz4 or none", compression).unwrap_or(true),
            timeout: settings
                .read(&named("REQUEST_TIMEOUT"), "a duration such as 5s", parse::positive_duration)
                .unwrap_or(Duration::from_secs(5)),
            tls: otlp::tls(settings, PREFIX),
            waits: false,
        };
        this.waits = settings.waiting() > before;
        if wanted && this.endpoint.is_none() {
            settings.fault(
                &named("ENDPOINT"),
                "no usable endpoint, so nothing can be written",
                "set it to ClickHouse's URL such as https://host:8443",
            );
        }
        this
    }
}

fn endpoint(settings: &mut Settings<'_>) -> Option<Endpoint> {
    let name = format!("{PREFIX}ENDPOINT");
    let text = match settings.value(&name)? {
        Value::Plain(text) => text,
        Value::Waiting(template) => return Some(Endpoint::Waiting(template)),
    };
    match Target::parse(text.reveal()) {
        Err(problem) => {
            settings.fault(&name, problem, "write a URL such as https://host:8443");
            None
        }
        Ok(target) => {
            if target.had_user {
                let remedy = format!("put it into {PREFIX}USER and {PREFIX}PASSWORD");
                settings.fault(&name, "a user in the URL is not sent", remedy);
            }
            Some(Endpoint::Known(target.uri))
        }
    }
}

fn compression(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "lz4" => Some(true),
        "none" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Fault, Verify, environment::tests::given};

    fn read(variables: &[(&str, &str)]) -> (ClickHouseSettings, Vec<Fault>) {
        let (config, faults) = Config::from_env(&given(&[&[("ROTEL_EXPORTER", "clickhouse")], variables].concat()));
        (config.clickhouse, faults)
    }

    #[test]
    fn an_endpoint_is_all_that_must_be_set() {
        let (settings, faults) = read(&[("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", "https://db.example:8443")]);
        assert_eq!(faults, []);
        assert_eq!(settings.endpoint, Some(Endpoint::Known("https://db.example:8443/".parse().unwrap())));
        assert_eq!((settings.database.as_str(), settings.table_prefix.as_str()), ("default", "otel"));
        assert!(settings.async_insert && settings.compress);
        assert_eq!(read(&[]).1[0].variable, "ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT");
    }

    #[test]
    fn every_setting_is_its_own_and_not_that_of_otlp() {
        let (settings, faults) = read(&[
            ("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", "db:8123"),
            ("ROTEL_CLICKHOUSE_EXPORTER_DATABASE", "telemetry"),
            ("ROTEL_CLICKHOUSE_EXPORTER_TABLE_PREFIX", "mine"),
            ("ROTEL_CLICKHOUSE_EXPORTER_COMPRESSION", "none"),
            ("ROTEL_CLICKHOUSE_EXPORTER_ASYNC_INSERT", "false"),
            ("ROTEL_CLICKHOUSE_EXPORTER_REQUEST_TIMEOUT", "2s"),
            ("ROTEL_CLICKHOUSE_EXPORTER_TLS_SKIP_VERIFY", "true"),
        ]);
        assert_eq!(faults, []);
        assert_eq!((settings.database.as_str(), settings.table_prefix.as_str()), ("telemetry", "mine"));
        assert!(!settings.async_insert && !settings.compress);
        assert_eq!((settings.timeout, settings.tls.verify), (Duration::from_secs(2), Verify::Skip));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password_in_a_url() {
        let (_, faults) = read(&[
            ("ROTEL_CLICKHOUSE_EXPORTER_ENDPOINT", "https://me:s3cr3t@db.example"),
            ("ROTEL_CLICKHOUSE_EXPORTER_COMPRESSION", "zip"),
        ]);
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(
            told[0].contains("a user in the URL is not sent; put it into ROTEL_CLICKHOUSE_EXPORTER_USER"),
            "{told:?}"
        );
        assert!(told[1].contains("`zip` is not understood; write lz4 or none"), "{told:?}");
        assert!(!told.concat().contains("s3cr3t"), "{told:?}");
    }
}
