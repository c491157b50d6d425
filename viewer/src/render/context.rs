//! Contexts, and where each part of a connection comes from.

use serde::Serialize;

use super::{
    json::as_line,
    style::{Paint, Role},
};
use crate::{
    format::{inert, left, width},
    settings::{AttributeName, Context, Origin, PasswordSource},
};

/// A context in the list.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it says.
    pub context: &'a Context,
    /// Whether it is the one in use.
    pub current: bool,
}

#[derive(Serialize)]
struct JsonContext<'a> {
    context: &'a str,
    current: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hyperdx: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fn_attr: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonOrigin<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<&'a str>,
    setting: &'static str,
    value: &'a str,
    from: &'a str,
}

/// An object for a program.
#[must_use]
pub fn json(row: &Row<'_>) -> String {
    let Row { name, context, current } = *row;
    as_line(&JsonContext {
        context: name,
        current,
        url: context.url.as_deref(),
        user: context.user.as_deref(),
        database: context.database.as_deref(),
        password: context.password.as_ref().map(PasswordSource::described),
        hyperdx: context.hyperdx.as_deref(),
        fn_attr: context.fn_attr.as_ref().map(AttributeName::as_str),
    })
}

/// A line a context.
#[must_use]
pub fn table(rows: &[Row<'_>], paint: Paint) -> String {
    let cells: Vec<[String; 5]> = rows.iter().map(cells).collect();
    let headings = ["  context", "url", "user", "database", "password"].map(str::to_owned);
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| cells.iter().chain([&headings]).map(|row| width(&row[column])).max().unwrap_or_default())
        .collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| left(cell, *width)).collect::<Vec<_>>().join("  ");
        cells.trim_end().to_owned()
    };
    let mut text = format!("{}\n", paint.paint(Role::Faint, &line(&headings)));
    for (row, cells) in rows.iter().zip(&cells) {
        let shown = paint.maybe(row.current.then_some(Role::Strong), &line(cells));
        text.push_str(&format!("{shown}\n"));
    }
    text
}

fn cells(row: &Row<'_>) -> [String; 5] {
    let text = |value: Option<&str>| inert(value.unwrap_or("-")).into_owned();
    let Context { url, user, database, password, .. } = row.context;
    [
        format!("{} {}", if row.current { "*" } else { " " }, inert(row.name)),
        text(url.as_deref()),
        text(user.as_deref()),
        text(database.as_deref()),
        text(password.as_ref().map(PasswordSource::described).as_deref()),
    ]
}

/// A line a setting, with what says so.
#[must_use]
pub fn origin(title: &str, settings: &[Origin], paint: Paint) -> String {
    let mut text =
        if title.is_empty() { String::new() } else { format!("{}\n", paint.paint(Role::Strong, &inert(title))) };
    let widest = settings.iter().map(|setting| width(&inert(&setting.value))).max().unwrap_or_default();
    for Origin { name, value, from } in settings {
        let from = paint.paint(Role::Faint, &inert(from));
        text.push_str(&format!("{}  {}  {from}\n", left(name, 8), left(&inert(value), widest)));
    }
    text
}

/// The same for a program, an object a setting.
#[must_use]
pub fn origin_json(settings: &[Origin], context: Option<&str>) -> String {
    settings
        .iter()
        .map(|Origin { name, value, from }| as_line(&JsonOrigin { context, setting: name, value, from }))
        .collect()
}
