//! The extension's process: settings, runtime, run.

fn main() {}
