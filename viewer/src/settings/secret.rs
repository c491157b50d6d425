//! Passwords: text that is never printed, and the places it is fetched from. None of them is an argument.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use super::usage;
use crate::error::Error;

/// Text that is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` from being printed.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a context's password is, as `config.toml` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// `{ keyring = "lambdaview/prod" }`: the system's keyring, an entry by service and user.
    Keyring(String),
    /// `{ file = "PATH" }`: its first line.
    File(PathBuf),
    /// `{ command = ["pass", "show", "prod"] }`: the first line that a program prints.
    Command(Vec<String>),
    /// `{ prompt = true }`: asked for on the terminal, each time.
    Prompt,
}

impl PasswordSource {
    /// What it is, without what it holds.
    #[must_use]
    pub fn described(&self) -> String {
        match self {
            Self::Keyring(entry) => format!("keyring {entry}"),
            Self::File(file) => format!("file {}", file.display()),
            Self::Command(words) => format!("command {}", words.first().map_or("", String::as_str)),
            Self::Prompt => "prompt".to_owned(),
        }
    }

    /// The password; `None` when it has to be asked for.
    ///
    /// # Errors
    /// When the file, the keyring or the program does not give it.
    pub fn fetch(&self) -> Result<Option<Secret>, Error> {
        match self {
            Self::Keyring(entry) => keyring(entry).map(Some),
            Self::File(file) => read(file).map(Some),
            Self::Command(words) => printed_by(words).map(Some),
            Self::Prompt => Ok(None),
        }
    }
}

/// The first line of a file.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(file: &Path) -> Result<Secret, Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| usage(&format!("the password file {} cannot be read: {error}", file.display()), None))?;
    Ok(first_line(&text))
}

fn first_line(text: &str) -> Secret {
    Secret(text.lines().next().unwrap_or_default().to_owned())
}

fn printed_by(words: &[String]) -> Result<Secret, Error> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(usage(
            "the password's command is empty",
            Some("password = { command = [\"pass\", \"show\", \"NAME\"] }"),
        ));
    };
    // It may ask for a passphrase, on the terminal: only what it prints is ours.
    let done = Command::new(program).args(arguments).stdout(Stdio::piped()).stderr(Stdio::inherit()).output();
    let done =
        done.map_err(|error| usage(&format!("the password's command {program} cannot be run: {error}"), None))?;
    if !done.status.success() {
        return Err(usage(&format!("the password's command {program} failed ({})", done.status), None));
    }
    Ok(first_line(&String::from_utf8_lossy(&done.stdout)))
}

/// The platform's own tool reads and writes its keyring: no library of ours stays in memory beside a password, and the entry is
/// one that people can see and change by hand.
fn keyring(entry: &str) -> Result<Secret, Error> {
    let (service, user) = parts(entry);
    let (program, arguments): (_, Vec<&str>) = if cfg!(target_os = "macos") {
        ("security", vec!["find-generic-password", "-s", service, "-a", user, "-w"])
    } else {
        ("secret-tool", vec!["lookup", "service", service, "username", user])
    };
    let done = Command::new(program).args(arguments).stderr(Stdio::piped()).output();
    let done = done.map_err(|error| no_tool(program, &error))?;
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    if done.status.success() && !done.stdout.is_empty() {
        return Ok(first_line(&String::from_utf8_lossy(&done.stdout)));
    }
    let why = if said.is_empty() { "it is not there".to_owned() } else { said };
    Err(usage(&format!("the keyring's entry {entry} cannot be read: {why}"), Some(&put_by_hand(entry))))
}

/// Lets the platform's tool ask for a password and keep it.
///
/// # Errors
/// When there is no such tool, or it fails.
pub fn put_into_keyring(entry: &str) -> Result<(), Error> {
    let words = storing(entry);
    let done = Command::new(&words[0]).args(&words[1..]).status().map_err(|error| no_tool(&words[0], &error))?;
    if done.success() {
        return Ok(());
    }
    Err(usage(&format!("{} did not keep the password ({done})", words[0]), Some(&put_by_hand(entry))))
}

fn storing(entry: &str) -> Vec<String> {
    let (service, user) = parts(entry);
    let words: Vec<&str> = if cfg!(target_os = "macos") {
        // `-w` at the end and without a value: it asks for the password.
        vec!["security", "add-generic-password", "-U", "-s", service, "-a", user, "-w"]
    } else {
        vec!["secret-tool", "store", "--label", entry, "service", service, "username", user]
    };
    words.into_iter().map(str::to_owned).collect()
}

