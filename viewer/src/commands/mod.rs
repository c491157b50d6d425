//! The commands, a file each: ask, render, write.

mod attach;
mod cold;
mod config;
mod context;
mod cost;
mod doctor;
mod environments;
mod errors;
mod functions;
mod invocations;
mod local;
mod logs;
mod meta;
mod open;
mod patterns;
mod schema;
mod sql;
mod tail;
mod trace;
mod ui;

pub use attach::{attach, detach};
pub use config::config;
pub use context::context;
pub use cost::show_rates;
pub use doctor::cannot_ask;
pub(crate) use functions::priced;
pub use local::local;
pub use meta::{completions, help, man};
pub use open::opened;
pub use schema::schema;
pub use trace::screen as trace_screen;
pub use ui::{first_screen, is_possible, open, tail_screen};

use std::io::{self, Write as _};

use lambdaview_queries::{
    filter::Filter,
    name::NamePattern,
    questions::{
        Cost, Fault, Session, aliases,
        function::{self, Functions},
    },
    window::Window,
};

use crate::{
    args::{Output, Span},
    ask::Since,
    cost::rates::Rates,
    error::{Error, Place},
    format::{self, inert},
    progress::Spinner,
    render::style::Paint,
    settings::{Config, Look, usage},
    similar::similar,
};

/// What every command works with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The server, and its tables.
    pub session: &'a Session,
    /// How messages name the server.
    pub at: &'a Place,
    /// The stretch of time that was typed.
    pub span: Span,
    /// The form of output that was typed.
    pub output: Option<Output>,
    /// At most so many rows of an answer.
    pub max_rows: Option<u64>,
    /// How output looks.
    pub look: Look,
    /// What long answers are read with.
    pub pager: Option<&'a str>,
    /// What the configuration says.
    pub config: &'a Config,
    /// What turns until there is something to see.
    pub spinner: &'a Spinner,
}

impl Desk<'_> {
    fn paint(&self) -> Paint {
        Paint { colour: self.look.colour }
    }

    /// The form of output that was typed, which must be one of those this command has; the first is its own.
    fn output_of(&self, known: &[Output]) -> Result<Output, Error> {
        let output = self.output.unwrap_or(known[0]);
        if known.contains(&output) {
            return Ok(output);
        }
        let known = known.iter().map(|known| known.name()).collect::<Vec<_>>().join(", ");
        Err(usage(&format!("this command cannot print {}", output.name()), Some(&format!("-o with one of {known}"))))
    }

    /// The start of the stretch of time, and what was typed for it or stands for it.
    fn since(&self, default: Since) -> (i64, Since) {
        let since = self.span.since.unwrap_or(default);
        (since.at(self.session.opened_at()), since)
    }

    /// The stretch of time, and what was typed for its start or stands for it.
    fn window(&self, default: Since) -> (Window, Since) {
        let now = self.session.opened_at();
        let (from, since) = self.since(default);
        let until = self.span.until.map_or(Window::since(from, now).until, |until| until.at(now));
        (Window { from, until }, since)
    }

    /// The functions that were named; all, where none was.
    async fn functions_of(&self, patterns: &[NamePattern]) -> Result<Functions, Error> {
        let resolved = function::resolve(self.session, patterns).await.map_err(|fault| self.fault(fault))?;
        match resolved.missing.into_iter().next() {
            None => Ok(resolved.functions),
            Some(missing) => Err(Error::NotFound {
                what: format!("no function matches \"{}\"", missing.typed),
                similar: similar(&missing.typed, &missing.others),
                next: "`lambdaview functions --since 7d` lists those there are".to_owned(),
            }),
        }
    }

    /// The filter with the versions that aliases in it lead to.
    async fn versioned(&self, filter: Filter, functions: &[NamePattern], default: Since) -> Result<Filter, Error> {
        let aliases = filter.aliases();
        if aliases.is_empty() {
            return Ok(filter);
        }
        let (window, _) = self.window(default);
        let functions = self.functions_of(functions).await?;
        let versions = aliases::versions(self.session, &functions, &aliases, window).await;
        let versions = versions.map_err(|fault| self.fault(fault))?;
        for (alias, versions) in &versions {
            if versions.is_empty() {
                return Err(nobody_invoked(alias));
            }
            self.say(&format!("alias {} led to version {}", inert(alias), inert(&versions.join(", "))));
        }
        Ok(filter.with_versions(&versions))
    }

    /// The configuration's prices, else the built-in ones.
    fn rates(&self) -> Rates {
        self.config.prices()
    }

    /// Rows for a program: as they are, but inert where a person has them on a terminal.
    fn for_eyes(&self, rows: String) -> String {
        if self.look.terminal { rows.lines().map(|row| format!("{}\n", inert(row))).collect() } else { rows }
    }

    fn fault(&self, fault: Fault) -> Error {
        Error::ClickHouse { fault, at: self.at.clone() }
    }

    /// Writes the answer to stdout.
    fn write(&self, text: &str) -> Result<(), Error> {
        self.spinner.stop();
        write(text)
    }

    /// Says something beside the answer, unless nothing but errors is to be said.
    fn say(&self, words: &str) {
        self.spinner.clear();
        if !self.look.quiet {
            // Nobody may be listening on stderr, which is no reason to stop.
            let _ = writeln!(io::stderr(), "lambdaview: {words}");
        }
    }

    fn say_nothing_there(&self, since: Since) {
        let time = match since {
            Since::Ago(age) => {
                format!("in the last {}", format::duration(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)))
            }
            Since::At(moment) => format!("since {}", format::rfc3339(moment)),
        };
        self.say(&format!("no function wrote anything {time}; --since 30d looks further back"));
    }

    /// What the questions so far have read, for the spinner.
    fn how_far(&self) -> String {
        how_far(self.session.cost())
    }
}

fn nobody_invoked(alias: &str) -> Error {
    Error::NotFound {
        what: format!("no invocation by the alias {} in this time or the week before", inert(alias)),
        similar: Vec::new(),
        next: "the number of its version; the alias is known by aws.lambda.invoked_arn on SERVER spans".to_owned(),
    }
}

/// `, 3 answers, 12.4 MB read`
#[must_use]
pub fn how_far(cost: Cost) -> String {
    if cost.questions == 0 {
        return String::new();
    }
    format!(", {}, {} read", format::plural(cost.questions, "answer"), format::bytes(cost.bytes))
}

/// Writes an answer to stdout.
///
/// # Errors
/// When nobody reads on, or the disk is full.
pub fn write(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
