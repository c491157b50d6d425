//! `lambdaview local`, as it is typed.

use std::path::PathBuf;

use clap::Args;

/// `lambdaview local`.
#[derive(Debug, Args)]
pub struct LocalArgs {
    /// Where the data is kept between runs. Default: lambdaview in $XDG_DATA_HOME, else in ~/.local/share.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// ClickHouse's HTTP port, the web UI's too; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8123)]
    pub http_port: u16,
    /// ClickHouse's native port; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 9000)]
    pub tcp_port: u16,
    /// The port for OTLP over gRPC; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 4317)]
    pub otlp_grpc_port: u16,
    /// The port for OTLP over HTTP; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 4318)]
    pub otlp_http_port: u16,
}

pub(super) const HELP: &str = "\
Runs until Ctrl-C and keeps its data. While it runs, the other commands find it without configuration.

JSON, one line when everything listens:
  {\"clickhouse_url\":\"...\",\"ui_url\":\"...\",\"otlp_grpc\":\"...\",\"otlp_http\":\"...\",\"data\":\"...\",\"pid\":1}";
