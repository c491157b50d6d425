//! A ClickHouse with a configuration of its own: users who may do less, and others beside it that make a cluster.

use crate::machine;
use clickhouse::Client;
use lambdaview::local::engine::{Engine, EngineSettings, Sources};
use std::{net::TcpListener, path::Path};
use tempfile::TempDir;

/// The database that its users may read: no more than `otel_logs` and `otel_traces` in it.
pub const DATABASE: &str = "clickstack";
/// A reader who may change no setting.
pub const READONLY_1: &str = "readonly_1";
/// A reader who may change settings.
pub const READONLY_2: &str = "readonly_2";
/// A reader who may change settings within limits: a question may take five seconds at most.
pub const LIMITED: &str = "limited";

/// One engine, or several that know each other as the shards of the cluster `lambdaview`, and all but the first as those of
/// `others`.
#[derive(Debug)]
pub struct Servers {
    engines: Vec<Engine>,
    _folder: TempDir,
}

impl Servers {
    /// Starts that many. Blocks until they answer.
    ///
    /// # Panics
    /// When there is no engine; the message says what to do.
    #[must_use]
    pub fn start(count: usize) -> Self {
        let folder = TempDir::with_prefix("lambdaview-servers-").expect("a temporary folder");
        let ports: Vec<u16> = (0..count).map(|_| free_port()).collect();
        let config = folder.path().join("config.xml");
        let users = folder.path().join("users.xml");
        std::fs::write(&config, configuration(&users, &ports)).expect("a temporary folder takes files");
        std::fs::write(&users, include_str!("../fixtures/users.xml")).expect("a temporary folder takes files");
        let engines = ports.into_iter().map(|port| start(&config, folder.path(), port)).collect();
        Self { engines, _folder: folder }
    }

    /// The address of one of them.
    #[must_use]
    pub fn url(&self, nth: usize) -> String {
        self.engines[nth].url()
    }

    /// A client of one of them, who may do anything in [`DATABASE`].
    #[must_use]
    pub fn client(&self, nth: usize) -> Client {
        Client::default().with_url(self.url(nth)).with_database(DATABASE)
    }
}

fn start(config: &Path, folder: &Path, port: u16) -> Engine {
    let settings = EngineSettings {
        program: Some(machine::viewer()),
        data: folder.join(port.to_string()),
        http_port: 0,
        tcp_port: Some(port),
        config: Some(config.to_owned()),
        sources: Sources::from_environment(|name| machine::variable(name).map(Into::into)),
    };
    let said = |step| eprintln!("{step}");
    Engine::start(&settings, &mut { said }).unwrap_or_else(|error| panic!("no ClickHouse for the tests: {error}"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}

fn configuration(users: &Path, ports: &[u16]) -> String {
    let shard = |port: &u16| format!("<shard><replica><host>127.0.0.1</host><port>{port}</port></replica></shard>");
    let shards = |ports: &[u16]| ports.iter().map(shard).collect::<String>();
    let (all, others) = (shards(ports), shards(&ports[1..]));
    let others = if others.is_empty() { others } else { format!("<others>{others}</others>") };
    format!(
        "<clickhouse><users_config>{}</users_config>\
         <remote_servers><lambdaview>{all}</lambdaview>{others}</remote_servers></clickhouse>",
        users.display()
    )
}
