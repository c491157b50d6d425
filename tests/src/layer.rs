//! The layer's archives, unpacked where nothing else is: what runs there needs nothing of the system around it.

use crate::{fetched, machine};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// The variable that names the folder with the archives; `make layer` sets it.
pub const LAYER: &str = "LAMBDAVIEW_LAYER";

/// The extension's place in the archive, and below `/opt` on Lambda.
pub const PROGRAM: &str = "extensions/lambdaview-extension";

/// One entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub name: String,
    /// Its mode, permissions only.
    pub mode: u32,
    /// When it was made: year, month, day, hour, minute, second.
    pub made: String,
}

/// The archive for a processor (`x86_64`, `arm64`), where somebody says that there is one.
#[must_use]
pub fn archive(architecture: &str) -> Option<PathBuf> {
    Some(Path::new(&machine::variable(LAYER)?).join(format!("lambdaview-extension-{architecture}.zip")))
}

/// What an archive holds.
///
/// # Errors
/// When it cannot be read.
pub fn entries(archive: &Path) -> io::Result<Vec<Entry>> {
    const LIST: &str = "import sys, zipfile
for entry in zipfile.ZipFile(sys.argv[1]).infolist():
    print(entry.filename, entry.external_attr >> 16 & 0o7777, *entry.date_time)";
    let listed = python(LIST, &[archive])?;
    let entry = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let name = words.next()?.to_owned();
        Some(Entry { name, mode: words.next()?.parse().ok()?, made: words.next()?.to_owned() })
    };
    listed
        .lines()
        .map(|line| entry(line).ok_or_else(|| io::Error::other(format!("an entry cannot be read: {line}"))))
        .collect()
}

/// A root with `/opt` as the archive has it and an empty `/tmp`, and not a file more.
#[derive(Debug)]
pub struct BareRoot {
    folder: TempDir,
    launcher: TempDir,
}

impl BareRoot {
    /// The root of an archive.
    ///
    /// # Errors
    /// When the archive cannot be unpacked.
    pub fn of(archive: &Path) -> io::Result<Self> {
        const UNPACK: &str = "import sys, zipfile
zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
        let root = Self { folder: TempDir::with_prefix("lambdaview-root-")?, launcher: TempDir::new()? };
        fs::create_dir(root.folder.path().join("tmp"))?;
        python(UNPACK, &[archive, &root.folder.path().join("opt")])?;
        // Python's zipfile leaves modes out.
        fs::set_permissions(root.program(), fs::Permissions::from_mode(0o755))?;
        Ok(root)
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("opt").join(PROGRAM)
    }

    /// An executable that becomes the program within this root.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn natively(&self) -> io::Result<PathBuf> {
        let enter = format!("chroot {} /opt/{PROGRAM}", self.folder.path().display());
        // Who is not root becomes it in a name space of its own.
        self.launcher(&format!("[ \"$(id -u)\" = 0 ] && exec {enter}\nexec unshare --map-root-user {enter}"))
    }

    /// An executable that runs the program by an emulator of its processor.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn emulated(&self, emulator: &Path) -> io::Result<PathBuf> {
        self.launcher(&format!("exec {} -0 /opt/{PROGRAM} {}", emulator.display(), self.program().display()))
    }

    /// It has the program's name: Lambda knows an extension by its file's.
    fn launcher(&self, script: &str) -> io::Result<PathBuf> {
        let path = self.launcher.path().join("lambdaview-extension");
        fs::write(&path, format!("#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n{script}\n"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }
}

/// The emulator of arm64 programs on this machine.
#[must_use]
pub fn arm64_emulator() -> Option<PathBuf> {
    let path = machine::variable("PATH").unwrap_or_default();
    let names = ["qemu-aarch64-static", "qemu-aarch64"];
    let places = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    places.into_iter().find(|place| place.is_file())
}

fn python(script: &str, arguments: &[&Path]) -> io::Result<String> {
    let output = fetched::run(Command::new("python3").args(["-c", script]).args(arguments), fetched::QUICK)?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
