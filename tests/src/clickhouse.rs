//! A real ClickHouse: one engine for all tests of a process, a fresh database with ClickStack's tables for each.

use crate::{machine, until::ended, watchdog};
use clickhouse::{Client, Row};
use lambdaview::local::engine::{Engine, EngineSettings, Sources};
use lambdaview_extension::{
    config::{ClickHouseSettings, Endpoint, Tls},
    secrets::{Secret, Value},
};
use lambdaview_queries::schema::{self, Layout};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{self, Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// The address of the engine that this process's tests share; it is started by the first who asks, and ends with the process.
///
/// # Panics
/// When there is no engine; the message says what to do.
pub fn engine_url() -> &'static str {
    let _told = watchdog::waits_for("the engine that the tests share");
    static ENGINE: OnceLock<(Engine, Child, String)> = OnceLock::new();
    let (_, _, url) = ENGINE.get_or_init(|| {
        let data = std::env::temp_dir().join(format!("lambdaview-engine-{}", process::id()));
        let settings = EngineSettings {
            program: Some(machine::viewer()),
            data: data.clone(),
            http_port: 0,
            tcp_port: None,
            config: None,
            sources: Sources::from_environment(|name| machine::variable(name).map(Into::into)),
        };
        let said = |step| eprintln!("{step}");
        let engine = Engine::start(&settings, &mut { said })
            .unwrap_or_else(|error| panic!("no ClickHouse for the tests: {error}"));
        let url = engine.url();
        let remover = removed_after_us(engine.pid(), &data).expect("a shell can be started");
        (engine, remover, url)
    });
    url
}

/// A shell that waits for our end and the engine's, however they come, and then removes the engine's data: what lives as long
/// as its process cannot remove it itself. A process group of its own keeps it from a Ctrl-C that is meant for us.
fn removed_after_us(engine: u32, data: &Path) -> io::Result<Child> {
    // Ten seconds at most: where nobody reaps orphans, a dead engine stays in the process table for good.
    const SCRIPT: &str =
        "cat; for _ in $(seq 100); do kill -0 \"$0\" 2>/dev/null || break; sleep 0.1; done; rm -rf \"$1\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, &engine.to_string()]).arg(data).process_group(0);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// A database of its own, with the tables that ClickStack has today.
#[derive(Clone)]
pub struct Database {
    /// The engine's address.
    pub url: String,
    /// The database's name.
    pub name: String,
    /// A client of it.
    pub client: Client,
}

/// A row of `otel_logs`.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct Line {
    /// `Timestamp`, in nanoseconds since the epoch.
    pub time: i64,
    /// `TraceId`.
    pub trace_id: String,
    /// `SpanId`.
    pub span_id: String,
    /// `SeverityText`.
    pub severity_text: String,
    /// `SeverityNumber`.
    pub severity_number: u8,
    /// `ServiceName`.
    pub service: String,
    /// `Body`.
    pub body: String,
    /// `ResourceAttributes`.
    pub resource: BTreeMap<String, String>,
    /// `LogAttributes`.
    pub attributes: BTreeMap<String, String>,
}

/// A row of `otel_traces`.
#[derive(Clone, Debug, Deserialize, Row)]
pub struct Span {
    /// `TraceId`.
    pub trace_id: String,
    /// `SpanId`.
    pub span_id: String,
    /// `ParentSpanId`.
    pub parent_span_id: String,
    /// `SpanName`.
    pub name: String,
    /// `SpanKind`.
    pub kind: String,
    /// `ServiceName`.
    pub service: String,
    /// `StatusCode`.
    pub status: String,
    /// `Duration`, in nanoseconds.
    pub duration: u64,
    /// `ResourceAttributes`.
    pub resource: BTreeMap<String, String>,
    /// `SpanAttributes`.
    pub attributes: BTreeMap<String, String>,
}

impl Database {
    /// A fresh one.
    ///
    /// # Panics
    /// When the engine refuses it.
    pub async fn create() -> Self {
        Self::laid_out(Layout::Items).await
    }

    /// A fresh one whose tables are laid out so.
    ///
    /// # Panics
    /// When the engine refuses it.
    pub async fn laid_out(layout: Layout) -> Self {
        let database = Self::empty().await;
        let created = ended("ClickStack's tables", schema::create(&database.client, layout)).await;
        created.expect("ClickStack's tables can be created");
        database
    }

    /// A fresh one without any table.
    ///
    /// # Panics
    /// When the engine refuses it.
    pub async fn empty() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let url = engine_url().to_owned();
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let client = Client::default().with_url(&url);
        let created = client.query(&format!("CREATE DATABASE {name}")).execute();
        ended("a fresh database", created).await.expect("the engine creates databases");
        Self { client: client.with_database(&name), url, name }
    }

    /// The settings of an exporter that writes into it, with the defaults of the rest.
    ///
    /// # Panics
    /// When the engine's address is no URL.
    #[must_use]
    pub fn exporter(&self) -> ClickHouseSettings {
        let plain = |text: &str| Value::Plain(Secret::new(text));
        ClickHouseSettings {
            endpoint: Some(Endpoint::Known(self.url.parse().expect("a URL"))),
            database: self.name.clone(),
            table_prefix: "otel".to_owned(),
            user: plain("default"),
            password: plain(""),
            async_insert: true,
            compress: true,
            timeout: Duration::from_secs(60),
            tls: Tls::default(),
            waits: false,
        }
    }

    /// The log records of a function, in the order of their times.
    ///
    /// # Errors
    /// When the engine refuses the question.
    pub async fn lines(&self, function: &str) -> Result<Vec<Line>, clickhouse::error::Error> {
        self.client.query(include_str!("../fixtures/sql/lines.sql")).param("function", function).fetch_all().await
    }

    /// The spans of a trace, in the order of their times.
    ///
    /// # Errors
    /// When the engine refuses the question.
    pub async fn spans(&self, trace_id: &str) -> Result<Vec<Span>, clickhouse::error::Error> {
        self.client.query(include_str!("../fixtures/sql/spans.sql")).param("trace", trace_id).fetch_all().await
    }

    /// The traces in which a service has a part.
    ///
    /// # Errors
    /// When the engine refuses the question.
    pub async fn traces(&self, service: &str) -> Result<Vec<String>, clickhouse::error::Error> {
        self.client.query(include_str!("../fixtures/sql/traces.sql")).param("service", service).fetch_all().await
    }

    /// What a counter of a service added up to, for each value of an attribute.
    ///
    /// # Errors
    /// When the engine refuses the question.
    pub async fn sums_by(
        &self,
        metric: &str,
        service: &str,
        attribute: &str,
    ) -> Result<BTreeMap<String, f64>, clickhouse::error::Error> {
        let query = self.client.query(include_str!("../fixtures/sql/sums_by.sql"));
        let query = query.param("metric", metric).param("service", service).param("attribute", attribute);
        Ok(query.fetch_all::<(String, f64)>().await?.into_iter().collect())
    }

    /// What a counter of a service added up to.
    ///
    /// # Errors
    /// When the engine refuses the question.
    pub async fn sum(&self, metric: &str, service: &str) -> Result<f64, clickhouse::error::Error> {
        let query = self.client.query(include_str!("../fixtures/sql/sums.sql"));
        query.param("metric", metric).param("service", service).fetch_one().await
    }
}
