//! `lambdaview help`, `man` and `completions`: the command line told about itself. They ask nobody.

use std::path::Path;

use clap::CommandFactory as _;

use super::write;
use crate::{
    args::{Cli, CompletionsArgs, HelpArgs, ManArgs},
    error::Error,
    help,
    settings::{self, Config, Environment, usage},
    similar,
};

/// `lambdaview help`: a topic, a command, or everything.
///
/// # Errors
/// When there is no such topic and no such command.
pub fn help(args: &HelpArgs, cli: &Cli, environment: &impl Environment) -> Result<(), Error> {
    if let [topic] = &args.words[..]
        && let Some(text) = help::topic(topic)
    {
        return write(text);
    }
    let mut command = Cli::command();
    // Gives each command the flags that all have.
    command.build();
    let mut found = &mut command;
    for word in &args.words {
        let known: Vec<String> = found.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        found = found.find_subcommand_mut(word).ok_or_else(|| unknown(word, known))?;
    }
    // A fault of the configuration is no reason to withhold help.
    let config = Config::load(environment).unwrap_or_default();
    let text = found.render_long_help();
    let colour = settings::look(&cli.display, &config, environment).colour;
    write(&if colour { text.ansi().to_string() } else { text.to_string() })
}

fn unknown(word: &str, commands: Vec<String>) -> Error {
    let known: Vec<String> = help::TOPICS.iter().map(|topic| topic.name.to_owned()).chain(commands).collect();
    let next = format!("lambdaview help TOPIC, with one of {}", help::names());
    let what = format!("there is no topic and no command {word}");
    Error::NotFound { what, similar: similar::similar(word, &known), next }
}

/// `lambdaview man`.
///
/// # Errors
/// When the folder cannot be written into.
pub fn man(args: &ManArgs) -> Result<(), Error> {
    match &args.dir {
        Some(dir) => pages(dir),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            write(&String::from_utf8_lossy(&page))
        }
    }
}

fn pages(dir: &Path) -> Result<(), Error> {
    let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Cli::command(), dir));
    written.map_err(|error| usage(&format!("the pages cannot be written into {}: {error}", dir.display()), None))
}

/// `lambdaview completions`.
///
/// # Errors
/// When nobody reads on.
pub fn completions(args: &CompletionsArgs) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lambdaview", &mut script);
    write(&String::from_utf8_lossy(&script))
}
