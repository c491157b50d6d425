//! What changes functions: shows it, asks, does it in an order that can be gone on with, and says how far it came.

use std::{
    io::{self, Write as _},
    path::Path,
};

use super::{Job, SETTLING, wish::named};
use crate::{
    args::{ChangeArgs, Cli, Output},
    attach::{
        function::{Function, Layer},
        plan::{self, Change, Plan, Refusal},
    },
    aws::{Access, Archive, Aws, Fault, FaultKind},
    commands::write,
    error::Error,
    format::{inert, plural},
    interrupt::unless_interrupted,
    prompt,
    render::{plan as render, style::Paint},
    settings::{self, Config, Environment, usage},
    similar::similar,
};

/// How often a change is tried against what somebody else made of the function in the meantime.
const ATTEMPTS: usize = 3;

/// AWS, and how what is done there is told.
pub(super) struct Hand<'a> {
    aws: Aws,
    args: &'a ChangeArgs,
    output: Output,
    paint: Paint,
    no_input: bool,
    quiet: bool,
}

/// What became of the question whether to change what was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// Yes.
    Given,
    /// Everything is as it is to be, or may not be otherwise.
    NothingToDo,
    /// It was to be shown only.
    OnlyShown,
}

/// How a function's change is planned.
type Planner<'a> = dyn Fn(&Function) -> Result<Plan, Vec<Refusal>> + 'a;

impl<'a> Hand<'a> {
    pub(super) async fn open(
        args: &'a ChangeArgs,
        cli: &Cli,
        config: &Config,
        environment: &impl Environment,
    ) -> Result<Self, Error> {
        let output = cli.display.output.unwrap_or_default();
        if !matches!(output, Output::Pretty | Output::Json) {
            return Err(usage(
                &format!("this command cannot print {}", output.name()),
                Some("-o with one of pretty, json"),
            ));
        }
        let access = Access { region: args.region.clone(), profile: args.profile.clone() };
        let aws = Aws::connect(&access).await?;
        let look = settings::look(&cli.display, config, environment);
        let paint = Paint { colour: look.colour };
        Ok(Self { aws, args, output, paint, no_input: cli.display.no_input, quiet: look.quiet })
    }

    /// Says how it goes, unless nothing but errors is to be said.
    pub(super) fn say(&self, words: &str) {
        if !self.quiet {
            tell(words);
        }
    }

    pub(super) fn region(&self) -> &str {
        self.aws.region()
    }

