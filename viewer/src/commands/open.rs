//! `lambdaview open`: from what was pasted to the command line that shows it.

use std::io::Write as _;

use clap::Parser as _;

use super::write;
use crate::{
    args::{Cli, OpenArgs, Span},
    error::Error,
    format::inert,
    places::{self, Thing},
    settings::usage,
};

/// The command line that shows what was pasted, with the flags that were typed; nothing when it was only to be printed.
///
/// # Errors
/// When its form says nothing.
pub fn opened(args: &OpenArgs, cli: &Cli) -> Result<Option<Cli>, Error> {
    let Thing { what, command } = places::recognise(&args.anything)
        .map_err(|error| usage(&format!("{}: {error}", inert(&args.anything)), Some("lambdaview open --help")))?;
    let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    let line = format!("lambdaview {}", words.join(" "));
    if args.print {
        write(&format!("{line}\n"))?;
        return Ok(None);
    }
    if !cli.display.quiet {
        // Nobody may be listening on stderr, which is no reason to fail.
        let _ = writeln!(std::io::stderr(), "lambdaview: {}: {}", inert(&what), inert(&line));
    }
    // What begins with a dash would be a flag.
    let parsed = Cli::try_parse_from(std::iter::once("lambdaview").chain(command.iter().map(String::as_str)))
        .map_err(|_| usage(&format!("{}: not a name that a function can have", inert(&args.anything)), None))?;
    let span = Span { since: cli.span.since.or(parsed.span.since), until: cli.span.until.or(parsed.span.until) };
    Ok(Some(Cli { command: parsed.command, connection: cli.connection.clone(), span, display: cli.display.clone() }))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '%' | '+' | ',');
    let word = inert(word);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
