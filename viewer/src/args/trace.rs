//! `lambdaview trace`, as it is typed.

use clap::Args;

/// `lambdaview trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// A trace id (32 hexadecimal digits), X-Ray's form of it (1-…-…, or a whole X-Amzn-Trace-Id header),
    /// or a Lambda request id.
    pub id: String,
    /// Print log lines whole, instead of their first line as far as it fits.
    #[arg(long)]
    pub full: bool,
}

pub(super) const HELP: &str = "\
JSON, one object a line, in order of time: {\"kind\":\"span\",...} or {\"kind\":\"line\",...} with the fields of `tail -o json`.

Examples:
  lambdaview trace 5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b
  lambdaview trace 1-5f84c7a1-d2e34b5f8a9b0c1d2e3f4a5b
  lambdaview trace 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11        a Lambda request id";
