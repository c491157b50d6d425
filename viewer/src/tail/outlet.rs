//! Where text leaves the program: a thread that writes, so that a reader who stands still stops the reading and nothing else.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use tokio::sync::{mpsc, oneshot};

/// Chunks that wait for the reader. With the one that is being filled this is all that is held of what was printed.
const WAITING: usize = 4;
/// Large enough that a flood of lines is not a flood of system calls.
pub(super) const CHUNK: usize = 64 * 1024;

/// Text on its way to a reader.
pub struct Outlet {
    chunk: Vec<u8>,
    chunks: mpsc::Sender<Vec<u8>>,
    done: oneshot::Receiver<()>,
    error: Arc<Mutex<Option<io::Error>>>,
    thread: Option<JoinHandle<()>>,
}

impl Outlet {
    /// Writes to `into`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(into: impl Write + Send + 'static) -> io::Result<Self> {
        let (chunks, arrived) = mpsc::channel(WAITING);
        let (said, done) = oneshot::channel();
        let error = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&error);
        let thread = thread::Builder::new().name("output".to_owned()).spawn(move || {
            if let Err(error) = write_all(into, arrived) {
                *seen.lock().expect("no holder of this lock panics") = Some(error);
            }
            // Whoever waits no longer does not listen either.
            let _ = said.send(());
        })?;
        Ok(Self { chunk: Vec::with_capacity(CHUNK), chunks, done, error, thread: Some(thread) })
    }

    /// Adds to what is to be written.
    pub fn push(&mut self, text: &[u8]) {
        self.chunk.extend_from_slice(text);
    }

    /// Whether it is time to let the reader read.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.chunk.len() >= CHUNK
    }

    /// Whether nothing was added since the last time.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.chunk.is_empty()
    }

    /// Hands on what was added, once there is room.
    ///
    /// # Errors
    /// When nobody reads any more, or writing failed.
    pub async fn drain(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        match self.chunks.send(chunk).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failure()),
        }
    }

    /// Hands on the rest and waits until it is written. Dropped before, it leaves what the reader has not taken.
    ///
    /// # Errors
    /// When nobody reads any more, or writing failed.
    pub async fn finish(mut self) -> io::Result<()> {
        let drained = self.drain().await;
        let Self { chunks, done, error, thread, .. } = self;
        drop(chunks);
        // It ends by saying so, or by a panic that its end tells.
        let _ = done.await;
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            return Err(io::Error::other("the thread that writes broke"));
        }
        let failed = error.lock().expect("no holder of this lock panics").take();
        failed.map_or(drained, Err)
    }

    fn failure(&self) -> io::Error {
        let seen = self.error.lock().expect("no holder of this lock panics").take();
        seen.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

fn write_all(mut into: impl Write, mut arrived: mpsc::Receiver<Vec<u8>>) -> io::Result<()> {
    while let Some(chunk) = arrived.blocking_recv() {
        into.write_all(&chunk)?;
        into.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn everything_is_written_in_order() {
        let page = Shared::default();
        let mut outlet = Outlet::new(page.clone()).unwrap();
        for number in 0..100_000 {
            outlet.push(format!("{number}\n").as_bytes());
            if outlet.is_full() {
                outlet.drain().await.unwrap();
            }
        }
        outlet.finish().await.unwrap();
        let written = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(written.lines().map(|line| line.parse::<u32>().unwrap()).eq(0..100_000));
    }

    #[tokio::test]
    async fn a_reader_who_left_is_told_of() {
        let mut outlet = Outlet::new(Closed).unwrap();
        outlet.push(b"x");
        let error = async {
            outlet.drain().await?;
            outlet.finish().await
        };
        assert_eq!(error.await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
