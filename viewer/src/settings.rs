//! Where ClickHouse is and how output looks: from flags, a context of the configuration file, the environment, the local
//! stack, in this order. The environment is read here and nowhere else in this program.

pub mod config;
mod origin;
mod secret;

pub use config::{AttributeName, Config, Context};
pub use origin::{Origin, origin};
pub use secret::{PasswordSource, Secret, put_into_keyring};

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::{
    args::{Colour, Connection, Display, Theme, Timestamps},
    error::{Error, Place},
    format::Zone,
};

/// ClickHouse's HTTP address.
pub const CLICKHOUSE_URL: &str = "CLICKHOUSE_URL";
/// The user.
pub const CLICKHOUSE_USER: &str = "CLICKHOUSE_USER";
/// The user's password.
pub const CLICKHOUSE_PASSWORD: &str = "CLICKHOUSE_PASSWORD";
/// The database that holds ClickStack's tables.
pub const CLICKHOUSE_DATABASE: &str = "CLICKHOUSE_DATABASE";
/// A file of certificates to trust.
pub const CLICKHOUSE_CA: &str = "CLICKHOUSE_CA";
/// A context of the configuration file.
pub const LAMBDAVIEW_CONTEXT: &str = "LAMBDAVIEW_CONTEXT";
/// Set to anything: no colours (<https://no-color.org>).
pub const NO_COLOR: &str = "NO_COLOR";
/// How wide output is when it is not a terminal's.
pub const COLUMNS: &str = "COLUMNS";
/// What long answers are read with on a terminal.
pub const PAGER: &str = "PAGER";
const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
const HOME: &str = "HOME";
const VISUAL: &str = "VISUAL";
const EDITOR: &str = "EDITOR";

/// Where the local stack listens when nothing says otherwise.
const LOCAL_URL: &str = "http://127.0.0.1:8123";
const DATABASE: &str = "default";
/// How long the server may work on one question.
const LIMIT: Duration = Duration::from_secs(30);

/// The variables of the process, or of a test.
pub trait Environment {
    /// The value of a variable that is set and not empty.
    fn get(&self, name: &str) -> Option<OsString>;

    /// The same, as text.
    fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(|value| value.into_string().ok())
    }

    /// A folder of the user: `variable/lambdaview`, else `~/default/lambdaview`.
    fn folder(&self, variable: &str, default: &str) -> Option<PathBuf> {
        let base = self.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        base.or_else(|| self.get(HOME).map(|home| Path::new(&home).join(default))).map(|base| base.join("lambdaview"))
    }
}

/// The process's own variables.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }
}

/// Where ClickHouse is and who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// What messages name: URL, user, database.
    pub place: Place,
    /// The password; none is fine for ClickHouse.
    pub password: Option<Secret>,
    /// Whether it has to be asked for on the terminal.
    pub prompt: bool,
    /// Certificates in PEM to trust instead of the compiled-in ones.
    pub ca: Option<PathBuf>,
    /// How long the server may work on one question.
    pub limit: Duration,
    /// The context that was chosen.
    pub context: Option<String>,
    /// The address of ClickStack's web UI.
    pub hyperdx: Option<String>,
    /// The attribute of the resource that names a function, where it is not `faas.name`.
    pub fn_attr: Option<AttributeName>,
}

/// How output looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// In which zone times are.
    pub zone: Zone,
    /// Whether there are colours.
    pub colour: bool,
    /// Whether a person watches, on a terminal.
    pub terminal: bool,
    /// How many columns there are.
    pub columns: usize,
    /// How times are shown.
    pub timestamps: Timestamps,
    /// Colours for which ground.
    pub theme: Theme,
    /// Nothing but ASCII.
    pub ascii: bool,
    /// Whether stderr keeps to errors.
    pub quiet: bool,
    /// Whether stderr says more.
    pub verbose: bool,
}

/// What a running `lambdaview local` leaves in its data folder.
#[derive(Debug, Deserialize)]
struct LocalStack {
    clickhouse_url: String,
}