fn put_by_hand(entry: &str) -> String {
    format!("`{}` puts it there; the keyring must be unlocked", storing(entry).join(" "))
}

fn no_tool(program: &str, error: &std::io::Error) -> Error {
    let next = match program {
        "secret-tool" => "install secret-tool (Debian: libsecret-tools), or use { file = .. } or { command = [..] }",
        _ => "password = { file = .. } or { command = [..] } in config.toml",
    };
    usage(&format!("the keyring's tool {program} cannot be run: {error}"), Some(next))
}

/// `service/user`; both the same where there is no slash.
fn parts(entry: &str) -> (&str, &str) {
    entry.split_once('/').unwrap_or((entry, entry))
}

impl<'de> Deserialize<'de> for PasswordSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneSource)
    }
}

/// Reads one of the four forms. Whatever else stands there may be a password, so no message repeats it.
struct OneSource;

const FORMS: &str = "a password does not stand in this file: { keyring = \"..\" }, { file = \"..\" }, { command = [\"..\"] } or { prompt = true } says where it is";

impl<'de> Visitor<'de> for OneSource {
    type Value = PasswordSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("where the password is")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<PasswordSource, E> {
        Err(E::custom(FORMS))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<PasswordSource, E> {
        Err(E::custom(FORMS))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<PasswordSource, E> {
        Err(E::custom(FORMS))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PasswordSource, A::Error> {
        let Some(form) = map.next_key::<String>()? else { return Err(de::Error::custom(FORMS)) };
        let source = match form.as_str() {
            "keyring" => map.next_value().map(PasswordSource::Keyring),
            "file" => map.next_value().map(PasswordSource::File),
            "command" => map.next_value().map(PasswordSource::Command),
            "prompt" => map.next_value::<bool>().map(|_| PasswordSource::Prompt),
            _ => return Err(de::Error::custom(FORMS)),
        };
        // A value of the wrong type would be repeated by the deserializer's own message.
        let source = source.map_err(|_| de::Error::custom(FORMS))?;
        if map.next_key::<String>()?.is_some() { Err(de::Error::custom(FORMS)) } else { Ok(source) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Holder {
        password: PasswordSource,
    }

    fn parsed(text: &str) -> Result<PasswordSource, String> {
        let holder = toml_edit::de::from_str::<Holder>(&format!("password = {text}"));
        holder.map(|holder| holder.password).map_err(|error| error.to_string())
    }

    #[test]
    fn each_place_of_a_password_is_understood() {
        assert_eq!(parsed("{ keyring = \"a/b\" }"), Ok(PasswordSource::Keyring("a/b".to_owned())));
        assert_eq!(parsed("{ file = \"/x\" }"), Ok(PasswordSource::File("/x".into())));
        assert_eq!(parsed("{ command = [\"a\", \"b\"] }"), Ok(PasswordSource::Command(vec!["a".into(), "b".into()])));
        assert_eq!(parsed("{ prompt = true }"), Ok(PasswordSource::Prompt));
    }

    #[test]
    fn a_password_in_the_file_is_refused_by_a_message_that_does_not_repeat_it() {
        for text in [
            "\"hunter2\"",
            "4711",
            "{ value = \"hunter2\" }",
            "{ keyring = 4711 }",
            "{ file = \"x\", a = \"hunter2\" }",
            "47.11",
            "{}",
        ] {
            let error = toml_edit::de::from_str::<Holder>(&format!("password = {text}")).unwrap_err();
            assert_eq!(error.message(), FORMS, "{text}");
        }
    }

    #[test]
    fn a_program_gives_the_first_line_that_it_prints() {
        let command = |script: &str| PasswordSource::Command(vec!["sh".into(), "-c".into(), script.into()]).fetch();
        assert_eq!(command("echo hunter2; echo more").unwrap().unwrap().reveal(), "hunter2");
        assert!(command("exit 3").unwrap_err().to_string().contains("exit status: 3"));
        assert!(PasswordSource::Command(vec!["/nowhere/x".into()]).fetch().is_err());
    }

    #[test]
    fn what_describes_a_place_holds_no_arguments() {
        let source = PasswordSource::Command(vec!["vault".into(), "--token=hunter2".into()]);
        assert_eq!(source.described(), "command vault");
    }
}
