//! Looking a setting up: the function's own variables, then the file of `ROTEL_ENV_FILE`; `${NAME}` expanded; every fault kept.

use super::{Fault, env_file, environment::Environment};
use crate::secrets::{Piece, Reference, Secret, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// How deep `${NAME}` may lead to values that hold `${NAME}` again.
const MAX_DEPTH: u8 = 8;

/// The two layers of settings, and what was found wrong while reading them.
pub(super) struct Settings<'a> {
    environment: &'a dyn Environment,
    file: BTreeMap<String, String>,
    asked: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl<'a> Settings<'a> {
    /// Both layers; a file that cannot be read is a fault and an empty layer.
    pub(super) fn new(environment: &'a dyn Environment) -> Self {
        let mut settings = Self { environment, file: BTreeMap::new(), asked: BTreeSet::new(), faults: Vec::new() };
        settings.read_env_file();
        settings
    }

    fn read_env_file(&mut self) {
        const NAME: &str = "ROTEL_ENV_FILE";
        self.asked.insert(NAME.to_owned());
        let Some(path) = self.environment.get(NAME).filter(|path| !path.trim().is_empty()) else { return };
        match self.environment.file(Path::new(path.trim())) {
            Ok(text) => {
                let parsed = env_file::parse(&text, &|name| self.environment.get(name));
                self.file = parsed.variables;
                for line in parsed.unreadable {
                    self.fault(
                        NAME,
                        format!("line {line} of {path} is not NAME=value"),
                        "correct the line or make it a comment",
                    );
                }
            }
            Err(error) => self.fault(
                NAME,
                format!("{path} cannot be read: {error}"),
                "name a file of the deployment package, e.g. /var/task/rotel.env",
            ),
        }
    }

    /// What is wrong, said once: a variable for all signals is read for each of them.
    pub(super) fn fault(&mut self, variable: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        let fault = Fault { variable: variable.to_owned(), problem: problem.into(), remedy: remedy.into() };
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// The value as it was written, without expansion; unset when empty.
    pub(super) fn raw(&mut self, name: &str) -> Option<String> {
        self.asked.insert(name.to_owned());
        self.layered(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn layered(&self, name: &str) -> Option<String> {
        self.environment.get(name).or_else(|| self.file.get(name).cloned())
    }

    /// The expanded value, secrets and all; a fault when it cannot be expanded.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        let raw = self.raw(name)?;
        self.expanded(name, &raw)
    }

    /// `text`, a part of `name`'s value, expanded.
    pub(super) fn expanded(&mut self, name: &str, text: &str) -> Option<Value> {
        match self.pieces(text, 0) {
            Ok(pieces) => Some(self.noted(name, Value::from_pieces(pieces))),
            Err(problem) => {
                self.fault(name, problem, "write ${NAME} of a variable that is set, or ${arn:...} of a secret");
                None
            }
        }
    }

    /// A value that waits for secrets is kept as such, and told: nothing fetches them in this version.
    fn noted(&mut self, name: &str, value: Value) -> Value {
        if let Value::Waiting(template) = &value {
            let secrets: Vec<String> = template.references().map(ToString::to_string).collect();
            let problem =
                format!("needs {}, and this version fetches no secrets, so what needs it waits", secrets.join(", "));
            self.fault(name, problem, "write the value itself");
        }
        value
    }

    /// The expanded value where no secret has a meaning.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Plain(text) => Some(text.reveal().trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Waiting(_) => None,
        }
    }

    /// The value as `read` understands it; a fault that tells what was `expected` when it does not.
    pub(super) fn read<T>(&mut self, name: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = read(&text);
        if value.is_none() {
            self.fault(name, format!("`{text}` is not understood"), format!("write {expected}"));
        }
        value
    }

    /// The text of the file at `path`, which `name` names.
    pub(super) fn file(&mut self, name: &str, path: &Path) -> Option<Value> {
        match self.environment.file(path) {
            Ok(text) => Some(Value::Plain(Secret::new(text))),
            Err(error) => {
                self.fault(
                    name,
                    format!("{} cannot be read: {error}", path.display()),
                    "name a file of the deployment package",
                );
                None
            }
        }
    }

    fn pieces(&self, text: &str, depth: u8) -> Result<Vec<Piece>, String> {
        if let Some(arn) = text.strip_prefix("secret://") {
            return Ok(vec![reference(arn)?]);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((inside, after)) = after.split_once('}') else { break };
            push_text(&mut pieces, before);
            if inside.starts_with("arn:") {
                pieces.push(reference(inside)?);
            } else if is_name(inside) {
                pieces.extend(self.variable(inside, depth)?);
            } else {
                push_text(&mut pieces, &format!("${{{inside}}}"));
            }
            rest = after;
        }
        push_text(&mut pieces, rest);
        Ok(pieces)
    }

    fn variable(&self, name: &str, depth: u8) -> Result<Vec<Piece>, String> {
        if depth == MAX_DEPTH {
            return Err(format!("${{{name}}} leads back to itself"));
        }
        let value = self.layered(name).ok_or_else(|| format!("${{{name}}} is not set"))?;
        self.pieces(&value, depth + 1)
    }

    /// Ends the reading: what was wrong, with one line for all the names of ours that nobody asked for.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        let ignored = self.ignored();
        if !ignored.is_empty() {
            self.fault(
                &ignored.join(", "),
                "ignored: unknown here",
                "remove it, or compare the spelling with the README's table",
            );
        }
        self.faults
    }

    fn ignored(&self) -> Vec<String> {
        let ours = |name: &String| name.starts_with("ROTEL_") || name.starts_with("LAMBDAVIEW_");
        let mut names: Vec<String> =
            self.environment.names().into_iter().chain(self.file.keys().cloned()).filter(ours).collect();
        names.retain(|name| !self.asked.contains(name));
        names.sort();
        names.dedup();
        names
    }
}

/// What a variable may be called; a password may well hold other things between `${` and `}`.
fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(Secret::new(text)));
    }
}

fn reference(text: &str) -> Result<Piece, String> {
    Reference::parse(text).map(Piece::Reference).map_err(|error| error.to_string())
}
