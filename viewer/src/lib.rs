//! From ClickHouse to the terminal.

pub mod args;
pub mod ask;
pub mod attach;
pub mod aws;
pub mod clock;
pub mod commands;
pub mod connect;
pub mod cost;
pub mod doctor;
pub mod error;
pub mod filters;
pub mod format;
pub mod help;
pub mod interrupt;
pub mod lanes;
pub mod local;
pub mod patterns;
pub mod places;
pub mod progress;
pub mod prompt;
pub mod radar;
pub mod render;
pub mod schedule;
pub mod settings;
pub mod similar;
pub mod tail;
pub mod trace;
pub mod tui;
pub mod zone;

use std::io::Write as _;

use args::{Cli, Command, Display, UiArgs};
use clap::CommandFactory as _;
use commands::Desk;
use error::Error;
use lambdaview_queries::questions::{Asked, Cost};
use progress::Spinner;
use render::style::Paint;
use settings::{Config, Environment, Target};

/// Does what the command line says.
///
/// # Errors
/// When it could not be done; the error knows its exit code.
pub async fn run(cli: &Cli, environment: &impl Environment) -> Result<(), Error> {
    match &cli.command {
        Some(Command::Cost(args)) if args.show_rates => commands::show_rates(),
        Some(Command::Local(args)) => commands::local(args, cli.display.output, environment).await,
        Some(Command::Context(args)) => commands::context(&args.action, cli, environment),
        Some(Command::Config(args)) => commands::config(args.action, environment),
        Some(Command::Completions(args)) => commands::completions(args),
        Some(Command::Man(args)) => commands::man(args),
        Some(Command::Help(args)) => commands::help(args, cli, environment),
        Some(Command::Open(args)) => match commands::opened(args, cli)? {
            Some(cli) => Box::pin(run(&cli, environment)).await,
            None => Ok(()),
        },
        Some(Command::Attach(args)) => Box::pin(commands::attach(args, cli, environment)).await,
        Some(Command::Detach(args)) => Box::pin(commands::detach(args, cli, environment)).await,
        Some(Command::Ui(args)) => open(cli, commands::first_screen(args)?, environment).await,
        Some(Command::Tail(args)) if args.tui => open(cli, commands::tail_screen(args)?, environment).await,
        Some(Command::Trace(args)) if args.opens_viewer(cli.display.output) && commands::is_possible() => {
            open(cli, commands::trace_screen(args)?, environment).await
        }
        Some(command) => ask(cli, command, environment).await,
        None if commands::is_possible() => open(cli, commands::first_screen(&UiArgs::default())?, environment).await,
        None => Err(Error::Unclear { help: Cli::command().render_help().to_string() }),
    }
}

/// The viewer, beginning with a screen; it connects once that is shown.
async fn open(cli: &Cli, first: tui::state::Screen, environment: &impl Environment) -> Result<(), Error> {
    let config = Config::load(environment)?;
    let target = target(cli, &config, environment)?;
    let look = settings::look(&cli.display, &config, environment);
    commands::open(first, target, cli.span, look, config.prices()).await
}

fn target(cli: &Cli, config: &Config, environment: &impl Environment) -> Result<Target, Error> {
    let mut target = settings::target(&cli.connection, config, environment)?;
    if target.prompt && cli.display.no_input {
        return Err(settings::usage("the password has to be asked for, and --no-input forbids it", None));
    }
    if target.prompt {
        target.password = Some(prompt::password(&target.place)?);
    }
    Ok(target)
}

/// The commands that ask ClickHouse.
async fn ask(cli: &Cli, command: &Command, environment: &impl Environment) -> Result<(), Error> {
    let config = Config::load(environment)?;
    let target = target(cli, &config, environment)?;
    let look = settings::look(&cli.display, &config, environment);
    let spinner = Spinner::new("reading", look.quiet, look.ascii);
    let opened = spinner.during(connect::open(&target, command.name()), &String::new);
    let session = interrupt::unless_interrupted(opened).await;
    if let (Command::Doctor(_), Err(error)) = (command, &session) {
        commands::cannot_ask(error, cli.display.output, Paint { colour: look.colour })?;
    }
    let session = session?;
    if cli.display.show_sql {
        let spinner = spinner.clone();
        session.listen(move |asked| say_question(asked, &spinner));
    }
    if cli.display.stats {
        session.count_exactly();
    }
    let pager = settings::pager(&cli.display, environment);
    let Display { output, max_rows, .. } = cli.display;
    let desk = Desk {
        session: &session,
        at: &target.place,
        span: cli.span,
        output,
        max_rows,
        look,
        pager: pager.as_deref(),
        config: &config,
        spinner: &spinner,
    };
    let done = match command {
        // These follow with their own end: they have counts to tell.
        Command::Tail(args) => desk.tail(args).await,
        Command::Logs(args) => desk.logs(args).await,
        // Asks on the terminal.
        Command::Schema(args) => interrupt::unless_interrupted(commands::schema(&desk, &target, args)).await,
        command => {
            let how_far = || commands::how_far(session.cost());
            let answered = spinner.during(answer(&desk, command), &how_far);
            interrupt::unless_interrupted(answered).await
        }
    };
    spinner.stop();
    if cli.display.stats {
        say_cost(session.cost());
    }
    done
}

/// The commands that ask, and then show.
async fn answer(desk: &Desk<'_>, command: &Command) -> Result<(), Error> {
    match command {
        Command::Trace(args) => desk.trace(args).await,
        Command::Functions(args) => desk.functions(args, false).await,
        Command::Top(args) => desk.functions(args, true).await,
        Command::Invocations(args) => desk.invocations(args).await,
        Command::Errors(args) => desk.errors(args).await,
        Command::Cold(args) => desk.cold(args).await,
        Command::Environments(args) => desk.environments(args).await,
        Command::Cost(args) => desk.cost(args).await,
        Command::Patterns(args) => desk.patterns(args).await,
        Command::Sql(args) => desk.sql(args).await,
        Command::Doctor(args) => desk.doctor(args).await,
        Command::Tail(_)
        | Command::Logs(_)
        | Command::Schema(_)
        | Command::Attach(_)
        | Command::Detach(_)
        | Command::Local(_)
        | Command::Ui(_)
        | Command::Context(_)
        | Command::Config(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Help(_)
        | Command::Open(_) => unreachable!("these are done elsewhere"),
    }
}

fn say_question(asked: &Asked, spinner: &Spinner) {
    spinner.clear();
    // Nobody may be listening on stderr, which is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{};\n", asked.statement().trim());
}

fn say_cost(cost: Cost) {
    let Cost { questions, rows, bytes } = cost;
    let questions = format::plural(questions, "question");
    // Nobody may be listening on stderr, which is no reason to fail.
    let _ = writeln!(
        std::io::stderr(),
        "lambdaview: {questions}, read {} and {} ({} bytes)",
        format::plural(rows, "row"),
        format::bytes(bytes),
        format::count(bytes),
    );
}
