//! `lambdaview attach` and `detach`: what is to change is shown and asked for, then the hand does it.

mod hand;
mod verify;
mod wish;

use std::time::Duration;

use hand::{Consent, Hand};

use crate::{
    args::{AttachArgs, Cli, DetachArgs},
    attach::{
        function::Function,
        plan::{self, Change, Plan, Refusal},
    },
    error::Error,
    settings::{Config, Environment},
};

/// A function and what is to be done to it.
#[derive(Clone, Debug)]
struct Job {
    function: Function,
    outcome: Result<Plan, Vec<Refusal>>,
}

impl Job {
    fn planned(function: Function, plan: impl FnOnce(&Function) -> Result<Plan, Vec<Refusal>>) -> Self {
        Self { outcome: plan(&function), function }
    }
}

/// `lambdaview attach`.
///
/// # Errors
/// When AWS or a function refuses, or nothing of a function arrives.
pub async fn attach(args: &AttachArgs, cli: &Cli, environment: &impl Environment) -> Result<(), Error> {
    let config = Config::load(environment)?;
    let hand = Hand::open(&args.change, cli, &config, environment).await?;
    let mut functions = hand.functions().await?;
    if args.grant {
        hand.read_grants(&mut functions).await?;
    }
    let (mut wish, unpublished) = wish::of(args, &hand, &functions).await?;
    let jobs = functions.into_iter().map(|function| Job::planned(function, |function| plan::attach(function, &wish)));
    let mut jobs: Vec<Job> = jobs.collect();
    let consent = hand.consent(&jobs, &unpublished)?;
    if consent == Consent::Given {
        for archive in &unpublished {
            let layer = hand.publish(archive).await?;
            wish.layers.insert(archive.architecture, layer);
        }
        if !unpublished.is_empty() {
            // Now that the layer has an ARN.
            jobs = jobs
                .into_iter()
                .map(|job| Job::planned(job.function, |function| plan::attach(function, &wish)))
                .collect();
        }
        hand.carry_out(&jobs, &|function| plan::attach(function, &wish)).await?;
    }
    if consent != Consent::OnlyShown && !args.no_verify {
        let target = crate::target(cli, &config, environment)?;
        verify::arrival(&hand, &jobs, args.wait.0, &target).await?;
    }
    hand::refusals(&jobs)
}

/// `lambdaview detach`.
///
/// # Errors
/// When AWS or a function refuses.
pub async fn detach(args: &DetachArgs, cli: &Cli, environment: &impl Environment) -> Result<(), Error> {
    let config = Config::load(environment)?;
    let hand = Hand::open(&args.change, cli, &config, environment).await?;
    let mut jobs = Vec::new();
    for function in hand.functions().await? {
        let revoked = if args.revoke { hand.revocable(&function).await? } else { None };
        jobs.push(Job::planned(function, |function| Ok(with_revocation(plan::detach(function)?, revoked))));
    }
    if hand.consent(&jobs, &[])? == Consent::Given {
        hand.carry_out(&jobs, &plan::detach).await?;
    }
    hand::refusals(&jobs)
}

/// The plan with the role's policy going, or a note why it stays.
fn with_revocation(mut plan: Plan, revoked: Option<Result<String, String>>) -> Plan {
    match revoked {
        Some(Ok(role)) => plan.changes.push(Change::Revoke { role }),
        Some(Err(note)) => plan.notes.push(note),
        None => {}
    }
    plan
}

/// How long Lambda may take to change a function: some seconds, more for one in a network of one's own.
const SETTLING: Duration = Duration::from_secs(180);
