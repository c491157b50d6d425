//! AWS, as far as the viewer asks and changes something there: one account, in one region.
//!
//! Calls go through AWS's own SDK, which knows where credentials come from (profiles, SSO, containers) and tries again what
//! was throttled. What is decided is decided in [`crate::attach`]; nothing is decided here.

mod fault;
mod functions;
mod grants;
mod layers;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

pub use fault::{Fault, FaultKind};
pub use layers::Archive;

/// Where AWS is asked, and by whom, as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// A region other than that of the profile or the environment.
    pub region: Option<String>,
    /// A profile other than that of the environment.
    pub profile: Option<String>,
}

/// The clients.
#[derive(Clone, Debug)]
pub struct Aws {
    region: String,
    lambda: aws_sdk_lambda::Client,
    iam: aws_sdk_iam::Client,
}

impl Aws {
    /// Clients by what was typed, else by the environment and the profiles, as AWS's own command line reads them.
    ///
    /// # Errors
    /// When no region is named anywhere.
    pub async fn connect(access: &Access) -> Result<Self, Fault> {
        let tls = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(tls);
        if let Some(region) = &access.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &access.profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let region = config.region().map(ToString::to_string);
        let Some(region) = region else {
            let words = "no region is named: --region, AWS_REGION or the profile's".to_owned();
            return Err(Fault { action: "anything", kind: FaultKind::Failed, words });
        };
        Ok(Self::with(&config, region))
    }

    fn with(config: &SdkConfig, region: String) -> Self {
        Self { region, lambda: aws_sdk_lambda::Client::new(config), iam: aws_sdk_iam::Client::new(config) }
    }

    /// The region that is asked.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}
