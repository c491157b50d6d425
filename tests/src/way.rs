//! A way between two programs that can break, or fall silent, at a moment of one's choosing.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

/// A way that can break.
#[derive(Debug)]
pub struct Way {
    /// Where it begins.
    pub address: SocketAddr,
    open: Arc<Mutex<JoinSet<()>>>,
    /// How often it has fallen silent; a connection from before hears and says nothing any more.
    silences: watch::Sender<u32>,
    _listening: JoinSet<()>,
}

impl Way {
    /// One that leads to `server`.
    ///
    /// # Panics
    /// When there is no port for it.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let open = Arc::new(Mutex::new(JoinSet::new()));
        let (mut listening, connections) = (JoinSet::new(), open.clone());
        let silences = watch::Sender::new(0);
        let silent = silences.clone();
        listening.spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut silent = silent.subscribe();
                connections.lock().expect("no holder of this lock panics").spawn(async move {
                    let Ok(mut far) = TcpStream::connect(server).await else { return };
                    tokio::select! {
                        _either_ended = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = silent.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { address, open, silences, _listening: listening }
    }

    /// Nothing passes on any connection any more, and none is closed; new ones are taken as before.
    pub fn falls_silent(&self) {
        self.silences.send_modify(|times| *times += 1);
    }

    /// Every connection ends where it is; new ones are taken as before.
    ///
    /// # Panics
    /// Never: nobody panics while holding its lock.
    pub fn breaks(&self) {
        self.open.lock().expect("no holder of this lock panics").abort_all();
    }
}
