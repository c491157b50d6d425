//! `lambdaview context`, as it is typed.

use clap::{Args, Subcommand};

use crate::settings::AttributeName;

/// `lambdaview context`.
#[derive(Debug, Args)]
pub struct ContextArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ContextAction,
}

/// What to do with contexts.
#[derive(Debug, Subcommand)]
pub enum ContextAction {
    /// List the contexts; `*` marks the one that is used when nothing else is said.
    #[command(alias = "list")]
    Ls,
    /// Use a context when nothing else is said.
    Use {
        /// Its name.
        name: String,
    },
    /// Add a context, made of the flags under Connection: --url, --user, --database, --ca and where the password is.
    #[command(after_help = ADD_HELP)]
    Add(AddArgs),
    /// Show where ClickHouse is, and what says so.
    Show {
        /// A context, instead of what would be used now.
        name: Option<String>,
    },
}

/// `lambdaview context add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Its name.
    pub name: String,
    /// Keep the password in the system's keyring, which asks for it now. ENTRY is SERVICE/USER; default: lambdaview/NAME.
    #[arg(
        long,
        value_name = "ENTRY",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with_all = ["password_file", "ask_password", "password_command"]
    )]
    pub keyring: Option<Option<String>>,
    /// A program that prints the password on its first line, with its arguments: "pass show clickhouse".
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["password_file", "ask_password"])]
    pub password_command: Option<String>,
    /// The address of ClickStack's web UI, for links to it.
    #[arg(long, value_name = "URL")]
    pub hyperdx: Option<String>,
    /// The attribute of the resource that names a function, where it is not faas.name.
    #[arg(long, value_name = "NAME")]
    pub fn_attr: Option<AttributeName>,
    /// Use it from now on when nothing else is said.
    #[arg(long = "use")]
    pub use_it: bool,
    /// Replace the context of that name, if there is one.
    #[arg(long)]
    pub replace: bool,
}

pub(super) const HELP: &str = "\
A context is a server under a name. They stand in config.toml (`lambdaview config path` says where), which `context add` and
`context use` change without touching its comments.

JSON, one object a context: {\"context\":\"prod\",\"current\":true,\"url\":\"...\",\"user\":\"...\",\"database\":\"...\",\"password\":\"keyring lambdaview/prod\"}

Examples:
  lambdaview context add prod --url https://ch.example:8443 --user viewer --keyring --use
  lambdaview context ls
  lambdaview -c prod functions";

const ADD_HELP: &str = "\
A password is never an argument. Without one of --keyring, --password-file, --password-command and --ask-password it comes from
CLICKHOUSE_PASSWORD, if that is set.

Examples:
  lambdaview context add prod --url https://ch.example:8443 --user viewer --keyring
  lambdaview context add prod --url https://ch.example:8443 --user viewer --password-command \"op read op://ops/clickhouse/password\"
  lambdaview context add ci --url http://ch:8123 --password-file /run/secrets/clickhouse";
