//! ClickStack's tables and the questions lambdaview asks them. SQL stands in `sql/` and nowhere else.

pub mod engine;
pub mod filter;
mod macros;
pub mod name;
pub mod questions;
pub mod schema;
pub mod tables;
pub mod window;
