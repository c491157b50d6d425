//! The layer as `make layer` has built it: what is in its archives, and that each program runs without anything of the system.
//!
//! Without archives to look at (`LAMBDAVIEW_LAYER`) these are skipped: to build them takes as long as all other tests.

use crate::world::World;
use lambdaview_tests::{
    attach::{attached_as, sample},
    function::Sample,
    lambda::Status,
    layer::{self, BareRoot, Entry},
    machine,
    stack::Stack,
    until::GENEROUS,
};
use serde_json::json;
use std::path::{Path, PathBuf};

const BOTH: [&str; 2] = ["x86_64", "arm64"];

fn archive(test: &str, architecture: &str) -> Option<PathBuf> {
    let archive = layer::archive(architecture);
    if archive.is_none() {
        machine::skipped(test, &"no layer is named by LAMBDAVIEW_LAYER: `make layer` builds both and runs this");
    }
    archive
}

/// A function with the extension at `program`: its line arrives, tied to its invocation, and the ledger is balanced.
async fn ships(program: &Path) {
    let stack = Stack::start().await;
    let settings = sample(Sample::Orders).timeout(GENEROUS).init_timeout(GENEROUS);
    let settings = attached_as(settings, stack.grpc, program);
    let world = World::with(stack, "orders", settings).await;
    let invocation = world.lambda.invoke(json!({ "order": 31 })).await;
    assert_eq!(invocation.status, Status::Success, "{}", world.lambda.transcript());
    let row = world.row("order 31 received").await;
    assert_eq!(row.attributes["faas.invocation_id"], invocation.request_id);
    let ledger = world.stop().await;
    assert_eq!((ledger.of("logs").pending, ledger.of("logs").dropped), (0, 0), "{ledger:?}");
}

#[test]
fn an_archive_holds_the_program_where_lambda_looks_for_it_and_nothing_else() {
    for architecture in BOTH {
        let Some(archive) = archive("layer::an_archive_holds_the_program", architecture) else { return };
        let program = Entry { name: layer::PROGRAM.to_owned(), mode: 0o755, made: "1980 1 1 0 0 0".to_owned() };
        assert_eq!(layer::entries(&archive).unwrap(), [program]);
    }
}

#[tokio::test]
async fn the_x86_64_program_runs_in_a_root_that_holds_nothing_else() {
    let Some(archive) = archive("layer::x86_64", "x86_64") else { return };
    let root = BareRoot::of(&archive).unwrap();
    ships(&root.natively().unwrap()).await;
}

#[tokio::test]
async fn the_arm64_program_runs_on_an_emulated_processor() {
    let Some(archive) = archive("layer::arm64", "arm64") else { return };
    let Some(emulator) = layer::arm64_emulator() else {
        machine::skipped("layer::arm64", &"this machine has no qemu-aarch64 (apt-get install qemu-user-static)");
        return;
    };
    let root = BareRoot::of(&archive).unwrap();
    ships(&root.emulated(&emulator).unwrap()).await;
}
