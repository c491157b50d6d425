//! The command line's process: arguments, runtime, exit code.

fn main() {}
