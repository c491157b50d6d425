//! `make bench`: the figures that the README publishes, measured on the built binaries and printed.
//!
//! Everything is measured in one run on one machine; medians are quoted, nothing is asserted. Another extension's binary
//! goes through the same harness with `--extension PATH`.

mod extension;
mod sink;
mod viewer;

use lambdaview_tests::{function::cheap, machine};
use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "usage: bench [--extension PATH] [--viewer PATH]

Prints the figures of an extension and of the viewer; without a path, those of the release build of this tree.";

/// What is measured.
struct Subjects {
    extension: PathBuf,
    viewer: PathBuf,
}

impl Subjects {
    fn from_arguments(arguments: &[String]) -> Result<Self, String> {
        let mut subjects = Self { extension: release("lambdaview-extension"), viewer: release("lambdaview") };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let path = || arguments.clone().next().map(PathBuf::from).ok_or(format!("{argument} needs a path"));
            match argument.as_str() {
                "--extension" => subjects.extension = path()?,
                "--viewer" => subjects.viewer = path()?,
                _ => return Err(format!("unknown argument: {argument}")),
            }
            arguments.next();
        }
        for path in [&subjects.extension, &subjects.viewer] {
            if !path.is_file() {
                return Err(format!("no binary at {}: `make bench` builds it first", path.display()));
            }
        }
        Ok(subjects)
    }
}

/// The release build beside the profile that this program was built in.
fn release(name: &str) -> PathBuf {
    let profile = machine::binary("bench").parent().expect("a file stands in a folder").to_path_buf();
    profile.with_file_name("release").join(name)
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == cheap::COMMAND) {
        return cheap::run();
    }
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let subjects = match Subjects::from_arguments(&arguments) {
        Ok(subjects) => subjects,
        Err(why) => {
            eprintln!("error: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    println!("extension  {}", subjects.extension.display());
    extension::measure(&subjects.extension).await;
    println!("viewer     {}", subjects.viewer.display());
    viewer::measure(&subjects.viewer).await;
    ExitCode::SUCCESS
}

/// A figure on its line.
fn print(what: &str, figure: &str) {
    println!("  {what:<58} {figure:>16}");
}

/// The middle of `figures`.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
