//! What is about to change on functions, for people and for programs. Values that may be secrets are not shown.

use serde_json::{Value, json};

use super::style::{Paint, Role};
use crate::{
    attach::plan::{Change, Plan, Refusal},
    format::inert,
};

/// What is to be done to one function, or why nothing is.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The function's name.
    pub function: &'a str,
    /// The plan, or the refusals.
    pub outcome: Result<&'a Plan, &'a [Refusal]>,
}

/// The plan of each function.
#[must_use]
pub fn draw(rows: &[Row<'_>], paint: Paint) -> String {
    let mut text = String::new();
    for Row { function, outcome } in rows {
        text.push_str(&inert(function));
        text.push('\n');
        match outcome {
            Err(refusals) => {
                refusals.iter().for_each(|refusal| line(&mut text, paint, Role::Error, "✗", &refusal.to_string()));
            }
            Ok(plan) if plan.changes.is_empty() => line(&mut text, paint, Role::Faint, "=", "is as it is to be"),
            Ok(plan) => {
                for change in &plan.changes {
                    let (sign, role, words) = described(change);
                    line(&mut text, paint, role, sign, &words);
                }
            }
        }
        if let Ok(plan) = outcome {
            plan.notes.iter().for_each(|note| line(&mut text, paint, Role::Warning, "!", note));
        }
    }
    text
}

fn line(text: &mut String, paint: Paint, role: Role, sign: &str, words: &str) {
    text.push_str("  ");
    text.push_str(&paint.paint(role, &format!("{sign} {}", inert(words))));
    text.push('\n');
}

fn described(change: &Change) -> (&'static str, Role, String) {
    match change {
        Change::AddLayer { arn } => ("+", Role::Good, format!("layer {arn}")),
        Change::ReplaceLayer { before, after } => ("~", Role::Warning, format!("layer {after}, in place of {before}")),
        Change::RemoveLayer { arn } => ("-", Role::Error, format!("layer {arn}")),
        Change::Set { name, before: None, after } => ("+", Role::Good, format!("{name}={}", shown(name, after))),
        Change::Set { name, before: Some(before), after } => {
            ("~", Role::Warning, format!("{name}={}, it is {}", shown(name, after), shown(name, before)))
        }
        Change::Unset { name } => ("-", Role::Error, name.clone()),
        Change::Grant { role, secrets } => ("+", Role::Good, format!("role {role} may read {}", secrets.join(", "))),
        Change::Revoke { role } => ("-", Role::Error, format!("role {role} may no longer read the secrets")),
    }
}

/// A value, unless it may be a secret: what is in headers, passwords and keys is shown only where it is a reference.
fn shown(name: &str, value: &str) -> String {
    let may_be_secret = ["HEADERS", "PASSWORD", "KEY", "SECRET", "TOKEN"].iter().any(|part| name.contains(part));
    let is_reference = value.contains("${arn:") || value.starts_with("secret://");
    if may_be_secret && !is_reference { "(not shown)".to_owned() } else { value.to_owned() }
}

/// A function's plan as a line of JSON.
#[must_use]
pub fn json(row: &Row<'_>) -> String {
    let change = |change: &Change| {
        let (sign, _, words) = described(change);
        json!({ "change": sign, "what": words })
    };
    let (plan, refusals) = match row.outcome {
        Ok(plan) => (Some(plan), &[][..]),
        Err(refusals) => (None, refusals),
    };
    let value = json!({
        "function": row.function,
        "changes": plan.map_or_else(Vec::new, |plan| plan.changes.iter().map(change).collect::<Vec<Value>>()),
        "notes": plan.map_or(&[][..], |plan| &plan.notes),
        "refusals": refusals.iter().map(ToString::to_string).collect::<Vec<String>>(),
    });
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "\x1b]0;x\x07\x1b[2J\u{9b}2J\u{202e}";

    #[test]
    fn nothing_that_a_functions_owner_wrote_acts_on_the_terminal() {
        let text = || HOSTILE.to_owned();
        let changes = vec![
            Change::AddLayer { arn: text() },
            Change::ReplaceLayer { before: text(), after: text() },
            Change::RemoveLayer { arn: text() },
            Change::Set { name: text(), before: Some(text()), after: text() },
            Change::Unset { name: text() },
            Change::Grant { role: text(), secrets: vec![text()] },
            Change::Revoke { role: text() },
        ];
        let plan = Plan { changes, notes: vec![text()], ..Plan::default() };
        let refusals = [Refusal::Wrapped(text()), Refusal::Unreadable(text()), Refusal::Taken { name: text() }];
        let rows = [Row { function: HOSTILE, outcome: Ok(&plan) }, Row { function: HOSTILE, outcome: Err(&refusals) }];
        let drawn = draw(&rows, Paint { colour: false });
        assert!(!drawn.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{drawn:?}");
        assert_eq!(drawn.lines().count(), 2 + 7 + 1 + 3);
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_shown_but_a_reference_to_one_is() {
        assert_eq!(shown("ROTEL_OTLP_EXPORTER_CUSTOM_HEADERS", "Authorization=abc"), "(not shown)");
        assert_eq!(shown("ROTEL_CLICKHOUSE_EXPORTER_PASSWORD", "secret://arn:aws:ssm:a"), "secret://arn:aws:ssm:a");
        assert_eq!(shown("ROTEL_EXPORTER", "clickhouse"), "clickhouse");
    }
}
