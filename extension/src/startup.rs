//! From nothing to the first `/next`, in the order that the platform demands.
//!
//! Register, bind the listener, subscribe, open the receivers. Nothing here waits for the backend. What fails is told in one
//! line and survived, except for the registration, which is tried until it succeeds: without it there is nothing to be.

use std::{
    future::pending,
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    clock::unix_now,
    config::{Config, Flush, Initialization, ListenAddress, LogLevel},
    console::Console,
    error::chain,
    export::retry::{LONGEST, backoff},
    intake::Inlet,
    lambda::{
        extensions::{Client, ExtensionsError, Registration, Subscription},
        telemetry::{self, Streams, Subscribed},
    },
    lifecycle::Mode,
    normalise::{Filters, Settings},
    otlp,
};

/// The receivers, owned by whoever ends them.
pub type Receivers = JoinSet<&'static str>;

/// What the receiver of telemetry is called among them.
pub const TELEMETRY: &str = "telemetry";

/// Everything is set up for the first `/next`.
pub struct Started {
    /// The registered client.
    pub client: Client,
    /// What the platform told.
    pub registration: Registration,
    /// Whether telemetry will come.
    pub telemetry: bool,
    /// The receivers, running.
    pub receivers: Receivers,
}

/// Sets everything up.
pub async fn start(config: &Config, runtime_api: &str, name: &str, inlet: &Inlet) -> Started {
    let console = Console::new(config.log_level);
    let mut client = Client::new(runtime_api);
    let registration = register(&mut client, config, name, console).await;
    let mut receivers = Receivers::new();
    let telemetry = subscribe(&mut client, config, inlet, &mut receivers).await;
    if config.receivers.take_any() {
        receive_otlp(config, inlet, &mut receivers).await;
    }
    Started { client, registration, telemetry, receivers }
}

async fn register(client: &mut Client, config: &Config, name: &str, console: Console) -> Registration {
    let subscription = match config.lambda.initialization {
        Initialization::ManagedInstances => Subscription::Shutdown,
        _ => Subscription::InvokeAndShutdown,
    };
    let mut failures = 0;
    loop {
        match client.register(name, subscription).await {
            Ok(registration) => return registration,
            Err(error) => tell_and_wait(console, "cannot register", &error, &mut failures).await,
        }
    }
}

/// After a failed call of the Extensions API: told the first time only, and not repeated at once.
pub async fn tell_and_wait(console: Console, what: &str, error: &ExtensionsError, failures: &mut u32) {
    if *failures == 0 {
        console.say(LogLevel::Error, format_args!("{what}, trying again: {}", chain(error)));
    }
    *failures = failures.saturating_add(1);
    tokio::time::sleep(backoff(*failures, LONGEST, random())).await;
}

/// Randomness for backoffs, from the standard library's own and the time: after a SnapStart restore every copy of this process
/// has the same of the former.
#[must_use]
pub fn random() -> u32 {
    let [a, b, c, d, ..] = RandomState::new().hash_one(unix_now()).to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

/// What this environment's ids begin with.
fn seed() -> u128 {
    let half = || u128::from(RandomState::new().hash_one(unix_now()));
    half() << 64 | half()
}

/// Whether telemetry will come.
async fn subscribe(client: &mut Client, config: &Config, inlet: &Inlet, receivers: &mut Receivers) -> bool {
    let console = Console::new(config.log_level);
    let bound = telemetry::listen().await;
    let (port, listener) = match bound.and_then(|listener| Ok((listener.local_addr()?.port(), listener))) {
        Ok(bound) => bound,
        Err(error) => {
            console.say(LogLevel::Error, format_args!("no port to listen on, so no log lines: {error}"));
            return false;
        }
    };
    let inlet = inlet.clone();
    receivers.spawn(async move {
        telemetry::serve(listener, inlet, pending()).await;
        TELEMETRY
    });
    let streams = Streams { function: config.streams.function, extension: config.streams.extension };
    match telemetry::subscribe(client, streams, port).await {
        Ok(Subscribed::Yes) => return true,
        Ok(Subscribed::NotSupported) => {
            console.say(
                LogLevel::Warn,
                "no Telemetry API here, so no log lines: only what the function's SDK sends is shipped",
            );
        }
        Err(error) => {
            console.say(LogLevel::Error, format_args!("cannot subscribe to log lines: {}", chain(&error)));
        }
    }
    false
}

async fn receive_otlp(config: &Config, inlet: &Inlet, receivers: &mut Receivers) {
    let console = Console::new(config.log_level);
    let taken = |address: &ListenAddress, variable: &str, error: std::io::Error| {
        let remedy = format_args!("set {variable} to a free port, and the function's SDK to the same");
        console.say(LogLevel::Warn, format_args!("cannot receive OTLP on {address}: {error}; {remedy}"));
    };
    match bind(&config.receivers.grpc).await {
        Ok(listener) => {
            let inlet = inlet.clone();
            receivers.spawn(async move {
                // A receiver that ends is told by the driver; its error has no other reader.
                let _ = otlp::grpc::serve(listener, inlet, pending()).await;
                "OTLP/gRPC"
            });
        }
        Err(error) => taken(&config.receivers.grpc, "ROTEL_OTLP_GRPC_ENDPOINT", error),
    }
    match bind(&config.receivers.http).await {
        Ok(listener) => {
            let inlet = inlet.clone();
            receivers.spawn(async move {
                let _ = otlp::http::serve(listener, inlet, pending()).await;
                "OTLP/HTTP"
            });
        }
        Err(error) => taken(&config.receivers.http, "ROTEL_OTLP_HTTP_ENDPOINT", error),
    }
}

/// Binds without asking the resolver for what needs none: that would cost a thread.
async fn bind(address: &ListenAddress) -> std::io::Result<TcpListener> {
    let ip = match address.host.as_str() {
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        host => host.parse().ok(),
    };
    match ip {
        Some(ip) => TcpListener::bind((ip, address.port)).await,
        None => TcpListener::bind((address.host.as_str(), address.port)).await,
    }
}

/// When the buffer is sent: as it is set, where the platform lets us choose.
#[must_use]
pub fn mode(config: &Config, telemetry: bool) -> Mode {
    let nanos = |interval: Duration| u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    match (config.lambda.initialization, telemetry, config.flush) {
        (Initialization::ManagedInstances, ..) => Mode::Managed,
        (_, false, _) => Mode::Deaf,
        (.., Flush::Auto) => Mode::Auto,
        (.., Flush::End) => Mode::End,
        (.., Flush::Periodic(interval)) => Mode::Periodic(nanos(interval)),
        (.., Flush::Background(interval)) => Mode::Background(nanos(interval)),
    }
}

/// What normalising needs of the configuration.
#[must_use]
pub fn normalise_settings(config: &Config) -> Settings {
    let lambda = &config.lambda;
    Settings {
        function_version: lambda.function_version.clone(),
        max_memory_bytes: lambda.memory_mib.map(|mib| i64::from(mib) << 20),
        region: lambda.region.clone(),
        every_signal: config.resource.every_signal.clone(),
        originated: config.resource.originated.clone(),
        managed: lambda.initialization == Initialization::ManagedInstances,
        on_demand: lambda.initialization == Initialization::OnDemand,
        platform_lines: config.streams.platform,
        filters: Filters::new(config.filters.exclude.clone(), config.filters.redact.clone()),
        held_bytes: config.memory_limit / 4,
        record_ids: config.record_ids.then(seed),
        ..Settings::of(lambda.function_name.as_deref().unwrap_or("unknown"))
    }
}
