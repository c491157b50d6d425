//! What ClickStack's collector does, in front of the local ClickHouse: OTLP in, rows out.
//!
//! A request is acknowledged once ClickHouse has its rows. While one insert is under way the requests behind it queue up and
//! become the next insert together: under load inserts grow instead of becoming more, and at rest nothing waits for a timer.

mod commit;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use clickhouse::Client;
use lambdaview_extension::{
    config::{ClickHouseSettings, Endpoint, Tls},
    export::clickhouse::ClickHouseExporter,
    otlp,
    secrets::{Secret, Value},
};
use lambdaview_queries::schema::{self, SchemaError};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use commit::Queues;

/// The prefix of ClickStack's tables.
const PREFIX: &str = "otel";
/// How long requests that are being answered may take when the collector stops.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// How long one insert may take, its materialized views included.
const INSERT_TIMEOUT: Duration = Duration::from_secs(30);

/// Where the collector listens and where it writes.
#[derive(Clone, Debug)]
pub struct CollectorSettings {
    /// ClickHouse's HTTP interface.
    pub clickhouse_url: String,
    /// The database with ClickStack's tables.
    pub database: String,
    /// Where OTLP/gRPC is received; port 0 for a free one.
    pub grpc: SocketAddr,
    /// Where OTLP/HTTP is received; port 0 for a free one.
    pub http: SocketAddr,
}

/// Why there is no collector.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// An address is taken, or not this machine's.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The machine's answer.
        #[source]
        source: io::Error,
    },
    /// The tables are missing or not ClickStack's.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// ClickHouse's address is no URL.
    #[error("{0} is not the URL of a ClickHouse")]
    Url(String),
}

/// The addresses of a collector, taken before anything slow begins: a taken port is told at once.
#[derive(Debug)]
pub struct Listeners {
    grpc: (TcpListener, SocketAddr),
    http: (TcpListener, SocketAddr),
}

impl Listeners {
    /// Takes both addresses.
    ///
    /// # Errors
    /// When one of them cannot be listened on.
    pub async fn bind(grpc: SocketAddr, http: SocketAddr) -> Result<Self, CollectorError> {
        Ok(Self { grpc: bind(grpc).await?, http: bind(http).await? })
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), CollectorError> {
    let error = |source| CollectorError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    Ok((listener, address))
}

/// A running collector; it ends with [`Collector::stop`], or at once when it is dropped.
#[derive(Debug)]
pub struct Collector {
    grpc: SocketAddr,
    http: SocketAddr,
    stop: watch::Sender<bool>,
    servers: JoinSet<String>,
    commits: JoinSet<()>,
}

impl Collector {
    /// Listens, looks at the tables, and receives.
    ///
    /// # Errors
    /// When an address is taken or the tables are not there.
    pub async fn start(settings: CollectorSettings) -> Result<Self, CollectorError> {
        let listeners = Listeners::bind(settings.grpc, settings.http).await?;
        Self::serve(listeners, &settings.clickhouse_url, &settings.database).await
    }

    /// Receives on `listeners` and writes into `database` of the ClickHouse at `url`.
    ///
    /// # Errors
    /// When the tables are not there or not ClickStack's.
    pub async fn serve(listeners: Listeners, url: &str, database: &str) -> Result<Self, CollectorError> {
        // A missing table is told before anything is received.
        schema::probe(&Client::default().with_url(url).with_database(database)).await?;
        let exporter = exporter(url, database)?;
        let mut commits = JoinSet::new();
        let intake = Queues::start(&Arc::new(exporter), &mut commits);
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        let (listener, grpc) = listeners.grpc;
        servers.spawn({
            let (intake, stopped) = (intake.clone(), until(stopped.clone()));
            async { ended("OTLP/gRPC", otlp::grpc::serve(listener, intake, stopped).await) }
        });
        let (listener, http) = listeners.http;
        servers.spawn(async { ended("OTLP/HTTP", otlp::http::serve(listener, intake, until(stopped)).await) });
        Ok(Self { grpc, http, stop, servers, commits })
    }

    /// Where OTLP/gRPC is received.
    #[must_use]
    pub const fn grpc_addr(&self) -> SocketAddr {
        self.grpc
    }

    /// Where OTLP/HTTP is received.
    #[must_use]
    pub const fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// Waits for a receiver to end by itself, which it does only when its listener fails, and says how it did.
    pub async fn ended(&mut self) -> String {
        match self.servers.join_next().await {
            Some(Ok(how)) => how,
            Some(Err(panic)) => panic.to_string(),
            None => "no receiver is left".to_owned(),
        }
    }

    /// Takes no more requests, answers those that are under way once their rows are written, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // The receivers hold the queues' only senders: once they have ended, the commits run dry and end too.
        let drained = async {
            while self.servers.join_next().await.is_some() {}
            while self.commits.join_next().await.is_some() {}
        };
        // Past the deadline the rest is cut off: its senders were not answered, so they still have it.
        drop(tokio::time::timeout(STOP_DEADLINE, drained).await);
    }
}

fn exporter(url: &str, database: &str) -> Result<ClickHouseExporter, CollectorError> {
    let plain = |text: &str| Value::Plain(Secret::new(text));
    Ok(ClickHouseExporter::new(&ClickHouseSettings {
        endpoint: Some(Endpoint::Known(url.parse().map_err(|_| CollectorError::Url(url.to_owned()))?)),
        database: database.to_owned(),
        table_prefix: PREFIX.to_owned(),
        user: plain("default"),
        password: plain(""),
        // The group commit gathers what an asynchronous insert would, and its acknowledgement means that rows can be read.
        async_insert: false,
        compress: false,
        timeout: INSERT_TIMEOUT,
        tls: Tls::default(),
        waits: false,
    }))
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the collector is gone, which stops its receivers just as well.
    drop(stopped.wait_for(|stopped| *stopped).await);
}

fn ended<E: std::fmt::Display>(what: &str, result: Result<(), E>) -> String {
    match result {
        Ok(()) => format!("the {what} receiver has ended"),
        Err(error) => format!("the {what} receiver has failed: {error}"),
    }
}
