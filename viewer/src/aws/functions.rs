//! Functions: read whole, changed against the revision that was read, waited for.

use std::time::Duration;

use aws_sdk_lambda::types::{
    Environment, FunctionConfiguration, LastUpdateStatus, PackageType, SnapStartApplyOn, State,
};
use tokio::time::{Instant, sleep};

use super::{Aws, Fault, FaultKind};
use crate::attach::{
    function::{Architecture, Function, Layer, Readiness},
    plan::Plan,
};

/// Between two looks at a function that is being changed. Lambda takes some seconds for it.
const LOOK: Duration = Duration::from_millis(500);

impl Aws {
    /// The names of all functions here, in their order.
    ///
    /// # Errors
    /// When AWS does not list them.
    pub async fn function_names(&self) -> Result<Vec<String>, Fault> {
        let mut pages = self.lambda.list_functions().into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(function) = pages.next().await {
            let function = function.map_err(|error| Fault::of("lambda:ListFunctions", &error))?;
            names.extend(function.function_name().map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// A function with its tags.
    ///
    /// # Errors
    /// When it is not there, or may not be looked at.
    pub async fn function(&self, name: &str) -> Result<Function, Fault> {
        let answer = self.lambda.get_function().function_name(name).send().await;
        let answer = answer.map_err(|error| Fault::of("lambda:GetFunction", &error))?;
        let configuration = answer.configuration().ok_or_else(|| Fault {
            action: "lambda:GetFunction",
            kind: FaultKind::Failed,
            words: "its answer has no configuration".to_owned(),
        })?;
        if let Some(error) = answer.tags_error() {
            let words = error.message().to_owned();
            return Err(Fault { action: "lambda:ListTags", kind: FaultKind::Denied, words });
        }
        let tags = answer.tags().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok(Function { tags, ..read(configuration) })
    }

    /// Marks what is about to be set. Before it is set: what is marked and was not set does no harm, and is marked anew.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn mark(&self, function: &Function, plan: &Plan) -> Result<(), Fault> {
        if plan.tags.is_empty() {
            return Ok(());
        }
        let mut request = self.lambda.tag_resource().resource(&function.arn);
        for (name, value) in &plan.tags {
            request = request.tags(name, value);
        }
        request.send().await.map(|_| ()).map_err(|error| Fault::of("lambda:TagResource", &error))
    }

    /// Takes away the marks of what is not set any more.
    ///
    /// # Errors
    /// When AWS refuses.
    pub async fn unmark(&self, function: &Function, plan: &Plan) -> Result<(), Fault> {
        if plan.untag.is_empty() {
            return Ok(());
        }
        let request = self.lambda.untag_resource().resource(&function.arn).set_tag_keys(Some(plan.untag.clone()));
        request.send().await.map(|_| ()).map_err(|error| Fault::of("lambda:UntagResource", &error))
    }

    /// Changes layers and variables, unless the function is another than the one that was read.
    ///
    /// # Errors
    /// When it is, or AWS refuses.
    pub async fn configure(&self, function: &Function, plan: &Plan) -> Result<(), Fault> {
        let environment = Environment::builder().set_variables(Some(plan.environment.clone().into_iter().collect()));
        let request = self
            .lambda
            .update_function_configuration()
            .function_name(&function.name)
            .revision_id(&function.revision)
            .set_layers(Some(plan.layers.clone()))
            .environment(environment.build());
        let answer = request.send().await;
        answer.map(|_| ()).map_err(|error| Fault::of("lambda:UpdateFunctionConfiguration", &error))
    }

    /// Waits until a function is as it was changed.
    ///
    /// # Errors
    /// When the change failed, or took longer than `patience`.
    pub async fn settled(&self, name: &str, patience: Duration) -> Result<(), Fault> {
        let until = Instant::now() + patience;
        let failed =
            |words: String| Fault { action: "lambda:UpdateFunctionConfiguration", kind: FaultKind::Failed, words };
        loop {
            match self.function(name).await?.readiness {
                Readiness::Ready => return Ok(()),
                Readiness::Failed(why) => return Err(failed(why)),
                Readiness::Changing if Instant::now() > until => {
                    return Err(failed(format!("it has not been done within {patience:?}")));
                }
                Readiness::Changing => sleep(LOOK).await,
            }
        }
    }
}

fn read(configuration: &FunctionConfiguration) -> Function {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let layer =
        |layer: &aws_sdk_lambda::types::Layer| Layer { arn: text(layer.arn()), bytes: bytes(layer.code_size()) };
    let arm = |architecture: &aws_sdk_lambda::types::Architecture| {
        *architecture == aws_sdk_lambda::types::Architecture::Arm64
    };
    let environment = configuration.environment();
    let variables = environment.and_then(|environment| environment.variables());
    let unreadable = environment.and_then(|environment| environment.error());
    Function {
        name: text(configuration.function_name()),
        arn: text(configuration.function_arn()),
        architecture: if configuration.architectures().iter().any(arm) {
            Architecture::Arm64
        } else {
            Architecture::X86_64
        },
        runtime: configuration.runtime().map(|runtime| runtime.as_str().to_owned()),
        image: configuration.package_type() == Some(&PackageType::Image),
        snap_start: configuration.snap_start().and_then(|snap| snap.apply_on())
            == Some(&SnapStartApplyOn::PublishedVersions),
        readiness: readiness(configuration),
        layers: configuration.layers().iter().map(layer).collect(),
        code_bytes: bytes(configuration.code_size()),
        environment: variables.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect(),
        role: text(configuration.role()),
        revision: text(configuration.revision_id()),
        unreadable: unreadable.map(|error| text(error.message().or(error.error_code()))),
        ..Function::default()
    }
}

fn readiness(configuration: &FunctionConfiguration) -> Readiness {
    let why = |reason: Option<&str>| reason.unwrap_or("Lambda gives no reason").to_owned();
    match (configuration.state(), configuration.last_update_status()) {
        (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => Readiness::Changing,
        (Some(State::Failed), _) => Readiness::Failed(why(configuration.state_reason())),
        // A change that failed left the function as it was: it can be changed again.
        _ => Readiness::Ready,
    }
}

fn bytes(size: i64) -> u64 {
    u64::try_from(size).unwrap_or_default()
}
