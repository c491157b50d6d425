//! The extension put on a function, as a user of ClickStack's Lambda guide puts it there.

use crate::{backend::Backend, function::Sample, lambda::Settings, machine};
use std::{net::SocketAddr, path::Path};

/// `settings` with the built extension, which sends OTLP by gRPC to the collector at `collector`.
///
/// The extension's receivers get the ports that they have on Lambda, on a loopback address of this environment's own; the
/// function's OpenTelemetry SDK is told about the one that its `OTEL_EXPORTER_OTLP_PROTOCOL` needs.
#[must_use]
pub fn attached(settings: Settings, collector: SocketAddr) -> Settings {
    attached_as(settings, collector, &machine::extension())
}

/// The same with the extension's program at another place, under another name.
#[must_use]
pub fn attached_as(settings: Settings, collector: SocketAddr, program: &Path) -> Settings {
    let own = machine::loopback();
    let grpc = settings.value("OTEL_EXPORTER_OTLP_PROTOCOL") == Some("grpc");
    let (protocol, port) = if grpc { ("grpc", 4317) } else { ("http/protobuf", 4318) };
    settings
        .extension(program)
        .variable("ROTEL_OTLP_EXPORTER_ENDPOINT", format!("http://{collector}"))
        .variable("ROTEL_OTLP_GRPC_ENDPOINT", format!("{own}:4317"))
        .variable("ROTEL_OTLP_HTTP_ENDPOINT", format!("{own}:4318"))
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{own}:{port}"))
        .variable("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
}

/// `settings` with the extension at `executable`, which sends OTLP to `backend` by `protocol` (`grpc`, `http`, `http/json`).
#[must_use]
pub fn towards(settings: Settings, executable: &Path, backend: &Backend, protocol: &str) -> Settings {
    let own = machine::loopback();
    let (scheme, settings) = match &backend.authority {
        None => ("http", settings),
        Some(authority) => ("https", settings.variable("ROTEL_OTLP_EXPORTER_TLS_CA_PEM", authority)),
    };
    settings
        .extension(executable)
        .variable("ROTEL_OTLP_EXPORTER_ENDPOINT", format!("{scheme}://{}", backend.address))
        .variable("ROTEL_OTLP_EXPORTER_PROTOCOL", protocol)
        .variable("ROTEL_OTLP_GRPC_ENDPOINT", format!("{own}:4317"))
        .variable("ROTEL_OTLP_HTTP_ENDPOINT", format!("{own}:4318"))
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{own}:4318"))
}

/// A sample function under its own name, without an extension.
///
/// # Panics
/// When Python or its packages cannot be had; the message says what to install.
#[must_use]
pub fn sample(sample: Sample) -> Settings {
    let program = sample.program().unwrap_or_else(|error| panic!("{error}"));
    Settings::new(sample.module(), program)
}
