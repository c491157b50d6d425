//! `lambdaview tail` and `lambdaview logs`: the lines there are, then every line that arrives, each exactly once.
//!
//! The order makes the handover whole: first a note of what is there ([`watch::Watch`]), then the history, then whatever was
//! not there and not in the history. What happens to lines on their way to the screen is [`Pipeline`]'s: an [`Audience`].

mod context;
mod ending;
mod follow;
mod group;
mod noise;
mod outlet;
mod pipeline;
mod platform;
mod reorder;
pub(crate) mod watch;

pub use context::Around;
pub use ending::{BadRate, Ending, Rate, Stops};
pub use follow::{Audience, Note, run};
pub(crate) use follow::{passes, unknown};
pub use outlet::Outlet;
pub use pipeline::{Pipeline, Steps, Tally};

use std::time::Duration;

use lambdaview_queries::{filter::Filter, name::NamePattern, questions::lines::Detail};

use crate::ask::{Amount, Since};

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    /// Whose lines; none means everybody's.
    pub functions: Vec<NamePattern>,
    /// From when on.
    pub since: Option<Since>,
    /// Before when.
    pub until: Option<Since>,
    /// How many of the last lines.
    pub lines: Option<Amount>,
    /// The stretch of time when neither a start nor a number was typed.
    pub default_since: Duration,
    /// At most so many lines of those that are there.
    pub max_rows: Option<u64>,
    /// Whether to go on.
    pub follow: bool,
    /// How long to go on.
    pub limit: Option<Duration>,
    /// Which lines the server is asked for.
    pub filter: Filter,
    /// What is read of each line beside its text.
    pub detail: Detail,
    /// What is sought among these lines, with its neighbours; nothing where each line is.
    pub context: Option<(Around, Filter)>,
}
