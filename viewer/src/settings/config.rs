//! The configuration file, `config.toml`: read whole and strictly, changed without touching what else stands in it.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, de};
use toml_edit::{DocumentMut, InlineTable, Item, Table, Value, value};

use super::{Environment, PasswordSource, XDG_CONFIG_HOME, checked_url, usage};
use crate::{
    args::{Colour, Theme, Timeout},
    cost::rates::Rates,
    error::Error,
    format::Zone,
};

/// What stands in `config.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The context to use where nothing else says where ClickHouse is.
    pub context: Option<String>,
    /// The servers, by name.
    #[serde(default)]
    pub contexts: BTreeMap<String, Context>,
    /// What flags are when they are not typed.
    #[serde(default)]
    pub defaults: Defaults,
    /// Prices to use instead of the built-in ones.
    pub rates: Option<Rates>,
}

impl Config {
    /// Its prices, else the built-in ones.
    #[must_use]
    pub fn prices(&self) -> Rates {
        self.rates.clone().unwrap_or_else(Rates::built_in)
    }
}

/// A context: a server under a name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// ClickHouse's HTTP address.
    pub url: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// Where the password is.
    pub password: Option<PasswordSource>,
    /// The database of ClickStack's tables.
    pub database: Option<String>,
    /// Certificates in PEM to trust.
    pub ca: Option<PathBuf>,
    /// The address of ClickStack's web UI.
    pub hyperdx: Option<String>,
    /// The attribute of the resource that names a function, where it is not `faas.name`.
    pub fn_attr: Option<AttributeName>,
}

/// The name of an attribute that stands in questions as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeName(String);

impl AttributeName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AttributeName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        if text.is_empty() || !text.bytes().all(is_plain) {
            return Err("the name of an attribute has letters, digits, dots, dashes, slashes and underscores");
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for AttributeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// `[defaults]`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// `--tz`.
    #[serde(default, deserialize_with = "parsed")]
    pub tz: Option<Zone>,
    /// `--color`.
    pub color: Option<Colour>,
    /// `--theme`.
    pub theme: Option<Theme>,
    /// `--ascii`.
    #[serde(default)]
    pub ascii: bool,
    /// `--timeout`.
    #[serde(default, deserialize_with = "parsed")]
    pub timeout: Option<Timeout>,
}

/// Text in the form that the flag of the same name takes.
fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(deserializer: D) -> Result<Option<T>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(de::Error::custom)
}

/// Where the file is, whether or not it is there.
///
/// # Errors
/// When there is no home folder.
pub fn path(environment: &impl Environment) -> Result<PathBuf, Error> {
    let folder = environment.folder(XDG_CONFIG_HOME, ".config");
    folder
        .map(|folder| folder.join("config.toml"))
        .ok_or_else(|| usage("there is no home folder to look for config.toml in", Some("set HOME")))
}

/// The file's text; nothing when there is none.
///
/// # Errors
/// When it is there and cannot be read.
pub fn text(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(usage(&format!("{} cannot be read: {error}", path.display()), None)),
    }
}

impl Config {
    /// What the file says; nothing is configured where there is none.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn load(environment: &impl Environment) -> Result<Self, Error> {
        // Without a home there is no configuration, which is no fault until somebody asks for a context.
        let Ok(path) = path(environment) else { return Ok(Self::default()) };
        text(&path)?.map_or_else(|| Ok(Self::default()), |text| Self::parse(&text, &path))
    }

    /// What `text`, the file at `path`, says.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Error> {
        let config: Self = toml_edit::de::from_str(text).map_err(|error| {
            let at = error.span().map(|span| format!(":{}", line_at(text, span.start))).unwrap_or_default();
            let why = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            usage(&format!("{}{at} cannot be understood: {why}", path.display()), Some("lambdaview config edit"))
        })?;
        for context in config.contexts.values() {
            // Before anything shows it: a password may stand in it.
            context.url.as_deref().map_or(Ok(()), |url| checked_url(url).map(drop))?;
        }
        if let Some(why) = config.rates.as_ref().and_then(|rates| rates.check().err()) {
            return Err(usage(
                &format!("{}: the prices in [rates]: {why}", path.display()),
                Some("lambdaview config edit"),
            ));
        }
        Ok(config)
    }

    /// A context by its name.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn named(&self, name: &str) -> Result<&Context, Error> {
        self.contexts.get(name).ok_or_else(|| {
            let known = self.contexts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let next = if known.is_empty() {
                format!("lambdaview context add {name} --url https://HOST:8443 --user NAME")
            } else {
                format!("one of these: {known}")
            };
            usage(&format!("config.toml has no context {name}"), Some(&next))
        })
    }
}

fn line_at(text: &str, byte: usize) -> usize {
    text.get(..byte).map_or(1, |before| before.matches('\n').count() + 1)
}

