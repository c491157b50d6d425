//! Secrets Manager, through its SDK: many secrets a call, or one by one where only that is permitted.

use super::{Fetched, Problem, Secret, http, resolver::Access};
use aws_sdk_secretsmanager::{
    Client, Config,
    config::{
        BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
    operation::batch_get_secret_value::BatchGetSecretValueOutput,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::{collections::HashMap, error::Error};
use tokio::task::JoinSet;

/// What each of them needs.
const ACTION: &str = "secretsmanager:GetSecretValue";

/// Refusals of a whole batch that a single secret of it may have caused, or that hold for batches only.
const ONE_BY_ONE: [&str; 8] = [
    "AccessDeniedException",
    "AccessDenied",
    "InvalidParameterException",
    "InvalidRequestException",
    "ValidationException",
    "ResourceNotFoundException",
    "DecryptionFailure",
    "UnknownOperationException",
];

/// Gets `arns`, all of one region; each has its own outcome.
pub(super) async fn fetch(access: &Access, region: &str, arns: Vec<String>) -> Fetched {
    let client = client(access, region);
    // A single secret needs no batch, and no second permission.
    if arns.len() == 1 {
        return one_by_one(&client, arns).await;
    }
    match client.batch_get_secret_value().set_secret_id_list(Some(arns.clone())).send().await {
        Ok(output) => {
            let mut fetched = batch(&arns, output);
            let rest = arns.into_iter().filter(|arn| !fetched.contains_key(arn)).collect();
            fetched.extend(one_by_one(&client, rest).await);
            fetched
        }
        Err(error) => match problem(&error) {
            (_, true) => one_by_one(&client, arns).await,
            (problem, false) => arns.into_iter().map(|arn| (arn, Err(problem.clone()))).collect(),
        },
    }
}

/// A client that does nothing by itself: no second try, no clock, no cache. When to ask again is the driver's affair.
fn client(access: &Access, region: &str) -> Client {
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(access.http.clone())
        .credentials_provider(access.credentials.clone())
        .identity_cache(IdentityCache::no_cache())
        .region(Region::new(region.to_owned()))
        .use_fips(access.settings.fips)
        .use_dual_stack(access.settings.dual_stack)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(access.settings.secrets_manager_url.clone());
    Client::from_conf(config.build())
}

/// What a batch's answer says about each of `arns`; those that it says nothing about are left out.
fn batch(arns: &[String], output: BatchGetSecretValueOutput) -> Fetched {
    let mut fetched = HashMap::new();
    for error in output.errors() {
        let (id, code) = (error.secret_id().unwrap_or_default(), error.error_code().unwrap_or_default());
        if let Some(arn) = arns.iter().find(|arn| is_same(arn, id)) {
            fetched.insert(arn.clone(), Err(Problem::of(code, error.message().unwrap_or_default(), ACTION)));
        }
    }
    for value in output.secret_values.unwrap_or_default() {
        if let Some(arn) = arns.iter().find(|arn| is_same(arn, value.arn.as_deref().unwrap_or_default())) {
            fetched.insert(arn.clone(), text(value.secret_string, value.secret_binary));
        }
    }
    fetched
}

/// An ARN may be written without the six characters that the service adds to a secret's name.
fn is_same(asked: &str, answered: &str) -> bool {
    let rest = answered.strip_prefix(asked);
    rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('-') && rest.len() == 7))
}

async fn one_by_one(client: &Client, arns: Vec<String>) -> Fetched {
    let mut calls = JoinSet::new();
    for arn in arns {
        let request = client.get_secret_value().secret_id(&arn);
        calls.spawn(async move {
            let outcome = match request.send().await {
                Ok(output) => text(output.secret_string, output.secret_binary),
                Err(error) => Err(problem(&error).0),
            };
            (arn, outcome)
        });
    }
    calls.join_all().await.into_iter().collect()
}

fn text(string: Option<String>, binary: Option<aws_smithy_types::Blob>) -> Result<Secret, Problem> {
    let binary = || String::from_utf8(binary?.into_inner()).ok();
    string.or_else(binary).map(Secret::new).ok_or(Problem::NoText)
}

/// What an error means, and whether asking one by one may help.
fn problem<E>(error: &SdkError<E, HttpResponse>) -> (Problem, bool)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error.as_service_error() {
        Some(service) => {
            let denied = error.raw_response().is_some_and(|answer| answer.status().as_u16() == 403);
            let code =
                service.code().unwrap_or(if denied { "AccessDenied" } else { "an answer that is no error of its" });
            (Problem::of(code, service.message().unwrap_or_default(), ACTION), ONE_BY_ONE.contains(&code))
        }
        None => (Problem::Unanswered(http::cause(error)), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_belongs_to_the_arn_with_or_without_its_suffix() {
        let arn = "arn:aws:secretsmanager:r:1:secret:key";
        assert!(is_same(arn, arn) && is_same(arn, &format!("{arn}-AbCdEf")));
        assert!(
            !is_same(arn, &format!("{arn}-longer-AbCdEf"))
                && !is_same(arn, "")
                && !is_same(&format!("{arn}-AbCdEf"), arn)
        );
    }
}
