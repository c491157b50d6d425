//! `make demo`: the whole path on this machine, shown. A local stack, three sample functions under the Lambda emulator with
//! the extension attached, a few seconds of customers, and what the viewer makes of it. Ends by itself and leaves nothing
//! running; with `--keep` the stack stays up.

mod stack;
mod step;

use lambdaview_tests::{
    function::python::Python,
    machine,
    shop::{FUNCTIONS, Served, Shop},
};
use stack::Stack;
use std::{error::Error, process::ExitCode, time::Duration};
use step::Step;
use tokio::process::Command;

/// How long customers come.
const OPEN: Duration = Duration::from_secs(6);
const STEPS: u8 = 5;

#[tokio::main]
async fn main() -> ExitCode {
    let keep = std::env::args().any(|argument| argument == "--keep");
    let interrupted = async {
        tokio::signal::ctrl_c().await.expect("a handler for Ctrl-C can be set");
    };
    // Whatever ends this function early also drops the shop and the stack, and with them every process.
    tokio::select! {
        result = demonstrate(keep) => match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("\nerror: {error}");
                ExitCode::FAILURE
            }
        },
        () = interrupted => ExitCode::from(130),
    }
}

async fn demonstrate(keep: bool) -> Result<(), Box<dyn Error>> {
    let step = Step::begin(1, "Python packages of the sample functions (fetched once)");
    let python = tokio::task::spawn_blocking(Python::ready).await??;
    step.done(&format!("{}", python.executable().display()));

    let step = Step::begin(2, "ClickStack on this machine: `lambdaview local`");
    let stack = Stack::start(keep).await?;
    step.done(&format!("ClickHouse {}, OTLP {}", stack.clickhouse_url, stack.otlp_grpc));

    let step = Step::begin(3, "three functions under the Lambda emulator, the extension beside each");
    let shop = Shop::open(stack.otlp_grpc).await?;
    step.done(&FUNCTIONS.join(", "));

    let step = Step::begin(4, &format!("customers, for {} s", OPEN.as_secs()));
    let served = shop.serve(OPEN, |_| step.tick()).await;
    let failed = served.iter().filter(|served| !served.well()).count();
    step.done(&format!("{} invocations, {failed} of them with an error", served.len()));

    let step = Step::begin(5, "functions end; the extension sends what it still has");
    let killed: usize = shop.close().await.iter().map(|shutdown| shutdown.killed.len()).sum();
    step.done(&format!("{killed} of {} extensions outlived Lambda's two seconds", FUNCTIONS.len()));

    show(&stack, &served).await?;
    stack.farewell().await;
    Ok(())
}

/// What a person would type next.
async fn show(stack: &Stack, served: &[Served]) -> Result<(), Box<dyn Error>> {
    viewer(stack, &["functions"]).await?;
    viewer(stack, &["tail", "orders", "-n", "8", "--no-follow"]).await?;
    // A refused card is the one worth a look; else the last payment.
    let payments = || served.iter().rev().filter(|served| served.function == "payments");
    let worth_a_look = payments().find(|served| !served.well()).or_else(|| payments().next());
    if let Some(payment) = worth_a_look {
        viewer(stack, &["trace", &payment.invocation.request_id]).await?;
    }
    viewer(stack, &["cost"]).await
}

async fn viewer(stack: &Stack, arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    println!("\n$ lambdaview {}", arguments.join(" "));
    let mut command = Command::new(machine::viewer());
    let status = command.args(arguments).env("CLICKHOUSE_URL", &stack.clickhouse_url).status().await?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`lambdaview {}` ended with {status}", arguments.join(" ")).into())
    }
}
