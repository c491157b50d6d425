//! The local stack as a person would start it: the built `lambdaview local`, on free ports, with a data directory of its own.

use lambdaview_tests::machine;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;
use std::{error::Error, net::SocketAddr, process::Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// A running `lambdaview local`.
pub(crate) struct Stack {
    pub(crate) clickhouse_url: String,
    pub(crate) otlp_grpc: SocketAddr,
    ui_url: String,
    process: Child,
    data: TempDir,
    keep: bool,
}

/// The line that `lambdaview local -o json` prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    clickhouse_url: String,
    ui_url: String,
    otlp_grpc: String,
}

impl Stack {
    /// Starts it and waits until it is ready; what it says on the way (a download, say) goes to the terminal.
    pub(crate) async fn start(keep: bool) -> Result<Self, Box<dyn Error>> {
        let mut data = TempDir::with_prefix("lambdaview-demo-")?;
        data.disable_cleanup(keep);
        let mut command = Command::new(machine::viewer());
        command.args(["local", "-o", "json", "--data"]).arg(data.path());
        for port in ["--http-port", "--tcp-port", "--otlp-grpc-port", "--otlp-http-port"] {
            command.args([port, "0"]);
        }
        // A group of its own: Ctrl-C is for the demonstration, which ends the stack in order, or keeps it.
        command.process_group(0).kill_on_drop(!keep).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let stdout = process.stdout.take().expect("it is piped");
        let Some(line) = BufReader::new(stdout).lines().next_line().await? else {
            return Err("`lambdaview local` did not start: see above".into());
        };
        let ready: Ready = serde_json::from_str(&line)?;
        let otlp_grpc = ready.otlp_grpc.trim_start_matches("http://").parse()?;
        Ok(Self { clickhouse_url: ready.clickhouse_url, otlp_grpc, ui_url: ready.ui_url, process, data, keep })
    }

    /// Says how to go on, and ends the stack unless it is to be kept.
    pub(crate) async fn farewell(mut self) {
        if self.keep {
            return self.stays_up();
        }
        if let Some(pid) = self.process.id() {
            let _it_may_be_gone = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
        }
        if let Err(error) = self.process.wait().await {
            eprintln!("lambdaview local: {error}");
        }
        let binary = machine::viewer();
        println!("\nEverything is stopped and removed again. To go on by hand:");
        println!("  make demo KEEP=1     the same, and the stack stays up");
        println!("  {} local     an empty stack on the usual ports, kept between runs", binary.display());
    }

    fn stays_up(&self) {
        let binary = machine::viewer();
        println!("\nThe stack stays up. Look around:");
        println!("  export CLICKHOUSE_URL={}", self.clickhouse_url);
        for arguments in ["functions", "tail payments", "trace ID", "cost"] {
            println!("  {} {arguments}", binary.display());
        }
        println!("  web UI          {}", self.ui_url);
        println!("  stop it         kill {}", self.process.id().unwrap_or_default());
        println!("  remove its data rm -r {}", self.data.path().display());
    }
}
