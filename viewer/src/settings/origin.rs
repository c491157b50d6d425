//! Where each part of a connection comes from, in words: what `context show` prints.

use super::{
    CLICKHOUSE_CA, CLICKHOUSE_DATABASE, CLICKHOUSE_PASSWORD, CLICKHOUSE_URL, CLICKHOUSE_USER, Config, Context,
    DATABASE, Environment, checked_url, context, local_url,
};
use crate::{args::Connection, error::Error};

/// A part of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its name.
    pub name: &'static str,
    /// What it is; of a password only where it is.
    pub value: String,
    /// What says so.
    pub from: String,
}

/// The parts of the connection that would be made, in the order that [`super::target`] has.
///
/// # Errors
/// When there is no such context, or the address holds a password.
pub fn origin(flags: &Connection, config: &Config, environment: &impl Environment) -> Result<Vec<Origin>, Error> {
    let named = context(flags, config, environment)?;
    let name = named.as_ref().map(|(name, ..)| name.clone()).unwrap_or_default();
    let held = named.map(|(_, context, _)| context.clone()).unwrap_or_default();
    let find = |part, flag: Option<&String>, file: Option<&String>, variable: &str, otherwise: (String, &str)| {
        let of = |value: &String, from: &str| Origin { name: part, value: value.clone(), from: from.to_owned() };
        flag.map(|value| of(value, &format!("--{part}")))
            .or_else(|| file.map(|value| of(value, &format!("context {name}"))))
            .or_else(|| environment.text(variable).map(|value| of(&value, variable)))
            .unwrap_or_else(|| of(&otherwise.0, otherwise.1))
    };
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let local = (local_url(environment), "the local stack");
    let url = find("url", flags.url.as_ref(), held.url.as_ref(), CLICKHOUSE_URL, local);
    checked_url(&url.value)?;
    let fn_attr = held.fn_attr.as_ref().map(|name| name.as_str().to_owned());
    let usual = |value: &str, from| (value.to_owned(), from);
    Ok(vec![
        url,
        find("user", flags.user.as_ref(), held.user.as_ref(), CLICKHOUSE_USER, usual("default", "ClickHouse's own")),
        find(
            "database",
            flags.database.as_ref(),
            held.database.as_ref(),
            CLICKHOUSE_DATABASE,
            usual(DATABASE, "the usual"),
        ),
        password(flags, &held, &name, environment),
        find("ca", path(&flags.ca).as_ref(), path(&held.ca).as_ref(), CLICKHOUSE_CA, usual("-", "compiled-in roots")),
        find("hyperdx", None, held.hyperdx.as_ref(), "", usual("-", "not configured")),
        find("fn_attr", None, fn_attr.as_ref(), "", usual("faas.name", "OpenTelemetry's own")),
    ])
}

fn password(flags: &Connection, held: &Context, name: &str, environment: &impl Environment) -> Origin {
    let (value, from) = match (&flags.password_file, &held.password) {
        (Some(file), _) => (format!("file {}", file.display()), "--password-file".to_owned()),
        _ if flags.ask_password => ("prompt".to_owned(), "--ask-password".to_owned()),
        (_, Some(source)) => (source.described(), format!("context {name}")),
        _ if environment.get(CLICKHOUSE_PASSWORD).is_some() => ("set".to_owned(), CLICKHOUSE_PASSWORD.to_owned()),
        _ => ("none".to_owned(), "not configured".to_owned()),
    };
    Origin { name: "password", value, from }
}
