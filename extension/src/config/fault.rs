//! What is wrong with a configuration, in words that mend it and never show a secret.

use std::fmt;

/// One thing that is wrong with the configuration, without any value that could be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable, or several of them.
    pub variable: String,
    /// What is wrong with it.
    pub problem: String,
    /// How to mend it.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.variable, self.problem, self.remedy)
    }
}

/// All that is wrong, in one line; nothing when nothing is.
#[must_use]
pub fn report(faults: &[Fault]) -> Option<String> {
    let told: Vec<String> = match faults {
        [] => return None,
        [only] => return Some(format!("configuration: {only}")),
        faults => faults.iter().enumerate().map(|(nth, fault)| format!("({}) {fault}", nth + 1)).collect(),
    };
    Some(format!("configuration, {} faults: {}", told.len(), told.join(" ")))
}
