//! The command line's process: arguments, runtime, exit code.

use std::{io::Write as _, process::ExitCode};

use lambdaview::{args::Cli, error::Error, local::engine, settings::ProcessEnvironment};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    // Before clap sees it: the engine's own process, which nobody types.
    if arguments.next().is_some_and(|command| command == engine::CHILD_COMMAND) {
        return engine::child_main(arguments);
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(message) = error.message() {
                // With stderr closed the exit code still says it.
                let _ = writeln!(std::io::stderr(), "{message}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run() -> Result<(), Error> {
    let cli = Cli::of(std::env::args_os());
    // One thread: the work is waiting, and formatting what came.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(lambdaview::run(&cli, &ProcessEnvironment))
}
