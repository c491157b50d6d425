//! From Lambda to ClickStack. The modules stand in the order in which data passes them; the picture is in README.md.

pub mod clock;
pub mod config;
pub mod error;
pub mod flow;
pub mod lifecycle;
pub mod rpc;
pub mod tally;

pub mod lambda;
pub mod otlp;

pub mod normalise;

pub mod buffer;
pub mod spool;

pub mod export;
pub mod secrets;

pub mod driver;
