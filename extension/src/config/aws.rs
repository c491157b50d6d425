//! How AWS's own services are reached, in AWS's own variables: secrets are asked for there.

use super::{parse, settings::Settings};

/// How Secrets Manager and Parameter Store are reached. Credentials are not here: they are read when they are needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// Secrets Manager's URL, where it is not the region's own.
    pub secrets_manager_url: Option<String>,
    /// Parameter Store's URL, where it is not the region's own.
    pub parameter_store_url: Option<String>,
    /// Whether the endpoints with validated cryptography are asked.
    pub fips: bool,
    /// Whether the endpoints that have IPv6 are asked.
    pub dual_stack: bool,
}

impl AwsSettings {
    pub(super) fn read(settings: &mut Settings<'_>) -> Self {
        let mut on = |name| settings.read(name, "true or false", parse::switch).unwrap_or_default();
        let (fips, dual_stack) = (on("AWS_USE_FIPS_ENDPOINT"), on("AWS_USE_DUALSTACK_ENDPOINT"));
        let ignored = on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        let mut url = |name| settings.text(name).filter(|_| !ignored);
        let every = url("AWS_ENDPOINT_URL");
        Self {
            secrets_manager_url: url("AWS_ENDPOINT_URL_SECRETS_MANAGER").or_else(|| every.clone()),
            parameter_store_url: url("AWS_ENDPOINT_URL_SSM").or(every),
            fips,
            dual_stack,
        }
    }
}
