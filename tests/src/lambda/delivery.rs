//! Telemetry on its way to a subscriber: buffered, in order, sent again until it is taken, dropped and counted when the
//! queue is full.
//!
//! Nothing is sent while the environment is frozen. A batch that was not answered with 200 is sent again as it was, after a
//! growing pause; so a subscriber that took it and whose answer was lost sees it twice, as on AWS.

use super::{
    environment::Environment,
    event::{Event, Stream},
    telemetry_api::{Destination, Wish},
};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicI32, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::Notify, time::Instant};

/// How long an unfrozen subscriber may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// `{"time":...,"type":...}` and commas around each record.
const ENVELOPE: usize = 64;

/// One extension's subscription and what still has to reach it.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) name: String,
    wish: Mutex<Wish>,
    /// The process group that asked for it last.
    owner: AtomicI32,
    queue: Mutex<Queue>,
    changed: Notify,
    limit: usize,
    posts: AtomicU32,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<(Event, usize)>,
    bytes: usize,
    since: Option<Instant>,
    hurry: bool,
    dropped_records: u64,
    dropped_bytes: usize,
}

impl Subscription {
    pub(super) fn new(name: &str, wish: Wish, owner: i32, limit: usize) -> Self {
        Self {
            name: name.to_owned(),
            wish: Mutex::new(wish),
            owner: AtomicI32::new(owner),
            queue: Mutex::default(),
            changed: Notify::new(),
            limit,
            posts: AtomicU32::new(0),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no holder of this lock panics")
    }

    fn wish(&self) -> Wish {
        self.wish.lock().expect("no holder of this lock panics").clone()
    }

    /// A restarted extension asks again: what it has not had yet goes where it listens now.
    pub(super) fn renew(&self, wish: Wish, owner: i32) {
        self.owner.store(owner, Ordering::Relaxed);
        *self.wish.lock().expect("no holder of this lock panics") = wish;
        self.changed.notify_one();
    }

    /// Puts an event at the end of the queue, or counts it as dropped.
    pub(super) fn push(&self, event: &Event) {
        if !self.wish().streams.contains(&event.stream()) {
            return;
        }
        let bytes = event.record.as_str().map_or_else(|| event.record.to_string().len(), str::len) + ENVELOPE;
        let mut queue = self.queue();
        if queue.bytes + bytes > self.limit {
            queue.dropped_records += 1;
            queue.dropped_bytes += bytes;
            return;
        }
        queue.bytes += bytes;
        queue.since.get_or_insert_with(Instant::now);
        queue.events.push_back((event.clone(), bytes));
        drop(queue);
        self.changed.notify_one();
    }

    /// Sends what is there without waiting for more; used when the environment stops.
    pub(super) fn hurry(&self) {
        self.queue().hurry = true;
        self.changed.notify_one();
    }

    /// Whether everything has been taken.
    pub(super) fn is_empty(&self) -> bool {
        self.queue().events.is_empty()
    }

    /// The next batch, once it is due.
    async fn batch(&self) -> Vec<Event> {
        loop {
            let wish = self.wish();
            let wait = {
                let mut queue = self.queue();
                let due = queue.since.map(|since| since + wish.timeout);
                let full = queue.events.len() >= wish.max_items || queue.bytes >= wish.max_bytes;
                match due {
                    Some(due) if full || queue.hurry || due <= Instant::now() => return front(&mut queue, &wish),
                    Some(due) => Some(due),
                    None => {
                        queue.hurry = false;
                        None
                    }
                }
            };
            match wait {
                Some(due) => drop(tokio::time::timeout_at(due, self.changed.notified()).await),
                None => self.changed.notified().await,
            }
        }
    }

    /// The first `count` events have been taken.
    fn taken(&self, count: usize) {
        let mut queue = self.queue();
        let bytes: usize = queue.events.drain(..count).map(|(_, bytes)| bytes).sum();
        queue.bytes -= bytes;
        queue.since = (!queue.events.is_empty()).then(Instant::now);
    }

    fn drops(&self) -> Option<(u64, usize)> {
        let mut queue = self.queue();
        let records = std::mem::take(&mut queue.dropped_records);
        let bytes = std::mem::take(&mut queue.dropped_bytes);
        (records > 0).then_some((records, bytes))
    }
}

/// The events of the next batch; they stay in the queue until they are taken.
fn front(queue: &mut Queue, wish: &Wish) -> Vec<Event> {
    let mut bytes = 0;
    let mut events = Vec::new();
    for (event, size) in queue.events.iter().take(wish.max_items) {
        if !events.is_empty() && bytes + size > wish.max_bytes {
            break;
        }
        bytes += size;
        events.push(event.clone());
    }
    events
}

/// Delivers to one subscriber for as long as the environment exists.
pub(super) async fn deliver(environment: &Environment, subscription: &Subscription) {
    let fresh = || Client::builder(TokioExecutor::new()).build_http();
    let (mut client, mut stream) = (fresh(), environment.log_stream());
    loop {
        let events = subscription.batch().await;
        let mut pause = FIRST_PAUSE;
        loop {
            environment.thawed().await;
            // Another environment has no connection of this one's.
            if stream != environment.log_stream() {
                (client, stream) = (fresh(), environment.log_stream());
            }
            // On AWS an environment's ports are its own; here another one's process may listen where a dead one did.
            if !environment.lives(subscription.owner.load(Ordering::Relaxed)) {
                tokio::time::sleep(FIRST_PAUSE).await;
                continue;
            }
            // Noted before: a subscriber may ask for its next event sooner than its answer to this is read.
            environment.told(&events);
            match attempt(environment, subscription, &client, &events).await {
                Ok(()) => break,
                Err(why) => environment.note(&format!("telemetry for {} not taken: {why}", subscription.name)),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        subscription.taken(events.len());
        if let Some((records, bytes)) = subscription.drops() {
            report_drops(environment, subscription, records, bytes);
        }
    }
}

impl Environment {
    /// Notes when a subscriber learns of an invocation's end.
    fn told(&self, events: &[Event]) {
        let done = events.iter().rev().find(|event| event.kind == "platform.runtimeDone");
        if let Some(id) = done.and_then(|event| event.record["requestId"].as_str()) {
            self.change(|state| state.told = Some((id.to_owned(), std::time::Instant::now())));
        }
    }
}

fn report_drops(environment: &Environment, subscription: &Subscription, records: u64, bytes: usize) {
    let record = json!({
        "droppedBytes": bytes,
        "droppedRecords": records,
        "reason": "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",
    });
    let event = Event::platform(chrono::Utc::now(), "platform.logsDropped", record);
    subscription.push(&event);
    environment.remember(event);
}

async fn attempt(
    environment: &Environment,
    subscription: &Subscription,
    client: &Client<HttpConnector, Full<Bytes>>,
    events: &[Event],
) -> Result<(), String> {
    let wish = subscription.wish();
    let rendered: Vec<_> = events.iter().map(|event| event.render(wish.schema)).collect();
    match &wish.destination {
        Destination::Tcp { port } => {
            let lines: String = rendered.iter().map(|event| format!("{event}\n")).collect();
            let mut stream = TcpStream::connect(("127.0.0.1", *port)).await.map_err(|error| error.to_string())?;
            stream.write_all(lines.as_bytes()).await.map_err(|error| error.to_string())
        }
        Destination::Http { port, path } => {
            let request = http::Request::post(format!("http://127.0.0.1:{port}{path}"))
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(json!(rendered).to_string())))
                .expect("a POST to loopback is a valid request");
            let taken = answered(environment, client.request(request)).await;
            let nth = subscription.posts.fetch_add(1, Ordering::Relaxed) + 1;
            let taken = taken.and_then(|()| match environment.settings.faults.lose_every_nth_answer {
                Some(n) if nth.is_multiple_of(n) => Err("its answer was lost, as the test asked".to_owned()),
                _ => Ok(()),
            });
            if taken.is_err() {
                environment.repeat(events);
            }
            taken
        }
    }
}

/// Waits for the answer; time in which the subscriber is frozen does not count.
async fn answered(
    environment: &Environment,
    request: hyper_util::client::legacy::ResponseFuture,
) -> Result<(), String> {
    tokio::pin!(request);
    loop {
        let freezes = environment.freezes();
        match tokio::time::timeout(ANSWER, &mut request).await {
            Ok(Ok(response)) if response.status() == http::StatusCode::OK => return Ok(()),
            Ok(Ok(response)) => return Err(format!("answered {}", response.status())),
            Ok(Err(error)) => return Err(format!("{error}: {:?}", std::error::Error::source(&error))),
            Err(_) if environment.freezes() == freezes && !environment.is_frozen() => {
                return Err(format!("no answer within {ANSWER:?}"));
            }
            Err(_) => environment.thawed().await,
        }
    }
}

impl Stream {
    /// Every stream.
    #[cfg(test)]
    const ALL: [Self; 3] = [Self::Platform, Self::Function, Self::Extension];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::event::Schema;

