//! A real ClickHouse on this machine: found or fetched, started, listened for, and stopped with its parent.
//!
//! The engine is `clickhouse local` with its server's listeners switched on, reading its standard input to the end. That
//! input is a pipe we hold: when we end, however we end, the pipe closes and the engine ends too.

mod child;
mod fetch;
mod port;
mod program;
mod stderr;

use std::{
    io,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

pub use child::child_main;
pub use fetch::FetchError;
pub use program::Sources;

use lambdaview_queries::engine::{SERVE_HTTP, SERVE_HTTP_AND_TCP};
use program::Program;
use stderr::LastLines;

/// The hidden subcommand under which our own binary loads the engine's library and becomes ClickHouse.
pub const CHILD_COMMAND: &str = "engine-child";

/// How long a first answer may take: a cold machine reads half a gigabyte of library from its disk.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at whether a running engine has ended.
pub const WATCH: Duration = Duration::from_millis(500);
/// Between two looks at a starting or ending engine.
const LOOK: Duration = Duration::from_millis(10);
/// The engine ends within 50 ms of its pipe's end, or a few seconds when it is writing much; beyond this it hangs.
const STOP_DEADLINE: Duration = Duration::from_secs(5);
/// When nobody has the time to stop it; what it acknowledged survives a kill.
const DROP_DEADLINE: Duration = Duration::from_millis(500);
/// A free port may be taken between our finding it and the engine's listening on it; twice in a row is already strange.
const FREE_PORT_ATTEMPTS: usize = 5;

/// What [`Engine::start`] needs to know.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The `lambdaview` binary that hosts the engine's library; `None` for the running one.
    pub program: Option<PathBuf>,
    /// Where ClickHouse keeps its data; created when absent.
    pub data: PathBuf,
    /// The port of ClickHouse's HTTP interface and web UI; 0 for a free one.
    pub http_port: u16,
    /// The port of ClickHouse's native protocol; 0 for a free one, `None` for not at all.
    pub tcp_port: Option<u16>,
    /// A configuration file of ClickHouse's: users, clusters. `None` for what it is without one.
    pub config: Option<PathBuf>,
    /// Where an engine may be found.
    pub sources: Sources,
}

/// A step that can take long enough for a person to wonder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another process is fetching the engine; we wait for it.
    Waiting,
    /// The engine is being fetched.
    Downloading {
        /// Bytes here so far.
        bytes: u64,
        /// Bytes in all, roughly.
        total: u64,
    },
    /// The engine is being unpacked.
    Unpacking {
        /// Bytes here so far.
        bytes: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The engine has been launched, and does not answer yet.
    Starting,
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MB: u64 = 1_000_000;
        match self {
            Self::Waiting => f.write_str("waiting for another lambdaview to fetch the ClickHouse engine"),
            Self::Downloading { bytes, total } => {
                write!(f, "fetching the ClickHouse engine (once): {} of {} MB", bytes / MB, total / MB)
            }
            Self::Unpacking { bytes, total } => {
                write!(f, "unpacking the ClickHouse engine: {} of {} MB", bytes / MB, total / MB)
            }
            Self::Starting => f.write_str("starting ClickHouse"),
        }
    }
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Another program listens on a port that was asked for.
    #[error("port {port} is already in use on this machine")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// Another engine works in the data directory.
    #[error("another ClickHouse already uses the data directory {}: stop it, or choose another with --data", .data.display())]
    DataInUse {
        /// The directory.
        data: PathBuf,
    },
    /// There is no engine on this machine and none could be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// `$CLICKHOUSE_BINARY` names something that is not there.
    #[error("CLICKHOUSE_BINARY is {}, which is not a file", .binary.display())]
    NoSuchBinary {
        /// What it names.
        binary: PathBuf,
    },
    /// The engine's process ended before it answered.
    #[error("ClickHouse ended before it answered: {reason}")]
    Ended {
        /// The last lines of its standard error.
        reason: String,
    },
    /// The engine's process runs and does not answer.
    #[error("ClickHouse did not answer within {} s: {reason}", START_DEADLINE.as_secs())]
    Silent {
        /// The last lines of its standard error.
        reason: String,
    },
    /// The machine refused something: a directory, a process, a socket.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// The machine's answer.
        #[source]
        source: io::Error,
    },
}

/// A running ClickHouse; it ends with [`Engine::stop`], with this value, or with this process.
#[derive(Debug)]
pub struct Engine {
    child: Child,
    stderr: LastLines,
    http_port: u16,
    tcp_port: Option<u16>,
}

