//! `lambdaview ui`: from what was typed to [`crate::tui`].

use std::io::{self, IsTerminal as _};

use crate::{
    args::{First, SelectArgs, Span, TailArgs, TraceArgs, UiArgs},
    cost::rates::Rates,
    error::Error,
    settings::{Look, Target, usage},
    tui::{
        self,
        state::{
            Beginning, Screen,
            tail::{Given, Tail},
            times::Times,
        },
        theme::{Name, Theme},
    },
};

/// The screen that `lambdaview ui` begins with.
///
/// # Errors
/// When what it is to show is missing, or not an id.
pub fn first_screen(args: &UiArgs) -> Result<Screen, Error> {
    let needed = |what: &str, example: &str| {
        args.what
            .clone()
            .ok_or_else(|| usage(&format!("{what} is missing"), Some(&format!("`lambdaview ui {example}`"))))
    };
    match args.screen {
        First::Functions => Ok(Screen::Functions(Box::default())),
        First::Cost => Ok(Screen::Cost(Box::default())),
        First::Tail => Ok(Screen::tail(&needed("the function", "tail FUNCTION")?)),
        First::Trace => super::trace::screen(&TraceArgs { id: needed("the id", "trace ID")?, ..TraceArgs::default() }),
    }
}

/// The screen of `lambdaview tail --tui`.
///
/// # Errors
/// When a filter cannot be understood, or a flag is of no use there.
pub fn tail_screen(args: &TailArgs) -> Result<Screen, Error> {
    if let Some(flag) = of_the_stream(args).first() {
        return Err(usage(
            &format!("{flag} is for the stream, and not for the viewer"),
            Some("without it, or without --tui"),
        ));
    }
    let names = args.functions.iter().map(|name| name.typed().to_owned()).collect();
    let select = &args.lines.select;
    let given = Given { filter: select.filter()?, shown: shown(select) };
    Ok(Screen::Tail(Box::new(Tail::of(names, given))))
}

/// The flags that were typed and say something of the stream only.
fn of_the_stream(args: &TailArgs) -> Vec<&'static str> {
    let TailArgs { lines, limit, reorder, fail_error_rate, .. } = args;
    let flags = [
        ("--lines", lines.lines.is_some()),
        ("--after-context", lines.after_context.is_some()),
        ("--before-context", lines.before_context.is_some()),
        ("--around", lines.around.is_some()),
        ("--attributes", lines.attributes),
        ("--platform", lines.platform.is_some()),
        ("--max-lines", lines.max_lines.is_some()),
        ("--exit-on", lines.exit_on.is_some()),
        ("--strict", lines.strict),
        ("--highlight", !lines.select.highlight.is_empty()),
        ("--no-follow", args.no_follow),
        ("--reorder", reorder.is_some()),
        ("--for", limit.is_some()),
        ("--fail-error-rate", fail_error_rate.is_some()),
    ];
    flags.into_iter().filter(|(_, typed)| *typed).map(|(flag, _)| flag).collect()
}

/// A filter as it was typed.
fn shown(select: &SelectArgs) -> String {
    let each = |flag: &str, values: &[String]| values.iter().map(|value| format!("{flag} {value}")).collect::<Vec<_>>();
    let one =
        |flag: &str, value: &Option<String>| value.iter().map(|value| format!("{flag} {value}")).collect::<Vec<_>>();
    let level = select.level.map(|level| format!("-l {}", level.0)).into_iter().collect();
    let SelectArgs { filter_pattern, query, qualifier, region, account, request, trace, env, .. } = select;
    let facets = [
        ("--filter-pattern", filter_pattern),
        ("-q", query),
        ("--qualifier", qualifier),
        ("--region", region),
        ("--account", account),
        ("--request", request),
        ("--trace", trace),
        ("--env", env),
    ];
    let mut all = vec![each("-i", &select.include), each("-e", &select.exclude), level, each("-w", &select.conditions)];
    all.extend(facets.into_iter().map(|(flag, value)| one(flag, value)));
    all.concat().join(" ")
}

/// The viewer, beginning with a screen.
///
/// # Errors
/// When stdin and stdout are not a terminal; those of [`tui::run`].
pub async fn open(first: Screen, target: Target, span: Span, look: Look, rates: Rates) -> Result<(), Error> {
    if !is_possible() {
        return Err(usage("the viewer needs a terminal", Some("`lambdaview functions`, `lambdaview tail FUNCTION`")));
    }
    let name = if look.colour { look.theme } else { Name::Mono };
    let (columns, rows) = crossterm::terminal::size()?;
    let server = server_name(&target);
    let hyperdx = target.hyperdx.clone();
    let beginning = Beginning { server, hyperdx, zone: look.zone, times: times(span), columns, rows };
    tui::run(target, rates, beginning, first, Theme { name, ascii: look.ascii }).await
}

/// Whether there is a terminal to show the viewer on.
#[must_use]
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn times(span: Span) -> Times {
    let now = crate::clock::now();
    let default = Times::default();
    Times {
        since: span.since.unwrap_or(default.since),
        until: span.until.map(|until| until.at(now)).filter(|until| *until < now),
    }
}

/// How the header names the server: by its context, else its host.
fn server_name(target: &Target) -> String {
    if let Some(context) = &target.context {
        return context.clone();
    }
    if target.place.is_local {
        return "local".to_owned();
    }
    let url = &target.place.url;
    let host = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    host.split(['/', '?', ':']).next().unwrap_or(host).to_owned()
}
