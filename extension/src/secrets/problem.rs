//! Why a secret cannot be had, in words that tell what to do and never what the secret holds.

use std::fmt;

/// Why one secret cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The function's role may not: which IAM action it lacks.
    Denied(String),
    /// There is none of this name or version.
    NotFound,
    /// It has no text.
    NoText,
    /// It is not the JSON object that `#key` needs.
    NotJson,
    /// Its JSON object has no such field, or one that is null or empty.
    NoField(String),
    /// The function has no credentials to ask with.
    NoCredentials(String),
    /// No answer, or none that can be read.
    Unanswered(String),
    /// The service's own word for it.
    Refused(String),
}

impl Problem {
    /// What a service's error of this code and with these words means, for someone who asked by `action`.
    pub(super) fn of(code: &str, message: &str, action: &str) -> Self {
        // Errors are named `com.amazonaws.ssm#AccessDeniedException` by some endpoints.
        let code = code.rsplit('#').next().unwrap_or(code);
        match code {
            "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" => {
                Self::Denied(missing(message, action))
            }
            "ResourceNotFoundException" | "ParameterNotFound" | "ParameterVersionNotFound" => Self::NotFound,
            "DecryptionFailure" | "InvalidKeyId" => Self::Denied(format!("kms:Decrypt on its key ({code})")),
            _ => Self::Refused(code.to_owned()),
        }
    }
}

/// The action that AWS's words name, else the one that was asked by.
fn missing(message: &str, action: &str) -> String {
    if message.contains("KMS") || message.contains("ciphertext") {
        return "kms:Decrypt on its key".to_owned();
    }
    let named = message.split_once("perform: ").and_then(|(_, rest)| rest.split_whitespace().next());
    let is_action =
        |word: &&str| word.contains(':') && word.chars().all(|c| c.is_ascii_alphanumeric() || ":-".contains(c));
    format!("{} on it", named.filter(is_action).unwrap_or(action))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(what) => write!(f, "access denied, allow the function's role {what}"),
            Self::NotFound => f.write_str("not found, compare its ARN"),
            Self::NoText => f.write_str("it holds no text"),
            Self::NotJson => f.write_str("it is no JSON object, so it has no #key"),
            Self::NoField(key) => write!(f, "its JSON has no text at `{key}`"),
            Self::NoCredentials(why) => write!(f, "no credentials to ask with: {why}"),
            Self::Unanswered(why) => write!(f, "no answer: {why}"),
            Self::Refused(code) => write!(f, "refused: {code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTION: &str = "secretsmanager:GetSecretValue";

    #[test]
    fn a_denial_names_the_action_that_is_missing() {
        let message =
            "User: arn:aws:sts::1:assumed-role/r is not authorized to perform: ssm:GetParameters on resource: x";
        let told = |code, message| Problem::of(code, message, ACTION).to_string();
        assert_eq!(
            told("AccessDeniedException", message),
            "access denied, allow the function's role ssm:GetParameters on it"
        );
        assert!(told("AccessDenied", "").ends_with("secretsmanager:GetSecretValue on it"));
        assert!(told("AccessDeniedException", "Access to KMS is not allowed").ends_with("kms:Decrypt on its key"));
        assert!(
            told("AccessDeniedException", "perform: <b>:s3cr3t</b>").ends_with("secretsmanager:GetSecretValue on it")
        );
    }

    #[test]
    fn codes_are_read_with_and_without_their_namespace() {
        assert_eq!(Problem::of("com.amazonaws#ResourceNotFoundException", "", ACTION), Problem::NotFound);
        assert_eq!(Problem::of("ThrottlingException", "slow down", ACTION).to_string(), "refused: ThrottlingException");
    }
}
