//! The engine's standard error: read to its end so that the engine never waits for us, its last lines kept for an error.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader},
    process::ChildStderr,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Lines that are kept; an exception with its stack is about thirty.
const KEPT: usize = 40;

/// How long the last lines of a process that has ended may take. A child that it has left behind may hold its standard error
/// open for ever.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(super) struct LastLines {
    lines: Arc<Mutex<VecDeque<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl LastLines {
    pub(super) fn read(stderr: ChildStderr) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == KEPT {
                    kept.pop_front();
                }
                kept.push_back(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
        });
        Self { lines, reader: Some(reader) }
    }

    /// Whether the engine has not (yet) complained that it cannot listen.
    pub(super) fn is_quiet_about_listening(&self) -> bool {
        !self.text().contains("Code: 210.")
    }

    /// What is left of it once the process has ended.
    pub(super) fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            let ended = Instant::now();
            while !reader.is_finished() && ended.elapsed() < PATIENCE {
                std::thread::sleep(LOOK);
            }
        }
        self.text()
    }

    fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| !line.is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_last_words_of_an_engine_are_had_though_a_child_of_it_lives_on() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo the last words >&2; exec sleep 600 & echo $!"]);
        let mut engine = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = LastLines::read(engine.stderr.take().unwrap());
        engine.wait().unwrap();
        assert_eq!(lines.finish(), "the last words");
        let mut child = String::new();
        BufReader::new(engine.stdout.take().unwrap()).read_line(&mut child).unwrap();
        Command::new("kill").arg(child.trim()).status().unwrap();
    }
}
