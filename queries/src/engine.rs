//! What turns `clickhouse local` into a server for as long as its standard input stays open.

/// Serves the HTTP interface.
pub const SERVE_HTTP: &str = include_str!("../sql/engine/serve_http.sql");

/// Serves the HTTP interface and the native protocol.
pub const SERVE_HTTP_AND_TCP: &str = include_str!("../sql/engine/serve_http_and_tcp.sql");
