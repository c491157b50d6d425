//! Where the function's own SDK may send, and what of it is taken.

use super::{parse, settings::Settings};
use crate::flow::SignalKind;
use std::fmt;

/// An address to listen on, as it is written: resolved when it is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port; 0 for a free one.
    pub port: u16,
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Where the function's own SDK may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receivers {
    /// OTLP/gRPC.
    pub grpc: ListenAddress,
    /// OTLP/HTTP.
    pub http: ListenAddress,
    /// Kinds that are not taken, in the order of [`SignalKind::ALL`].
    pub disabled: [bool; 3],
}

impl Receivers {
    pub(super) fn read(settings: &mut Settings<'_>) -> Self {
        let mut address = |name: &str, port: u16| {
            let read = settings.read(name, &format!("host:port such as localhost:{port}"), parse::listen_address);
            read.unwrap_or_else(|| ListenAddress { host: "localhost".to_owned(), port })
        };
        let grpc = address("ROTEL_OTLP_GRPC_ENDPOINT", 4317);
        let http = address("ROTEL_OTLP_HTTP_ENDPOINT", 4318);
        let disabled = SignalKind::ALL.map(|kind| {
            let name = format!("ROTEL_OTLP_RECEIVER_{}_DISABLED", kind.as_str().to_ascii_uppercase());
            settings.read(&name, "true or false", parse::switch).unwrap_or_default()
        });
        Self { grpc, http, disabled }
    }

    /// Whether signals of `kind` are taken.
    #[must_use]
    pub const fn take(&self, kind: SignalKind) -> bool {
        !self.disabled[kind as usize]
    }

    /// Whether there is anything to listen for.
    #[must_use]
    pub fn take_any(&self) -> bool {
        SignalKind::ALL.into_iter().any(|kind| self.take(kind))
    }
}
