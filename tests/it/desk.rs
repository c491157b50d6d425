//! The viewer's own questions, asked without its process: a database in any layout, and a session with it.

use clickhouse::Client;
use lambdaview::{connect, error::Place, settings::Target};
use lambdaview_queries::{
    questions::Session,
    schema::{self, Layout},
};
use lambdaview_tests::{clickhouse::Database, viewer::Viewer};
use std::time::Duration;

/// A database of its own.
pub(crate) struct Desk {
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
        Self { database, target: Target { place, limit: Duration::from_secs(60), ..Target::default() }, client }
    }

    /// The viewer's session with it.
    pub(crate) async fn session(&self) -> Session {
        connect::open(&self.target, "test").await.unwrap()
    }

    /// The viewer as a process that reads it.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer::of(&self.database)
    }

    /// Runs a statement.
    pub(crate) async fn execute(&self, sql: &str) {
        self.client.query_raw(sql).execute().await.unwrap();
    }
}