    /// The functions that were named and have the tags.
    pub(super) async fn functions(&self) -> Result<Vec<Function>, Error> {
        let tags = self.args.tags.iter().map(|pair| named("--tag", pair)).collect::<Result<Vec<_>, _>>()?;
        unless_interrupted(async {
            let there = self.aws.function_names().await?;
            let patterns = &self.args.functions;
            if let Some(missing) = patterns.iter().find(|pattern| !there.iter().any(|name| pattern.matches(name))) {
                return Err(Error::NotFound {
                    what: format!("no function in {} matches \"{}\"", self.region(), missing.typed()),
                    similar: similar(missing.typed(), &there),
                    next: "`aws lambda list-functions`, or another --region or --profile".to_owned(),
                });
            }
            let chosen = |name: &&String| patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name));
            let mut functions = Vec::new();
            for name in there.iter().filter(chosen) {
                let function = self.aws.function(name).await?;
                let has = |(name, value): &(&str, &str)| function.tags.get(*name).is_some_and(|tag| tag == value);
                if tags.iter().all(has) {
                    functions.push(function);
                }
            }
            if functions.is_empty() {
                return Err(Error::NotFound {
                    what: format!("no function in {} has these tags", self.region()),
                    similar: Vec::new(),
                    next: "`aws resourcegroupstaggingapi get-resources --resource-type-filters lambda:function`"
                        .to_owned(),
                });
            }
            Ok(functions)
        })
        .await
    }

    /// Reads what their roles are allowed for our sake.
    pub(super) async fn read_grants(&self, functions: &mut [Function]) -> Result<(), Error> {
        for function in functions {
            function.granted = self.aws.granted(function.role_name()).await?;
        }
        Ok(())
    }

    pub(super) async fn published(&self, archive: &Archive) -> Result<Option<Layer>, Error> {
        unless_interrupted(async { Ok(self.aws.published(archive).await?) }).await
    }

    pub(super) async fn publish(&self, archive: &Archive) -> Result<Layer, Error> {
        let layer = self.aws.publish(archive).await?;
        self.say(&format!("published {}", layer.arn));
        Ok(layer)
    }

    /// The role of a function that may lose what was granted; a note where others still need it; nothing where it has nothing.
    pub(super) async fn revocable(&self, function: &Function) -> Result<Option<Result<String, String>>, Error> {
        let role = function.role_name();
        if self.aws.granted(role).await?.is_none() {
            return Ok(None);
        }
        for name in self.aws.function_names().await?.iter().filter(|name| **name != function.name) {
            let other = self.aws.function(name).await?;
            if other.role == function.role && plan::is_attached(&other) {
                return Ok(Some(Err(format!("role {role} keeps what it may read: {name} needs it"))));
            }
        }
        Ok(Some(Ok(role.to_owned())))
    }

    /// Shows what is to change, and asks.
    pub(super) fn consent(&self, jobs: &[Job], unpublished: &[Archive]) -> Result<Consent, Error> {
        let rows = jobs.iter().map(|job| render::Row {
            function: &job.function.name,
            outcome: job.outcome.as_ref().map_err(Vec::as_slice),
        });
        let rows: Vec<render::Row<'_>> = rows.collect();
        match self.output {
            Output::Json => write(&rows.iter().map(render::json).collect::<String>())?,
            _ => write(&render::draw(&rows, self.paint))?,
        }
        let changing = jobs.iter().filter(|job| job.changes()).count();
        if self.args.dry_run {
            return Ok(Consent::OnlyShown);
        }
        if changing == 0 {
            return Ok(Consent::NothingToDo);
        }
        for archive in unpublished {
            self.say(&format!("{} is published first, from {}", archive.layer(), shown(&archive.path)));
        }
        if !self.args.yes {
            prompt::agreed(&format!("change {}", plural(changing as u64, "function")), self.region(), self.no_input)?;
        }
        Ok(Consent::Given)
    }

    /// Carries out what was agreed on, function by function. What fails is told; the others are done all the same.
    pub(super) async fn carry_out(&self, jobs: &[Job], planner: &Planner<'_>) -> Result<(), Error> {
        let mut failed = 0_u64;
        let changing = || jobs.iter().filter(|job| job.changes());
        for Job { function, outcome } in changing() {
            let Ok(plan) = outcome else { continue };
            match self.change(function, plan, planner).await {
                Ok(()) => self.say(&format!("{}: done", function.name)),
                Err(broken) => {
                    failed += 1;
                    tell(&format!("{}: {}", function.name, broken.told()));
                }
            }
        }
        match failed {
            0 => Ok(()),
            failed => Err(Error::Unwell {
                what: format!("{} of {} not changed as planned", plural(failed, "function"), changing().count()),
            }),
        }
    }

    /// First what allows and marks, which does no harm alone; then the function; last what is not needed any more.
    async fn change(&self, function: &Function, plan: &Plan, planner: &Planner<'_>) -> Result<(), Broken> {
        let mut progress = Progress::default();
        for change in &plan.changes {
            if let Change::Grant { role, secrets } = change {
                progress.step("the role's policy", self.aws.grant(role, secrets).await)?;
            }
        }
        progress.step("the marks", self.aws.mark(function, plan).await)?;
        if plan.configures() {
            let changed = self.configure(function, plan, planner).await;
            progress.step("layers and variables", changed)?;
            progress.step("Lambda's taking them up", self.aws.settled(&function.name, SETTLING).await)?;
        }
        progress.step("taking the marks away", self.aws.unmark(function, plan).await)?;
        for change in &plan.changes {
            if let Change::Revoke { role } = change {
                progress.step("taking the role's policy away", self.aws.revoke(role).await)?;
            }
        }
        Ok(())
    }

    /// Changes the function as it is now: where somebody changed it since it was read, the same change is made to what it has
    /// become. Where that would be another change than the one that was shown, nothing is done.
    async fn configure(&self, function: &Function, plan: &Plan, planner: &Planner<'_>) -> Result<(), Fault> {
        let (mut function, mut plan_now) = (function.clone(), plan.clone());
        for attempt in 1.. {
            match self.aws.configure(&function, &plan_now).await {
                Err(fault) if attempt < ATTEMPTS && matches!(fault.kind, FaultKind::Conflict | FaultKind::Changing) => {
                    if fault.kind == FaultKind::Changing {
                        self.aws.settled(&function.name, SETTLING).await?;
                    }
                    let granted = function.granted.take();
                    function = Function { granted, ..self.aws.function(&function.name).await? };
                    match planner(&function) {
                        Ok(again) if again.same_changes(plan) => plan_now = again,
                        _ => return Err(Fault { kind: FaultKind::Conflict, ..fault }),
                    }
                }
                done => return done,
            }
        }
        unreachable!("the last attempt is answered")
    }
}

impl Job {
    fn changes(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|plan| !plan.changes.is_empty())
    }
}

/// What has been done of a change.
#[derive(Debug, Default)]
struct Progress {
    done: Vec<&'static str>,
}

impl Progress {
    fn step(&mut self, what: &'static str, outcome: Result<(), Fault>) -> Result<(), Broken> {
        match outcome {
            Ok(()) => {
                self.done.push(what);
                Ok(())
            }
            Err(fault) => Err(Broken { done: std::mem::take(&mut self.done), what, fault }),
        }
    }
}

/// A change that broke off.
#[derive(Debug)]
struct Broken {
    done: Vec<&'static str>,
    what: &'static str,
    fault: Fault,
}

impl Broken {
    fn told(&self) -> String {
        let Self { done, what, fault } = self;
        let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
        let next = fault.remedy().map_or_else(String::new, |remedy| format!("; try: {remedy}"));
        format!("{fault} (done: {done}; not done: {what} and what follows){next}")
    }
}

/// Those that were refused are a failure, whatever was done to the others.
pub(super) fn refusals(jobs: &[Job]) -> Result<(), Error> {
    match jobs.iter().filter(|job| job.outcome.is_err()).count() {
        0 => Ok(()),
        refused => Err(Error::Unwell {
            what: format!("{} of {} left as they are", plural(refused as u64, "function"), jobs.len()),
        }),
    }
}

fn tell(words: &str) {
    // Nobody may be listening on stderr, which is no reason to stop.
    let _ = writeln!(io::stderr(), "lambdaview: {}", inert(words));
}

fn shown(path: &Path) -> String {
    inert(&path.display().to_string()).into_owned()
}
