//! Why a question has no answer, told apart by what the asker can do about it.

use clickhouse::error::Error;

use crate::schema::SchemaError;

/// What the asker can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing answers at that address, or it stopped answering.
    Unreachable,
    /// Something answers, and it is not ClickHouse.
    NotClickHouse,
    /// The user, the password or a grant.
    Denied,
    /// The database is not there.
    NoDatabase,
    /// A table is not there.
    NoTable,
    /// The server gave up on the time it was allowed.
    TooSlow,
    /// The server has too much to do; asking again may help.
    Busy,
    /// A setting may not be changed by this user.
    ReadOnly,
    /// Anything else the server said.
    Failed,
}

/// A question without an answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What the asker can do about it.
    pub kind: FaultKind,
    /// What the server or the connection said, in one line.
    pub message: String,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message: message.lines().next().unwrap_or_default().trim().to_owned() }
    }

    /// Whether the same question may be answered a little later: the server is away, starting, or overloaded.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self.kind, FaultKind::Unreachable | FaultKind::Busy | FaultKind::TooSlow)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match &error {
            Error::BadResponse(said) => from_server(said),
            Error::Network(_) => Self::new(FaultKind::Unreachable, innermost(&error)),
            Error::TimedOut => Self::new(FaultKind::Unreachable, "no answer in time"),
            _ => Self::new(FaultKind::Failed, innermost(&error)),
        }
    }
}

impl From<SchemaError> for Fault {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::Probe(source) | SchemaError::Create { source, .. } | SchemaError::Add { source, .. } => {
                source.into()
            }
            SchemaError::Missing { tables, .. } => {
                Self::new(FaultKind::NoTable, format!("no table {}", tables.join(", no table ")))
            }
            SchemaError::Unknown { .. } => Self::new(FaultKind::Failed, error.to_string()),
        }
    }
}

/// `Code: 516. DB::Exception: who: Authentication failed: ... (AUTHENTICATION_FAILED) (version 26.7.2.1)`
fn from_server(said: &str) -> Fault {
    let Some(code) = code(said) else {
        let start: String = said.split_whitespace().take(8).collect::<Vec<_>>().join(" ");
        return Fault::new(FaultKind::NotClickHouse, start.chars().take(80).collect::<String>());
    };
    let kind = match code {
        192..=194 | 291 | 492 | 497 | 516 => FaultKind::Denied,
        81 => FaultKind::NoDatabase,
        60 | 390 => FaultKind::NoTable,
        159 | 160 => FaultKind::TooSlow,
        164 | 452 => FaultKind::ReadOnly,
        202 | 209 | 210 | 241 | 319 | 1002 => FaultKind::Busy,
        _ => FaultKind::Failed,
    };
    let text = said.split_once("DB::Exception: ").map_or(said, |(_, text)| text);
    let text = text.rsplit_once(" (version").map_or(text, |(text, _)| text);
    Fault::new(kind, text)
}

fn code(said: &str) -> Option<u32> {
    let (_, rest) = said.split_once("Code: ")?;
    rest.split_once('.')?.0.parse().ok()
}

/// The end of the chain of causes says what happened; what stands before it says "network error".
fn innermost(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(said: &str) -> FaultKind {
        Fault::from(Error::BadResponse(said.to_owned())).kind
    }

    #[test]
    fn the_servers_code_says_what_can_be_done() {
        assert_eq!(
            kind("Code: 516. DB::Exception: x: Authentication failed: password is incorrect"),
            FaultKind::Denied
        );
        assert_eq!(
            kind("Code: 60. DB::Exception: Unknown table expression identifier 'otel_logs'"),
            FaultKind::NoTable
        );
        assert_eq!(kind("Code: 390. DB::Exception: Table `otel_logs` doesn't exist"), FaultKind::NoTable);
        assert_eq!(kind("Code: 81. DB::Exception: Database nope does not exist."), FaultKind::NoDatabase);
        assert_eq!(kind("Code: 47. DB::Exception: Unknown identifier"), FaultKind::Failed);
    }

    #[test]
    fn an_answer_without_a_code_is_not_clickhouses() {
        assert_eq!(kind("<html><body>404 Not Found</body></html>"), FaultKind::NotClickHouse);
    }

    #[test]
    fn the_message_is_what_the_server_said_without_its_wrapping() {
        let fault = Fault::from(Error::BadResponse(
            "Code: 81. DB::Exception: Database nope does not exist. (UNKNOWN_DATABASE) (version 26.7.2.1)".to_owned(),
        ));
        assert_eq!(fault.to_string(), "Database nope does not exist. (UNKNOWN_DATABASE)");
    }
}
