//! What Lambda's own variables tell: about the function, and about the way it runs.

use super::settings::Settings;

/// What Lambda's own variables tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LambdaSettings {
    /// `host:port` of the Runtime, Extensions and Telemetry APIs; `None` outside of Lambda.
    pub runtime_api: Option<String>,
    /// The function's name.
    pub function_name: Option<String>,
    /// The function's version: a number or `$LATEST`.
    pub function_version: Option<String>,
    /// The function's memory, in MiB.
    pub memory_mib: Option<u32>,
    /// The region it runs in.
    pub region: Option<String>,
    /// The way in which this environment was made.
    pub initialization: Initialization,
    /// How many invocations may run at once: more than one on Managed Instances only.
    pub max_concurrency: Option<u32>,
}

/// The way in which an execution environment was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Initialization {
    /// For an invocation that was waiting, or in a way not known here.
    #[default]
    OnDemand,
    /// Ahead of invocations.
    ProvisionedConcurrency,
    /// From a snapshot.
    SnapStart,
    /// On Managed Instances: several invocations at once, no INVOKE events.
    ManagedInstances,
}

impl LambdaSettings {
    pub(super) fn read(settings: &mut Settings<'_>) -> Self {
        let initialization = match settings.raw("AWS_LAMBDA_INITIALIZATION_TYPE").as_deref() {
            Some("provisioned-concurrency") => Initialization::ProvisionedConcurrency,
            // The documentation of the variable has the first word, that of the telemetry the second.
            Some("snap-start" | "SnapStart") => Initialization::SnapStart,
            Some("lambda-managed-instances") => Initialization::ManagedInstances,
            _ => Initialization::OnDemand,
        };
        let region = settings.raw("AWS_REGION");
        let default_region = settings.raw("AWS_DEFAULT_REGION");
        Self {
            runtime_api: settings.raw("AWS_LAMBDA_RUNTIME_API"),
            function_name: settings.raw("AWS_LAMBDA_FUNCTION_NAME"),
            function_version: settings.raw("AWS_LAMBDA_FUNCTION_VERSION"),
            memory_mib: settings.raw("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|mib| mib.parse().ok()),
            region: region.or(default_region),
            initialization,
            max_concurrency: settings.raw("AWS_LAMBDA_MAX_CONCURRENCY").and_then(|count| count.parse().ok()),
        }
    }
}
