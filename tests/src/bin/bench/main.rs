//! `make bench`: the figures that the README publishes, measured on the built binaries and printed.
//!
//! Everything is measured in one run on one machine, each figure beside its aim; nothing is asserted. Another extension's
//! binary goes through the same harness with `--extension PATH`; what cannot be measured of it is said to be skipped.

mod extension;
mod process;
mod rates;
mod row;
mod scale;
mod screen;
mod sink;
mod viewer;

use lambdaview_tests::{function::cheap, machine};
use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "usage: bench [--extension PATH] [--viewer PATH] [--long] [--extension-only] [--only PART] [--viewer-only] [--scale-only] [--rows N]

Prints the figures of an extension and of the viewer, and what each of the viewer's questions reads in tables of 2 and 20 million rows;
without a path, those of the release build of this tree. With --long, memory is watched over 100,000 invocations; with
--rows N the smaller table has N; with --only PART one part of the extension's figures is measured: flood, hold, dead or memory.
With --viewer-only what the questions read is left out, with --scale-only everything else.";

/// What is measured.
struct Subjects {
    extension: PathBuf,
    viewer: PathBuf,
    long: bool,
    what: What,
    rows: u64,
}

/// Which figures.
#[derive(Clone, Copy)]
enum What {
    All,
    Extension,
    PartOfExtension(extension::Part),
    Viewer,
    Scale,
}

impl What {
    const fn has_extension(self) -> bool {
        matches!(self, Self::All | Self::Extension | Self::PartOfExtension(_))
    }

    const fn has_viewer(self) -> bool {
        matches!(self, Self::All | Self::Viewer)
    }

    const fn has_scale(self) -> bool {
        matches!(self, Self::All | Self::Scale)
    }
}

impl Subjects {
    fn from_arguments(arguments: &[String]) -> Result<Self, String> {
        let (extension, viewer) = (release("lambdaview-extension"), release("lambdaview"));
        let mut subjects = Self { extension, viewer, long: false, what: What::All, rows: scale::ROWS };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            // Processes are started elsewhere, for which a relative path would be another.
            let mut path = || {
                arguments
                    .next()
                    .and_then(|path| std::path::absolute(path).ok())
                    .ok_or(format!("{argument} needs a path"))
            };
            match argument.as_str() {
                "--extension" => subjects.extension = path()?,
                "--viewer" => subjects.viewer = path()?,
                "--long" => subjects.long = true,
                "--extension-only" => subjects.what = What::Extension,
                "--viewer-only" => subjects.what = What::Viewer,
                "--scale-only" => subjects.what = What::Scale,
                "--only" => {
                    let part = arguments.next().and_then(|part| extension::Part::parse(part));
                    subjects.what = What::PartOfExtension(part.ok_or("--only needs a part")?);
                }
                "--rows" => {
                    let rows = arguments.next().and_then(|rows| rows.parse().ok());
                    subjects.rows = rows.ok_or("--rows needs a number")?;
                }
                _ => return Err(format!("unknown argument: {argument}")),
            }
        }
        let what = subjects.what;
        let extension = what.has_extension().then_some(&subjects.extension);
        let viewer = (what.has_viewer() || what.has_scale()).then_some(&subjects.viewer);
        for path in extension.into_iter().chain(viewer) {
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
    println!("{}", process::machine());
    println!("{}, bench {}", chrono::Utc::now().format("%Y-%m-%d %H:%M UTC"), arguments.join(" "));
    let Subjects { extension, viewer, long, what, rows } = &subjects;
    if what.has_extension() {
        println!("extension  {}", extension.display());
        match what {
            What::PartOfExtension(part) => extension::measure_part(*part, extension, *long).await,
            _ => extension::measure(extension, *long).await,
        }
    }
    if what.has_viewer() || what.has_scale() {
        println!("viewer     {}", viewer.display());
    }
    if what.has_viewer() {
        viewer::measure(viewer).await;
    }
    if what.has_scale() {
        scale::measure(viewer, *rows).await;
    }
    ExitCode::SUCCESS
}
