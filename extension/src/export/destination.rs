//! Where batches go: one backend, chosen by the configuration.

use std::time::Duration;

use clickhouse::Client;
use lambdaview_queries::schema;
use tokio::sync::OnceCell;

use super::{
    clickhouse::{ClickHouseExporter, Tables},
    otlp::OtlpExporter,
};
use crate::{
    config::{ClickHouseSettings, Config, Exporter},
    flow::{Batch, Outcome, SignalKind},
    secrets::Value,
};

/// The backend. OTLP comes before ClickHouse where both are set: sending to two needs two buffers.
pub enum Destination {
    /// An OTLP endpoint for each kind that has one.
    Otlp(OtlpExporter),
    /// ClickHouse itself.
    ClickHouse(Box<Direct>),
}

impl Destination {
    /// Made in no time: nothing is connected before the first export.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        match config.exporter {
            Exporter::Otlp | Exporter::Both => Self::Otlp(OtlpExporter::new(&config.otlp)),
            Exporter::ClickHouse => Self::ClickHouse(Box::new(Direct::new(&config.clickhouse))),
        }
    }

    /// Whether signals of `kind` have somewhere to go.
    #[must_use]
    pub fn is_open(config: &Config, kind: SignalKind) -> bool {
        match config.exporter {
            Exporter::Otlp | Exporter::Both => config.otlp.route(kind).is_some(),
            Exporter::ClickHouse => config.clickhouse.endpoint.is_some(),
        }
    }

    /// The longest that one request may take.
    #[must_use]
    pub fn timeout(config: &Config) -> Duration {
        let routes = SignalKind::ALL.into_iter().filter_map(|kind| config.otlp.route(kind));
        match config.exporter {
            Exporter::Otlp | Exporter::Both => routes.map(|route| route.timeout).max().unwrap_or_default(),
            Exporter::ClickHouse => config.clickhouse.timeout,
        }
    }

    /// Sends `batch` once.
    pub async fn export(&self, batch: &Batch, timeout: Duration) -> Outcome {
        match self {
            Self::Otlp(exporter) => exporter.export(batch, timeout).await,
            Self::ClickHouse(direct) => {
                tokio::time::timeout(timeout, direct.export(batch)).await.unwrap_or_else(|_| Outcome::Retry {
                    after: None,
                    why: format!("no answer from ClickHouse within {timeout:?}"),
                })
            }
        }
    }
}

/// ClickHouse, whose tables are looked at before the first insert.
pub struct Direct {
    client: Option<Client>,
    prefix: String,
    exporter: OnceCell<ClickHouseExporter>,
}

impl Direct {
    fn new(settings: &ClickHouseSettings) -> Self {
        Self { client: client(settings), prefix: settings.table_prefix.clone(), exporter: OnceCell::new() }
    }

    async fn export(&self, batch: &Batch) -> Outcome {
        match self.exporter.get_or_try_init(|| self.prepare()).await {
            Ok(exporter) => exporter.export(batch).await,
            Err(why) => Outcome::Retry { after: None, why },
        }
    }

    async fn prepare(&self) -> Result<ClickHouseExporter, String> {
        let client = self.client.clone().ok_or("its secrets are not resolved yet")?;
        let schema =
            schema::probe(&client).await.map_err(|error| format!("its tables cannot be looked at: {error}"))?;
        let tables = Tables::new(&self.prefix, &schema).map_err(|error| error.to_string())?;
        Ok(ClickHouseExporter::new(client, tables))
    }
}

/// `None` while a secret in the settings is not known.
fn client(settings: &ClickHouseSettings) -> Option<Client> {
    let plain = |value: &Value| match value {
        Value::Plain(secret) => Some(secret.reveal().to_owned()),
        Value::Waiting(_) => None,
    };
    let client = Client::default()
        .with_url(plain(settings.endpoint.as_ref()?)?)
        .with_database(&settings.database)
        .with_user(plain(&settings.user)?)
        .with_password(plain(&settings.password)?)
        .with_setting("async_insert", u8::from(settings.async_insert).to_string())
        .with_setting("wait_for_async_insert", "1");
    Some(client)
}
