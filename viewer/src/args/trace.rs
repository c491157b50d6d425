//! `lambdaview trace`, as it is typed.

use clap::Args;

use super::Output;

/// `lambdaview trace`.
#[derive(Debug, Default, Args)]
pub struct TraceArgs {
    /// A trace id (32 hexadecimal digits), X-Ray's form of it (1-…-…, or a whole X-Amzn-Trace-Id header),
    /// or a Lambda request id.
    pub id: String,
    /// Print the picture, also on a terminal, instead of opening it in the viewer.
    #[arg(long = "static")]
    pub is_static: bool,
    /// In order of time, without the tree.
    #[arg(long)]
    pub flat: bool,
    /// Only spans, no log lines.
    #[arg(long)]
    pub no_logs: bool,
    /// Only so many levels of the tree.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub depth: Option<u64>,
    /// Only what failed: failed spans and error lines, and the spans that they stand under.
    #[arg(long)]
    pub errors: bool,
    /// Print log lines whole, instead of their first line as far as it fits.
    #[arg(long)]
    pub full: bool,
}

impl TraceArgs {
    /// Whether a terminal gets the viewer, and not text.
    #[must_use]
    pub fn opens_viewer(&self, output: Option<Output>) -> bool {
        !self.is_static && !self.full && output.is_none()
    }
}

pub(super) const HELP: &str = "\
JSON, one object a line, in order of time: {\"kind\":\"span\",...} or {\"kind\":\"line\",...} with the fields of `tail -o json`.

On a terminal it opens in the viewer (keys: ?); with --static, --full or -o, and into a pipe, it is printed.

Examples:
  lambdaview trace 5f84c7a1d2e34b5f8a9b0c1d2e3f4a5b
  lambdaview trace 1-5f84c7a1-d2e34b5f8a9b0c1d2e3f4a5b
  lambdaview trace 7f3a91c2-3f0e-4a53-9d0c-0a6d6c4f1b11        a Lambda request id";
