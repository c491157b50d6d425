//! Pythons in the cache, each a virtual environment made once for each version of its list of packages: one with AWS's
//! runtime client and the OpenTelemetry SDK (`fixtures/requirements.txt`), one with moto (`fixtures/moto.txt`).

use crate::{
    fetched::{self, FETCH},
    machine, watchdog,
};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

const REQUIREMENTS: &str = include_str!("../../fixtures/requirements.txt");
const MOTO: &str = include_str!("../../fixtures/moto.txt");

/// Why there is no Python for the functions.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PythonError {
    /// The interpreter itself.
    #[error(
        "the sample functions and moto need Python 3 with its venv module (on Debian: apt install python3 python3-venv): {0}"
    )]
    Interpreter(String),
    /// Its packages.
    #[error(
        "pip could not fetch the packages of the sample functions or of moto; install them by hand with `{command}`: {output}"
    )]
    Packages {
        /// What to run by hand.
        command: String,
        /// What pip said.
        output: String,
    },
    /// The cache.
    #[error("the cache folder {folder} cannot be used (set LAMBDAVIEW_CACHE to another one): {why}")]
    Cache {
        /// Which.
        folder: PathBuf,
        /// Why not.
        why: String,
    },
}

/// A virtual environment with everything that the sample functions, or moto, import.
#[derive(Clone, Debug)]
pub struct Python {
    folder: PathBuf,
}

impl Python {
    /// The environment, made now if it has not been made before.
    ///
    /// # Errors
    /// When it cannot be made; the message says what to do by hand.
    pub fn ready() -> Result<Self, PythonError> {
        static READY: OnceLock<Result<Python, PythonError>> = OnceLock::new();
        READY.get_or_init(|| Self::in_cache(&machine::cache().join("python"), REQUIREMENTS)).clone()
    }

    /// The environment with moto, made now if it has not been made before.
    ///
    /// # Errors
    /// As [`Python::ready`].
    pub fn with_moto() -> Result<Self, PythonError> {
        Self::in_cache(&machine::cache().join("python"), MOTO)
    }

    /// Its interpreter.
    #[must_use]
    pub fn executable(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Where its packages lie.
    ///
    /// # Errors
    /// When the environment has been taken apart meanwhile.
    pub fn packages(&self) -> io::Result<PathBuf> {
        let version = fs::read_dir(self.folder.join("lib"))?.next().ok_or(io::ErrorKind::NotFound)??;
        Ok(version.path().join("site-packages"))
    }

    fn in_cache(cache: &Path, requirements: &str) -> Result<Self, PythonError> {
        let fault = |error: &io::Error| PythonError::Cache { folder: cache.to_owned(), why: error.to_string() };
        fs::create_dir_all(cache).map_err(|error| fault(&error))?;
        let _told = watchdog::waits_for("a Python with its packages");
        // Several test processes may come at once.
        let _lock = fetched::lock(&cache.join("lock")).map_err(|error| fault(&error))?;
        let mut hasher = DefaultHasher::new();
        requirements.hash(&mut hasher);
        let folder = cache.join(format!("{:016x}", hasher.finish()));
        let complete = folder.join("complete");
        if !complete.is_file() {
            make(&folder, requirements)?;
            fs::write(&complete, requirements).map_err(|error| fault(&error))?;
        }
        Ok(Self { folder })
    }
}

fn make(folder: &Path, packages: &str) -> Result<(), PythonError> {
    let made =
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder)).map_err(PythonError::Interpreter)?;
    if !made.status.success() {
        return Err(PythonError::Interpreter(said(&made)));
    }
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, packages)
        .map_err(|error| PythonError::Cache { folder: folder.to_owned(), why: error.to_string() })?;
    let pip = folder.join("bin/pip");
    let not_fetched = |output| PythonError::Packages {
        command: format!("{} install -r {}", pip.display(), requirements.display()),
        output,
    };
    let installed =
        run(Command::new(&pip).args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements))
            .map_err(not_fetched)?;
    if installed.status.success() { Ok(()) } else { Err(not_fetched(said(&installed))) }
}

fn run(command: &mut Command) -> Result<Output, String> {
    fetched::run(command, FETCH)
        .map_err(|error| format!("{} cannot be run: {error}", command.get_program().to_string_lossy()))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}
