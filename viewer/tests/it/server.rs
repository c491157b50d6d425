//! One ClickHouse for all tests of this binary, and a fresh database for each.

use std::{
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use clickhouse::Client;
use lambdaview::{
    connect,
    error::Place,
    local::engine::{Engine, EngineSettings, Sources},
    settings::{Environment as _, ProcessEnvironment, Target},
};
use lambdaview_queries::{
    questions::Session,
    schema::{self, Layout},
};

struct Server {
    url: String,
    /// Ends with this process, whose end its pipe tells it.
    _engine: Engine,
    _data: tempfile::TempDir,
}

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

fn server() -> &'static Server {
    SERVER.get_or_init(|| {
        let data = tempfile::tempdir().unwrap();
        let settings = EngineSettings {
            program: Some(PathBuf::from(env!("CARGO_BIN_EXE_lambdaview"))),
            data: data.path().to_owned(),
            http_port: 0,
            tcp_port: None,
            sources: Sources::from_environment(|name| ProcessEnvironment.get(name)),
        };
        let engine = Engine::start(&settings, &mut |_| {}).unwrap();
        Server { url: engine.url(), _engine: engine, _data: data }
    })
}

/// A database of its own.
pub(crate) struct World {
    pub(crate) target: Target,
    pub(crate) client: Client,
}

impl World {
    /// With ClickStack's tables in `layout`.
    pub(crate) async fn new(layout: Layout) -> Self {
        let database = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let client = Client::default().with_url(&server().url);
        client.query_raw(&format!("CREATE DATABASE {database}")).execute().await.unwrap();
        let client = client.with_database(&database);
        let client =
            if layout == Layout::Json { client.with_setting("allow_experimental_json_type", "1") } else { client };
        schema::create(&client, layout).await.unwrap();
        let place = Place { url: server().url.clone(), user: None, database, is_local: false };
        Self { target: Target { place, limit: Duration::from_secs(60), ..Target::default() }, client }
    }

    /// The viewer's session with it.
    pub(crate) async fn session(&self) -> Session {
        connect::open(&self.target, "test").await.unwrap()
    }

    /// Runs a statement.
    pub(crate) async fn execute(&self, sql: &str) {
        self.client.query_raw(sql).execute().await.unwrap();
    }
}