/// The text of the file with `name` as the context to use.
///
/// # Errors
/// When the text cannot be understood.
pub fn with_current(text: &str, name: &str) -> Result<String, toml_edit::TomlError> {
    let mut document: DocumentMut = text.parse()?;
    // The words around the value, a comment say, belong to the old one: they are handed on.
    let around = document.get("context").and_then(Item::as_value).map(|old| old.decor().clone());
    document["context"] = value(name);
    if let (Some(around), Some(new)) = (around, document["context"].as_value_mut()) {
        *new.decor_mut() = around;
    }
    Ok(document.to_string())
}

/// The text of the file with `context` under `name`; one of that name is replaced.
///
/// # Errors
/// When the text cannot be understood.
pub fn with_context(text: &str, name: &str, context: &Context) -> Result<String, toml_edit::TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let contexts = document.entry("contexts").or_insert_with(|| {
        let mut table = Table::new();
        // `[contexts.prod]` alone, without a line `[contexts]` before it.
        table.set_implicit(true);
        Item::Table(table)
    });
    let mut table = Table::new();
    let texts = [
        ("url", &context.url),
        ("user", &context.user),
        ("database", &context.database),
        ("ca", &context.ca.as_ref().map(|path| path.display().to_string())),
        ("hyperdx", &context.hyperdx),
        ("fn_attr", &context.fn_attr.as_ref().map(|name| name.as_str().to_owned())),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            table[key] = value(text);
        }
    }
    if let Some(source) = &context.password {
        table["password"] = value(inline(source));
    }
    contexts[name] = Item::Table(table);
    Ok(document.to_string())
}

fn inline(source: &PasswordSource) -> InlineTable {
    let (key, value): (_, Value) = match source {
        PasswordSource::Keyring(entry) => ("keyring", entry.into()),
        PasswordSource::File(file) => ("file", file.display().to_string().into()),
        PasswordSource::Command(words) => ("command", words.iter().map(String::as_str).collect()),
        PasswordSource::Prompt => ("prompt", true.into()),
    };
    InlineTable::from_iter([(key, value)])
}

/// Writes the file whole or not at all, readable by its owner alone. A link stays a link.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    replace(&target, text).map_err(|error| usage(&format!("{} cannot be written: {error}", path.display()), None))
}

fn replace(target: &Path, text: &str) -> io::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let new = target.with_extension(format!("toml.{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# ours\ncontext = \"old\" # for now\n\n[contexts.old]\nurl = \"http://old:8123\" # behind the VPN\n";

    fn prod() -> Context {
        Context {
            url: Some("https://ch:8443".to_owned()),
            user: Some("viewer".to_owned()),
            password: Some(PasswordSource::Keyring("lambdaview/prod".to_owned())),
            ..Context::default()
        }
    }

    #[test]
    fn a_context_that_is_added_leaves_what_is_there_as_it_is() {
        insta::assert_snapshot!(with_context(FILE, "prod", &prod()).unwrap(), @r#"
        # ours
        context = "old" # for now

        [contexts.old]
        url = "http://old:8123" # behind the VPN

        [contexts.prod]
        url = "https://ch:8443"
        user = "viewer"
        password = { keyring = "lambdaview/prod" }
        "#);
    }

    #[test]
    fn the_first_context_makes_a_file_that_is_read_back() {
        let text = with_context("", "prod", &prod()).unwrap();
        assert!(text.starts_with("[contexts.prod]\n"), "{text}");
        let read = Config::parse(&text, Path::new("x")).unwrap();
        assert_eq!(read.named("prod").unwrap().password, prod().password);
    }

    #[test]
    fn using_another_context_changes_one_word() {
        assert_eq!(with_current(FILE, "prod").unwrap(), FILE.replace("context = \"old\" #", "context = \"prod\" #"));
    }

    #[test]
    fn a_fault_is_told_with_its_line() {
        let error = Config::parse("\n[contexts.prod]\nurll = \"x\"\n", Path::new("config.toml")).unwrap_err();
        assert!(error.to_string().starts_with("config.toml:3 cannot be understood: unknown field `urll`"), "{error}");
    }

    #[test]
    fn prices_and_defaults_stand_in_the_file_too() {
        let rates = crate::cost::rates::BUILT_IN;
        let rates = ["cloudwatch", "clickhouse", "lambda"]
            .iter()
            .fold(rates.to_owned(), |text, part| text.replace(&format!("[{part}]"), &format!("[rates.{part}]")));
        let text = format!("[defaults]\ntz = \"utc\"\ncolor = \"never\"\ntimeout = \"5s\"\n[rates]\n{rates}");
        let config = Config::parse(&text, Path::new("x")).unwrap();
        assert_eq!((config.defaults.tz, config.rates.is_some()), (Some(Zone::Utc), true));
        assert_eq!(config.defaults.timeout, Some(Timeout(std::time::Duration::from_secs(5))));
    }

    #[test]
    fn the_file_is_written_whole_through_a_link_and_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("dotfiles.toml"), folder.path().join("config.toml"));
        std::fs::write(&real, FILE).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, "context = \"new\"\n").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "context = \"new\"\n");
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
