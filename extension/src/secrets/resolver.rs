//! Asking for secrets: every call at once, each for itself, all within a bound. What is done with the outcome, and when to
//! ask again, is decided in `awaited`.
//!
//! Credentials and connections are made anew for every attempt: those of an earlier one may have been frozen, or restored
//! from a snapshot.

use super::{
    Fetched, Problem, Reference, Secret, Service,
    http::{self, Http},
    parameter_store,
    plan::{self, Call},
    secrets_manager,
};
use crate::config::AwsSettings;
use aws_config::{
    ecs::EcsCredentialsProvider, environment::EnvironmentVariableCredentialsProvider,
    meta::credentials::CredentialsProviderChain, provider_config::ProviderConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use std::{collections::HashMap, time::Duration};
use tokio::{task::JoinSet, time::timeout};

/// The longest that one call may take, its fallback included.
const A_CALL: Duration = Duration::from_secs(5);

/// What one attempt brought.
#[derive(Debug, Default)]
pub struct Resolution {
    /// Secrets that are had.
    pub known: HashMap<Reference, Secret>,
    /// Secrets that are not, in the order of their ARNs.
    pub missing: Vec<(Reference, Problem)>,
}

/// Asks Secrets Manager and Parameter Store.
#[derive(Clone, Debug)]
pub struct Resolver {
    settings: AwsSettings,
    credentials: Option<SharedCredentialsProvider>,
}

/// What a call needs.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) settings: AwsSettings,
    pub(super) http: Http,
    pub(super) credentials: Credentials,
}

impl Resolver {
    /// With the function's own credentials: from its variables, or from the container's endpoint, as SnapStart has them.
    #[must_use]
    pub const fn new(settings: AwsSettings) -> Self {
        Self { settings, credentials: None }
    }

    /// With other credentials.
    #[must_use]
    pub fn with_credentials(settings: AwsSettings, credentials: impl ProvideCredentials + 'static) -> Self {
        Self { settings, credentials: Some(SharedCredentialsProvider::new(credentials)) }
    }

    /// Asks for all of `references` once.
    pub async fn resolve(&self, references: &[Reference]) -> Resolution {
        let http = Http::new();
        match timeout(A_CALL, self.credentials(&http)).await {
            Ok(Ok(credentials)) => {
                let access = Access { settings: self.settings.clone(), http, credentials };
                sorted(references, &fetch(&access, plan::calls(references)).await)
            }
            Ok(Err(error)) => none(references, &Problem::NoCredentials(http::cause(&error))),
            Err(_) => none(references, &Problem::NoCredentials(format!("no answer within {A_CALL:?}"))),
        }
    }

    async fn credentials(&self, http: &Http) -> Result<Credentials, CredentialsError> {
        if let Some(credentials) = &self.credentials {
            return credentials.provide_credentials().await;
        }
        let container = ProviderConfig::empty().with_http_client(http.clone());
        let container = EcsCredentialsProvider::builder().configure(&container).build();
        let chain = CredentialsProviderChain::first_try("variables", EnvironmentVariableCredentialsProvider::new());
        chain.or_else("container", container).provide_credentials().await
    }
}

async fn fetch(access: &Access, calls: Vec<Call>) -> Fetched {
    let mut tasks = JoinSet::new();
    for Call { service, region, arns } in calls {
        let access = access.clone();
        tasks.spawn(async move {
            let late = arns.clone();
            let fetched = timeout(A_CALL, async {
                match service {
                    Service::SecretsManager => secrets_manager::fetch(&access, &region, arns).await,
                    Service::ParameterStore => parameter_store::fetch(&access, &region, arns).await,
                }
            });
            fetched.await.unwrap_or_else(|_| {
                let problem = Problem::Unanswered(format!("not within {A_CALL:?}"));
                late.into_iter().map(|arn| (arn, Err(problem.clone()))).collect()
            })
        });
    }
    let mut fetched = Fetched::new();
    while let Some(done) = tasks.join_next().await {
        // A call that panicked brought nothing: its secrets are missing below.
        fetched.extend(done.unwrap_or_default());
    }
    fetched
}

/// What was fetched, by reference.
fn sorted(references: &[Reference], fetched: &Fetched) -> Resolution {
    let mut resolution = Resolution::default();
    for reference in references {
        let outcome = match fetched.get(&reference.arn) {
            Some(Ok(text)) => plan::part(reference, text),
            Some(Err(problem)) => Err(problem.clone()),
            None => Err(Problem::Unanswered("a fault of the extension's".to_owned())),
        };
        match outcome {
            Ok(secret) => drop(resolution.known.insert(reference.clone(), secret)),
            Err(problem) => resolution.missing.push((reference.clone(), problem)),
        }
    }
    resolution
}

fn none(references: &[Reference], problem: &Problem) -> Resolution {
    let missing = references.iter().map(|reference| (reference.clone(), problem.clone())).collect();
    Resolution { known: HashMap::new(), missing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_never_answers_is_given_up_within_the_bound() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Some(format!("http://{}", silent.local_addr().unwrap()));
        let settings =
            AwsSettings { secrets_manager_url: url.clone(), parameter_store_url: url, ..AwsSettings::default() };
        let resolver = Resolver::with_credentials(settings, Credentials::new("a", "s3cr3t", None, None, "test"));
        let references = ["secretsmanager:r:1:secret:a", "ssm:r:1:parameter/b"];
        let references = references.map(|arn| Reference::parse(&format!("arn:aws:{arn}")).unwrap());
        let resolution = resolver.resolve(&references).await;
        assert_eq!(resolution.known.len(), 0);
        let unanswered = |problem: &Problem| matches!(problem, Problem::Unanswered(_));
        assert!(resolution.missing.len() == 2 && resolution.missing.iter().all(|(_, problem)| unanswered(problem)));
        assert!(!format!("{resolver:?} {resolution:?}").contains("s3cr3t"));
    }
}
