//! References to secrets in settings: recognised here, kept whole, never sent as they stand.
//!
//! `${arn:...}` may stand anywhere in a value; a value may also be wholly `secret://arn:...`. An ARN may carry `#key`, the
//! field of a JSON secret. Fetching them is the work of the [`Resolver`]; [`Awaited`] knows what is missing and when to ask
//! for it; until everything is known, whatever needs the value waits.

mod awaited;
mod http;
mod parameter_store;
mod plan;
mod problem;
mod resolver;
mod secrets_manager;

pub use awaited::Awaited;
pub use problem::Problem;
pub use resolver::{Resolution, Resolver};

use std::{collections::HashMap, fmt};

/// The whole texts of secrets by ARN, or why there is none.
type Fetched = HashMap<String, Result<Secret, Problem>>;

/// A value that is never printed: an API key, a password, a header's value.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text` so that it cannot be printed by accident.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Which service keeps a referenced secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// AWS Secrets Manager.
    SecretsManager,
    /// AWS Systems Manager Parameter Store.
    ParameterStore,
}

/// One secret by its ARN, with the field of it that is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The ARN without its `#key`.
    pub arn: String,
    /// Who is asked for it.
    pub service: Service,
    /// The region to ask in.
    pub region: String,
    /// The field of a JSON secret.
    pub key: Option<String>,
}

/// Why a text that looks like a reference is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAReference {
    /// An ARN, which is a name and no secret, of something else.
    #[error("`{0}` is no ARN of Secrets Manager or Parameter Store")]
    OtherArn(String),
    /// Not told, since it may be the secret itself.
    #[error("what stands for a secret does not begin with `arn:`")]
    NoArn,
}

impl Reference {
    /// Reads `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>[#key]`, or the same of `ssm` and `parameter/<name>`.
    ///
    /// # Errors
    /// When the ARN is that of another service, or lacks a part.
    pub fn parse(text: &str) -> Result<Self, NotAReference> {
        let fault = || match text.starts_with("arn:") {
            true => NotAReference::OtherArn(text.to_owned()),
            false => NotAReference::NoArn,
        };
        let (arn, key) = match text.split_once('#') {
            Some((_, "")) => return Err(fault()),
            Some((arn, key)) => (arn, Some(key.to_owned())),
            None => (text, None),
        };
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else { return Err(fault()) };
        if [partition, region, account].contains(&"") {
            return Err(fault());
        }
        let service = match service {
            "secretsmanager" if resource.strip_prefix("secret:").is_some_and(|name| !name.is_empty()) => {
                Service::SecretsManager
            }
            "ssm" if resource.strip_prefix("parameter/").is_some_and(|name| !name.is_empty()) => {
                Service::ParameterStore
            }
            _ => return Err(fault()),
        };
        Ok(Self { arn: arn.to_owned(), service, region: region.to_owned(), key })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, "#{key}"))
    }
}

/// A part of a value: text that is known, or a secret that is not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Known.
    Text(Secret),
    /// Known once it has been fetched.
    Reference(Reference),
}

/// A value with at least one secret still to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// The secrets it needs, in the order in which they stand.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Reference(reference) => Some(reference),
        })
    }

    /// The whole value, once `secret` knows every reference; `None` while it lacks one. A secret that cannot be had is
    /// never an empty string.
    pub fn fill(&self, secret: impl Fn(&Reference) -> Option<Secret>) -> Option<Secret> {
        let mut whole = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => whole.push_str(text.reveal()),
                Piece::Reference(reference) => whole.push_str(secret(reference)?.reveal()),
            }
        }
        Some(Secret(whole))
    }
}

/// A setting's value: known, or waiting for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Known.
    Plain(Secret),
    /// Known once the secrets in it have been fetched.
    Waiting(Template),
}

impl Value {
    /// Puts pieces together: plain when none of them is a reference.
    #[must_use]
    pub fn from_pieces(pieces: Vec<Piece>) -> Self {
        let template = Template(pieces);
        match template.fill(|_| None) {
            Some(plain) => Self::Plain(plain),
            None => Self::Waiting(template),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:clickstack-AbCdEf";

    #[test]
    fn a_secret_is_not_printed_by_debug() {
        assert_eq!(format!("{:?}", Secret::new("s3cr3t")), "Secret(..)");
        assert!(!format!("{:?}", Value::Plain(Secret::new("s3cr3t"))).contains("s3cr3t"));
    }

    #[test]
    fn an_arn_with_a_key_names_the_field() {
        let reference = Reference::parse(&format!("{SECRET}#api_key")).unwrap();
        assert_eq!((reference.arn.as_str(), reference.key.as_deref()), (SECRET, Some("api_key")));
        assert_eq!((reference.service, reference.region.as_str()), (Service::SecretsManager, "eu-west-1"));
        assert_eq!(reference.to_string(), format!("{SECRET}#api_key"));
    }

    #[test]
    fn a_parameter_may_carry_a_version_and_another_partition() {
        let reference = Reference::parse("arn:aws-cn:ssm:cn-north-1:123456789012:parameter/team/key:3").unwrap();
        assert_eq!((reference.service, reference.key), (Service::ParameterStore, None));
    }

    #[test]
    fn arns_of_other_services_and_halves_of_arns_are_refused() {
        for text in [
            "arn:aws:s3:::bucket",
            "arn:aws:ssm:eu-west-1:1",
            "arn:aws:ssm:eu-west-1:1:parameter/",
            &format!("{SECRET}#"),
        ] {
            assert_eq!(Reference::parse(text), Err(NotAReference::OtherArn(text.to_owned())));
        }
        assert!(!Reference::parse("s3cr3t").unwrap_err().to_string().contains("s3cr3t"));
    }

    #[test]
    fn a_template_is_filled_only_when_every_secret_is_known() {
        let reference = Reference::parse(SECRET).unwrap();
        let pieces = vec![Piece::Text(Secret::new("Bearer ")), Piece::Reference(reference.clone())];
        let Value::Waiting(template) = Value::from_pieces(pieces) else { panic!("a reference waits") };
        assert_eq!(template.references().collect::<Vec<_>>(), [&reference]);
        assert_eq!(template.fill(|_| None), None);
        assert_eq!(template.fill(|_| Some(Secret::new("key"))).unwrap().reveal(), "Bearer key");
    }
}
