//! The extension's process: settings, runtime, run.

use std::{path::Path, process::ExitCode};

use tokio::task::JoinSet;

use lambdaview_extension::{
    config::{Config, ProcessEnvironment},
    console, driver,
    error::{Error, chain},
};

fn main() -> ExitCode {
    // A panic is one line of ours too, and the task that had it is counted where it is joined.
    std::panic::set_hook(Box::new(|panic| console::say(format_args!("panic: {panic}"))));
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::say(chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let read = Config::from_env(&ProcessEnvironment);
    let runtime_api = read.0.lambda.runtime_api.clone().ok_or(Error::NotInLambda)?;
    // One thread: it starts sooner, is smaller, and leaves the function's cores alone.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // As a task of its own: to wake the future that is blocked on, the runtime writes to a file and reads it again each time.
    let mut alone = JoinSet::new();
    alone.spawn_on(
        async move { driver::run(read, Box::new(ProcessEnvironment), &runtime_api, &name()).await },
        runtime.handle(),
    );
    runtime.block_on(alone.join_next()).expect("it was spawned")?;
    // A name that is still being resolved is nobody's any more.
    runtime.shutdown_background();
    Ok(())
}

/// The platform knows an extension by the name of its file in `/opt/extensions`.
fn name() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let file = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    if file.is_empty() { "lambdaview-extension".to_owned() } else { file.into_owned() }
}