    fn subscription(limit: usize) -> Subscription {
        let wish = Wish {
            schema: Schema::V2025_01_29,
            streams: Stream::ALL.to_vec(),
            max_items: 1_000,
            max_bytes: 262_144,
            timeout: Duration::from_millis(25),
            destination: Destination::Tcp { port: 1 },
        };
        Subscription::new("x", wish, 0, limit)
    }

    fn line(length: usize) -> Event {
        Event::written(chrono::Utc::now(), Stream::Function, "x".repeat(length), false)
    }

    #[tokio::test]
    async fn a_batch_ends_before_max_bytes_and_at_max_items() {
        let subscription = subscription(usize::MAX);
        for _ in 0..3 {
            subscription.push(&line(100_000));
        }
        assert_eq!(subscription.batch().await.len(), 2);
        subscription.taken(2);
        for _ in 0..2_000 {
            subscription.push(&line(1));
        }
        assert_eq!(subscription.batch().await.len(), 1_000);
    }

    #[tokio::test]
    async fn one_event_larger_than_a_batch_goes_alone() {
        let subscription = subscription(usize::MAX);
        subscription.push(&line(300_000));
        subscription.push(&line(1));
        assert_eq!(subscription.batch().await.len(), 1);
    }

    #[test]
    fn what_the_queue_cannot_hold_is_counted_once() {
        let subscription = subscription(1_000);
        for _ in 0..3 {
            subscription.push(&line(500));
        }
        assert_eq!(subscription.drops(), Some((2, 2 * (500 + ENVELOPE))));
        assert_eq!(subscription.drops(), None);
    }
}
