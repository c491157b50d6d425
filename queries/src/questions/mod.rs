//! What lambdaview asks of ClickStack's tables, one question a file, its SQL beside it in `sql/questions/`.
//!
//! Every question goes through a [`Session`], which knows the tables' layout and the settings this user may send.

mod asked;
mod attributes;
mod condition;
mod dialect;
mod fault;
mod granules;
mod known;
mod question;
mod session;
mod settings;
mod text;

pub mod aliases;
pub mod bytes;
pub mod cold;
pub mod environments;
pub mod errors;
pub mod function;
pub mod functions;
pub mod health;
pub mod invocations;
pub mod lines;
pub mod marks;
pub mod measures;
pub mod oldest;
pub mod overlap;
pub mod raw;
pub mod samples;
pub mod silent;
pub mod trace;
pub mod whole;

pub use asked::Asked;
pub use attributes::Attributes;
pub use fault::{Fault, FaultKind};
pub use session::{Answered, Cost, Session, Tag};
pub use text::Text;
