//! `lambdaview config`: the configuration file as a file.

use std::{
    io::{IsTerminal as _, Write as _},
    path::Path,
    process::Command,
};

use super::write;
use crate::{
    args::ConfigAction,
    error::Error,
    format::inert,
    settings::{self, Config, Environment, config, usage},
};

/// What `config edit` starts with where there is no file.
const TEMPLATE: &str = include_str!("config_template.toml");

/// `lambdaview config`.
///
/// # Errors
/// When the file cannot be read, written, or understood, or the editor fails.
pub fn config(action: ConfigAction, environment: &impl Environment) -> Result<(), Error> {
    let path = config::path(environment)?;
    match action {
        ConfigAction::Path => write(&format!("{}\n", shown(&path.display().to_string()))),
        ConfigAction::Show => show(&path),
        ConfigAction::Edit => edit(&path, &settings::editor(environment)),
    }
}

fn show(path: &Path) -> Result<(), Error> {
    let Some(text) = config::text(path)? else {
        // Nobody may be listening on stderr, which is no reason to fail.
        let _ = writeln!(
            std::io::stderr(),
            "lambdaview: there is no {} yet; `lambdaview context add` or `lambdaview config edit` makes it",
            inert(&path.display().to_string())
        );
        return Ok(());
    };
    write(&shown(&text))?;
    checked(&text, path)
}

fn checked(text: &str, path: &Path) -> Result<(), Error> {
    let config = Config::parse(text, path)?;
    config.context.as_deref().map_or(Ok(()), |name| config.named(name).map(drop))
}

/// The file's text: as it is for a program, inert for a terminal; what stands before an `@` in an address is nobody's to see.
fn shown(text: &str) -> String {
    let text = without_userinfo(text);
    if !std::io::stdout().is_terminal() {
        return text;
    }
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => format!("{}\n", inert(line)),
            None => inert(line).into_owned(),
        })
        .collect()
}

/// `https://user:password@host` as `https://***@host`.
fn without_userinfo(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("://");
        let host = part.find(['/', '?', '"', '\'', '\n', ' ']).unwrap_or(part.len());
        match part[..host].rfind('@') {
            Some(at) => shown.push_str(&format!("***{}", &part[at..])),
            None => shown.push_str(part),
        }
    }
    shown
}

fn edit(path: &Path, editor: &str) -> Result<(), Error> {
    if config::text(path)?.is_none() {
        config::write(path, TEMPLATE)?;
    }
    // Through a shell, as git does it: EDITOR may be "code --wait".
    let script = format!("{editor} \"$1\"");
    let done = Command::new("sh").args(["-c", &script, "sh"]).arg(path).status()?;
    if !done.success() {
        return Err(usage(&format!("the editor {editor} failed ({done})"), Some("another one in EDITOR")));
    }
    config::text(path)?.map_or(Ok(()), |text| checked(&text, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_new_file_starts_with_configures_nothing_and_is_right_when_uncommented() {
        assert!(Config::parse(TEMPLATE, Path::new("x")).unwrap().contexts.is_empty());
        let keys = TEMPLATE.lines().filter_map(|line| line.strip_prefix("#: ")).collect::<Vec<_>>().join("\n");
        let config = Config::parse(&keys, Path::new("x")).unwrap();
        assert!(config.named("prod").unwrap().password.is_some(), "{keys}");
    }

    #[test]
    fn a_password_that_stands_in_an_address_is_not_shown() {
        let text = "url = \"https://u:hunter2@ch:8443/a@b\" # see http://x/y@z\n";
        assert_eq!(without_userinfo(text), "url = \"https://***@ch:8443/a@b\" # see http://x/y@z\n");
    }
}
