//! `make chaos`: functions in several flush modes live through everything that a seed has for them, and at the end it is
//! asked whether the promises held.
//!
//! Backends die in every way and come back, processes are killed, exit and run into timeouts, environments freeze, telemetry
//! comes twice and in odd forms. `plan` makes the steps, `lane` lives through them, `verdict` asks. The same seed is the same
//! plan; what the machine makes of it differs by the scheduler's moods.

mod lane;
mod odd;
mod plan;
mod random;
mod verdict;

use lambdaview_tests::{function::cheap, ledger::Account, machine};
use lane::{Evidence, Health, Limit, Progress, Run};
use plan::{Character, LANES};
use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const USAGE: &str = "usage: chaos [--seed N] [--minutes N | --steps N] [--lane NAME] [--extension PATH]

Torments an extension for some minutes (2), or for some steps in each of its lives, and says which promises broke. The lanes are its
lives, each of another kind; with --lane only those whose name begins so.";

/// What is asked for.
struct Wish {
    seed: u64,
    minutes: f64,
    steps: Option<usize>,
    lane: String,
    extension: PathBuf,
}

impl Wish {
    fn from_arguments(arguments: &[String]) -> Result<Self, String> {
        let seed = chrono::Utc::now().timestamp_millis().unsigned_abs() % 1_000_000;
        let mut wish = Self { seed, minutes: 2.0, steps: None, lane: String::new(), extension: machine::extension() };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return Err(format!("{} needs a value", pair[0])) };
            let not_one = || format!("{name} {value} is not understood");
            match name.as_str() {
                "--seed" => wish.seed = value.parse().map_err(|_| not_one())?,
                "--minutes" => wish.minutes = value.parse().map_err(|_| not_one())?,
                "--steps" => wish.steps = Some(value.parse().map_err(|_| not_one())?),
                "--lane" => wish.lane.clone_from(value),
                "--extension" => wish.extension = PathBuf::from(value),
                _ => return Err(format!("unknown argument: {name}")),
            }
        }
        if !LANES.iter().any(|character| character.name.starts_with(&wish.lane)) {
            let names: Vec<&str> = LANES.iter().map(|character| character.name).collect();
            return Err(format!("no lane is named {}: there are {}", wish.lane, names.join("; ")));
        }
        Ok(wish)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == cheap::COMMAND) {
        return cheap::run();
    }
    match Wish::from_arguments(&arguments) {
        Ok(wish) => torment(wish).await,
        Err(why) => {
            eprintln!("error: {why}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

async fn torment(wish: Wish) -> ExitCode {
    let began = Instant::now();
    let limit = match wish.steps {
        Some(steps) => Limit::Steps(steps),
        None => Limit::Until(began + Duration::from_secs_f64(wish.minutes * 60.0)),
    };
    println!("chaos --seed {}, {}", wish.seed, wish.extension.display());
    let progress = Arc::<Progress>::default();
    let run =
        Run { seed: wish.seed, limit, extension: wish.extension, progress: progress.clone(), turn: Arc::default() };
    let mut lanes = JoinSet::new();
    let wanted = LANES.into_iter().enumerate().filter(|(_, character)| character.name.starts_with(&wish.lane));
    for (nth, character) in wanted {
        lanes.spawn(lane::live(character, nth, run.clone()));
    }
    let mut broken = 0;
    while !lanes.is_empty() {
        tokio::select! {
            Some(ended) = lanes.join_next() => {
                let (character, evidence, _its_turn) = ended.expect("a lane ends by itself");
                broken += tell(character, &evidence);
            }
            () = tokio::time::sleep(Duration::from_secs(10)) => tick(began, &progress),
        }
    }
    tick(began, &progress);
    if broken == 0 {
        println!("every promise held");
        return ExitCode::SUCCESS;
    }
    println!("{broken} promises broken; again with: make chaos SEED={}", wish.seed);
    ExitCode::FAILURE
}

fn tick(began: Instant, progress: &Progress) {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{:>6.0} s  {} invocations, {} outages, {} resets",
        began.elapsed().as_secs_f64(),
        count(&progress.invocations),
        count(&progress.outages),
        count(&progress.falls),
    );
}

/// What became of one lane; how many promises it saw broken.
fn tell(character: Character, evidence: &Evidence) -> usize {
    let Character { name, flush, protocol, .. } = character;
    println!("\n{name}: flush {flush}, {protocol}");
    let sums = verdict::sums(evidence);
    println!(
        "  {} invocations, {} outages that were dead, {} kills, {} resets",
        evidence.holds.len() as u64 + evidence.falls,
        evidence.dead_outages,
        evidence.kills,
        evidence.falls
    );
    println!(
        "  {} lines printed, {} not delivered, {} lost with killed processes, {} copies",
        evidence.lines.len(),
        sums.missing,
        sums.excused,
        sums.copies
    );
    for (kind, account) in &sums.accounts {
        let Account { received, delivered, pending, dropped, reasons, .. } = account;
        println!(
            "  {kind:<8} {received} received, {delivered} delivered, {pending} pending, {dropped} dropped {reasons:?}"
        );
    }
    tell_holds("well", evidence, |health| health == Health::Well);
    tell_holds("poor", evidence, |health| health == Health::Poor);
    tell_holds("dead, first 3", evidence, |health| matches!(health, Health::Dead(..=3)));
    tell_holds("dead, later", evidence, |health| matches!(health, Health::Dead(4..)));
    for (behaviour, waits) in verdict::waits(evidence) {
        println!("  waited for a backend that was {behaviour:?}: {}", waits.join(", "));
    }
    let violations = verdict::violations(character, evidence);
    for violation in &violations {
        println!("  BROKEN: {violation}");
    }
    if !violations.is_empty() {
        let said: Vec<&str> = evidence.said.lines().rev().take(30).collect();
        said.into_iter().rev().for_each(|line| println!("  | {line}"));
    }
    violations.len()
}

/// Percentiles of how long invocations were held, and of what of it was the extension's own.
fn tell_holds(what: &str, evidence: &Evidence, which: impl Fn(Health) -> bool) {
    let chosen = || evidence.holds.iter().filter(|hold| which(hold.health));
    let mut held: Vec<Duration> = chosen().map(|hold| hold.held).collect();
    let mut ours: Vec<Duration> = chosen().map(|hold| hold.ours).collect();
    if held.is_empty() {
        return;
    }
    held.sort();
    ours.sort();
    let at = |sorted: &[Duration], percent: usize| {
        let nth = (sorted.len() * percent / 100).min(sorted.len() - 1);
        sorted[nth].as_secs_f64() * 1e3
    };
    let row =
        |sorted: &[Duration]| format!("{:.1} / {:.1} / {:.1} ms", at(sorted, 50), at(sorted, 99), at(sorted, 100));
    println!("  held p50 / p99 / max, backend {what} ({}): {}; our own {}", held.len(), row(&held), row(&ours));
}
