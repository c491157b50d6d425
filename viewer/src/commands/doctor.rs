//! `lambdaview doctor`.

use std::time::Duration;

use lambdaview_queries::{
    name::NamePattern,
    questions::{
        function::{self, Functions},
        health,
    },
    window::Window,
};

use super::{Desk, write};
use crate::{
    args::{DoctorArgs, Output},
    ask::Since,
    clock,
    doctor::{Check, Connection, State, Telemetry, server, telemetry},
    error::Error,
    render::{doctor as render, style::Paint},
};

const DEFAULT_SINCE: Since = Since::Ago(Duration::from_secs(3_600));

impl Desk<'_> {
    /// `lambdaview doctor`.
    ///
    /// # Errors
    /// When something does not work, or the server fails.
    pub async fn doctor(&self, args: &DoctorArgs) -> Result<(), Error> {
        let output = self.output_of(&[Output::Pretty, Output::Json])?;
        let mut checks = self.of_server().await?;
        for pattern in &args.functions {
            checks.extend(self.of_functions(pattern).await?);
        }
        self.spinner.stop();
        tell(&checks, output, self.paint())?;
        let failed: Vec<&str> =
            checks.iter().filter(|one| one.state == State::Fail).map(|one| one.name.as_str()).collect();
        if failed.is_empty() { Ok(()) } else { Err(Error::Unwell { what: format!("not well: {}", failed.join(", ")) }) }
    }

    async fn of_server(&self) -> Result<Vec<Check>, Error> {
        let session = self.session;
        let asked = clock::now();
        let found = health::server(session).await.map_err(|fault| self.fault(fault))?;
        // The server read its clock somewhere between asking and answering.
        let now = asked + (clock::now() - asked) / 2;
        let tables = health::tables(session).await.map_err(|fault| self.fault(fault))?;
        Ok(server(&Connection {
            version: session.version(),
            url: &self.at.url,
            server: found.as_ref(),
            readonly: session.readonly(),
            dropped: session.dropped_settings(),
            schema: session.schema(),
            tables: &tables,
            now,
        }))
    }

    async fn of_functions(&self, pattern: &NamePattern) -> Result<Vec<Check>, Error> {
        let resolved = function::resolve(self.session, std::slice::from_ref(pattern)).await;
        let resolved = resolved.map_err(|fault| self.fault(fault))?;
        if let Some(missing) = resolved.missing.first() {
            let next = "`lambdaview functions --since 7d` lists those there are";
            return Ok(vec![Check::fail(&missing.typed, "no function of that name has written anything", next)]);
        }
        let (window, _) = self.window(DEFAULT_SINCE);
        let single = resolved.functions.single().map(|name| (name.to_owned(), resolved.functions.clone()));
        let each = match single {
            Some(one) => vec![one],
            None => resolved.functions.names().map(|name| (name.to_owned(), Functions::named(name))).collect(),
        };
        let mut checks = Vec::new();
        for (name, functions) in each {
            checks.extend(self.of_function(&name, &functions, window).await?);
        }
        Ok(checks)
    }

    async fn of_function(&self, name: &str, functions: &Functions, window: Window) -> Result<Vec<Check>, Error> {
        let session = self.session;
        let found = tokio::try_join!(
            health::lines(session, functions, window),
            health::spans(session, functions, window),
            health::dropped(session, functions, window.from),
        );
        let (lines, spans, dropped) = found.map_err(|fault| self.fault(fault))?;
        Ok(telemetry(&Telemetry { function: name, lines, spans, dropped, now: session.opened_at() }))
    }
}

fn tell(checks: &[Check], output: Output, paint: Paint) -> Result<(), Error> {
    match output {
        Output::Json => write(&checks.iter().map(render::json).collect::<String>()),
        _ => write(&render::draw(checks, paint)),
    }
}

/// A server that does not let itself be asked is what `doctor` found: told as a check, it stays the error that it is.
///
/// # Errors
/// When nobody reads on.
pub fn cannot_ask(error: &Error, output: Option<Output>, paint: Paint) -> Result<(), Error> {
    let next = error.next().unwrap_or_else(|| "lambdaview context show".to_owned());
    tell(&[Check::fail("server", error.to_string(), &next)], output.unwrap_or_default(), paint)
}
