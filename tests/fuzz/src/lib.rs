//! What must hold for every input, one file a property. Each is a function of bytes that panics where it does not hold.
//!
//! The bytes are always a readable text or a real message, so that what a run finds, and what it starts from, can be read.
//! Where something valid must survive, it stands around the input: nothing that is put between may cost it.

pub mod env_files;
pub mod headers;
pub mod log_lines;
pub mod otlp_bodies;
pub mod secret_references;
pub mod telemetry_batches;

mod arrived;
mod given;
