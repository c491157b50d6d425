//! Why a command failed, in one sentence, what to do next, and the exit code that says so to programs.

use std::io;

use lambdaview_queries::questions::{Fault, FaultKind};

use crate::{
    aws,
    format::{inert, width},
    local::LocalError,
};

/// A command that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line, the configuration or an id cannot be understood.
    #[error("{what}")]
    Usage {
        /// What cannot be understood.
        what: String,
        /// What to do.
        next: Option<String>,
    },
    /// Nothing was typed, and there is no terminal for the viewer.
    #[error("no command")]
    Unclear {
        /// What there is to type.
        help: String,
    },
    /// Something longer that was typed cannot be understood, from one place on.
    #[error("{what}")]
    Misread {
        /// What cannot be understood.
        what: String,
        /// What was typed.
        text: String,
        /// The place, in bytes.
        at: usize,
        /// What to do.
        next: String,
    },
    /// What was asked for is not there.
    #[error("{what}")]
    NotFound {
        /// What is not there.
        what: String,
        /// What comes close to it.
        similar: Vec<String>,
        /// What to do.
        next: String,
    },
    /// ClickHouse has no answer.
    #[error("{}", sentence(.fault, .at))]
    ClickHouse {
        /// Why.
        fault: Fault,
        /// Who was asked.
        at: Place,
    },
    /// AWS did not do what was asked.
    #[error("{0}")]
    Aws(aws::Fault),
    /// `lambdaview local` could not start or broke off.
    #[error("{}", chain(.0))]
    Local(#[source] LocalError),
    /// Writing the answer failed.
    #[error("could not write: {0}")]
    Output(#[source] io::Error),
    /// The answer was cut short, and that was not to pass.
    #[error("{what}")]
    Truncated {
        /// What was left out.
        what: String,
        /// What to do.
        next: String,
    },
    /// More of something than was allowed: the answer to what was asked, and no failure of this program.
    #[error("{what}")]
    Threshold {
        /// What was passed.
        what: String,
    },
    /// Something that was looked at does not work, which the answer told.
    #[error("{what}")]
    Unwell {
        /// What.
        what: String,
    },
    /// Whoever read the answer has stopped reading.
    #[error("nobody reads on")]
    Closed,
    /// Ctrl-C or a request to end.
    #[error("interrupted")]
    Interrupted {
        /// The signal's number.
        signal: u8,
    },
}

/// Where a question went, as messages name it. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The URL.
    pub url: String,
    /// The user; nothing means ClickHouse's `default`.
    pub user: Option<String>,
    /// The database.
    pub database: String,
    /// Whether nothing was configured, so that it is the local stack.
    pub is_local: bool,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Output(error) }
    }
}

impl From<aws::Fault> for Error {
    fn from(fault: aws::Fault) -> Self {
        Self::Aws(fault)
    }
}

impl Error {
    /// The exit code: what a script can tell by it stands in `--help`.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Local(_) | Self::Output(_) | Self::Unwell { .. } => 1,
            Self::Usage { .. } | Self::Unclear { .. } | Self::Misread { .. } => 2,
            Self::NotFound { .. } => 3,
            Self::ClickHouse { fault, .. } => match fault.kind {
                FaultKind::Denied => 4,
                FaultKind::Unreachable | FaultKind::NotClickHouse | FaultKind::TooSlow => 5,
                FaultKind::NoDatabase | FaultKind::NoTable => 8,
                FaultKind::Busy | FaultKind::ReadOnly | FaultKind::Failed => 1,
            },
            Self::Aws(fault) => match fault.kind {
                aws::FaultKind::Credentials | aws::FaultKind::Denied => 4,
                aws::FaultKind::Unreachable | aws::FaultKind::Throttled => 5,
                aws::FaultKind::NotFound => 3,
                aws::FaultKind::Conflict | aws::FaultKind::Changing | aws::FaultKind::Failed => 1,
            },
            Self::Truncated { .. } => 6,
            Self::Threshold { .. } => 7,
            Self::Interrupted { signal } => 128 + *signal,
        }
    }

    /// What stderr says, its last line being what to do; nothing when there is nothing to say.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let mut lines = match self {
            Self::Closed | Self::Interrupted { .. } => return None,
            Self::Unclear { help } => return Some(help.trim_end().to_owned()),
            _ => vec![format!("error: {}", inert(&self.to_string()))],
        };
        if let Self::Misread { text, at, .. } = self {
            let columns = width(&inert(text.get(..*at).unwrap_or_default()));
            lines.push(format!("  {}", inert(text)));
            lines.push(format!("  {:columns$}^", ""));
        }
        if let Self::NotFound { similar, .. } = self
            && !similar.is_empty()
        {
            lines.push(format!("  did you mean: {}", inert(&similar.join(", "))));
        }
        lines.extend(self.next().map(|next| format!("  try: {}", inert(&next))));
        Some(lines.join("\n"))
    }

    /// What to do about it.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        match self {
            Self::Usage { next, .. } => next.clone(),
            Self::NotFound { next, .. } | Self::Truncated { next, .. } | Self::Misread { next, .. } => {
                Some(next.clone())
            }
            Self::ClickHouse { fault, at } => Some(remedy(fault, at)),
            Self::Aws(fault) => fault.remedy(),
            _ => None,
        }
    }
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

