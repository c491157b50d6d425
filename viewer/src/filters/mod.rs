//! What was typed to choose lines, as one [`Filter`]: `-q` expressions, `-w` conditions, CloudWatch's filter patterns.

mod cloudwatch;
mod condition;
mod expression;
mod level;

pub use cloudwatch::pattern;
pub use condition::condition;
pub use expression::expression;
pub use level::{BadLevel, Level};

/// Text that cannot be understood from one place on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Misread {
    /// What cannot be understood.
    pub what: String,
    /// Where, in bytes.
    pub at: usize,
    /// What to write instead.
    pub next: String,
}
