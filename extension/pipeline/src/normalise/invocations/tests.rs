//! What is held, for how long, and never more than the bound allows.

use super::*;
use crate::{flow::trace::SpanId, normalise::attributes::text};
use proptest::prelude::*;

const LIMIT: usize = 3000;
const T: UnixNanos = 1_715_817_560_000_000_000;

/// One of the things that happen to held records.
#[derive(Clone, Debug)]
enum Step {
    Start(u8),
    Line { of: Option<u8>, length: usize },
    Close(u8),
    Claim(u8, Claim),
    ReleaseDue,
}

fn step() -> impl Strategy<Value = Step> {
    let claim = prop_oneof![Just(Claim::Root), Just(Claim::Mention), Just(Claim::Entry), Just(Claim::Named)];
    prop_oneof![
        2 => (0..6u8).prop_map(Step::Start),
        6 => (prop::option::of(0..6u8), 0..800usize).prop_map(|(of, length)| Step::Line { of, length }),
        2 => (0..6u8).prop_map(Step::Close),
        1 => (0..6u8, claim).prop_map(|(of, claim)| Step::Claim(of, claim)),
        1 => Just(Step::ReleaseDue),
    ]
}

fn id(number: u8) -> String {
    format!("aaaaaaaa-0000-4000-8000-00000000000{number}")
}

fn held_by(invocations: &Invocations, of: &str) -> usize {
    invocations
        .known
        .iter()
        .filter(|invocation| invocation.request_id == of)
        .map(|invocation| invocation.held.len() + invocation.half_tied.len())
        .sum()
}

fn take(invocations: &mut Invocations, step: &Step, now: UnixNanos) -> usize {
    match step {
        Step::Start(of) => {
            invocations.started(&Start { request_id: id(*of), ..Start::default() }, now);
        }
        Step::Line { of, length } => {
            let record = LogRecord { body: Some(text("x".repeat(*length))), ..LogRecord::default() };
            let request_id = of.map(|of| Named { field: None, id: id(of) });
            invocations.place(&mut Reading { record, request_id }, &[], now);
            return 1;
        }
        Step::Close(of) => invocations.close(&id(*of)),
        Step::Claim(of, claim) => {
            let (trace_id, span_id) = (TraceId::from_bytes(&[7; 16]).unwrap(), SpanId::from_bytes(&[8; 8]).unwrap());
            invocations.link_sdk(&id(*of), *claim, Link { trace_id, span_id, flags: 1 });
        }
        Step::ReleaseDue => invocations.release_due(now),
    }
    0
}

proptest! {
    #[test]
    fn nothing_is_held_beyond_its_invocation_or_the_bound_and_nothing_is_lost(
        managed in any::<bool>(), steps in prop::collection::vec(step(), 1..80)
    ) {
        let mut invocations = Invocations::new(managed, LIMIT);
        let (mut placed, mut released) = (0, 0);
        for (at, step) in steps.iter().enumerate() {
            let now = T + at as u64 * 100_000_000;
            let current = invocations.current.clone();
            placed += take(&mut invocations, step, now);
            invocations.released().drain(|_| released += 1);
            prop_assert!(invocations.held_bytes <= LIMIT, "{} held", invocations.held_bytes);
            prop_assert_eq!(invocations.held_bytes, invocations.known.iter().map(|known| known.held_bytes).sum::<usize>());
            prop_assert_eq!(placed, released + invocations.held());
            match step {
                Step::Close(of) => prop_assert_eq!(held_by(&invocations, &id(*of)), 0),
                Step::Start(of) if !managed && current.as_deref() != Some(&id(*of)) => {
                    prop_assert_eq!(current.map_or(0, |before| held_by(&invocations, &before)), 0);
                }
                Step::ReleaseDue => {
                    let due = |known: &&Invocation| !known.held.is_empty() && now - known.held_since >= PATIENCE;
                    prop_assert_eq!(invocations.known.iter().filter(due).count(), 0);
                }
                _ => {}
            }
            for known in invocations.known.iter().filter(|known| known.done) {
                prop_assert_eq!(known.held.len(), 0, "held by an invocation that is over");
            }
        }
    }
}