/// Where a context was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// `--context`, or LAMBDAVIEW_CONTEXT.
    Asked,
    /// The file's own `context = ".."`.
    Usual,
}

/// The context that holds, if any. The usual one gives way to an address that was named: its password is for its own server.
///
/// # Errors
/// When there is none of the name that was asked for.
pub fn context<'a>(
    flags: &'a Connection,
    config: &'a Config,
    environment: &impl Environment,
) -> Result<Option<(String, &'a Context, Named)>, Error> {
    if let Some(name) = flags.context.clone().or_else(|| environment.text(LAMBDAVIEW_CONTEXT)) {
        let context = config.named(&name)?;
        return Ok(Some((name, context, Named::Asked)));
    }
    let elsewhere = flags.url.is_some() || environment.get(CLICKHOUSE_URL).is_some();
    match &config.context {
        Some(name) if !elsewhere => Ok(Some((name.clone(), config.named(name)?, Named::Usual))),
        _ => Ok(None),
    }
}

/// Puts together where ClickHouse is.
///
/// # Errors
/// When there is no such context, or its password cannot be had.
pub fn target(flags: &Connection, config: &Config, environment: &impl Environment) -> Result<Target, Error> {
    let named = context(flags, config, environment)?;
    let name = named.as_ref().map(|(name, ..)| name.clone());
    let context = named.as_ref().map(|(_, context, _)| (*context).clone()).unwrap_or_default();
    let url = flags.url.clone().or(context.url).or_else(|| environment.text(CLICKHOUSE_URL));
    let user = flags.user.clone().or(context.user).or_else(|| environment.text(CLICKHOUSE_USER));
    let database = flags.database.clone().or(context.database).or_else(|| environment.text(CLICKHOUSE_DATABASE));
    let ca = flags.ca.clone().or(context.ca).or_else(|| environment.get(CLICKHOUSE_CA).map(PathBuf::from));
    let is_local = url.is_none();
    let url = url.unwrap_or_else(|| local_url(environment));
    let place =
        Place { url: checked_url(&url)?, user, database: database.unwrap_or_else(|| DATABASE.to_owned()), is_local };
    let (password, prompt) = password(flags, context.password.as_ref(), environment)?;
    let limit = flags.timeout.or(config.defaults.timeout).map_or(LIMIT, |timeout| timeout.0);
    // The local stack has its web UI beside its tables.
    let hyperdx = context.hyperdx.or_else(|| is_local.then(|| format!("{}/clickstack", place.url)));
    Ok(Target { place, password, prompt, ca, limit, context: name, hyperdx, fn_attr: context.fn_attr })
}

/// The password, or that it has to be asked for.
fn password(
    flags: &Connection,
    source: Option<&PasswordSource>,
    environment: &impl Environment,
) -> Result<(Option<Secret>, bool), Error> {
    if let Some(file) = &flags.password_file {
        return Ok((Some(secret::read(file)?), false));
    }
    if flags.ask_password || source == Some(&PasswordSource::Prompt) {
        return Ok((None, true));
    }
    match source {
        Some(source) => Ok((source.fetch()?, false)),
        None => Ok((environment.text(CLICKHOUSE_PASSWORD).map(Secret::new), false)),
    }
}

/// How output on stdout looks.
#[must_use]
pub fn look(flags: &Display, config: &Config, environment: &impl Environment) -> Look {
    let terminal = io::stdout().is_terminal();
    let colour = match flags.color.or(config.defaults.color).unwrap_or_default() {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && environment.get(NO_COLOR).is_none(),
    };
    let asked = environment.text(COLUMNS).and_then(|columns| columns.parse().ok());
    let seen = if terminal { crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)) } else { None };
    let columns = seen.filter(|columns| *columns > 0).or(asked).unwrap_or(100);
    Look {
        zone: zone(flags, config),
        colour,
        terminal,
        columns: columns.max(40),
        timestamps: flags.timestamps.unwrap_or_default(),
        theme: flags.theme.or(config.defaults.theme).unwrap_or_default(),
        ascii: flags.ascii || config.defaults.ascii,
        quiet: flags.quiet,
        verbose: flags.verbose,
    }
}

