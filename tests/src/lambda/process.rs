//! The processes of an environment: how they are started, what they see, what they print, how they are signalled.

use super::{
    environment::Environment,
    event::{Event, Stream},
    output::{Decoder, Record},
    settings::file_name,
};
use crate::until::ended;
use nix::{
    errno::Errno,
    sys::signal::{Signal, killpg},
    unistd::{self, Pid},
};
use std::{
    os::fd::AsFd,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
};
use tokio::{
    net::unix::pipe,
    process::{Child, Command},
    sync::{mpsc, oneshot},
};

/// Hidden from extensions, as AWS documents.
const HIDDEN: [&str; 10] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_HANDLER",
];

/// What a pipe holds at the most unless somebody enlarges it: Linux makes them no larger by itself.
const PIPE_BYTES: usize = 1 << 20;

/// A started process and its group.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) group: i32,
    /// Whose it is: the function's or an extension's.
    pub(super) stream: Stream,
    readers: Vec<Reader>,
}

/// What asks the reader of a pipe to take in everything that has been written so far.
#[derive(Clone, Debug)]
struct Reader(mpsc::Sender<oneshot::Sender<()>>);

impl Reader {
    /// Waits until it has, or until its pipe is at its end.
    async fn drain(&self) {
        let (done, drained) = oneshot::channel();
        if self.0.send(done).await.is_ok() {
            // A question that is asked at the very moment at which the reader ends stays in the channel, neither read nor
            // dropped, for as long as anybody could ask.
            tokio::select! {
                _taken_in = drained => {}
                () = self.0.closed() => {}
            }
        }
    }
}

impl Process {
    /// Signals the whole group; one that has ended already is no fault.
    pub(super) fn signal(&self, signal: Signal) {
        let _ended = killpg(Pid::from_raw(self.group), signal);
    }

    /// Waits until everything it has written so far has become events.
    pub(super) async fn drain(&self) {
        let drained = async {
            for reader in &self.readers {
                reader.drain().await;
            }
        };
        ended("what a process has written", drained).await;
    }
}

impl Environment {
    /// Starts the function's runtime.
    pub(super) fn start_runtime(self: &Arc<Self>) -> std::io::Result<i32> {
        let program = &self.settings.program;
        let (mut command, mut readers) =
            if program.framed_logs { self.framed()? } else { (Command::new(&program.executable), Vec::new()) };
        command.args(&program.arguments).current_dir(&program.task_root);
        command.env_clear().envs(self.variables()).envs(&program.variables);
        if program.framed_logs {
            command.env("_LAMBDA_TELEMETRY_LOG_FD", "3");
        }
        self.spawn(command, Stream::Function, &mut readers)
    }

