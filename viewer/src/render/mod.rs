//! Answers as text: for people in columns, for programs as JSON. Nothing here asks or writes.

pub mod block;
pub mod cold;
pub mod context;
pub mod cost;
pub mod doctor;
pub mod environments;
pub mod errors;
pub mod fields;
pub mod functions;
pub mod grid;
pub mod invocations;
pub mod json;
pub mod line;
pub mod patterns;
pub mod plan;
mod record;
pub mod schema;
pub mod style;
pub mod trace;
pub mod waterfall;