/// The zone of times: from flags, else from the configuration, else the machine's.
fn zone(flags: &Display, config: &Config) -> Zone {
    let flag = flags.tz.or(flags.utc.then_some(Zone::Utc)).or(flags.local.then_some(Zone::Local));
    flag.or(config.defaults.tz).unwrap_or_default()
}

/// The command that long answers are read with: where a person reads them on a terminal and did not ask for none.
#[must_use]
pub fn pager(flags: &Display, environment: &impl Environment) -> Option<String> {
    if flags.no_pager || !io::stdout().is_terminal() {
        return None;
    }
    // -R: colours; -F: what fits on a screen is only printed; -X: it stays there.
    let pager = environment.text(PAGER).unwrap_or_else(|| "less -R -F -X".to_owned());
    (pager != "cat").then_some(pager)
}

/// Where the local stack keeps its data when nothing else is said; `None` without a home.
#[must_use]
pub fn data_folder(environment: &impl Environment) -> Option<PathBuf> {
    environment.folder(XDG_DATA_HOME, ".local/share")
}

/// The editor that the user likes, which may come with arguments.
#[must_use]
pub fn editor(environment: &impl Environment) -> String {
    environment.text(VISUAL).or_else(|| environment.text(EDITOR)).unwrap_or_else(|| "vi".to_owned())
}

/// The address that a running `lambdaview local` wrote down, else the usual one.
fn local_url(environment: &impl Environment) -> String {
    let file = data_folder(environment).map(|folder| folder.join("local.json"));
    let stack = file
        .and_then(|file| std::fs::read(file).ok())
        .and_then(|json| serde_json::from_slice::<LocalStack>(&json).ok());
    stack.map_or_else(|| LOCAL_URL.to_owned(), |stack| stack.clickhouse_url)
}

/// A URL that can be sent to. A password in it would be printed with it, so it is refused.
///
/// # Errors
/// When it is no such address.
pub fn checked_url(url: &str) -> Result<String, Error> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
    match host {
        Some(host) if host.contains('@') => Err(usage(
            "the URL holds a user or a password",
            Some("--user NAME and CLICKHOUSE_PASSWORD or --password-file"),
        )),
        Some(host) if !host.is_empty() => Ok(url.to_owned()),
        _ => Err(usage(
            &format!("{url} is not the address of an HTTP server"),
            Some("--url http://HOST:8123 or https://HOST:8443"),
        )),
    }
}

