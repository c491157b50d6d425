//! The policy that lets a role read the secrets of the extension.

use serde_json::{Value, json};

/// It allows to read these and nothing else. Secrets Manager's ARNs are given whole, with the six letters that AWS adds.
#[must_use]
pub fn reading(secrets: &[String]) -> String {
    let (parameters, secrets): (Vec<&String>, Vec<&String>) = secrets.iter().partition(|arn| arn.contains(":ssm:"));
    let allow = |action: &str, resources: Vec<&String>| {
        let wanted = !resources.is_empty();
        wanted.then(|| json!({ "Effect": "Allow", "Action": action, "Resource": resources }))
    };
    let statements: Vec<Value> =
        [allow("secretsmanager:GetSecretValue", secrets), allow("ssm:GetParameters", parameters)]
            .into_iter()
            .flatten()
            .collect();
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// Whether two policies are the same, however they are written.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    let read = |policy: &str| serde_json::from_str::<Value>(policy).ok();
    read(one).is_some_and(|one| Some(one) == read(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_secret_has_its_own_action_and_nothing_more_is_allowed() {
        let (secret, parameter) =
            ("arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf", "arn:aws:ssm:eu-west-1:1:parameter/b");
        let policy: Value = serde_json::from_str(&reading(&[secret.into(), parameter.into()])).unwrap();
        assert_eq!(
            policy["Statement"],
            json!([
                { "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": [secret] },
                { "Effect": "Allow", "Action": "ssm:GetParameters", "Resource": [parameter] },
            ])
        );
    }

    #[test]
    fn a_policy_is_the_same_in_another_order_of_its_fields() {
        assert!(same(r#"{"a":1,"b":[2]}"#, r#"{ "b": [2], "a": 1 }"#) && !same("{}", "[]") && !same("odd", "odd"));
    }
}
