//! What must hold, one file a behaviour.

mod platform;
mod tidy;
