//! ClickStack on this machine: a real ClickHouse, its schema and web UI, and OTLP endpoints, in one process.

pub mod collector;
pub mod engine;
mod report;

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clickhouse::Client;
use lambdaview_queries::schema::{self, Layout, SchemaError};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
};

use collector::{Collector, CollectorError, Listeners};
use engine::{Engine, EngineError, EngineSettings, Sources};
use report::Addresses;

/// ClickStack's database.
const DATABASE: &str = "default";
/// What a running stack leaves in its data directory for the other commands.
const ADDRESSES_FILE: &str = "local.json";

/// What `lambdaview local` is asked for; a port of 0 stands for a free one.
#[derive(Clone, Debug)]
pub struct LocalSettings {
    /// Where the data is kept between runs.
    pub data: PathBuf,
    /// ClickHouse's HTTP interface and the web UI.
    pub http_port: u16,
    /// ClickHouse's native protocol.
    pub tcp_port: u16,
    /// OTLP/gRPC.
    pub otlp_grpc_port: u16,
    /// OTLP/HTTP.
    pub otlp_http_port: u16,
    /// Whether the addresses are printed as one line of JSON.
    pub json: bool,
    /// Where an engine may be found.
    pub sources: Sources,
}

/// Why a stack that ran has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

/// Why the stack could not start, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// One of the four ports is taken.
    #[error(
        "port {port} for {purpose} is already in use: another `lambdaview local`? stop that, or choose another port with {flag} (0 takes a free one)"
    )]
    PortTaken {
        /// The port.
        port: u16,
        /// What it was to serve.
        purpose: &'static str,
        /// The flag that changes it.
        flag: &'static str,
    },
    /// There is no engine, or it did not start.
    #[error(transparent)]
    Engine(EngineError),
    /// The tables could not be created.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The collector did not start.
    #[error(transparent)]
    Collector(CollectorError),
    /// A part ended by itself.
    #[error("{0}")]
    Ended(String),
    /// The machine refused something.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// The machine's answer.
        #[source]
        source: io::Error,
    },
}

/// Runs the stack until it is told to stop: addresses go to `out` once everything listens, what happens meanwhile to `notes`.
///
/// # Errors
/// When a part of it cannot start or ends by itself. Nothing is left running in any case.
pub async fn run(
    settings: &LocalSettings,
    out: &mut dyn Write,
    notes: &mut dyn Write,
) -> Result<ExitReason, LocalError> {
    let mut signals = Signals::new()?;
    tokio::select! {
        reason = signals.next() => Ok(reason),
        stack = Stack::start(settings, notes) => {
            let mut stack = stack?;
            stack.announce(settings, out)?;
            let reason = tokio::select! {
                reason = signals.next() => Ok(reason),
                how = stack.ended() => Err(LocalError::Ended(how)),
            };
            tokio::select! {
                () = stack.stop(notes) => reason,
                // Asked twice: what is under way is cut off, and was not acknowledged.
                reason = signals.next() => Ok(reason),
            }
        }
    }
}

/// The running parts, in the order in which they are stopped.
struct Stack {
    collector: Collector,
    engine: Engine,
    addresses: Addresses,
    addresses_file: AddressesFile,
}

impl Stack {
    async fn start(settings: &LocalSettings, notes: &mut dyn Write) -> Result<Self, LocalError> {
        let listeners = Listeners::bind(loopback(settings.otlp_grpc_port), loopback(settings.otlp_http_port))
            .await
            .map_err(|error| settings.collector_error(error))?;
        let engine = start_engine(settings, notes).await?;
        let client = Client::default().with_url(engine.url()).with_database(DATABASE);
        schema::create(&client, Layout::Items).await?;
        let collector = Collector::serve(listeners, &engine.url(), DATABASE).await.map_err(LocalError::Collector)?;
        let addresses = Addresses::of(&engine, &collector, &settings.data);
        let addresses_file = AddressesFile::write(&settings.data, &addresses)?;
        Ok(Self { collector, engine, addresses, addresses_file })
    }

