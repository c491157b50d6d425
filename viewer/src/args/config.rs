//! `lambdaview config`, as it is typed.

use clap::{Args, Subcommand};

/// `lambdaview config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What to do with the configuration file.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigAction {
    /// Print the file, and say what is wrong with it.
    Show,
    /// Print where the file is, or would be.
    Path,
    /// Open the file in VISUAL or EDITOR, and say afterwards what is wrong with it.
    Edit,
}

pub(super) const HELP: &str = "\
The file, every key of which may be left out:
  context = \"prod\"                                  the context to use when nothing else is said
  [contexts.prod]
  url = \"https://clickhouse.example:8443\"
  user = \"viewer\"
  password = { keyring = \"lambdaview/prod\" }        or { file = \"PATH\" }, { command = [\"pass\", \"show\", \"x\"] }, { prompt = true }
  database = \"default\"
  ca = \"PATH\"                                       certificates to trust
  hyperdx = \"https://clickstack.example\"            ClickStack's web UI, for links
  fn_attr = \"faas.name\"                             the resource attribute that names a function, where it is another
  [defaults]
  tz = \"utc\"                                       the flags of these names: tz, color, theme, ascii, timeout
  color = \"auto\"
  timeout = \"30s\"
  [rates]                                           prices, as `lambdaview cost --show-rates` prints them

Examples:
  lambdaview config edit
  $EDITOR \"$(lambdaview config path)\"";
