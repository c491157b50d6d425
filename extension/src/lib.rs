//! From Lambda to ClickStack. The modules stand in the order in which data passes them; the picture is in README.md. What runs
//! for every line stands in `pipeline`, a crate of its own.

pub use lambdaview_pipeline::{flow, normalise};

pub mod clock;
pub mod config;
pub mod console;
pub mod error;

pub mod lambda;
pub mod otlp;
pub mod rpc;

pub mod intake;

pub mod buffer;
pub mod spool;

pub mod dispatch;
pub mod export;
pub mod ledger;
pub mod secrets;
pub mod tally;

pub mod driver;
pub mod lifecycle;
pub mod startup;