fn sentence(fault: &Fault, at: &Place) -> String {
    let Place { url, database, .. } = at;
    let user = at.user.as_deref().unwrap_or("default");
    match fault.kind {
        FaultKind::Unreachable => format!("cannot reach ClickHouse at {url}: {fault}"),
        FaultKind::NotClickHouse => format!("what answers at {url} is not ClickHouse's HTTP interface: {fault}"),
        FaultKind::Denied => format!("ClickHouse at {url} refuses user {user}: {fault}"),
        FaultKind::NoDatabase => format!("ClickHouse at {url} has no database {database}"),
        FaultKind::NoTable => format!("database {database} at {url} does not hold ClickStack's tables ({fault})"),
        FaultKind::TooSlow => format!("the question took longer than it was allowed to: {fault}"),
        FaultKind::Busy => format!("ClickHouse at {url} has too much to do: {fault}"),
        FaultKind::ReadOnly | FaultKind::Failed => format!("ClickHouse at {url} could not answer: {fault}"),
    }
}

fn remedy(fault: &Fault, at: &Place) -> String {
    match fault.kind {
        FaultKind::Unreachable if at.is_local => {
            "start the local stack with `lambdaview local`, or name a server with --url or CLICKHOUSE_URL".to_owned()
        }
        FaultKind::Unreachable if fault.message.contains("certificate") => {
            "name the server's authority with --ca FILE or CLICKHOUSE_CA".to_owned()
        }
        FaultKind::Unreachable if fault.message.contains("InvalidContentType") => {
            "the port for https, 8443 as a rule; this one speaks plain http".to_owned()
        }
        FaultKind::Unreachable => format!("curl {}/ping, which must say Ok.", at.url.trim_end_matches('/')),
        FaultKind::NotClickHouse => {
            "--url with the HTTP port: 8123 as a rule, 8443 with https (9000 is the native protocol, 8080 the web UI)".to_owned()
        }
        FaultKind::Denied => {
            "--user NAME with CLICKHOUSE_PASSWORD, --password-file FILE or --ask-password; the user needs SELECT on the otel_ tables".to_owned()
        }
        FaultKind::NoDatabase => "--database NAME; `SHOW DATABASES` lists them".to_owned(),
        FaultKind::NoTable => {
            "--database NAME if they are in another one; ClickStack's collector makes them when it starts, and so does `lambdaview local`".to_owned()
        }
        FaultKind::TooSlow => "a shorter --since, or a longer --timeout".to_owned(),
        FaultKind::Busy => "again in a moment".to_owned(),
        FaultKind::ReadOnly | FaultKind::Failed => format!("lambdaview {} is what this is; the server's log has more", env!("CARGO_PKG_VERSION")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: FaultKind, message: &str, is_local: bool) -> Error {
        let at = Place {
            url: "http://ch:8123".to_owned(),
            user: Some("viewer".to_owned()),
            database: "otel".to_owned(),
            is_local,
        };
        Error::ClickHouse { fault: Fault { kind, message: message.to_owned() }, at }
    }

    #[test]
    fn every_fault_says_what_why_and_what_to_do() {
        let said = [
            error(FaultKind::Unreachable, "Connection refused (os error 111)", true),
            error(FaultKind::Unreachable, "invalid peer certificate: UnknownIssuer", false),
            error(FaultKind::Denied, "viewer: Authentication failed", false),
            error(FaultKind::NoDatabase, "", false),
        ]
        .map(|error| format!("{} {}", error.exit_code(), error.message().unwrap()))
        .join("\n");
        insta::assert_snapshot!(said, @r#"
        5 error: cannot reach ClickHouse at http://ch:8123: Connection refused (os error 111)
          try: start the local stack with `lambdaview local`, or name a server with --url or CLICKHOUSE_URL
        5 error: cannot reach ClickHouse at http://ch:8123: invalid peer certificate: UnknownIssuer
          try: name the server's authority with --ca FILE or CLICKHOUSE_CA
        4 error: ClickHouse at http://ch:8123 refuses user viewer: viewer: Authentication failed
          try: --user NAME with CLICKHOUSE_PASSWORD, --password-file FILE or --ask-password; the user needs SELECT on the otel_ tables
        8 error: ClickHouse at http://ch:8123 has no database otel
          try: --database NAME; `SHOW DATABASES` lists them
        "#);
    }

    #[test]
    fn a_name_from_elsewhere_cannot_act_on_the_terminal() {
        let error =
            Error::NotFound { what: "no \x1b[2J".to_owned(), similar: vec!["\x07".to_owned()], next: "x".to_owned() };
        assert!(!error.message().unwrap().contains(['\x1b', '\x07']));
    }

    #[test]
    fn what_was_misread_is_shown_with_a_sign_at_the_place() {
        let misread = Error::Misread {
            what: "`and` or `or` is missing".to_owned(),
            text: "a\tb".to_owned(),
            at: 2,
            next: "x".to_owned(),
        };
        insta::assert_snapshot!(misread.message().unwrap(), @r"
        error: `and` or `or` is missing
          a    b
               ^
          try: x
        ");
    }

    #[test]
    fn a_reader_who_left_is_no_failure() {
        let error = Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((error.exit_code(), error.message()), (0, None));
    }
}
