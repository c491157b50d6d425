//! What can be chosen about a function and the platform around it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// How Lambda runs the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One invocation at a time, frozen in between.
    OnDemand,
    /// The same, its init done ahead of any invocation.
    ProvisionedConcurrency,
    /// The same, from a snapshot: nothing is invoked before [`Lambda::restore`](super::Lambda::restore).
    SnapStart,
    /// Managed Instances: this many invocations at once, never frozen.
    ManagedInstances {
        /// `AWS_LAMBDA_MAX_CONCURRENCY`.
        concurrency: usize,
    },
}

/// A process that speaks the Runtime API.
#[derive(Clone, Debug)]
pub struct Program {
    /// What is executed.
    pub executable: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// `LAMBDA_TASK_ROOT`, and where it starts.
    pub task_root: PathBuf,
    /// `_HANDLER`.
    pub handler: String,
    /// `AWS_EXECUTION_ENV`.
    pub execution_env: String,
    /// Whether it writes frames to `_LAMBDA_TELEMETRY_LOG_FD`, as AWS's runtimes do; else only its lines count.
    pub framed_logs: bool,
    /// Variables that the runtime's image sets, seen by the runtime alone (`PYTHONPATH`).
    pub variables: BTreeMap<String, String>,
}

/// Faults that the platform can be told to have.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Every n-th answer to a telemetry request is lost on its way: the batch is sent again though it was taken.
    pub lose_every_nth_answer: Option<u32>,
    /// The Telemetry API answers 202, "not supported here", as AWS's emulator does.
    pub telemetry_unsupported: bool,
    /// Schema versions that are refused with 400, as an older region might.
    pub refused_schemas: Vec<String>,
}

/// A function, its extensions, and the platform around them.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) program: Program,
    pub(super) mode: Mode,
    pub(super) extensions: Vec<PathBuf>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) json_logs: bool,
    pub(super) timeout: Duration,
    pub(super) init_timeout: Duration,
    pub(super) memory_mb: u32,
    pub(super) freeze: bool,
    pub(super) telemetry_queue: usize,
    pub(super) history: usize,
    pub(super) faults: Faults,
}

impl Settings {
    /// A function called `name`, as a new function has it: 3 s, 128 MB, text logs, on demand.
    #[must_use]
    pub fn new(name: &str, program: Program) -> Self {
        Self {
            name: name.to_owned(),
            version: "$LATEST".to_owned(),
            region: "eu-central-1".to_owned(),
            account: "123456789012".to_owned(),
            program,
            mode: Mode::OnDemand,
            extensions: Vec::new(),
            environment: BTreeMap::new(),
            json_logs: false,
            timeout: Duration::from_secs(3),
            init_timeout: Duration::from_secs(10),
            memory_mb: 128,
            freeze: true,
            telemetry_queue: 8 << 20,
            history: usize::MAX,
            faults: Faults::default(),
        }
    }

    /// Adds an extension: an executable, registered under its file name, as one in `/opt/extensions` is.
    #[must_use]
    pub fn extension(mut self, executable: impl AsRef<Path>) -> Self {
        self.extensions.push(executable.as_ref().to_owned());
        self
    }

    /// Sets a variable of the function's configuration, which extensions see too.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// A variable of the function's configuration.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// The function's timeout.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long the init phase may take (ten seconds on AWS).
    #[must_use]
    pub fn init_timeout(mut self, timeout: Duration) -> Self {
        self.init_timeout = timeout;
        self
    }

    /// The function's memory in megabytes.
    #[must_use]
    pub fn memory_mb(mut self, megabytes: u32) -> Self {
        self.memory_mb = megabytes;
        self
    }

    /// `LogFormat: JSON`.
    #[must_use]
    pub fn json_logs(mut self) -> Self {
        self.json_logs = true;
        self
    }

    /// How Lambda runs it; on demand if nothing is said.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Never freezes the processes between invocations.
    #[must_use]
    pub fn without_freeze(mut self) -> Self {
        self.freeze = false;
        self
    }

    /// How many bytes of telemetry the platform keeps for a subscriber that does not take them.
    #[must_use]
    pub fn telemetry_queue(mut self, bytes: usize) -> Self {
        self.telemetry_queue = bytes;
        self
    }

    /// Remembers no more than about this many events, beside what extensions wrote: for lives of many invocations.
    #[must_use]
    pub fn history(mut self, events: usize) -> Self {
        self.history = events;
        self
    }

    /// Faults that the platform shall have.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name)
    }

    pub(super) fn managed(&self) -> bool {
        matches!(self.mode, Mode::ManagedInstances { .. })
    }

    pub(super) fn initialization_type(&self) -> &'static str {
        match self.mode {
            Mode::OnDemand => "on-demand",
            Mode::ProvisionedConcurrency => "provisioned-concurrency",
            Mode::SnapStart => "snap-start",
            Mode::ManagedInstances { .. } => "lambda-managed-instances",
        }
    }
}

/// The name under which an extension registers: its file name.
pub(super) fn file_name(executable: &Path) -> String {
    executable.file_name().expect("an extension is a file").to_string_lossy().into_owned()
}
