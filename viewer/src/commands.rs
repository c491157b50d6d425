//! The commands: ask, render, write.

use std::io::{self, BufWriter, Write};

use lambdaview_queries::questions::{Fault, Session, bytes, functions, trace};

use crate::{
    args::{CostArgs, FunctionsArgs, LocalArgs, Output, TailArgs, TraceArgs},
    ask::{Since, TraceRef},
    cost::{
        self, Measured,
        rates::{self, Rates},
    },
    error::{Error, Place},
    local::{self, ExitReason, LocalSettings, engine::Sources},
    render::{self, line::LineStyle, style::Paint, waterfall::WaterfallStyle},
    settings::{self, Environment, Look, usage},
    tail::{self, Format, Printer, Tail},
};

/// What every command works with.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The server, and its tables.
    pub session: &'a Session,
    /// How messages name the server.
    pub at: &'a Place,
    /// How output looks.
    pub look: Look,
}

impl Desk<'_> {
    fn paint(&self) -> Paint {
        Paint { colour: self.look.colour }
    }

    fn fault(&self, fault: Fault) -> Error {
        Error::ClickHouse { fault, at: self.at.clone() }
    }

    /// `lambdaview tail`.
    ///
    /// # Errors
    /// Those of [`tail::run`].
    pub async fn tail(&self, args: &TailArgs) -> Result<(), Error> {
        let tail = Tail {
            function: args.function.clone(),
            since: args.since,
            lines: args.lines,
            follow: !args.no_follow,
            attributes: args.output == Output::Json,
        };
        let format = match args.output {
            Output::Pretty => {
                Format::Pretty(LineStyle { zone: self.look.zone, paint: self.paint(), now: self.session.opened_at() })
            }
            Output::Json => Format::Json,
        };
        let out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        let mut printer = Printer::new(out, Box::new(io::stderr()), format, &tail.function);
        let ended = crate::interrupt::unless_interrupted(tail::run(self.session, self.at, &tail, &mut printer)).await;
        if tail.follow && !matches!(ended, Err(Error::Closed | Error::NotFound { .. })) {
            printer.account()?;
        }
        ended
    }

    /// `lambdaview trace`.
    ///
    /// # Errors
    /// When the id cannot be understood or is nowhere, or the server fails.
    pub async fn trace(&self, args: &TraceArgs) -> Result<(), Error> {
        let id: TraceRef =
            args.id.parse().map_err(|error: crate::ask::BadId| usage(&format!("{}: {error}", args.id), None))?;
        let found = match &id {
            TraceRef::Trace(id) => trace::trace(self.session, id).await,
            TraceRef::Invocation(id) => trace::of_invocation(self.session, id).await,
        };
        let trace = found.map_err(|fault| self.fault(fault))?;
        if trace.spans.is_empty() && trace.lines.is_empty() {
            return Err(nowhere(&id));
        }
        match args.output {
            Output::Json => write(&render::json::trace(&trace)),
            Output::Pretty => {
                let Look { columns, zone, terminal, .. } = self.look;
                let style = WaterfallStyle { columns, zone, paint: self.paint(), cut: terminal, full: args.full };
                write(&render::waterfall::draw(&trace, style))
            }
        }
    }

    /// `lambdaview functions`.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn functions(&self, args: &FunctionsArgs) -> Result<(), Error> {
        let now = self.session.opened_at();
        let functions =
            functions::functions(self.session, args.since.at(now)).await.map_err(|fault| self.fault(fault))?;
        if functions.is_empty() {
            say_nothing_there(args.since);
        }
        match args.output {
            Output::Json => write(&functions.iter().map(render::json::function).collect::<String>()),
            Output::Pretty if functions.is_empty() => Ok(()),
            Output::Pretty => write(&render::table::functions(&functions, now, self.look.columns, self.paint())),
        }
    }

    /// `lambdaview cost`.
    ///
    /// # Errors
    /// When the prices cannot be read, or the server fails.
    pub async fn cost(&self, args: &CostArgs) -> Result<(), Error> {
        let rates = prices(args)?;
        let now = self.session.opened_at();
        let from = args.since.at(now);
        let measured = tokio::try_join!(
            bytes::logged(self.session, from),
            functions::invoked(self.session, from),
            bytes::stored(self.session),
        );
        let (logged, functions, stored) = measured.map_err(|fault| self.fault(fault))?;
        if functions.is_empty() && logged.is_empty() {
            say_nothing_there(args.since);
        }
        let report = cost::reckon(&Measured { logged, functions, stored, now }, &rates);
        match args.output {
            Output::Json => write(&render::cost::json(&report, &rates)),
            Output::Pretty if report.shares.is_empty() => Ok(()),
            Output::Pretty => write(&render::cost::draw(&report, &rates, self.look.columns, self.paint())),
        }
    }
}

