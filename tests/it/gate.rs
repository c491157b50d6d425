//! A gate in front of a collector: lets requests pass, or does to them what broken networks and backends do.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// What becomes of what is sent through the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It reaches the collector, and the answer comes back after this time.
    Open(Duration),
    /// It is taken, and nothing ever comes back.
    Silent,
    /// Its connection is reset in the middle of it.
    Cut,
    /// It reaches the collector, and the connection is reset in place of the answer: the sender cannot know.
    Lost,
    /// Each request of HTTP/1.1 is answered with this.
    Answered(&'static str),
}

/// What becomes of connections from before, once they are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgotten {
    /// They are reset by the next byte.
    Reset,
    /// Nobody answers on them any more, as behind a NAT that has lost them.
    Silent,
}

#[derive(Clone, Copy, Debug)]
struct Order {
    way: Way,
    /// Connections of before this generation are forgotten, in this way.
    generation: usize,
    forgotten: Forgotten,
}

/// The gate.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    order: watch::Sender<Order>,
    answered: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Gate {
    /// Before `collector`.
    pub(crate) async fn before(collector: SocketAddr, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, answered) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let (order, orders) = watch::channel(Order { way, generation: 0, forgotten: Forgotten::Reset });
        let (mut tasks, count) = (JoinSet::new(), answered.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let generation = orders.borrow().generation;
                let passage =
                    Passage { client, collector, orders: orders.clone(), generation, answered: count.clone() };
                connections.spawn(passage.serve());
            }
        });
        Self { address, order, answered, _tasks: tasks }
    }

    pub(crate) fn becomes(&self, way: Way) {
        self.order.send_modify(|order| order.way = way);
    }

    /// Connections that are there now are of no use any more; new ones are.
    pub(crate) fn forgets(&self, forgotten: Forgotten) {
        self.order.send_modify(|order| (order.generation, order.forgotten) = (order.generation + 1, forgotten));
    }

    /// How many requests have been answered by the gate itself, or cut, before or after the collector had them.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }
}

struct Passage {
    client: TcpStream,
    collector: SocketAddr,
    orders: watch::Receiver<Order>,
    generation: usize,
    answered: Arc<AtomicUsize>,
}

impl Passage {
    async fn serve(mut self) {
        let Ok(mut collector) = TcpStream::connect(self.collector).await else { return };
        let (mut asked, mut said) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let mut request = Vec::new();
        loop {
            tokio::select! {
                read = self.client.read(&mut asked) => {
                    let Some(read) = read.ok().filter(|read| *read > 0) else { return };
                    let order = *self.orders.borrow();
                    match order.way {
                        _ if order.generation != self.generation && order.forgotten == Forgotten::Reset => return,
                        _ if order.generation != self.generation => {}
                        Way::Open(_) | Way::Lost if collector.write_all(&asked[..read]).await.is_err() => return,
                        Way::Open(_) | Way::Lost | Way::Silent => {}
                        Way::Cut => {
                            self.answered.fetch_add(1, Ordering::Relaxed);
                            self.client.set_zero_linger().unwrap();
                            return;
                        }
                        Way::Answered(answer) => {
                            request.extend_from_slice(&asked[..read]);
                            if is_whole(&request) {
                                request.clear();
                                self.answered.fetch_add(1, Ordering::Relaxed);
                                if self.client.write_all(answer.as_bytes()).await.is_err() { return }
                            }
                        }
                    }
                }
                read = collector.read(&mut said) => {
                    let Some(read) = read.ok().filter(|read| *read > 0) else { return };
                    let order = *self.orders.borrow();
                    if order.way == Way::Lost {
                        self.answered.fetch_add(1, Ordering::Relaxed);
                        self.client.set_zero_linger().unwrap();
                        return;
                    }
                    let Way::Open(delay) = order.way else { continue };
                    if order.generation == self.generation {
                        tokio::time::sleep(delay).await;
                        if self.client.write_all(&said[..read]).await.is_err() { return }
                    }
                }
            }
        }
    }
}

/// Whether this is a request of HTTP/1.1 from its head to the last byte of its body.
fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() >= head + 4 + length.unwrap_or_default()
}
