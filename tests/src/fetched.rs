//! What is fetched once by whoever comes first, in a time that has an end: a lock that others wait for, programs that are run.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek},
    path::Path,
    process::{Command, ExitStatus, Output},
    thread,
    time::{Duration, Instant},
};

/// How long a program may take that fetches something: less than a test may.
pub(crate) const FETCH: Duration = Duration::from_secs(240);
/// How long one may take that does not.
pub(crate) const QUICK: Duration = Duration::from_secs(60);

const LOOK: Duration = Duration::from_millis(10);

/// Takes the lock at `path`. It goes with its handle, whatever happens to us.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if began.elapsed() < FETCH => thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                return Err(late(format!("another process has held {} for {FETCH:?}", path.display())));
            }
        }
    }
}

/// Runs a program to its end. What it says goes through files, not pipes: a child of its own that lives on has no hold on us.
pub(crate) fn run(command: &mut Command, limit: Duration) -> io::Result<Output> {
    let (out, err) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let child = command.stdout(out.try_clone()?).stderr(err.try_clone()?).spawn()?;
    let status = end_of(child, limit)?;
    Ok(Output { status, stdout: whole(out)?, stderr: whole(err)? })
}

fn end_of(mut child: std::process::Child, limit: Duration) -> io::Result<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if began.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Err(late(format!("it has not ended within {limit:?}")));
        }
        thread::sleep(LOOK);
    }
}

fn late(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}

fn whole(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_program_is_run_to_its_end_and_heard() {
        let output = run(&mut shell("echo out; echo err >&2; exit 3"), QUICK).unwrap();
        assert_eq!(
            (output.status.code(), &output.stdout[..], &output.stderr[..]),
            (Some(3), &b"out\n"[..], &b"err\n"[..])
        );
    }

    #[test]
    fn one_that_does_not_end_is_ended_and_a_child_that_it_leaves_behind_is_not_waited_for() {
        let error = run(&mut shell("exec sleep 600"), Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let output = run(&mut shell("sleep 600 & echo $!"), QUICK).unwrap();
        let child = Pid::from_raw(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap());
        kill(child, Signal::SIGKILL).expect("its child lives, with the same standard output");
    }

    #[test]
    fn a_lock_is_had_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path).unwrap();
        let other = File::open(&path).unwrap();
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        other.try_lock().unwrap();
    }
}