    fn announce(&self, settings: &LocalSettings, out: &mut dyn Write) -> Result<(), LocalError> {
        let text = if settings.json { self.addresses.json_line() } else { self.addresses.text() };
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever started us need not read on.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(LocalError::Io { what: "could not print the addresses".to_owned(), source: error })
            }
            _ => Ok(()),
        }
    }

    /// Waits for a part to end by itself.
    async fn ended(&mut self) -> String {
        let engine = async {
            let mut looks = tokio::time::interval(engine::WATCH);
            loop {
                looks.tick().await;
                if let Some(words) = self.engine.ended() {
                    return format!("ClickHouse has ended by itself: {words}");
                }
            }
        };
        tokio::select! {
            how = engine => how,
            how = self.collector.ended() => how,
        }
    }

    /// Stops the way data runs: no more is taken, what was taken is written, the engine ends.
    async fn stop(self, notes: &mut dyn Write) {
        writeln!(notes, "stopping").ok();
        drop(self.addresses_file);
        self.collector.stop().await;
        let engine = self.engine;
        tokio::task::spawn_blocking(move || engine.stop()).await.ok();
    }
}

/// Starts the engine on a thread of its own, since that blocks, and notes how far it has come.
async fn start_engine(settings: &LocalSettings, notes: &mut dyn Write) -> Result<Engine, LocalError> {
    let engine_settings = EngineSettings {
        program: None,
        data: settings.data.join("clickhouse"),
        http_port: settings.http_port,
        tcp_port: Some(settings.tcp_port),
        config: None,
        sources: settings.sources.clone(),
    };
    let (progress, mut steps) = mpsc::channel(16);
    // Not tokio's pool, for which the runtime would wait: when we are told to stop meanwhile, nothing is worth waiting for.
    let (sender, started) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut tell = |step| {
            progress.try_send(step).ok();
        };
        // When nobody waits any more, the engine is dropped with the message, and ends.
        sender.send(Engine::start(&engine_settings, &mut tell)).ok();
    });
    let mut noted = report::Steps::default();
    while let Some(step) = steps.recv().await {
        if let Some(line) = noted.line(&step) {
            writeln!(notes, "{line}").ok();
        }
    }
    match started.await {
        Ok(result) => result.map_err(|error| settings.engine_error(error)),
        Err(_) => Err(LocalError::Ended("starting the engine panicked".to_owned())),
    }
}

impl LocalSettings {
    fn engine_error(&self, error: EngineError) -> LocalError {
        match error {
            EngineError::PortTaken { port } if port == self.tcp_port => {
                LocalError::PortTaken { port, purpose: "ClickHouse's native protocol", flag: "--tcp-port" }
            }
            EngineError::PortTaken { port } => {
                LocalError::PortTaken { port, purpose: "ClickHouse and its web UI", flag: "--http-port" }
            }
            other => LocalError::Engine(other),
        }
    }

    fn collector_error(&self, error: CollectorError) -> LocalError {
        match error {
            CollectorError::Listen { address, source } if source.kind() == io::ErrorKind::AddrInUse => {
                let port = address.port();
                if port == self.otlp_grpc_port {
                    LocalError::PortTaken { port, purpose: "OTLP/gRPC", flag: "--otlp-grpc-port" }
                } else {
                    LocalError::PortTaken { port, purpose: "OTLP/HTTP", flag: "--otlp-http-port" }
                }
            }
            other => LocalError::Collector(other),
        }
    }
}

/// `local.json`, for as long as the stack runs.
struct AddressesFile(PathBuf);

impl AddressesFile {
    fn write(data: &Path, addresses: &Addresses) -> Result<Self, LocalError> {
        let path = data.join(ADDRESSES_FILE);
        let unfinished = data.join(format!("{ADDRESSES_FILE}.unfinished"));
        // In one step: a command that reads it meanwhile sees the old one or the new one.
        std::fs::write(&unfinished, addresses.json_line())
            .and_then(|()| std::fs::rename(&unfinished, &path))
            .map_err(|source| LocalError::Io { what: format!("could not write {}", path.display()), source })?;
        Ok(Self(path))
    }
}

impl Drop for AddressesFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, LocalError> {
        let listen = |kind| {
            signal(kind).map_err(|source| LocalError::Io { what: "could not listen for signals".to_owned(), source })
        };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> ExitReason {
        tokio::select! {
            _ = self.interrupt.recv() => ExitReason::Interrupted,
            _ = self.terminate.recv() => ExitReason::Terminated,
        }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