/// `lambdaview local`: ends when it is told to.
///
/// # Errors
/// When a part of it cannot start or ends by itself, and on Ctrl-C.
pub async fn local(args: &LocalArgs, environment: &impl Environment) -> Result<(), Error> {
    let data = args.data.clone().or_else(|| settings::data_folder(environment));
    let data = data.ok_or_else(|| usage("there is no home folder to keep the data in", Some("--data DIR")))?;
    let settings = LocalSettings {
        data,
        http_port: args.http_port,
        tcp_port: args.tcp_port,
        otlp_grpc_port: args.otlp_grpc_port,
        otlp_http_port: args.otlp_http_port,
        json: args.output == Output::Json,
        sources: Sources::from_environment(|name| environment.get(name)),
    };
    match local::run(&settings, &mut io::stdout(), &mut io::stderr()).await {
        Ok(ExitReason::Interrupted) => Err(Error::Interrupted { signal: 2 }),
        // Whoever asks a service to end by SIGTERM is told that it ended well.
        Ok(ExitReason::Terminated) => Ok(()),
        Err(error) => Err(Error::Local(error)),
    }
}

/// Large enough that a flood of lines is not a flood of system calls.
const BUFFER: usize = 64 * 1024;

/// Writes an answer to stdout.
///
/// # Errors
/// When nobody reads on, or the disk is full.
pub fn write(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

fn prices(args: &CostArgs) -> Result<Rates, Error> {
    let Some(file) = &args.rates else { return Ok(Rates::built_in()) };
    let shown = file.display();
    let next = Some("`lambdaview cost --show-rates` prints the form");
    let text = std::fs::read_to_string(file)
        .map_err(|error| usage(&format!("the prices in {shown} cannot be read: {error}"), next))?;
    Rates::parse(&text).map_err(|error| usage(&format!("the prices in {shown} cannot be understood: {error}"), next))
}

/// `lambdaview cost --show-rates`, which asks nobody.
///
/// # Errors
/// When nobody reads on.
pub fn show_rates() -> Result<(), Error> {
    write(rates::BUILT_IN)
}

fn say_nothing_there(since: Since) {
    let time = match since {
        Since::Ago(age) => {
            format!("in the last {}", crate::format::duration(u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)))
        }
        Since::At(moment) => format!("since {}", crate::format::rfc3339(moment)),
    };
    // Nobody may be listening on stderr, which is no reason to stop.
    let _ = writeln!(io::stderr(), "lambdaview: no function wrote anything {time}; --since 30d looks further back");
}

fn nowhere(id: &TraceRef) -> Error {
    let (what, next) = match id {
        TraceRef::Trace(id) => (
            format!("no span and no log line has the trace id {id}"),
            "again in a moment if it is new: the collector batches for up to five seconds",
        ),
        TraceRef::Invocation(id) => (
            format!("no span and no log line has the request id {id}"),
            "`lambdaview tail FUNCTION` shows the request ids there are; a new one takes a few seconds to arrive",
        ),
    };
    Error::NotFound { what, similar: Vec::new(), next: next.to_owned() }
}
