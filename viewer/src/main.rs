//! The command line's process: arguments, runtime, exit code.

use std::process::ExitCode;

use lambdaview::local::engine;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        Some(command) if command == engine::CHILD_COMMAND => engine::child_main(arguments),
        _ => ExitCode::from(2),
    }
}
