//! `lambdaview help`, `man` and `completions`, as they are typed.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `lambdaview help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A topic, or a command: `help time`, `help tail`, `help context add`.
    #[arg(value_name = "TOPIC|COMMAND")]
    pub words: Vec<String>,
}

/// `lambdaview man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// A folder to write a page for each command into, instead of printing the first one.
    pub dir: Option<PathBuf>,
}

/// `lambdaview completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: Shell,
}

pub(super) const MAN_HELP: &str = "\
Examples:
  lambdaview man | man -l -
  lambdaview man ~/.local/share/man/man1        then `man lambdaview-tail`";

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  lambdaview completions bash > ~/.local/share/bash-completion/completions/lambdaview
  lambdaview completions zsh > \"${fpath[1]}/_lambdaview\"
  lambdaview completions fish > ~/.config/fish/completions/lambdaview.fish";
