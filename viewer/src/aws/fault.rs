//! Why AWS did not do what was asked, in one sentence, and what to do about it.

use std::{error::Error as StdError, fmt};

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What kind of fault it is, as far as something is decided by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There are no credentials, or AWS does not accept them.
    Credentials,
    /// They are not allowed to.
    Denied,
    /// What was asked for is not there.
    NotFound,
    /// It was changed by somebody else since it was read.
    Conflict,
    /// Somebody is changing it now.
    Changing,
    /// Too much was asked in too short a time; the SDK had tried several times.
    Throttled,
    /// Nobody answers.
    Unreachable,
    /// Anything else.
    Failed,
}

/// AWS did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was asked, as permissions name it: `lambda:UpdateFunctionConfiguration`.
    pub action: &'static str,
    /// The kind.
    pub kind: FaultKind,
    /// AWS's own words, or those of what came in between.
    pub words: String,
}

impl Fault {
    /// The fault of a call.
    pub fn of<E, R>(action: &'static str, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
        R: fmt::Debug,
    {
        let (kind, words) = match error {
            SdkError::ServiceError(answer) => told(answer.err()),
            SdkError::DispatchFailure(failure) => {
                let words = failure.as_connector_error().map_or_else(String::new, |error| chain(error));
                // The SDK finds out that it has no credentials on the way to AWS.
                let kind = if words.contains("credentials") { FaultKind::Credentials } else { FaultKind::Unreachable };
                (kind, words)
            }
            SdkError::TimeoutError(_) => (FaultKind::Unreachable, "no answer in time".to_owned()),
            SdkError::ConstructionFailure(failure) => (FaultKind::Failed, format!("{failure:?}")),
            other => (FaultKind::Failed, format!("{other}")),
        };
        Self { action, kind, words }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self.kind {
            FaultKind::Credentials => Some(
                "`aws sso login`, or --profile with another; `aws sts get-caller-identity` shows who you are"
                    .to_owned(),
            ),
            FaultKind::Denied => Some(format!("let the user or role that asks do {}", self.action)),
            FaultKind::Conflict | FaultKind::Changing | FaultKind::Throttled => Some("the same again".to_owned()),
            FaultKind::Unreachable => Some("look at the network, --region and AWS_ENDPOINT_URL".to_owned()),
            FaultKind::NotFound | FaultKind::Failed => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { action, words, .. } = self;
        match self.kind {
            FaultKind::Credentials => write!(f, "AWS does not know who asks: {words}"),
            FaultKind::Denied => write!(f, "AWS forbids {action}: {words}"),
            FaultKind::NotFound => write!(f, "it is not there: {words}"),
            FaultKind::Conflict => {
                write!(f, "somebody else changed it in the meantime, and nothing was overwritten: {words}")
            }
            FaultKind::Changing => write!(f, "somebody else is changing it: {words}"),
            FaultKind::Throttled => write!(f, "AWS had too many requests: {words}"),
            FaultKind::Unreachable => write!(f, "AWS does not answer ({action}): {words}"),
            FaultKind::Failed => write!(f, "AWS could not do {action}: {words}"),
        }
    }
}

fn told(error: &(impl ProvideErrorMetadata + StdError)) -> (FaultKind, String) {
    let code = error.code().unwrap_or_default();
    let words = error
        .message()
        .map_or_else(|| if code.is_empty() { error.to_string() } else { code.to_owned() }, str::to_owned);
    (kind(code), words)
}

/// The codes of Lambda, IAM, CloudWatch and STS. Source: AWS's API references, "Common errors" of each.
fn kind(code: &str) -> FaultKind {
    match code {
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "IncompleteSignature" => FaultKind::Credentials,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => FaultKind::Denied,
        "ResourceNotFoundException" | "NoSuchEntity" => FaultKind::NotFound,
        "PreconditionFailedException" => FaultKind::Conflict,
        "ResourceConflictException" | "ConcurrentModification" => FaultKind::Changing,
        "TooManyRequestsException" | "ThrottlingException" | "Throttling" | "RequestLimitExceeded" => {
            FaultKind::Throttled
        }
        _ => FaultKind::Failed,
    }
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_every_service_are_told_apart() {
        for (code, expected) in [
            ("AccessDenied", FaultKind::Denied),
            ("AccessDeniedException", FaultKind::Denied),
            ("PreconditionFailedException", FaultKind::Conflict),
            ("ResourceConflictException", FaultKind::Changing),
            ("TooManyRequestsException", FaultKind::Throttled),
            ("ExpiredTokenException", FaultKind::Credentials),
            ("NoSuchEntity", FaultKind::NotFound),
            ("InvalidParameterValueException", FaultKind::Failed),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn what_is_forbidden_is_named_with_the_permission_that_is_missing() {
        let fault = Fault { action: "lambda:GetFunction", kind: FaultKind::Denied, words: "not authorized".into() };
        assert_eq!(fault.to_string(), "AWS forbids lambda:GetFunction: not authorized");
        assert_eq!(fault.remedy().unwrap(), "let the user or role that asks do lambda:GetFunction");
    }
}