impl Engine {
    /// Finds an engine (fetching it when it must), starts it and waits for its first answer.
    ///
    /// Blocks: an asynchronous caller puts it on a thread of its own.
    ///
    /// # Errors
    /// When there is no engine, a port or the data directory is taken, or the engine ends or stays silent.
    pub fn start(settings: &EngineSettings, progress: &mut dyn FnMut(Progress)) -> Result<Self, EngineError> {
        let program = Program::find(settings, progress)?;
        std::fs::create_dir_all(&settings.data)
            .map_err(io_error(|| format!("could not create the data directory {}", settings.data.display())))?;
        let mut attempts = FREE_PORT_ATTEMPTS;
        let began = Instant::now();
        loop {
            let ports = Ports::choose(settings)?;
            progress(Progress::Starting);
            let result = Self::launch(&program, settings, ports);
            attempts = attempts.saturating_sub(1);
            match result {
                Err(EngineError::PortTaken { port }) if attempts > 0 && !settings.asks_for(port) => {}
                // One that has just been stopped answers no more, and may hold its data for a moment longer.
                Err(EngineError::DataInUse { .. }) if began.elapsed() < STOP_DEADLINE => std::thread::sleep(WATCH),
                result => return result,
            }
        }
    }

    /// The address of ClickHouse's HTTP interface, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// The port of ClickHouse's HTTP interface and web UI.
    #[must_use]
    pub const fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port of ClickHouse's native protocol, when it was asked for.
    #[must_use]
    pub const fn tcp_port(&self) -> Option<u16> {
        self.tcp_port
    }

    /// The process id of the engine.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its last words, or else its exit status, when it has ended by itself.
    pub fn ended(&mut self) -> Option<String> {
        let status = match self.child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let words = self.stderr.finish();
        Some(if words.is_empty() { status } else { words })
    }

    /// Asks the engine to end, waits until it has, and makes it when it does not. What it acknowledged is on disk.
    pub fn stop(mut self) {
        self.end(STOP_DEADLINE);
    }

    fn launch(program: &Program, settings: &EngineSettings, ports: Ports) -> Result<Self, EngineError> {
        let mut command = program.command(&arguments(settings, ports));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(io_error(|| format!("could not run {}", command.get_program().to_string_lossy())))?;
        let stderr = LastLines::read(child.stderr.take().expect("standard error is piped"));
        let mut engine = Self { child, stderr, http_port: ports.http, tcp_port: ports.tcp };
        engine.wait_until_it_answers(&settings.data)?;
        Ok(engine)
    }

    fn wait_until_it_answers(&mut self, data: &Path) -> Result<(), EngineError> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            // In this order: on a port taken meanwhile, another server's answer must not be held for ours.
            let answers = port::answers_ping(self.http_port);
            if let Some(reason) = self.ended() {
                return Err(self.reason_of_end(reason, data));
            }
            if answers && self.stderr.is_quiet_about_listening() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        self.end(STOP_DEADLINE);
        Err(EngineError::Silent { reason: self.stderr.finish() })
    }

    fn reason_of_end(&self, reason: String, data: &Path) -> EngineError {
        if reason.contains("Code: 210.") {
            let taken_tcp = self.tcp_port.filter(|port| reason.contains(&format!("127.0.0.1:{port}")));
            EngineError::PortTaken { port: taken_tcp.unwrap_or(self.http_port) }
        } else if reason.contains("Code: 76.") {
            EngineError::DataInUse { data: data.to_owned() }
        } else {
            EngineError::Ended { reason }
        }
    }

    fn end(&mut self, patience: Duration) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(LOOK),
                Ok(Some(_)) | Err(_) => break,
            }
        }
        // Both do nothing to a process that has ended.
        drop(self.child.kill());
        drop(self.child.wait());
        self.stderr.finish();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end(DROP_DEADLINE);
    }
}

impl EngineSettings {
    fn asks_for(&self, port: u16) -> bool {
        self.http_port == port || self.tcp_port == Some(port)
    }
}

#[derive(Clone, Copy)]
struct Ports {
    http: u16,
    tcp: Option<u16>,
}

impl Ports {
    /// Takes free ports for zeros, and makes sure that the others are free: the engine would only tell once it has started.
    fn choose(settings: &EngineSettings) -> Result<Self, EngineError> {
        Ok(Self { http: port::free(settings.http_port)?, tcp: settings.tcp_port.map(port::free).transpose()? })
    }
}

fn arguments(settings: &EngineSettings, ports: Ports) -> Vec<std::ffi::OsString> {
    let with_path = |name: &str, path: &Path| {
        let mut argument = std::ffi::OsString::from(name);
        argument.push(path);
        argument
    };
    let mut arguments =
        vec!["--multiquery".into(), with_path("--path=", &settings.data), "--listen_host=127.0.0.1".into()];
    arguments.extend(settings.config.as_ref().map(|config| with_path("--config-file=", config)));
    arguments.push(format!("--http_port={}", ports.http).into());
    let query = match ports.tcp {
        None => SERVE_HTTP,
        Some(port) => {
            arguments.push(format!("--tcp_port={port}").into());
            SERVE_HTTP_AND_TCP
        }
    };
    arguments.push(format!("--query={query}").into());
    arguments
}

fn io_error(what: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> EngineError {
    |source| EngineError::Io { what: what(), source }
}