/// An error of usage.
pub(crate) fn usage(what: &str, next: Option<&str>) -> Error {
    Error::Usage { what: what.to_owned(), next: next.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    struct Variables(HashMap<&'static str, String>);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<OsString> {
            self.0.get(name).map(OsString::from)
        }
    }

    fn variables<const N: usize>(variables: [(&'static str, &str); N]) -> Variables {
        Variables(variables.map(|(name, value)| (name, value.to_owned())).into())
    }

    fn home_with(file: &str, text: &str) -> (tempfile::TempDir, Variables) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        let variables = variables([("HOME", home.path().to_str().unwrap())]);
        (home, variables)
    }

    const CONFIG: &str = "[contexts.prod]\nurl = \"https://ch:8443\"\nuser = \"viewer\"\n";

    fn found(flags: &Connection, variables: &Variables) -> Result<Target, Error> {
        target(flags, &Config::load(variables)?, variables)
    }

    #[test]
    fn without_any_configuration_it_is_the_local_stack() {
        let target = found(&Connection::default(), &variables([])).unwrap();
        assert_eq!(target.place.url, LOCAL_URL);
        assert!(target.place.is_local && target.password.is_none());
    }

    #[test]
    fn a_local_stack_on_other_ports_is_found() {
        let (_home, variables) =
            home_with(".local/share/lambdaview/local.json", r#"{"clickhouse_url":"http://127.0.0.1:18123","pid":1}"#);
        assert_eq!(found(&Connection::default(), &variables).unwrap().place.url, "http://127.0.0.1:18123");
    }

    #[test]
    fn a_flag_wins_over_a_context_and_a_context_over_the_environment() {
        let (_home, mut variables) = home_with(".config/lambdaview/config.toml", CONFIG);
        variables.0.insert(CLICKHOUSE_URL, "http://other".to_owned());
        let mut flags = Connection { context: Some("prod".to_owned()), ..Connection::default() };
        assert_eq!(found(&flags, &variables).unwrap().place.url, "https://ch:8443");
        flags.url = Some("http://third".to_owned());
        let place = found(&flags, &variables).unwrap().place;
        assert_eq!((place.url.as_str(), place.user.as_deref()), ("http://third", Some("viewer")));
    }

    #[test]
    fn the_usual_context_holds_until_an_address_is_named_and_its_password_stays_with_it() {
        let usual = "context = \"prod\"\n[contexts.prod]\nurl = \"https://ch:8443\"\npassword = { command = [\"echo\", \"hunter2\"] }\n";
        let (_home, mut variables) = home_with(".config/lambdaview/config.toml", usual);
        let target = found(&Connection::default(), &variables).unwrap();
        assert_eq!((target.place.url.as_str(), target.password.is_some()), ("https://ch:8443", true));
        let flags = Connection { url: Some("http://third".to_owned()), ..Connection::default() };
        assert_eq!(found(&flags, &variables).unwrap().password, None);
        variables.0.insert(CLICKHOUSE_URL, "http://other".to_owned());
        let target = found(&Connection::default(), &variables).unwrap();
        assert_eq!((target.place.url.as_str(), target.password), ("http://other", None));
    }

    #[test]
    fn an_unknown_context_is_told_with_those_there_are() {
        let (_home, variables) = home_with(".config/lambdaview/config.toml", CONFIG);
        let flags = Connection { context: Some("prdo".to_owned()), ..Connection::default() };
        let error = found(&flags, &variables).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message().unwrap().ends_with("try: one of these: prod"));
    }

    #[test]
    fn a_misspelt_key_is_not_overlooked() {
        let (_home, variables) = home_with(".config/lambdaview/config.toml", "[contexts.prod]\nurll = \"x\"\n");
        let flags = Connection { context: Some("prod".to_owned()), ..Connection::default() };
        assert!(found(&flags, &variables).unwrap_err().to_string().contains("urll"));
    }

    #[test]
    fn a_password_comes_from_a_file_or_the_environment_and_is_never_printed() {
        let (home, variables) = home_with("password", "hunter2\n");
        let file = Some(home.path().join("password"));
        let target = found(&Connection { password_file: file, ..Connection::default() }, &variables).unwrap();
        assert_eq!(target.password.as_ref().map(Secret::reveal), Some("hunter2"));
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[test]
    fn defaults_of_the_file_hold_until_a_flag_says_otherwise() {
        let (_home, variables) =
            home_with(".config/lambdaview/config.toml", "[defaults]\ncolor = \"always\"\ntimeout = \"5s\"\n");
        let config = Config::load(&variables).unwrap();
        let flags = |color| Display { color, ..Display::default() };
        assert!(look(&flags(None), &config, &variables).colour);
        assert!(!look(&flags(Some(Colour::Never)), &config, &variables).colour);
        assert_eq!(found(&Connection::default(), &variables).unwrap().limit, Duration::from_secs(5));
    }

    #[test]
    fn a_url_with_a_password_is_refused_without_printing_it() {
        let flags = Connection { url: Some("https://u:hunter2@ch:8443".to_owned()), ..Connection::default() };
        let error = found(&flags, &variables([])).unwrap_err();
        assert!(!error.message().unwrap().contains("hunter2"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in ["", "ch:8123", "tcp://ch:9000", "http://"] {
            let flags = Connection { url: Some(url.to_owned()), ..Connection::default() };
            assert_eq!(found(&flags, &variables([])).unwrap_err().exit_code(), 2, "{url}");
        }
    }
}
