//! `lambdaview schema`, as it is typed.

use clap::{Args, Subcommand};
use lambdaview_queries::schema::additions::Addition;

/// `lambdaview schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SchemaCommand,
}

/// What to do with the additions.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Show what is there, what could be added, what that costs and what it buys. Changes nothing.
    Plan {
        /// Print the statements alone, for somebody who may run them.
        #[arg(long)]
        sql: bool,
    },
    /// Add it. Asks before.
    Apply {
        /// `functions`, `faas-name`. Default: each that is not there.
        #[arg(value_parser = addition)]
        additions: Vec<Addition>,
        /// Leave the rows that are there already as they are: what is added then tells only of later ones.
        #[arg(long)]
        no_backfill: bool,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Take it away again. Asks before.
    Drop {
        /// `functions`, `faas-name`.
        #[arg(value_parser = addition, required = true)]
        additions: Vec<Addition>,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

fn addition(text: &str) -> Result<Addition, String> {
    let known = Addition::ALL.into_iter().find(|addition| addition.as_str() == text);
    known.ok_or_else(|| format!("one of {}", Addition::ALL.map(Addition::as_str).join(", ")))
}

pub(super) const HELP: &str = "\
Everything works without: ClickStack's tables stay as they are. What is added is used as soon as it is there, by this program and
(faas-name) by ClickStack's web UI. The user needs ALTER and CREATE on the database; whoever lacks them hands `schema plan --sql` on.

Examples:
  lambdaview schema plan
  lambdaview schema apply functions
  lambdaview schema drop functions --yes";
