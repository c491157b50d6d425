//! Colours by what a thing is, in one place; none at all where they are not wanted.

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Times, ids and rules: there when looked for.
    Faint,
    /// Headings and names.
    Strong,
    /// An error, a failed span.
    Error,
    /// A warning, a late line.
    Warning,
    /// An id to go on with.
    Id,
    /// What comes, what is well.
    Good,
    /// A bar.
    Bar,
    /// A part of an invocation that the platform tells of.
    Phase,
    /// What the end of a trace waited for.
    Critical,
    /// What was searched for.
    Match,
}

impl Role {
    /// What follows `ESC [` and stands before `m`.
    const fn code(self) -> &'static str {
        match self {
            Self::Faint => "2",
            Self::Strong => "1",
            Self::Error => "31",
            Self::Warning => "33",
            Self::Id => "36",
            Self::Good => "32",
            Self::Bar => "34",
            Self::Phase => "35",
            Self::Critical => "93",
            Self::Match => "7",
        }
    }
}

/// Whether to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// With colours.
    pub colour: bool,
}

impl Paint {
    /// `text`, in the colour of its role.
    #[must_use]
    pub fn paint(self, role: Role, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = role.code();
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Appends what `write` does, in the colour of a role.
    pub fn around(self, role: Option<Role>, into: &mut String, write: impl FnOnce(&mut String)) {
        match role.filter(|_| self.colour) {
            None => write(into),
            Some(role) => {
                into.push_str("\x1b[");
                into.push_str(role.code());
                into.push('m');
                write(into);
                into.push_str("\x1b[0m");
            }
        }
    }

    /// The role of a severity number of OpenTelemetry, if it stands out.
    #[must_use]
    pub const fn of_severity(number: u8) -> Option<Role> {
        match number {
            1..=8 => Some(Role::Faint),
            13..=16 => Some(Role::Warning),
            17..=24 => Some(Role::Error),
            _ => None,
        }
    }

    /// `text`, coloured if its role stands out.
    #[must_use]
    pub fn maybe(self, role: Option<Role>, text: &str) -> String {
        role.map_or_else(|| text.to_owned(), |role| self.paint(role, text))
    }
}
