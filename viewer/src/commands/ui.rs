//! `lambdaview ui`: from what was typed to [`crate::tui`].

use std::io::{self, IsTerminal as _};

use crate::{
    args::{First, Span, TraceArgs, UiArgs},
    cost::rates::Rates,
    error::Error,
    settings::{Look, Target, usage},
    tui::{
        self,
        state::{Beginning, Screen, times::Times},
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