    /// A shell that gives the frames' pipe the number 3 and then becomes the runtime: Rust passes on no other numbers than
    /// 0, 1 and 2 without unsafe code.
    fn framed(self: &Arc<Self>) -> std::io::Result<(Command, Vec<Reader>)> {
        let (writer, reader) = pipe::pipe()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec 3>&0 </dev/null; exec \"$0\" \"$@\""]).arg(&self.settings.program.executable);
        command.stdin(Stdio::from(writer.into_blocking_fd()?));
        Ok((command, vec![self.read(reader, Decoder::frames(), Stream::Function)]))
    }

    /// Starts an extension.
    pub(super) fn start_extension(self: &Arc<Self>, executable: &Path) -> std::io::Result<i32> {
        let mut command = Command::new(executable);
        command
            .current_dir("/")
            .env_clear()
            .envs(self.variables().into_iter().filter(|(name, _)| !HIDDEN.contains(&name.as_str())));
        command.stdin(Stdio::null());
        self.spawn(command, Stream::Extension, &mut Vec::new()).map_err(|error| {
            std::io::Error::new(error.kind(), format!("extension {} cannot be started: {error}", file_name(executable)))
        })
    }

    fn spawn(
        self: &Arc<Self>,
        mut command: Command,
        stream: Stream,
        readers: &mut Vec<Reader>,
    ) -> std::io::Result<i32> {
        for error in [false, true] {
            let (writer, reader) = pipe::pipe()?;
            let end = Stdio::from(writer.into_blocking_fd()?);
            if error {
                command.stderr(end)
            } else {
                command.stdout(end)
            };
            readers.push(self.read(reader, Decoder::lines(), stream));
        }
        let child = command.process_group(0).spawn()?;
        // Our copies of the writing ends live in `command`: with them the readers would never see an end.
        drop(command);
        let group = i32::try_from(child.id().expect("a child that was not waited for has an id"))
            .expect("process ids are small");
        self.reaper.began(group);
        let process = Process { group, stream, readers: readers.clone() };
        self.add_process(process.clone());
        let (environment, watched) = (self.clone(), process.clone());
        self.run(async move { environment.watch(child, &watched).await });
        Ok(group)
    }

    /// Waits for a process to end, takes in what it said last, and says so.
    async fn watch(&self, mut child: Child, process: &Process) {
        let status = child.wait().await;
        process.drain().await;
        process.signal(Signal::SIGKILL);
        self.reaper.ended(process.group);
        self.remove_process(process.group);
        let how = status.map_or_else(|error| error.to_string(), in_lambdas_words);
        self.note(&format!("process {} ended: {how}", process.group));
        self.change(|state| state.exited(process.group, &how));
    }

    /// Reads a pipe until its end; gives what asks it to take in everything that has been written so far.
    fn read(self: &Arc<Self>, pipe: pipe::Receiver, mut decoder: Decoder, stream: Stream) -> Reader {
        let (ask, mut asked) = mpsc::channel::<oneshot::Sender<()>>(8);
        let environment = self.clone();
        self.run(async move {
            loop {
                let waiter = tokio::select! {
                    ready = pipe.readable() => { if ready.is_err() { break } None }
                    waiter = asked.recv() => match waiter { Some(waiter) => Some(waiter), None => { let _closed = pipe.readable().await; None } },
                };
                let open = environment.take_in(&pipe, &mut decoder, stream);
                drop(waiter);
                if !open {
                    break;
                }
            }
            decoder.finish().into_iter().for_each(|record| environment.written(record, stream));
        });
        Reader(ask)
    }

    /// Takes in what is in the pipe now; false at its end.
    ///
    /// The read goes past tokio, whose idea of the pipe may be older than a drain must allow. More than a pipe holds was not
    /// in it when this began: who writes without end is not read without end.
    fn take_in(&self, pipe: &pipe::Receiver, decoder: &mut Decoder, stream: Stream) -> bool {
        let mut buffer = vec![0; 64 << 10];
        let mut taken = 0;
        while taken < PIPE_BYTES {
            match unistd::read(pipe.as_fd(), &mut buffer) {
                Ok(0) => return false,
                Ok(read) => {
                    taken += read;
                    decoder.feed(&buffer[..read]).into_iter().for_each(|record| self.written(record, stream));
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => return false,
            }
        }
        // Tokio learns that the pipe is empty only from a read of its own; should something have come since, it is taken.
        match pipe.try_read(&mut buffer) {
            Ok(read) => decoder.feed(&buffer[..read]).into_iter().for_each(|record| self.written(record, stream)),
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
        true
    }

    fn written(&self, record: Record, stream: Stream) {
        let json = self.settings.json_logs && stream == Stream::Function;
        self.emit(Event::written(record.time.unwrap_or_else(chrono::Utc::now), stream, record.text, json));
    }

    /// What AWS sets, and what the function's configuration adds.
    fn variables(&self) -> Vec<(String, String)> {
        let settings = &self.settings;
        let program = &settings.program;
        let mut variables = vec![
            ("AWS_LAMBDA_RUNTIME_API", self.address.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", settings.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", settings.version.clone()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory_mb.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", settings.initialization_type().to_owned()),
            ("AWS_LAMBDA_LOG_FORMAT", if settings.json_logs { "JSON" } else { "Text" }.to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", settings.name)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", self.log_stream()),
            ("AWS_EXECUTION_ENV", program.execution_env.clone()),
            ("AWS_REGION", settings.region.clone()),
            ("AWS_DEFAULT_REGION", settings.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned()),
            ("AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000".to_owned()),
            ("LAMBDA_TASK_ROOT", program.task_root.display().to_string()),
            ("_HANDLER", program.handler.clone()),
            ("TZ", ":UTC".to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned()),
            // Where AWS gives each environment a `/tmp` of its own.
            ("TMPDIR", self.tmp().display().to_string()),
        ];
        variables.extend(self.credentials());
        if let super::Mode::ManagedInstances { concurrency } = settings.mode {
            variables.push(("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string()));
        }
        let own = settings.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(own).collect()
    }
}

fn in_lambdas_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    #[tokio::test]
    async fn a_reader_that_ends_without_having_read_the_question_is_not_waited_for() {
        let (ask, mut asked) = mpsc::channel(8);
        let reader = Reader(ask);
        let mut drained = pin!(reader.drain());
        let soon = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, &mut drained).await.is_err(), "it is asked");
        asked.close();
        ended("the end of a drain", drained).await;
    }
}
