//! Which calls to make: by service and region, ten secrets a call. Pure, as is the reading of one secret's text.

use super::{Problem, Reference, Secret, Service};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// GetParameters takes no more, and BatchGetSecretValue more than is good for one answer.
const A_CALL: usize = 10;

/// One call.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) region: String,
    /// Each once: two fields of one secret are one secret.
    pub(super) arns: Vec<String>,
}

/// The fewest calls that get all of `references`.
pub(super) fn calls(references: &[Reference]) -> Vec<Call> {
    let mut groups: BTreeMap<(Service, &str), BTreeSet<&str>> = BTreeMap::new();
    for reference in references {
        groups.entry((reference.service, &reference.region)).or_default().insert(&reference.arn);
    }
    let mut calls = Vec::new();
    for ((service, region), arns) in groups {
        let arns: Vec<String> = arns.into_iter().map(str::to_owned).collect();
        calls.extend(arns.chunks(A_CALL).map(|arns| Call { service, region: region.to_owned(), arns: arns.to_vec() }));
    }
    calls
}

/// What `reference` means of the secret's whole text: all of it, or the field that `#key` names.
///
/// A field's siblings may be of any type. A number or a switch counts as it is written; an object as its JSON.
pub(super) fn part(reference: &Reference, text: &Secret) -> Result<Secret, Problem> {
    let Some(key) = &reference.key else { return some(text.reveal().to_owned(), Problem::NoText) };
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text.reveal()).map_err(|_| Problem::NotJson)?;
    let missing = || Problem::NoField(key.clone());
    let raw = fields.get(key).map(|value| value.get()).filter(|raw| *raw != "null").ok_or_else(missing)?;
    let field = if raw.starts_with('"') { serde_json::from_str(raw).map_err(|_| missing())? } else { raw.to_owned() };
    some(field, missing())
}

/// A secret is never empty: whoever needs it would be sent away without a word about why.
fn some(text: String, problem: Problem) -> Result<Secret, Problem> {
    if text.trim().is_empty() { Err(problem) } else { Ok(Secret::new(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(service: &str, region: &str, name: &str) -> Reference {
        Reference::parse(&format!("arn:aws:{service}:{region}:123456789012:{name}")).unwrap()
    }

    #[test]
    fn secrets_are_asked_for_by_service_and_region_ten_a_call_and_each_once() {
        let mut references: Vec<Reference> =
            (0..23).map(|nth| reference("secretsmanager", "eu-west-1", &format!("secret:s{nth:02}"))).collect();
        references.push(reference("secretsmanager", "eu-west-1", "secret:s00#user"));
        references.push(reference("secretsmanager", "us-east-1", "secret:s00"));
        references.push(reference("ssm", "eu-west-1", "parameter/p:3"));
        let shape: Vec<_> = calls(&references).into_iter().map(|c| (c.service, c.region, c.arns.len())).collect();
        let expected = [
            (Service::SecretsManager, "eu-west-1", 10),
            (Service::SecretsManager, "eu-west-1", 10),
            (Service::SecretsManager, "eu-west-1", 3),
            (Service::SecretsManager, "us-east-1", 1),
            (Service::ParameterStore, "eu-west-1", 1),
        ];
        assert_eq!(shape, expected.map(|(service, region, count)| (service, region.to_owned(), count)));
    }

    #[test]
    fn a_field_is_found_whatever_its_siblings_are() {
        let text = Secret::new(
            r#"{"port":8443,"tags":["a"],"key":"s\u00e9cret","nil":null,"empty":"","on":true,"big":12345678901234567890123}"#,
        );
        let field = |key: &str| {
            let reference = Reference { key: Some(key.to_owned()), ..reference("ssm", "r", "parameter/p") };
            part(&reference, &text).map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(field("key").as_deref(), Ok("sécret"));
        assert_eq!(field("port").as_deref(), Ok("8443"));
        assert_eq!(field("on").as_deref(), Ok("true"));
        assert_eq!(field("big").as_deref(), Ok("12345678901234567890123"));
        assert_eq!(field("tags").as_deref(), Ok(r#"["a"]"#));
        for key in ["nil", "empty", "absent"] {
            assert_eq!(field(key), Err(Problem::NoField(key.to_owned())));
        }
    }

    #[test]
    fn a_text_that_is_no_json_object_has_no_fields_and_an_empty_one_is_no_secret() {
        let whole = reference("ssm", "r", "parameter/p");
        let key = Reference { key: Some("k".to_owned()), ..whole.clone() };
        for text in ["plain", "[1]", "\"k\"", "{"] {
            assert_eq!(part(&key, &Secret::new(text)), Err(Problem::NotJson));
        }
        assert_eq!(part(&whole, &Secret::new("{\"k\":1}")).unwrap().reveal(), "{\"k\":1}");
        assert_eq!(part(&whole, &Secret::new(" ")), Err(Problem::NoText));
    }
}
