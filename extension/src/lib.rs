//! From Lambda to ClickStack. The modules stand in the order in which data passes them; the picture is in README.md.

pub mod clock;
pub mod config;
pub mod console;
pub mod error;
pub mod flow;

pub mod lambda;
pub mod otlp;
pub mod rpc;

pub mod intake;

pub mod normalise;

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
