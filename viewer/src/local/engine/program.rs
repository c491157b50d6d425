//! Which engine: a `clickhouse` binary when there is one, else the library that our own binary turns into a process.

use std::{
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::{CHILD_COMMAND, EngineError, EngineSettings, Progress, fetch, io_error};

/// Where an engine may be found, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// `$CLICKHOUSE_BINARY`: this binary and no other.
    pub binary: Option<PathBuf>,
    /// `$PATH`, in which a `clickhouse` is looked for.
    pub path: Option<OsString>,
    /// The directory that keeps what was fetched.
    pub cache: PathBuf,
}

impl Sources {
    /// Reads `CLICKHOUSE_BINARY`, `PATH`, `LAMBDAVIEW_CACHE`, `XDG_CACHE_HOME` and `HOME` through `variable`.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let below = |name: &str, folder: &str| set(name).map(|directory| Path::new(&directory).join(folder));
        let cache = set("LAMBDAVIEW_CACHE")
            .map(PathBuf::from)
            .or_else(|| below("XDG_CACHE_HOME", "lambdaview"))
            .or_else(|| below("HOME", ".cache/lambdaview"))
            .unwrap_or_else(|| PathBuf::from(".cache/lambdaview"));
        Self { binary: set("CLICKHOUSE_BINARY").map(PathBuf::from), path: set("PATH"), cache }
    }

    fn binary_on_path(&self) -> Option<PathBuf> {
        let directories = self.path.as_deref().map(std::env::split_paths)?;
        directories.map(|directory| directory.join("clickhouse")).find(|binary| is_executable(binary))
    }
}

#[derive(Debug)]
pub(super) enum Program {
    /// `clickhouse local`.
    Binary(PathBuf),
    /// Our own binary, which loads the library.
    Library { host: PathBuf, library: PathBuf },
}

impl Program {
    pub(super) fn find(settings: &EngineSettings, progress: &mut dyn FnMut(Progress)) -> Result<Self, EngineError> {
        if let Some(binary) = settings.sources.binary.clone() {
            return if binary.is_file() { Ok(Self::Binary(binary)) } else { Err(EngineError::NoSuchBinary { binary }) };
        }
        if let Some(binary) = settings.sources.binary_on_path() {
            return Ok(Self::Binary(binary));
        }
        let library = fetch::library(&settings.sources, progress)?;
        let host = match settings.program.clone() {
            Some(program) => program,
            None => std::env::current_exe().map_err(io_error(|| "could not find our own binary".to_owned()))?,
        };
        Ok(Self::Library { host, library })
    }

    pub(super) fn command(&self, arguments: &[OsString]) -> Command {
        let mut command = match self {
            Self::Binary(binary) => {
                let mut command = Command::new(binary);
                command.arg("local");
                command
            }
            Self::Library { host, library } => {
                let mut command = Command::new(host);
                command.arg(CHILD_COMMAND).arg(library);
                command
            }
        };
        // A group of its own: Ctrl-C reaches us alone, and the engine is stopped after what still writes to it.
        command.args(arguments.iter().map(OsStr::new)).process_group(0);
        command
    }
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(variables: &[(&str, &str)]) -> Sources {
        Sources::from_environment(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cache_is_ours_then_the_desktops_then_the_homes() {
        let all = [("LAMBDAVIEW_CACHE", "/a"), ("XDG_CACHE_HOME", "/b"), ("HOME", "/c")];
        assert_eq!(sources(&all).cache, Path::new("/a"));
        assert_eq!(sources(&all[1..]).cache, Path::new("/b/lambdaview"));
        assert_eq!(sources(&all[2..]).cache, Path::new("/c/.cache/lambdaview"));
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(
            sources(&[("CLICKHOUSE_BINARY", ""), ("LAMBDAVIEW_CACHE", ""), ("HOME", "/c")]),
            sources(&[("HOME", "/c")])
        );
    }

    #[test]
    fn a_named_binary_that_is_absent_is_an_error_and_not_a_reason_to_fetch() {
        let settings = EngineSettings {
            program: None,
            data: PathBuf::from("/nowhere"),
            http_port: 0,
            tcp_port: None,
            config: None,
            sources: sources(&[("CLICKHOUSE_BINARY", "/no/such/clickhouse")]),
        };
        let error = Program::find(&settings, &mut |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "CLICKHOUSE_BINARY is /no/such/clickhouse, which is not a file");
    }

    #[test]
    fn a_clickhouse_on_the_path_is_used_when_it_can_be_run() {
        let directory = tempfile::tempdir().unwrap();
        let binary = directory.path().join("clickhouse");
        let found = Sources { path: Some(directory.path().into()), ..Sources::default() };
        std::fs::write(&binary, "").unwrap();
        assert_eq!(found.binary_on_path(), None);
        std::fs::set_permissions(&binary, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(found.binary_on_path(), Some(binary));
    }
}
