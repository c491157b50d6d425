//! Looking a setting up: the function's own variables, then the file of `ROTEL_ENV_FILE`; `${NAME}` expanded; every fault kept.
//!
//! Secrets that are known stand in for their references; those that are not are noted, and what needs them waits.

use super::{
    Fault,
    env_file::{self, EnvFile},
    environment::Environment,
    foreign,
};
use crate::secrets::{Piece, Reference, Secret, Value};
use std::{collections::BTreeSet, path::Path};

/// How deep `${NAME}` may lead to values that hold `${NAME}` again.
const MAX_DEPTH: u8 = 8;

/// What becomes of a setting that needs a secret which is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It is fetched, and what the setting is for waits.
    Waits,
    /// Nobody needs the setting.
    PassedOver,
    /// A fault: the setting is needed before any secret can be known.
    IsFault,
}

/// The secrets that are known.
pub(super) type Known<'a> = &'a dyn Fn(&Reference) -> Option<Secret>;

/// The two layers of settings, and what was found wrong while reading them.
pub(super) struct Settings<'a> {
    environment: &'a dyn Environment,
    known: Known<'a>,
    file: EnvFile,
    asked: BTreeSet<String>,
    faults: Vec<Fault>,
    unknown: Unknown,
    /// Secrets to fetch.
    wanted: BTreeSet<Reference>,
    /// How many values have been found to wait.
    waiting: usize,
}

impl<'a> Settings<'a> {
    /// Both layers; a file that cannot be read is a fault and an empty layer.
    pub(super) fn new(environment: &'a dyn Environment, known: Known<'a>) -> Self {
        let mut settings = Self {
            environment,
            known,
            file: EnvFile::default(),
            asked: BTreeSet::new(),
            faults: Vec::new(),
            unknown: Unknown::IsFault,
            wanted: BTreeSet::new(),
            waiting: 0,
        };
        settings.read_env_file();
        settings
    }

    fn read_env_file(&mut self) {
        const NAME: &str = "ROTEL_ENV_FILE";
        let Some(path) = self.text(NAME) else { return };
        match self.environment.file(Path::new(&path)) {
            Ok(text) => {
                self.file = env_file::parse(&text, &|name| self.environment.get(name));
                for line in self.file.unreadable.clone() {
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

    /// What becomes, from now on, of settings that need a secret which is not known.
    pub(super) fn when_unknown(&mut self, unknown: Unknown) {
        self.unknown = unknown;
    }

    /// How many values have been found to wait so far: whoever reads several knows by it whether one of them does.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// The secrets that are to be fetched.
    pub(super) fn wanted(&self) -> Vec<Reference> {
        self.wanted.iter().cloned().collect()
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
        self.environment.get(name).or_else(|| self.file.variables.get(name).cloned())
    }

    /// Whether `${NAME}` in the value of `name` is meant as it stands.
    fn is_literal(&self, name: &str) -> bool {
        self.file.literal.contains(name) && self.environment.get(name).is_none()
    }

    /// The expanded value, secrets and all; a fault when it cannot be expanded.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        let raw = self.raw(name)?;
        self.expanded(name, &raw)
    }

    /// `text`, a part of `name`'s value, expanded.
    pub(super) fn expanded(&mut self, name: &str, text: &str) -> Option<Value> {
        match self.pieces(name, text, 0) {
            Ok(pieces) => Some(self.noted(name, Value::from_pieces(pieces))),
            Err(problem) => {
                self.fault(name, problem, "write ${NAME} of a variable that is set, or ${arn:...} of a secret");
                None
            }
        }
    }

    fn noted(&mut self, name: &str, value: Value) -> Value {
        let Value::Waiting(template) = &value else { return value };
        match self.unknown {
            Unknown::Waits => {
                self.waiting += 1;
                self.wanted.extend(template.references().cloned());
            }
            Unknown::PassedOver => {}
            Unknown::IsFault => {
                let secrets: Vec<String> = template.references().map(ToString::to_string).collect();
                let problem = format!("needed before {} can be fetched, so it counts as not set", secrets.join(", "));
                self.fault(name, problem, "write the value itself, secrets are for endpoints, headers and credentials");
            }
        }
        value
    }

    /// The expanded value where a value that waits has no meaning yet.
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
            // What `${...}` stands for may be a secret: only what was written is shown.
            let written = self.raw(name).unwrap_or_default();
            let shown = if written == text { format!("`{text}`") } else { format!("what `{written}` stands for") };
            self.fault(name, format!("{shown} is not understood"), format!("write {expected}"));
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

    /// The pieces of `text`, the value of `name` or a part of it.
    fn pieces(&self, name: &str, text: &str, depth: u8) -> Result<Vec<Piece>, String> {
        if let Some(arn) = text.strip_prefix("secret://") {
            return Ok(vec![self.reference(arn)?]);
        }
        let literal = self.is_literal(name);
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((inside, after)) = after.split_once('}') else { break };
            push_text(&mut pieces, before);
            if inside.starts_with("arn:") {
                pieces.push(self.reference(inside)?);
            } else if is_name(inside) && !literal {
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
        self.pieces(name, &value, depth + 1)
    }

    /// A secret, by its value where that is known.
    fn reference(&self, text: &str) -> Result<Piece, String> {
        let reference = Reference::parse(text).map_err(|error| error.to_string())?;
        Ok((self.known)(&reference).map_or(Piece::Reference(reference), Piece::Text))
    }

    /// Ends the reading: what was wrong, with a line for the names that mean nothing here, and one for those that nobody
    /// knows.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        let (foreign, unknown): (Vec<String>, Vec<String>) =
            self.ignored().into_iter().partition(|name| foreign::why_without_meaning(name).is_some());
        if !foreign.is_empty() {
            let mut reasons: Vec<&str> = foreign.iter().filter_map(|name| foreign::why_without_meaning(name)).collect();
            reasons.dedup();
            self.fault(&foreign.join(", "), format!("ignored: {}", reasons.join(", ")), "nothing needs to be done");
        }
        if !unknown.is_empty() {
            self.fault(
                &unknown.join(", "),
                "ignored: unknown here",
                "remove it, or compare the spelling with the README's table",
            );
        }
        self.faults
    }

    fn ignored(&self) -> Vec<String> {
        let ours = |name: &String| name.starts_with("ROTEL_") || name.starts_with("LAMBDAVIEW_");
        let mut names: Vec<String> =
            self.environment.names().into_iter().chain(self.file.variables.keys().cloned()).filter(ours).collect();
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
