//! The promise that no process of ours outlives us, even when we are killed: a shell that waits for our end.
//!
//! Frozen processes would otherwise stay for ever. The shell reads the process groups that live from a pipe; when the pipe
//! closes, because we are done or dead, it kills what is left of them. It has its own process group, so that a Ctrl-C which
//! ends us does not end it first.

use std::{
    io::Write,
    process::{Child, ChildStdin, Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// How long the shell may take for its last kills.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(2);

const SCRIPT: &str = r#"alive=" "
while read -r sign group; do
  case "$sign" in
    +) alive="$alive$group " ;;
    -) alive="${alive%% $group *} ${alive#* $group }" ;;
  esac
done
for group in $alive; do kill -KILL "-$group" 2>/dev/null; done"#;

/// The waiting shell. Dropping it kills every process group that it still knows.
#[derive(Debug)]
pub(super) struct Reaper {
    shell: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Reaper {
    pub(super) fn start() -> std::io::Result<Self> {
        use std::os::unix::process::CommandExt;
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = Mutex::new(shell.stdin.take());
        Ok(Self { shell, pipe })
    }

    /// A process group began.
    pub(super) fn began(&self, group: i32) {
        self.tell('+', group);
    }

    /// A process group has ended, and its number may be given to another.
    pub(super) fn ended(&self, group: i32) {
        self.tell('-', group);
    }

    fn tell(&self, sign: char, group: i32) {
        if let Some(pipe) = self.pipe.lock().expect("no holder of this lock panics").as_mut() {
            // A shell that somebody killed is no reason to fail: the groups are killed by their owner, too.
            let _gone = writeln!(pipe, "{sign} {group}");
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.pipe.lock().expect("no holder of this lock panics").take();
        let began = Instant::now();
        while matches!(self.shell.try_wait(), Ok(None)) && began.elapsed() < PATIENCE {
            thread::sleep(LOOK);
        }
        // Both do nothing to a shell that has ended.
        let _ended = self.shell.kill();
        let _ended = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::{sys::signal::kill, unistd::Pid};
    use std::os::unix::process::{CommandExt, ExitStatusExt};

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").process_group(0).spawn().unwrap()
    }

    #[test]
    fn what_is_still_alive_is_killed_and_what_has_ended_is_left_alone() {
        let (mut one, mut other, mut third) = (sleeper(), sleeper(), sleeper());
        let group = |child: &Child| i32::try_from(child.id()).unwrap();
        let reaper = Reaper::start().unwrap();
        for child in [&one, &other, &third] {
            reaper.began(group(child));
        }
        reaper.ended(group(&other));
        drop(reaper);
        assert_eq!(one.wait().unwrap().signal(), Some(9));
        assert_eq!(third.wait().unwrap().signal(), Some(9));
        assert_eq!(kill(Pid::from_raw(group(&other)), None), Ok(()), "the one that was taken back lives");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
