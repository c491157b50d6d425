//! The built `lambdaview`: run to its end, or followed while it runs.

use crate::{
    clickhouse::Database,
    machine,
    screen::Screen,
    terminal::Terminal,
    until::{LONGEST, ended},
    watchdog,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinSet,
};

/// What a command said and how it ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code; nothing when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// How and where the viewer is run: away from the user's own configuration and data.
#[derive(Debug)]
pub struct Viewer {
    home: TempDir,
    variables: Vec<(String, String)>,
}

impl Viewer {
    /// One that has been told nothing.
    ///
    /// # Panics
    /// When there is no temporary folder.
    #[must_use]
    pub fn new() -> Self {
        Self { home: TempDir::with_prefix("lambdaview-home-").expect("a temporary folder"), variables: Vec::new() }
    }

    /// One that reads `database`.
    #[must_use]
    pub fn of(database: &Database) -> Self {
        Self::new().variable("CLICKHOUSE_URL", &database.url).variable("CLICKHOUSE_DATABASE", &database.name)
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(machine::viewer());
        command.args(arguments).env_clear().env("HOME", self.home.path()).env("TZ", "UTC");
        for name in ["PATH", "CLICKHOUSE_BINARY"] {
            command.envs(machine::variable(name).map(|value| (name, value)));
        }
        command.env("LAMBDAVIEW_CACHE", machine::cache()).envs(self.variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be run, or does not end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let what = format!("the end of `lambdaview {}`", arguments.join(" "));
        let output = ended(&what, self.command(arguments).output()).await.expect("the viewer can be run");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Starts it on a terminal of 80 columns.
    #[must_use]
    pub fn on_terminal(&self, arguments: &[&str]) -> Terminal {
        Terminal::start(&mut self.command(arguments), 80, 24)
    }

    /// A shell on a terminal of that size, from which it can be run as people do: `lambdaview` is in its path.
    ///
    /// # Panics
    /// When tmux does not start.
    #[must_use]
    pub fn on_screen(&self, columns: u16, rows: u16) -> Screen {
        let binary = machine::viewer();
        let folder = binary.parent().expect("a binary stands in a folder");
        let path = format!("{}:{}", folder.display(), machine::variable("PATH").unwrap_or_default());
        let mut variables = self.variables.clone();
        variables.push(("PATH".to_owned(), path));
        Screen::new(columns, rows, self.home.path(), &variables)
    }

    /// The user's home, where the configuration is.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts it and keeps what it says.
    ///
    /// # Panics
    /// When it cannot be run.
    #[must_use]
    pub fn follow(&self, arguments: &[&str]) -> Follower {
        let mut child = self.command(arguments).spawn().expect("the viewer can be run");
        let (stdout, stderr, mut readers) = (Lines::default(), Lines::default(), JoinSet::new());
        readers.spawn(keep(child.stdout.take().expect("it is piped"), stdout.clone()));
        readers.spawn(keep(child.stderr.take().expect("it is piped"), stderr.clone()));
        Follower { child, stdout, stderr, readers }
    }
}

impl Default for Viewer {
    fn default() -> Self {
        Self::new()
    }
}

type Lines = Arc<Mutex<Vec<String>>>;

async fn keep(stream: impl AsyncRead + Unpin, lines: Lines) {
    let mut reader = BufReader::new(stream).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        lines.lock().expect("no holder of this lock panics").push(line);
    }
}

/// A running viewer. Dropping it kills it.
#[derive(Debug)]
pub struct Follower {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    readers: JoinSet<()>,
}

impl Follower {
    /// The lines of its standard output so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.stdout.lock().expect("no holder of this lock panics").clone()
    }

    /// Its standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("no holder of this lock panics").join("\n")
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id().expect("it runs")).expect("process ids are small")
    }

    /// Sends it a signal and waits for its end.
    ///
    /// # Panics
    /// When it has ended already, or cannot be waited for.
    pub async fn end(&mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.pid()), signal).expect("it runs");
        self.ended().await
    }

    /// Waits for its end, and until everything that it said has been kept.
    ///
    /// # Panics
    /// When it cannot be waited for, or does not end.
    pub async fn ended(&mut self) -> ExitStatus {
        let _told = watchdog::waits_for("the end of a viewer that was followed");
        let end = async {
            let status = self.child.wait().await.expect("our own child can be waited for");
            while self.readers.join_next().await.is_some() {}
            status
        };
        match tokio::time::timeout(LONGEST, end).await {
            Ok(status) => status,
            Err(_) => panic!("the viewer has not ended within {LONGEST:?}; it said: {}", self.stderr()),
        }
    }
}
