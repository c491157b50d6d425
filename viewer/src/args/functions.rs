//! `lambdaview functions`, as it is typed.

use clap::Args;

/// `lambdaview functions`.
#[derive(Debug, Args)]
pub struct FunctionsArgs {}
