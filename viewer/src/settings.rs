//! Where ClickHouse is and how output looks: from flags, a context of the configuration file, the environment, the local
//! stack, in this order. The environment is read here and nowhere else in this program.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
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
const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
const HOME: &str = "HOME";

/// Where the local stack listens when nothing says otherwise.
const LOCAL_URL: &str = "http://127.0.0.1:8123";
const DATABASE: &str = "default";

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

/// Where ClickHouse is and who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// What messages name: URL, user, database.
    pub place: Place,
    /// The password; none is fine for ClickHouse.
    pub password: Option<Secret>,
    /// Certificates in PEM to trust instead of the compiled-in ones.
    pub ca: Option<PathBuf>,
    /// How long the server may work on one question.
    pub limit: Duration,
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

/// The configuration file, `config.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    contexts: BTreeMap<String, Context>,
}

/// A context: a server under a name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    url: Option<String>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    database: Option<String>,
    ca: Option<PathBuf>,
}

/// What a running `lambdaview local` leaves in its data folder.
#[derive(Debug, Deserialize)]
struct LocalStack {
    clickhouse_url: String,
}

/// Puts together where ClickHouse is.
///
/// # Errors
/// When the configuration file, a context, or a password file cannot be read.
pub fn target(flags: &Connection, environment: &impl Environment) -> Result<Target, Error> {
    let name = flags.context.clone().or_else(|| environment.text(LAMBDAVIEW_CONTEXT));
    let context = match &name {
        Some(name) => named_context(name, environment)?,
        None => Context::default(),
    };
    let url = flags.url.clone().or(context.url).or_else(|| environment.text(CLICKHOUSE_URL));
    let user = flags.user.clone().or(context.user).or_else(|| environment.text(CLICKHOUSE_USER));
    let database = flags.database.clone().or(context.database).or_else(|| environment.text(CLICKHOUSE_DATABASE));
    let ca = flags.ca.clone().or(context.ca).or_else(|| environment.get(CLICKHOUSE_CA).map(PathBuf::from));
    let is_local = url.is_none();
    let url = url.unwrap_or_else(|| local_url(environment));
    let place =
        Place { url: checked(&url)?, user, database: database.unwrap_or_else(|| DATABASE.to_owned()), is_local };
    let password = match flags.password_file.as_ref().or(context.password_file.as_ref()) {
        Some(file) => Some(read_password(file)?),
        None if flags.ask_password => None,
        None => environment.text(CLICKHOUSE_PASSWORD).map(Secret),
    };
    Ok(Target { place, password, ca, limit: flags.timeout.0 })
}

/// How output on stdout looks.
#[must_use]
pub fn look(flags: &Display, environment: &impl Environment) -> Look {
    let terminal = io::stdout().is_terminal();
    let colour = match flags.color {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => terminal && environment.get(NO_COLOR).is_none(),
    };
    let asked = environment.text(COLUMNS).and_then(|columns| columns.parse().ok());
    let seen = if terminal { crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)) } else { None };
    let columns = seen.filter(|columns| *columns > 0).or(asked).unwrap_or(100);
    let zone = flags.tz.unwrap_or(if flags.utc { Zone::Utc } else { Zone::Local });
    Look {
        zone,
        colour,
        terminal,
        columns: columns.max(40),
        timestamps: flags.timestamps.unwrap_or_default(),
        theme: flags.theme.unwrap_or_default(),
        ascii: flags.ascii,
        quiet: flags.quiet,
        verbose: flags.verbose,
    }
}

/// Where the local stack keeps its data when nothing else is said; `None` without a home.
#[must_use]
pub fn data_folder(environment: &impl Environment) -> Option<PathBuf> {
    environment.folder(XDG_DATA_HOME, ".local/share")
}

/// The address that a running `lambdaview local` wrote down, else the usual one.
fn local_url(environment: &impl Environment) -> String {
    let file = data_folder(environment).map(|folder| folder.join("local.json"));
    let stack = file
        .and_then(|file| std::fs::read(file).ok())
        .and_then(|json| serde_json::from_slice::<LocalStack>(&json).ok());
    stack.map_or_else(|| LOCAL_URL.to_owned(), |stack| stack.clickhouse_url)
}

