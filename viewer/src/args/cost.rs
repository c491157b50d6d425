//! `lambdaview cost`, as it is typed.

use std::path::PathBuf;

use clap::Args;

/// `lambdaview cost`.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// Read every record, and say first how many there are. Else of more than 250,000 log records a sample is read.
    #[arg(long)]
    pub exact: bool,
    /// Prices to use instead of the built-in ones; --show-rates prints those in the same form.
    #[arg(long, value_name = "FILE")]
    pub rates: Option<PathBuf>,
    /// Print the built-in prices, as a file to change, and stop.
    #[arg(long)]
    pub show_rates: bool,
}

pub(super) const HELP: &str = "\
What is measured: bytes and events in ClickHouse. What is modelled: CloudWatch's bill for the same lines. Every assumption is printed.

Examples:
  lambdaview cost --since 7d
  lambdaview cost --since 7d --exact             every record instead of a sample
  lambdaview cost --show-rates > rates.toml      then change it, and
  lambdaview cost --rates rates.toml";
