//! The files: one folder for each function, version and backend, one file for each segment.
//!
//! A file's name tells all that the inventory must know, so adopting reads the folder and no file. A file is written under
//! another name first and renamed when it is whole: what still has that name after a crash is half a batch, and counted.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::sys::statvfs::statvfs;

use super::{
    inventory::Segment,
    segment::{decode, encode},
};
use crate::flow::{Batch, SignalKind};

/// What is gathered before it is written: the pieces' heads, not the pieces.
const HEADS: usize = 1 << 10;

const WHOLE: &str = "batch";
const PART: &str = "part";

/// What a folder held when it was opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Segments, oldest first.
    pub segments: Vec<Segment>,
    /// What was no whole segment, and has been removed: how many records of which kind.
    pub lost: Vec<(SignalKind, u64)>,
}

/// The spool's place on disk.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    owner: u64,
}

impl Folder {
    /// The folder of `owner` below `place`. Nothing is made before something is written.
    #[must_use]
    pub fn new(place: &Path, owner: u64) -> Self {
        Self { path: place.join(format!("lambdaview-spool-{owner:016x}")), owner }
    }

    /// Half of what is free at its place: the rest is the function's.
    ///
    /// # Errors
    /// When the file system cannot be asked.
    pub fn room(&self) -> io::Result<usize> {
        let place = self.path.parent().unwrap_or(Path::new("/"));
        let space = statvfs(place)?;
        let free = space.fragment_size().saturating_mul(space.blocks_available());
        Ok(usize::try_from(free / 2).unwrap_or(usize::MAX))
    }

    /// What lies here from the process before.
    pub fn open(&self) -> Found {
        let mut found = Found::default();
        let Ok(entries) = fs::read_dir(&self.path) else { return found };
        for entry in entries.flatten() {
            match Named::parse(&entry.file_name().to_string_lossy()) {
                Some(Named { segment, whole: true }) => found.segments.push(segment),
                other => {
                    // Half a batch, or nothing of ours: how much that was only its name could tell.
                    let lost = other.map_or((SignalKind::Logs, 1), |n| (n.segment.kind, n.segment.records));
                    found.lost.push(lost);
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
        found.segments.sort_by_key(|segment| segment.number);
        found
    }

    /// Writes a segment.
    ///
    /// # Errors
    /// When it cannot be written whole; nothing of it is left then.
    pub fn write(&self, segment: Segment, batch: &Batch) -> io::Result<()> {
        let (part, whole) = (self.file(segment, PART), self.file(segment, WHOLE));
        let written = self.create(&part).and_then(|file| {
            let mut file = BufWriter::with_capacity(HEADS, file);
            encode(batch, self.owner, |part| file.write_all(part))?;
            file.flush()
        });
        written.and_then(|()| fs::rename(&part, &whole)).inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })
    }

    fn create(&self, path: &Path) -> io::Result<fs::File> {
        let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
                create()
            }
            created => created,
        }
    }

    /// A segment's batch, when its file is there and whole.
    #[must_use]
    pub fn read(&self, segment: Segment) -> Option<Batch> {
        let batch = decode(fs::read(self.file(segment, WHOLE)).ok()?, self.owner)?;
        (batch.kind == segment.kind && batch.records == segment.records).then_some(batch)
    }

    /// It is not needed any more. A file that cannot be removed is adopted once more at worst.
    pub fn remove(&self, segment: Segment) {
        let _ = fs::remove_file(self.file(segment, WHOLE));
    }

    fn file(&self, segment: Segment, ending: &str) -> PathBuf {
        let Segment { number, kind, records, bytes } = segment;
        self.path.join(format!("{number:012}-{}-{records}-{bytes}.{ending}", kind.as_str()))
    }
}

/// What a file's name says.
struct Named {
    segment: Segment,
    whole: bool,
}

impl Named {
    fn parse(name: &str) -> Option<Self> {
        let (stem, ending) = name.rsplit_once('.')?;
        let [number, kind, records, bytes] = stem.split('-').collect::<Vec<_>>()[..] else { return None };
        let segment = Segment {
            number: number.parse().ok().filter(|number| *number < u64::MAX)?,
            kind: SignalKind::ALL.into_iter().find(|known| known.as_str() == kind)?,
            records: records.parse().ok()?,
            bytes: bytes.parse().ok()?,
        };
        [WHOLE, PART].contains(&ending).then_some(Self { segment, whole: ending == WHOLE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{flow::Packed, spool::Inventory};
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    fn batch(kind: SignalKind, records: u64) -> Batch {
        let mut batch = Batch::new(kind);
        batch.push(Packed { kind, records, bytes: vec![7; 100].into() });
        batch
    }

    fn spooled(folder: &Folder, inventory: &mut Inventory, kind: SignalKind, records: u64) -> Segment {
        let batch = batch(kind, records);
        let (segment, _) = inventory.add(kind, records, batch.bytes, &[]);
        folder.write(segment, &batch).unwrap();
        segment
    }

    #[test]
    fn what_was_written_is_found_in_its_order_by_the_same_owner_only() {
        let place = TempDir::new().unwrap();
        let (folder, mut inventory) = (Folder::new(place.path(), 1), Inventory::new(1000));
        assert_eq!(folder.open(), Found::default());
        let first = spooled(&folder, &mut inventory, SignalKind::Traces, 3);
        let second = spooled(&folder, &mut inventory, SignalKind::Logs, 4);
        let next = Folder::new(place.path(), 1);
        assert_eq!(next.open(), Found { segments: vec![first, second], lost: vec![] });
        assert_eq!(next.read(first), Some(batch(SignalKind::Traces, 3)));
        assert_eq!(Folder::new(place.path(), 2).open(), Found::default(), "another's");
        next.remove(first);
        assert_eq!((next.read(first), next.open().segments), (None, vec![second]));
    }

    #[test]
    fn half_a_file_a_foreign_one_and_a_corrupt_one_are_no_batch() {
        let place = TempDir::new().unwrap();
        let (folder, mut inventory) = (Folder::new(place.path(), 1), Inventory::new(1000));
        let segment = spooled(&folder, &mut inventory, SignalKind::Metrics, 9);
        fs::rename(folder.file(segment, WHOLE), folder.file(segment, PART)).unwrap();
        fs::write(folder.path.join("notes.txt"), "not ours").unwrap();
        let corrupt = spooled(&folder, &mut inventory, SignalKind::Logs, 2);
        fs::write(folder.file(corrupt, WHOLE), "half").unwrap();
        let mut found = folder.open();
        found.lost.sort_unstable();
        assert_eq!(found.lost, [(SignalKind::Logs, 1), (SignalKind::Metrics, 9)]);
        assert_eq!((folder.read(corrupt), found.segments), (None, vec![corrupt]));
        assert_eq!(folder.open().lost, [], "they were removed");
    }

    #[test]
    fn files_are_their_owners_alone_and_a_place_that_cannot_be_written_is_an_error() {
        let place = TempDir::new().unwrap();
        let folder = Folder::new(place.path(), 1);
        let segment = spooled(&folder, &mut Inventory::new(1000), SignalKind::Logs, 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.file(segment, WHOLE)), mode(&folder.path)), (0o600, 0o700));
        assert!(folder.room().unwrap() > 0);
        let nowhere = Folder::new(Path::new("/proc/nowhere"), 1);
        assert!(nowhere.write(segment, &batch(SignalKind::Logs, 1)).is_err() && nowhere.room().is_err());
    }
}