fn named_context(name: &str, environment: &impl Environment) -> Result<Context, Error> {
    let path = environment.folder(XDG_CONFIG_HOME, ".config").map(|folder| folder.join("config.toml"));
    let path = path.ok_or_else(|| usage("there is no home folder to look for config.toml in", Some("set HOME")))?;
    let shown = path.display();
    let text = std::fs::read_to_string(&path).map_err(|error| {
        usage(&format!("context {name} is wanted, and {shown} cannot be read: {error}"), Some(EXAMPLE))
    })?;
    let File { mut contexts } = toml::from_str(&text)
        .map_err(|error| usage(&format!("{shown} cannot be understood: {}", one_line(&error)), Some(EXAMPLE)))?;
    contexts.remove(name).ok_or_else(|| {
        let known = contexts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        usage(&format!("{shown} has no context {name}"), Some(&format!("one of these: {known}")))
    })
}

const EXAMPLE: &str = "[contexts.NAME] with url, user, password_file, database, ca; see `lambdaview --help`";

fn one_line(error: &toml::de::Error) -> String {
    error.message().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A URL that can be sent to. A password in it would be printed with it, so it is refused.
fn checked(url: &str) -> Result<String, Error> {
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

fn read_password(file: &Path) -> Result<Secret, Error> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| usage(&format!("the password file {} cannot be read: {error}", file.display()), None))?;
    Ok(Secret(text.lines().next().unwrap_or_default().to_owned()))
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

    #[test]
    fn without_any_configuration_it_is_the_local_stack() {
        let target = target(&Connection::default(), &variables([])).unwrap();
        assert_eq!(target.place.url, LOCAL_URL);
        assert!(target.place.is_local && target.password.is_none());
    }

    #[test]
    fn a_local_stack_on_other_ports_is_found() {
        let (_home, variables) =
            home_with(".local/share/lambdaview/local.json", r#"{"clickhouse_url":"http://127.0.0.1:18123","pid":1}"#);
        assert_eq!(target(&Connection::default(), &variables).unwrap().place.url, "http://127.0.0.1:18123");
    }

    #[test]
    fn a_flag_wins_over_a_context_and_a_context_over_the_environment() {
        let (_home, mut variables) = home_with(".config/lambdaview/config.toml", CONFIG);
        variables.0.insert(CLICKHOUSE_URL, "http://other".to_owned());
        let mut flags = Connection { context: Some("prod".to_owned()), ..Connection::default() };
        assert_eq!(target(&flags, &variables).unwrap().place.url, "https://ch:8443");
        flags.url = Some("http://third".to_owned());
        let place = target(&flags, &variables).unwrap().place;
        assert_eq!((place.url.as_str(), place.user.as_deref()), ("http://third", Some("viewer")));
    }

    #[test]
    fn an_unknown_context_is_told_with_those_there_are() {
        let (_home, variables) = home_with(".config/lambdaview/config.toml", CONFIG);
        let flags = Connection { context: Some("prdo".to_owned()), ..Connection::default() };
        let error = target(&flags, &variables).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.message().unwrap().ends_with("try: one of these: prod"));
    }

    #[test]
    fn a_misspelt_key_is_not_overlooked() {
        let (_home, variables) = home_with(".config/lambdaview/config.toml", "[contexts.prod]\nurll = \"x\"\n");
        let flags = Connection { context: Some("prod".to_owned()), ..Connection::default() };
        assert!(target(&flags, &variables).unwrap_err().to_string().contains("urll"));
    }

    #[test]
    fn a_password_comes_from_a_file_or_the_environment_and_is_never_printed() {
        let (home, variables) = home_with("password", "hunter2\n");
        let file = Some(home.path().join("password"));
        let target = target(&Connection { password_file: file, ..Connection::default() }, &variables).unwrap();
        assert_eq!(target.password.as_ref().map(Secret::reveal), Some("hunter2"));
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[test]
    fn a_url_with_a_password_is_refused_without_printing_it() {
        let flags = Connection { url: Some("https://u:hunter2@ch:8443".to_owned()), ..Connection::default() };
        let error = target(&flags, &variables([])).unwrap_err();
        assert!(!error.message().unwrap().contains("hunter2"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in ["", "ch:8123", "tcp://ch:9000", "http://"] {
            let flags = Connection { url: Some(url.to_owned()), ..Connection::default() };
            assert_eq!(target(&flags, &variables([])).unwrap_err().exit_code(), 2, "{url}");
        }
    }
}
