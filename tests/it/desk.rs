//! The viewer's own questions, asked without its process: a database in any layout, and a session with it.

use clickhouse::Client;
use lambdaview::{connect, error::Place, settings::Target};
use lambdaview_queries::{
    questions::Session,
    schema::{self, Layout},
};
use lambdaview_tests::{clickhouse::Database, viewer::Viewer};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// A database of its own.
pub(crate) struct Desk {
    layout: Layout,
    database: Database,
    pub(crate) target: Target,
    pub(crate) client: Client,
}

impl Desk {
    /// With ClickStack's tables in `layout`.
    pub(crate) async fn new(layout: Layout) -> Self {
        let database = Database::empty().await;
        let client = database.client.clone();
        let client =
            if layout == Layout::Json { client.with_setting("allow_experimental_json_type", "1") } else { client };
        schema::create(&client, layout).await.unwrap();
        let place = Place { url: database.url.clone(), user: None, database: database.name.clone(), is_local: false };
        Self { layout, database, target: Target { place, limit: Duration::from_secs(60), ..Target::default() }, client }
    }

    /// The viewer's session with it.
    pub(crate) async fn session(&self) -> Session {
        connect::open(&self.target, "test").await.unwrap()
    }

    /// The viewer as a process that reads it.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer::of(&self.database)
    }

    /// Inserts rows as a test made them, the first the newest.
    pub(crate) async fn insert(&self, rows: &[Made]) {
        let column = |key: &str| match self.layout {
            Layout::Json => format!("JSONExtractRaw(row, '{key}')"),
            _ => format!("JSONExtract(row, '{key}', 'Map(String, String)')"),
        };
        let sql = include_str!("../fixtures/sql/rows/made.sql").replace("{resource}", &column("resource"));
        let sql = sql.replace("{attributes}", &column("attributes"));
        let rows: Vec<String> = rows.iter().map(Made::json).collect();
        self.client.query_raw(&sql).param("rows", &rows).execute().await.unwrap();
    }

    /// Runs a statement.
    pub(crate) async fn execute(&self, sql: &str) {
        self.client.query_raw(sql).execute().await.unwrap();
    }
}

pub(crate) type Map = BTreeMap<String, String>;

/// A log record as a test makes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) body: String,
    pub(crate) severity: u8,
    pub(crate) trace: String,
    pub(crate) service: String,
    pub(crate) attributes: Map,
    pub(crate) resource: Map,
}

impl Made {
    fn json(&self) -> String {
        let Self { body, severity, trace, service, attributes, resource } = self;
        let row = json!({"body": body, "severity": severity, "trace": trace, "service": service,
            "attributes": attributes, "resource": resource});
        row.to_string()
    }
}
