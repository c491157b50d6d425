//! `lambdaview attach` and `detach`, as they are typed.

use std::path::PathBuf;

use clap::Args;
use lambdaview_queries::name::NamePattern;

use super::Timeout;

/// Which functions, and how they are changed.
#[derive(Clone, Debug, Args)]
pub struct ChangeArgs {
    /// Functions: names, globs, /regular expressions/, ARNs.
    #[arg(value_name = "F", required_unless_present = "tags")]
    pub functions: Vec<NamePattern>,
    /// Only functions with that tag; repeated: with all of them.
    #[arg(long = "tag", value_name = "K=V")]
    pub tags: Vec<String>,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
    /// The AWS region, where it is not the environment's or the profile's.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The AWS profile.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// `lambdaview attach`.
#[derive(Clone, Debug, Args)]
pub struct AttachArgs {
    /// Which functions, and how.
    #[command(flatten)]
    pub change: ChangeArgs,
    /// The layer's version; repeated for the other processor.
    #[arg(long = "layer", value_name = "ARN", conflicts_with = "publish", required_unless_present = "publish")]
    pub layers: Vec<String>,
    /// Publish the archives in this folder as the layer, unless they are its newest version: target/layer, where `make layer` puts them.
    #[arg(long, value_name = "FOLDER")]
    pub publish: Option<PathBuf>,
    /// ClickStack's OTLP endpoint.
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The secret with ClickStack's ingestion key: the ARN of a secret or parameter, `#key` for a field of it. Its value is not read.
    #[arg(long, value_name = "ARN")]
    pub secret: Option<String>,
    /// An attribute of everything that the function sends.
    #[arg(long = "resource", value_name = "K=V")]
    pub resource: Vec<String>,
    /// Any other variable: LAMBDAVIEW_FLUSH=end, ROTEL_EXPORTER=clickhouse.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Let the function's role read the secrets, and nothing else, by a policy of its own.
    #[arg(long)]
    pub grant: bool,
    /// Add OpenTelemetry's layer for the runtime, and its wrapper.
    #[arg(long)]
    pub instrument: bool,
    /// Overwrite variables that somebody else has set.
    #[arg(long)]
    pub replace: bool,
    /// Do not wait until something that a function sent is in ClickHouse.
    #[arg(long)]
    pub no_verify: bool,
    /// How long to wait for that.
    #[arg(long, value_name = "TIME", default_value = "2m")]
    pub wait: Timeout,
}

/// `lambdaview detach`.
#[derive(Clone, Debug, Args)]
pub struct DetachArgs {
    /// Which functions, and how.
    #[command(flatten)]
    pub change: ChangeArgs,
    /// Take from their roles what `attach --grant` allowed them, where no other function with the layer has the same role.
    #[arg(long)]
    pub revoke: bool,
}

pub(super) const HELP: &str = "\
Shows what changes, asks, changes only that, waits until Lambda has done it, and looks whether something of it arrives in ClickHouse.
Variables that are set to something else are left as they are, and the function refused, unless --replace is given. What is set is
marked by tags of the function (lambdaview:NAME), so that `detach` takes away that and nothing else.

Examples:
  lambdaview attach orders --publish target/layer --endpoint https://clickstack.example.com:4317 \\
      --secret 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:clickstack-AbCdEf#api_key' --grant
  lambdaview attach 'pay-*' --tag team=shop --layer arn:aws:lambda:eu-west-1:123456789012:layer:lambdaview-extension-x86_64:3 --dry-run
  lambdaview detach orders";
