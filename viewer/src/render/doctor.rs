//! What `doctor` found, a line each.

use serde::Serialize;

use super::{
    json::as_line,
    style::{Paint, Role},
};
use crate::{
    doctor::{Check, State},
    format::{inert, left, width},
};

#[derive(Serialize)]
struct JsonCheck<'a> {
    check: &'a str,
    state: &'static str,
    says: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

/// The lines for people; below what is not well stands what to do.
#[must_use]
pub fn draw(checks: &[Check], paint: Paint) -> String {
    let widest = checks.iter().map(|check| width(&inert(&check.name))).max().unwrap_or_default();
    let mut text = String::new();
    for Check { name, state, says, next } in checks {
        let role = match state {
            State::Ok => Role::Faint,
            State::Warn => Role::Warning,
            State::Fail => Role::Error,
        };
        let state = paint.paint(role, &left(state.as_str(), 4));
        text.push_str(&format!("{state}  {}  {}\n", left(&inert(name), widest), inert(says)));
        if let Some(next) = next {
            text.push_str(&format!("      {}  try: {}\n", " ".repeat(widest), inert(next)));
        }
    }
    text
}

/// An object for a program.
#[must_use]
pub fn json(check: &Check) -> String {
    let Check { name, state, says, next } = check;
    as_line(&JsonCheck { check: name, state: state.as_str(), says, next: next.as_deref() })
}
