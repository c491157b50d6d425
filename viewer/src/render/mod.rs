//! Answers as text: for people in columns, for programs as JSON. Nothing here asks or writes.

pub mod context;
pub mod cost;
pub mod json;
pub mod line;
mod record;
pub mod schema;
pub mod style;
pub mod table;
pub mod trace;
pub mod waterfall;
